"""The machine under a server: clock, limits, disk, memory, processor, network buffers.

Each examination is a function of numbers, so that it can be tried with those of a sick machine;
:func:`examine_machine` reads them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from server.cli.doctor.findings import Finding, error, ok, warning

SAMPLE_S = 0.5  # between two looks at the processor's times
OLDEST_WALL = 1_735_689_600  # 2025-01-01: a clock before it has never been set
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
MIB = 1 << 20
FULL_SHARE, LOW_SHARE = 0.01, 0.05  # of a disk's bytes or files that are free
FULL_BYTES, LOW_BYTES = 100 * MIB, 1024 * MIB
STOLEN_SHARE, ROBBED_SHARE = 0.02, 0.10  # of the time that other machines took
LOW_MEMORY_SHARE = 0.05
FILES_PER_CHANNEL = 2  # a socket for RTP and one for RTCP
OTHER_FILES = 100


def examine_machine(
    paths: Iterable[str], channels: int, files_limit: tuple[int, int]
) -> list[Finding]:
    """Look at everything that does not need the configuration.

    :param paths: the directories that the server writes to.
    :param channels: how many there may be at a time.
    :param files_limit: of open files, soft and hard.
    """
    before = _cpu_times()
    time.sleep(SAMPLE_S)
    soft, hard = files_limit
    return [
        examine_clock(time.time(), _clock_state()),
        examine_files_limit(soft, hard, channels),
        *(_examine_disk_of(path) for path in _by_device(paths)),
        examine_memory(_meminfo()),
        examine_steal(before, _cpu_times()),
        examine_load(os.getloadavg()[0], os.cpu_count() or 1),
        examine_udp(_read("/proc/net/snmp")),
    ]


def examine_clock(wall: float, state: int) -> Finding:
    """Tell whether times in records and certificates can be right.

    :param state: what adjtimex(2) returned.
    """
    if wall < OLDEST_WALL:
        day = time.strftime("%Y-%m-%d", time.gmtime(wall))
        return error("clock", f"it says {day}", "set it, and run chrony or systemd-timesyncd")
    if state == TIME_ERROR:
        return warning(
            "clock",
            "no time server keeps it right",
            "run chrony or systemd-timesyncd: records, tokens and TLS depend on the time",
        )
    return ok("clock", "kept right by a time server" if state >= 0 else "set")


def examine_files_limit(soft: int, hard: int, channels: int) -> Finding:
    """Tell whether there are file descriptors enough for the channels that are allowed."""
    wanted = channels * FILES_PER_CHANNEL + OTHER_FILES
    if soft in (-1, resource.RLIM_INFINITY) or soft >= wanted:
        return ok("ulimit", f"{soft} open files are allowed, {channels} channels need {wanted}")
    most = max(0, soft - OTHER_FILES) // FILES_PER_CHANNEL
    remedy = f"maxfiles = {wanted} in asterisk.conf, or LimitNOFILE={wanted} in the unit"
    if hard not in (-1, resource.RLIM_INFINITY) and hard < wanted:
        remedy += f"; the hard limit is {hard}"
    text = f"{soft} open files are enough for {most} channels, not for {channels}"
    return warning("ulimit", text, remedy)


def examine_disk(path: str, free: int, size: int, kind: str = "bytes") -> Finding:
    """Tell whether there is room for recordings, logs and the database."""
    share = free / size if size else 1.0
    shown = f"{free // MIB} MiB" if kind == "bytes" else f"{free} files"
    text = f"{shown} are free at {path} ({share:.0%})"
    remedy = f"remove old recordings and logs below {path}, or give it a larger disk"
    is_bytes = kind == "bytes"
    if share < FULL_SHARE or (is_bytes and free < FULL_BYTES):
        return error("disk", text, remedy)
    if share < LOW_SHARE or (is_bytes and free < LOW_BYTES):
        return warning("disk", text, remedy)
    return ok("disk", text)


def examine_memory(info: dict[str, int]) -> Finding:
    """Tell whether memory runs out.

    :param info: /proc/meminfo, in KiB.
    """
    total, free = info.get("MemTotal", 0), info.get("MemAvailable", 0)
    text = f"{free // 1024} of {total // 1024} MiB are available"
    if total and free / total < LOW_MEMORY_SHARE:
        return warning("memory", text, "end what else runs here; minmemfree refuses calls in time")
    return ok("memory", text)


def examine_steal(before: list[int], after: list[int]) -> Finding:
    """Tell whether other virtual machines take the processor away, which is heard as gaps.

    :param before: the fields of the line ``cpu`` of /proc/stat, and of the same line later.
    """
    deltas = [late - early for early, late in zip(before, after, strict=False)]
    total = sum(deltas[:8])
    stolen = deltas[7] / total if len(deltas) > 7 and total > 0 else 0.0
    text = f"{stolen:.0%} of the processor's time went to other virtual machines"
    remedy = "take a machine with cores of its own: audio needs its 20 ms on time"
    if stolen > ROBBED_SHARE:
        return error("steal", text, remedy)
    return warning("steal", text, remedy) if stolen > STOLEN_SHARE else ok("steal", text)


def examine_load(load: float, cores: int) -> Finding:
    """Tell whether more wants to run than can."""
    text = f"the load average is {load:.1f} on {cores} cores"
    if load > 2 * cores:
        return warning("load", text, "find out with top what runs; maxload refuses calls in time")
    return ok("load", text)


def examine_udp(snmp: str) -> Finding:
    """Tell whether the kernel threw packets away because nobody read them in time.

    :param snmp: /proc/net/snmp.
    """
    rows = [line.split()[1:] for line in snmp.splitlines() if line.startswith("Udp:")]
    values = dict(zip(*rows, strict=False)) if len(rows) == 2 else {}
    lost = int(values.get("RcvbufErrors", 0))
    received = int(values.get("InDatagrams", 0))
    text = f"the kernel dropped {lost} of {received} datagrams for want of buffers since it started"
    if lost > received // 10_000:
        return warning("udp", text, "raise net.core.rmem_max and net.core.rmem_default")
    return ok("udp", text)


# reading


def limit_of(pid: int, max_files: int) -> tuple[int, int]:
    """Return how many files a server may have open, soft and hard limit.

    :param pid: of the one that runs, or 0: then a new one takes this process's limit.
    :param max_files: asterisk.conf's ``maxfiles``, 0 if it leaves the limit alone.
    """
    if pid:
        with contextlib.suppress(OSError):  # somebody else's process can't be asked
            return resource.prlimit(pid, resource.RLIMIT_NOFILE)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (max_files, max_files) if max_files else limit


def _examine_disk_of(path: str) -> Finding:
    usage = shutil.disk_usage(path)
    status = os.statvfs(path)
    found = examine_disk(path, usage.free, usage.total)
    if status.f_files and status.f_favail / status.f_files < LOW_SHARE:
        return examine_disk(path, status.f_favail, status.f_files, "files")
    return found


def _by_device(paths: Iterable[str]) -> list[str]:
    """Return one existing path for each file system."""
    found: dict[int, str] = {}
    for name in paths:
        path = Path(name)
        while not path.exists() and path != path.parent:
            path = path.parent
        found.setdefault(path.stat().st_dev, str(path))
    return list(found.values())


def _clock_state() -> int:
    """Ask the kernel about its clock; -1 if it does not say."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        # struct timex, with modes = 0: only look. It has 208 bytes on 64-bit machines.
        return int(libc.adjtimex(ctypes.create_string_buffer(512)))
    except (OSError, AttributeError):
        return -1


def _cpu_times() -> list[int]:
    return [int(field) for field in _read("/proc/stat").partition("\n")[0].split()[1:]]


def _meminfo() -> dict[str, int]:
    rows = (line.split() for line in _read("/proc/meminfo").splitlines())
    return {row[0].rstrip(":"): int(row[1]) for row in rows if len(row) > 1}


def _read(path: str) -> str:
    try:
        return Path(path).read_text("ascii", "replace")
    except OSError:
        return ""
