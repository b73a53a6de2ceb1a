"""Endpoints under maintenance take no new requests, and are not called."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.base.errors import Unavailable
from server.sip.maintenance import Maintenance
from server.tech.base import OutgoingCall
from tests.support.sip_stacks import Node, SimNet, open_settings
from tests.unit.sip.test_leg import World

SERVER = ("10.0.0.1", 5060)
PEER = ("10.0.0.2", 5060)


def world() -> tuple[SimNet, Node, Node, list[str]]:
    """Return a server, a peer of it, and the endpoints that it may come as."""
    net = SimNet()
    settings = open_settings()
    server = Node(net, "server", SERVER).start(settings)
    peer = Node(net, "peer", PEER).start(open_settings())
    return net, server, peer, list(settings.endpoints)


@pytest.mark.parametrize("method", ["OPTIONS", "MESSAGE", "REGISTER"])
def test_new_requests_are_refused_until_it_is_over(method: str) -> None:
    net, server, peer, endpoints = world()
    server.stack.maintenance.set(endpoints, True)
    refused = peer.request(method, server, target_user="100")
    net.run(1.0)
    assert [status for status, _ in refused] == [503]
    response = refused[0][1]
    assert response is not None
    assert response.retry_after == 300
    server.stack.maintenance.set(endpoints, False)
    accepted = peer.request("OPTIONS", server, target_user="100")
    net.run(1.0)
    assert [status for status, _ in accepted] == [200]


def test_calls_that_are_on_go_on_and_new_ones_are_refused() -> None:
    net, server, peer, endpoints = world()
    first, _ = peer.call(server)
    net.run(1.0)
    server.sessions[-1].answer(net.now)
    net.run(1.0)
    server.stack.maintenance.set(endpoints, True)
    _second, heard = peer.call(server)
    net.run(1.0)
    assert heard.ended == (34, 503, "Service Unavailable")
    assert first.state == "Confirmed"
    first.hangup(16, net.now)
    net.run(1.0)
    assert server.stack.session_count == 0


def test_a_registration_may_still_end() -> None:
    net, server, peer, endpoints = world()
    server.stack.maintenance.set(endpoints, True)
    ended = peer.request("REGISTER", server, target_user="", headers=[("Expires", "0")])
    net.run(1.0)
    assert [status for status, _ in ended] == [404]  # as ever, for who has no aor


def test_changes_are_told_once() -> None:
    maintenance = Maintenance()
    told: list[tuple[str, bool]] = []
    maintenance.observers.append(lambda name, is_on: told.append((name, is_on)))
    maintenance.set(["a", "b"], True)
    maintenance.set(["a"], True)
    maintenance.set(["a"], False)
    assert told == [("a", True), ("b", True), ("a", False)]
    assert maintenance.list() == ["b"]


@pytest.fixture
async def sides() -> AsyncIterator[World]:
    world = World()
    await world.start()
    yield world
    await world.close()


async def test_an_endpoint_under_maintenance_is_not_called(sides: World) -> None:
    tech = sides.phone.tech
    tech.maintenance.set(["server"], True)
    with pytest.raises(Unavailable, match="under maintenance"):
        tech.create_leg("server", OutgoingCall())
    tech.maintenance.set(["server"], False)
    tech.create_leg("server", OutgoingCall()).hangup(16)
