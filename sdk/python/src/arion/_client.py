"""The client: operations by tag, streams of events, and programs for calls."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self

from arion import _operations as operations
from arion._errors import ArionError, ChannelGone, NotFound, NotListening
from arion._events import EventStream
from arion._http import Http, Parameters
from arion._inbox import Key, Known
from arion._types import Channel, StasisStart

logger = logging.getLogger("arion")

CallHandler = Callable[[Channel, list[str]], Awaitable[None]]

REQUEST_TIMEOUT = 30.0  # seconds


class Client:
    """A client of one server.

    :param url: of the interface, such as ``http://127.0.0.1:8088/ari``.
    :param timeout: seconds for a request.
    """

    def __init__(
        self, url: str, user: str, password: str, *, timeout: float = REQUEST_TIMEOUT
    ) -> None:
        self.http = Http(url, user, password, timeout)
        self.known = Known()
        self.applications = operations.ApplicationsOperations(self)
        self.asterisk = operations.AsteriskOperations(self)
        self.bridges = operations.BridgesOperations(self)
        self.channels = operations.ChannelsOperations(self)
        self.device_states = operations.DeviceStatesOperations(self)
        self.endpoints = operations.EndpointsOperations(self)
        self.user_events = operations.EventsOperations(self)
        self.mailboxes = operations.MailboxesOperations(self)
        self.playbacks = operations.PlaybacksOperations(self)
        self.recordings = operations.RecordingsOperations(self)
        self.sounds = operations.SoundsOperations(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self.http.close()

    def events(
        self, *apps: str, subscribe_all: bool = False, reconnect: bool = True
    ) -> EventStream:
        """Return the stream of events of one or more applications.

        :param subscribe_all: also events that belong to no application.
        :param reconnect: connect again when the connection breaks or can't be made.
        """
        if not apps:
            raise ValueError("an application is needed")
        return EventStream(self, apps, subscribe_all=subscribe_all, reconnect=reconnect)

    async def run(self, app: str, handler: CallHandler) -> None:
        """Be an application: call *handler* for every channel that enters it, until cancelled.

        A handler may end at any time with :class:`ChannelGone` or :class:`NotFound`: the caller
        hung up. Another error is logged, and its call is ended.
        """
        async with self.events(app) as events:
            handlers: set[asyncio.Task[None]] = set()
            try:
                async for event in events:
                    if isinstance(event, StasisStart):
                        task = asyncio.create_task(_handle(handler, event))  # noqa: TID251 - kept below
                        handlers.add(task)
                        task.add_done_callback(handlers.discard)
            finally:
                for task in handlers:
                    task.cancel()
                await asyncio.gather(*handlers, return_exceptions=True)

    # for the generated and bound methods

    async def request(
        self,
        operation: str,
        method: str,
        path: str,
        parameters: Parameters | None = None,
        *,
        whole: Mapping[str, Any] | None = None,
    ) -> Any:
        """Send a request and return what its answer says.

        :raises ApiError: the server refused it.
        :raises ConnectionFailed: there was no answer.
        """
        body = await self.http.send(operation, method, path, parameters, whole)
        return json.loads(body) if body else None

    async def download(
        self, operation: str, method: str, path: str, parameters: Parameters | None = None
    ) -> bytes:
        """Send a request and return the file that answers it."""
        return await self.http.send(operation, method, path, parameters, None)

    def check_listening(self) -> None:
        """Make sure that events come in.

        :raises NotListening: no stream is open.
        """
        if not self.known.streams:
            raise NotListening("open client.events() or client.run() before waiting for events")

    async def catch_up(self) -> None:
        """Find out, after a reconnection, what ended meanwhile."""
        for key in self.known.outcomes.pending():
            await self.settle_if_over(key)
        for channel_id in list(self.known.inboxes):
            try:
                await self.channels.get(channel_id)
            except NotFound:
                self.known.lose(channel_id)
            except ArionError as failure:
                logger.warning("after reconnecting: %s", failure)

    async def settle_if_over(self, key: Key) -> None:
        """Settle the outcome of a playback or recording that does not exist any more."""
        kind, name = key
        try:
            if kind == "playback":
                await self.playbacks.get(name)
            else:
                await self.recordings.get_live(name)
        except NotFound:
            self.known.outcomes.settle(key, None)
        except ArionError as failure:
            logger.warning("%s %s: %s", kind, name, failure)


async def _handle(handler: CallHandler, event: StasisStart) -> None:
    channel = event.channel
    try:
        await handler(channel, event.args)
    except (ChannelGone, NotFound) as failure:
        logger.debug("call %s ended: %s", channel.id, failure)
    except Exception:
        logger.exception("the handler of call %s failed", channel.id)
        try:
            await channel.hangup()
        except ArionError as failure:
            logger.warning("hanging up %s: %s", channel.id, failure)
