"""Endpoints, subscriptions to them, and user events."""

from __future__ import annotations

import pytest

from server.base.errors import InvalidArgument, NotFound, Unprocessable
from server.tech.base import ContactInfo, EndpointInfo
from tests.support.node import NodeUnderTest, settle


async def test_endpoints_are_listed_with_their_channels(node: NodeUnderTest) -> None:
    node.connect()
    channel = await node.call("alice")
    everybody = ["alice", "bob", "carol"]
    assert [e.resource for e in node.endpoints.list().items] == everybody
    assert [e.resource for e in node.endpoints.list_by_tech("PJSIP").items] == everybody
    assert node.endpoints.list(state="offline").items == []
    alice = node.endpoints.get("PJSIP", "alice")
    assert (alice.state, alice.channel_ids) == ("online", [channel.id])
    for tech, resource in (("PJSIP", "nobody"), ("IAX2", "alice")):
        with pytest.raises(NotFound):
            node.endpoints.get(tech, resource)


async def test_endpoint_subscription_brings_its_channels_events(node: NodeUnderTest) -> None:
    app = node.connect("watcher")
    node.connect("test")
    node.applications.subscribe("watcher", ["endpoint:PJSIP/alice"])
    await node.call("alice")
    await node.call("bob")
    assert {e["channel"]["name"] for e in app.events} == {"PJSIP/alice-00000001"}
    assert app.types[0] == "ChannelCreated"


async def test_endpoint_and_contact_changes_are_published(node: NodeUnderTest) -> None:
    app = node.connect()
    node.applications.subscribe("test", ["endpoint:PJSIP"])
    info = EndpointInfo("PJSIP", "alice", "offline")
    node.incoming.on_endpoint_changed(info)
    node.incoming.on_contact_changed(
        info, ContactInfo("sip:alice@127.0.0.1", "alice", "Reachable", 1500)
    )
    await settle()
    assert app.types == ["EndpointStateChange", "PeerStatusChange", "ContactStatusChange"]
    assert app.events[1]["peer"] == {"peer_status": "Unreachable"}
    assert app.events[2]["contact_info"] == {
        "uri": "sip:alice@127.0.0.1",
        "contact_status": "Reachable",
        "aor": "alice",
        "roundtrip_usec": "1500",
    }


async def test_subscription_needs_a_source_that_exists(node: NodeUnderTest) -> None:
    node.connect()
    for source in ("channel:x", "bridge:x", "endpoint:PJSIP/x", "endpoint:IAX2"):
        with pytest.raises(Unprocessable):
            node.applications.subscribe("test", [source])
    node.applications.subscribe("test", ["deviceState:anything"])


async def test_user_event_reaches_app_and_followers_of_its_source(node: NodeUnderTest) -> None:
    app, follower = node.connect("test"), node.connect("follower")
    channel = await node.call()
    node.applications.subscribe("follower", [f"channel:{channel.id}"])
    node.events.user_event(
        "Lunch", application="test", source=[f"channel:{channel.id}"], variables={"a": "1"}
    )
    await settle()
    for collector in (app, follower):
        event = collector.of("ChannelUserevent")[0]
        assert (event["eventname"], event["userevent"]) == ("Lunch", {"a": "1"})
        assert event["channel"]["id"] == channel.id


@pytest.mark.parametrize(
    ("application", "source", "error"),
    [
        ("nobody", [], NotFound),
        ("test", ["channel:x"], Unprocessable),
        ("test", ["deviceState:x"], InvalidArgument),
        ("test", ["x"], InvalidArgument),
    ],
)
async def test_bad_user_event_is_sent_to_nobody(
    node: NodeUnderTest, application: str, source: list[str], error: type[Exception]
) -> None:
    app = node.connect(subscribe_all=True)
    with pytest.raises(error):
        node.events.user_event("Lunch", application=application, source=source)
    await settle()
    assert app.types == []
