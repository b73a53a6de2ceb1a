"""Applications that several workers share: sticky calls, load, drain, death, and who hears what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from server.resources.channel import Channel
from server.stasis.options import Options, read_options
from tests.support.event_client import EventClient
from tests.support.node import Collector, NodeUnderTest, settle
from tests.support.web import Web, serve, validate_event


def worker(name: str, **options: object) -> Options:
    return read_options(share=True, worker=name, **options)  # type: ignore[arg-type]


def join(node: NodeUnderTest, name: str, **options: object) -> Collector:
    return node.connect("test", options=worker(name, **options))


def starts(app: Collector) -> int:
    return len(app.of("StasisStart"))


def of(app: Collector, channel: Channel) -> list[str]:
    return [e["type"] for e in app.events if e.get("channel", {}).get("id") == channel.id]


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node) as made:
        yield made


async def test_a_call_stays_with_one_worker(node: NodeUnderTest) -> None:
    first, second = join(node, "one"), join(node, "two")
    one, two = await node.call("alice"), await node.call("bob")
    for channel in (one, two):
        channel.answer()
        node.channels.play(channel.id, media=["sound:hello"])
        channel.on_dtmf("5", 100)
        channel.hangup()
    await settle()
    assert of(first, one)[0] == of(second, two)[0] == "StasisStart"
    assert of(first, one)[-2:] == of(second, two)[-2:] == ["StasisEnd", "ChannelDestroyed"]
    assert of(first, two) == of(second, one) == []
    assert len(first.of("PlaybackFinished")) == len(second.of("PlaybackFinished")) == 1


async def test_new_calls_go_by_weight(node: NodeUnderTest) -> None:
    strong, weak = join(node, "strong", weight=3), join(node, "weak")
    for _ in range(8):
        await node.call()
    assert (starts(strong), starts(weak)) == (6, 2)


async def test_a_bridge_and_the_calls_made_for_a_call_go_with_it(node: NodeUnderTest) -> None:
    workers = {"one": join(node, "one"), "two": join(node, "two")}
    channel = await node.call()
    channel.answer()
    mine = workers["one"] if starts(workers["one"]) else workers["two"]
    other = workers["two"] if mine is workers["one"] else workers["one"]
    node.channels.originate(
        endpoint="PJSIP/bob", app="test", channel_id="leg", originator=channel.id
    )
    await settle()
    node.phones.legs[-1].listener.on_answered()
    await settle()
    node.bridges.create(bridge_id="b")
    node.bridges.add_channel("b", channel=[channel.id, "leg"])
    node.bridges.destroy("b")
    await settle()
    assert starts(mine) == 2
    assert mine.types.count("ChannelEnteredBridge") == 2
    assert "BridgeDestroyed" in mine.types
    assert [t for t in other.types if "Bridge" in t or "Stasis" in t] == []


async def test_what_belongs_to_no_call_goes_to_all(node: NodeUnderTest) -> None:
    first, second = join(node, "one"), join(node, "two")
    node.events.user_event("News", application="test")
    node.applications.subscribe("test", ["endpoint:PJSIP/carol"])
    node.dialplan.extensions["brief"] = lambda channel: asyncio.sleep(0)
    node.phones.call(node.incoming, "carol", "brief")
    await settle()
    for app in (first, second):
        assert "ChannelUserevent" in app.types
        assert {"ChannelCreated", "ChannelDestroyed"} <= set(app.types)


async def test_a_worker_that_drains_gets_no_new_calls_and_keeps_its_own(web: Web) -> None:
    node = web.node
    first, second = join(node, "one"), join(node, "two")
    channel = await node.call()
    mine, name = (first, "one") if starts(first) else (second, "two")
    assert (await web.call("applications.drainWorker", "test", name)).status == 204
    for _ in range(3):
        await node.call()
    assert starts(mine) == 1
    assert starts(second if mine is first else first) == 3
    channel.answer()
    await settle()
    assert "ChannelStateChange" in of(mine, channel)
    listed = {w["name"]: w for w in (await web.call("applications.listWorkers", "test")).json}
    assert listed[name] == {
        "name": name, "weight": 1, "calls": 1, "connected": True, "draining": True
    }  # fmt: skip
    assert (await web.call("applications.undrainWorker", "test", name)).status == 204
    await node.call()
    assert starts(mine) == 2
    for verb in ("drainWorker", "undrainWorker"):
        assert (await web.call(f"applications.{verb}", "test", "nobody")).status == 404
    assert (await web.call("applications.listWorkers", "nobody")).status == 404


async def test_calls_of_a_dead_worker_are_offered_to_others(node: NodeUnderTest) -> None:
    first, second = join(node, "one"), join(node, "two")
    channel = await node.call()
    channel.answer()
    node.channels.play(channel.id, media=["sound:hello"], playback_id="p")
    dead, alive = (first, second) if starts(first) else (second, first)
    await settle()
    node.applications.unregister(dead)
    await settle()
    (offer,) = alive.of("StasisReoffered")
    validate_event(offer)
    assert offer["channel"]["id"] == channel.id
    assert {offer["worker"], offer["former_worker"]} == {"one", "two"}
    assert [p["id"] for p in offer["playbacks"]] == ["p"]
    channel.hangup()
    await settle()
    assert of(alive, channel)[-2:] == ["StasisEnd", "ChannelDestroyed"]
    assert "StasisEnd" not in dead.types


async def test_calls_of_the_last_worker_wait_for_the_next_one(node: NodeUnderTest) -> None:
    first = join(node, "one")
    channel = await node.call()
    node.applications.unregister(first)
    assert not node.applications.is_registered("test")
    second = join(node, "two")
    await settle()
    (offer,) = second.of("StasisReoffered")
    assert (offer["channel"]["id"], offer["former_worker"]) == (channel.id, "one")


async def test_a_worker_that_resumes_keeps_its_calls_for_its_grace(web: Web) -> None:
    node = web.node
    node.journals.limits = replace(node.journals.limits, grace=0.2)
    other = join(node, "other", weight=1)
    query = "app=test&share=1&worker=mine&weight=1000&resume=new"
    client = await EventClient.connect(web.origin, query)
    await client.wait_for("Resync")
    channel = await node.call()
    await client.wait_for("StasisStart")
    client.cut()
    await client.lost
    channel.answer()
    await settle()
    assert "StasisReoffered" not in other.types
    again = await EventClient.connect(
        web.origin, query.replace("new", str(client.events[-1]["seq"])), client.events
    )
    await again.wait_for("ChannelStateChange")
    again.cut()
    async with asyncio.timeout(5):
        while "StasisReoffered" not in other.types:
            await asyncio.sleep(0.01)


async def test_who_wants_an_application_alone_replaces_all_workers(node: NodeUnderTest) -> None:
    first, second = join(node, "one"), join(node, "two")
    alone = node.connect("test")
    await settle()
    assert first.types == second.types == ["ApplicationReplaced"]
    channel = await node.call()
    assert of(alone, channel) == ["StasisStart"]


async def test_a_worker_of_the_same_name_takes_over_its_calls(node: NodeUnderTest) -> None:
    first = join(node, "one")
    channel = await node.call()
    second = join(node, "one")
    channel.answer()
    await settle()
    assert first.types == ["StasisStart", "ApplicationReplaced"]
    assert of(second, channel) == ["ChannelStateChange"]
