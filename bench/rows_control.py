"""Requests, events, memory, starting: what the server costs beside calls and media."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from pathlib import Path

from client import Connection, repeat_request
from host import Server, resident_kb, running_server
from load import external_app
from phones import phones
from results import Result
from stasis import StasisApp

from server.http.messages import JSON, Request
from server.http.parameters import collect
from server.http.spec import load_bundle, load_operations

LIVE = 500  # channels, while requests are measured
CONNECTIONS = 4
VALIDATIONS = 20_000
CONSUMERS = 50
EVENTS_PER_S = 200
IDLE = 2000
IDLE_QUICK = 500
WARM_UP = 100  # channels, before memory is measured
RTP = 9  # where nobody listens
STARTS = 3


async def requests(*, is_quick: bool) -> list[Result]:
    """Single requests, with channels about."""
    seconds = 0.7 if is_quick else 2.0
    async with running_server() as server, phones(server.sip) as crowd:
        app = await StasisApp(server).connect()
        _, calls = await app.call_into(crowd, [RTP] * LIVE)
        pool = [
            await Connection(server.http, server.user, server.password).open()
            for _ in range(CONNECTIONS)
        ]
        channels = json.loads(await pool[0].must("GET", "/channels"))
        one = f"/channels/{channels[0]['id']}"
        results = []
        for what, method, path, must, aim in (
            ("GET /channels/{id}", "GET", one, 0.12, 0.06),
            (
                "POST /channels/{id}/variable",
                "POST",
                f"{one}/variable?variable=X&value=1",
                0.18,
                0.1,
            ),
            (f"GET /channels, {len(channels)} live", "GET", "/channels", 0.6, 0.3),
        ):
            count, used, elapsed = await _hammer(server, pool, method, path, seconds)
            note = f"{count / elapsed:.0f} requests/s"
            what = f"{what}: CPU per request"
            results.append(Result("rest", what, "ms", used * 1000 / count, must, aim, note=note))
        results.append(await _validation(server, pool, channels[0]["id"], seconds))
        for connection in pool:
            connection.close()
        app.close()
        await crowd.hang_up_all(calls)
    return results


async def _validation(
    server: Server, pool: list[Connection], channel: str, seconds: float
) -> Result:
    """Return what it costs to read and check parameters and body, as a share of their request."""
    body = b'{"variables": {"A": "1", "B": "2", "C": "3"}}'
    path = f"/channels/{channel}/variables"
    count, used, _ = await _hammer(server, pool, "POST", path, seconds, body)
    operation = next(
        each for each in load_operations(load_bundle())
        if each.operation_id == "channels.setChannelVars"
    )  # fmt: skip
    request = Request("POST", f"/ari{path}", "", {b"content-type": JSON}, body, "127.0.0.1", 9)
    begin = time.process_time()
    for _ in range(VALIDATIONS):
        collect(
            operation.parameters, operation.body_members, operation.whole_body, [channel], request
        )
    share = (time.process_time() - begin) / VALIDATIONS * count / used
    note = f"{used * 1000 / count:.3f} ms per POST of three variables"
    return Result("rest", "validation, of a request's CPU", "", share, 0.2, 0.1, note=note)


async def _hammer(
    server: Server,
    pool: list[Connection],
    method: str,
    path: str,
    seconds: float,
    body: bytes = b"",
) -> tuple[int, float, float]:
    """Repeat a request on all connections; return how often, the server's CPU, and how long."""
    begin, cpu = time.monotonic(), server.cpu_s
    count = await repeat_request(pool, method, path, seconds, body)
    return count, server.cpu_s - cpu, time.monotonic() - begin


async def events(*, is_quick: bool) -> list[Result]:
    """One channel's variable is set 200 times a second, and 50 applications hear of it.

    What the requests themselves cost is measured with nobody there, and does not count.
    """
    seconds = 1.0 if is_quick else 5.0
    request, _ = await _consumed(0, seconds / 2)
    crowd, report = await _consumed(CONSUMERS, seconds)
    expected = CONSUMERS * int(seconds * EVENTS_PER_S)
    whole = (crowd - request) / CONSUMERS
    note = f"{crowd / CONSUMERS:.4f} with the request that causes it, {request:.2f} ms"
    got = f"p50 {report['p50']:.2f} ms; {report['count']} of {expected} arrived"
    return [
        Result(
            "events", "an event to 50 consumers: CPU per consumer", "ms", whole, 0.012, 0.006,
            note=note,
        ),
        Result("events", "... request to consumer, p99", "ms", report["p99"], 5, 1.7, note=got),
    ]  # fmt: skip


async def _consumed(count: int, seconds: float) -> tuple[float, dict[str, float]]:
    """Return the server's milliseconds of CPU per event, and what the consumers saw."""
    async with (
        running_server() as server,
        phones(server.sip) as crowd,
        external_app(server, "consume", count) as app,
    ):
        stasis = await StasisApp(server).connect()
        _, calls = await stasis.call_into(crowd, [RTP])
        await app.ask("produce 0.5")
        begin = server.cpu_s
        report = await app.ask(f"produce {seconds}")
        used = server.cpu_s - begin
        stasis.close()
        await crowd.hang_up_all(calls)
        return used * 1000 / int(seconds * EVENTS_PER_S), report


async def idle_channels(*, is_quick: bool) -> list[Result]:
    """Memory of answered channels that wait."""
    count = IDLE_QUICK if is_quick else IDLE
    async with running_server() as server, phones(server.sip) as crowd:
        calls = await crowd.call_all(["wait"] * WARM_UP, [RTP] * WARM_UP)
        await asyncio.sleep(0.5)
        before, cpu = resident_kb(server.pid), server.cpu_s
        calls += await crowd.call_all(["wait"] * count, [RTP] * count)
        used = server.cpu_s - cpu
        await asyncio.sleep(0.5)
        after, cpu = resident_kb(server.pid), server.cpu_s
        await asyncio.sleep(2)
        idle = (server.cpu_s - cpu) / 2 * 100
        ari = await Connection(server.http, server.user, server.password).open()
        live = len(json.loads(await ari.must("GET", "/channels")))
        ari.close()
    share = (after - before) / count
    note = f"{live} live; {idle:.1f} % CPU while idle; {used * 1000 / count:.2f} ms to set one up"
    return [
        Result("idle", f"idle answered channel, of {count}", "KB", share, 60, 30, note=note),
        Result("idle", "... channels that live", "", live, len(calls), len(calls), is_rate=True),
    ]  # fmt: skip


async def start_up(*, is_quick: bool) -> list[Result]:
    """From exec to ARI's first answer: the first time, and then with everything in place."""
    var = Path(tempfile.mkdtemp(prefix="arion-bench-"))
    server = Server(var)
    taken = []
    try:
        for _ in range(2 if is_quick else STARTS):
            taken.append(await server.start())
            memory = resident_kb(server.pid)
            await server.stop()
    finally:
        await server.stop()
        shutil.rmtree(var)
    note = f"the best of {len(taken) - 1} after a first of {taken[0]:.2f} s; {memory / 1024:.0f} MB"
    return [Result("start", "exec to ARI answering", "s", min(taken[1:]), 1.5, 0.8, note=note)]
