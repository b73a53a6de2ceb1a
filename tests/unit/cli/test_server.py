"""The control socket."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.base.errors import ConfigError, InvalidArgument, RemoteProtocolError, Unavailable
from server.base.log import NOTICE, log_verbose
from server.cli import server as module
from server.cli.protocol import decode
from server.cli.server import ControlServer, is_served, may_connect
from server.config.sections.asterisk import ControlFiles
from server.config.sections.cli import Cli, Permissions, Rule

logger = logging.getLogger("arion.tests")


class Peer:
    """A client that speaks the protocol by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, path: str) -> Peer:
        return cls(*await asyncio.open_unix_connection(path))

    def send(self, message: Any) -> None:
        data = message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"
        self._writer.write(data)

    async def receive(self) -> Any:
        async with asyncio.timeout(10):
            line = await self._reader.readline()
        return json.loads(line) if line else None

    async def ask(self, message: Any) -> Any:
        self.send(message)
        return await self.receive()

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def abandon(self) -> None:
        with suppress(ConnectionError):
            await self.close()


async def until_left(control: ControlServer) -> None:
    """Wait until the server has noticed that its peers are gone."""
    async with asyncio.timeout(10):
        while control.session_count:
            await asyncio.sleep(0)


@pytest.fixture
async def control(cli: Any, tmp_path: Path) -> AsyncIterator[ControlServer]:
    files = ControlFiles(astctlpermissions=0o660)
    control = ControlServer(cli.context, cli.registry, str(tmp_path / "x.ctl"), files)
    await control.start()
    yield control
    await control.close()
    assert not (tmp_path / "x.ctl").exists()


@pytest.fixture
async def peer(control: ControlServer, tmp_path: Path) -> AsyncIterator[Peer]:
    found = await Peer.connect(str(tmp_path / "x.ctl"))
    hello = (await found.receive())["hello"]
    assert (hello["pid"], hello["version"]) == (os.getpid(), "1.2.3")
    yield found
    await found.close()


async def test_commands_are_answered_in_order(peer: Peer) -> None:
    peer.send({"command": "core show uptime seconds"})
    peer.send({"command": "nonsense"})
    peer.send({"command": ""})
    assert await peer.receive() == {"output": "System uptime: 65\nLast reload: 5", "status": 0}
    failure = await peer.receive()
    assert failure["status"] == 1
    assert failure["output"].startswith("No such command 'nonsense'")
    assert await peer.receive() == {"output": "", "status": 0}


async def test_completion(peer: Peer) -> None:
    answer = await peer.ask({"complete": "core show up"})
    assert answer == {"completions": ["uptime"], "line": "core show up"}


async def test_a_failing_command_is_logged_and_answered(
    cli: Any, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    cli.context.dialplan = None
    answer = await peer.ask({"command": "dialplan show"})
    assert answer == {"output": "the command failed; see the log", "status": 1}
    assert "command 'dialplan show' failed" in caplog.text


async def test_once_sets_the_server_and_a_console_itself(cli: Any, peer: Peer) -> None:
    await peer.ask({"command": "core set verbose 3", "once": True})
    assert cli.log.verbose == 3
    await peer.ask({"command": "core set verbose 5"})
    assert cli.log.verbose == 3


async def test_log_lines_reach_consoles_that_watch(cli: Any, peer: Peer) -> None:
    log_verbose(logger, 1, "before")
    peer.send({"verbose": 2, "debug": 0, "mute": False})
    await peer.ask({"command": ""})
    log_verbose(logger, 2, "two")
    log_verbose(logger, 3, "three")
    logger.log(NOTICE, "noticed\x1b")
    assert await peer.receive() == {"log": "  == two", "level": "VERBOSE"}
    line = await peer.receive()
    assert line["level"] == "NOTICE"
    assert line["log"].endswith(": noticed\\x1b")


async def test_log_lines_from_other_threads_arrive(cli: Any, peer: Peer) -> None:
    peer.send({"verbose": 2, "debug": 0, "mute": False})
    await peer.ask({"command": ""})
    await asyncio.to_thread(logger.warning, "from afar")
    assert (await peer.receive())["log"].endswith("from afar")


async def test_consoles_leave_nothing_behind(
    cli: Any, control: ControlServer, tmp_path: Path
) -> None:
    peers = [await Peer.connect(str(tmp_path / "x.ctl")) for _ in range(3)]
    for peer in peers:
        await peer.receive()
        peer.send({"verbose": 9, "debug": 9, "mute": False})
        await peer.ask({"command": ""})
    assert (control.session_count, len(cli.log.consoles)) == (3, 3)
    for peer in peers:
        await peer.close()
    await until_left(control)
    assert cli.log.consoles == []


async def test_a_slow_console_loses_lines_and_is_told(
    cli: Any, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_UNSENT", 10_000)
    peer.send({"verbose": 0, "debug": 0, "mute": False})
    await peer.ask({"command": ""})
    for number in range(3000):
        logger.warning("%d %s", number, "x" * 500)
    await asyncio.sleep(0)
    seen = 0
    while "lines were not shown" not in (line := await peer.receive())["log"]:
        seen += 1
        if seen % 20 == 0:
            logger.warning("again")
    assert line["level"] == "WARNING"
    assert seen < 3000


@pytest.mark.parametrize(
    "garbage",
    [b"nonsense\n", b"[1]\n", b"{}\n", b'{"command": 1}\n', b"\xff\n", b"[" * 2000 + b"\n"],
)
async def test_whoever_breaks_the_protocol_is_cut(peer: Peer, garbage: bytes) -> None:
    assert await peer.ask(garbage) is None


async def test_endless_lines_are_cut(peer: Peer) -> None:
    peer.send(b'{"command": "' + b"x" * 200_000)
    assert await peer.receive() is None


async def test_half_a_line_is_not_obeyed(cli: Any, control: ControlServer, tmp_path: Path) -> None:
    peer = await Peer.connect(str(tmp_path / "x.ctl"))
    peer.send(b'{"command": "core stop now"}')
    await peer.close()
    await asyncio.sleep(0.01)
    await until_left(control)
    assert cli.lifecycle.asked == []


async def test_a_flood_of_commands_lets_others_run(cli: Any, peer: Peer) -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.get_running_loop().create_task(count_turns())
    peer.send(b'{"command": "core show uptime"}\n' * 500)
    for _ in range(500):
        assert (await peer.receive())["status"] == 0
    counting.cancel()
    assert turns >= 500


async def test_a_long_list_is_sent_piece_by_piece(cli: Any, peer: Peer) -> None:
    for number in range(2000):
        cli.node.store.put("family", f"key{number:04}", "value")
    answer = await peer.ask({"command": "database show family"})
    output = answer["output"]
    pieces = 1
    while answer.get("more"):
        answer = await peer.receive()
        output += answer["output"]
        pieces += 1
    assert pieces > 2
    assert answer["status"] == 0
    assert len(output.splitlines()) == 2001


async def test_permissions_are_those_of_the_peer(cli: Any, peer: Peer) -> None:
    permissions = Permissions(users={os.getuid(): [Rule("core show version", False)]})
    configuration = replace(cli.context.configuration, cli=Cli(permissions=permissions))
    cli.context.configuration = configuration
    answer = await peer.ask({"command": "core show ver"})
    assert answer["output"] == "You don't have permissions to run 'core show version' command"
    assert (await peer.ask({"command": "core show uptime"}))["status"] == 0


@given(st.lists(st.binary(max_size=60), max_size=5))
@settings(max_examples=40, deadline=None)
def test_any_bytes_are_decoded_or_refused(lines: list[bytes]) -> None:
    for line in lines:
        with suppress(RemoteProtocolError):
            assert isinstance(decode(line), dict)


async def test_consoles_are_bounded(
    control: ControlServer, peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_CONSOLES", 1)
    other = await Peer.connect(str(tmp_path / "x.ctl"))
    with suppress(ConnectionResetError):
        assert await other.receive() is None
    await other.abandon()
    assert control.refused == 1


async def test_socket_has_the_configured_permissions(
    control: ControlServer, tmp_path: Path
) -> None:
    mode = (tmp_path / "x.ctl").stat().st_mode
    assert stat.S_IMODE(mode) == 0o660


async def test_socket_is_for_its_owner_unless_told_otherwise(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "y.ctl"
    control = ControlServer(cli.context, cli.registry, str(path), ControlFiles())
    await control.start()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    await control.close()


async def test_a_second_server_is_refused_and_a_dead_ones_socket_replaced(
    cli: Any, control: ControlServer, tmp_path: Path
) -> None:
    path = str(tmp_path / "x.ctl")
    second = ControlServer(cli.context, cli.registry, path, ControlFiles())
    with pytest.raises(Unavailable, match="already running"):
        await second.start()
    await asyncio.sleep(0.01)  # the probe's connection comes and goes
    await until_left(control)
    control._server.close()
    assert Path(path).exists()
    assert not await asyncio.to_thread(is_served, path)
    await second.start()
    assert await asyncio.to_thread(is_served, path)
    await control.close()
    await asyncio.sleep(0.01)
    await until_left(second)
    assert Path(path).exists(), "the socket of a later server is not removed"
    await second.close()


@pytest.mark.parametrize(
    ("files", "error"),
    [
        (ControlFiles(astctlowner="nobody-of-that-name"), ConfigError),
        (ControlFiles(astctlgroup="nobody-of-that-name"), ConfigError),
    ],
)
async def test_unknown_owners_are_refused(
    cli: Any, tmp_path: Path, files: ControlFiles, error: type[Exception]
) -> None:
    control = ControlServer(cli.context, cli.registry, str(tmp_path / "z.ctl"), files)
    with pytest.raises(error):
        await control.start()


async def test_paths_that_can_not_be_sockets_are_refused(cli: Any, tmp_path: Path) -> None:
    long = ControlServer(cli.context, cli.registry, "/" + "x" * 200, ControlFiles())
    with pytest.raises(InvalidArgument, match="longer than"):
        await long.start()
    missing = str(tmp_path / "none" / "x.ctl")
    with pytest.raises(Unavailable, match="No such file"):
        await ControlServer(cli.context, cli.registry, missing, ControlFiles()).start()


@pytest.mark.parametrize(
    ("uid", "files", "may"),
    [
        (0, ControlFiles(), True),
        (os.geteuid(), ControlFiles(), True),
        (54321, ControlFiles(), False),
        (54321, ControlFiles(astctlpermissions=0o660), False),
        (54321, ControlFiles(astctlpermissions=0o666), True),
        (1, ControlFiles(astctlowner="daemon"), True),
        (1, ControlFiles(astctlgroup="daemon", astctlpermissions=0o660), True),
        (2, ControlFiles(astctlgroup="daemon", astctlpermissions=0o660), False),
        (2, ControlFiles(astctlgroup="none", astctlpermissions=0o660), False),
    ],
)
def test_who_may_connect(uid: int, files: ControlFiles, may: bool) -> None:
    assert may_connect(uid, files) is may
