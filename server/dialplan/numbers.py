"""Numbers as C's ``sscanf`` reads them from arguments: as far as they go, else 0."""

from __future__ import annotations

import re

MAX_SECONDS = 10_000_000.0  # four months; timers need some bound

_FLOAT = re.compile(r"\s*([+-]?(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15}))")
_INTEGER = re.compile(r"\s*([+-]?\d{1,18})")


def parse_seconds(text: str) -> float:
    """Read a time, 0 if there is none; never negative."""
    match = _FLOAT.match(text)
    return min(MAX_SECONDS, max(0.0, float(match[1]))) if match else 0.0


def parse_integer(text: str, default: int = 0) -> int:
    """Read a whole number at the start of *text*."""
    match = _INTEGER.match(text)
    return int(match[1]) if match else default


def starts_with_integer(text: str) -> bool:
    """Whether there is a whole number at the start of *text*."""
    return _INTEGER.match(text) is not None
