"""How much a Lua script may use before it is ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds one script.

    :param instructions: that it may run without a call to the server; a thousand million take
        about ten seconds.
    :param memory: bytes for one call's state.
    :param interval: instructions from one look at these limits to the next.
    """

    instructions: int = 1_000_000_000
    memory: int = 64 * 1024 * 1024
    interval: int = 1_000_000


MAX_SCRIPTS = 500  # that run at the same time, each in a thread of its own
