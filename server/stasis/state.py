"""What this layer has to know about the resources behind the ids, and asks of who has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from server.model.wire import Snapshot
from server.stasis.topics import Topic


@dataclass(frozen=True, slots=True)
class Holdings:
    """The resources that belong to an application or a call, as they are now."""

    channels: list[Snapshot]
    bridges: list[Snapshot]
    playbacks: list[Snapshot]
    recordings: list[Snapshot]


@dataclass(frozen=True, slots=True)
class CallState:
    """A channel in an application.

    :param args: with which it came into the application.
    :param holdings: what it is in: its bridge, and what plays or is recorded on either.
    """

    args: Sequence[str]
    channel: Snapshot
    holdings: Holdings


class Resources(Protocol):
    """Knows channels, bridges and endpoints."""

    def exists(self, topic: Topic) -> bool:
        """Return whether *topic* names something that is there."""

    def variable(self, channel_id: str, name: str) -> str | None:
        """Return a channel's variable, ``None`` if there is no such channel or variable."""

    def holdings(self, channel_ids: Iterable[str], bridge_ids: Iterable[str]) -> Holdings:
        """Describe those of these channels and bridges that exist, and what goes on in them."""

    def call(self, channel_id: str) -> CallState | None:
        """Describe a channel that is in an application; ``None`` if it is in none."""
