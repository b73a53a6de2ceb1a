"""Every channel of the node, found by id, name, linkedid or endpoint without a scan."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from server.base.errors import NotFound

if TYPE_CHECKING:
    from server.resources.channel import Channel


class ChannelObserver(Protocol):
    """Who counts or follows channels, whether anybody is subscribed to their events or not.

    It is called in the middle of what happens: it takes notes, and changes nothing.
    """

    def on_channel_added(self, channel: Channel) -> None:
        """A channel is there."""

    def on_channel_state(self, channel: Channel) -> None:
        """Its state is another one."""

    def on_channel_dialled(self, channel: Channel, caller: Channel | None, status: str) -> None:
        """It is called on behalf of *caller*; *status* as in the Dial event, empty at first."""

    def on_channel_ending(self, channel: Channel) -> None:
        """It hangs up; its stream can still be asked."""

    def on_channel_removed(self, channel: Channel) -> None:
        """It is gone."""


class ChannelRegistry:
    """The channels that exist now."""

    def __init__(self) -> None:
        self._by_id: dict[str, Channel] = {}
        self._by_name: dict[str, Channel] = {}
        self._by_endpoint: dict[tuple[str, str], dict[str, Channel]] = {}
        self.total = 0  # channels made since the start
        self.observers: list[ChannelObserver] = []
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Channel]:
        return iter(list(self._by_id.values()))

    def __contains__(self, channel_id: str) -> bool:
        return channel_id in self._by_id

    def add(self, channel: Channel) -> None:
        """Enter a new channel."""
        self.total += 1
        self._empty.clear()
        self._by_id[channel.id] = channel
        self._by_name[channel.name.lower()] = channel
        self._by_endpoint.setdefault(channel.endpoint, {})[channel.id] = channel
        for observer in self.observers:
            observer.on_channel_added(channel)

    def remove(self, channel: Channel) -> None:
        """Take a channel out."""
        self._by_id.pop(channel.id, None)
        if self._by_name.get(channel.name.lower()) is channel:  # AudioSocket's need not be unique
            del self._by_name[channel.name.lower()]
        siblings = self._by_endpoint.get(channel.endpoint, {})
        siblings.pop(channel.id, None)
        if not siblings:
            self._by_endpoint.pop(channel.endpoint, None)
        if not self._by_id:
            self._empty.set()
        for observer in self.observers:
            observer.on_channel_removed(channel)

    async def wait_empty(self) -> None:
        """Return when there is no channel."""
        await self._empty.wait()

    def find(self, id_or_name: str) -> Channel | None:
        """Return a channel by id, else by name, else ``None``."""
        return self._by_id.get(id_or_name) or self._by_name.get(id_or_name.lower())

    def by_id(self, channel_id: str) -> Channel | None:
        """Return a channel by id, ``None`` if there is none."""
        return self._by_id.get(channel_id)

    def get(self, channel_id: str) -> Channel:
        """Return a channel by id.

        :raises NotFound: there is none.
        """
        channel = self._by_id.get(channel_id)
        if channel is None:
            raise NotFound("Channel not found")
        return channel

    def of_endpoint(self, technology: str, resource: str) -> list[Channel]:
        """Return the channels of one endpoint."""
        return list(self._by_endpoint.get((technology, resource), {}).values())
