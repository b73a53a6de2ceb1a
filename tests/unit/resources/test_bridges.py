"""The verbs of /bridges on the real resources."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from server.base.errors import Conflict, InvalidArgument, NotFound, Unprocessable
from server.resources.channel import Channel
from server.resources.dialing import DialAttempt
from server.resources.originate import follow
from tests.support.node import NodeUnderTest, settle


async def up(node: NodeUnderTest, endpoint: str) -> Channel:
    channel = await node.call(endpoint)
    channel.answer()
    return channel


async def test_snapshot_has_exactly_aris_fields(node: NodeUnderTest) -> None:
    node.connect()
    channel = await up(node, "alice")
    node.bridges.create(bridge_id="b", name="room", bridge_type="mixing,dtmf_events")
    node.bridges.add_channel("b", channel=[channel.id])
    described = orjson.loads(orjson.dumps(node.bridges.get("b")))
    assert described == {
        "id": "b",
        "technology": "simple_bridge",
        "bridge_type": "mixing",
        "bridge_class": "stasis",
        "creator": "Stasis",
        "name": "room",
        "channels": [channel.id],
        "creationtime": described["creationtime"],
        "video_mode": "none",
    }


async def test_third_member_makes_it_a_softmix(node: NodeUnderTest) -> None:
    node.connect()
    node.bridges.create(bridge_id="b")
    bridge = node.bridges.find("b")
    for endpoint, technology in (("alice", "simple_bridge"), ("bob", "simple_bridge"),
                                 ("carol", "softmix")):  # fmt: skip
        channel = await up(node, endpoint)
        node.bridges.add_channel("b", channel=[channel.id])
        assert bridge.technology == technology


async def test_creating_twice_gives_the_same_bridge(node: NodeUnderTest) -> None:
    node.bridges.create(bridge_id="b")
    node.bridges.create(bridge_id="b")
    assert len(node.bridges) == 1
    with pytest.raises(Conflict):
        node.bridges.create(bridge_id="b", bridge_type="holding")
    node.bridges.destroy("b")
    with pytest.raises(NotFound):
        node.bridges.destroy("b")


@pytest.mark.parametrize("bridge_type", ["round", "mixing,holding", "mixing,x"])
async def test_bad_type_is_refused(node: NodeUnderTest, bridge_type: str) -> None:
    with pytest.raises(InvalidArgument, match="type"):
        node.bridges.create(bridge_type=bridge_type)
    assert len(node.bridges) == 0


async def test_channel_moves_from_bridge_to_bridge(node: NodeUnderTest) -> None:
    app = node.connect()
    channel = await up(node, "alice")
    for name in ("a", "b"):
        node.bridges.create(bridge_id=name)
        node.bridges.add_channel(name, channel=[channel.id])
    await settle()
    moves = [(e["type"], e["bridge"]["id"]) for e in app.events if "bridge" in e]
    assert moves == [
        ("ChannelEnteredBridge", "a"),
        ("ChannelLeftBridge", "a"),
        ("ChannelEnteredBridge", "b"),
    ]
    assert node.applications.get("test").bridge_ids == ["b"]


async def test_adding_is_all_or_nothing(node: NodeUnderTest) -> None:
    node.connect()
    channel = await up(node, "alice")
    node.bridges.create(bridge_id="b")
    with pytest.raises(InvalidArgument, match="nobody"):
        node.bridges.add_channel("b", channel=[channel.id, "nobody"])
    with pytest.raises(InvalidArgument):
        node.bridges.add_channel("b", channel=[])
    with pytest.raises(InvalidArgument, match="role"):
        node.bridges.add_channel("b", channel=[channel.id], role="boss")
    with pytest.raises(NotFound):
        node.bridges.add_channel("x", channel=[channel.id])
    assert channel.bridge is None


async def test_channel_outside_stasis_is_unprocessable(node: NodeUnderTest) -> None:
    node.connect()
    node.dialplan.extensions["idle"] = lambda channel: channel.wait_hangup()
    idle = await node.call(exten="idle")
    node.bridges.create(bridge_id="b")
    with pytest.raises(Unprocessable):
        node.bridges.add_channel("b", channel=[idle.id])


async def test_recorded_channel_is_not_bridged(node: NodeUnderTest) -> None:
    node.connect()
    channel = await up(node, "alice")
    await node.channels.record(channel.id, name="memo", file_format="wav")
    node.bridges.create(bridge_id="b")
    with pytest.raises(Conflict):
        node.bridges.add_channel("b", channel=[channel.id])


async def test_bridged_channel_is_not_recorded(node: NodeUnderTest) -> None:
    node.connect()
    channel = await up(node, "alice")
    node.bridges.create(bridge_id="b")
    node.bridges.add_channel("b", channel=[channel.id])
    with pytest.raises(Conflict):
        await node.channels.record(channel.id, name="memo", file_format="wav")


async def test_removing_needs_membership(node: NodeUnderTest) -> None:
    node.connect()
    channel = await up(node, "alice")
    node.bridges.create(bridge_id="b")
    with pytest.raises(Unprocessable):
        node.bridges.remove_channel("b", channel=[channel.id])
    node.bridges.add_channel("b", channel=[channel.id])
    node.bridges.remove_channel("b", channel=[channel.id])
    assert channel.bridge is None
    assert not channel.is_hungup


async def test_destroying_lets_everybody_out(node: NodeUnderTest) -> None:
    app = node.connect(subscribe_all=True)
    channel = await up(node, "alice")
    node.bridges.create(bridge_id="b")
    node.bridges.add_channel("b", channel=[channel.id])
    node.bridges.destroy("b")
    await settle()
    assert channel.bridge is None
    assert app.types[-2:] == ["ChannelLeftBridge", "BridgeDestroyed"]


async def test_holding_of_one_plays_music_to_the_other(node: NodeUnderTest) -> None:
    node.connect()
    alice, bob = await up(node, "alice"), await up(node, "bob")
    node.bridges.create(bridge_id="b")
    node.bridges.add_channel("b", channel=[alice.id, bob.id])
    alice.on_hold("jazz")
    alice.on_unhold()
    backgrounds = [c for c in node.engine.calls(bob.leg.stream) if c[0] == "STREAM_BACKGROUND"]
    assert backgrounds == [("STREAM_BACKGROUND", 2, "jazz"), ("STREAM_BACKGROUND", 0, "")]


async def test_bridge_plays_and_records_for_all(node: NodeUnderTest) -> None:
    app = node.connect(subscribe_all=True)
    node.bridges.create(bridge_id="b")
    node.bridges.play("b", media=["sound:hello"], playback_id="p")
    node.engine.players[0].finish()
    await node.bridges.record("b", name="talk", file_format="wav")
    node.recordings.stop("talk")
    node.bridges.start_moh("b", moh_class="jazz")
    node.bridges.stop_moh("b")
    await settle()
    assert app.of("PlaybackFinished")[0]["playback"]["target_uri"] == "bridge:b"
    assert app.of("RecordingFinished")[0]["recording"]["target_uri"] == "bridge:b"
    music = [c for c in node.engine.calls(node.engine.bridges[0]) if c[0] == "BRIDGE_MUSIC"]
    assert [c[-1] for c in music] == ["jazz", ""]


async def test_connect_returns_who_left_and_ends_the_bridge(node: NodeUnderTest) -> None:
    left: list[str] = []

    async def extension(channel: Channel) -> None:
        other = node.dialer.create_outgoing("PJSIP/bob", requestor=channel)
        other.set_state("Up")
        gone = await node.bridges.connect(channel, other)
        left.append(gone.name)

    node.dialplan.extensions["100"] = extension
    alice = await node.call(exten="100")
    assert len(node.bridges) == 1
    assert alice.bridge is not None
    assert alice.bridge.bridge_class == "basic"
    with pytest.raises(Conflict):
        node.bridges.destroy(alice.bridge.id)
    node.phones.legs[1].far_end_hangs_up()
    await settle()
    assert left == ["PJSIP/bob-00000002"]
    assert len(node.bridges) == 0


async def test_departure_of_a_cancelled_waiter_leaves_nothing(node: NodeUnderTest) -> None:
    node.bridges.create(bridge_id="b")
    bridge = node.bridges.find("b")
    waiting = bridge.departure()
    waiting.cancel()
    await asyncio.sleep(0)
    assert bridge._departures == []


async def dial_and_connect(node: NodeUnderTest, channel: Channel, endpoint: str) -> None:
    """Do what Dial() does."""
    other = node.dialer.create_outgoing(endpoint, requestor=channel)
    attempt = DialAttempt(other, channel, other.dial_string)
    attempt.start()
    try:
        await channel.wait(follow(attempt, None))
        channel.answer()
        await node.bridges.connect(channel, other)
    finally:
        if not other.is_adopted:
            other.hangup()


@pytest.mark.parametrize("hangs_up", ["PJSIP/alice-00000001", "PJSIP/bob-00000002"])
async def test_local_channel_between_two_phones_goes_away(
    node: NodeUnderTest, hangs_up: str
) -> None:
    node.dialplan.extensions["100"] = lambda c: dial_and_connect(node, c, "Local/200@default")
    node.dialplan.extensions["200"] = lambda c: dial_and_connect(node, c, "PJSIP/bob")
    alice = await node.call("alice", "100")
    await settle()
    node.phones.legs[1].listener.on_answered()  # type: ignore[union-attr]
    for _ in range(3):
        await settle()
    assert sorted(channel.name for channel in node.registry) == [
        "PJSIP/alice-00000001",
        "PJSIP/bob-00000002",
    ]
    assert alice.bridge is not None
    assert len(alice.bridge.channels) == 2
    leg = next(leg for leg in node.phones.legs if leg.name == hangs_up)
    leg.far_end_hangs_up()
    for _ in range(3):
        await settle()
    assert len(node.registry) == 0
    assert len(node.bridges) == 0


async def test_slash_n_keeps_the_local_channel(node: NodeUnderTest) -> None:
    node.dialplan.extensions["100"] = lambda c: dial_and_connect(node, c, "Local/200@default/n")
    node.dialplan.extensions["200"] = lambda c: dial_and_connect(node, c, "PJSIP/bob")
    await node.call("alice", "100")
    await settle()
    node.phones.legs[1].listener.on_answered()  # type: ignore[union-attr]
    for _ in range(3):
        await settle()
    assert len(node.registry) == 4


async def test_a_spied_local_channel_stays(node: NodeUnderTest) -> None:
    node.connect()
    node.dialplan.extensions["100"] = lambda c: dial_and_connect(node, c, "Local/200@default")
    node.dialplan.extensions["200"] = lambda c: dial_and_connect(node, c, "PJSIP/bob")
    await node.call("alice", "100")
    await settle()
    local = next(channel for channel in node.registry if channel.name.endswith(";1"))
    node.channels.snoop(local.id, app="test", spy="both")
    node.phones.legs[1].listener.on_answered()  # type: ignore[union-attr]
    for _ in range(3):
        await settle()
    assert len(node.registry) == 5
