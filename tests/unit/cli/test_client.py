"""Single commands from outside, and the whole command line."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.__main__ import main
from server.cli.client import run_command
from server.cli.server import ControlServer
from server.config.sections.asterisk import ControlFiles


@pytest.fixture
async def socket_path(cli: Any, tmp_path: Path) -> AsyncIterator[str]:
    path = str(tmp_path / "asterisk.ctl")
    control = ControlServer(cli.context, cli.registry, path, ControlFiles())
    await control.start()
    yield path
    await control.close()


async def test_output_goes_to_standard_output(
    socket_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asyncio.to_thread(run_command, socket_path, "core show uptime seconds") == 0
    assert capsys.readouterr().out == "System uptime: 65\nLast reload: 5\n"


async def test_a_failed_command_ends_with_1(
    socket_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asyncio.to_thread(run_command, socket_path, "nonsense") == 1
    assert capsys.readouterr().out.startswith("No such command")


async def test_a_long_list_is_printed_whole(
    cli: Any, socket_path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2000):
        cli.node.store.put("family", f"key{number:04}", "value")
    assert await asyncio.to_thread(run_command, socket_path, "database show family") == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].startswith("/family/key0000")
    assert (len(rows), rows[-1]) == (2001, "2000 results found.")


def test_no_server_is_one_line_and_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(str(tmp_path / "none.ctl"), "core show version") == 1
    error = capsys.readouterr().err
    assert error.startswith("arion: unable to connect to the server (No such file")
    assert error.count("\n") == 1


async def test_rx_finds_the_socket_through_asterisk_conf(
    socket_path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["-C", str(tmp_path / "asterisk.conf"), "-rx", "core show version"]
    assert await asyncio.to_thread(main, arguments) == 0
    assert capsys.readouterr().out.startswith("Arion 1.2.3")
    assert await asyncio.to_thread(main, ["-s", socket_path, "-x", "core waitfullybooted"]) == 0


async def test_without_a_terminal_commands_come_from_standard_input(
    socket_path: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("core show uptime seconds\n\nnonsense\n"))
    assert await asyncio.to_thread(main, ["-r", "-s", socket_path]) == 1
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-V"]) == 0
    assert capsys.readouterr().out.startswith("Arion ")
    assert main(["-h"]) == 0
    assert "-C FILE" in capsys.readouterr().out


def test_wrong_flags_end_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-Z"]) == 2
    assert capsys.readouterr().err == "arion: unknown flag -Z; try -h\n"


def test_wrong_configuration_is_one_line_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "asterisk.conf"
    path.write_text("[options]\nverbose = lots\n")
    assert main(["-C", str(path), "-f"]) == 1
    expected = f"arion: {path}:2: verbose: expected a whole number from 0 to 1000, not 'lots'\n"
    assert capsys.readouterr().err == expected


def test_missing_configuration_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-C", str(tmp_path / "none.conf"), "-f"]) == 1
    assert capsys.readouterr().err == f"arion: {tmp_path}/none.conf: no such file\n"


async def test_a_second_server_is_refused(
    socket_path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asyncio.to_thread(main, ["-C", str(tmp_path / "asterisk.conf"), "-f"]) == 1
    assert "a server is already running" in capsys.readouterr().err
