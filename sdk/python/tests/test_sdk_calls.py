"""Programs for calls, against the real HTTP server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import arion
import pytest

from tests.support.node import NodeUnderTest

Program = Callable[[arion.Channel, list[str]], Awaitable[None]]


@asynccontextmanager
async def running(client: arion.Client, program: Program) -> AsyncIterator[None]:
    task = asyncio.create_task(client.run("test", program))
    await until(lambda: bool(client._core.known.apps))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_true():
            await asyncio.sleep(0.002)


async def run_call(
    node: NodeUnderTest, client: arion.Client, program: Program, act: Callable[..., object]
) -> None:
    """Bring in one call, do *act* with its channel, and wait for the end of *program*."""
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def guarded(channel: arion.Channel, args: list[str]) -> None:
        try:
            await program(channel, args)
            ended.set_result(None)
        except BaseException as failure:
            ended.set_exception(failure)

    async with running(client, guarded):
        await until(lambda: node.applications.is_registered("test"))
        act(await node.call())
        async with asyncio.timeout(5):
            await ended


async def test_a_program_answers_and_hangs_up(node: NodeUnderTest, client: arion.Client) -> None:
    async def program(channel: arion.Channel, args: list[str]) -> None:
        await channel.answer()
        assert (await channel.refresh()).state == "Up"
        await channel.set_variable("COLOUR", "red")
        assert await channel.get_variable("COLOUR") == "red"
        await channel.hangup()
        await channel.wait_gone()
        await channel.hangup()

    await run_call(node, client, program, lambda channel: None)
    assert len(node.registry) == 0


async def test_waiting_for_a_playback_has_no_race(
    node: NodeUnderTest, client: arion.Client
) -> None:
    async def program(channel: arion.Channel, args: list[str]) -> None:
        await channel.answer()
        playback = await channel.play(["sound:a,b", "sound:c"])
        assert playback.media_uri == "sound:a,b"
        await playback.stop()
        await until(lambda: not client._core.known.outcomes.pending())  # its end has come already
        assert (await playback.finished()).state == "done"
        assert (await playback.finished()).id == playback.id
        await playback.stop()

    await run_call(node, client, program, lambda channel: None)


async def test_a_failed_playback_raises(node: NodeUnderTest, client: arion.Client) -> None:
    async def program(channel: arion.Channel, args: list[str]) -> None:
        await channel.answer()
        with pytest.raises(arion.PlaybackError, match="sound:missing"):
            await channel.say("sound:missing")

    await run_call(node, client, program, lambda channel: None)


async def test_keys_are_kept_until_they_are_asked_for(
    node: NodeUnderTest, client: arion.Client
) -> None:
    async def program(channel: arion.Channel, args: list[str]) -> None:
        await channel.answer()
        keys = [await channel.digit(timeout=5) for _ in range(3)]
        assert keys == ["1", "2", "#"]
        assert await channel.digit(timeout=0.01) is None

    def press(channel: object) -> None:
        for key in "12#":
            channel.on_dtmf(key, 100)  # type: ignore[attr-defined]

    await run_call(node, client, program, press)


async def test_a_hangup_ends_what_waits(node: NodeUnderTest, client: arion.Client) -> None:
    async def program(channel: arion.Channel, args: list[str]) -> None:
        with pytest.raises(arion.ChannelGone):
            await channel.digit()
        with pytest.raises(arion.NotFound):
            await channel.answer()

    def hang_up(channel: object) -> None:
        node.phones.legs[0].far_end_hangs_up()

    await run_call(node, client, program, hang_up)


async def test_events_of_a_channel_end_with_it(node: NodeUnderTest, client: arion.Client) -> None:
    seen: list[str] = []

    async def program(channel: arion.Channel, args: list[str]) -> None:
        await channel.answer()
        await channel.hangup()
        seen.extend([event.type async for event in channel.events()])

    await run_call(node, client, program, lambda channel: None)
    assert "ChannelStateChange" in seen
    assert seen[-1] == "StasisEnd"


async def test_a_recording_is_waited_for(node: NodeUnderTest, client: arion.Client) -> None:
    async def program(channel: arion.Channel, args: list[str]) -> None:
        await channel.answer()
        recording = await channel.record("memo", if_exists="overwrite", terminate_on="#")
        await recording.stop()
        assert (await recording.finished()).state == "done"

    await run_call(node, client, program, lambda channel: None)


async def test_a_bridge_joins_channels(node: NodeUnderTest, client: arion.Client) -> None:
    async def program(channel: arion.Channel, args: list[str]) -> None:
        await channel.answer()
        bridge = await client.bridges.create(bridge_type="mixing")
        await bridge.add(channel)
        assert (await bridge.refresh()).channels == [channel.id]
        playback = await bridge.play("sound:hello")
        await playback.stop()
        await playback.finished()
        await bridge.remove(channel.id)
        await bridge.destroy()
        await bridge.destroy()

    await run_call(node, client, program, lambda channel: None)


async def test_a_program_that_fails_ends_its_call(
    node: NodeUnderTest, client: arion.Client, caplog: pytest.LogCaptureFixture
) -> None:
    async def program(channel: arion.Channel, args: list[str]) -> None:
        raise RuntimeError("a bug")

    async with running(client, program):
        await until(lambda: node.applications.is_registered("test"))
        await node.call()
        await until(lambda: len(node.registry) == 0)
    assert "a bug" in caplog.text
