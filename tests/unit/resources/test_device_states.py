"""Device states: what endpoints and channels amount to, and what applications set."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import Conflict, InvalidArgument, NotFound
from server.resources.device_states import CUSTOM, PRECEDENCE, STASIS, DeviceStates, aggregate
from server.store.kv import KeyValueStore
from server.tech.base import EndpointInfo
from tests.support.node import NodeUnderTest, settle


@pytest.mark.parametrize(
    ("states", "result"),
    [
        ([], "INVALID"),
        (["NOT_INUSE"], "NOT_INUSE"),
        (["NOT_INUSE", "UNAVAILABLE"], "NOT_INUSE"),
        (["ONHOLD", "ONHOLD"], "ONHOLD"),
        (["ONHOLD", "INUSE"], "INUSE"),
        (["ONHOLD", "RINGING"], "RINGINUSE"),
        (["RINGING", "NOT_INUSE"], "RINGING"),
        (["RINGING", "INUSE"], "RINGINUSE"),
        (["BUSY", "INUSE"], "BUSY"),
        (["BUSY", "RINGING"], "RINGINUSE"),
        (["UNKNOWN", "INVALID"], "UNKNOWN"),
    ],
)
def test_several_states_amount_to_one(states: list[str], result: str) -> None:
    assert aggregate(states) == result
    assert aggregate(reversed(states)) == result


@given(st.lists(st.sampled_from(PRECEDENCE), min_size=1))
def test_order_does_not_matter(states: list[str]) -> None:
    assert aggregate(states) == aggregate(sorted(states))


async def test_device_state_follows_the_calls(node: NodeUnderTest) -> None:
    app = node.connect("test")
    node.applications.subscribe("test", ["deviceState:PJSIP/alice"])
    channel = await node.call("alice")
    channel.answer()
    channel.on_hold(None)
    channel.on_unhold()
    node.channels.hangup(channel.id)
    await settle()
    states = [e["device_state"]["state"] for e in app.of("DeviceStateChanged")]
    assert states == ["INUSE", "ONHOLD", "INUSE", "NOT_INUSE"]


async def test_ringing_device(node: NodeUnderTest) -> None:
    node.connect()
    node.channels.originate(endpoint="PJSIP/bob", app="test")
    await settle()
    node.phones.legs[0].listener.on_ringing()  # type: ignore[union-attr]
    assert node.devices.state("PJSIP/bob") == "RINGING"
    assert node.devices.state("PJSIP/carol") == "NOT_INUSE"
    assert node.devices.state("PJSIP/nobody") == "INVALID"


async def test_a_device_with_as_many_calls_as_it_takes_is_busy(node: NodeUnderTest) -> None:
    node.connect()
    node.phones.busy_at = 2
    await node.call("alice")
    assert node.devices.state("PJSIP/alice") == "INUSE"
    await node.call("alice")
    assert node.devices.state("PJSIP/alice") == "BUSY"


async def test_an_endpoint_without_calls_is_as_it_can_be_reached(node: NodeUnderTest) -> None:
    for state, expected in (
        ("online", "NOT_INUSE"),
        ("offline", "UNAVAILABLE"),
        ("unknown", "UNKNOWN"),
    ):
        node.phones._endpoints["alice"] = state
        assert node.devices.state("PJSIP/alice") == expected


async def test_a_call_of_an_endpoint_that_is_away_is_told_from_its_absence(
    node: NodeUnderTest,
) -> None:
    app = node.connect(subscribe_all=True)
    channel = await node.call("alice")
    node.phones._endpoints["alice"] = "offline"
    node.incoming.on_endpoint_changed(EndpointInfo("PJSIP", "alice", "offline"))
    channel.hangup()
    await settle()
    states = [e["device_state"]["state"] for e in app.of("DeviceStateChanged")]
    assert states == ["INUSE", "UNAVAILABLE"]


async def test_extensions_are_devices(node: NodeUnderTest) -> None:
    async def stay(channel: object) -> None:
        await channel.wait_hangup()  # type: ignore[attr-defined]

    node.dialplan.extensions["100"] = stay
    assert node.devices.state("Local/100@default") == "NOT_INUSE"
    assert node.devices.state("Local/999@default") == "INVALID"
    assert node.devices.state("Local/100") == "INVALID"
    node.connect()
    node.channels.originate(endpoint="Local/100@default", app="test")
    await settle()
    assert node.devices.state("Local/100@default") == "INUSE"


@pytest.mark.parametrize("device", ["", "x", "IAX2/x", "Queue:x", "PJSIP/a:b", ":", "Nothing:"])
async def test_what_nobody_knows_is_invalid(node: NodeUnderTest, device: str) -> None:
    assert node.devices.state(device) == "INVALID"


async def test_who_provides_a_kind_of_device_is_asked(node: NodeUnderTest) -> None:
    node.devices.add_provider("Park", lambda place: "INUSE" if place == "701" else "NOT_INUSE")
    assert node.devices.state("Park:701") == "INUSE"
    assert node.devices.state("park:702") == "NOT_INUSE"


async def test_changes_by_hand_are_published_once(node: NodeUnderTest) -> None:
    followers = node.connect("one"), node.connect("all", subscribe_all=True)
    node.connect("other")
    node.applications.subscribe("one", ["deviceState:Stasis:door"])
    stranger = node.connect("stranger")
    node.applications.subscribe("stranger", ["deviceState:Stasis:window"])
    assert node.applications.get("one").device_names == ["Stasis:door"]
    for state in ("INUSE", "INUSE", "BUSY"):
        node.devices.update("Stasis:door", device_state=state)
    node.devices.delete("Stasis:door")
    await settle()
    for follower in followers:
        assert [event["device_state"] for event in follower.of("DeviceStateChanged")] == [
            {"name": "Stasis:door", "state": "INUSE"},
            {"name": "Stasis:door", "state": "BUSY"},
            {"name": "Stasis:door", "state": "UNKNOWN"},
        ]
    assert stranger.events == []


async def test_an_application_can_follow_every_device(node: NodeUnderTest) -> None:
    app = node.connect()
    node.applications.subscribe("test", ["deviceState:"])
    node.devices.set(CUSTOM, "night", "INUSE")
    node.devices.update("Stasis:door", device_state="RINGING")
    await settle()
    names = [event["device_state"]["name"] for event in app.of("DeviceStateChanged")]
    assert names == ["Custom:night", "Stasis:door"]


async def test_only_devices_of_applications_can_be_set(node: NodeUnderTest) -> None:
    for device in ("PJSIP/alice", "Custom:x", "stasis", "x"):
        with pytest.raises(Conflict):
            node.devices.update(device, device_state="INUSE")
        with pytest.raises(Conflict):
            node.devices.delete(device)
    with pytest.raises(NotFound):
        node.devices.update("Stasis:", device_state="INUSE")
    with pytest.raises(NotFound):
        node.devices.delete("Stasis:nobody")
    with pytest.raises(InvalidArgument, match="deviceState"):
        node.devices.update("Stasis:x", device_state="ASLEEP")
    with pytest.raises(InvalidArgument, match="deviceName"):
        node.devices.update("Stasis:" + "x" * 300, device_state="INUSE")
    assert node.devices.list() == []


async def test_what_was_set_survives_a_restart(node: NodeUnderTest, tmp_path: Path) -> None:
    store = KeyValueStore(tmp_path / "astdb.sqlite3")
    await store.open()
    DeviceStates(node.node, node.endpoints, store).update("Stasis:door", device_state="ONHOLD")
    store.put("StasisDeviceState", "odd", "NONSENSE")
    await store.close()
    store = KeyValueStore(tmp_path / "astdb.sqlite3")
    await store.open()
    again = DeviceStates(node.node, node.endpoints, store)
    listed = [(device.name, device.state) for device in again.stored(STASIS)]
    await store.close()
    assert listed == [("Stasis:door", "ONHOLD"), ("Stasis:odd", "UNKNOWN")]
