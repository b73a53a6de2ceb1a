"""Nothing is lost, doubled or reordered when connections break: numbers, journals, takeover."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from tests.support.event_client import EventClient, check_chain, notes, seen
from tests.support.node import NodeUnderTest, settle
from tests.support.web import Web, serve, validate_event

CUTS = 1_000
BEHIND = 100  # events; the load does not outrun a client that is cut all the time


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node) as made:
        yield made


def note(web: Web, app: str, number: int, size: int = 0) -> None:
    """Send an application an event with a number of ours."""
    variables = {"n": number, "fill": "x" * size}
    web.node.events.user_event("Tick", application=app, variables=variables)


async def test_a_thousand_cuts_lose_double_and_reorder_nothing(web: Web) -> None:
    draw = random.Random(4)
    events: list[dict[str, Any]] = []
    sent = {"a": 0, "b": 0}
    is_over = False

    async def produce() -> None:
        while not is_over:
            behind = sum(sent.values()) - len(events)
            for _ in range(draw.choice((0, 0, 1, 2, 9)) if behind < BEHIND else 0):
                app = draw.choice("ab")
                sent[app] += 1
                note(web, app, sent[app], draw.choice((0, 40, 900)))
            await asyncio.sleep(0)

    first = await EventClient.connect(web.origin, "app=a,b&resume=new", events)
    await first.wait_for("Resync", 2)
    first.cut()
    producer = asyncio.create_task(produce())
    for _ in range(CUTS):
        query = f"app=a,b&resume={seen(events)}"
        size = draw.randrange(0, 9_000)
        client = await EventClient.connect(web.origin, query, events, cut_after=size)
        if draw.random() < 0.3:
            client.cut()
        await client.lost
    is_over = True
    await producer
    query = f"app=a,b&resume={seen(events)}"
    client = await EventClient.connect(web.origin, query, events)
    await client.until(lambda: len(events) >= sum(sent.values()) + 2)
    client.cut()
    assert sum(sent.values()) > 2 * CUTS
    for app, count in sent.items():
        assert notes(events, app) == list(range(1, count + 1))
    assert [event["type"] for event in events].count("Resync") == 2
    check_chain(events)


async def test_the_first_message_says_where_a_new_consumer_stands(web: Web) -> None:
    web.node.connect("test")
    channel = await web.node.call()
    web.node.bridges.create(bridge_id="b")
    channel.answer()
    web.node.channels.play(channel.id, media=["sound:hello"], playback_id="p")
    web.node.bridges.add_channel("b", channel=[channel.id])
    await web.node.bridges.record("b", name="memo", file_format="wav")
    client = await EventClient.connect(web.origin, "app=test&resume=new")
    resync = await client.wait_for("Resync")
    assert client.types == ["Resync"]
    assert resync["reason"] == "new"
    assert [c["id"] for c in resync["channels"]] == [channel.id]
    assert [b["id"] for b in resync["bridges"]] == ["b"]
    assert [p["id"] for p in resync["playbacks"]] == ["p"]
    assert [r["name"] for r in resync["recordings"]] == ["memo"]
    validate_event(resync)
    web.node.channels.hangup(channel.id)
    await client.wait_for("ChannelDestroyed")
    for event in client.events:
        validate_event(event)
    check_chain(client.events)
    web.node.bridges.destroy("b")


async def test_calls_that_come_while_nobody_is_connected_are_told_later(web: Web) -> None:
    client = await EventClient.connect(web.origin, "app=test&resume=new")
    await client.wait_for("Resync")
    client.cut()
    await client.lost
    channel = await web.node.call()
    assert channel.stasis is not None
    client = await EventClient.connect(
        web.origin, f"app=test&resume={seen(client.events)}", client.events
    )
    await client.wait_for("StasisStart")
    channel.hangup()
    await client.wait_for("ChannelDestroyed")
    assert client.types.count("Resync") == 1
    check_chain(client.events)


async def test_a_plain_consumer_gets_events_without_numbers(web: Web) -> None:
    client = await EventClient.connect(web.origin, "app=test&resume=new")
    await client.wait_for("Resync")
    plain = await EventClient.connect(web.origin, "app=test")
    note(web, "test", 1)
    event = await plain.wait_for("ChannelUserevent")
    assert "seq" not in event
    assert "prev" not in event
    assert client.types == ["Resync", "ApplicationReplaced"]
    again = await EventClient.connect(web.origin, f"app=test&resume={seen(client.events[:1])}")
    resync = await again.wait_for("Resync")
    assert resync["reason"] == "expired"  # nobody kept what the plain one has got


async def test_who_resumes_takes_over_and_the_former_one_is_told(web: Web) -> None:
    first = await EventClient.connect(web.origin, "app=test&resume=new")
    await first.wait_for("Resync")
    note(web, "test", 1)
    await first.wait_for("ChannelUserevent")
    second = await EventClient.connect(web.origin, f"app=test&resume={seen(first.events)}")
    note(web, "test", 2)
    await second.wait_for("ChannelUserevent")
    await first.wait_for("ApplicationReplaced")
    assert notes(first.events, "test") == [1]
    assert notes(second.events, "test") == [2]
    first.cut()
    await first.lost
    note(web, "test", 3)
    await second.wait_for("ChannelUserevent", 2)


async def test_a_number_from_elsewhere_gets_a_resync(web: Web) -> None:
    client = await EventClient.connect(web.origin, "app=test&resume=4711")
    assert (await client.wait_for("Resync"))["reason"] == "unknown"


async def test_what_is_not_kept_any_more_is_replaced_by_a_resync(web: Web) -> None:
    web.node.journals.limits = replace(web.node.journals.limits, max_events=5)
    client = await EventClient.connect(web.origin, "app=test&resume=new")
    number = (await client.wait_for("Resync"))["seq"]
    client.cut()
    await client.lost
    for count in range(1, 8):
        note(web, "test", count)
    await settle()
    late = await EventClient.connect(web.origin, f"app=test&resume={number}")
    assert (await late.wait_for("Resync"))["reason"] == "expired"
    note(web, "test", 8)
    await late.wait_for("ChannelUserevent")
    assert notes(late.events, "test") == [8]
    check_chain(late.events)


async def test_after_its_grace_an_application_is_gone(web: Web) -> None:
    web.node.journals.limits = replace(web.node.journals.limits, grace=0.05)
    client = await EventClient.connect(web.origin, "app=test&resume=new")
    number = (await client.wait_for("Resync"))["seq"]
    client.cut()
    await client.lost
    async with asyncio.timeout(5):
        while web.node.applications.is_registered("test"):
            await asyncio.sleep(0.005)
    assert len(web.node.journals) == 0
    client = await EventClient.connect(web.origin, f"app=test&resume={number}")
    assert (await client.wait_for("Resync"))["reason"] == "expired"


async def test_a_long_backlog_reaches_a_client_whole(web: Web) -> None:
    client = await EventClient.connect(web.origin, "app=test&resume=new")
    number = (await client.wait_for("Resync"))["seq"]
    client.cut()
    await client.lost
    for count in range(1, 9_001):
        note(web, "test", count, 1_000)
    await settle()
    client = await EventClient.connect(web.origin, f"app=test&resume={number}")
    await client.until(lambda: len(client.events) == 9_000)
    assert notes(client.events, "test") == list(range(1, 9_001))
    assert web.http.counters.slow_consumers == 0


@pytest.mark.parametrize(
    "query",
    [
        "resume=soon",
        "resume=-2",
        "resume=99999999999999999",
        "worker=x",
        "share=1&resume=new",
        "share=1&worker=a/b",
        "share=maybe",
        "weight=0&share=1",
        "weight=x",
        "fields=channel..id",
        "fields=1",
        "filter_var=COLOUR",
        "filter_var==red",
        "filter_type=-",
        "compact=perhaps",
    ],
)
async def test_wrong_wishes_are_refused(web: Web, query: str) -> None:
    client = await EventClient.connect(web.origin, f"app=test&{query}")
    assert client.opened.result() == 400
    assert not web.node.applications.is_registered("test")
    client.cut()
