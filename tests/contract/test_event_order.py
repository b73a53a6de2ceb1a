"""The promises of the event stream, one test each."""

from __future__ import annotations

import pytest

from server.base.errors import Conflict
from server.media.streams import FileSource
from tests.support.node import NodeUnderTest, settle


async def test_every_consumer_sees_the_same_order(node: NodeUnderTest) -> None:
    first = node.connect("test", subscribe_all=True)
    second = node.connect("other", subscribe_all=True)
    for endpoint in ("alice", "bob"):
        channel = await node.call(endpoint)
        node.channels.answer(channel.id)
        node.channels.hangup(channel.id)
    await settle()
    private = ("StasisStart", "StasisEnd")  # go to the controlling application alone
    assert [t for t in first.types if t not in private] == second.types
    assert second.types.count("ChannelDestroyed") == 2


async def test_events_of_a_channel_lie_between_created_and_destroyed(node: NodeUnderTest) -> None:
    app = node.connect(subscribe_all=True)
    channel = await node.call()
    node.channels.answer(channel.id)
    node.channels.play(channel.id, media=["sound:hello"])
    channel.on_dtmf("1", 100)
    node.phones.legs[0].far_end_hangs_up()
    await settle()
    mine = [e["type"] for e in app.events if e["type"] != "DeviceStateChanged"]
    assert mine[0] == "ChannelCreated"
    assert mine[-1] == "ChannelDestroyed"
    assert "PlaybackFinished" in mine


async def test_stasis_start_is_the_first_event_of_a_foreign_channel(node: NodeUnderTest) -> None:
    app = node.connect()
    channel = await node.call()
    node.channels.answer(channel.id)
    await settle()
    assert app.types == ["StasisStart", "ChannelStateChange"]


async def test_stasis_end_is_the_last_before_destroyed(node: NodeUnderTest) -> None:
    app = node.connect(subscribe_all=True)
    channel = await node.call()
    node.channels.answer(channel.id)
    node.channels.play(channel.id, media=["sound:hello"])
    node.bridges.create(bridge_id="b")
    node.bridges.add_channel("b", channel=[channel.id])
    node.channels.hangup(channel.id)
    await settle()
    order = [t for t in app.types if t != "DeviceStateChanged"]
    assert order[-3:] == ["ChannelLeftBridge", "StasisEnd", "ChannelDestroyed"]


async def test_recording_finished_comes_before_stasis_end(node: NodeUnderTest) -> None:
    app = node.connect()
    channel = await node.call()
    node.channels.answer(channel.id)
    await node.channels.record(channel.id, name="memo", file_format="wav")
    node.phones.legs[0].far_end_hangs_up()
    await settle()
    order = app.types
    assert order.index("RecordingFinished") < order.index("StasisEnd")
    assert order[-2:] == ["StasisEnd", "ChannelDestroyed"]


async def test_left_bridge_comes_before_stasis_end_on_continue(node: NodeUnderTest) -> None:
    app = node.connect()
    channel = await node.call()
    node.channels.answer(channel.id)
    node.bridges.create(bridge_id="b")
    node.bridges.add_channel("b", channel=[channel.id])
    node.channels.continue_in_dialplan(channel.id)
    await settle()
    assert app.types.index("ChannelLeftBridge") < app.types.index("StasisEnd")


async def test_playback_started_comes_before_finished(node: NodeUnderTest) -> None:
    app = node.connect()
    channel = await node.call()
    node.channels.answer(channel.id)
    node.channels.play(channel.id, media=["sound:hello", "digits:12"], playback_id="p")
    player = node.engine.players[0]
    assert player.sources == tuple(
        FileSource(f"/sounds/en/{name}.wav") for name in ("hello", "digits/1", "digits/2")
    )
    player.begin_item(1)
    player.begin_item(2)
    player.finish()
    await settle()
    assert app.types[-3:] == ["PlaybackStarted", "PlaybackContinuing", "PlaybackFinished"]
    assert [e["playback"]["state"] for e in app.events[-3:]] == ["playing", "continuing", "done"]
    assert app.events[-2]["playback"]["media_uri"] == "digits:12"


async def test_reply_precedes_the_events_it_causes(node: NodeUnderTest) -> None:
    app = node.connect()
    channel = await node.call()
    before = len(app.events)
    with node.bus.hold():
        node.channels.answer(channel.id)
        await settle()
        reply_was_written = len(app.events) == before
    assert reply_was_written
    await settle()
    assert app.types[before:] == ["ChannelStateChange"]


async def test_command_before_stasis_fails_with_one_code(node: NodeUnderTest) -> None:
    node.connect()
    node.channels.originate(endpoint="PJSIP/bob", app="test", channel_id="out")
    for verb in (node.channels.answer, node.channels.ring, node.channels.hold):
        with pytest.raises(Conflict, match=r"^Channel not in Stasis application$"):
            verb("out")


async def test_events_carry_the_moment_they_happened(node: NodeUnderTest) -> None:
    app = node.connect(subscribe_all=True)
    channel = await node.call()
    with node.bus.hold():
        node.channels.answer(channel.id)
        node.channels.hangup(channel.id)
    await settle()
    changes = app.of("ChannelStateChange")
    assert [e["channel"]["state"] for e in changes] == ["Up"]
    assert app.of("StasisStart")[0]["channel"]["state"] == "Ring"
