"""Digits of trunks: MF, pairs of tones (ITU-T Q.320, R1), and SF, pulses of one tone."""

from __future__ import annotations

from itertools import combinations

from server.base.errors import InvalidArgument
from server.media.scans import Heard
from server.media.streams import SilenceSource, Source, ToneSource

MF_HZ = (700, 900, 1100, 1300, 1500, 1700)
_MF_ORDER = "1247C358A69*0B#"  # by pair, the lower tone first
MF_TONES = dict(zip(_MF_ORDER, combinations(MF_HZ, 2), strict=True))
STARTS = "#ABC"  # ST, STP, ST2P, ST3P: dialling is over
MIN_MF_MS = 40
MF_MS, KP_MS, ST_MS, MF_GAP_MS = 55, 120, 65, 50  # as in Asterisk
PAUSES_MS = {"w": 500, "W": 1_000}
MAX_DIGITS = 256  # sent at a time

SF_HZ = 2600
SF_ON_MS = 67
SF_OFF_MS = 33
SF_PAUSE_MS = 600
MIN_PULSE_MS = 20
MAX_PULSE_MS = 120
DIGIT_END_MS = 160  # without a pulse
MAX_PULSES = 12

_MF_BITS = {sum(1 << MF_HZ.index(hz) for hz in pair): digit for digit, pair in MF_TONES.items()}
_SF_DIGITS = "01234567890*#"  # by the number of pulses


def mf_sources(
    digits: str,
    *,
    gap_ms: int = MF_GAP_MS,
    digit_ms: int = MF_MS,
    kp_ms: int = KP_MS,
    st_ms: int = ST_MS,
) -> list[Source]:
    """Return the tones of MF digits; ``w`` and ``W`` pause for half a second and a second.

    :raises InvalidArgument: there are others, too many, or none.
    """
    lengths = {"*": kp_ms, **dict.fromkeys(STARTS, st_ms)}
    sources: list[Source] = []
    for digit in check_digits(digits, set(MF_TONES) | set(PAUSES_MS), "MF digits"):
        if digit in PAUSES_MS:
            sources.append(SilenceSource(PAUSES_MS[digit]))
            continue
        tones = "+".join(str(hz) for hz in MF_TONES[digit])
        sources.append(ToneSource(f"!{tones}/{lengths.get(digit, digit_ms)},!0/{gap_ms}"))
    return sources


def check_digits(digits: str, allowed: set[str], name: str) -> str:
    """Return digits that can be sent.

    :raises InvalidArgument: there are others, too many, or none.
    """
    known = "".join(digit if digit in PAUSES_MS else digit.upper() for digit in digits)
    if not known or len(known) > MAX_DIGITS or not set(known) <= allowed:
        raise InvalidArgument(name, f"1 to {MAX_DIGITS} of {''.join(sorted(allowed))} are needed")
    return known


class MfReceiver:
    """Finds MF digits in what is heard in windows of 20 ms: each once, while it lasts."""

    def __init__(self) -> None:
        self._tones = 0
        self._since = 0
        self._is_told = False

    def hear(self, heard: Heard) -> str:
        """Take a report; return a digit that is certain now, or an empty text."""
        if heard.tones != self._tones:
            self._tones, self._since, self._is_told = heard.tones, heard.since_ms, False
        if self._is_told or heard.now_ms - self._since < MIN_MF_MS:
            return ""
        self._is_told = True
        return _MF_BITS.get(self._tones, "")


class SfReceiver:
    """Counts the pulses of SF digits."""

    def __init__(self) -> None:
        self._is_on = False
        self._since = 0
        self._pulses = 0

    def hear(self, heard: Heard) -> str:
        """Take a report; return a digit that has ended, or an empty text."""
        is_on = bool(heard.tones)
        if is_on != self._is_on:
            length_ms = heard.since_ms - self._since
            if self._is_on and MIN_PULSE_MS <= length_ms <= MAX_PULSE_MS:
                self._pulses += 1
            self._is_on, self._since = is_on, heard.since_ms
        if is_on or not self._pulses or heard.now_ms - self._since < DIGIT_END_MS:
            return ""
        pulses, self._pulses = self._pulses, 0
        return _SF_DIGITS[pulses] if pulses <= MAX_PULSES else ""
