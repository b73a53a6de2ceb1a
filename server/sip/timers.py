"""The timers of RFC 3261 (table 4) and RFC 6026."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timers:
    """Base values in seconds; the lettered timers follow from them.

    :param t1: round-trip estimate (pjsip.conf ``timer_t1``, there in ms).
    :param t2: longest retransmission interval of non-INVITE requests and INVITE responses.
    :param t4: longest time a message stays in the network.
    :param timer_b: INVITE transaction timeout (pjsip.conf ``timer_b``); 64*T1 if ``None``.
    """

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0
    timer_b: float | None = None
