"""Setting up calls and registering: what signalling costs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import sipp
from host import Server, running_server
from load import external_app
from phones import Call, Phones, phones
from results import Result

RATES = [200.0, 350.0, 500.0, 700.0, 850.0, 1000.0]
QUICK_RATES = [350.0, 700.0]
STEERED_RATES = [120.0, 180.0, 240.0, 300.0, 400.0, 500.0]
QUICK_STEERED_RATES = [180.0, 300.0]
SETTLE_S = 1.0  # for calls of the run before
RTP = 9  # where nobody listens


async def calls(*, is_quick: bool) -> list[Result]:
    """INVITE, 200, ACK, BYE through the dialplan."""
    seconds = 1.5 if is_quick else 5.0
    async with running_server() as server:
        await sipp.run(server, "call", "wait", 50, 1)
        steady = await sipp.run(server, "call", "wait", 50, seconds)
        made = await paced_calls(server, "wait", 50, seconds, answered)
        rates = QUICK_RATES if is_quick else RATES
        runs = await climb(server, "call", "wait", rates, is_quick=is_quick)
    delays = sorted((call.answered - call.sent) * 1000 for call in made)
    p50, p99 = percentiles(delays)
    return [
        Result(
            "calls", "INVITE-200-ACK-BYE at 50/s: CPU per call", "ms", steady.cpu_ms, 2.2, 1.2,
            note=f"{steady.failed:.2%} failed",
        ),
        *climbed("calls", "calls", runs, (2.2, 1.2), (350, 700)),
        Result("calls", "INVITE to 200 at 50/s, p99", "ms", p99, 6, 4, note=f"p50 {p50:.2f} ms"),
    ]  # fmt: skip


async def registrations(*, is_quick: bool) -> list[Result]:
    """REGISTER, 401, REGISTER with credentials, 200: both requests count."""
    results = []
    async with running_server() as server:
        arguments = ("-au", "alice", "-ap", server.access.phones["alice"])
        await sipp.run(server, "register", "alice", 100, 1, *arguments)
        for rate in (100, 400):
            seconds = 1 if is_quick else 3
            run = await sipp.run(server, "register", "alice", rate, seconds, *arguments)
            what = f"authenticated REGISTER at {rate}/s: CPU"
            note = f"{run.failed:.2%} failed"
            results.append(Result("register", what, "ms", run.cpu_ms, 0.9, 0.4, note=note))
    return results


async def steered(*, is_quick: bool) -> list[Result]:
    """Calls that an external application answers, bridges, plays to and ends."""
    seconds = 1.5 if is_quick else 5.0
    async with running_server() as server, external_app(server, "steer") as app:
        await sipp.run(server, "steered", "app", 20, 1)
        await app.ask()
        begin = server.cpu_s
        made = await paced_calls(server, "app", 20, seconds, ended)
        used = server.cpu_s - begin
        report = await app.ask()
        rates = QUICK_STEERED_RATES if is_quick else STEERED_RATES
        runs = await climb(server, "steered", "app", rates, is_quick=is_quick)
    started = report["started"]
    delays = sorted(
        (started[call.number] - call.sent) * 1000 for call in made if call.number in started
    )
    p50, p99 = percentiles(delays)
    cpu_ms = used * 1000 / len(made)
    note = f"{report['refused']} requests refused"
    return [
        Result("steered", "call steered by an app at 20/s: CPU", "ms", cpu_ms, 5, 3, note=note),
        *climbed("steered", "steered calls", runs, (5, 3), (180, 300)),
        Result("steered", "INVITE to StasisStart at 20/s, p50", "ms", p50, 3, 1.5),
        Result("steered", "INVITE to StasisStart at 20/s, p99", "ms", p99, 8, 4),
    ]  # fmt: skip


async def climb(
    server: Server, scenario: str, service: str, rates: list[float], *, is_quick: bool
) -> list[sipp.Run]:
    async def attempt(rate: float) -> sipp.Run:
        run = await sipp.run(server, scenario, service, rate, 1.0 if is_quick else 2.0)
        await asyncio.sleep(SETTLE_S)
        return run

    return await sipp.climb(attempt, rates)


def climbed(
    row: str,
    what: str,
    runs: list[sipp.Run],
    cpu_limits: tuple[float, float],
    rate_limits: tuple[float, float],
) -> list[Result]:
    """Return the highest rate, and the CPU of a call at the rate that must be reached."""
    best = max((run.rate for run in runs if run.is_sustained), default=0.0)
    busy = next((run for run in runs if run.rate == rate_limits[0]), runs[-1])
    cpu = f"{what} at {busy.rate:g}/s: CPU per call"
    rate = f"{what}/s with < 0.1 % failed"
    return [
        Result(row, cpu, "ms", busy.cpu_ms, *cpu_limits),
        Result(row, rate, "1/s", best, *rate_limits, is_rate=True, note=str(runs[-1])),
    ]


async def paced_calls(
    server: Server,
    prefix: str,
    rate: float,
    seconds: float,
    finish: Callable[[Phones, Call], Awaitable[None]],
) -> list[Call]:
    """Make calls at even distances with phones of ours, whose clock is finer than SIPp's."""
    loop = asyncio.get_running_loop()

    async with phones(server.sip) as crowd:

        async def one(number: str) -> Call:
            call = await crowd.call(number, RTP)
            await finish(crowd, call)
            return call

        begin, tasks = loop.time(), []
        for k in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, begin + k / rate - loop.time()))
            number = f"{prefix}{k}" if prefix == "app" else prefix
            tasks.append(loop.create_task(one(number)))
        return list(await asyncio.gather(*tasks))


async def answered(crowd: Phones, call: Call) -> None:
    crowd.hang_up(call)
    await asyncio.sleep(0.1)


async def ended(_: Phones, call: Call) -> None:
    await asyncio.wait_for(call.ended.wait(), 5)


def percentiles(values: list[float]) -> tuple[float, float]:
    if not values:
        return float("nan"), float("nan")
    return values[len(values) // 2], values[int(len(values) * 0.99)]
