"""How an outbound WebSocket is connected: TLS and its checks, proxies, keep-alives."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.client import ClientProtocol

from server.base.errors import Unavailable
from server.config.sections.websocket_client import WebsocketClient
from server.http.outbound_connection import OutboundConnection, connect
from server.http.websocket import EventSession


async def talk(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@asynccontextmanager
async def echo_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    async with serve_websocket(talk, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]


def make_session(transport: asyncio.Transport, frames: ClientProtocol) -> EventSession:
    return EventSession(
        transport, "test", frames=frames, on_end=lambda _: None, on_overflow=lambda: None
    )


async def open_and_close(client: WebsocketClient) -> OutboundConnection:
    connection = await connect(client, make_session)
    connection.opened.result().close(1000, "")
    await asyncio.wait_for(connection.closed, 5)
    return connection


def client(uri: str, **changes: Any) -> WebsocketClient:
    return replace(WebsocketClient("peer", uri=uri, connection_timeout=5000), **changes)


# TLS


@pytest.fixture
async def tls_port(certificate: Path) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with echo_server(context) as port:
        yield port


async def test_a_trusted_server_is_connected_to(tls_port: int, certificate: Path) -> None:
    trusted = client(f"wss://localhost:{tls_port}", ca_list_file=str(certificate))
    await open_and_close(trusted)
    await open_and_close(replace(trusted, uri=f"ws://localhost:{tls_port}", tls_enabled=True))


async def test_who_is_not_trusted_is_not_connected_to(tls_port: int) -> None:
    with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
        await open_and_close(client(f"wss://localhost:{tls_port}"))


async def test_a_certificate_of_another_name_is_refused_unless_told_otherwise(
    tls_port: int, certificate: Path
) -> None:
    other = client(f"wss://127.0.0.1:{tls_port}", ca_list_file=str(certificate))
    with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
        await open_and_close(other)
    await open_and_close(replace(other, verify_server_hostname=False))
    await open_and_close(replace(other, ca_list_file="", verify_server_cert=False))


async def test_our_own_certificate_is_shown(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.load_verify_locations(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    async with echo_server(context) as port:
        plain = client(f"wss://localhost:{port}", ca_list_file=str(certificate))
        with pytest.raises(Unavailable):
            await open_and_close(plain)
        await open_and_close(replace(plain, cert_file=str(certificate)))


async def test_files_that_are_missing_are_a_failure(tls_port: int) -> None:
    with pytest.raises(Unavailable, match="No such file"):
        await open_and_close(client(f"wss://localhost:{tls_port}", ca_list_file="/none.pem"))


# proxies


class Proxy:
    """An HTTP proxy that connects to whatever it is asked for."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n"):
        self.answer = answer
        self.heads: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        writer.write(self.answer)
        if b" 200 " not in self.answer:
            writer.close()
            return
        host, _, port = head.split()[1].partition(":")
        there, back = await asyncio.open_connection(host, int(port))
        await asyncio.gather(self.copy(reader, back), self.copy(there, writer))

    async def copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
        writer.close()


@asynccontextmanager
async def running(proxy: Proxy) -> AsyncIterator[str]:
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"


async def test_a_proxy_connects_us(tls_port: int, certificate: Path) -> None:
    proxy = Proxy()
    async with running(proxy) as address, echo_server() as port:
        plain = client(f"ws://127.0.0.1:{port}", proxy_host=address)
        await open_and_close(plain)
        await open_and_close(replace(plain, proxy_username="me", proxy_password="x"))
        uri = f"wss://localhost:{tls_port}"
        await open_and_close(replace(plain, uri=uri, ca_list_file=str(certificate)))
    assert proxy.heads[0].startswith(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n")
    assert "Proxy-Authorization" not in proxy.heads[0]
    assert "Proxy-Authorization: Basic bWU6eA==\r\n" in proxy.heads[1]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407"),
        (b"nonsense\r\n\r\n", "nonsense"),
        (b"half", "no HTTP response"),
        (b"x" * 20_000, "no HTTP response"),
    ],
)
async def test_a_proxy_may_refuse(answer: bytes, reason: str) -> None:
    async with running(Proxy(answer)) as address:
        with pytest.raises(Unavailable, match=reason):
            await open_and_close(client("ws://192.0.2.1", proxy_host=address))


# the socket


async def test_keep_alives_are_set() -> None:
    seen: list[int] = []

    def look(transport: asyncio.Transport, frames: ClientProtocol) -> EventSession:
        raw = transport.get_extra_info("socket")
        names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        seen.append(raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        seen.extend(raw.getsockopt(socket.IPPROTO_TCP, name) for name in names)
        return make_session(transport, frames)

    async with echo_server() as port:
        settings = client(
            f"ws://127.0.0.1:{port}",
            enable_tcp_keepalives=True,
            tcp_keepalive_time=7,
            tcp_keepalive_interval=8,
            tcp_keepalive_probes=9,
        )
        connection = await connect(settings, look)
        connection.abort()
        await connection.closed
    assert seen == [1, 7, 8, 9]


async def test_a_name_without_an_address_is_a_failure() -> None:
    with pytest.raises(Unavailable):
        await open_and_close(client("ws://does-not-exist.invalid"))
