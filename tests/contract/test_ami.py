"""The manager interface on real sockets: TLS, limits, and clients that don't read."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from server.ami import connection
from server.config.sections.manager import Manager
from server.config.types import SocketAddress
from tests.support.ami import ADMIN, AmiUnderTest, Block, parse
from tests.support.certificate import make_certificate
from tests.support.node import settle

DEADLINE = 10.0


class Wire:
    """A client on a socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, address: tuple[str, int], tls: ssl.SSLContext | None = None) -> Wire:
        wire = cls(*await asyncio.open_connection(*address, ssl=tls))
        assert await wire.reader.readline() == b"Asterisk Call Manager/13.0.0\r\n"
        return wire

    async def block(self) -> Block:
        """Return the next part."""
        async with asyncio.timeout(DEADLINE):
            return parse((await self.reader.readuntil(b"\r\n\r\n")).decode())[0]

    async def ask(self, text: str) -> Block:
        self.writer.write(text.encode())
        return await self.block()

    async def log_in(self, events: str = "off") -> None:
        answer = await self.ask(
            f"Action: Login\r\nUsername: admin\r\nSecret: s3cret\r\nEvents: {events}\r\n\r\n"
        )
        assert answer["Response"] == "Success"

    async def until_closed(self) -> bytes:
        async with asyncio.timeout(DEADLINE):
            with contextlib.suppress(ConnectionError):
                return await self.reader.read()
        return b""

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


def settings(**changes: object) -> Manager:
    base = Manager(enabled=True, bindaddr="127.0.0.1", port=0, users={"admin": ADMIN})
    return replace(base, **changes)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def running(tmp_path: Path, **changes: object) -> AsyncIterator[AmiUnderTest]:
    ami = AmiUnderTest(tmp_path, settings(**changes))
    await ami.start()
    await ami.server.start()
    try:
        yield ami
    finally:
        await ami.close()


@pytest.fixture
async def ami(tmp_path: Path) -> AsyncIterator[AmiUnderTest]:
    async with running(tmp_path) as under:
        yield under


def address(ami: AmiUnderTest, index: int = 0) -> tuple[str, int]:
    return ami.server.bound_addresses()[index]


async def test_a_transcript_as_by_telnet(ami: AmiUnderTest) -> None:
    wire = await Wire.connect(address(ami))
    wire.writer.write(b"action: login\nusername: admin\nsecret: s3cret\nevents: off\n\n")
    assert (await wire.block())["Message"] == "Authentication accepted"
    wire.writer.write(b"ACTION: ping\nActionID: 1\n\n")
    answer = await wire.block()
    assert list(answer) == ["Response", "ActionID", "Ping", "Timestamp"]
    wire.writer.write(b"Action: Logoff\r\n\r\n")
    assert await wire.until_closed() == (
        b"Response: Goodbye\r\nMessage: Thanks for all the fish.\r\n\r\n"
    )
    await wire.close()


async def test_tls_serves_the_same(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    async with running(
        tmp_path,
        tlsenable=True,
        tlsbindaddr=SocketAddress("127.0.0.1", 0),
        tlscertfile=str(certificate),
    ) as ami:
        client = ssl.create_default_context(cafile=str(certificate))
        client.check_hostname = False
        wire = await Wire.connect(address(ami, 1), client)
        await wire.log_in()
        assert (await wire.ask("Action: Ping\r\n\r\n"))["Ping"] == "Pong"
        session = ami.server.sessions[0]
        assert session.transport_name == "TLS"
        await wire.close()


async def test_who_does_not_log_in_is_sent_away(tmp_path: Path) -> None:
    async with running(tmp_path, authtimeout=1) as ami:
        idle = await Wire.connect(address(ami))
        stays = await Wire.connect(address(ami))
        await stays.log_in()
        assert await idle.until_closed() == b""
        assert (await stays.ask("Action: Ping\r\n\r\n"))["Ping"] == "Pong"
        await idle.close()
        await stays.close()


async def test_only_so_many_may_be_about_to_log_in(tmp_path: Path) -> None:
    async with running(tmp_path, authlimit=2) as ami:
        first, second = await Wire.connect(address(ami)), await Wire.connect(address(ami))
        await first.log_in()
        third = await Wire.connect(address(ami))
        reader, writer = await asyncio.open_connection(*address(ami))
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        assert ami.server.counters.refused == 1
        writer.close()
        for wire in (first, second, third):
            await wire.close()


async def test_a_client_that_does_not_read_is_disconnected_alone(
    ami: AmiUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_UNSENT", 1 << 20)
    deaf, fine = await Wire.connect(address(ami)), await Wire.connect(address(ami))
    await deaf.log_in("on")
    await fine.log_in("on")
    deaf.reader._transport.pause_reading()  # type: ignore[attr-defined]
    received = 0
    while ami.server.counters.slow_clients == 0:
        for _ in range(200):
            ami.server.stream.tell("VarSet", [("Value", "x" * 1000)])
        received += len(await fine.reader.read(1 << 20))
        assert received < 200 << 20
    assert len(ami.server.sessions) == 1 or await _until(lambda: len(ami.server.sessions) == 1)
    fine.writer.write(b"Action: Ping\r\nActionID: end\r\n\r\n")
    async with asyncio.timeout(DEADLINE):
        while b"ActionID: end" not in await fine.reader.readuntil(b"\r\n\r\n"):
            pass
    await deaf.close()
    await fine.close()


async def _until(condition: object) -> bool:
    async with asyncio.timeout(DEADLINE):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.01)
    return True


async def test_a_flood_of_actions_is_answered_in_order(ami: AmiUnderTest) -> None:
    wire = await Wire.connect(address(ami))
    await wire.log_in()
    count = 5000
    wire.writer.write(
        b"".join(b"Action: Ping\r\nActionID: %d\r\n\r\n" % number for number in range(count))
    )
    for number in range(count):
        assert (await wire.block())["ActionID"] == str(number)
    await wire.close()


async def test_a_connection_that_breaks_leaves_nothing(ami: AmiUnderTest) -> None:
    wire = await Wire.connect(address(ami))
    await wire.log_in("on")
    wire.writer.write(b"Action: WaitEvent\r\n\r\nAction: Pi")
    await settle()
    wire.writer.transport.abort()
    await _until(lambda: not ami.server.sessions)
    await _until(lambda: not len(ami.server.scope))
    assert not ami.under.node.notices.is_wanted


async def test_every_session_gets_the_order_of_the_bus(ami: AmiUnderTest) -> None:
    ami.load("exten => s,1,Answer()\n same => n,Set(A=1)\n same => n,Hangup()")
    wires = [await Wire.connect(address(ami)) for _ in range(3)]
    for wire in wires:
        await wire.log_in("on")
    await ami.call()
    texts = []
    for wire in wires:
        async with asyncio.timeout(DEADLINE):
            texts.append((await wire.reader.readuntil(b"Event: Hangup\r\n")).decode())
        await wire.close()
    bodies = [text[text.index("Event: Newchannel") :] for text in texts]
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0].index("Event: Newstate") < bodies[0].index("Variable: A")
