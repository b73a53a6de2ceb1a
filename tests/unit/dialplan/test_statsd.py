"""StatsD() and statsd.conf, to a socket of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.base.errors import ConfigError
from server.config.ini import parse_text
from server.config.sections.statsd import StatsdSettings, build_statsd
from server.config.types import SocketAddress
from server.dialplan.apps.statsd import Statsd
from tests.support.dialplan import DialplanUnderTest


class _Server(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: asyncio.Queue[str] = asyncio.Queue()

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.received.put_nowait(data.decode())


class Peer:
    """A statistics server, and the file that names it."""

    def __init__(self, dut: DialplanUnderTest, folder: Path, port: int, server: _Server) -> None:
        self._dut = dut
        self._folder = folder
        self._port = port
        self._server = server

    def configure(self, more: str = "", enabled: str = "yes") -> None:
        text = f"[general]\nenabled={enabled}\nserver=127.0.0.1:{self._port}\n{more}\n"
        (self._folder / "statsd.conf").write_text(text)

    async def after(self, *steps: str) -> list[str]:
        """Run the steps and a last one, and return what came before that."""
        await self._dut.run("\n".join([*steps, "StatsD(c,end,1)", "WaitDigit()"]))
        received: list[str] = []
        async with asyncio.timeout(5):
            while "end:1" not in (message := await self._server.received.get()):
                received.append(message)
        return received


@pytest.fixture
async def peer(dut: DialplanUnderTest, tmp_path: Path) -> AsyncIterator[Peer]:
    dut.dialplan.settings = type(dut.dialplan.settings)(constants={"ASTETCDIR": str(tmp_path)})
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(_Server, ("127.0.0.1", 0))
    peer = Peer(dut, tmp_path, transport.get_extra_info("sockname")[1], server)
    peer.configure()
    yield peer
    transport.close()
    dut.dialplan.part(Statsd).close()


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ("g,load,5", "load:5|g"),
        ("g,load,+5", "load:+5|g"),
        ("g,load,-5", "load:-5|g"),
        ("c,calls,1", "calls:1|c"),
        ("ms,wait,20", "wait:20|ms"),
        ("m,rate,1", "rate:1|m"),
        ("s,users,alice", "users:alice|s"),
        ("c,calls,1,1", "calls:1|c"),
        ("c,calls,1,0.999999999", "calls:1|c|@0.999999999"),
    ],
)
async def test_a_figure_is_sent(peer: Peer, arguments: str, sent: str) -> None:
    assert await peer.after(f"StatsD({arguments})") == [sent]


@pytest.mark.parametrize(
    "arguments",
    ["", "x,a,1", "g,,1", "g,a,", "g,a,x", "g,a:b,1", "ms,a,-1", "c,a,1,2", "c,a,1,x", "s,a,b|c"],
)
async def test_what_is_no_figure_is_not_sent(
    peer: Peer, arguments: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert await peer.after(f"StatsD({arguments})") == []
    assert "StatsD: " in caplog.text


async def test_a_figure_is_sent_after_the_call_too(dut: DialplanUnderTest, peer: Peer) -> None:
    dut.load("exten => s,1,Hangup()\nexten => h,1,StatsD(c,calls,1)\nsame => n,Set(END=1)")
    channel = await dut.call()
    async with asyncio.timeout(5):
        while channel.variables.get("END") is None:
            await asyncio.sleep(0.005)
    assert await peer.after() == ["calls:1|c"]


async def test_a_rate_of_0_sends_nothing(peer: Peer) -> None:
    assert await peer.after("StatsD(c,a,1,0)") == []


async def test_the_file_says_how_it_is_sent(peer: Peer) -> None:
    peer.configure("prefix=my\nadd_newline=yes\nmeter_support=no")
    assert await peer.after("StatsD(m,a,1)") == ["my.a:1|c\n"]


async def test_nothing_is_sent_unless_the_file_says_so(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    dut.dialplan.settings = type(dut.dialplan.settings)(constants={"ASTETCDIR": str(tmp_path)})
    channel = await dut.run("StatsD(c,a,1)\nSet(AFTER=1)\nWaitDigit()")
    async with asyncio.timeout(5):
        while channel.variables.get("AFTER") is None:
            await asyncio.sleep(0.005)
    assert not dut.dialplan.part(Statsd).is_open


def test_the_file_has_defaults_and_is_checked() -> None:
    assert build_statsd(parse_text(""), []) == StatsdSettings()
    assert StatsdSettings().server == SocketAddress("127.0.0.1", 8125)
    assert build_statsd(parse_text("[general]\nserver=h"), []).server == SocketAddress("h", 8125)
    with pytest.raises(ConfigError):
        build_statsd(parse_text("[general]\nenabled=perhaps"), [])
