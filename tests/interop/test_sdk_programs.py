"""Programs on the SDKs and the real server: plain mode, connections that break, restarts."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import re
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from first_config import ROOT

from tests.support.js_project import KIT
from tests.support.server_process import ServerProcess
from tests.support.tap import Request, Tap

HERE = Path(__file__).parent / "sdk"
EVENTS = 400
CALLS = 20
ENDPOINT = "Local/700@phones/n"
# What HTTP and WebSockets need; anything else would be an extension.
HEADERS = {
    "accept", "accept-encoding", "accept-language", "authorization", "connection",
    "content-length", "content-type", "host", "sec-fetch-mode", "sec-websocket-key",
    "sec-websocket-protocol", "sec-websocket-version", "upgrade", "user-agent",
}  # fmt: skip
# aiohttp and Node say these by themselves; they are not ours.
HARMLESS = {"cache-control", "pragma", "sec-websocket-extensions"}

Starter = Callable[[str, str, Tap], Any]
LANGUAGES = {"python": ".py", "sync": "_sync.py", "javascript": ".mjs"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]


@pytest.fixture
def start(server: ServerProcess, js_project: Path) -> Starter:
    """Starts a program; it is told its application, and talks to the server through a tap."""

    async def run(program: str, app: str, tap: Tap) -> asyncio.subprocess.Process:
        is_python = program.endswith(".py")
        copy = js_project / program  # from where a package is found, and nothing of ours
        copy.write_text((HERE / program).read_text("utf-8"))
        return await asyncio.create_subprocess_exec(
            sys.executable if is_python else "node", copy, app,
            env={
                **os.environ, **KIT, "ARI_URL": tap.url, "ARI_USER": "arion",
                "ARI_PASSWORD": server.access.users["arion"],
            },
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip

    return run


@cache
def operations() -> list[tuple[str, re.Pattern[str], set[str]]]:
    """What Asterisk has: methods, paths and names of parameters."""
    found = []
    for operation in json.loads((ROOT / "tests/data/ari.json").read_text())["operations"]:
        pattern = re.compile("/ari" + re.sub(r"\{\w+\}", "[^/]+", operation["path"]) + r"\Z")
        names = {item["name"] for item in operation["params"] if item["in"] != "path"}
        found.append((operation["method"], pattern, names))
    return found


def unknown_to_asterisk(request: Request) -> list[str]:
    """Return what is in a request that Asterisk has no meaning for."""
    matching = [
        names
        for method, pattern, names in operations()
        if request.method == method and pattern.match(request.path)
    ]
    if not matching:
        return [f"{request.method} {request.path}"]
    (names,) = matching[:1]
    given = {*request.query, *(request.body or ())}
    strange = {*request.headers} - HEADERS - HARMLESS
    return [f"{request.method} {request.path}: {name}" for name in (given - names) | strange]


async def test_plain_mode_asks_for_nothing_that_asterisk_lacks(
    start: Starter, server: ServerProcess
) -> None:
    async def check(language: str) -> None:
        async with Tap(server.access.http_port) as tap:
            program = await start(f"plain{LANGUAGES[language]}", language, tap)
            await program.communicate()
            assert program.returncode == 0, language
            requests = tap.requests()
        assert {"/ari/events", "/ari/channels", "/ari/bridges"} <= {r.path for r in requests}
        assert [what for request in requests for what in unknown_to_asterisk(request)] == []

    async with asyncio.timeout(60):
        await asyncio.gather(*map(check, LANGUAGES))


class Collector:
    """A program that prints events, and what it printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.events: list[dict[str, Any]] = []
        self._process = process

    async def until(self, is_so: Callable[[], bool], seconds: float = 30) -> None:
        """Read events until something holds."""
        assert self._process.stdout is not None
        async with asyncio.timeout(seconds):
            while not is_so():
                line = await self._process.stdout.readline()
                assert line, "the program ended"
                self.events.append(json.loads(line))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    def of_channel(self, channel_id: str) -> list[str]:
        return [e["type"] for e in self.events if e.get("channel", {}).get("id") == channel_id]

    def user_events(self) -> list[int]:
        return [int(event["eventname"]) for event in self.of("ChannelUserevent")]

    def check_chain(self) -> None:
        """Nothing is missing, nothing came twice, and the order is kept."""
        numbers = [event["seq"] for event in self.events if event["type"] != "Resync"]
        assert numbers == sorted(set(numbers))
        seen = 0
        for event in self.events:
            assert event["type"] == "Resync" or event["prev"] <= seen, event
            seen = max(seen, event["seq"])


@contextlib.asynccontextmanager
async def collecting(
    start: Starter, server: ServerProcess, budget: Callable[[], int] | None = None
) -> AsyncIterator[tuple[list[Collector], list[Tap]]]:
    """Run a collector in each language, each with an application of that name."""
    async with contextlib.AsyncExitStack() as stack:
        collectors, taps = [], []
        for language, ending in LANGUAGES.items():
            tap = await stack.enter_async_context(Tap(server.access.http_port, budget))
            process = await start(f"collect{ending}", language, tap)
            stack.push_async_callback(process.communicate)
            stack.callback(process.kill)
            collectors.append(Collector(process))
            taps.append(tap)
        await all_until(collectors, lambda each: bool(each.of("Resync")))
        yield collectors, taps


async def all_until(collectors: list[Collector], is_so: Callable[[Collector], bool]) -> None:
    await asyncio.gather(*(each.until(partial(is_so, each)) for each in collectors))


async def test_cut_connections_lose_and_double_nothing_under_load(
    start: Starter, server: ServerProcess
) -> None:
    cuts = random.Random(1)
    async with collecting(start, server, lambda: cuts.randrange(5_000, 40_000)) as (seen, taps):
        for number in range(EVENTS):
            for app in LANGUAGES:
                await server.post(f"/events/user/{number}", application=app)
            if number % (EVENTS // CALLS) == 0:
                for app in LANGUAGES:
                    channel = f"{app}-{number}"
                    await server.post("/channels", channelId=channel, endpoint=ENDPOINT, app=app)
                    await server.delete(f"/channels/{channel}")
        await all_until(seen, lambda each: len(each.user_events()) >= EVENTS)
        assert all(tap.cuts >= 3 for tap in taps)
        for collector in seen:
            assert collector.user_events() == list(range(EVENTS))
            assert [event["reason"] for event in collector.of("Resync")] == ["new"]
            collector.check_chain()
            starts = [event["channel"]["id"] for event in collector.of("StasisStart")]
            ends = [event["channel"]["id"] for event in collector.of("StasisEnd")]
            assert len(starts) == len(set(starts))
            assert sorted(starts) == sorted(ends)


async def test_a_restart_of_the_server_is_lived_through(
    start: Starter, server: ServerProcess
) -> None:
    async def call(name: str) -> None:
        for app in LANGUAGES:
            await server.post("/channels", channelId=f"{app}-{name}", endpoint=ENDPOINT, app=app)

    async with collecting(start, server) as (seen, _):
        await call("old")
        await all_until(seen, lambda each: bool(each.of("StasisStart")))
        assert await server.stop() == 0
        await server.start()
        await call("new")  # the applications are expected back
        await all_until(seen, lambda each: len(each.of("StasisStart")) == 2)
        for app, collector in zip(LANGUAGES, seen, strict=True):
            assert collector.of_channel(f"{app}-old")[-2:] == ["StasisEnd", "ChannelDestroyed"]
            assert len(collector.of("Resync")) == 1
            collector.check_chain()

        await server.until(lambda: is_written(server), 5, "the logs to be written")
        await server.kill()
        await server.start()
        await call("newer")
        await all_until(seen, lambda each: len(each.of("Resync")) == 2)
        await all_until(seen, lambda each: len(each.of("StasisStart")) == 3)
        for app, collector in zip(LANGUAGES, seen, strict=True):
            assert collector.of("Resync")[1]["reason"] == "restarted"
            collector.check_chain()
            await server.delete(f"/channels/{app}-newer")


async def is_written(server: ServerProcess) -> bool:
    """Tell whether the logs of the applications are on disk."""
    (path,) = server.var.rglob("events.sqlite3")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("SELECT COUNT(*) FROM logs").fetchone()[0] >= len(LANGUAGES))
