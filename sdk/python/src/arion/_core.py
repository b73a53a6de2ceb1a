"""What a client does on the wire, without types: shared by the asynchronous and the sync client.

All of it runs in one asyncio loop: the program's own, or the sync client's in its thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol
from urllib.parse import unquote

from arion._errors import (
    ApiError,
    ArionError,
    ChannelGone,
    Conflict,
    ConnectionFailed,
    NotAnswered,
    NotFound,
    NotListening,
    ServerFailed,
    TimedOut,
)
from arion._http import Http, Parameters, quote
from arion._inbox import Inbox, Key, Known, Raw, Test

logger = logging.getLogger("arion")

LEAVING = 0.5  # seconds within which the end of a channel that left is told
_NOT_IN_STASIS = "not in Stasis"  # how Asterisk and Arion word a 409 of a channel
OVERTIME = 5.0  # seconds that a dialled call may take longer than the server was told


class Stream(Protocol):
    """What a client closes with itself."""

    async def close(self) -> None:
        """End it."""


class Core:
    """Requests to one server, and what is known from its events."""

    def __init__(self, url: str, user: str, password: str, timeout: float) -> None:
        self.http = Http(url, user, password, timeout)
        self.known = Known()
        self.streams: set[Stream] = set()

    async def close(self) -> None:
        """Close all connections and end what still waits."""
        for stream in list(self.streams):
            await stream.close()
        self.known.lose_all()
        await self.http.close()

    # requests

    async def request(
        self,
        operation: str,
        method: str,
        path: str,
        parameters: Parameters | None = None,
        whole: Any = None,
    ) -> Any:
        """Send a request and return what its answer says.

        :raises ApiError: the server refused it.
        :raises ConnectionFailed: there was no answer.
        :raises TimedOut: there was none in time.
        :raises ChannelGone: the channel is on its way out of the application.
        """
        try:
            body = await self.http.send(operation, method, path, parameters, whole)
        except Conflict as conflict:
            if _NOT_IN_STASIS in conflict.message:
                await self._raise_if_leaving(path)
            raise
        return json.loads(body) if body else None

    async def _raise_if_leaving(self, path: str) -> None:
        """Tell a command that came too late from one that never made sense.

        :raises ChannelGone: the channel of the path was here, and its end is known or close.
        """
        _, tag, channel_id, *_ = [*path.split("/"), "", ""]
        inbox = self.known.find(unquote(channel_id)) if tag == "channels" else None
        if inbox is not None:
            with contextlib.suppress(TimedOut):
                await inbox.take(lambda _: False, LEAVING)

    async def declared(self) -> set[str]:
        """Return the query parameters of the events that the server's own specification has.

        :raises ConnectionFailed: the server can't be asked now.
        """
        for place in ("/api-docs/openapi.json", "/openapi.json"):
            try:
                document = await self.request("openapi", "GET", place)
                parameters = document["paths"]["/events"]["get"]["parameters"]
                return {str(parameter["name"]) for parameter in parameters}
            except (TimedOut, ServerFailed) as failure:
                raise ConnectionFailed(str(failure)) from failure
            except (ApiError, ValueError, KeyError, TypeError, AttributeError):
                continue
        return set()

    # events of channels

    def check_listening(self) -> None:
        """Make sure that events come in.

        :raises NotListening: no stream is open.
        """
        if not self.known.apps:
            raise NotListening("open client.events() or client.run() before waiting for events")

    async def inbox(self, channel_id: str) -> Inbox:
        """Return the inbox of a channel; closed if there is no such channel."""
        self.check_listening()
        inbox, is_new = self.known.inbox(channel_id)
        if is_new:
            await self.lose_if_over(channel_id)
        return inbox

    async def take(self, channel_id: str, wanted: Test, timeout: float | None = None) -> Raw:
        """Wait for an event of a channel and remove it from the inbox.

        :raises ChannelGone: the channel ended first.
        :raises TimedOut: the event did not come in time.
        """
        return await (await self.inbox(channel_id)).take(wanted, timeout)

    async def gone(self, channel_ids: Sequence[str], timeout: float | None = None) -> ChannelGone:
        """Wait until one of these channels is gone."""
        inboxes = [await self.inbox(channel_id) for channel_id in channel_ids]
        try:
            first: ChannelGone = await _first(*(_gone(inbox) for inbox in inboxes), timeout=timeout)
        except TimeoutError:
            raise TimedOut(f"no channel ended within {timeout} s") from None
        return first

    async def raise_if_gone(self, channel_ids: Sequence[str]) -> None:
        """Make sure that these channels are there.

        :raises ChannelGone: one is not.
        """
        for channel_id in channel_ids:
            inbox = self.known.find(channel_id)
            if inbox is None or not inbox.is_gone:
                await self.lose_if_over(channel_id)
                inbox = self.known.find(channel_id)
            if inbox is not None and inbox.is_gone:
                raise ChannelGone(channel_id)

    async def watch(self, channel_id: str, wanted: Test) -> Inbox:
        """Copy events to an inbox from now on.

        :param channel_id: empty for events of any channel or none.
        """
        self.check_listening()
        inbox = Inbox(channel_id, wanted)
        self.known.watch(inbox)
        if channel_id and (await self.inbox(channel_id)).is_gone:
            inbox.close()
        return inbox

    async def unwatch(self, inbox: Inbox) -> None:
        """Stop that."""
        self.known.unwatch(inbox)

    # dialling

    async def dialling(self, channel_id: str) -> None:
        """A channel of this id will be made: its StasisStart is an answer, and no new call.

        :raises NotListening: no stream is open.
        """
        self.check_listening()
        self.known.dial(channel_id)

    async def answered(self, channel_id: str, caller_id: str | None, timeout: float) -> Raw:
        """Wait until a channel that is dialled enters the application.

        :param caller_id: a channel that must stay meanwhile.
        :raises NotAnswered: nobody took the call.
        :raises ChannelGone: the caller gave up.
        """
        inbox, _ = self.known.inbox(channel_id)
        answer = inbox.take(lambda event: event.get("type") == "StasisStart")
        waits: list[Coroutine[Any, Any, Any]] = [answer]
        if caller_id is not None:
            waits.append(_gone(await self.inbox(caller_id)))
        try:
            outcome = await _first(*waits, timeout=timeout + OVERTIME)
        except TimeoutError:
            raise NotAnswered(channel_id) from None
        except ChannelGone as gone:
            raise NotAnswered(channel_id, gone.cause, gone.cause_txt) from None
        if isinstance(outcome, ChannelGone):
            raise outcome
        return outcome  # type: ignore[no-any-return]

    # outcomes of playbacks and recordings

    async def expect(self, key: Key) -> None:
        """Have an outcome noted from before the command that leads to it."""
        self.known.outcomes.forget(key)
        self.known.outcomes.expect(key)

    async def forget(self, key: Key) -> None:
        """The command failed."""
        self.known.outcomes.forget(key)

    async def outcome(self, key: Key, timeout: float | None = None) -> Raw | None:
        """Wait for an outcome; ``None`` if it happened unseen.

        :raises TimedOut: it did not come in time.
        """
        self.check_listening()
        outcomes = self.known.outcomes
        if not outcomes.is_expected(key):
            # It was started elsewhere, or the outcome was told before.
            outcomes.expect(key)
            await self.settle_if_over(key)
        try:
            async with asyncio.timeout(timeout):
                outcome = await asyncio.shield(outcomes.expect(key))
        except TimeoutError:
            raise TimedOut(f"the {key[0]} did not end within {timeout} s") from None
        outcomes.forget(key)
        return outcome

    # after the connection broke

    async def catch_up(self) -> None:
        """Find out, after a reconnection, what ended meanwhile."""
        for key in self.known.outcomes.pending():
            await self.settle_if_over(key)
        for channel_id in list(self.known.inboxes):
            await self.lose_if_over(channel_id)

    async def lose_if_over(self, channel_id: str) -> None:
        """Close the inbox of a channel that does not exist."""
        try:
            await self.request("channels.get", "GET", f"/channels/{quote(channel_id)}")
        except NotFound:
            self.known.lose(channel_id)
        except ArionError as failure:
            logger.warning("channel %s: %s", channel_id, failure)

    async def settle_if_over(self, key: Key) -> None:
        """Settle the outcome of a playback or recording that does not exist any more."""
        kind, name = key
        place = (
            f"/playbacks/{quote(name)}"
            if kind == "playback"
            else (f"/recordings/live/{quote(name)}")
        )
        try:
            await self.request(f"{kind}s.get", "GET", place)
        except NotFound:
            self.known.outcomes.settle(key, None)
        except ArionError as failure:
            logger.warning("%s %s: %s", kind, name, failure)


async def _gone(inbox: Inbox) -> ChannelGone:
    """Wait until a channel is gone."""
    try:
        await inbox.take(lambda _: False)
    except ChannelGone as gone:
        return gone
    raise AssertionError("an event that nobody wants was taken")


async def _first(*coroutines: Coroutine[Any, Any, Any], timeout: float | None) -> Any:
    """Return or raise what the first one that ends does; end the others.

    :raises TimeoutError: none ended in time.
    """
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]  # noqa: TID251
    try:
        done, _ = await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            raise TimeoutError
        # The first of those that were asked for, should several have ended at once.
        return next(task for task in tasks if task in done).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
