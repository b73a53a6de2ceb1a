"""Snoop channels on the real resources."""

from __future__ import annotations

import re

import orjson
import pytest

from server.base.errors import Conflict, InvalidArgument, NotFound
from server.resources.channel import Channel
from tests.support.node import NodeUnderTest, settle


async def spied(node: NodeUnderTest) -> Channel:
    channel = await node.call("alice")
    channel.answer()
    return channel


def snoop(node: NodeUnderTest, target: str, **options: str) -> Channel:
    node.channels.snoop(target, **{"app": "test", "spy": "both", "snoop_id": "spy", **options})
    return node.channels.find("spy")


async def test_a_snoop_channel_is_up_and_enters_the_application(node: NodeUnderTest) -> None:
    app = node.connect()
    target = await spied(node)
    described = orjson.loads(
        orjson.dumps(node.channels.snoop(target.id, app="test", spy="in", app_args="a,b"))
    )
    assert re.fullmatch(rf"Snoop/{re.escape(target.id)}-[0-9a-f]{{8}}", described["name"])
    assert described["state"] == "Up"
    await settle()
    start = app.of("StasisStart")[-1]
    assert (start["channel"]["id"], start["args"]) == (described["id"], ["a", "b"])


async def test_directions_reach_the_engine(node: NodeUnderTest) -> None:
    node.connect()
    target = await spied(node)
    channel = snoop(node, target.id, spy="in", whisper="out")
    stream = channel.leg.stream
    assert stream.target is target.leg.stream
    assert ("STREAM_SNOOP", target.leg.stream.handle, 1, 2) in node.engine.calls(stream)


async def test_it_ends_with_the_spied_channel(node: NodeUnderTest) -> None:
    app = node.connect(subscribe_all=True)
    target = await spied(node)
    snoop(node, target.id)
    await settle()
    target.hangup()
    await settle()
    assert len(node.registry) == 0
    own = [e["type"] for e in app.events if e.get("channel", {}).get("id") == "spy"]
    assert own == [
        "ChannelCreated",
        "StasisStart",
        "ChannelHangupRequest",
        "StasisEnd",
        "ChannelDestroyed",
    ]


async def test_the_spied_channel_outlives_it(node: NodeUnderTest) -> None:
    node.connect()
    target = await spied(node)
    for _ in range(3):
        channel = snoop(node, target.id)
        await settle()
        channel.hangup()
        await settle()
        assert "spy" not in node.registry
    assert target.on_end == []
    assert target.leg.stream.snoops == []
    assert not target.is_hungup


async def test_it_ends_when_its_application_lets_go(node: NodeUnderTest) -> None:
    node.connect()
    target = await spied(node)
    snoop(node, target.id)
    await settle()
    node.channels.continue_in_dialplan("spy", extension="stasis")
    await settle()
    assert "spy" not in node.registry


async def test_it_moves_to_another_application(node: NodeUnderTest) -> None:
    node.connect()
    other = node.connect("other")
    target = await spied(node)
    snoop(node, target.id)
    await settle()
    node.channels.move("spy", app="other")
    await settle()
    assert [e["channel"]["id"] for e in other.of("StasisStart")] == ["spy"]


async def test_without_the_application_it_ends_at_once(node: NodeUnderTest) -> None:
    node.connect()
    target = await spied(node)
    snoop(node, target.id, app="nobody")
    await settle()
    assert "spy" not in node.registry


async def test_it_is_bridged_recorded_and_played_to(node: NodeUnderTest) -> None:
    app = node.connect()
    target = await spied(node)
    channel = snoop(node, target.id, whisper="out")
    await settle()
    node.bridges.create(bridge_id="b")
    node.bridges.add_channel("b", channel=["spy"])
    node.bridges.remove_channel("b", channel=["spy"])
    await node.channels.record("spy", name="r", file_format="wav")
    node.channels.play("spy", media=["sound:hello"])
    await settle()
    assert {"ChannelEnteredBridge", "RecordingStarted", "PlaybackStarted"} <= set(app.types)
    names = [name for name, *_ in node.engine.calls(channel.leg.stream)]
    assert names[-2:] == ["STREAM_RECORD", "STREAM_PLAY"]
    node.bridges.destroy("b")


async def test_a_channel_of_the_dialplan_is_spied_too(node: NodeUnderTest) -> None:
    async def wait(channel: Channel) -> None:
        await channel.wait_hangup()

    node.connect()
    node.dialplan.extensions["alone"] = wait
    target = await node.call("alice", "alone")
    snoop(node, target.name)
    await settle()
    assert node.channels.find("spy").stasis is not None


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"app": ""}, "Application name"),
        ({"spy": "up"}, "spy"),
        ({"whisper": "up"}, "whisper"),
        ({"spy": "none", "whisper": "none"}, "at least spy or whisper"),
        ({"snoop_id": "x" * 999}, "snoopId"),
    ],
)
async def test_wrong_values_make_no_channel(
    node: NodeUnderTest, options: dict[str, str], field: str
) -> None:
    node.connect()
    target = await spied(node)
    with pytest.raises(InvalidArgument, match=field):
        node.channels.snoop(target.id, **{"app": "test", "spy": "in", **options})
    assert len(node.registry) == 1


async def test_a_taken_id_and_a_channel_that_is_gone_are_refused(node: NodeUnderTest) -> None:
    node.connect()
    target = await spied(node)
    with pytest.raises(Conflict):
        snoop(node, target.id, snoop_id=target.id)
    with pytest.raises(NotFound):
        node.channels.snoop("nobody", app="test", spy="in")
    target.hangup()
    with pytest.raises(NotFound):
        node.channels.snoop(target.id, app="test", spy="in")
