"""The events as they come: one WebSocket, reconnected when it breaks, resumed if that is wanted."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import aiohttp

from arion._core import Core
from arion._errors import ArionError, BadRequest, ConnectionFailed, NotSupported, api_error
from arion._inbox import Raw

logger = logging.getLogger("arion")

FIRST_DELAY = 0.1  # seconds before the first attempt to reconnect; doubles
LONGEST_DELAY = 10.0
HEARTBEAT = 30.0  # seconds between pings
MAX_WAITING = 10_000  # events that the program has not taken; then the oldest go
MAX_MESSAGE = 16 * 1024 * 1024  # bytes
RECONNECTED = "Reconnected"  # the type of the event that is made here

Resume = Literal["off", "auto", "always"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """This program's part of an application that several programs share.

    :param worker: its name among them. A program that comes again under the same name has the
        calls that it had.
    :param weight: its part of new calls, in relation to the others.
    """

    worker: str = field(default_factory=lambda: f"worker-{uuid.uuid4()}")
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Options:
    """How to listen; see ``Client.events``."""

    subscribe_all: bool = False
    reconnect: bool = True
    resume: Resume = "off"
    share: Share | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


class Feed:
    """The events of one or more applications.

    :ivar dropped: events that went because nobody took them.
    """

    def __init__(self, core: Core, apps: tuple[str, ...], options: Options) -> None:
        self.dropped = 0
        self._core = core
        self._apps = apps
        self._options = options
        self._events: deque[Raw] = deque()
        self._changed = asyncio.Event()
        self._connected: asyncio.Future[None] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._is_over = False
        self._failure: ArionError | None = None
        # resuming
        self._resumes = options.resume == "always"
        self._is_server_known = options.resume != "auto" and options.share is None
        self._sequence: int | None = None

    async def start(self) -> None:
        """Connect, once.

        :raises ApiError: the server refused the applications or the user.
        :raises ConnectionFailed: it can't be reached, and the stream does not reconnect.
        """
        if self._connected is None:
            self._connected = asyncio.get_running_loop().create_future()
            self._reader = asyncio.create_task(self._run())  # noqa: TID251 - ended by close
        await asyncio.shield(self._connected)

    async def next(self) -> Raw | None:
        """Return the next event, ``None`` after the last.

        :raises ArionError: the stream broke off.
        """
        await self.start()
        while not self._events:
            if self._is_over:
                if self._failure is not None:
                    raise self._failure
                return None
            self._changed.clear()
            await self._changed.wait()
        return self._events.popleft()

    async def close(self) -> None:
        """Disconnect the applications."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    @property
    def places(self) -> list[tuple[str, str]]:
        """The applications, and the name of this worker in them.

        :raises ValueError: they are not shared.
        """
        if self._options.share is None:
            raise ValueError("only a worker of a shared application can drain")
        return [(app, self._options.share.worker) for app in self._apps]

    # the connection

    async def _run(self) -> None:
        assert self._connected is not None
        self._core.known.apps.append(self._apps)
        self._core.streams.add(self)
        try:
            await self._connect_and_read()
        except ArionError as failure:
            self._failure = failure
        except Exception as failure:
            logger.exception("reading events failed")
            self._failure = ConnectionFailed(f"events: {failure!r}")
        finally:
            self._core.known.apps.remove(self._apps)
            self._core.streams.discard(self)
            if not self._connected.done():
                if self._failure is not None:
                    self._connected.set_exception(self._failure)
                else:
                    self._connected.cancel()
            self._is_over = True
            self._changed.set()

    async def _connect_and_read(self) -> None:
        delay = FIRST_DELAY
        while True:
            try:
                socket = await self._connect()
            except ConnectionFailed as failure:
                if not self._options.reconnect:
                    raise
                logger.warning("%s; trying again within %.1f s", failure, delay)
                await asyncio.sleep(delay * random.uniform(0.5, 1))
                delay = min(delay * 2, LONGEST_DELAY)
                continue
            delay = FIRST_DELAY
            async with socket:
                await self._on_connected()
                await self._read(socket)
            if not self._options.reconnect:
                raise ConnectionFailed(f"the server closed the events with {socket.close_code}")
            logger.warning("the events broke off (%s); reconnecting", socket.close_code)
            await asyncio.sleep(delay * random.uniform(0.5, 1))

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        await self._find_out_about_server()
        try:
            return await self._open_socket()
        except BadRequest:
            if not self._resumes or self._options.resume == "always" or self._options.share:
                raise
            logger.warning("the server refuses to resume events; going on without")
            self._resumes = False
            return await self._open_socket()

    async def _find_out_about_server(self) -> None:
        if self._is_server_known:
            return
        declared = await self._core.declared()
        if self._options.share is not None and "share" not in declared:
            what = "events.eventWebsocket"
            raise NotSupported(501, "the server does not share applications", what)
        if self._options.resume == "auto":
            self._resumes = "resume" in declared
            logger.debug("events can be resumed: %s", self._resumes)
        self._is_server_known = True

    async def _open_socket(self) -> aiohttp.ClientWebSocketResponse:
        http = self._core.http
        query = {"app": ",".join(self._apps), **self._options.extra}
        if self._options.subscribe_all:
            query["subscribeAll"] = "true"
        if (share := self._options.share) is not None:
            query |= {"share": "true", "worker": share.worker, "weight": str(share.weight)}
        if self._resumes:
            query["resume"] = "new" if self._sequence is None else str(self._sequence)
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
        if not self._connected.done():
            logger.info("listening for events of %s", ", ".join(self._apps))
            self._connected.set_result(None)
        elif not self._resumes:
            logger.info("listening again for events of %s", ", ".join(self._apps))
            await self._core.catch_up()
            self._put({"type": RECONNECTED, "application": self._apps[0]})

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                try:
                    event = json.loads(message.data)
                    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
                        raise ValueError("no event")
                    if self._was_seen(event):
                        continue
                    self._core.known.note(event)
                except (ValueError, TypeError, AttributeError, KeyError):
                    logger.warning("ignored a message that is no event: %.200s", message.data)
                    continue
                await self._catch_up_after(event)
                self._put(event)

    def _was_seen(self, event: Raw) -> bool:
        """Note the sequence number; one that came before comes again only by mistake."""
        sequence = event.get("seq")
        if not self._resumes or not isinstance(sequence, int):
            return False
        if event["type"] != "Resync" and self._sequence is not None and sequence <= self._sequence:
            return True
        self._sequence = sequence
        return False

    async def _catch_up_after(self, event: Raw) -> None:
        if event["type"] == "Resync" and event.get("reason") != "new":
            logger.warning("events were lost: %s", event.get("reason"))
            await self._core.catch_up()

    def _put(self, event: Raw) -> None:
        if len(self._events) >= MAX_WAITING:
            if not self.dropped:
                logger.warning("events are not taken: the oldest of %d go", MAX_WAITING)
            self.dropped += 1
            self._events.popleft()
        self._events.append(event)
        self._changed.set()
