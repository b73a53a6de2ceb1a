"""AudioSocket(): how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.media.sockets import SocketNews, SocketStream
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle

UUID = "40325ec2-5efd-4bd3-805f-53576e581d13"


@pytest.fixture
async def service() -> AsyncIterator[str]:
    writers: list[asyncio.StreamWriter] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    for writer in writers:
        writer.close()
    await server.wait_closed()


async def socket_of(dut: DialplanUnderTest) -> SocketStream:
    for _ in range(200):
        for thing in dut.under.engine._objects.values():
            if isinstance(thing, SocketStream) and thing.is_connected:
                return thing
        await asyncio.sleep(0.01)
    raise AssertionError("no connection was handed over")


async def test_the_call_goes_on_when_the_application_is_done(
    dut: DialplanUnderTest, service: str
) -> None:
    channel = await dut.run(f"Answer()\nAudioSocket({UUID},{service})\nSet(NEXT=1)\nWait(60)")
    stream = await socket_of(dut)
    assert stream.bridge is channel.leg.stream.bridge is not None
    stream.handle_news(SocketNews.HUNG_UP, 0)
    await settle()
    assert dut.value(channel, "NEXT") == "1"
    assert stream.is_closed
    assert channel.leg.stream.bridge is None


async def test_a_broken_connection_ends_the_call(dut: DialplanUnderTest, service: str) -> None:
    channel = await dut.run(f"Answer()\nAudioSocket({UUID},{service})\nWait(60)")
    (await socket_of(dut)).handle_news(SocketNews.FAILED, 104)
    await settle()
    assert channel.is_hungup


async def test_the_callers_hangup_ends_the_connection(dut: DialplanUnderTest, service: str) -> None:
    channel = await dut.run(f"Answer()\nAudioSocket({UUID},{service})")
    stream = await socket_of(dut)
    dut.leg(channel).far_end_hangs_up()
    await settle()
    assert stream.is_closed


@pytest.mark.parametrize(
    "step", ["AudioSocket(x,h:9)", f"AudioSocket({UUID})", f"AudioSocket({UUID},h)"]
)
async def test_what_makes_no_sense_ends_the_call(dut: DialplanUnderTest, step: str) -> None:
    assert (await dut.run(f"Answer()\n{step}\nWait(60)")).is_hungup


async def test_it_has_to_be_answered_before(dut: DialplanUnderTest, service: str) -> None:
    assert (await dut.run(f"AudioSocket({UUID},{service})\nWait(60)")).is_hungup


async def test_nobody_listens(dut: DialplanUnderTest) -> None:
    channel = await dut.run(f"Answer()\nAudioSocket({UUID},127.0.0.1:1)\nWait(60)")
    for _ in range(200):
        if channel.is_hungup:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the call goes on")
