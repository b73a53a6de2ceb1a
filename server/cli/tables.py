"""How commands lay out what they print: columns, durations, plurals."""

from __future__ import annotations

_UNITS = (("year", 31_536_000), ("week", 604_800), ("day", 86_400), ("hour", 3600), ("minute", 60))


def fit(text: object, width: int) -> str:
    """Pad or cut to a width, as C's ``%-*.*s``."""
    return str(text)[:width].ljust(width)


def plural(count: int, noun: str) -> str:
    """``1 call``, ``2 calls``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def clock(seconds: float) -> str:
    """``HH:MM:SS``; more than 99 hours grow to the left."""
    whole = max(int(seconds), 0)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def spell_duration(seconds: float) -> str:
    """``1 day, 2 hours, 5 seconds``."""
    rest = max(int(seconds), 0)
    parts = []
    for noun, length in _UNITS:
        count, rest = divmod(rest, length)
        if count:
            parts.append(plural(count, noun))
    if rest or not parts:
        parts.append(plural(rest, "second"))
    return ", ".join(parts)


def lines(*rows: str) -> str:
    """Join rows, without blanks at their ends."""
    return "\n".join(row.rstrip() for row in rows)
