"""Streams of typed events, and expectations of one."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from arion._errors import ClientClosed, TimedOut
from arion._feed import Feed
from arion._inbox import Inbox, Raw, Test
from arion._types import EVENT_TYPES, AnyEvent, Event, UnknownEvent

if TYPE_CHECKING:
    from arion._client import Client

E = TypeVar("E", bound=Event)


def test_of(kinds: tuple[type[Event], ...]) -> Test:
    """Return the test whether an event is one of these kinds; without any, all are."""
    if not kinds or Event in kinds:
        return lambda _: True
    names = {kind.__name__ for kind in kinds}
    if UnknownEvent in kinds:
        return lambda raw: raw["type"] in names or raw["type"] not in EVENT_TYPES
    return lambda raw: raw["type"] in names


class EventStream:
    """The events of one or more applications.

    Iterate over it with ``async for``. Used with ``async with`` it is connected on entry, so that
    nothing that follows can be missed, and closed on exit.

    While the program does not take events, the latest 10,000 are kept.
    """

    def __init__(self, client: Client, feed: Feed) -> None:
        self._client = client
        self._feed = feed

    @property
    def dropped(self) -> int:
        """How many events were thrown away because the program did not take them."""
        return self._feed.dropped

    async def __aenter__(self) -> Self:
        await self._client._run(self._feed.start())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AnyEvent:
        while True:
            try:
                raw = await self._client._run(self._feed.next())
            except ClientClosed:
                raw = None
            if raw is None:
                raise StopAsyncIteration
            event: AnyEvent | None = self._client._event(raw)
            if event is not None:
                return event

    async def only(self, *kinds: type[E]) -> AsyncIterator[E]:
        """Yield the events of these types and pass over all others."""
        async for event in self:
            if isinstance(event, kinds):
                yield event

    async def drain(self) -> None:
        """Have the server give this worker of a shared application no new calls.

        It keeps those that it has, and gets some if there is no other worker.

        :raises ValueError: the stream is not shared.
        """
        for app, worker in self._feed.places:
            await self._client.applications.drain_worker(app, worker)

    async def undrain(self) -> None:
        """Take that back.

        :raises ValueError: the stream is not shared.
        """
        for app, worker in self._feed.places:
            await self._client.applications.undrain_worker(app, worker)

    async def aclose(self) -> None:
        """Disconnect the applications."""
        await self._client._runner.tidy(self._feed.close())


class Expectation(Generic[E]):
    """An event that the commands of a block cause; leaving the block waits for it.

    :param channel_id: whose event; empty for any.
    :param timeout: seconds, from the end of the block.
    """

    def __init__(
        self,
        client: Client,
        channel_id: str,
        kinds: tuple[type[E], ...],
        where: Callable[[E], bool] | None,
        timeout: float | None,
    ) -> None:
        self._client = client
        self._channel_id = channel_id
        self._kinds = kinds
        self._where = where
        self._timeout = timeout
        self._inbox: Inbox | None = None
        self._event: E | None = None

    @property
    def event(self) -> E:
        """The event, once the block was left.

        :raises RuntimeError: it was not.
        """
        if self._event is None:
            raise RuntimeError("the event is known after the block that expects it")
        return self._event

    async def __aenter__(self) -> Self:
        client = self._client
        watch = client._core.watch(self._channel_id, test_of(self._kinds))
        self._inbox = await client._run(watch)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._inbox is not None
        try:
            if error is None:
                self._event = await take(self._client, self._inbox, self._where, self._timeout)
        finally:
            await self._client._runner.tidy(self._client._core.unwatch(self._inbox))


async def take(
    client: Client, inbox: Inbox, where: Callable[[Any], bool] | None, timeout: float | None
) -> Any:
    """Take the next event for which *where* holds; those before it are lost.

    :raises TimedOut: it did not come in time.
    :raises ChannelGone: its channel ended first.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
        try:
            raw = await client._run(inbox.take(_any, left))
        except TimedOut:
            raise TimedOut(f"the event did not come within {timeout} s") from None
        event = client._event(raw)
        if event is not None and (where is None or where(event)):
            return event


def _any(raw: Raw) -> bool:
    return True
