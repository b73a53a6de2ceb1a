"""Applications that several programs share: who gets a call, and what becomes of a dead one's."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp.web
import arion
import arion.sync
import orjson
import pytest

from server.resources.channel import Channel
from server.resources.stasis_calls import enter_stasis
from tests.support.node import NodeUnderTest
from tests.support.web import Web

Handler = arion.CallHandler


async def until(is_true: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not is_true():
            await asyncio.sleep(0.002)


class Worker:
    """One program of the application; it dies without a word when asked to.

    Its handler notes the call and waits for its end.
    """

    def __init__(self, web: Web, name: str, handler: Handler | None = None) -> None:
        self.client = arion.Client(web.url, "ari", "secret")
        self.name = name
        self.calls: list[tuple[str, list[str]]] = []
        self.channels: dict[str, arion.Channel] = {}
        self._handler = handler or self._wait
        self._task: asyncio.Task[None] | None = None

    async def start(self, node: NodeUnderTest, **options: Any) -> None:
        share = arion.Share(worker=self.name, weight=options.pop("weight", 1))
        running = self.client.run("test", self._handle, share=share, **options)
        self._task = asyncio.create_task(running)
        await until(lambda: self.name in names(node))

    async def die(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.client.close()

    async def _handle(self, channel: arion.Channel, args: list[str]) -> None:
        self.calls.append((channel.id, args))
        self.channels[channel.id] = channel
        await self._handler(channel, args)

    async def _wait(self, channel: arion.Channel, args: list[str]) -> None:
        await channel.wait_gone()


def names(node: NodeUnderTest) -> set[str]:
    if not node.applications.is_registered("test"):
        return set()
    return {worker.name for worker in node.applications.list_workers("test")}


@pytest.fixture
async def hire(node: NodeUnderTest, web: Web) -> AsyncIterator[Callable[..., Any]]:
    """Starts workers of the application ``test``."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(name: str, handler: Handler | None = None, **options: Any) -> Worker:
            worker = Worker(web, name, handler)
            stack.push_async_callback(worker.die)
            await worker.start(node, **options)
            return worker

        yield start


async def taken(call: Channel, *workers: Worker) -> tuple[Worker, Worker]:
    """Return the worker that has a call, and the other one."""
    first, second = workers
    await until(lambda: any(call.id in worker.channels for worker in workers))
    return (first, second) if call.id in first.channels else (second, first)


async def test_new_calls_go_by_weight(node: NodeUnderTest, hire: Callable[..., Any]) -> None:
    strong, weak = await hire("strong", weight=3), await hire("weak")
    for _ in range(8):
        await node.call()
    await until(lambda: len(strong.calls) + len(weak.calls) == 8)
    assert len(strong.calls) == 6


async def test_a_call_of_a_dead_worker_begins_anew(
    node: NodeUnderTest, hire: Callable[..., Any]
) -> None:
    one, two = await hire("one"), await hire("two")
    node.dialplan.extensions["args"] = lambda c: enter_stasis(c, "test", ["a", "b"])
    call = await node.call(exten="args")
    dead, alive = await taken(call, one, two)
    await dead.channels[call.id].answer()
    playback = await dead.channels[call.id].play("sound:hello")
    await dead.die()
    await until(lambda: alive.calls)
    assert alive.calls == [(call.id, ["a", "b"])]
    with pytest.raises(arion.NotFound):
        await alive.client.playbacks.get(playback.id)
    await alive.channels[call.id].hangup()


async def test_who_talks_goes_on_and_the_last_one_is_hung_up(
    node: NodeUnderTest, hire: Callable[..., Any]
) -> None:
    async def connect(channel: arion.Channel, args: list[str]) -> None:
        called = await channel.client.dial("PJSIP/bob", caller=channel)
        bridge = await channel.client.bridges.create(bridge_id="talk")
        await bridge.add(channel, called)
        await asyncio.Event().wait()

    one, two = await hire("one", connect), await hire("two", connect)
    call = await node.call()
    await until(lambda: len(node.phones.legs) == 2)
    node.phones.legs[-1].listener.on_answered()
    dead, alive = await taken(call, one, two)
    await until(lambda: bridged(node) == 2)
    await dead.die()
    await until(lambda: len(alive.client._core.known.inboxes) == 2)
    await asyncio.sleep(0.05)  # time in which it could do something wrong
    assert bridged(node) == 2
    assert alive.calls == []
    call.hangup()
    await until(lambda: not node.channels.list() and not node.bridges.list())


def bridged(node: NodeUnderTest) -> int:
    bridges = orjson.loads(orjson.dumps(node.bridges.list()))
    return sum(len(bridge["channels"]) for bridge in bridges)


async def test_a_phone_that_rings_for_a_dead_worker_is_hung_up(
    node: NodeUnderTest, hire: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(channel_id: str) -> None: ...

    async def connect(channel: arion.Channel, args: list[str]) -> None:
        if not dialling:
            dialling.append(channel.id)
            await channel.client.dial("PJSIP/bob", caller=channel)

    dialling: list[str] = []
    one, two = await hire("one", connect), await hire("two", connect)
    call = await node.call()
    dead, alive = await taken(call, one, two)
    await until(lambda: len(node.phones.legs) == 2)
    leg = node.phones.legs[-1]
    monkeypatch.setattr(dead.client, "_give_up", nothing)  # a crash has no last words
    await dead.die()
    await until(lambda: alive.calls)
    leg.listener.on_answered()
    await until(lambda: len(node.channels.list()) == 1)
    assert alive.calls == [(call.id, [])]


async def test_a_program_may_do_it_its_own_way(
    node: NodeUnderTest, hire: Callable[..., Any]
) -> None:
    offered: list[arion.StasisReoffered] = []

    async def reoffered(event: arion.StasisReoffered) -> None:
        offered.append(event)
        await event.channel.wait_gone()
        offered.append(event)

    one, two = await hire("one", reoffered=reoffered), await hire("two", reoffered=reoffered)
    call = await node.call()
    dead, alive = await taken(call, one, two)
    await dead.die()
    await until(lambda: offered)
    assert (offered[0].former_worker, offered[0].worker) == (dead.name, alive.name)
    assert offered[0].channel.id == call.id
    call.hangup()
    await until(lambda: len(offered) == 2)
    assert alive.calls == []


async def test_a_worker_that_drains_gets_no_new_calls(
    node: NodeUnderTest, hire: Callable[..., Any], client: arion.Client
) -> None:
    other = await hire("other")
    async with client.events("test", share=arion.Share(worker="mine")) as events:
        await events.drain()
        for _ in range(3):
            await node.call()
        await until(lambda: len(other.calls) == 3)
        await events.undrain()
        await node.call()
        async with asyncio.timeout(5):
            assert (await anext(events)).type in ("StasisStart", "ChannelCreated")
    async with client.events("alone") as events:
        with pytest.raises(ValueError, match="shared"):
            await events.drain()


async def test_a_worker_that_comes_again_has_its_calls(
    node: NodeUnderTest, hire: Callable[..., Any], client: arion.Client
) -> None:
    await hire("other")
    options: dict[str, Any] = {"resume": "auto", "share": arion.Share(worker="w", weight=1000)}
    async with client.events("test", **options):
        call = await node.call()
    async with client.events("test", **options) as again:
        async with asyncio.timeout(5):
            resync = await anext(again)
        assert isinstance(resync, arion.Resync)
        assert [channel.id for channel in resync.channels] == [call.id]


async def test_a_server_that_can_not_share_is_not_used(unused_tcp_port: int) -> None:
    """It would let each program throw out the one before."""
    runner = aiohttp.web.AppRunner(aiohttp.web.Application())
    await runner.setup()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    async with arion.Client(f"http://127.0.0.1:{unused_tcp_port}/ari", "a", "b") as client:
        with pytest.raises(arion.NotSupported):
            async with client.events("test", share=arion.Share()):
                pass
    await runner.cleanup()


async def test_the_sync_client_takes_over_as_well(
    node: NodeUnderTest, web: Web, hire: Callable[..., Any]
) -> None:
    dead = await hire("dead", weight=1000)
    call = await node.call()
    await until(lambda: dead.calls)
    client = arion.sync.Client(web.url, "ari", "secret")
    heard: list[Any] = []
    done = threading.Event()

    def handler(channel: arion.sync.Channel, args: list[str]) -> None:
        heard.append(args)
        channel.hangup()
        heard.append(channel.wait_gone(timeout=5).channel_id)
        done.set()

    running = asyncio.create_task(
        asyncio.to_thread(client.run, "test", handler, share=arion.sync.Share(worker="heir"))
    )
    await until(lambda: "heir" in names(node))
    await dead.die()
    assert await asyncio.to_thread(done.wait, 5)
    assert heard == [[], call.id]
    await asyncio.to_thread(client.close)
    await asyncio.wait_for(running, 5)
