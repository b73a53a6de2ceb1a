"""From the server's own events to AMI's.

The bus, the notices and those who follow hints, presences and mailboxes are all synchronous:
what happens first is told first, and a channel is described as it is at that very moment.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from server.ami.events import calls, states
from server.ami.events.blocks import channel_block, variables_block
from server.stasis.topics import TopicKind

if TYPE_CHECKING:
    from server.ami.context import AmiContext
    from server.ami.events.stream import EventStream
    from server.ami.protocol import Field
    from server.config.sections.manager import Manager
    from server.resources.channel import Channel
    from server.resources.notices import Notice
    from server.stasis.bus import Published

logger = logging.getLogger(__name__)

Translate = Callable[["Occurrence"], None]


class Translator:
    """Listens as long as somebody listens to AMI."""

    def __init__(self, context: AmiContext, stream: EventStream, settings: Manager) -> None:
        self.context = context
        self.stream = stream
        self._watcher = states.Watcher(context, stream)
        self._is_listening = False
        self.configure(settings)

    def configure(self, settings: Manager) -> None:
        """Take over manager.conf."""
        self._variables = settings.channelvars

    def start(self) -> None:
        """Begin to listen."""
        if not self._is_listening:
            self._is_listening = True
            self.context.node.bus.add_listener(self._on_event)
            self.context.node.notices.add_listener(self._on_notice)
            self._watcher.start()

    def stop(self) -> None:
        """Stop to listen."""
        if self._is_listening:
            self._is_listening = False
            self.context.node.bus.remove_listener(self._on_event)
            self.context.node.notices.remove_listener(self._on_notice)
            self._watcher.stop()

    def tell(
        self,
        name: str,
        fields: Sequence[Field],
        channels: Mapping[str, Channel],
        head: str = "",
    ) -> None:
        """Send an event about channels.

        :param channels: by the prefix of their fields, in order.
        :param head: lines in front of all.
        """
        blocks = "".join([channel_block(channel, prefix) for prefix, channel in channels.items()])
        tail = ""
        if self._variables:
            shown = {channel.id: channel for channel in channels.values()}
            tail = "".join([variables_block(each, self._variables) for each in shown.values()])
        self.stream.tell(name, fields, head + blocks, tail)

    def _on_event(self, published: Published) -> None:
        translate = _TABLE.get(published.event.type)
        if translate is None:
            return
        try:
            translate(Occurrence(self, published))
        except Exception:  # a fault here must not end the call that published
            logger.exception("AMI: %s can't be told", published.event.type)

    def _on_notice(self, notice: Notice) -> None:
        self.tell(notice.name, tuple(notice.fields.items()), notice.channels)


class Occurrence:
    """One event of the bus, with what its translation needs."""

    __slots__ = ("_translator", "fields", "published")

    def __init__(self, translator: Translator, published: Published) -> None:
        self._translator = translator
        self.published = published
        self.fields: Mapping[str, Any] = published.event.fields

    @property
    def context(self) -> AmiContext:
        """The server's parts."""
        return self._translator.context

    def channels(self) -> list[Channel]:
        """Return the channels that the event's topics name, in their order."""
        registry = self.context.channels
        return [
            channel
            for kind, name in self.published.topics
            if kind is TopicKind.CHANNEL and (channel := registry.by_id(name)) is not None
        ]

    def snapshot(self, name: str) -> dict[str, Any] | None:
        """Return a member of the event as it was encoded, ``None`` if it is absent."""
        fields = self.fields.get(name)
        decoded: dict[str, Any] | None = (
            None if fields is None else orjson.loads(orjson.dumps(fields))
        )
        return decoded

    def tell(
        self,
        name: str,
        *fields: Field,
        head: str = "",
        channels: Mapping[str, Channel] | None = None,
    ) -> None:
        """Send an event; see :meth:`Translator.tell`."""
        self._translator.tell(name, fields, channels or {}, head)

    def about_channel(self, name: str, *fields: Field, head: str = "") -> None:
        """Send an event about the channel that the event is about."""
        found = self.channels()
        self._translator.tell(name, fields, {"": found[0]} if found else {}, head)


_TABLE: dict[str, Translate] = {**calls.TABLE, **states.TABLE}
