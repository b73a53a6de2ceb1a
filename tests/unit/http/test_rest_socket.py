"""REST over a consumer's connection: pieces, order, back-pressure, the end."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractContextManager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from server.base.clock import Clock
from server.base.tasks import TaskScope
from server.http.messages import Request, Response
from server.http.rest_socket import MAX_PENDING, Caller, RestSocket, parse_request
from tests.support.clock import FakeClock

CALLER = Caller("ari", "192.0.2.1", 4000, ["app"])


class Host:
    """Answers at once, or when the test says so."""

    asterisk_id = "node"

    def __init__(self) -> None:
        self.clock: Clock = FakeClock()
        self.scope = TaskScope("test")
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.workers: list[tuple[str, str]] = []

    def hold(self) -> AbstractContextManager[None]:
        return contextlib.nullcontext()

    def handle_as(
        self, user: str, request: Request, path: str, *, is_token: bool = False
    ) -> Response | Coroutine[Any, Any, Response]:
        self.asked.append(path)
        return self._later() if path == "later" else Response(204)

    def workers_of(self, wire: object) -> list[tuple[str, str]]:
        return self.workers

    async def _later(self) -> Response:
        await self.gate.wait()
        return Response(200, b"{}")


class Wire:
    def __init__(self) -> None:
        self.is_writable = True
        self.is_reading = True
        self.answers: list[dict[str, Any]] = []

    @property
    def uris(self) -> list[str]:
        return [answer["uri"] for answer in self.answers]

    def deliver(self, frame: bytes) -> None:
        self.answers.append(json.loads(frame))

    def set_reading(self, is_reading: bool) -> None:
        self.is_reading = is_reading


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    made = Host()
    yield made
    await made.scope.close()


def request(uri: str) -> bytes:
    return json.dumps({"type": "RESTRequest", "method": "GET", "uri": uri}).encode()


async def settle(host: Host) -> None:
    while len(host.scope):
        await asyncio.sleep(0)


async def test_a_message_may_come_in_pieces(host: Host) -> None:
    wire = Wire()
    socket = RestSocket(host, CALLER, wire)
    whole = request("now")
    socket.frame_received(Frame(Opcode.TEXT, whole[:5], fin=False))
    socket.frame_received(Frame(Opcode.PING, b"x"))
    socket.frame_received(Frame(Opcode.CONT, whole[5:9], fin=False))
    assert wire.uris == []
    socket.frame_received(Frame(Opcode.CONT, whole[9:]))
    assert wire.uris == ["now"]
    socket.frame_received(Frame(Opcode.BINARY, whole, fin=False))
    socket.frame_received(Frame(Opcode.CONT, whole))
    assert wire.uris == ["now"]


async def test_a_slow_answer_keeps_the_following_ones_waiting(host: Host) -> None:
    wire = Wire()
    socket = RestSocket(host, CALLER, wire)
    for uri in ("later", "one", "two"):
        socket.message_received(request(uri))
    assert wire.uris == []
    host.gate.set()
    await settle(host)
    assert wire.uris == ["later", "one", "two"]


async def test_reading_stops_at_the_bound_and_goes_on_below_it(host: Host) -> None:
    wire = Wire()
    socket = RestSocket(host, CALLER, wire)
    socket.message_received(request("later"))
    for _ in range(MAX_PENDING):
        assert wire.is_reading
        socket.message_received(request("now"))
    assert not wire.is_reading
    host.gate.set()
    await settle(host)
    assert wire.is_reading
    assert len(wire.uris) == MAX_PENDING + 1


async def test_who_does_not_read_is_not_served(host: Host) -> None:
    wire = Wire()
    wire.is_writable = False
    socket = RestSocket(host, CALLER, wire)
    socket.message_received(request("now"))
    assert host.asked == []
    wire.is_writable = True
    socket.serve()
    assert wire.uris == ["now"]


async def test_after_the_end_nothing_is_begun(host: Host) -> None:
    wire = Wire()
    socket = RestSocket(host, CALLER, wire)
    for uri in ("later", "now"):
        socket.message_received(request(uri))
    socket.close()
    host.gate.set()
    await settle(host)
    socket.message_received(request("now"))
    assert host.asked == ["later"]


def drain(**members: object) -> bytes:
    return json.dumps({"type": "DrainWorker", "transaction_id": "t", **members}).encode()


async def test_drain_stands_for_the_requests_about_the_connections_workers(host: Host) -> None:
    wire = Wire()
    socket = RestSocket(host, CALLER, wire)
    host.workers = [("sales", "w1"), ("a/b", "w 1")]
    socket.message_received(drain())
    assert host.asked == [
        "applications/sales/workers/w1/drain",
        "applications/a%2Fb/workers/w%201/drain",
    ]
    (answer,) = wire.answers
    assert (answer["status_code"], answer["transaction_id"], answer["uri"]) == (204, "t", "")


@pytest.mark.parametrize(
    ("workers", "members", "status"),
    [
        ([], {}, 409),
        ([("a", "w")], {"draining": "yes"}, 400),
        ([("a", "w")], {"draining": None}, 400),
    ],
)
async def test_a_drain_that_means_nothing_is_refused(
    host: Host, workers: list[tuple[str, str]], members: dict[str, object], status: int
) -> None:
    wire = Wire()
    host.workers = workers
    RestSocket(host, CALLER, wire).message_received(drain(**members))
    assert [answer["status_code"] for answer in wire.answers] == [status]
    assert host.asked == []


MEMBERS = st.fixed_dictionaries(
    {"type": st.sampled_from(["RESTRequest", "DrainWorker", "x"])},
    optional={
        "method": st.sampled_from(["GET", "POST", "BREW"]) | st.integers(),
        "uri": st.text(max_size=20) | st.none(),
        "query_strings": st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=5))),
        "content_type": st.text(max_size=20),
        "message_body": st.text(max_size=20) | st.integers(),
        "idempotency_key": st.text(max_size=20) | st.integers(),
        "draining": st.booleans() | st.text(max_size=3),
        "transaction_id": st.text(max_size=5) | st.floats(allow_nan=False),
    },
)


@given(MEMBERS.map(json.dumps).map(str.encode) | st.binary(max_size=100))
def test_reading_a_message_is_total(message: bytes) -> None:
    asked = parse_request(message, CALLER)
    if asked.refusal is None:
        assert asked.request.method in ("GET", "POST", "DELETE")
        assert all(isinstance(value, bytes) for value in asked.request.headers.values())
    else:
        assert json.loads(asked.refusal.body)["message"]
