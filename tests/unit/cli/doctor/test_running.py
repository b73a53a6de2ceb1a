"""A server that says how it is, and one that does not."""

from __future__ import annotations

import pytest

from server.base.errors import Unavailable
from server.cli.doctor.findings import Level
from server.cli.doctor.running import examine_counters, examine_running

HEALTHY = {"ticks": 1000, "rx_packets": 10_000, "tx_packets": 10_000, "streams_live": 2}


class Answers:
    """A console that knows its answers by heart."""

    def __init__(self, counters: dict[str, int], dropped: int = 0) -> None:
        self._answers = {
            "core show uptime": "System uptime: 5 minutes\nLast reload: 1 minute",
            "rtp show settings": "\n".join(f"  {name}:   {n}" for name, n in counters.items()),
            "logger show channels": f"{dropped} messages were discarded because the queue was full",
        }

    def execute(self, line: str, *, once: bool) -> tuple[str, int]:
        return self._answers[line], 0


class Silence:
    def execute(self, line: str, *, once: bool) -> tuple[str, int]:
        raise Unavailable("the server closed the connection")


def test_a_healthy_server() -> None:
    assert [found.line for found in examine_running(Answers(HEALTHY))] == [
        "ok:      server: System uptime: 5 minutes",
        "ok:      media: 2 streams, no trouble in the counters",
    ]


def test_a_silent_server() -> None:
    (found,) = examine_running(Silence())
    assert found.level is Level.ERROR
    assert "does not answer" in found.text


def test_a_log_without_room() -> None:
    *_, found = examine_running(Answers(HEALTHY, dropped=3))
    assert found.line.startswith("warning: log: 3 messages found no room -> ")


@pytest.mark.parametrize(
    ("name", "most", "advice"),
    [
        ("late_ticks", 10, "processor"),
        ("missed_ticks", 1, "stood still"),
        ("jbuf_lost", 200, "loses packets"),
        ("jbuf_late", 200, "QoS"),
        ("rx_bad_source", 100, "strictrtp"),
        ("rx_bad", 100, "scans"),
        ("rx_unknown_payload", 100, "allow="),
        ("tx_failed", 1, "route"),
        ("relay_no_codec", 0, "bug"),
        ("source_starved", 0, "faster disk"),
        ("dtmf_dropped", 0, "bug"),
        ("events_delayed", 0, "event loop"),
        ("socket_tx_dropped", 0, "too slowly"),
        ("no_memory", 0, "memory"),
    ],
)
def test_a_counter_counts_from_its_threshold(name: str, most: int, advice: str) -> None:
    assert list(examine_counters({**HEALTHY, name: most})) == []
    (found,) = examine_counters({**HEALTHY, name: most + 1})
    assert found.level is Level.WARNING
    assert f"{most + 1} " in found.text
    assert f"({name})" in found.text
    assert advice in found.remedy
