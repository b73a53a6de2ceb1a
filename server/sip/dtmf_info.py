"""DTMF in INFO bodies: ``application/dtmf-relay`` and ``application/dtmf``."""

from __future__ import annotations

from typing import NamedTuple

from server.base.errors import RemoteProtocolError

DEFAULT_DURATION_MS = 100  # where the body says none
MAX_DURATION_MS = 60_000
DIGITS = "0123456789*#ABCD"  # in the order of their event codes, RFC 4733 section 3.2


class Digit(NamedTuple):
    """One key press."""

    digit: str
    duration_ms: int


def parse(content_type: str, body: bytes) -> Digit:
    """Read an INFO's body.

    :raises RemoteProtocolError: another type (415), or not a digit (400).
    """
    text = body[:1024].decode("ascii", "replace")
    if content_type == "application/dtmf":
        return Digit(_digit(text.strip()), DEFAULT_DURATION_MS)
    if content_type != "application/dtmf-relay":
        raise RemoteProtocolError(f"INFO of type {content_type}", 415)
    signal, duration = "", DEFAULT_DURATION_MS
    for line in text.splitlines():
        name, _, value = line.partition("=")
        match name.strip().lower():
            case "signal":
                signal = value.strip()
            case "duration":
                duration = _duration(value.strip())
    return Digit(_digit(signal), duration)


def relay_body(digit: str, duration_ms: int) -> bytes:
    """The ``application/dtmf-relay`` body for a digit."""
    return f"Signal={digit}\r\nDuration={duration_ms}\r\n".encode("ascii")


def _digit(text: str) -> str:
    text = text.upper()
    if len(text) == 1 and text in DIGITS:
        return text
    if len(text) == 2 and text.isascii() and text.isdigit() and int(text) < len(DIGITS):
        return DIGITS[int(text)]  # some phones send event codes: 10 for *, 11 for #
    raise RemoteProtocolError(f"no DTMF digit: {text[:20]!r}", 400)


def _duration(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 6:
        return min(int(text), MAX_DURATION_MS)
    return DEFAULT_DURATION_MS
