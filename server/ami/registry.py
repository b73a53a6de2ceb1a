"""Actions: how they are declared and what they answer.

An action is a small function in a module of :mod:`server.ami.actions`::

    @action("Ping", summary="Keep the connection alive")
    def ping(request: Request) -> Reply:
        return success(("Ping", "Pong"))

The classes after the name are those that a user needs one of. A handler raises what it can't do:
the tree of :mod:`server.base.errors` becomes ``Response: Error``. It may be a coroutine, which
holds up its own session and nobody else. While a handler runs, events for its session wait, so
that the response comes first; one that takes long by its nature says ``holds_events=False``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.ami.permissions import describe, mask_of
from server.ami.protocol import Field, Fields, clean, lines
from server.base.errors import InvalidArgument, NotFound, ServerError

if TYPE_CHECKING:
    from server.ami.context import AmiContext
    from server.ami.protocol import Message
    from server.ami.session import Session
    from server.resources.channel import Channel

ListItem = tuple[str, "Fields | str"]  # an event's name and its fields, or them already written


class ActionError(ServerError):
    """An action can't be done; the text is the response's Message."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What answers an action.

    :param response: ``Success``, ``Error`` or ``Goodbye``; empty: nothing is sent.
    :param message: the Message header, left out if empty.
    :param fields: what follows it.
    :param items: the events of a list, ``None`` if the answer is none.
    :param complete: name of the event that ends the list.
    :param complete_fields: what it carries behind ListItems.
    :param events: that go along, already written.
    :param ending: name of an event that follows without any of this.
    :param body: lines behind the fields, already written.
    :param is_last: the session ends behind it.
    """

    response: str = "Success"
    message: str = ""
    fields: Fields = ()
    items: Sequence[ListItem] | None = None
    complete: str = ""
    complete_fields: Fields = ()
    events: str = ""
    ending: str = ""
    body: str = ""
    is_last: bool = False

    def encode(self, action_id: str) -> str:
        """Write it, with the ActionID in its place in every part."""
        if not self.response:
            return ""
        mark = f"ActionID: {action_id}\r\n" if action_id else ""
        start = "EventList: start\r\n" if self.items is not None else ""
        message = f"Message: {clean(self.message)}\r\n" if self.message else ""
        head = f"Response: {self.response}\r\n{mark}{start}{message}"
        parts = [head, lines(self.fields), self.body, "\r\n"]
        for name, fields in self.items or ():
            text = fields if isinstance(fields, str) else lines(fields)
            parts.append(f"Event: {name}\r\n{mark}{text}\r\n")
        if self.complete:
            count = len(self.items or ())
            tail = f"EventList: Complete\r\nListItems: {count}\r\n{lines(self.complete_fields)}"
            parts.append(f"Event: {self.complete}\r\n{mark}{tail}\r\n")
        parts.append(self.events)
        if self.ending:
            parts.append(f"Event: {self.ending}\r\n{mark}\r\n")
        return "".join(parts)


NO_REPLY = Reply(response="")


def success(*fields: Field, message: str = "") -> Reply:
    """Answer that it worked."""
    return Reply(message=message, fields=fields)


def done(message: str) -> Reply:
    """Answer that it worked, in words."""
    return Reply(message=message)


def failure(message: str) -> Reply:
    """Answer that it did not."""
    return Reply(response="Error", message=message)


def listing(
    message: str,
    items: Iterable[ListItem],
    complete: str,
    *,
    fields: Fields = (),
    complete_fields: Fields = (),
) -> Reply:
    """Answer with a list.

    :param message: such as ``Channels will follow``.
    :param complete: name of the event that ends it.
    :param fields: of the response itself.
    """
    return Reply(
        message=message,
        fields=fields,
        items=list(items),
        complete=complete,
        complete_fields=complete_fields,
    )


class Request:
    """One use of an action."""

    __slots__ = ("context", "message", "session")

    def __init__(self, message: Message, session: Session, context: AmiContext) -> None:
        self.message = message
        self.session = session
        self.context = context

    def get(self, name: str, default: str = "") -> str:
        """Return a header, *default* if it is absent or empty."""
        return self.message.get(name, default)

    def need(self, name: str, complaint: str = "") -> str:
        """Return a header that has to be there.

        :param complaint: what to say if it is not.
        :raises ActionError: it is absent or empty.
        """
        value = self.message.get(name)
        if not value:
            raise ActionError(complaint or f"{name} not specified")
        return value

    def channel(self, name: str = "Channel", complaint: str = "No channel specified") -> Channel:
        """Return the channel that a header names, by its name or its id.

        :param complaint: what to say if the header is absent.
        :raises ActionError: it is, or there is no such channel.
        """
        found = self.context.channels.find(self.need(name, complaint))
        if found is None:
            raise ActionError("No such channel")
        return found

    def number(self, name: str, default: int, low: int = 0, high: int = 2**31 - 1) -> int:
        """Return a header as a number.

        :raises ActionError: it is none, or out of range.
        """
        text = self.message.get(name)
        if not text:
            return default
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
            raise ActionError(f"Invalid {name.lower()}")
        value = int(text)
        if not low <= value <= high:
            raise ActionError(f"Invalid {name.lower()}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a header as yes or no."""
        text = self.message.get(name)
        return text.lower() in _TRUE if text else default


_TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})

Handler = Callable[[Request], "Reply | Awaitable[Reply]"]


@dataclass(frozen=True, slots=True)
class Action:
    """An action as it was declared.

    :param classes: a user needs one of them; 0: none is needed.
    :param holds_events: events for the session wait until it has answered.
    """

    name: str
    summary: str
    classes: int
    handler: Handler
    holds_events: bool = True

    def describe(self) -> str:
        """Write it as ListCommands does."""
        return f"{self.summary}  (Priv: {describe(self.classes)})"


class Registry:
    """All actions, by name in lower case."""

    def __init__(self) -> None:
        self._actions: dict[str, Action] = {}

    def action(
        self, name: str, *classes: str, summary: str, holds_events: bool = True
    ) -> Callable[[Handler], Handler]:
        """Declare an action; to be used as a decorator.

        :param classes: any one of them is needed.
        """

        def declare(handler: Handler) -> Handler:
            self.add(Action(name, summary, mask_of(classes), handler, holds_events))
            return handler

        return declare

    def add(self, made: Action) -> None:
        """Enter an action."""
        key = made.name.lower()
        assert key not in self._actions, f"two actions {made.name}"
        self._actions[key] = made

    def find(self, name: str) -> Action | None:
        """Return an action, ``None`` if there is none of this name."""
        return self._actions.get(name.lower())

    def __iter__(self) -> Iterator[Action]:
        return iter(sorted(self._actions.values(), key=lambda each: each.name.lower()))


registry = Registry()
action = registry.action


def reply_to_error(error: ServerError) -> Reply:
    """Return the answer that tells of an error: the one place where they become AMI's."""
    if isinstance(error, NotFound) and str(error) == "Channel not found":
        return failure("No such channel")
    if isinstance(error, InvalidArgument):
        return failure(f"Invalid {error.field}: {error.reason}")
    return failure(str(error))
