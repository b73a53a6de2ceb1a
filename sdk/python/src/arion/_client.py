"""The client: operations by tag, streams of events, and programs for calls."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from arion._core import Core
from arion._errors import ArionError, ChannelGone, ClientClosed, NotFound
from arion._events import EventStream, Expectation
from arion._feed import Feed, Options, Resume, Share
from arion._http import Parameters
from arion._inbox import DIALLED
from arion._operations import Operations
from arion._runners import AsyncRunner
from arion._takeover import take_over
from arion._types import Bridge, Channel, Event, StasisReoffered, StasisStart, parse_event

logger = logging.getLogger("arion")

T = TypeVar("T")
E = TypeVar("E", bound=Event)

CallHandler = Callable[[Channel, list[str]], Awaitable[None]]
ReofferHandler = Callable[[StasisReoffered], Awaitable[None]]

REQUEST_TIMEOUT = 30.0  # seconds
DEFAULT_URL = "http://127.0.0.1:8088/ari"
DEFAULT_USER = "arion"


class Client(Operations):
    """A client of one server.

    The operations of the API are attributes by their tag: ``client.channels.originate(…)``.

    :param url: of the interface, such as ``http://127.0.0.1:8088/ari``; if it is not given, the
        environment's ``ARI_URL``, or the usual place on this machine.
    :param user: ``ARI_USER`` or ``arion`` if not given.
    :param password: ``ARI_PASSWORD`` if not given.
    :param timeout: seconds for a request.
    :raises ValueError: there is no password.
    """

    def __init__(
        self,
        url: str | None = None,
        user: str | None = None,
        password: str | None = None,
        *,
        timeout: float = REQUEST_TIMEOUT,
    ) -> None:
        super().__init__(self)
        environment = os.environ
        password = password if password is not None else environment.get("ARI_PASSWORD")
        if password is None:
            raise ValueError("no password: give it, or set ARI_PASSWORD")
        self._core = Core(
            url or environment.get("ARI_URL", DEFAULT_URL),
            user or environment.get("ARI_USER", DEFAULT_USER),
            password,
            timeout,
        )
        self._runner = AsyncRunner()

    @property
    def url(self) -> str:
        """The address of the interface."""
        return self._core.http.url

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
        """Close all connections.

        Streams of events end; what waits for an event of a channel ends with ``ChannelGone``.
        """
        await self._runner.close(self._core.close)

    # events and calls

    def events(
        self,
        *apps: str,
        subscribe_all: bool = False,
        reconnect: bool = True,
        resume: Resume = "off",
        share: Share | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> EventStream:
        """Return the stream of events of one or more applications.

        :param subscribe_all: also events that belong to no application.
        :param reconnect: connect again, with growing delays, when the connection breaks or can't be
            made.
        :param resume: ``auto``: have the server repeat what was missed while the connection was
            broken, if it can (Arion can, Asterisk can't); ``always``: insist on it.
        :param share: share the applications with other programs: each call belongs to one of them.
            The stream breaks off with :class:`NotSupported` if the server can't do that.
        :param extra: more query parameters, of a server that has some.
        """
        if not apps:
            raise ValueError("an application is needed")
        options = Options(subscribe_all, reconnect, resume, share, extra or {})
        return EventStream(self, Feed(self._core, apps, options))

    async def run(
        self,
        app: str,
        handler: CallHandler,
        *,
        resume: Resume = "off",
        share: Share | None = None,
        reoffered: ReofferHandler | None = None,
    ) -> None:
        """Be an application: call *handler* for every channel that enters it, until cancelled.

        A handler may end at any time with :class:`ChannelGone` or :class:`NotFound`: the caller
        hung up. Another error is logged, and its call is ended. Channels that :meth:`dial` called
        are no new calls.

        :param resume: see :meth:`events`.
        :param share: see :meth:`events`.
        :param reoffered: what to do with a call of another worker, which is gone. By default two
            who talk go on until one hangs up, a phone that was being called is hung up, and any
            other call begins anew: what plays or is recorded stops, and *handler* is called.
        """
        stream = self.events(app, resume=resume, share=share)
        async with stream as events, self._runner.calls() as calls:
            async for event in events:
                if isinstance(event, StasisReoffered):
                    calls.start(_handle_reoffered, handler, reoffered, event)
                elif isinstance(event, StasisStart):
                    if self._core.known.is_stray(event.channel.id):
                        calls.start(_mind, event.channel, event.channel.hangup)
                    elif not self._core.known.was_dialled(event.channel.id):
                        calls.start(_mind, event.channel, handler, event.channel, event.args)

    def expect(
        self,
        *kinds: type[E],
        where: Callable[[E], bool] | None = None,
        timeout: float | None = None,
    ) -> Expectation[E]:
        """Expect an event that the commands of a block cause; leaving the block waits for it.

        ::

            async with client.expect(arion.BridgeDestroyed, timeout=5) as destroyed:
                await bridge.destroy()
            print(destroyed.event.timestamp)

        :param where: what else must hold of the event.
        :param timeout: seconds, from the end of the block.
        """
        return Expectation(self, "", kinds, where, timeout)

    # what takes several requests

    async def dial(
        self,
        endpoint: str,
        *,
        caller: Channel | None = None,
        app: str | None = None,
        app_args: str | None = None,
        caller_id: str | None = None,
        timeout: int = 30,
        variables: Mapping[str, str] | None = None,
        formats: str | None = None,
    ) -> Channel:
        """Call an endpoint; return its channel once it is answered and in the application.

        If nobody answers, or the program stops waiting, the channel is hung up. In an application
        that is shared, name the *caller*: the channel comes to the worker that has the caller.

        :param endpoint: such as ``PJSIP/bob``.
        :param caller: a channel on whose behalf it is; when it goes, so does the call.
        :param app: the application; by default the one whose events this client listens to.
        :param caller_id: what the endpoint shows; the caller's if there is one.
        :param timeout: seconds to let it ring.
        :raises NotAnswered: busy, refused, unreachable or not answered in time; ``cause`` says so.
        :raises ChannelGone: the caller gave up.
        """
        channel_id = f"{DIALLED}{uuid.uuid4()}"
        await self._run(self._core.dialling(channel_id))
        if caller is not None and caller_id is None:
            caller_id = f"{caller.caller.name} <{caller.caller.number}>"
        is_answered = False
        try:
            await self.channels.originate(
                endpoint=endpoint,
                app=app or self._core.known.apps[0][0],
                app_args=app_args,
                channel_id=channel_id,
                originator=caller.id if caller else None,
                caller_id=caller_id,
                timeout=timeout,
                variables=variables,
                formats=formats,
            )
            start = await self._run(
                self._core.answered(channel_id, caller.id if caller else None, timeout)
            )
            is_answered = True
        finally:
            if not is_answered:
                await self._give_up(channel_id)
        return Channel.from_wire(start["channel"], self)

    async def _give_up(self, channel_id: str) -> None:
        try:
            await self.channels.hangup(channel_id)
        except NotFound:
            await self._run(self._core.lose_if_over(channel_id))

    def bridge(
        self,
        bridge_type: str = "mixing",
        *,
        name: str | None = None,
        bridge_id: str | None = None,
    ) -> BridgeScope:
        """Return a bridge for the time of a block: ``async with client.bridge() as bridge:``."""
        return BridgeScope(self, bridge_type, name, bridge_id)

    async def first_gone(self, *channels: Channel, timeout: float | None = None) -> Channel:
        """Wait until one of these channels has ended or left the application; return it.

        :raises TimedOut: none did in time.
        """
        ids = [channel.id for channel in channels]
        gone = await self._run(self._core.gone(ids, timeout))
        return channels[ids.index(gone.channel_id)]

    # for the generated and bound methods

    async def request(
        self,
        operation: str,
        method: str,
        path: str,
        parameters: Parameters | None = None,
        *,
        whole: Any = None,
    ) -> Any:
        """Send any request and return the JSON value that answers it, ``None`` if there is none.

        :param operation: what errors shall call it.
        :param path: below the client's URL, such as ``/channels``.
        :param parameters: by name; placed in the body or in the query as the method wants it.
        :param whole: the JSON body, if the parameters don't make it.
        :raises ApiError: the server refused it.
        :raises ConnectionFailed: there was no answer.
        :raises TimedOut: there was none in time.
        """
        return await self._run(self._core.request(operation, method, path, parameters, whole))

    async def download(
        self, operation: str, method: str, path: str, parameters: Parameters | None = None
    ) -> bytes:
        """Send a request and return the file that answers it."""
        return await self._run(self._core.http.send(operation, method, path, parameters))

    async def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return await self._runner.run(coroutine)

    def _event(self, raw: Mapping[str, Any]) -> Any:
        """Return a typed event, ``None`` if the message is not of its form."""
        try:
            return parse_event(raw, self)
        except (TypeError, ValueError, AttributeError):
            logger.warning("ignored a message that is no event: %.200s", raw)
            return None


class BridgeScope:
    """A bridge that is made when a block begins, and destroyed when it ends."""

    def __init__(
        self, client: Client, bridge_type: str, name: str | None, bridge_id: str | None
    ) -> None:
        self._client = client
        self._type = bridge_type
        self._name = name
        self._id = bridge_id
        self._bridge: Bridge | None = None

    async def __aenter__(self) -> Bridge:
        self._bridge = await self._client.bridges.create(
            bridge_type=self._type, name=self._name, bridge_id=self._id
        )
        return self._bridge

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bridge is not None:
            await self._bridge.destroy()


async def _handle_reoffered(
    handler: CallHandler, reoffered: ReofferHandler | None, event: StasisReoffered
) -> None:
    if reoffered is not None:
        await _mind(event.channel, reoffered, event)
    else:
        await _mind(event.channel, take_over, event, handler)


async def _mind(channel: Channel, handle: Callable[..., Awaitable[None]], *arguments: Any) -> None:
    """Do something with a call; a failure ends the call, and nothing else."""
    try:
        await handle(*arguments)
    except (ChannelGone, NotFound, ClientClosed) as failure:
        logger.debug("call %s ended: %s", channel.id, failure)
    except Exception:
        logger.exception("the handler of call %s failed", channel.id)
        try:
            await channel.hangup()
        except ArionError as failure:
            logger.warning("hanging up %s: %s", channel.id, failure)
