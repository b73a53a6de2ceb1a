"""Playbacks: queueing, control, failure."""

from __future__ import annotations

import pytest

from server.base.errors import Conflict, InvalidArgument, NotFound, Unavailable
from server.media.streams import FileSource, ToneSource
from server.resources import playbacks
from server.resources.channel import Channel
from tests.support.node import Collector, NodeUnderTest, settle


@pytest.fixture
def app(node: NodeUnderTest) -> Collector:
    return node.connect()


@pytest.fixture
async def channel(node: NodeUnderTest, app: Collector) -> Channel:
    return await node.call()


def play(node: NodeUnderTest, channel: Channel, playback_id: str, *media: str) -> None:
    node.channels.play(channel.id, media=media or ["sound:hello"], playback_id=playback_id)


async def test_second_playback_waits_for_the_first(
    node: NodeUnderTest, channel: Channel, app: Collector
) -> None:
    play(node, channel, "a")
    play(node, channel, "b")
    assert len(node.engine.players) == 1
    node.engine.players[0].finish()
    await settle()
    assert len(node.engine.players) == 2
    node.engine.players[1].finish()
    await settle()
    told = [(e["type"], e["playback"]["id"]) for e in app.events if "playback" in e]
    assert told == [
        ("PlaybackStarted", "a"),
        ("PlaybackFinished", "a"),
        ("PlaybackStarted", "b"),
        ("PlaybackFinished", "b"),
    ]


async def test_missing_prompt_is_told_by_failed_and_the_next_plays(
    node: NodeUnderTest, channel: Channel, app: Collector
) -> None:
    play(node, channel, "a", "sound:missing")
    play(node, channel, "b")
    await settle()
    assert [e["playback"]["state"] for e in app.of("PlaybackFinished")] == ["failed"]
    assert len(node.engine.players) == 1


async def test_missing_item_is_passed_over(node: NodeUnderTest, channel: Channel) -> None:
    play(node, channel, "a", "sound:missing", "sound:hello")
    assert node.engine.players[0].sources == (FileSource("/sounds/en/hello.wav"),)


async def test_broken_file_is_told_by_failed(
    node: NodeUnderTest, channel: Channel, app: Collector
) -> None:
    play(node, channel, "a")
    node.engine.players[0].finish("failed", error="not a wav file")
    await settle()
    assert app.of("PlaybackFinished")[0]["playback"]["state"] == "failed"


async def test_stop_ends_a_running_and_a_waiting_playback(
    node: NodeUnderTest, channel: Channel, app: Collector
) -> None:
    play(node, channel, "a")
    play(node, channel, "b")
    play(node, channel, "c")
    node.playbacks.stop("b")
    node.playbacks.stop("a")
    await settle()
    assert [e["playback"]["id"] for e in app.of("PlaybackFinished")] == ["b", "a"]
    assert len(node.engine.players) == 2
    node.playbacks.stop("c")
    await settle()
    with pytest.raises(NotFound):
        node.playbacks.get("c")


async def test_hangup_finishes_every_playback_once(
    node: NodeUnderTest, channel: Channel, app: Collector
) -> None:
    play(node, channel, "a")
    play(node, channel, "b")
    node.channels.hangup(channel.id)
    await settle()
    assert [e["playback"]["id"] for e in app.of("PlaybackFinished")] == ["a", "b"]
    assert app.types[-2:] == ["StasisEnd", "ChannelDestroyed"]


@pytest.mark.parametrize(
    ("operation", "command"),
    [
        ("pause", ("PLAYER_PAUSE", 1)),
        ("unpause", ("PLAYER_PAUSE", 0)),
        ("restart", ("PLAYER_RESTART",)),
        ("forward", ("PLAYER_SEEK", 500)),
        ("reverse", ("PLAYER_SEEK", -500)),
    ],
)
async def test_control(
    node: NodeUnderTest, channel: Channel, operation: str, command: tuple[object, ...]
) -> None:
    node.channels.play(channel.id, media=["sound:hello"], playback_id="a", skipms=500)
    node.playbacks.control("a", operation)
    assert node.engine.calls(node.engine.players[0])[-1] == command


async def test_control_of_what_does_not_play(node: NodeUnderTest, channel: Channel) -> None:
    play(node, channel, "a")
    play(node, channel, "b")
    with pytest.raises(Conflict):
        node.playbacks.control("b", "pause")
    with pytest.raises(InvalidArgument, match="operation"):
        node.playbacks.control("a", "sing")
    with pytest.raises(NotFound):
        node.playbacks.control("x", "pause")


@pytest.mark.parametrize(
    "options",
    [
        {"media": []},
        {"media": ["hello"]},
        {"media": ["sound:"]},
        {"media": ["video:x"]},
        {"media": ["sound:hello"], "offsetms": -1},
        {"media": ["sound:hello"], "skipms": -1},
        {"media": ["sound:hello"], "playback_id": "x" * 150},
        {"media": ["sound:hello"] * 257},
    ],
)
async def test_bad_request_plays_nothing(
    node: NodeUnderTest, channel: Channel, options: dict[str, object]
) -> None:
    with pytest.raises(InvalidArgument):
        node.channels.play(channel.id, **options)
    assert node.engine.players == []


async def test_id_in_use_is_a_conflict(node: NodeUnderTest, channel: Channel) -> None:
    play(node, channel, "a")
    with pytest.raises(Conflict):
        play(node, channel, "a")


async def test_queue_is_bounded(
    node: NodeUnderTest, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playbacks, "MAX_QUEUED", 1)
    play(node, channel, "a")
    play(node, channel, "b")
    with pytest.raises(Unavailable):
        play(node, channel, "c")


@pytest.mark.parametrize(
    ("uri", "names"),
    [
        ("digits:1*#", ["digits/1", "digits/star", "digits/pound"]),
        ("characters:a1.", ["letters/a", "digits/1", "letters/dot"]),
        ("number:0", ["digits/0"]),
        ("number:-21", ["digits/minus", "digits/20", "digits/1"]),
        ("number:1305", ["digits/1", "digits/thousand", "digits/3", "digits/hundred", "digits/5"]),
        ("number:2000000", ["digits/2", "digits/million"]),
    ],
)
async def test_said_media_become_prompts(
    node: NodeUnderTest, channel: Channel, uri: str, names: list[str]
) -> None:
    play(node, channel, "a", uri)
    assert node.engine.players[0].sources == tuple(
        FileSource(f"/sounds/en/{name}.wav") for name in names
    )


@pytest.mark.parametrize(
    ("uri", "tone"),
    [
        ("tone:busy", "480+620/500,0/500"),
        ("tone:busy;tonezone=de", "425/480,0/480"),
        ("tone:350+440", "350+440"),
    ],
)
async def test_tones(node: NodeUnderTest, channel: Channel, uri: str, tone: str) -> None:
    play(node, channel, "a", uri)
    assert node.engine.players[0].sources == (ToneSource(tone),)
