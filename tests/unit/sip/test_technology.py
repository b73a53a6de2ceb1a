"""What the technology reports of endpoints and contacts, and what it shows to the console."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from server.base.errors import NotFound
from server.sip.settings import Aor
from tests.unit.sip.test_leg import World, until


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.start()
    yield world
    await world.close()


def with_contact(world: World, uri: str, **options: object) -> None:
    """Give alice a permanent contact."""
    aor = Aor(name="alice", contact_lists=((uri,),), **options)  # type: ignore[arg-type]
    world.server.tech.reload(replace(world.server.tech.settings, aors={"alice": aor}))


async def test_a_contact_that_answers_makes_its_endpoint_online(world: World) -> None:
    uri = f"sip:127.0.0.1:{world.phone.port()}"
    with_contact(world, uri, qualify_frequency=60)
    sink = world.server.sink
    await until(lambda: (uri, "Reachable") in sink.contacts)
    assert sink.contacts[-2:] == [(uri, "Unknown"), (uri, "Reachable")]
    endpoint = world.server.tech.endpoint("alice")
    assert endpoint is not None
    assert endpoint.state == "online"
    contact = world.server.tech.contacts()[0]
    assert contact.roundtrip_usec is not None
    assert 0 < contact.roundtrip_usec < 5_000_000


async def test_a_contact_that_is_silent_makes_its_endpoint_offline(world: World) -> None:
    with_contact(world, "sip:127.0.0.1:9", qualify_frequency=60, qualify_timeout=0.05)
    sink = world.server.sink
    await until(lambda: ("sip:127.0.0.1:9", "Unreachable") in sink.contacts)
    assert sink.endpoints[-1] == ("alice", "offline")
    world.server.tech.reload(replace(world.server.tech.settings, aors={"alice": Aor(name="alice")}))
    assert sink.contacts[-1] == ("sip:127.0.0.1:9", "Removed")


async def test_endpoints_are_listed_with_their_states(world: World) -> None:
    assert [(e.resource, e.state) for e in world.phone.tech.endpoints()] == [
        ("server", "online"),
        ("anonymous", "unknown"),
    ]
    assert world.phone.tech.endpoint("nobody") is None


async def test_an_endpoint_is_described_to_the_console(world: World) -> None:
    await world.connect()
    details = world.server.tech.endpoint_details("alice")
    assert details["endpoint"].name == "alice"
    assert details["channels"] == ["PJSIP/alice-00000000"]
    assert [aor.name for aor in details["aors"]] == ["alice"]
    assert len(details["contacts"]) == 1
    with pytest.raises(NotFound):
        world.server.tech.endpoint_details("nobody")


async def test_messages_are_shown_while_the_logger_is_on(world: World) -> None:
    seen: list[tuple[bool, bytes]] = []
    world.server.tech.set_logger(lambda is_sent, flow, data: seen.append((is_sent, data)))
    await world.connect()
    assert any(is_sent and data.startswith(b"SIP/2.0 200") for is_sent, data in seen)
    assert any(not is_sent and data.startswith(b"INVITE") for is_sent, data in seen)
    world.server.tech.set_logger(None)


async def test_counters_say_what_lives(world: World) -> None:
    await world.connect()
    counters = world.server.tech.counters()
    assert (counters["legs_live"], counters["dialogs_live"]) == (1, 1)


async def test_a_reload_leaves_calls_alone(world: World) -> None:
    caller, called = await world.connect()
    world.server.tech.reload(replace(world.server.tech.settings, endpoints={}, aors={}))
    caller.leg.hold()
    await until(lambda: "hold jazz" in called.events)
    caller.leg.hangup(16)
    await until(lambda: called.hangup)
    refused = world.dial()
    await until(lambda: refused.hangup)
    assert refused.hangup is not None
    assert refused.hangup[1] == 401


async def test_closing_ends_calls_and_may_be_repeated(world: World) -> None:
    caller, called = await world.connect()
    await world.server.tech.close()
    await until(lambda: caller.hangup)
    assert called.hangup is None
    assert caller.hangup == (16, None, "BYE")
    await world.server.tech.close()
