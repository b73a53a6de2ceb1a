"""The stream of events: one WebSocket, reconnected when it breaks."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

import aiohttp

from arion._errors import ArionError, ConnectionFailed, api_error
from arion._types import AnyEvent, parse_event

if TYPE_CHECKING:
    from arion._client import Client

logger = logging.getLogger("arion")

FIRST_DELAY = 0.1  # seconds before the first attempt to reconnect; doubles
LONGEST_DELAY = 10.0
HEARTBEAT = 30.0  # seconds between pings
MAX_WAITING = 10_000  # events that the program has not taken; then the server has to wait
MAX_MESSAGE = 16 * 1024 * 1024  # bytes


class EventStream:
    """The events of one or more applications.

    Iterate over it with ``async for``. Used with ``async with`` it is connected on entry, so that
    nothing that follows can be missed, and closed on exit.
    """

    def __init__(
        self, client: Client, apps: Sequence[str], *, subscribe_all: bool, reconnect: bool
    ) -> None:
        self._client = client
        self._apps = apps
        self._subscribe_all = subscribe_all
        self._reconnect = reconnect
        self._queue: asyncio.Queue[AnyEvent | None] = asyncio.Queue(MAX_WAITING)
        self._connected: asyncio.Future[None] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._failure: ArionError | None = None

    async def __aenter__(self) -> Self:
        await self._start()
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
        await self._start()
        event = await self._queue.get()
        if event is not None:
            return event
        self._queue.put_nowait(None)
        if self._failure is not None:
            raise self._failure
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Disconnect the applications."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _start(self) -> None:
        """Connect, once.

        :raises ApiError: the server refused the applications or the user.
        :raises ConnectionFailed: it can't be reached, and the stream does not reconnect.
        """
        if self._connected is None:
            self._connected = asyncio.get_running_loop().create_future()
            self._reader = asyncio.create_task(self._run())  # noqa: TID251 - ended by aclose
        await asyncio.shield(self._connected)

    async def _run(self) -> None:
        assert self._connected is not None
        self._client.known.streams += 1
        try:
            await self._connect_and_read()
        except ArionError as failure:
            self._failure = failure
        except Exception as failure:
            logger.exception("reading events failed")
            self._failure = ConnectionFailed(f"events: {failure!r}")
        finally:
            self._client.known.streams -= 1
            if not self._connected.done():
                if self._failure is not None:
                    self._connected.set_exception(self._failure)
                else:
                    self._connected.cancel()
            self._make_room()
            self._queue.put_nowait(None)

    def _make_room(self) -> None:
        if self._queue.full():
            self._queue.get_nowait()

    async def _connect_and_read(self) -> None:
        delay = FIRST_DELAY
        while True:
            try:
                socket = await self._connect()
            except ConnectionFailed as failure:
                if not self._reconnect:
                    raise
                logger.warning("%s; trying again in %.1f s", failure, delay)
                await asyncio.sleep(delay * random.uniform(0.5, 1))
                delay = min(delay * 2, LONGEST_DELAY)
                continue
            delay = FIRST_DELAY
            async with socket:
                await self._on_connected()
                await self._read(socket)
            if not self._reconnect:
                raise ConnectionFailed(f"the server closed the events with {socket.close_code}")
            logger.warning("the events broke off (%s); reconnecting", socket.close_code)
            await asyncio.sleep(delay * random.uniform(0.5, 1))

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        http = self._client.http
        query = {"app": ",".join(self._apps)}
        if self._subscribe_all:
            query["subscribeAll"] = "true"
        try:
            return await http.session.ws_connect(
                f"{http.url}/events",
                params=query,
                protocols=("ari",),
                heartbeat=HEARTBEAT,
                max_msg_size=MAX_MESSAGE,
            )
        except aiohttp.WSServerHandshakeError as failure:
            if 400 <= failure.status < 500:
                raise api_error(failure.status, failure.message, "events.eventWebsocket") from None
            raise ConnectionFailed(f"events: {failure.message} ({failure.status})") from failure
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            raise ConnectionFailed(f"events: {failure or type(failure).__name__}") from failure

    async def _on_connected(self) -> None:
        assert self._connected is not None
        if self._connected.done():
            await self._client.catch_up()
        else:
            self._connected.set_result(None)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                try:
                    event = parse_event(json.loads(message.data), self._client)
                except (ValueError, TypeError, AttributeError):
                    logger.warning("ignored a message that is no event: %.200s", message.data)
                    continue
                self._client.known.note(event)
                await self._queue.put(event)
