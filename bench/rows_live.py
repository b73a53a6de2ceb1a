"""A busy node: requests and events while 500 calls are there; and what transports cost."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections import defaultdict
from collections.abc import Awaitable, Sequence
from typing import Any

from client import Connection, repeat_request
from h3 import h3_load
from host import Server, running_server
from load import Program, running
from phones import phones
from results import Result
from stasis import StasisApp

LIVE = 500  # channels
RTP = 9  # where nobody listens
CONNECTIONS = 64
STREAMS = 32  # requests on their way at the same time
REQUESTS_PER_S = 2000
READS = (
    "/channels/{channel}",
    "/channels/{channel}/variable?variable=CHANNEL(state)",
    "/channels",
    "/bridges",
    "/endpoints",
    "/applications",
    "/deviceStates",
    "/asterisk/info",
)
CONSUMERS = 50
CONSUMERS_OF_A_CHANNEL = 10
LOOP_S = 0.2  # of the extension "made", which makes EVENTS_OF_A_LOOP
EVENTS_OF_A_LOOP = 5
WARM_UP_S = 1.0


async def reads(*, is_quick: bool) -> list[Result]:
    """Every kind of read in turn, at an even rate over many connections."""
    seconds = 1.5 if is_quick else 5.0
    async with running_server() as server, phones(server.sip) as crowd:
        app = await StasisApp(server).connect()
        channels, _ = await app.call_into(crowd, [RTP] * LIVE)
        pool = [
            await Connection(server.http, server.user, server.password).open()
            for _ in range(CONNECTIONS)
        ]
        await _read_at_rate(pool, channels, WARM_UP_S)
        begin = server.cpu_s
        delays = await _read_at_rate(pool, channels, seconds)
        used = server.cpu_s - begin
        for connection in pool:
            connection.close()
        app.close()
    count = sum(map(len, delays.values()))
    p99 = {path: sorted(taken)[int(len(taken) * 0.99)] for path, taken in delays.items()}
    worst = max(p99, key=lambda path: p99[path])
    note = f"{worst.partition('?')[0]}; {used * 1000 / count:.3f} ms of CPU per request"
    what = f"reads at {REQUESTS_PER_S}/s over {CONNECTIONS} connections: worst p99"
    return [Result("live", what, "ms", p99[worst], 5, 2.5, note=note)]


async def _read_at_rate(
    pool: Sequence[Connection], channels: Sequence[str], seconds: float
) -> dict[str, list[float]]:
    """Return how long the requests of each kind took, in ms."""
    loop = asyncio.get_running_loop()
    delays: dict[str, list[float]] = defaultdict(list)
    period = len(pool) / REQUESTS_PER_S
    start = loop.time()

    async def repeat(number: int, connection: Connection) -> None:
        for k in range(int(seconds / period)):
            at = start + (k + number / len(pool)) * period
            await asyncio.sleep(max(0.0, at - loop.time()))
            turn = k * len(pool) + number
            read = READS[turn % len(READS)]
            begin = time.monotonic()
            await connection.must("GET", read.format(channel=channels[turn % len(channels)]))
            delays[read].append((time.monotonic() - begin) * 1000)

    await asyncio.gather(*(repeat(number, each) for number, each in enumerate(pool)))
    return delays


async def stream(*, is_quick: bool) -> list[Result]:
    """Calls whose dialplans make events, each of which goes to ten of fifty applications."""
    seconds = 2.0 if is_quick else 6.0
    made_per_s = LIVE / LOOP_S * EVENTS_OF_A_LOOP
    async with (
        running_server() as server,
        phones(server.sip) as crowd,
        running("drain", server.http[1], f"{server.user}:{server.password}", CONSUMERS) as program,
    ):
        await program.read_line()
        calls = []
        for k in range(LIVE):  # spread over a turn of the loop
            calls += await crowd.call_all([f"made{k}"], [RTP])
        await _subscribe(server)
        await asyncio.sleep(WARM_UP_S)
        await _report(program)
        begin = server.cpu_s
        halves = []
        for _ in range(2):
            started = time.monotonic()
            await asyncio.sleep(seconds / 2)
            halves.append((await _report(program), time.monotonic() - started))
        used = (server.cpu_s - begin) / sum(elapsed for _, elapsed in halves)
        await crowd.hang_up_all(calls)
    rates = [report["messages"] / elapsed for report, elapsed in halves]
    first, second = (report for report, _ in halves)
    delivered = sum(rates) / len(rates)
    made = made_per_s * CONSUMERS_OF_A_CHANNEL
    growth = second["p99_us"] / max(first["p99_us"], 1)
    return [
        Result(
            "live", f"events to {CONSUMERS} consumers, delivered", "1/s", delivered, 100_000,
            is_rate=True, note=f"{min(rates) / made:.1%} of those made; {used:.0%} of a core",
        ),
        Result(
            "live", "... change to consumer, median", "ms", second["p50_us"] / 1000, 1, 0.5,
            note=f"p99 {second['p99_us'] / 1000:.1f} ms, {growth:.2f} times the first half's",
        ),
    ]  # fmt: skip


async def _subscribe(server: Server) -> None:
    """Let each channel have its consumers."""
    ari = await Connection(server.http, server.user, server.password).open()
    channels = [channel["id"] for channel in json.loads(await ari.must("GET", "/channels"))]
    stride = CONSUMERS // CONSUMERS_OF_A_CHANNEL
    for k in range(CONSUMERS):
        mine = [f"channel:{each}" for n, each in enumerate(channels) if n % stride == k % stride]
        sources = ",".join(mine)
        await ari.must("POST", f"/applications/drain{k}/subscription?eventSource={sources}")
    ari.close()


async def transports(*, is_quick: bool) -> list[Result]:
    """The same request over HTTP/1.1 with TLS and over HTTP/3, as many at the same time."""
    seconds = 1.0 if is_quick else 3.0
    path = "/asterisk/ping"
    insecure = ssl.create_default_context()
    insecure.check_hostname, insecure.verify_mode = False, ssl.CERT_NONE
    async with running_server(has_tls=True) as server:
        address = server.http[0], server.tls_port
        pool = [
            await Connection(address, server.user, server.password, insecure).open()
            for _ in range(STREAMS)
        ]
        floor, _, _ = await _cost(server, repeat_request(pool, "GET", path, seconds))
        for connection in pool:
            connection.close()
        async with h3_load(address) as client:
            key = f"{server.user}:{server.password}"
            work = client.repeat(f"/ari{path}", key, STREAMS, seconds)
            ours, count, elapsed = await _cost(server, work)
    note = f"{count / elapsed:.0f} requests/s; the floor is HTTP/1.1 over TLS"
    what = f"GET over HTTP/3, {STREAMS} at a time: CPU per request"
    return [Result("transports", what, "ms", ours, 3, 2, floor, is_relative=True, note=note)]


async def _cost(server: Server, work: Awaitable[int]) -> tuple[float, int, float]:
    """Return the CPU of a request in ms, how many there were, and the seconds they took."""
    begin, cpu = time.monotonic(), server.cpu_s
    count = await work
    return (server.cpu_s - cpu) * 1000 / count, count, time.monotonic() - begin


async def _report(program: Program) -> dict[str, Any]:
    program.tell("report")
    found: dict[str, Any] = json.loads(await program.read_line())
    return found
