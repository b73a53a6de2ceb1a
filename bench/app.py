"""An external application, as a process of its own so that its CPU is not the server's.

``app.py steer HOST PORT USER PASSWORD``: answers each call, puts it in a bridge, plays 200 ms to
that, hangs up. ``app.py consume … COUNT``: so many consumers, and one that makes events for them.
Commands come a line at a time: ``report`` prints JSON; the end of the input ends it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Coroutine
from typing import Any

import uvloop
from client import Connection, EventSocket, open_events

CONNECTIONS = 4
SOUND = "sound:bench/short"
EVENTS_PER_S = 200


class Steering:
    """Takes calls by the hand."""

    def __init__(self, connections: list[Connection]) -> None:
        self.started: dict[str, float] = {}
        self.refused = 0
        self._connections = connections
        self._tasks: set[asyncio.Task[None]] = set()
        self._handlers = {
            "StasisStart": self._on_start,
            "PlaybackFinished": self._on_finished,
            "StasisEnd": self._on_end,
        }

    def on_event(self, data: bytes) -> None:
        """React to an event."""
        now = time.monotonic()
        event = json.loads(data)
        handler = self._handlers.get(event["type"])
        if handler:
            handler(event, now)

    def report(self) -> dict[str, Any]:
        """Return when each number's call came, and forget."""
        started, self.started = self.started, {}
        return {"started": started, "refused": self.refused}

    def _on_start(self, event: dict[str, Any], now: float) -> None:
        channel = event["channel"]["id"]
        self.started[event["channel"]["dialplan"]["exten"]] = now
        self._spawn(self._take(channel))

    def _on_finished(self, event: dict[str, Any], _: float) -> None:
        channel = event["playback"]["target_uri"].removeprefix("bridge:")
        self._spawn(self._request(channel, "DELETE", f"/channels/{channel}"))

    def _on_end(self, event: dict[str, Any], _: float) -> None:
        channel = event["channel"]["id"]
        self._spawn(self._request(channel, "DELETE", f"/bridges/{channel}"))

    async def _take(self, channel: str) -> None:
        for path in (
            f"/channels/{channel}/answer",
            f"/bridges/{channel}?type=mixing",
            f"/bridges/{channel}/addChannel?channel={channel}",
            f"/bridges/{channel}/play?media={SOUND}",
        ):
            await self._request(channel, "POST", path)

    async def _request(self, channel: str, method: str, path: str) -> None:
        connection = self._connections[hash(channel) % len(self._connections)]
        try:
            status, body = await connection.request(method, path)
        except ConnectionResetError:  # the server ends before its calls do
            return
        if status >= 300:
            self.refused += 1
            print(f"{method} {path}: {status} {body!r}", file=sys.stderr)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Consumers:
    """Many applications that hear of one channel's variable, whose value is when it was set."""

    def __init__(self) -> None:
        self.delays_ms: list[float] = []

    def on_event(self, data: bytes) -> None:
        """Note how long an event took."""
        now = time.monotonic_ns()
        at = data.find(b"sent-")
        if at >= 0:
            end = data.index(b'"', at)
            self.delays_ms.append((now - int(data[at + 5 : end])) / 1e6)

    def report(self) -> dict[str, Any]:
        """Return delays, and forget."""
        delays, self.delays_ms = sorted(self.delays_ms), []
        if not delays:
            return {"count": 0}
        return {
            "count": len(delays),
            "p50": delays[len(delays) // 2],
            "p99": delays[int(len(delays) * 0.99)],
        }


async def _commands() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    return reader


async def steer(address: tuple[str, int], user: str, password: str) -> None:
    """Run the steering application until the input ends."""
    pool = [await Connection(address, user, password).open() for _ in range(CONNECTIONS)]
    steering = Steering(pool)
    await open_events(address, user, password, "app=bench", steering.on_event)
    await _serve(steering, {})


async def consume(address: tuple[str, int], user: str, password: str, count: int) -> None:
    """Run consumers and the source of events until the input ends."""
    consumers = Consumers()
    sockets: list[EventSocket] = []
    for k in range(count):
        query = f"app=consumer{k}&subscribeAll=true"
        sockets.append(await open_events(address, user, password, query, consumers.on_event))
    connection = await Connection(address, user, password).open()

    async def produce(seconds: str) -> None:
        channel = json.loads(await connection.must("GET", "/channels"))[0]["id"]
        path = f"/channels/{channel}/variable?variable=SENT&value=sent-"
        begin = time.monotonic()
        for k in range(int(float(seconds) * EVENTS_PER_S)):
            await asyncio.sleep(max(0.0, begin + k / EVENTS_PER_S - time.monotonic()))
            await connection.must("POST", f"{path}{time.monotonic_ns()}")
        await asyncio.sleep(0.2)

    await _serve(consumers, {"produce": produce})


async def _serve(reporter: Steering | Consumers, verbs: dict[str, Any]) -> None:
    gc.freeze()
    print("ready", flush=True)
    commands = await _commands()
    while line := (await commands.readline()).decode().split():
        if line[0] in verbs:
            await verbs[line[0]](*line[1:])
        print(json.dumps(reporter.report()), flush=True)


def main() -> None:
    """Run what the command line says."""
    kind, host, port, user, password, *count = sys.argv[1:]
    address = (host, int(port))
    work = (
        steer(address, user, password)
        if kind == "steer"
        else consume(address, user, password, int(count[0]))
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


if __name__ == "__main__":
    main()
