"""The real server's console, and peers at its socket that are half, many, endless or mad."""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.server_process import ARION, ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")
FLOOD = 5_000  # commands
PEERS = 128  # that may be connected; see MAX_CONSOLES


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    made = ServerProcess(tmp_path_factory.mktemp("console") / "var")
    etc = made.var / "etc"
    (etc / "cli.conf").write_text("[startup_commands]\ndatabase put at start yes = yes\n")
    (etc / "cli_aliases.conf").write_text("[general]\ntemplate=t\n[t]\nup=core show uptime\n")
    await made.start()
    try:
        yield made
        assert not re.findall(r"(?m)^.*(?:Traceback|\bERROR\b).*$", made.log)
        assert await made.stop() == 0
    finally:
        if made.process and made.process.returncode is None:
            await made.kill()


def connect(server: ServerProcess) -> socket.socket:
    """Connect, and take the server's greeting."""
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(10)
    peer.connect(str(server.var / "run/asterisk.ctl"))
    assert b"hello" in peer.recv(65536)
    return peer


async def test_files_of_the_console_are_obeyed(server: ServerProcess) -> None:
    assert await server.cli("database get at start") == "Value: yes\n"
    assert re.fullmatch(r"System uptime: \d+\nLast reload: \d+\n", await server.cli("up seconds"))


async def test_a_reader_that_has_enough_ends_the_command(server: ServerProcess) -> None:
    command = f"{ARION} -C {server.var}/etc/asterisk.conf -rx 'core show functions' | head -1"
    process = await asyncio.create_subprocess_shell(
        command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert output == b"Installed Custom Functions:\n"
    assert errors == b""


@pytest.mark.parametrize(
    "garbage",
    [
        random.Random(8).randbytes(100_000),
        b"\0" * 100_000,
        b"{" * 100_000,
        b'{"command": 1}\n',
        b"\n" * 1000,
    ],
    ids=["binary", "zeros", "endless", "wrong", "empty"],
)
async def test_whoever_breaks_the_protocol_is_cut(server: ServerProcess, garbage: bytes) -> None:
    def talk() -> None:
        with connect(server) as peer:
            try:
                peer.sendall(garbage)
                while peer.recv(65536):
                    pass
            except ConnectionError:
                pass

    await asyncio.to_thread(talk)
    assert "active channel" in await server.cli("core show channels count")


async def test_half_a_command_is_not_run(server: ServerProcess) -> None:
    def talk() -> None:
        with connect(server) as peer:
            peer.sendall(b'{"command": "database put half line yes"}')

    await asyncio.to_thread(talk)
    assert await server.cli("database get half line") == "Database entry not found.\n"


async def test_a_flood_of_commands_leaves_room_for_others(server: ServerProcess) -> None:
    line = b'{"command": "core show uptime", "once": true}\n'

    def talk() -> int:
        with connect(server) as peer, peer.makefile("rb") as answers:
            sender = peer.dup()
            left = memoryview(line * FLOOD)
            sender.setblocking(False)
            count = 0
            while count < FLOOD:
                try:
                    left = left[sender.send(left) :] if left else left
                except BlockingIOError:
                    pass
                assert json.loads(answers.readline())["status"] == 0
                count += 1
            sender.close()
            return count

    flood = asyncio.create_task(asyncio.to_thread(talk))
    longest = 0.0
    loop = asyncio.get_running_loop()
    while not flood.done():
        begin = loop.time()
        await server.request("GET", "/asterisk/ping", expect=200)
        longest = max(longest, loop.time() - begin)
    assert await flood == FLOOD
    assert longest < 1.0  # s; a request of its own takes a few ms


async def test_consoles_that_only_sit_there_are_bounded_and_forgotten(
    server: ServerProcess,
) -> None:
    before = server.open_files()
    peers = [connect(server) for _ in range(PEERS)]
    with socket.socket(socket.AF_UNIX) as one_more:
        one_more.connect(str(server.var / "run/asterisk.ctl"))
        one_more.settimeout(10)
        try:
            assert one_more.recv(100) == b""
        except ConnectionResetError:
            pass
    for peer in peers:
        peer.close()

    async def are_forgotten() -> bool:
        return server.open_files() <= before + 1

    await server.until(are_forgotten, 5, "the peers to be forgotten")
    assert "active channel" in await server.cli("core show channels count")
