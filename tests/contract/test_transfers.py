"""Transfers that the far end asks for: events, who ends up where, and what the far end is told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.resources.channel import Channel
from server.tech.base import IncomingCall, Party, ReplacedCall
from tests.support.fake_tech import FakeTransfer
from tests.support.node import Collector, NodeUnderTest, settle
from tests.support.web import Web, serve, validate_event


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node) as made:
        yield made


@pytest.fixture
def app(node: NodeUnderTest) -> Collector:
    """Hears everything; :func:`check` validates it."""
    return node.connect("watcher", subscribe_all=True)


def check(app: Collector) -> None:
    """Every event fits its schema, and none of a channel comes after its ChannelDestroyed."""
    gone: set[str] = set()
    for event in app.events:
        validate_event(event)
        channel = event.get("channel", {}).get("id")
        assert channel not in gone, event
        if event["type"] == "ChannelDestroyed":
            gone.add(channel)


async def wait_for_hangup(channel: Channel) -> None:
    await channel.wait_hangup()


def dial_to(node: NodeUnderTest, extension: str, resource: str) -> None:
    """Make an extension that connects its caller with a phone, as Dial() does."""

    async def connect(caller: Channel) -> None:
        called = node.dialer.create_outgoing(f"PJSIP/{resource}", requestor=caller)
        called.on_answered()
        caller.answer()
        try:
            await node.bridges.connect(caller, called)
        finally:
            if not (called.is_hungup or called.is_controlled or called.is_adopted):
                called.hangup()

    node.dialplan.extensions[extension] = connect


def phone(node: NodeUnderTest, resource: str) -> Channel:
    """The newest channel of an endpoint."""
    return node.registry.of_endpoint("PJSIP", resource)[-1]


async def connected(node: NodeUnderTest, caller: str, called: str) -> tuple[Channel, Channel]:
    """Let one phone call another by the dialplan."""
    dial_to(node, f"to-{called}", called)
    first = await node.call(caller, f"to-{called}")
    second = phone(node, called)
    assert first.bridge is not None
    assert first.bridge is second.bridge
    return first, second


async def in_stasis_bridge(web: Web, *names: str) -> tuple[str, list[Channel]]:
    channels = [await web.node.call(name) for name in names]
    for channel in channels:
        channel.answer()
    bridge: str = (await web.call("bridges.create")).json["id"]
    ids = ",".join(channel.id for channel in channels)
    await web.call("bridges.addChannel", bridge, params={"channel": ids})
    return bridge, channels


# blind


@pytest.mark.parametrize("transferer_calls", [True, False])
async def test_a_blind_transfer_sends_the_other_party_into_the_dialplan(
    node: NodeUnderTest, app: Collector, transferer_calls: bool
) -> None:
    node.dialplan.extensions["900"] = wait_for_hangup
    caller, called = await connected(node, "alice", "bob")
    transferer, other = (caller, called) if transferer_calls else (called, caller)
    bridge = transferer.bridge
    assert bridge is not None
    transfer = FakeTransfer("900", referred_by="<sip:alice@127.0.0.1>")
    transferer.on_transfer(transfer)
    assert transfer.told == [202]
    await settle()
    assert transferer.is_destroyed
    assert not other.is_hungup
    assert (other.context, other.exten) == ("default", "900")
    assert other.bridge is None
    assert other.variables.get("BLINDTRANSFER") == transferer.name
    assert other.variables.get("SIPREFERREDBYHDR") == "<sip:alice@127.0.0.1>"
    event = app.of("BridgeBlindTransfer")[0]
    assert event["channel"]["id"] == transferer.id
    assert event["transferee"]["id"] == other.id
    assert (event["exten"], event["context"]) == ("900", "default")
    assert (event["result"], event["is_external"]) == ("Success", True)
    assert event["bridge"]["id"] == bridge.id
    assert set(event["bridge"]["channels"]) == {caller.id, called.id}
    assert app.types.index("BridgeBlindTransfer") < app.types.index("ChannelLeftBridge")
    other.hangup()
    await settle()
    assert transfer.told == [202, 503]
    check(app)


async def test_a_transferer_hears_when_the_other_party_talks_to_somebody(
    node: NodeUnderTest, app: Collector
) -> None:
    dial_to(node, "900", "carol")
    alice, bob = await connected(node, "alice", "bob")
    transfer = FakeTransfer("900")
    alice.on_transfer(transfer)
    await settle()
    assert transfer.told == [202, 200]
    carol = phone(node, "carol")
    assert bob.bridge is carol.bridge is not None
    check(app)


async def test_a_transferer_hears_when_the_other_party_is_in_an_application(
    node: NodeUnderTest, app: Collector
) -> None:
    node.connect("test")
    alice, bob = await connected(node, "alice", "bob")
    transfer = FakeTransfer("stasis")
    alice.on_transfer(transfer)
    await settle()
    assert transfer.told == [202, 200]
    assert bob.stasis is not None


async def test_a_transferer_who_wants_no_progress_hears_success_at_once(
    node: NodeUnderTest, app: Collector
) -> None:
    node.dialplan.extensions["900"] = wait_for_hangup
    alice, _bob = await connected(node, "alice", "bob")
    transfer = FakeTransfer("900", wants_progress=False)
    alice.on_transfer(transfer)
    assert transfer.told == [202, 200]


async def test_a_blind_transfer_to_nowhere_changes_nothing(
    node: NodeUnderTest, app: Collector
) -> None:
    alice, bob = await connected(node, "alice", "bob")
    transfer = FakeTransfer("nowhere")
    alice.on_transfer(transfer)
    await settle()
    assert transfer.told == [404]
    assert alice.bridge is bob.bridge is not None
    assert "BridgeBlindTransfer" not in app.types


async def test_a_blind_transfer_of_nobody_is_invalid(node: NodeUnderTest, app: Collector) -> None:
    node.dialplan.extensions["alone"] = wait_for_hangup
    alice = await node.call("alice", "alone")
    transfer = FakeTransfer("alone")
    alice.on_transfer(transfer)
    await settle()
    assert transfer.told == [400]
    assert app.of("BridgeBlindTransfer")[0]["result"] == "Invalid"
    check(app)


async def test_the_transferers_context_counts(node: NodeUnderTest, app: Collector) -> None:
    node.dialplan.extensions["900"] = wait_for_hangup
    alice, bob = await connected(node, "alice", "bob")
    alice.variables.set("TRANSFER_CONTEXT", "inside")
    alice.on_transfer(FakeTransfer("900"))
    await settle()
    assert bob.context == "inside"


async def test_a_blind_transfer_takes_a_channel_out_of_its_application(
    web: Web, app: Collector
) -> None:
    web.node.dialplan.extensions["900"] = wait_for_hangup
    web.node.connect("test")
    _, (alice, bob) = await in_stasis_bridge(web, "alice", "bob")
    transfer = FakeTransfer("900")
    alice.on_transfer(transfer)
    await settle()
    assert alice.is_destroyed
    assert bob.stasis is None
    assert (bob.exten, bob.bridge) == ("900", None)
    assert app.of("BridgeBlindTransfer")[0]["transferee"]["id"] == bob.id
    check(app)


async def test_among_several_a_local_channel_takes_the_transferers_place(
    web: Web, app: Collector
) -> None:
    web.node.dialplan.extensions["900"] = wait_for_hangup
    listener = web.node.connect("test")
    bridge, (alice, bob, carol) = await in_stasis_bridge(web, "alice", "bob", "carol")
    transfer = FakeTransfer("900")
    alice.on_transfer(transfer)
    await settle()
    assert alice.is_destroyed
    members = (await web.call("bridges.get", bridge)).json["channels"]
    assert {bob.id, carol.id} < set(members)
    event = app.of("BridgeBlindTransfer")[0]
    local = event["replace_channel"]
    assert local["name"].startswith("Local/900@default")
    assert local["id"] in members
    assert "transferee" not in event
    started = [e for e in listener.of("StasisStart") if e["channel"]["id"] == local["id"]]
    assert started[0]["replace_channel"]["id"] == alice.id
    second = next(c for c in web.node.registry if c.name.endswith(";2"))
    second.answer()
    await settle()
    assert transfer.told[-1] == 200
    check(app)


# attended


@pytest.mark.parametrize("calls", [(True, True), (True, False), (False, True), (False, False)])
async def test_an_attended_transfer_connects_both_parties(
    node: NodeUnderTest, app: Collector, calls: tuple[bool, bool]
) -> None:
    legs = []
    for is_caller, other in zip(calls, ("bob", "carol"), strict=True):
        pair = await connected(node, *(("alice", other) if is_caller else (other, "alice")))
        legs.append(pair if is_caller else pair[::-1])
    (first, bob), (second, carol) = legs
    first_bridge, second_bridge = first.bridge, second.bridge
    assert first_bridge is not None
    assert second_bridge is not None
    transfer = FakeTransfer(consultation=second.leg)
    first.on_transfer(transfer)
    await settle()
    assert transfer.told == [202, 200]
    assert first.is_destroyed
    assert second.is_destroyed
    assert bob.bridge is carol.bridge
    assert bob.bridge is not None
    event = app.of("BridgeAttendedTransfer")[0]
    assert event["transferer_first_leg"]["id"] == first.id
    assert event["transferer_second_leg"]["id"] == second.id
    assert event["transferee"]["id"] == bob.id
    assert event["transfer_target"]["id"] == carol.id
    assert event["transferer_first_leg_bridge"]["id"] == first_bridge.id
    assert event["transferer_second_leg_bridge"]["id"] == second_bridge.id
    assert (event["result"], event["is_external"]) == ("Success", True)
    assert event["destination_type"] == "bridge"
    assert event["destination_bridge"] == bob.bridge.id
    carol.hangup()
    await settle()
    assert bob.is_destroyed
    assert len(node.bridges) == 0
    check(app)


@pytest.mark.parametrize("who", ["first", "second"])
async def test_a_party_takes_the_transferers_place_in_an_application(
    web: Web, app: Collector, who: str
) -> None:
    node = web.node
    listener = node.connect("test")
    bridge, (alone, _carol) = await in_stasis_bridge(web, "alice", "carol")
    talking, bob = await connected(node, "alice", "bob")
    first, second = (alone, talking) if who == "first" else (talking, alone)
    transfer = FakeTransfer(consultation=second.leg)
    first.on_transfer(transfer)
    await settle()
    assert transfer.told == [202, 200]
    assert first.is_destroyed
    assert second.is_destroyed
    assert bob.bridge is not None
    assert bob.bridge.id == bridge
    assert bob.stasis is not None
    started = listener.of("StasisStart")[-1]
    assert started["channel"]["id"] == bob.id
    assert started["replace_channel"]["id"] == alone.id
    assert app.of("BridgeAttendedTransfer")[0]["destination_bridge"] == bridge
    check(app)


async def test_an_attended_transfer_within_one_application_moves_the_party(
    web: Web, app: Collector
) -> None:
    listener = web.node.connect("test")
    _, (first, bob) = await in_stasis_bridge(web, "alice", "bob")
    target, (second, carol) = await in_stasis_bridge(web, "alice", "carol")
    starts = len(listener.of("StasisStart"))
    transfer = FakeTransfer(consultation=second.leg)
    first.on_transfer(transfer)
    await settle()
    assert transfer.told == [202, 200]
    assert bob.bridge is carol.bridge is not None
    assert bob.bridge.id == target
    assert len(listener.of("StasisStart")) == starts
    check(app)


async def test_an_attended_transfer_to_a_consultation_without_partner(
    node: NodeUnderTest, app: Collector
) -> None:
    runs: list[str] = []

    async def menu(channel: Channel) -> None:
        runs.append(channel.name)
        channel.set_application("Read", "digits")
        await channel.wait_hangup()

    node.dialplan.extensions["menu"] = menu
    first, bob = await connected(node, "alice", "bob")
    second = await node.call("alice", "menu")
    transfer = FakeTransfer(consultation=second.leg)
    first.on_transfer(transfer)
    await settle()
    assert transfer.told == [202, 200]
    assert runs == [second.name, bob.name]
    assert not bob.is_hungup
    event = app.of("BridgeAttendedTransfer")[0]
    assert event["destination_type"] == "application"
    assert event["destination_application"] == "Read"
    assert "destination_bridge" not in event
    check(app)


async def test_an_attended_transfer_of_nobody_is_invalid(
    node: NodeUnderTest, app: Collector
) -> None:
    node.dialplan.extensions["alone"] = wait_for_hangup
    first = await node.call("alice", "alone")
    second = await node.call("alice", "alone")
    transfer = FakeTransfer(consultation=second.leg)
    first.on_transfer(transfer)
    await settle()
    assert transfer.told == [400]
    assert not first.is_hungup
    event = app.of("BridgeAttendedTransfer")[0]
    assert (event["result"], event["destination_type"]) == ("Invalid", "fail")
    check(app)


async def test_an_attended_transfer_to_an_unknown_call_is_refused(node: NodeUnderTest) -> None:
    alice, _ = await connected(node, "alice", "bob")
    unknown = FakeTransfer(replaces=ReplacedCall("elsewhere", "a", "b"))
    alice.on_transfer(unknown)
    assert unknown.told == [404]
    own = FakeTransfer(consultation=alice.leg)
    alice.on_transfer(own)
    assert own.told == [400]


# calls that replace others


@pytest.mark.parametrize("replaces_caller", [True, False])
async def test_a_call_takes_the_place_of_another(
    node: NodeUnderTest, app: Collector, replaces_caller: bool
) -> None:
    caller, called = await connected(node, "alice", "bob")
    old, staying = (caller, called) if replaces_caller else (called, caller)
    leg = node.phones.make_leg("carol")
    call = IncomingCall("carol", "default", "x", Party(number="carol"), replaces=old.leg)
    node.incoming.incoming(leg, call)
    await settle()
    carol = phone(node, "carol")
    assert ("answer",) in leg.said
    assert old.is_destroyed
    assert carol.bridge is staying.bridge is not None
    staying.hangup()
    await settle()
    assert carol.is_destroyed
    check(app)


async def test_a_call_takes_the_place_of_another_in_an_application(
    web: Web, app: Collector
) -> None:
    listener = web.node.connect("test")
    bridge, (alice, bob) = await in_stasis_bridge(web, "alice", "bob")
    leg = web.node.phones.make_leg("carol")
    web.node.incoming.incoming(leg, IncomingCall("carol", "default", "x", replaces=alice.leg))
    await settle()
    assert alice.is_destroyed
    members = (await web.call("bridges.get", bridge)).json["channels"]
    assert set(members) == {bob.id, phone(web.node, "carol").id}
    assert listener.of("StasisStart")[-1]["replace_channel"]["id"] == alice.id
    check(app)


# left to the application


async def wish(web: Web, transfer: FakeTransfer) -> Channel:
    web.node.connect("test")
    _, (alice, _) = await in_stasis_bridge(web, "alice", "bob")
    alice.transfer_handling = "ari-only"
    alice.on_transfer(transfer)
    await settle()
    return alice


async def test_a_blind_wish_is_left_to_the_application(web: Web, app: Collector) -> None:
    alice = await wish(web, FakeTransfer("900"))
    assert not alice.is_hungup
    event = app.of("ChannelTransfer")[0]
    validate_event(event)
    assert event["refer_to"] == {"requested_destination": {"destination": "900"}}
    assert event["referred_by"]["source_channel"]["id"] == alice.id
    assert event["referred_by"]["connected_channel"]["name"].startswith("PJSIP/bob")
    assert alice.bridge is not None
    assert event["referred_by"]["bridge"]["id"] == alice.bridge.id
    assert "BridgeBlindTransfer" not in app.types


async def test_an_attended_wish_names_both_sides(web: Web, app: Collector) -> None:
    second, carol = await connected(web.node, "alice", "carol")
    await wish(web, FakeTransfer("carol", consultation=second.leg))
    refer_to = app.of("ChannelTransfer")[0]["refer_to"]
    assert refer_to["requested_destination"] == {
        "protocol_id": second.leg.protocol_id,
        "destination": "carol",
        "additional_protocol_params": [
            {"parameter_name": "from", "parameter_value": "from"},
            {"parameter_name": "to", "parameter_value": "to"},
        ],
    }
    assert refer_to["destination_channel"]["id"] == second.id
    assert refer_to["connected_channel"]["id"] == carol.id
    assert second.bridge is not None
    assert refer_to["bridge"]["id"] == second.bridge.id


async def test_an_attended_wish_for_a_call_elsewhere_is_told_too(web: Web, app: Collector) -> None:
    await wish(web, FakeTransfer("900", replaces=ReplacedCall("elsewhere", "a", "b")))
    refer_to = app.of("ChannelTransfer")[0]["refer_to"]
    assert refer_to["requested_destination"]["protocol_id"] == "elsewhere"
    assert "destination_channel" not in refer_to


@pytest.mark.parametrize(
    ("states", "status"),
    [("channel_answered", 200), ("channel_unavailable", 503), ("channel_declined", 603)],
)
async def test_the_application_tells_how_it_went(web: Web, states: str, status: int) -> None:
    transfer = FakeTransfer("900")
    alice = await wish(web, transfer)
    for state in ("channel_progress", states):
        answer = await web.call("channels.transfer_progress", alice.id, params={"states": state})
        assert answer.status == 204
    assert transfer.told == [202, 100, status]
    again = await web.call("channels.transfer_progress", alice.id, params={"states": states})
    assert again.status == 412


async def test_progress_without_a_transfer_is_refused(web: Web) -> None:
    web.node.connect("test")
    answered = {"states": "channel_answered"}
    alice = await web.node.call("alice")
    for params, status in (({"states": "done"}, 400), ({}, 400), (answered, 412)):
        answer = await web.call("channels.transfer_progress", alice.id, params=params)
        assert answer.status == status
    assert (await web.call("channels.transfer_progress", "nobody", params=answered)).status == 404
    web.node.dialplan.extensions["alone"] = wait_for_hangup
    bob = await web.node.call("bob", "alone")
    assert (await web.call("channels.transfer_progress", bob.id, params=answered)).status == 409


async def test_a_second_wish_waits_for_the_first(web: Web) -> None:
    alice = await wish(web, FakeTransfer("900"))
    second = FakeTransfer("901")
    alice.on_transfer(second)
    assert second.told == [491]


async def test_a_call_that_ends_leaves_no_wish_open(web: Web) -> None:
    transfer = FakeTransfer("900")
    alice = await wish(web, transfer)
    alice.hangup()
    assert transfer.told == [202, 503]
