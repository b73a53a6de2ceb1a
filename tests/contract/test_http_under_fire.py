"""The real server and HTTP clients that are slow, large, many or mad: a documented 4xx, or nothing.

Afterwards the server has as many files open as before, its memory did not grow, and its log has no
error.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from server.http.spec import load_bundle, load_operations
from tests.contract.test_under_fire import memory_kib
from tests.support.server_process import ServerProcess
from tests.support.web import document

CONNECTIONS = 10_000
GROWTH = 8_000  # KiB
SPARE_FILES = 4
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset
MAD_NAMES = [
    b"%00", b"a%00b", b"%2F", b"..%2F..%2Fetc%2Fpasswd", b"%2e%2e", b"%ff%fe", b"\xff\xfe",
    b"%c3%28", b"%0d%0aX:y", b"%25n%25s", b"%", b"%zz", b"a" * 3000, b"%E2%80%AE", b"'\"%3Cx%3E",
]  # fmt: skip


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    made = ServerProcess(tmp_path / "var")
    http = made.var / "etc/http.conf"
    http.write_text(http.read_text() + "\nsession_inactivity = 1000\n")
    await made.start()
    try:
        yield made
        assert await made.leftovers() == []
        assert not re.findall(r"(?m)^.*(?:Traceback|\bERROR\b).*$", made.log)
        assert await made.stop() == 0
    finally:
        if made.process and made.process.returncode is None:
            await made.kill()


class Raw:
    """A blocking socket on which anything can be sent."""

    def __init__(self, server: ServerProcess) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.access.http_port), 10)
        pair = f"arion:{server.access.users['arion']}".encode()
        self.authorization = b"Authorization: Basic " + base64.b64encode(pair) + b"\r\n"

    def send_head(self, method: bytes, path: bytes, headers: bytes = b"") -> None:
        head = b"%b /ari/%b HTTP/1.1\r\nHost: x\r\n%b%b\r\n"
        self.socket.sendall(head % (method, path, self.authorization, headers))

    def answer(self) -> tuple[int, bytes]:
        """Read one response."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more()
        head, _, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        while length and len(body) < int(length[1]):
            body += self._more()
        return int(head[9:12]), body

    def _more(self) -> bytes:
        data = self.socket.recv(65_536)
        assert data, "the server closed the connection without an answer"
        return data


async def settled(server: ServerProcess, files: int) -> None:
    """Wait until connections that ended are gone."""

    async def is_settled() -> bool:
        return server.open_files() <= files + SPARE_FILES

    await server.until(is_settled, 10, "connections to be gone")


def body_of(size: int) -> Iterator[bytes]:
    for _ in range(size // 65_536):
        yield b" " * 65_536


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_a_hundred_megabytes_are_refused_at_once(
    server: ServerProcess, is_chunked: bool
) -> None:
    size = 100 * 1024 * 1024
    memory, files = memory_kib(server), server.open_files()

    def send() -> tuple[int, bytes]:
        raw = Raw(server)
        framing = b"Content-Length: %d\r\n" % size
        if is_chunked:
            framing = b"Transfer-Encoding: chunked\r\n"
        raw.send_head(b"POST", b"channels", framing + b"Content-Type: application/json\r\n")
        try:
            for piece in body_of(size):
                raw.socket.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
        except OSError:
            pass  # the server stopped to listen, as it should
        try:
            return raw.answer()
        finally:
            raw.socket.close()

    status, body = await asyncio.to_thread(send)
    assert status == 413
    assert b"message" in body
    assert memory_kib(server) < memory + GROWTH
    await settled(server, files)


async def test_slow_clients_are_told_and_let_go(server: ServerProcess) -> None:
    files = server.open_files()
    crowd = [Raw(server) for _ in range(60)]
    for number, raw in enumerate(crowd):
        raw.socket.sendall(b"POST /ari/channels HTTP/1.1\r\nHost: x\r\n"[: 5 + number])
    await server.get("/asterisk/ping")  # others are served meanwhile
    for raw in crowd:
        status, _ = await asyncio.to_thread(raw.answer)
        assert status == 408
        raw.socket.close()
    await settled(server, files)


@pytest.mark.timeout(120)
async def test_ten_thousand_connections_come_and_go(server: ServerProcess) -> None:
    files = server.open_files()

    def churn(rounds: int) -> None:
        for number in range(rounds):
            raw = socket.create_connection(("127.0.0.1", server.access.http_port), 10)
            if number % 3 == 0:
                raw.sendall(b"GET /ari/channels HTTP/1.1\r\n")
            if number % 2:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            raw.close()

    await asyncio.to_thread(churn, 1000)
    await settled(server, files)
    memory = memory_kib(server)
    await asyncio.to_thread(churn, CONNECTIONS - 1000)
    await settled(server, files)
    await server.get("/asterisk/ping")
    assert memory_kib(server) < memory + GROWTH


@pytest.mark.timeout(120)
async def test_mad_names_are_refused_with_what_is_documented(server: ServerProcess) -> None:
    operations = [o for o in load_operations(load_bundle()) if not o.is_websocket]

    def ask_all() -> list[str]:
        problems = []
        raw = Raw(server)
        for operation in operations:
            responses = document()["paths"][operation.path][operation.method.lower()]["responses"]
            for name in MAD_NAMES:
                path = re.sub(rb"\{\w+\}", lambda _: name, operation.path.encode())  # noqa: B023
                query = b"&".join(
                    quote(p.name).encode() + b"=" + name
                    for p in operation.parameters
                    if not p.is_path
                )
                target = path.lstrip(b"/") + b"?" + query
                raw.send_head(operation.method.encode(), target, b"Content-Length: 0\r\n")
                status, body = raw.answer()
                if status in (400, 414):  # the request may be refused as such, and the connection
                    raw.socket.close()
                    raw = Raw(server)
                if status >= 500 or (
                    str(status) not in responses and status not in (400, 404, 414)
                ):
                    problems.append(f"{operation.operation_id} {name!r}: {status} {body[:200]!r}")
        raw.socket.close()
        return problems

    assert await asyncio.to_thread(ask_all) == []
