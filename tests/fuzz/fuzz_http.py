"""Invariant: whatever a client sends, in whatever pieces, a connection answers with HTTP responses
that parse, in order, or ends; nothing is raised, and a WebSocket gets well-formed frames only.

Run as ``python -m tests.fuzz.fuzz_http [seconds]``.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

from server.base.clock import Clock
from server.base.errors import InvalidArgument
from server.base.tasks import TaskScope
from server.http.connection import Connection
from server.http.messages import Request, Response, ResponseEncoder, error
from server.http.parameters import collect, compile_parameter
from server.http.rest import Outcome, Upgrade
from server.http.rest_socket import Caller, RestSocket
from server.http.websocket import EventSession, accept
from server.stasis.options import Options
from tests.fuzz.mutation import run
from tests.support.clock import FakeClock

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
PLAIN = b"GET / HTTP/1.1\r\n\r\n"
FORM = b"POST /x HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
CORPUS = [
    b"GET /ari/channels?app=a,b&timeout=5 HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n" * 2,
    b'POST /x HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"app":"a"}',
    FORM + b"Transfer-Encoding: chunked\r\n\r\n5\r\napp=a\r\n3;x=y\r\n,%41\r\n0\r\nT: v\r\n\r\n",
    b"OPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\n\r\nHEAD / HTTP/1.1\r\n\r\n",
    b"GET /slow HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc" + PLAIN,
    b"GET http://h/a?b#c HTTP/1.1\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n" + PLAIN,
    HANDSHAKE + b"\x81\x85\x01\x02\x03\x04igoho\x89\x80\x00\x00\x00\x00\x88\x80\x00\x00\x00\x00",
    HANDSHAKE + b"\x01\x81\x00\x00\x00\x00a\x80\x81\x00\x00\x00\x00b",
]
TOKENS = [b"\r\n", b"\r\n\r\n", b"\n", b" ", b":", b"?", b"&", b"=", b"%", b"%zz", b"\0", b"\xff"]
TOKENS += [b"HTTP/1.1", b"HTTP/9.9", b"Content-Length: 99999999999\r\n", b"Content-Length: -1\r\n"]
TOKENS += [b"Transfer-Encoding: chunked\r\n", b"ffffffffff\r\n", b"X: " + b"a" * 9000, b"/" * 99]
TOKENS += [b"\x81\xfe", b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x88\x82", b"\xc1\x80"]

APP = compile_parameter(
    {"name": "app", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}}
)
TIMEOUT = compile_parameter(
    {"name": "timeout", "in": "query", "schema": {"type": "integer", "format": "int32"}}
)


class FakeTransport:
    """Collects what a connection writes."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.is_closed = False

    def get_extra_info(self, name: str) -> Any:
        return ("192.0.2.1", 4000) if name == "peername" else None

    def write(self, data: bytes) -> None:
        if not self.is_closed:
            self.written += data

    def set_write_buffer_limits(self, high: int) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def write_eof(self) -> None: ...

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        self.is_closed = True

    abort = close


class FakeHost:
    """Answers every request; those for ``/slow`` by a coroutine, ``/ws`` with a WebSocket."""

    asterisk_id = "fuzz"
    inactivity = 30.0
    keep_alive = 15.0

    def __init__(self) -> None:
        self.encoder = ResponseEncoder("fuzz")
        self.clock: Clock = FakeClock()
        self.scope = TaskScope("fuzz")
        self.executor = ThreadPoolExecutor(1)
        self.answered = 0

    def hold(self) -> AbstractContextManager[None]:
        return contextlib.nullcontext()

    def connected(self, connection: Connection) -> bool:
        return True

    def disconnected(self, connection: Connection) -> None: ...

    def handle(self, request: Request) -> Outcome:
        self.answered += 1
        if request.path.startswith("/ws"):
            return Upgrade(request, ["a"], False, Options())
        if request.path.startswith("/slow"):
            return self._slowly()
        try:
            collect((APP, TIMEOUT), (), None, [], request)
        except InvalidArgument as failure:
            return error(400, str(failure))
        return Response(200, b"{}")

    async def _slowly(self) -> Response:
        await asyncio.sleep(0)
        return Response(200, b"[]")

    def open_session(self, transport: asyncio.Transport, upgrade: Upgrade) -> EventSession | None:
        answer = accept(upgrade.request)
        is_good = answer.status == 101
        head = self.encoder.head(answer, 0.0, is_closing=not is_good)
        transport.write(head + answer.body)
        if not is_good:
            return None
        session = EventSession(
            transport, "fuzz", on_end=lambda session: None, on_overflow=lambda: None
        )
        session.requests = RestSocket(self, Caller("fuzz", "192.0.2.1", 4000, ["a"]), session)
        return session

    def handle_as(
        self, user: str, request: Request, path: str, *, is_token: bool = False
    ) -> Outcome:
        return self.handle(request)


async def exercise_once(host: FakeHost, data: bytes, cuts: random.Random) -> None:
    """Feed *data* in pieces and check what comes back."""
    transport = FakeTransport()
    connection = Connection(host)
    connection.connection_made(transport)  # type: ignore[arg-type]
    position = 0
    while position < len(data) and not transport.is_closed:
        step = cuts.choice((1, 7, 100, 20_000))
        connection.data_received(data[position : position + step])
        position += step
        if len(host.scope):
            await asyncio.sleep(0)
    while len(host.scope):
        await asyncio.sleep(0)
    connection.connection_lost(None)
    check_responses(bytes(transport.written))


def check_responses(written: bytes) -> None:
    """Assert that all of it is HTTP responses, up to a switch of protocols."""
    while written:
        head, separator, rest = written.partition(b"\r\n\r\n")
        assert separator, written[:200]
        assert head.startswith(b"HTTP/1.1 "), head[:200]
        status = int(head[9:12])
        if status == 101:
            return
        lines = head.lower().split(b"\r\n")
        lengths = [int(line[15:]) for line in lines if line.startswith(b"content-length:")]
        assert status in (100, 204) or len(lengths) == 1, head
        length = lengths[0] if lengths else 0
        # A HEAD request is answered without the body that the head announces.
        written = rest if rest.startswith(b"HTTP/1.1 ") and length else rest[length:]


def main(seconds: float, seed: int = 0) -> int:
    """Fuzz for some seconds; returns the number of inputs."""
    cuts = random.Random(seed)
    with asyncio.Runner() as runner:
        host = runner.run(make_host())
        try:
            return run(
                seconds,
                lambda data: runner.run(exercise_once(host, data, cuts)),
                CORPUS,
                TOKENS,
                seed,
            )
        finally:
            host.executor.shutdown()


async def make_host() -> FakeHost:
    """Return a host that belongs to the loop."""
    return FakeHost()


if __name__ == "__main__":
    print(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))
