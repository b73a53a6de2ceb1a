"""SIPp as the load: one run, and what it counted."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from host import ROOT, Server

SCENARIOS = ROOT / "bench" / "sipp"
STUCK_S = 2.0
GRACE_S = 6.0  # that calls may still take after the last one began
LATE_S = 1.0  # a run that ends later than this did not keep its rate
FAILED = 0.001


@dataclass(frozen=True, slots=True)
class Run:
    """What SIPp counted.

    :param delays_ms: from the first request to the final answer, sorted.
    :param cpu_s: what the server used from the first call to the last.
    """

    rate: float
    created: int
    succeeded: int
    retransmitted: int
    late_s: float
    delays_ms: list[float]
    cpu_s: float

    @property
    def failed(self) -> float:
        """Share of calls that failed."""
        return 1 - self.succeeded / self.created if self.created else 1.0

    @property
    def is_sustained(self) -> bool:
        """Whether the server kept up."""
        return self.failed < FAILED and self.late_s < LATE_S

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU a call."""
        return self.cpu_s * 1000 / max(self.succeeded, 1)

    def __str__(self) -> str:
        return (
            f"{self.rate:g}/s: {self.failed:.2%} failed, {self.retransmitted} sent again, "
            f"{self.late_s:.1f} s late"
        )

    def percentile(self, share: float) -> float:
        """Return a percentile of the delays, ms."""
        if not self.delays_ms:
            return float("nan")
        return self.delays_ms[min(int(share * len(self.delays_ms)), len(self.delays_ms) - 1)]


async def run(
    server: Server, scenario: str, service: str, rate: float, seconds: float, *arguments: str
) -> Run:
    """Make *rate* calls a second for so long.

    :param service: the number that is called, or the user that registers.
    :raises RuntimeError: SIPp can't run.
    """
    sipp = shutil.which("sipp")
    if sipp is None:
        raise RuntimeError("SIPp is not installed: apt-get install sip-tester")
    folder = Path(tempfile.mkdtemp(prefix="arion-sipp-"))
    count = int(rate * seconds)
    loop = asyncio.get_running_loop()
    begin, cpu = loop.time(), server.cpu_s
    process = await asyncio.create_subprocess_exec(
        sipp, f"{server.sip[0]}:{server.sip[1]}", "-sf", SCENARIOS / f"{scenario}.xml",
        "-s", service, "-i", "127.0.0.1", "-r", f"{rate:g}", "-m", str(count), "-l", "5000",
        "-nostdin", "-trace_stat", "-fd", "1", "-stf", folder / "stat.csv",
        "-trace_rtt", "-rtt_freq", "1", "-timeout", f"{seconds + GRACE_S:g}s", *arguments,
        cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with contextlib.suppress(TimeoutError):  # calls that never end count as failed
            await asyncio.wait_for(process.wait(), seconds + GRACE_S + STUCK_S)
        server.check()
        elapsed, used = loop.time() - begin, server.cpu_s - cpu
        stat = _last_line(folder / "stat.csv")
        return Run(
            rate=rate,
            created=int(stat["TotalCallCreated"]),
            succeeded=int(stat["SuccessfulCall(C)"]),
            retransmitted=int(stat["Retransmissions(C)"]),
            late_s=elapsed - seconds,
            delays_ms=_delays(folder),
            cpu_s=used,
        )
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        shutil.rmtree(folder)


async def climb(measure: Callable[[float], Awaitable[Run]], rates: Sequence[float]) -> list[Run]:
    """Raise the rate until it is not sustained; a failure is tried once more.

    :returns: the last run at each rate.
    """
    runs: list[Run] = []
    for rate in rates:
        run = await measure(rate)
        if not run.is_sustained:
            run = await measure(rate)
        runs.append(run)
        if not run.is_sustained:
            break
    return runs


def _last_line(path: Path) -> dict[str, str]:
    with path.open(encoding="ascii", errors="replace") as file:
        return list(csv.DictReader(file, delimiter=";"))[-1]


def _delays(folder: Path) -> list[float]:
    delays = []
    for path in folder.glob("*rtt*.csv"):
        with path.open(encoding="ascii", errors="replace") as file:
            rows = csv.reader(file, delimiter=";")
            delays += [float(row[1]) for row in rows if len(row) > 1 and _is_number(row[1])]
    return sorted(delays)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()
