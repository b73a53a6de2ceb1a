"""Every finding about a machine, from the numbers of a sick one and of a healthy one."""

from __future__ import annotations

import os
import resource

import pytest

from server.cli.doctor.findings import Finding, Level
from server.cli.doctor.machine import (
    TIME_ERROR,
    examine_clock,
    examine_disk,
    examine_files_limit,
    examine_load,
    examine_machine,
    examine_memory,
    examine_steal,
    examine_udp,
    limit_of,
)

GIB = 1 << 30
NOW = 1_790_000_000
IDLE = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
SNMP = "Ip: A\nIp: 1\nUdp: InDatagrams NoPorts RcvbufErrors\nUdp: {} 0 {}\n"

CASES = {
    "clock unset": (examine_clock(0.0, 0), Level.ERROR, "1970-01-01"),
    "clock alone": (examine_clock(NOW, TIME_ERROR), Level.WARNING, "no time server"),
    "clock right": (examine_clock(NOW, 0), Level.OK, "time server"),
    "clock of a mute kernel": (examine_clock(NOW, -1), Level.OK, "set"),
    "few files": (examine_files_limit(1024, 4096, 500), Level.WARNING, "enough for 462 channels"),
    "files enough": (examine_files_limit(20_000, 20_000, 500), Level.OK, "need 1100"),
    "files without limit": (examine_files_limit(-1, -1, 500), Level.OK, "500 channels"),
    "disk full": (examine_disk("/v", 50 << 20, 100 * GIB), Level.ERROR, "50 MiB are free at /v"),
    "disk nearly full": (examine_disk("/v", 4 * GIB, 100 * GIB), Level.WARNING, "(4%)"),
    "small disk": (examine_disk("/v", GIB // 2, GIB), Level.WARNING, "512 MiB"),
    "disk with room": (examine_disk("/v", 50 * GIB, 100 * GIB), Level.OK, "(50%)"),
    "no inodes": (examine_disk("/v", 10, 10_000, "files"), Level.ERROR, "10 files are free"),
    "no memory": (
        examine_memory({"MemTotal": 1_000_000, "MemAvailable": 20_000}),
        Level.WARNING,
        "19 of 976 MiB",
    ),
    "memory": (
        examine_memory({"MemTotal": 1_000_000, "MemAvailable": 900_000}),
        Level.OK,
        "878 of 976 MiB",
    ),
    "steal": (
        examine_steal(IDLE, [40, 0, 0, 40, 0, 0, 0, 20, 0, 0]),
        Level.ERROR,
        "20% of the processor's time",
    ),
    "some steal": (
        examine_steal(IDLE, [47, 0, 0, 48, 0, 0, 0, 5, 0, 0]), Level.WARNING, "5% of"
    ),
    "no steal": (examine_steal(IDLE, [50, 0, 0, 50, 0, 0, 0, 0, 0, 0]), Level.OK, "0% of"),
    "old kernel": (examine_steal([1, 2], [2, 3]), Level.OK, "0% of"),
    "load": (examine_load(9.0, 4), Level.WARNING, "9.0 on 4 cores"),
    "little load": (examine_load(3.0, 4), Level.OK, "3.0 on 4 cores"),
    "lost datagrams": (examine_udp(SNMP.format(1000, 7)), Level.WARNING, "dropped 7 of 1000"),
    "no lost datagrams": (examine_udp(SNMP.format(1000, 0)), Level.OK, "dropped 0 of 1000"),
    "no snmp": (examine_udp(""), Level.OK, "dropped 0"),
}  # fmt: skip


@pytest.mark.parametrize(("found", "level", "text"), CASES.values(), ids=CASES.keys())
def test_a_machine_is_judged_by_its_numbers(found: Finding, level: Level, text: str) -> None:
    assert found.level is level
    assert text in found.text
    assert bool(found.remedy) == (level is not Level.OK)
    assert "\n" not in found.line


def test_the_hard_limit_is_named_where_it_stands_in_the_way() -> None:
    assert "the hard limit is 4096" in examine_files_limit(1024, 4096, 5000).remedy
    assert "hard" not in examine_files_limit(1024, 100_000, 5000).remedy


def test_this_machine_can_be_examined(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.cli.doctor.machine.SAMPLE_S", 0.0)
    subjects = [
        found.subject for found in examine_machine([f"{tmp_path}/not/there"], 10, (4096, 4096))
    ]
    assert subjects == ["clock", "ulimit", "disk", "memory", "steal", "load", "udp"]


def test_the_limit_is_that_of_the_server_if_one_runs() -> None:
    own = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert limit_of(os.getpid(), 7) == own
    assert limit_of(0, 0) == own
    assert limit_of(0, 7) == (7, 7)  # it will take that for itself
