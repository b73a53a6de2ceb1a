"""Identifiers: their types, and how new ones are made."""

from __future__ import annotations

import itertools
import uuid
from typing import NewType

from server.base.clock import Clock

ChannelId = NewType("ChannelId", str)
BridgeId = NewType("BridgeId", str)
PlaybackId = NewType("PlaybackId", str)

MAX_ID_LENGTH = 149  # Asterisk's AST_MAX_PUBLIC_UNIQUEID


class UniqueIds:
    """Makes channel ids in Asterisk's form: ``[systemname-]epoch.counter``.

    :param clock: where the epoch part comes from.
    :param system_name: asterisk.conf's ``systemname``, a prefix that tells nodes apart.
    """

    def __init__(self, clock: Clock, system_name: str = "") -> None:
        self._clock = clock
        self._prefix = f"{system_name}-" if system_name else ""
        self._counter = itertools.count(0)

    def next(self) -> ChannelId:
        """Return an id that this process has not returned before."""
        return ChannelId(f"{self._prefix}{int(self._clock.wall())}.{next(self._counter)}")


def new_uuid() -> str:
    """Return a random UUID, the form of bridge and playback ids that nobody chose."""
    return str(uuid.uuid4())
