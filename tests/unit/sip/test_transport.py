"""The transports on real sockets of the loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from server.base.errors import Unavailable
from server.config.types import SocketAddress
from server.sip.settings import Global, Transport
from server.sip.settings_objects import network
from server.sip.transaction import Flow
from server.sip.transport import Transports, tcp
from server.sip.transport.tcp import TcpConnection
from server.sip.transport.udp import UdpEndpoint, local_host_towards
from server.sip.uri import Uri

OPTIONS = b"OPTIONS sip:x SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n"
DEADLINE = 5.0  # seconds


class User:
    """Keeps what comes."""

    def __init__(self) -> None:
        self.messages: list[tuple[bytes, Flow]] = []
        self.lost: list[Flow] = []
        self.changed = asyncio.Event()

    def received(self, data: bytes, flow: Flow) -> None:
        self.messages.append((data, flow))
        self.changed.set()

    def flow_lost(self, flow: Flow) -> None:
        self.lost.append(flow)
        self.changed.set()

    def flush(self) -> None: ...

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(DEADLINE):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


Opener = Callable[..., Awaitable[tuple[Transports, User]]]


@pytest.fixture
async def open_transports() -> AsyncIterator[Opener]:
    opened: list[Transports] = []

    async def open_one(host: str = "127.0.0.1", **options: object) -> tuple[Transports, User]:
        user = User()
        settings = [
            Transport(name=name, protocol=name, bind=SocketAddress(host, 0), **options)  # type: ignore[arg-type]
            for name in ("udp", "tcp")
        ]
        transports = Transports(settings, Global(), user, asyncio.get_running_loop().time)
        await transports.start()
        opened.append(transports)
        return transports, user

    yield open_one
    for transports in opened:
        await transports.close()
    await asyncio.sleep(0)


def port(transports: Transports, protocol: str) -> int:
    return next(a.port for a in transports.bound_addresses() if a.protocol == protocol)


async def find(transports: Transports, uri: str, name: str = "") -> Flow | None:
    found: asyncio.Future[Flow | None] = asyncio.get_running_loop().create_future()
    transports.find_flow(Uri.parse(uri), name, lambda flow, now: found.set_result(flow), 0.0)
    return await asyncio.wait_for(found, DEADLINE)


async def connect(transports: Transports) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port(transports, "TCP"))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("protocol", ["udp", "tcp"])
async def test_messages_cross_both_ways(open_transports: Opener, protocol: str, host: str) -> None:
    one, heard_one = await open_transports(host)
    two, heard_two = await open_transports(host)
    shown = f"[{host}]" if ":" in host else host
    flow = await find(one, f"sip:{shown}:{port(two, protocol.upper())};transport={protocol}")
    assert flow is not None
    assert flow.transport == protocol.upper()
    one.send(flow, OPTIONS)
    await heard_two.until(lambda: heard_two.messages)
    data, back = heard_two.messages[0]
    assert data == OPTIONS
    assert (back.remote, back.local) == (flow.local, flow.remote)
    two.send(back, OPTIONS)
    await heard_one.until(lambda: heard_one.messages)
    assert heard_one.messages[0][1] == flow
    assert two.advertised(back) == (host, port(two, protocol.upper()))


async def test_flows_to_one_peer_are_equal(open_transports: Opener) -> None:
    transports, _ = await open_transports()
    flows = [await find(transports, "sip:127.0.0.1:9") for _ in range(2)]
    assert flows[0] == flows[1]
    assert hash(flows[0]) == hash(flows[1])
    assert flows[0] != await find(transports, "sip:127.0.0.1:10")
    assert flows[0] != object()


async def test_the_default_port_is_5060(open_transports: Opener) -> None:
    transports, _ = await open_transports()
    flow = await find(transports, "sip:127.0.0.1")
    assert flow is not None
    assert flow.remote == ("127.0.0.1", 5060)


async def test_udp_keep_alives_are_dropped(open_transports: Opener) -> None:
    transports, user = await open_transports()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for data in (b"\r\n\r\n", b"\0\0\0\0", OPTIONS):
            sock.sendto(data, ("127.0.0.1", port(transports, "UDP")))
        await user.until(lambda: user.messages)
    assert [data for data, _ in user.messages] == [OPTIONS]


async def test_a_tcp_stream_is_cut_into_messages(open_transports: Opener) -> None:
    transports, user = await open_transports()
    _, writer = await connect(transports)
    for byte in OPTIONS:
        writer.write(bytes([byte]))
        await asyncio.sleep(0)
    writer.write(OPTIONS * 3)
    await user.until(lambda: len(user.messages) == 4)
    assert [data for data, _ in user.messages] == [OPTIONS] * 4
    writer.close()
    await user.until(lambda: user.lost)


async def test_a_ping_is_answered_with_a_pong(open_transports: Opener) -> None:
    transports, _ = await open_transports()
    reader, writer = await connect(transports)
    writer.write(b"\r\n\r\n")
    assert await asyncio.wait_for(reader.readexactly(2), DEADLINE) == b"\r\n"
    writer.close()


async def test_a_stream_that_cant_be_framed_is_cut(open_transports: Opener) -> None:
    transports, user = await open_transports()
    _, writer = await connect(transports)
    writer.write(b"OPTIONS sip:x SIP/2.0\r\nContent-Length: 999999999\r\n\r\n")
    await user.until(lambda: user.lost)
    assert user.messages == []
    writer.close()


async def test_a_peer_that_does_not_read_is_cut_off(
    open_transports: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "MAX_WRITE_BUFFER", 100_000)
    transports, user = await open_transports()
    _, writer = await connect(transports)
    writer.write(OPTIONS)
    await user.until(lambda: user.messages)
    flow = user.messages[0][1]
    for _ in range(200):
        transports.send(flow, b"x" * 60_000)
    await user.until(lambda: user.lost)
    transports.send(flow, OPTIONS)  # to a connection that is gone: nothing happens
    writer.close()


async def test_too_many_connections_are_refused(
    open_transports: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "MAX_CONNECTIONS", 1)
    transports, user = await open_transports()
    _, first = await connect(transports)
    _, second = await connect(transports)
    await user.until(lambda: user.lost)
    first.write(OPTIONS)
    await user.until(lambda: user.messages)
    assert await find(transports, "sip:127.0.0.1:1;transport=tcp") is None
    first.close()
    second.close()


async def test_silent_and_idle_connections_are_closed(
    open_transports: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "SWEEP_INTERVAL", 0.01)
    monkeypatch.setattr(tcp, "FIRST_MESSAGE_TIMEOUT", 0.05)
    transports, user = await open_transports()
    _, silent = await connect(transports)
    _, busy = await connect(transports)
    busy.write(OPTIONS)
    await user.until(lambda: user.lost and user.messages)
    assert user.lost != [user.messages[0][1]]
    assert len(user.lost) == 1
    silent.close()
    busy.close()


async def test_a_connection_is_shared_and_used_from_both_ends(open_transports: Opener) -> None:
    transports, user = await open_transports()
    _, writer = await connect(transports)
    writer.write(OPTIONS)
    await user.until(lambda: user.messages)
    host, number = writer.get_extra_info("sockname")
    flow = await find(transports, f"sip:{host}:{number};transport=tcp")
    assert flow is user.messages[0][1]
    writer.close()


async def test_two_who_want_the_same_connection_share_it(open_transports: Opener) -> None:
    one, _ = await open_transports()
    two, _ = await open_transports()
    uri = f"sip:127.0.0.1:{port(two, 'TCP')};transport=tcp"
    flows = await asyncio.gather(find(one, uri), find(one, uri))
    assert flows[0] is flows[1]
    assert isinstance(flows[0], TcpConnection)


async def test_a_refused_connection_is_no_way(open_transports: Opener) -> None:
    transports, _ = await open_transports()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        uri = f"sip:127.0.0.1:{sock.getsockname()[1]};transport=tcp"
        assert await find(transports, uri) is None


@pytest.mark.parametrize(
    "uri", ["sip:127.0.0.1;transport=tls", "sips:127.0.0.1", "sip:[::1]", "sip:x.invalid"]
)
async def test_what_no_transport_serves_has_no_way(open_transports: Opener, uri: str) -> None:
    transports, _ = await open_transports()
    assert await find(transports, uri) is None


async def test_a_name_is_resolved(open_transports: Opener) -> None:
    transports, _ = await open_transports()
    flow = await find(transports, "sip:localhost:7000")
    assert flow is not None
    assert flow.remote == ("127.0.0.1", 7000)
    again = await find(transports, "sip:localhost:7001")
    assert again is not None


async def test_external_addresses_are_told_to_peers_outside(open_transports: Opener) -> None:
    options = {
        "external_signaling_address": "203.0.113.1",
        "external_signaling_port": 5099,
        "external_media_address": "203.0.113.2",
        "local_nets": ((network("127.0.0.0/8"),),),
    }
    transports, _ = await open_transports(**options)
    inside = await find(transports, "sip:127.0.0.1:9")
    outside = await find(transports, "sip:192.0.2.1:9")
    assert inside is not None
    assert outside is not None
    assert transports.advertised(inside) == ("127.0.0.1", port(transports, "UDP"))
    assert transports.external_media_address(inside) == ""
    assert transports.advertised(outside) == ("203.0.113.1", 5099)
    assert transports.external_media_address(outside) == "203.0.113.2"


async def test_reload_moves_only_what_may_be_moved(
    open_transports: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    transports, _ = await open_transports()
    udp, tcp_ = (Transport(name=n, protocol=n, bind=SocketAddress("127.0.0.1", 0))
                 for n in ("udp", "tcp"))  # fmt: skip
    before = transports.bound_addresses()
    extra = Transport(name="extra", bind=SocketAddress("127.0.0.1", 0), allow_reload=True)
    await transports.reload([replace(udp, tos=8), tcp_, extra])
    assert transports.bound_addresses()[:2] == before
    assert "transport udp: a change needs a restart" in caplog.text
    assert [a.name for a in transports.bound_addresses()] == ["udp", "tcp", "extra"]
    taken = SocketAddress("127.0.0.1", port(transports, "UDP"))
    await transports.reload([udp, tcp_, replace(extra, bind=taken)])
    assert "transport extra: UDP 127.0.0.1" in caplog.text
    assert transports.bound_addresses() == before


async def test_a_wildcard_socket_says_its_real_address() -> None:
    endpoint = UdpEndpoint("any", lambda data, flow: None)
    await endpoint.open("0.0.0.0", 0)
    assert endpoint.flow(("127.0.0.1", 9)).local == ("127.0.0.1", endpoint.address[1])
    endpoint.close()
    await asyncio.sleep(0)


def test_the_address_towards_an_unreachable_peer_is_loopback() -> None:
    assert local_host_towards("127.0.0.1") == "127.0.0.1"
    assert local_host_towards("not an address") == "127.0.0.1"


async def test_a_port_in_use_names_the_transport_and_closes_the_others() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        settings = [
            Transport(name="good", bind=SocketAddress("127.0.0.1", 0)),
            Transport(name="bad", protocol="tcp", bind=SocketAddress(*sock.getsockname())),
        ]
        transports = Transports(settings, Global(), User(), asyncio.get_running_loop().time)
        with pytest.raises(Unavailable, match=r"transport bad: TCP 127\.0\.0\.1"):
            await transports.start()
    assert transports.bound_addresses() == []
    await asyncio.sleep(0)
