"""Classes of actions and events: who may do and hear what."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntFlag


class Perm(IntFlag):
    """The classes, numbered as in Asterisk."""

    NONE = 0
    SYSTEM = 1
    CALL = 2
    LOG = 4
    VERBOSE = 8
    COMMAND = 16
    AGENT = 32
    USER = 64
    CONFIG = 128
    DTMF = 256
    REPORTING = 512
    CDR = 1024
    DIALPLAN = 2048
    ORIGINATE = 4096
    AGI = 8192
    CC = 32768
    AOC = 65536
    TEST = 131072
    SECURITY = 262144
    MESSAGE = 1073741824


ALL = (1 << 31) - 1
NAMES: dict[str, int] = {perm.name.lower(): int(perm) for perm in Perm if perm.name} | {
    "all": ALL,
    "none": 0,
}
_TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})
_FALSE = frozenset({"no", "false", "n", "f", "0", "off"})


def mask_of(names: Iterable[str]) -> int:
    """Return the mask of some classes.

    :raises KeyError: there is no such class.
    """
    mask = 0
    for name in names:
        mask |= NAMES[name.strip().lower()]
    return mask


def read_event_mask(text: str) -> int | None:
    """Read an EventMask: a number, a word for yes or no, or classes; ``None`` if it is nothing.

    Unknown classes among known ones count for nothing, as in Asterisk.
    """
    word = text.strip().lower()
    if not word or word in _TRUE - {"1"}:
        return ALL
    if word in _FALSE:
        return 0
    if word.isascii() and word.isdigit():
        return int(word) & ALL if len(word) <= 10 else None
    known = [NAMES[name] for part in word.split(",") if (name := part.strip()) in NAMES]
    mask = 0
    for value in known:
        mask |= value
    return mask if known else None


def describe(mask: int) -> str:
    """Write a mask as the Privilege of events and the Priv of ListCommands."""
    if not mask:
        return "<none>"
    return ",".join([name for name, value in NAMES.items() if value & mask])
