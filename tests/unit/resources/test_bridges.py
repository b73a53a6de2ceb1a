"""The verbs of /bridges on the real resources."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from server.base.errors import Conflict, InvalidArgument, NotFound, Unavailable, Unprocessable
from server.resources.channel import Channel
from server.resources.dialing import DialAttempt
from server.resources.originate import follow
from tests.support.node import NodeUnderTest, settle


async def up(node: NodeUnderTest, endpoint: str) -> Channel:
    channel = await node.call(endpoint)
    channel.answer()
    return channel


def shown(node: NodeUnderTest) -> dict[str, object]:
    described: dict[str, object] = orjson.loads(orjson.dumps(node.bridges.get("b")))
    return described


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
        "video_mode": "talker",
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


async def test_an_id_is_taken_once(node: NodeUnderTest) -> None:
    node.bridges.create(bridge_id="b")
    with pytest.raises(Conflict, match="'b' already exists"):
        node.bridges.create(bridge_id="b")
    assert len(node.bridges) == 1
    node.bridges.destroy("b")
    with pytest.raises(NotFound):
        node.bridges.destroy("b")


@pytest.mark.parametrize(
    ("bridge_type", "expected"),
    [
        (None, ("mixing", "simple_bridge", "talker")),
        ("mixing", ("mixing", "simple_bridge", "talker")),
        ("holding", ("holding", "holding_bridge", "talker")),
        ("mixing,dtmf_events,proxy_media", ("mixing", "simple_bridge", "talker")),
        ("proxy_media", ("mixing", "simple_bridge", "talker")),
        ("video_sfu", ("mixing", "softmix", "sfu")),
        ("mixing, video_sfu, sdp_label", ("mixing", "softmix", "sfu")),
        ("mixing,video_single", ("mixing", "simple_bridge", "single")),
        ("mixing,video_sfu,video_single", ("mixing", "simple_bridge", "single")),
    ],
)
async def test_types_are_shown_as_asterisk_shows_them(
    node: NodeUnderTest, bridge_type: str | None, expected: tuple[str, str, str]
) -> None:
    described = orjson.loads(orjson.dumps(node.bridges.create(bridge_type=bridge_type)))
    assert (described["bridge_type"], described["technology"], described["video_mode"]) == expected
    assert described["bridge_class"] == "stasis"


async def test_playing_and_recording_mix_as_a_third_member_would(node: NodeUnderTest) -> None:
    node.connect()
    node.bridges.create(bridge_id="b")
    bridge = node.bridges.find("b")
    for endpoint in ("alice", "bob"):
        node.bridges.add_channel("b", channel=[(await up(node, endpoint)).id])
    assert shown(node)["technology"] == "simple_bridge"
    playback = orjson.loads(orjson.dumps(node.bridges.play("b", media=["sound:hello"])))
    assert shown(node)["technology"] == "softmix"
    node.playbacks.stop(playback["id"])
    await settle()
    assert shown(node)["technology"] == "simple_bridge"
    await node.bridges.record("b", name="r", file_format="wav")
    node.bridges.start_moh("b")
    node.recordings.stop("r")
    await settle()
    assert shown(node)["technology"] == "softmix"
    node.bridges.stop_moh("b")
    assert shown(node)["technology"] == "simple_bridge"
    assert len(bridge.channels) == 2  # what plays and records is nobody's channel
    assert len(node.registry) == 2
    with pytest.raises(Conflict, match="isn't playing music"):
        node.bridges.stop_moh("b")


async def test_the_video_source_is_shown_and_its_changes_are_told(node: NodeUnderTest) -> None:
    app = node.connect()
    node.bridges.create(bridge_id="b")
    first, second = await up(node, "alice"), await up(node, "bob")
    node.bridges.add_channel("b", channel=[first.id, second.id])
    node.bridges.set_video_source("b", channel_id=first.id)
    node.bridges.set_video_source("b", channel_id=first.id)
    assert (shown(node)["video_mode"], shown(node)["video_source_id"]) == ("single", first.id)
    node.bridges.set_video_source("b", channel_id=second.id)
    node.bridges.remove_channel("b", channel=[second.id])
    assert "video_source_id" not in shown(node)
    assert shown(node)["video_mode"] == "single"
    node.bridges.set_video_source("b", channel_id=first.id)
    node.bridges.clear_video_source("b")
    node.bridges.clear_video_source("b")
    assert shown(node)["video_mode"] == "talker"
    await settle()
    changes = [
        (event.get("old_video_source_id"), event["bridge"].get("video_source_id"))
        for event in app.of("BridgeVideoSourceChanged")
    ]
    assert changes == [
        (None, first.id),
        (first.id, second.id),
        (second.id, None),
        (None, first.id),
        (first.id, None),
    ]


async def test_only_a_member_can_be_the_video_source(node: NodeUnderTest) -> None:
    node.connect()
    node.bridges.create(bridge_id="b")
    channel = await up(node, "alice")
    with pytest.raises(NotFound):
        node.bridges.set_video_source("nothing", channel_id=channel.id)
    with pytest.raises(NotFound):
        node.bridges.set_video_source("b", channel_id="nobody")
    with pytest.raises(Unprocessable):
        node.bridges.set_video_source("b", channel_id=channel.id)


async def test_variables_are_kept_and_shown_when_asked_for(node: NodeUnderTest) -> None:
    node.bridges.create(
        bridge_id="b",
        variables={" TOPIC ": "sales", "HOST": {"value": "alice", "report_events": True}},
    )
    assert shown(node)["bridgevars"] == {"HOST": "alice"}
    assert node.bridges.get_variable("b", variable="TOPIC").value == "sales"
    node.bridges.set_variable("b", variable="TOPIC", value="support", report_events=True)
    node.bridges.set_variable("b", variable="HOST", value="bob")
    assert shown(node)["bridgevars"] == {"HOST": "bob", "TOPIC": "support"}
    node.bridges.set_variable("b", variable="HOST")
    assert shown(node)["bridgevars"] == {"TOPIC": "support"}
    with pytest.raises(NotFound):
        node.bridges.get_variable("b", variable="HOST")
    node.bridges.set_variables("b", variables={"A": "1", "B": {"value": ""}})
    read = node.bridges.get_variables("b", variables=["A", " B", "TOPIC"])
    assert read.variables == {"A": "1", "B": "", "TOPIC": "support"}
    with pytest.raises(NotFound):
        node.bridges.get_variables("b", variables=["A", "HOST"])
    node.bridges.set_variables("b", variables={"GLOBAL(X)": "7"})
    assert node.bridges.get_variables("b", variables=["GLOBAL(X)"]).variables == {"GLOBAL(X)": "7"}


@pytest.mark.parametrize(
    "variables",
    [
        {"": "x"},
        {"  ": "x"},
        {"A" * 1025: "x"},
        {"A": 1},
        {"A": None},
        {"A": ["x"]},
        {"A": {}},
        {"A": {"value": 1}},
        {"A": {"value": "x", "report_events": "yes"}},
    ],
)
async def test_malformed_variables_make_no_bridge(
    node: NodeUnderTest, variables: dict[str, object]
) -> None:
    with pytest.raises(InvalidArgument, match="variable"):
        node.bridges.create(bridge_id="b", variables=variables)
    assert "b" not in node.bridges
    node.bridges.create(bridge_id="b")
    with pytest.raises(InvalidArgument, match="variable"):
        node.bridges.set_variables("b", variables=variables)


async def test_too_many_variables_make_no_bridge(node: NodeUnderTest) -> None:
    many = {f"V{i}": {"value": "x", "report_events": True} for i in range(65)}
    with pytest.raises(Unavailable):
        node.bridges.create(bridge_id="b", variables=many)
    node.bridges.create(bridge_id="b", variables={f"V{i}": "x" for i in range(4096)})
    with pytest.raises(Unavailable):
        node.bridges.set_variable("b", variable="ONE_MORE", value="x")
    node.bridges.set_variable("b", variable="V0", value="y")


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


async def test_who_joins_hears_the_others_rather_than_a_ringing_tone(node: NodeUnderTest) -> None:
    node.connect()
    channels = [await up(node, endpoint) for endpoint in ("alice", "bob")]
    node.bridges.create(bridge_id="b")
    node.channels.ring(channels[0].id)
    channels[1].set_background("music", "default")
    node.bridges.add_channel("b", channel=[channel.id for channel in channels])
    assert channels[0].leg.stream.background is None
    assert channels[1].leg.stream.background == "music"
