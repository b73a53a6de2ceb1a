"""The prompt: typing, completion, log lines, leaving."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from server.cli import console as module
from server.cli.console import LocalConsole, RemoteConsole
from server.cli.options import Options
from server.cli.server import ControlServer
from server.config.sections.asterisk import ControlFiles

logger = logging.getLogger("arion.tests")
CTRL_D = "\x04"


@pytest.fixture
async def keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[PipeInput]:
    monkeypatch.setenv("HOME", str(tmp_path))
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        yield pipe


@pytest.fixture
async def remote(cli: Any, tmp_path: Path) -> AsyncIterator[RemoteConsole]:
    path = str(tmp_path / "x.ctl")
    control = ControlServer(cli.context, cli.registry, path, ControlFiles())
    await control.start()
    reader, writer = await asyncio.open_unix_connection(path)
    yield RemoteConsole(reader, writer, Options(verbose=3))
    writer.close()
    await control.close()


async def test_a_remote_console_runs_commands_until_quit(
    remote: RemoteConsole, keys: PipeInput, capsys: pytest.CaptureFixture[str]
) -> None:
    keys.send_text("core show uptime seconds\rnonsense\rquit\r")
    assert await remote.run()
    output = capsys.readouterr().out
    assert output.startswith("Connected to Arion 1.2.3 currently running on ")
    assert "System uptime: 65" in output
    assert "No such command 'nonsense'" in output


async def test_tab_completes_with_what_the_server_knows(
    remote: RemoteConsole, keys: PipeInput, capsys: pytest.CaptureFixture[str]
) -> None:
    keys.send_text("core show upt\t")
    running = asyncio.get_running_loop().create_task(remote.run())
    await until(lambda: keys_typed() == "core show uptime ")
    keys.send_text("seconds\r" + CTRL_D)
    assert await running
    assert "System uptime: 65" in capsys.readouterr().out


async def test_log_lines_are_shown_in_colour(
    cli: Any, remote: RemoteConsole, keys: PipeInput, capsys: pytest.CaptureFixture[str]
) -> None:
    running = asyncio.get_running_loop().create_task(remote.run())
    await until(lambda: bool(cli.log.consoles))
    logger.error("trouble")
    shown: list[str] = []

    def is_shown() -> bool:
        shown.append(capsys.readouterr().out)
        return "trouble" in shown[-1]

    await until(is_shown)
    assert "\033[1;31m" in shown[-1]
    keys.send_text(CTRL_D)
    assert await running


async def test_it_notices_that_the_server_left(
    cli: Any, tmp_path: Path, keys: PipeInput, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "y.ctl")
    control = ControlServer(cli.context, cli.registry, path, ControlFiles())
    await control.start()
    reader, writer = await asyncio.open_unix_connection(path)
    running = asyncio.get_running_loop().create_task(RemoteConsole(reader, writer, Options()).run())
    await until(lambda: bool(cli.log.consoles))
    await control.close()
    assert not await running
    assert "Disconnected from the server" in capsys.readouterr().out


async def test_the_shell_is_reached_unless_it_is_disabled(
    cli: Any,
    remote: RemoteConsole,
    keys: PipeInput,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SHELL", "/bin/sh")
    keys.send_text(f"!echo here > {tmp_path}/made\r" + CTRL_D)
    await remote.run()
    assert (tmp_path / "made").read_text() == "here\n"


async def test_a_disabled_shell_is_not_reached(
    cli: Any, keys: PipeInput, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asterisk = cli.context.configuration.asterisk
    options = replace(asterisk.options, disable_remote_console_shell=True)
    cli.context.configuration = replace(
        cli.context.configuration, asterisk=replace(asterisk, options=options)
    )
    path = str(tmp_path / "z.ctl")
    control = ControlServer(cli.context, cli.registry, path, ControlFiles())
    await control.start()
    reader, writer = await asyncio.open_unix_connection(path)
    keys.send_text(f"!echo here > {tmp_path}/made\r" + CTRL_D)
    await RemoteConsole(reader, writer, Options()).run()
    await control.close()
    assert not (tmp_path / "made").exists()
    assert "the shell is disabled" in capsys.readouterr().out


async def test_history_is_kept_for_its_owner_only(
    remote: RemoteConsole, keys: PipeInput, tmp_path: Path
) -> None:
    keys.send_text("core show version\r" + CTRL_D)
    await remote.run()
    path = tmp_path / ".arion_history"
    assert "core show version" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


async def test_the_local_console(
    cli: Any,
    keys: PipeInput,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "patch_stdout", lambda raw: nullcontext())
    console = LocalConsole(cli.context, cli.registry, Options(verbose=3), "host")
    keys.send_text("core show uptime seconds\rcore set verbose 5\rnonsense\r" + CTRL_D)
    await console.run()
    output = capsys.readouterr().out
    assert "System uptime: 65" in output
    assert "Console verbose was 3 and is now 5." in output
    assert "No such command 'nonsense'" in output
    assert cli.log.consoles == []


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens in another task."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


def keys_typed() -> str:
    """Return what stands at the prompt now."""
    from prompt_toolkit.application import get_app_or_none

    app = get_app_or_none()
    return app.current_buffer.text if app is not None else ""
