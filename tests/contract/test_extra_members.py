"""Why things ended: members that Asterisk does not have, for consumers that asked for such."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from server.config.sections.ari import Ari
from server.resources.channel import Channel
from server.stasis.options import read_options
from tests.support.event_client import EventClient
from tests.support.node import Collector, NodeUnderTest, settle
from tests.support.web import USER, Web, serve, validate_event

EXTRAS = {
    "PlaybackFinished": {"reason", "played_ms"},
    "RecordingFinished": {"reason"},
    "RecordingFailed": {"reason"},
    "ChannelDestroyed": {"ended_by", "reason"},
    "Dial": {"cause", "cause_txt", "tech_cause", "reason"},
}

EXTENDED = read_options(extensions=True)


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node, ari=Ari(users={"ari": USER})) as made:
        yield made


def both(node: NodeUnderTest) -> tuple[Collector, Collector]:
    """Connect a plain consumer, which has the calls, and one that wants all there is."""
    plain = node.connect("test", subscribe_all=True)
    return plain, node.connect("other", subscribe_all=True, options=EXTENDED)


def check(plain: Collector, extended: Collector, kind: str) -> dict[str, Any]:
    """Return the extra members of the last event of a type; check who sees what of it."""
    simple, full = plain.of(kind)[-1], extended.of(kind)[-1]
    validate_event(simple)
    validate_event(full)
    assert not set(simple) & (EXTRAS[kind] - published(kind))
    extras = {name: value for name, value in full.items() if name not in simple}
    assert {**simple, **extras, "application": "other"} == full
    assert list(full)[: len(simple) - 1] == list(simple)[:-1]
    return extras


def published(kind: str) -> set[str]:
    return {"cause", "cause_txt", "tech_cause"} if kind == "ChannelDestroyed" else set()


async def playing(node: NodeUnderTest) -> tuple[Channel, Any]:
    channel = await node.call()
    channel.answer()
    node.channels.play(channel.id, media=["sound:hello"], playback_id="p")
    return channel, node.playbacks.find("p").player


Ending = Callable[[NodeUnderTest, Channel, Any], None]


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda node, channel, player: player.finish(), "finished"),
        (lambda node, channel, player: node.playbacks.stop("p"), "stopped"),
        (lambda node, channel, player: player.finish("failed"), "failed"),
        (lambda node, channel, player: player.finish("stream_closed"), "gone"),
        (lambda node, channel, player: channel.hangup(), "gone"),
    ],
)
async def test_a_playback_says_why_it_ended(node: NodeUnderTest, end: Ending, reason: str) -> None:
    plain, extended = both(node)
    channel, player = await playing(node)
    end(node, channel, player)
    await settle()
    extras = check(plain, extended, "PlaybackFinished")
    assert extras["reason"] == reason
    assert 0 <= extras["played_ms"] < 5000


async def test_a_playback_says_how_long_it_was_heard(
    node: NodeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, extended = both(node)
    now = 100.0
    monkeypatch.setattr(node.node.clock, "now", lambda: now)
    _, player = await playing(node)
    now += 2
    node.playbacks.control("p", "pause")
    node.playbacks.control("p", "pause")
    now += 10
    node.playbacks.control("p", "unpause")
    now += 0.5
    player.finish()
    await settle()
    assert check(plain, extended, "PlaybackFinished")["played_ms"] == 2500


async def test_a_playback_that_never_began_was_heard_for_no_time(node: NodeUnderTest) -> None:
    plain, extended = both(node)
    channel, _ = await playing(node)
    node.channels.play(channel.id, media=["sound:hello"], playback_id="q")
    node.playbacks.stop("q")
    await settle()
    extras = check(plain, extended, "PlaybackFinished")
    assert extras == {"reason": "stopped", "played_ms": 0}


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda node, channel, recorder: node.recordings.stop("memo"), "stopped"),
        (lambda node, channel, recorder: node.recordings.cancel("memo"), "canceled"),
        (lambda node, channel, recorder: channel.on_dtmf("#", 100), "digit"),
        (lambda node, channel, recorder: recorder.finish("max_duration"), "max_duration"),
        (lambda node, channel, recorder: recorder.finish("silence"), "silence"),
        (lambda node, channel, recorder: channel.hangup(), "gone"),
    ],
)
async def test_a_recording_says_why_it_ended(node: NodeUnderTest, end: Ending, reason: str) -> None:
    plain, extended = both(node)
    channel = await node.call()
    channel.answer()
    await node.channels.record(channel.id, name="memo", file_format="wav", terminate_on="#")
    recording = node.recordings.find_live("memo")
    end(node, channel, recording.recorder)
    await recording.settled
    await settle()
    assert check(plain, extended, "RecordingFinished") == {"reason": reason}


async def test_a_recording_that_broke_off_says_what_failed(node: NodeUnderTest) -> None:
    plain, extended = both(node)
    channel = await node.call()
    channel.answer()
    await node.channels.record(channel.id, name="memo", file_format="wav")
    recorder: Any = node.recordings.find_live("memo").recorder
    recorder.finish("failed", error="No space left on device")
    await settle()
    extras = check(plain, extended, "RecordingFailed")
    assert extras == {"reason": "No space left on device"}


@pytest.mark.parametrize(
    ("end", "extras"),
    [
        (
            lambda node, channel: node.phones.legs[0].far_end_hangs_up(),
            {"ended_by": "far_end", "reason": "test"},
        ),
        (lambda node, channel: node.channels.hangup(channel.id), {"ended_by": "command"}),
        (lambda node, channel: channel.on_rtp_timeout(), {"ended_by": "media_timeout"}),
        (lambda node, channel: channel.hangup(), {"ended_by": "server"}),
    ],
)
async def test_a_channel_says_what_ended_it(
    node: NodeUnderTest, end: Callable[..., None], extras: dict[str, str]
) -> None:
    plain, extended = both(node)
    end(node, await node.call())
    await settle()
    assert check(plain, extended, "ChannelDestroyed") == extras


async def dial(web: Web) -> None:
    params = {"endpoint": "PJSIP/bob", "app": "test", "channelId": "b", "timeout": "30"}
    assert (await web.call("channels.originate", params=params)).status == 200
    await settle()


async def test_a_refused_call_says_why_in_its_dial_event(web: Web) -> None:
    plain, extended = both(web.node)
    await dial(web)
    assert check(plain, extended, "Dial") == {}
    leg = web.node.phones.legs[-1]
    leg.listener.on_ringing()
    await settle()
    assert check(plain, extended, "Dial") == {}
    leg.far_end_hangs_up(17, 486)
    await settle()
    assert check(plain, extended, "Dial") == {
        "cause": 17,
        "cause_txt": "User busy",
        "tech_cause": 486,
        "reason": "test",
    }


async def test_a_call_that_is_answered_has_no_cause(web: Web) -> None:
    plain, extended = both(web.node)
    await dial(web)
    web.node.phones.legs[-1].listener.on_answered()
    await settle()
    assert plain.of("Dial")[-1]["dialstatus"] == "ANSWER"
    assert check(plain, extended, "Dial") == {}


async def test_a_resumed_consumer_gets_them_from_the_log_too(web: Web) -> None:
    first = await EventClient.connect(web.origin, "app=test&resume=new")
    channel = await web.node.call()
    start = await first.wait_for("StasisStart")
    first.cut()
    await first.lost
    web.node.channels.hangup(channel.id)
    await settle()
    again = await EventClient.connect(web.origin, f"app=test&resume={start['seq']}")
    destroyed = await again.wait_for("ChannelDestroyed")
    assert destroyed["ended_by"] == "command"
    again.cut()


@pytest.mark.parametrize("query", ["extensions=1", "share=1", "extensions=1&compact=1"])
async def test_opting_in_over_the_wire(web: Web, query: str) -> None:
    client = await EventClient.connect(web.origin, f"app=test&{query}")
    plain = await EventClient.connect(web.origin, "app=other&subscribeAll=1&compact=1")
    channel = await web.node.call()
    web.node.channels.hangup(channel.id)
    assert (await client.wait_for("ChannelDestroyed"))["ended_by"] == "command"
    assert "ended_by" not in await plain.wait_for("ChannelDestroyed")
    client.cut()
    plain.cut()


async def test_extra_members_can_be_chosen(web: Web) -> None:
    query = "app=test&extensions=1&fields=ended_by&filter_type=ChannelDestroyed"
    client = await EventClient.connect(web.origin, query)
    channel = await web.node.call()
    web.node.channels.hangup(channel.id)
    destroyed = await client.wait_for("ChannelDestroyed")
    assert destroyed == {
        "type": "ChannelDestroyed",
        "application": "test",
        "ended_by": "command",
    }
    client.cut()
