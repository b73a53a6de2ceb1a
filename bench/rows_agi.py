"""Scripts at calls: FastAGI sessions, processes, and many sessions at a time."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import sipp
from client import Connection
from host import running_server
from load import running
from phones import phones
from results import Result
from rows_calls import RTP, answered, climbed, paced_calls, percentiles
from rows_calls import climb as climb_rates

SERVER = Path(__file__).with_name("agi_server.py")
RATES = [150.0, 300.0, 400.0, 500.0]
QUICK_RATES = [300.0]
PROCESS_RATES = [60.0, 90.0, 120.0]
QUICK_PROCESS_RATES = [60.0]
OTHERS_PER_S = 20
SESSIONS = 2000
SESSIONS_QUICK = 500


async def fastagi(*, is_quick: bool) -> list[Result]:
    """A call that a script server answers, asks a few things and ends."""
    seconds = 1.5 if is_quick else 5.0
    async with running_server() as server, running(sys.executable, SERVER, server.agi_port) as app:
        await app.read_line()
        await sipp.run(server, "steered", "fastagi", 50, 1)
        steady = await sipp.run(server, "steered", "fastagi", 50, seconds)
        rates = QUICK_RATES if is_quick else RATES
        runs = await climb_rates(server, "steered", "fastagi", rates, is_quick=is_quick)
    note = f"{steady.failed:.2%} failed"
    what = "call with a FastAGI session at 50/s: CPU"
    return [
        Result("fastagi", what, "ms", steady.cpu_ms, 2.9, 2.0, note=note),
        *climbed("fastagi", "FastAGI calls", runs, (2.9, 2.0), (300, 400)),
    ]


async def processes(*, is_quick: bool) -> list[Result]:
    """Calls that a shell script answers, while others are made without one."""
    seconds = 2.0 if is_quick else 5.0
    async with running_server() as server:
        await sipp.run(server, "steered", "script", 20, 1)
        run, others = await asyncio.gather(
            sipp.run(server, "steered", "script", 60, seconds),
            paced_calls(server, "wait", OTHERS_PER_S, seconds, answered),
        )
        rates = QUICK_PROCESS_RATES if is_quick else PROCESS_RATES
        runs = await climb_rates(server, "steered", "script", rates, is_quick=is_quick)
    best = max((each.rate for each in runs if each.is_sustained), default=0.0)
    delays = sorted((call.answered - call.sent) * 1000 for call in others)
    _, p99 = percentiles(delays)
    return [
        Result("agi", "calls/s with a shell script, < 0.1 % failed", "1/s", best, 60, is_rate=True,
               note=f"{run.cpu_ms:.2f} ms CPU of the server a call"),
        Result("agi", "... another call's INVITE to 200, the longest", "ms", delays[-1], 50,
               note=f"p99 {p99:.1f} ms"),
    ]  # fmt: skip


async def sessions(*, is_quick: bool) -> list[Result]:
    """FastAGI sessions that stay."""
    count = SESSIONS_QUICK if is_quick else SESSIONS
    async with (
        running_server() as server,
        running(sys.executable, SERVER, server.agi_port) as app,
        phones(server.sip) as crowd,
    ):
        await app.read_line()
        calls = await crowd.call_all(["hold"] * count, [RTP] * count)
        begin = server.cpu_s
        await asyncio.sleep(2)
        idle = (server.cpu_s - begin) / 2 * 100
        ari = await Connection(server.http, server.user, server.password).open()
        live = len(json.loads(await ari.must("GET", "/channels")))
        ari.close()
        await crowd.hang_up_all(calls)
    note = f"{idle:.1f} % CPU while idle"
    return [
        Result("sessions", "FastAGI sessions at a time", "", live, count, is_rate=True, note=note)
    ]
