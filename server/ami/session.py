"""One session: who it is, what it may, and in what order it gets responses and events.

A session does no I/O. Messages come in by :meth:`Session.handle`; what is to go out is given to
the outlet: a TCP connection, a WebSocket, or the store of a session over HTTP. Actions of one
session are carried out one after the other. Events that come while an action runs wait until it
is answered, so that the response stands before what the action caused.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Protocol

from server.ami import security
from server.ami.filters import Filters
from server.ami.permissions import ALL
from server.ami.protocol import BadMessage, Message
from server.ami.registry import Action, Reply, Request, failure, reply_to_error
from server.base.errors import ServerError
from server.base.log import log_verbose

if TYPE_CHECKING:
    from server.ami.authentication import Account
    from server.ami.events.stream import AmiEvent
    from server.ami.server import AmiServer

logger = logging.getLogger(__name__)

OPEN_ACTIONS = frozenset({"login", "logoff", "challenge"})
MAX_WAITING = 1000  # messages that wait for the one before them
TURN = 100  # messages that are carried out before others get their turn
MAX_HELD = 10_000  # events that wait for a response
MAX_NAME = 80  # characters of an action's name that are repeated
UNKNOWN = "Invalid/unknown command: {}. Use Action: ListCommands to show available commands."


class Outlet(Protocol):
    """Where a session's words go."""

    @property
    def has_events(self) -> bool:
        """Whether events wait there that the client has not been sent."""
        ...

    def send(self, data: bytes) -> None:
        """Send an answer, which is empty if there is none."""

    def send_event(self, event: AmiEvent) -> None:
        """Send an event."""

    def take_events(self) -> str:
        """Return and forget the events that wait."""
        ...

    def pause(self) -> None:
        """Take nothing more from the client for now."""

    def resume(self) -> None:
        """Go on."""

    def end(self) -> None:
        """End the connection once all was sent."""


class Session:
    """A session.

    :param peer: address and port of the client.
    :ivar number: tells it from others, for people.
    :param transport_name: ``TCP``, ``TLS`` or the like, as security events say it.
    """

    def __init__(
        self,
        server: AmiServer,
        outlet: Outlet,
        peer: tuple[str, int],
        local: tuple[str, int],
        transport_name: str = "TCP",
    ) -> None:
        self.server = server
        self.outlet = outlet
        self.peer = peer
        self.local = local
        self.transport_name = transport_name
        self.number = server.next_number()
        self.started_at = server.clock.wall()
        # who it is
        self.account: Account | None = None
        self.claimed_name = ""
        self.challenge = ""
        # what it hears: classes it may and wants to, and filters
        self.wanted = ALL
        self.heard = 0
        self.filters = Filters()
        # what it does
        self._waiting: deque[Message | BadMessage] = deque()
        self._is_busy = False
        self._waits_for_turn = False
        self._held: list[AmiEvent] | None = None
        self._event_waiter: asyncio.Future[None] | None = None
        self.is_closed = False

    # who it is

    @property
    def name(self) -> str:
        """The user, empty before the login."""
        return self.account.name if self.account is not None else ""

    def log_in(self, account: Account, wanted: int) -> None:
        """Make the session an account's.

        :param wanted: mask of the classes of events that it wants to hear.
        """
        self.account = account
        self.filters = Filters(account.filters)
        self.server.logged_in(self)
        self.set_wanted(wanted)
        if self.server.settings.is_shown(account.settings):
            kind = "HTTP Manager" if self.transport_name.startswith("HTTP") else "Manager"
            log_verbose(logger, 2, "%s '%s' logged on from %s", kind, self.name, self.peer[0])

    def set_wanted(self, wanted: int) -> None:
        """Choose the classes of events to hear, of those that are allowed."""
        self.wanted = wanted
        self.heard = wanted & self.account.read if self.account is not None else 0
        self.server.follow()

    def may(self, classes: int) -> bool:
        """Tell whether the user has one of some classes for actions."""
        return not classes or (self.account is not None and bool(self.account.write & classes))

    # messages

    def handle(self, messages: list[Message | BadMessage]) -> None:
        """Take messages, and carry out what can be."""
        if self._event_waiter is not None and not self._event_waiter.done() and messages:
            self._event_waiter.set_result(None)  # as in Asterisk, another action ends the waiting
        self._waiting.extend(messages)
        self._work()
        if len(self._waiting) >= MAX_WAITING:
            self.outlet.pause()

    def close(self) -> None:
        """The client is gone."""
        if self.is_closed:
            return
        self.is_closed = True
        self._waiting.clear()
        self._held = None
        if self._event_waiter is not None:
            self._event_waiter.cancel()
        self.server.forget(self)
        if self.account is not None and self.server.settings.is_shown(self.account.settings):
            log_verbose(logger, 2, "Manager '%s' logged off from %s", self.name, self.peer[0])

    def _work(self) -> None:
        left = TURN
        while self._waiting and not (self._is_busy or self.is_closed or self._waits_for_turn):
            if not left:
                self._waits_for_turn = True
                asyncio.get_running_loop().call_soon(self._on_turn)
                return
            left -= 1
            self._begin(self._waiting.popleft())

    def _on_turn(self) -> None:
        self._waits_for_turn = False
        self._work()
        if not self._waiting:
            self.outlet.resume()

    def _begin(self, message: Message | BadMessage) -> None:
        self._held = []
        if isinstance(message, BadMessage):
            security.report(self.server, self, "RequestBadFormat", ("RequestType", "Action"))
            self._answer(failure(message.reason), message.action_id)
            return
        self.server.counters.actions += 1
        found = self._find(message)
        if isinstance(found, Reply):
            self._answer(found, message.action_id)
            return
        if not found.holds_events:
            self.release_events()
        outcome = self._call(found, message)
        if isinstance(outcome, Reply):
            self._answer(outcome, message.action_id)
            return
        self._is_busy = True
        self.server.scope.spawn(self._finish(outcome, message), f"{self.peer[0]} {found.name}")

    def _find(self, message: Message) -> Action | Reply:
        """Return the action that a message asks for, or why it is not carried out."""
        name = message.action
        if not name:
            return failure("Missing action in request")
        if self.account is None and name.lower() not in OPEN_ACTIONS:
            security.report(
                self.server, self, "RequestNotAllowed", ("RequestType", name[:MAX_NAME])
            )
            return failure("Permission denied")
        found = self.server.registry.find(name)
        if found is None:
            security.report(
                self.server, self, "RequestNotSupported", ("RequestType", name[:MAX_NAME])
            )
            return failure(UNKNOWN.format(name[:MAX_NAME]))
        if not self.may(found.classes):
            security.report(self.server, self, "RequestNotAllowed", ("RequestType", found.name))
            return failure("Permission denied")
        return found

    def _call(self, found: Action, message: Message) -> Reply | Awaitable[Reply]:
        try:
            return found.handler(Request(message, self, self.server.context))
        except ServerError as error:
            return reply_to_error(error)
        except Exception:
            logger.exception("AMI action %s failed", found.name)
            return failure("Internal error")

    async def _finish(self, outcome: Awaitable[Reply], message: Message) -> None:
        try:
            reply = await outcome
        except ServerError as error:
            reply = reply_to_error(error)
        except Exception:
            logger.exception("AMI action %s failed", message.action)
            reply = failure("Internal error")
        finally:
            self._is_busy = False
        if self.is_closed:
            return
        self._answer(reply, message.action_id)
        self._work()
        if not self._waiting:
            self.outlet.resume()

    def _answer(self, reply: Reply, action_id: str) -> None:
        self.outlet.send(reply.encode(action_id).encode("utf-8", "replace"))
        self.release_events()
        if reply.is_last:
            self._waiting.clear()
            self.outlet.end()

    # events

    def release_events(self) -> None:
        """Send the events that waited for a response."""
        held, self._held = self._held, None
        for event in held or ():
            self.outlet.send_event(event)

    def wait_event(self) -> asyncio.Future[None]:
        """Return what is done once there is an event for the session."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._event_waiter = waiter
        if self.outlet.has_events:
            waiter.set_result(None)
        return waiter

    def deliver(self, event: AmiEvent) -> None:
        """Send an event if the session is to hear it."""
        if event.classes & ~self.heard:
            return
        if self.filters and not self.filters.lets_through(event.name, event.text):
            return
        if self._event_waiter is not None and not self._event_waiter.done():
            self._event_waiter.set_result(None)
        if self._held is None:
            self.outlet.send_event(event)
        elif len(self._held) < MAX_HELD:
            self._held.append(event)
        else:
            self.server.too_slow(self)
