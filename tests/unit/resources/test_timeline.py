"""The bounds of timelines: of one call, of all together, and what goes first."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from server import model
from server.base.errors import NotFound
from server.model.events import Event
from server.resources import timeline
from server.resources.timeline import Timelines
from server.stasis.topics import channel_topic
from tests.support.node import NodeUnderTest, settle

LONG = "x" * 1000


def no_statistics(_channel_id: str) -> model.RTPstat:
    raise NotFound("no RTP")


def timelines(node: NodeUnderTest, max_bytes: int = timeline.MAX_BYTES) -> Timelines:
    return Timelines(node.node, no_statistics, 300.0, max_bytes)


def say(
    node: NodeUnderTest, channel_id: str, kind: str = "ChannelUserevent", **members: object
) -> None:
    node.bus.publish(Event(kind, dict(members)), (channel_topic(channel_id),))


async def create(node: NodeUnderTest, *channel_ids: str) -> None:
    for channel_id in channel_ids:
        say(node, channel_id, "ChannelCreated")
    await settle()


def entries(kept: Timelines, channel_id: str) -> list[model.TimelineEntry]:
    return list(kept.get(channel_id).entries)


async def test_a_call_keeps_its_newest_bytes(node: NodeUnderTest) -> None:
    kept = timelines(node)
    await create(node, "c")
    texts = {f"m{number}": LONG for number in range(100)}
    for number in range(20):
        say(node, "c", number=number, **texts)
    await settle()
    found = kept.get("c")
    assert found.left_out == 21 - len(found.entries)
    assert 1 < len(found.entries) < 20
    assert found.entries[-1].details["number"] == 19
    assert kept.size <= timeline.MAX_CALL_BYTES


async def test_an_entry_larger_than_all_that_may_be_kept_is_left_out(node: NodeUnderTest) -> None:
    kept = timelines(node)
    await create(node, "c")
    say(node, "c", **{f"m{number}": LONG for number in range(2000)})
    await settle()
    assert entries(kept, "c") == []
    assert kept.get("c").left_out == 2
    assert kept.size == timeline.CALL_BYTES


async def test_what_an_object_is_called_is_cut_like_texts(node: NodeUnderTest) -> None:
    kept = timelines(node)
    await create(node, "c")
    say(node, "c", userevent={"id": LONG}, text=LONG)
    await settle()
    details = entries(kept, "c")[-1].details
    assert {len(value) for value in details.values()} == {timeline.MAX_TEXT}


async def test_calls_that_ended_first_are_forgotten_first(node: NodeUnderTest) -> None:
    each = timeline.CALL_BYTES + 2 * timeline.ENTRY_BYTES
    kept = timelines(node, max_bytes=3 * each)
    await create(node, "live")
    for channel_id in ("first", "second", "third"):
        await create(node, channel_id)
        say(node, channel_id, "ChannelDestroyed")
        await settle()
    with pytest.raises(NotFound):
        kept.get("first")
    for channel_id in ("live", "second", "third"):
        assert entries(kept, channel_id)
    assert kept.size <= 3 * each


async def test_with_none_that_ended_a_call_loses_its_own_oldest_entries(
    node: NodeUnderTest,
) -> None:
    kept = timelines(node, max_bytes=2 * timeline.CALL_BYTES + 5 * timeline.ENTRY_BYTES)
    await create(node, "quiet", "loud")
    for number in range(9):
        say(node, "loud", "ChannelHold")
        say(node, "loud", f"Event{number}")
    await settle()
    assert [entry.type for entry in entries(kept, "quiet")] == ["ChannelCreated"]
    assert [entry.type for entry in entries(kept, "loud")][-1] == "Event8"
    assert len(entries(kept, "loud")) == 4


async def test_nothing_is_counted_when_nothing_is_kept(node: NodeUnderTest) -> None:
    kept = timelines(node, max_bytes=20_000)
    for _ in range(3):
        await create(node, "same", "other")  # a channel that uses the id of another
        say(node, "same", "ChannelDestroyed")
        await settle()
    for number in range(50):
        await create(node, f"c{number}")
        say(node, f"c{number}", text=LONG)
        say(node, f"c{number}", "ChannelDestroyed")
        await settle()
    assert kept.size <= 20_000
    say(node, "other", "ChannelDestroyed")
    await settle()
    kept._keep = -1.0
    for call in kept._ended.values():
        call.forgotten_at = -1.0
    with pytest.raises(NotFound):
        kept.get("other")
    assert kept.size == 0


async def test_the_estimate_is_near_the_memory(node: NodeUnderTest) -> None:
    kept = timelines(node)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(50):
        await create(node, f"c{number}")
        for key in range(20):
            say(node, f"c{number}", name=f"variable-{key}", value=f"{key}" * 50, number=key)
        await settle()
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert taken < 1.5 * kept.size < 3 * taken
