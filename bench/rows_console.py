"""``arion -rx``: how long a script waits for the answer to one command."""

from __future__ import annotations

import asyncio
import resource
import statistics
import sys
import time

from host import ARION, Server, running_server
from results import Result

RUNS = 40
RUNS_QUICK = 10
COMMAND = "core show channels count"


async def rx(*, is_quick: bool) -> list[Result]:
    """One command at a time, each with a process of its own, from its start to its end."""
    runs = RUNS_QUICK if is_quick else RUNS
    async with running_server() as server:
        bare = [await _time(sys.executable, "-c", "pass") for _ in range(runs)]
        begin = _children_s()
        ours = [await _ask(server) for _ in range(runs)]
        used = (_children_s() - begin) / runs
    floor = f"a Python that does nothing {statistics.median(bare) * 1000:.0f} ms"
    note = f"{used * 1000:.0f} ms of CPU; worst {max(ours) * 1000:.0f} ms; {floor}"
    median = statistics.median(ours) * 1000
    return [Result("rx", "arion -rx, process start to end, p50", "ms", median, 120, 80, note=note)]


async def _ask(server: Server) -> float:
    conf = server.var / "etc/asterisk.conf"
    return await _time(str(ARION), "-C", str(conf), "-rx", COMMAND)


async def _time(*command: str) -> float:
    begin = time.monotonic()
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    code = await process.wait()
    assert code == 0, command
    return time.monotonic() - begin


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
