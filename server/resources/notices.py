"""What happens in the server besides ARI's events, for interfaces that know more of them.

AMI has events that ARI has no word for, such as MusicOnHoldStart. Whoever causes one tells it
here, beside what it publishes on the bus; both are synchronous, so that their order holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.resources.channel import Channel


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened.

    :param name: AMI's for it.
    :param channels: who took part, by the prefix of their fields; the one it is about has none.
    :param fields: the rest, in order.
    """

    name: str
    channels: Mapping[str, Channel]
    fields: Mapping[str, object] = field(default_factory=dict)


Listener = Callable[[Notice], None]


class Notices:
    """Hands notices to those who listen; costs next to nothing while nobody does."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    @property
    def is_wanted(self) -> bool:
        """Whether anybody listens: if not, spare the work of making one."""
        return bool(self._listeners)

    def add_listener(self, listener: Listener) -> None:
        """Have *listener* called for every notice. It must not raise."""
        self._listeners.append(listener)

    def remove_listener(self, listener: Listener) -> None:
        """Undo :meth:`add_listener`."""
        self._listeners.remove(listener)

    def tell(
        self,
        name: str,
        channel: Channel | None,
        fields: Mapping[str, object] | None = None,
        **others: Channel,
    ) -> None:
        """Tell what happened.

        :param channel: whom it is about, if anybody.
        :param others: further channels, by the prefix of their fields.
        """
        if not self._listeners:
            return
        channels = others if channel is None else {"": channel, **others}
        notice = Notice(name, channels, fields or {})
        for listener in self._listeners:
            listener(notice)
