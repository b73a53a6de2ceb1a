"""A server that runs: what it says of itself over its control socket."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from server.base.errors import ServerError
from server.cli.doctor.findings import Finding, error, ok, warning

_COUNTER = re.compile(r"^\s*([a-z]\w+):\s+(\d+)\s*$", re.MULTILINE)
_DROPPED = re.compile(r"(\d+) messages were discarded")

LATE_SHARE = 0.01  # of the ticks
LOST_SHARE = 0.02  # of the packets
BAD_SHARE = 0.01


class Console(Protocol):
    """A connection to the server; see :class:`server.cli.client.Connection`."""

    def execute(self, line: str, *, once: bool) -> tuple[str, int]:
        """Run a command and return its output, and 0 if it succeeded."""


def examine_running(console: Console) -> Iterator[Finding]:
    """Ask a server how it is."""
    try:
        uptime, _ = console.execute("core show uptime", once=True)
        media, _ = console.execute("rtp show settings", once=True)
        log, _ = console.execute("logger show channels", once=True)
    except ServerError as failure:
        yield error("server", f"it does not answer: {failure}", "look into its log; restart it")
        return
    yield ok("server", uptime.strip().partition("\n")[0] or "it answers")
    counters = {name: int(value) for name, value in _COUNTER.findall(media)}
    troubles = list(examine_counters(counters))
    yield from troubles
    if not troubles:
        yield ok("media", f"{counters.get('streams_live', 0)} streams, no trouble in the counters")
    if (match := _DROPPED.search(log)) and int(match[1]):
        yield warning("log", f"{match[1]} messages found no room", "log less, or to a faster disk")


def examine_counters(counters: Mapping[str, int]) -> Iterator[Finding]:
    """Explain the media engine's counters."""
    for name, is_bad, text, remedy in _RULES:
        count = counters.get(name, 0)
        if count and is_bad(count, counters):
            yield warning("media", f"{count} {text} ({name})", remedy)


def _always(_count: int, _counters: Mapping[str, int]) -> bool:
    return True


def _beyond(share: float, whole: str) -> Callable[[int, Mapping[str, int]], bool]:
    return lambda count, counters: count > share * counters.get(whole, 0)


_RULES: tuple[tuple[str, Callable[[int, Mapping[str, int]], bool], str, str], ...] = (
    ("late_ticks", _beyond(LATE_SHARE, "ticks"), "frames were more than 2 ms late",
     "too little processor: fewer calls, more cores, or LimitRTPRIO and -p"),
    ("missed_ticks", _beyond(0.001, "ticks"), "frames were left out after a standstill",
     "the machine stood still: look for CPU steal, snapshots, suspended hosts"),
    ("jbuf_lost", _beyond(LOST_SHARE, "rx_packets"), "packets were missing and concealed",
     "the network loses packets: look at phones' links, QoS, and firewalls' rate limits"),
    ("jbuf_late", _beyond(LOST_SHARE, "rx_packets"), "packets came too late",
     "the network's delay varies too much: look at QoS"),
    ("rx_bad_source", _beyond(BAD_SHARE, "rx_packets"), "packets came from a stranger's address",
     "a NAT changed a phone's port, or somebody injects: strictrtp in rtp.conf"),
    ("rx_bad", _beyond(BAD_SHARE, "rx_packets"), "datagrams on RTP ports were no RTP",
     "somebody scans: let only your carriers and phones in"),
    ("rx_unknown_payload", _beyond(BAD_SHARE, "rx_packets"), "packets had a codec not agreed on",
     "a phone ignores the answer: compare allow= with its codecs"),
    ("tx_failed", _beyond(0.0001, "tx_packets"), "packets were refused by the kernel",
     "no route, or a full queue: ip route get ADDRESS, and net.core.wmem_max"),
    ("relay_no_codec", _always, "packets could not be relayed between sampling rates",
     "report this as a bug"),
    ("source_starved", _always, "frames of prompts came too late from the disk",
     "put sounds and recordings on a faster disk"),
    ("dtmf_dropped", _always, "digits found no room", "report this as a bug"),
    ("events_delayed", _always, "media events found the ring full",
     "the event loop is behind: fewer calls, or look for a slow dialplan function"),
    ("socket_tx_dropped", _always, "frames were too many for an external media peer",
     "that program reads too slowly"),
    ("no_memory", _always, "allocations failed", "more memory"),
)  # fmt: skip
