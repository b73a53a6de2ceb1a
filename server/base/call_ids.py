"""Call ids, such as ``C-0000001a``: they tell the log lines of one call from those of another.

A channel that is made while a call is carried out belongs to that call; others begin one. What a
channel's controller logs, and whatever it starts, carries the id.
"""

from __future__ import annotations

import itertools
from contextvars import ContextVar

_numbers = itertools.count(1)
_current: ContextVar[str] = ContextVar("call_id", default="")


def current_call_id() -> str:
    """Return the id of the call that is carried out here, or an empty string."""
    return _current.get()


def call_id_of_new_channel() -> str:
    """Return the id of the call that is carried out here, or that of a new call."""
    return _current.get() or f"C-{next(_numbers):08x}"


def enter_call(call_id: str) -> None:
    """Let the rest of this task, and tasks that it starts, belong to a call."""
    _current.set(call_id)
