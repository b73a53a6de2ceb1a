"""The sync client: the same calls without ``await``, in threads of the program."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import arion
import arion.sync
import pytest

from tests.support.node import NodeUnderTest
from tests.support.web import Web


@pytest.fixture
async def sync_client(web: Web) -> AsyncIterator[arion.sync.Client]:
    client = arion.sync.Client(web.url, "ari", "secret")
    yield client
    await asyncio.to_thread(client.close)


async def in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    async with asyncio.timeout(10):
        return await asyncio.to_thread(work, *arguments)


async def until_registered(node: NodeUnderTest) -> None:
    async with asyncio.timeout(5):
        while not node.applications.is_registered("test"):
            await asyncio.sleep(0.002)


def test_both_clients_have_the_same_names() -> None:
    for name, value in vars(arion).items():
        if name.startswith("_") or inspect.ismodule(value):
            continue
        twin = getattr(arion.sync, name)
        if inspect.isclass(value) and value.__module__ != "arion._errors":
            public = {member for member in dir(value) if not member.startswith("_")}
            assert public - {"aclose"} <= {*dir(twin)}, name
            assert not any(inspect.iscoroutinefunction(getattr(twin, n, None)) for n in dir(twin))


async def test_requests_and_errors(sync_client: arion.sync.Client) -> None:
    def program() -> None:
        with sync_client.bridge(name="room") as bridge:
            assert sync_client.bridges.get(bridge.id).name == "room"
        with pytest.raises(arion.NotFound):
            bridge.refresh()
        assert arion.sync.NotFound is arion.NotFound

    await in_thread(program)


async def test_an_application(node: NodeUnderTest, sync_client: arion.sync.Client) -> None:
    heard: list[str | None] = []
    done = threading.Event()

    def handler(channel: arion.sync.Channel, args: list[str]) -> None:
        channel.answer()
        with channel.expect(arion.sync.ChannelVarset, timeout=5) as expected:
            channel.set_variable("COLOUR", "red")
        heard.append(expected.event.value)
        heard.append(channel.digit(timeout=5))
        playback = channel.play("sound:hello")
        playback.stop()
        playback.finished(timeout=5)
        channel.hangup()
        heard.extend(event.type for event in channel.events(arion.sync.StasisEnd))
        done.set()

    running = asyncio.create_task(asyncio.to_thread(sync_client.run, "test", handler))
    await until_registered(node)
    (await node.call()).on_dtmf("5", 100)
    await in_thread(done.wait)
    assert heard == ["red", "5", "StasisEnd"]
    await in_thread(sync_client.close)
    await asyncio.wait_for(running, 5)


async def test_closing_ends_what_waits(node: NodeUnderTest, sync_client: arion.sync.Client) -> None:
    waiting = asyncio.create_task(asyncio.to_thread(list, sync_client.events("test")))
    await until_registered(node)
    await in_thread(sync_client.close)
    assert await asyncio.wait_for(waiting, 5) == []
    with pytest.raises(arion.ClientClosed):
        await in_thread(sync_client.channels.list)
    await in_thread(sync_client.close)
