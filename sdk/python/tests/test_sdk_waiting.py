"""Dialling, expecting, asking: what takes several requests and events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import arion
import pytest

from tests.support.fake_tech import FakeLeg
from tests.support.node import NodeUnderTest, settle


@asynccontextmanager
async def caller(node: NodeUnderTest, client: arion.Client) -> AsyncIterator[arion.Channel]:
    """A call that has entered the application."""
    async with client.events("test") as events:
        await node.call()
        start = await anext(events)
        assert isinstance(start, arion.StasisStart)
        yield start.channel


async def leg_of(node: NodeUnderTest, number: int) -> FakeLeg:
    """Wait until a leg was dialled."""
    async with asyncio.timeout(5):
        while len(node.phones.legs) <= number or not node.phones.legs[number].said:
            await asyncio.sleep(0.002)
    return node.phones.legs[number]


def in_background(work: Coroutine[Any, Any, arion.Channel]) -> asyncio.Task[arion.Channel]:
    return asyncio.create_task(work)


async def test_dial_returns_the_answered_channel(node: NodeUnderTest, client: arion.Client) -> None:
    async with caller(node, client) as alice:
        dialling = in_background(client.dial("PJSIP/bob", caller=alice))
        leg = await leg_of(node, 1)
        assert leg.said[0][1].number == "alice"  # type: ignore[attr-defined]
        assert leg.listener is not None
        leg.listener.on_answered()
        bob = await asyncio.wait_for(dialling, 5)
        assert bob.state == "Up"
        async with client.bridge(name="talk") as bridge:
            await bridge.add(alice, bob)
            leg.far_end_hangs_up()
            gone = await client.first_gone(alice, bob, timeout=5)
            assert gone is bob
        with pytest.raises(arion.NotFound):
            await bridge.refresh()


async def test_who_is_busy_does_not_answer(node: NodeUnderTest, client: arion.Client) -> None:
    async with client.events("test"):
        dialling = in_background(client.dial("PJSIP/bob"))
        (await leg_of(node, 0)).far_end_hangs_up(17)
        with pytest.raises(arion.NotAnswered) as refusal:
            await asyncio.wait_for(dialling, 5)
        assert refusal.value.cause == 17


async def test_a_caller_who_leaves_ends_the_dialling(
    node: NodeUnderTest, client: arion.Client
) -> None:
    async with caller(node, client) as alice:
        dialling = in_background(client.dial("PJSIP/bob", caller=alice))
        leg = await leg_of(node, 1)
        node.phones.legs[0].far_end_hangs_up()
        with pytest.raises(arion.ChannelGone) as gone:
            await asyncio.wait_for(dialling, 5)
        assert gone.value.channel_id == alice.id
        assert not isinstance(gone.value, arion.NotAnswered)
        assert leg.said[-1][0] == "hangup"


async def test_a_channel_that_is_gone_cannot_be_bridged(
    node: NodeUnderTest, client: arion.Client
) -> None:
    async with caller(node, client) as alice, client.bridge() as bridge:
        with pytest.raises(arion.ApiError):
            await bridge.add(alice, role="participant", mute="perhaps")
        node.phones.legs[0].far_end_hangs_up()
        with pytest.raises(arion.ChannelGone):
            await bridge.add(alice)


async def test_what_cannot_be_dialled_leaves_nothing(
    node: NodeUnderTest, client: arion.Client
) -> None:
    async with client.events("test"):
        with pytest.raises(arion.ApiError):
            await client.dial("PJSIP/nobody")
        assert not client._core.known.inboxes
    with pytest.raises(arion.NotListening):
        await client.dial("PJSIP/bob")


async def test_a_dialled_channel_is_no_new_call(node: NodeUnderTest, client: arion.Client) -> None:
    seen: list[str] = []
    done = asyncio.Event()

    async def handler(channel: arion.Channel, args: list[str]) -> None:
        seen.append(channel.caller.number)
        bob = await channel.client.dial("PJSIP/bob")
        await bob.hangup()
        await bob.wait_gone(timeout=5)
        done.set()

    running = asyncio.create_task(client.run("test", handler))
    async with asyncio.timeout(5):
        while not node.applications.is_registered("test"):
            await asyncio.sleep(0.002)
        await node.call()
        leg = await leg_of(node, 1)
        assert leg.listener is not None
        leg.listener.on_answered()
        await done.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert seen == ["alice"]


async def test_an_expected_event_is_there_after_the_block(
    node: NodeUnderTest, client: arion.Client
) -> None:
    async with caller(node, client) as alice:
        async with alice.expect(arion.ChannelVarset, timeout=5) as expected:
            with pytest.raises(RuntimeError):
                _ = expected.event
            await alice.set_variable("COLOUR", "red")
        assert expected.event.value == "red"
        async with alice.expect(
            arion.ChannelVarset, where=lambda event: event.value == "blue", timeout=5
        ) as expected:
            await alice.set_variable("COLOUR", "green")
            await alice.set_variable("COLOUR", "blue")
        assert expected.event.value == "blue"
        bridge = await client.bridges.create()
        await client.applications.subscribe("test", event_source=f"bridge:{bridge.id}")
        async with client.expect(arion.BridgeDestroyed, timeout=5) as destroyed:
            await bridge.destroy()
        assert destroyed.event.bridge.id == bridge.id


async def test_what_does_not_come_times_out(node: NodeUnderTest, client: arion.Client) -> None:
    async with caller(node, client) as alice:
        with pytest.raises(TimeoutError) as late:
            async with alice.expect(arion.ChannelHold, timeout=0.02):
                pass
        assert isinstance(late.value, arion.TimedOut)
        with pytest.raises(arion.TimedOut):
            await alice.wait_for(arion.ChannelHold, timeout=0.02)
        with pytest.raises(arion.TimedOut):
            await alice.wait_gone(timeout=0.02)
        await alice.answer()
        playback = await alice.play("sound:long")
        with pytest.raises(arion.TimedOut):
            await playback.finished(timeout=0.02)
        await playback.stop()
        await playback.finished(timeout=5)  # the outcome was not lost by not waiting for it


async def test_an_error_in_the_block_is_not_hidden(
    node: NodeUnderTest, client: arion.Client
) -> None:
    async with caller(node, client) as alice:
        with pytest.raises(KeyError):
            async with alice.expect(arion.ChannelHold):
                raise KeyError
        assert not client._core.known._watches


async def test_an_expectation_ends_with_its_channel(
    node: NodeUnderTest, client: arion.Client
) -> None:
    async with caller(node, client) as alice:
        with pytest.raises(arion.ChannelGone):
            async with alice.expect(arion.ChannelHold, timeout=5):
                await alice.hangup()


async def test_keys_end_a_prompt(node: NodeUnderTest, client: arion.Client) -> None:
    async with caller(node, client) as alice:
        await alice.answer()
        channel = node.registry.find(alice.id)
        assert channel is not None
        asking = asyncio.create_task(alice.ask("sound:menu", most=3, end="#", between=5))
        await settle()
        for key in "12#4":
            channel.on_dtmf(key, 100)
        assert await asyncio.wait_for(asking, 5) == "12"
        assert await alice.ask("sound:menu", most=1) == "4"  # pressed before
        assert await alice.digits(2, first=0.01) == ""
        channel.on_dtmf("9", 100)
        async with asyncio.timeout(5):
            await alice.wait_for(arion.PlaybackFinished)
            while not any(
                event["type"] == "ChannelDtmfReceived"
                for event in client._core.known.inboxes[alice.id]._events
            ):
                await asyncio.sleep(0.002)
        await alice.forget_digits()
        assert await alice.digit(timeout=0) is None


async def test_only_the_events_that_were_asked_for(
    node: NodeUnderTest, client: arion.Client
) -> None:
    async with caller(node, client) as alice:
        await alice.answer()
        await alice.set_variable("A", "1")
        await alice.hangup()
        kinds = (arion.ChannelVarset, arion.StasisEnd)
        seen: list[str] = [event.type async for event in alice.events(*kinds)]
        assert seen == ["ChannelVarset", "StasisEnd"]
        # The others are still there, though the channel is gone.
        assert (await alice.wait_for(arion.ChannelStateChange)).channel.state == "Up"
        with pytest.raises(arion.ChannelGone):
            await alice.digit(timeout=5)
