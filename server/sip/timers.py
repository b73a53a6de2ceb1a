"""The timers of RFC 3261 (table 4) and RFC 6026."""

from __future__ import annotations

from dataclasses import dataclass

TIMER_100 = 0.2  # seconds until 100 Trying is sent for the TU (RFC 3261 section 17.2.1)
TIMER_D_MINIMUM = 32.0  # seconds, for unreliable transports


@dataclass(frozen=True, slots=True)
class Timers:
    """Base values in seconds; the lettered timers follow from them.

    :param t1: round-trip estimate (pjsip.conf ``timer_t1``, there in ms).
    :param t2: longest retransmission interval of non-INVITE requests and INVITE responses.
    :param t4: longest time a message stays in the network.
    :param timer_b: transaction timeout (pjsip.conf ``timer_b``); 64*T1 if ``None``.
    """

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0
    timer_b: float | None = None

    @property
    def timeout(self) -> float:
        """64*T1, or what was set instead: timers B, F, H, J, L and M."""
        return 64 * self.t1 if self.timer_b is None else self.timer_b

    def durations(self, is_reliable: bool) -> dict[str, float | None]:
        """First duration of each timer by its letter, ``None`` for those that are not started.

        :param is_reliable: the transport is; nothing is retransmitted and nothing lingers then,
            but for L and M, which wait for stray 2xx and ACK (RFC 6026 section 8).
        """
        timeout = self.timeout
        retransmit = None if is_reliable else self.t1
        return {
            "A": retransmit,
            "B": timeout,
            "D": 0.0 if is_reliable else max(TIMER_D_MINIMUM, timeout),
            "E": retransmit,
            "F": timeout,
            "G": retransmit,
            "H": timeout,
            "I": 0.0 if is_reliable else self.t4,
            "J": 0.0 if is_reliable else timeout,
            "K": 0.0 if is_reliable else self.t4,
            "L": timeout,
            "M": timeout,
            "100": TIMER_100,
            "CANCEL": timeout,  # RFC 3261 section 9.1
        }
