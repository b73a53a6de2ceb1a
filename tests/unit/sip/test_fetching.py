"""Requests wait for their endpoint to be fetched; everything else goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base import suspension
from server.base.tasks import TaskScope
from server.sip import fetching
from server.sip.dialstring import endpoint_names
from server.sip.fetching import MAX_PER_CALL, Gate
from server.sip.identify import EndpointIdentifier
from server.sip.settings import Endpoint, SipSettings, Transport
from tests.support.node import settle
from tests.support.sip_stacks import SimFlow

FLOW = SimFlow("UDP", ("127.0.0.1", 5060), ("127.0.0.1", 5070))
REGISTER = (
    "{method} sip:example.com SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK{branch}\r\n"
    "From: <sip:{user}@example.com>;tag=1\r\nTo: <sip:{user}@example.com>{to}\r\n"
    "Call-ID: {call_id}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n{more}Content-Length: 0\r\n\r\n"
)


def message(
    user: str = "dora",
    *,
    method: str = "REGISTER",
    call_id: str = "a",
    to: str = "",
    more: str = "",
    branch: str = "1",
) -> bytes:
    return REGISTER.format(
        method=method, user=user, call_id=call_id, to=to, more=more, branch=branch
    ).encode()


class Fetcher:
    """Knows nothing of ``dora``, and takes its time."""

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []
        self.answer = asyncio.Event()
        self.later: list[str] = []

    def wants(self, names: Sequence[str]) -> bool:
        return "dora" in names

    async def fetch(self, names: Sequence[str]) -> None:
        self.asked.append(names)
        await self.answer.wait()

    def fetch_soon(self, names: Sequence[str]) -> None:
        self.later += names


class World:
    def __init__(self) -> None:
        self.fetcher = Fetcher()
        self.scope = TaskScope("test")
        self.delivered: list[bytes] = []
        endpoints = {"trunk": Endpoint(name="trunk")}
        identifier = EndpointIdentifier(SipSettings({"t": Transport()}, endpoints))
        self.gate = Gate(
            self.fetcher,
            self.scope,
            lambda: identifier,
            lambda data, _flow: self.delivered.append(data),
        )

    def holds(self, data: bytes) -> bool:
        return self.gate.holds(data, FLOW)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    made.fetcher.answer.set()
    await settle()
    await made.scope.close()
    assert len(made.scope) == 0


async def test_a_request_waits_for_its_sender_and_is_then_delivered(world: World) -> None:
    assert world.holds(message())
    await settle()
    assert world.delivered == []
    assert world.fetcher.asked == [["dora@example.com", "dora"]]
    world.fetcher.answer.set()
    await settle()
    assert world.delivered == [message()]


async def test_others_do_not_wait(world: World) -> None:
    world.holds(message())
    assert not world.holds(message("anna", call_id="b"))
    assert not world.holds(b"SIP/2.0 200 OK\r\n\r\n")
    assert not world.holds(message(method="BYE", call_id="c", to=";tag=2"))
    assert not world.holds(message(call_id="d", to=";tag=2"))
    assert not world.holds(b"garbage")


async def test_what_belongs_to_a_request_that_waits_follows_it_in_order(world: World) -> None:
    world.holds(message(method="INVITE"))
    assert world.holds(message(method="INVITE"))
    assert world.holds(message(method="CANCEL"))
    world.fetcher.answer.set()
    await settle()
    assert [data.split()[0] for data in world.delivered] == [b"INVITE", b"INVITE", b"CANCEL"]
    assert len(world.fetcher.asked) == 1


async def test_who_is_named_by_credentials_is_asked_for(world: World) -> None:
    more = 'Authorization: Digest username="dora", realm="x"\r\n'
    assert world.holds(message("someone", more=more))
    await settle()
    assert world.fetcher.asked == [["someone@example.com", "someone", "dora"]]


async def test_repetitions_and_calls_that_wait_are_bounded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(MAX_PER_CALL + 3):
        assert world.holds(message())
    assert world.gate.dropped == 3
    monkeypatch.setattr(fetching, "MAX_WAITING", 1)
    assert world.holds(message(call_id="b"))
    assert world.gate.dropped == 4
    world.fetcher.answer.set()
    await settle()
    assert world.delivered == [message()] * MAX_PER_CALL


async def test_a_request_does_not_wait_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "FETCH_TIMEOUT", 0.0)
    world.holds(message())
    await settle()
    assert world.delivered == [message()]


async def test_who_dials_waits_where_that_is_possible(world: World) -> None:
    dialling = asyncio.ensure_future(suspension.call(world.gate.refresh, "dora/aor"))
    await settle()
    assert not dialling.done()
    world.fetcher.answer.set()
    await dialling
    assert world.fetcher.asked == [["dora"]]
    world.gate.refresh("anna")
    assert world.fetcher.later == []
    world.gate.refresh("dora")
    assert world.fetcher.later == ["dora"]


@given(st.binary(max_size=200))
def test_no_message_raises(data: bytes) -> None:
    async def run() -> None:
        world = World()
        assert not world.holds(data)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("resource", "names"),
    [
        ("dora", ["dora"]),
        ("dora/sip:x@y", ["dora"]),
        ("1234@trunk", ["1234@trunk", "trunk"]),
        ("sip:x@y", []),
        ("", []),
    ],
)
def test_a_dial_string_names_endpoints(resource: str, names: list[str]) -> None:
    assert endpoint_names(resource) == names
