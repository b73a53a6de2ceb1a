"""Random operations at random moments: whatever happens, the promises hold and nothing is left.

The machine drives a node on fakes as applications, phones and the dialplan would, all at once,
and stops the loop at arbitrary steps in between. At the end every call is ended and the record of
events is checked as a whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from server.base.errors import ServerError
from server.resources.channel import Channel
from server.resources.dialing import DialAttempt
from server.resources.stasis_calls import enter_stasis
from tests.support.fake_engine import FakeEngine
from tests.support.node import Collector, NodeUnderTest, settle

STEPS = 120
APPS = ("one", "two")
SEEDS = range(40)
LIVE = ("streams_live", "bridges_live", "players_live", "recorders_live")


class Storm:
    """One run: what it knows and what it can do."""

    def __init__(self, node: NodeUnderTest, seed: int) -> None:
        self.node = node
        self.random = random.Random(seed)
        self.all = node.connect("watcher", subscribe_all=True)
        self.apps: dict[str, list[Collector]] = {name: [node.connect(name)] for name in APPS}
        self.tasks: list[asyncio.Task[Any]] = []
        self.chosen: set[str] = set()  # channels that somebody subscribed to by hand
        self.numbers = iter(range(100_000))
        for app in APPS:
            node.dialplan.extensions[app] = _stasis_extension(app)
        node.dialplan.extensions["dial"] = self.dial

    # what can be chosen

    def channel(self) -> str:
        known = [channel.id for channel in self.node.registry]
        return self.random.choice([*known, "gone"])

    def bridge(self) -> str:
        return self.random.choice([*(bridge.id for bridge in self.node.bridges), "gone"])

    def playback(self) -> str:
        return self.random.choice([*self.node.playbacks._playbacks, "gone"])

    def recording(self) -> str:
        return self.random.choice([*self.node.recordings._live, "gone"])

    def app(self) -> str:
        return self.random.choice([*APPS, "nobody"])

    # what can be done

    def operations(self) -> list[Callable[[], object]]:
        return [
            self.call_in, self.call_in, self.call_in, self.originate, self.originate, self.create,
            self.dial_created, self.hang_up, self.far_end, self.far_end, self.far_end,
            self.leave, self.signal, self.signal, self.make_bridge, self.enter_bridge,
            self.enter_bridge, self.enter_bridge, self.leave_bridge, self.end_bridge, self.play,
            self.play, self.play_ends, self.play_ends, self.control, self.record, self.record,
            self.record_changes, self.engine_says, self.subscribe, self.reconnect, self.press,
        ]  # fmt: skip

    def step(self) -> None:
        operation = self.random.choice(self.operations())
        with contextlib.suppress(ServerError), self.node.bus.hold():
            operation()

    def call_in(self) -> None:
        exten = self.random.choice([*APPS, "dial"])
        self.node.phones.call(self.node.incoming, self.random.choice(["alice", "bob"]), exten)

    def originate(self) -> None:
        endpoint = self.random.choice(
            ["PJSIP/bob", "PJSIP/carol", "Local/one@default", "Local/x@y"]
        )
        target = {"app": self.app()} if self.random.random() < 0.7 else {"extension": "one"}
        self.node.channels.originate(
            endpoint=endpoint, channel_id=f"c{next(self.numbers)}", **target
        )

    def create(self) -> None:
        endpoint = self.random.choice(["PJSIP/bob", "Local/two@default/n"])
        self.node.channels.create(
            endpoint=endpoint, app=self.app(), channel_id=f"c{next(self.numbers)}"
        )

    def dial_created(self) -> None:
        self.node.channels.dial(self.channel(), timeout=self.random.choice([0, 0, 30]))

    def hang_up(self) -> None:
        self.node.channels.hangup(self.channel())

    def far_end(self) -> None:
        legs = [leg for leg in self.node.phones.legs if leg.listener is not None]
        if not legs:
            return
        leg = self.random.choice(legs)
        listener = leg.listener
        assert listener is not None
        is_dialled = any(word[0] == "dial" for word in leg.said)
        match self.random.randrange(6):
            case 0:
                leg.far_end_hangs_up(self.random.choice([16, 17, 19, 21]))
            case 1 if is_dialled:
                listener.on_ringing()
            case 2 | 3 if is_dialled:
                listener.on_answered()
            case 4:
                listener.on_hold(None)
            case _:
                listener.on_unhold()

    def leave(self) -> None:
        if self.random.random() < 0.5:
            self.node.channels.move(self.channel(), app=self.app())
        else:
            exten = self.random.choice([None, "one", "nowhere"])
            self.node.channels.continue_in_dialplan(self.channel(), extension=exten)

    def signal(self) -> None:
        verbs = ("answer", "answer", "ring", "ring_stop", "progress", "hold", "unhold", "mute",
                 "start_moh", "stop_moh", "start_silence")  # fmt: skip
        getattr(self.node.channels, self.random.choice(verbs))(self.channel())

    def make_bridge(self) -> None:
        kind = self.random.choice(["mixing", "holding"])
        self.node.bridges.create(bridge_id=f"b{self.random.randrange(4)}", bridge_type=kind)

    def enter_bridge(self) -> None:
        self.node.bridges.add_channel(
            self.bridge(),
            channel=[self.channel()],
            mute=self.random.random() < 0.2,
            absorb_dtmf=self.random.random() < 0.2,
        )

    def leave_bridge(self) -> None:
        self.node.bridges.remove_channel(self.bridge(), channel=[self.channel()])

    def end_bridge(self) -> None:
        self.node.bridges.destroy(self.bridge())

    def play(self) -> None:
        media = self.random.choice([["sound:a"], ["sound:a", "sound:b"], ["sound:missing"]])
        if self.random.random() < 0.6:
            self.node.channels.play(self.channel(), media=media)
        else:
            self.node.bridges.play(self.bridge(), media=media)

    def play_ends(self) -> None:
        running = [player for player in self.node.engine.players if player.is_running]
        if running:
            self.random.choice(running).finish(self.random.choice(["finished", "failed"]))

    def control(self) -> None:
        if self.random.random() < 0.5:
            self.node.playbacks.stop(self.playback())
        else:
            verb = self.random.choice(["pause", "unpause", "restart", "forward"])
            self.node.playbacks.control(self.playback(), verb)

    def record(self) -> None:
        if self.random.random() < 0.6:
            target, thing = self.node.channels, self.channel()
        else:
            target, thing = self.node.bridges, self.bridge()  # type: ignore[assignment]
        work = target.record(
            thing,
            name=f"r{self.random.randrange(5)}",
            file_format="wav",
            terminate_on=self.random.choice(["none", "any"]),
        )
        self.tasks.append(asyncio.get_running_loop().create_task(_quietly(work)))

    def record_changes(self) -> None:
        verb = self.random.choice(["stop", "cancel", "pause", "unpause", "mute", "unmute"])
        getattr(self.node.recordings, verb)(self.recording())

    def engine_says(self) -> None:
        waiting = [r for r in self.node.engine.recorders if not r.done.done()]
        if waiting:
            recorder = self.random.choice(waiting)
            if not recorder.opened.done():
                recorder.on_opened(self.random.choice(["", "", "disk full"]))
                if recorder.opened.exception():
                    recorder.finish("failed", error="disk full")
            else:
                recorder.finish(self.random.choice(["stopped", "silence", "failed"]))

    def subscribe(self) -> None:
        verb = self.random.choice(
            [self.node.applications.subscribe, self.node.applications.unsubscribe]
        )
        channel = self.channel()
        self.chosen.add(channel)
        verb(self.random.choice(APPS), [f"channel:{channel}"])

    def reconnect(self) -> None:
        app = self.random.choice(APPS)
        if self.random.random() < 0.5:
            self.node.applications.unregister(self.apps[app][-1])
        self.apps[app].append(self.node.connect(app))

    def press(self) -> None:
        channels = [channel for channel in self.node.registry if not channel.is_hungup]
        if channels:
            self.random.choice(channels).on_dtmf(self.random.choice("123#"), 100)

    async def dial(self, channel: Channel) -> None:
        """The dialplan's Dial(PJSIP/carol), as far as it matters here."""
        try:
            other = self.node.dialer.create_outgoing("PJSIP/carol", requestor=channel)
        except ServerError:
            return
        attempt = DialAttempt(other, channel, "carol")
        attempt.start()
        try:
            while attempt.status is None or not attempt.status.is_final:
                await channel.wait(attempt.next_status())
            if attempt.status == "ANSWER":
                channel.answer()
                await self.node.bridges.connect(channel, other)
        finally:
            attempt.give_up(16)


def _stasis_extension(app: str) -> Any:
    async def run(channel: Channel) -> None:
        with contextlib.suppress(ServerError):
            await enter_stasis(channel, app, [])

    return run


async def _quietly(work: Any) -> None:
    with contextlib.suppress(ServerError):
        await work


# the promises


def check_lifetimes(events: list[dict[str, Any]]) -> None:
    """Every event of a thing lies between its first and its last; each of these comes once."""
    for kind, first, last in (
        ("channel", "ChannelCreated", "ChannelDestroyed"),
        ("bridge", "BridgeCreated", "BridgeDestroyed"),
    ):
        histories: dict[str, list[str]] = {}
        for event in events:
            if kind in event:
                histories.setdefault(event[kind]["id"], []).append(event["type"])
        for thing, history in histories.items():
            assert history[0] == first, (thing, history)
            assert history[-1] == last, (thing, history)
            for before, after in pairwise(history):  # an id may be used again, after the end
                assert (before == last) == (after == first), (thing, history)


def check_members(events: list[dict[str, Any]]) -> None:
    """A channel enters and leaves one bridge at a time, and leaves before it ends."""
    where: dict[str, str] = {}
    for event in events:
        match event["type"]:
            case "ChannelEnteredBridge":
                assert event["channel"]["id"] not in where, event
                where[event["channel"]["id"]] = event["bridge"]["id"]
            case "ChannelLeftBridge":
                assert where.pop(event["channel"]["id"]) == event["bridge"]["id"], event
            case "ChannelDestroyed":
                assert event["channel"]["id"] not in where, event
            case "BridgeDestroyed":
                assert event["bridge"]["id"] not in where.values(), event
                assert event["bridge"]["channels"] == [], event
    assert not where


def check_media(events: list[dict[str, Any]]) -> None:
    """What starts also ends, once, and before its target does."""
    for kind, identity in (("Playback", "id"), ("Recording", "name")):
        open_ones: dict[str, str] = {}
        ended: set[str] = set()
        for event in events:
            thing = event.get(kind.lower())
            if thing is not None:
                key = thing[identity]
                if event["type"] == f"{kind}Started":
                    assert key not in open_ones, event
                    open_ones[key] = thing["target_uri"]
                elif event["type"] in (f"{kind}Finished", f"{kind}Failed"):
                    was_open = open_ones.pop(key, None)
                    assert was_open or kind == "Playback", event
                    assert kind == "Recording" or key not in ended, event
                    ended.add(key)
            elif event["type"] == "ChannelDestroyed":
                assert f"channel:{event['channel']['id']}" not in open_ones.values(), event
            elif event["type"] == "BridgeDestroyed":
                assert f"bridge:{event['bridge']['id']}" not in open_ones.values(), event
        assert not open_ones


def check_stays(storm: Storm) -> None:
    """To an application, a stay begins with StasisStart and ends with StasisEnd."""
    for name, collectors in storm.apps.items():
        inside: set[str] = set()
        for event in [event for collector in collectors for event in collector.events]:
            assert event["application"] == name
            channel = event.get("channel", {}).get("id")
            match event["type"]:
                case "StasisStart":
                    assert channel not in inside
                    inside.add(channel)
                case "StasisEnd":
                    inside.discard(channel)  # it may have begun while nobody was connected
                case "ChannelDestroyed":
                    assert channel not in inside, (name, event)


def check_strangers(storm: Storm) -> None:
    """Of a channel that it did not make, an application hears from StasisStart to StasisEnd.

    When the channel has hung up, ChannelDestroyed follows. What happens in a bridge that the
    application follows is told of every member.
    """
    for collectors in storm.apps.values():
        inside: set[str] = set()
        for event in [event for collector in collectors for event in collector.events]:
            channel = event.get("channel", {}).get("id")
            if channel is None or "bridge" in event:
                continue
            if channel.startswith("c") or channel in storm.chosen:
                continue
            match event["type"]:
                case "StasisStart":
                    inside.add(channel)
                case "StasisEnd":
                    inside.remove(channel)
                case "ChannelDestroyed":
                    pass
                case _:
                    assert channel in inside, event


def check_indexes(node: NodeUnderTest) -> None:
    """Nothing is left in any index."""
    registry = node.registry
    assert not registry._by_id
    assert not registry._by_name
    assert not registry._by_endpoint
    assert not node.bridges._bridges
    assert not node.playbacks._playbacks
    assert not node.playbacks._queues
    assert not node.playbacks._closers
    assert not node.recordings._live
    assert not node.applications._subscribers
    assert all(not app.topics for app in node.applications._applications.values())
    assert not node.bus._due
    assert len(node.node.scope) == 0
    counters = node.engine._native.counters()  # type: ignore[attr-defined]
    assert {name: counters[name] for name in LIVE} == dict.fromkeys(LIVE, 0)


@pytest.mark.parametrize("seed", SEEDS)
async def test_promises_hold_whatever_happens(
    tmp_path: Path, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    node = NodeUnderTest(tmp_path)
    assert isinstance(node.engine, FakeEngine)
    node.engine.auto_open = seed % 2 == 0
    await node.start()
    storm = Storm(node, seed)
    for _ in range(STEPS):
        storm.step()
        for _ in range(storm.random.choice([0, 0, 1, 2, 3, 12])):
            await asyncio.sleep(0)
    for channel in node.registry:
        channel.hangup()
    for bridge in node.bridges:
        with contextlib.suppress(ServerError):
            node.bridges.destroy(bridge.id)
    async with asyncio.timeout(5):
        await asyncio.gather(*storm.tasks)
        while len(node.node.scope):
            await asyncio.sleep(0.001)
    await settle()
    check_indexes(node)
    check_lifetimes(storm.all.events)
    check_members(storm.all.events)
    check_media(storm.all.events)
    check_stays(storm)
    check_strangers(storm)
    assert not [r for r in caplog.records if r.levelname == "ERROR"]
    await node.close()
