"""Where events come together: each is written once, and offered to every session in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from server.ami.events.classes import CLASSES
from server.ami.permissions import describe
from server.ami.protocol import Field, lines
from server.base.clock import Clock

if TYPE_CHECKING:
    from server.config.sections.manager import Manager


class AmiEvent:
    """An event as it is sent.

    :param classes: a session hears it that hears all of these.
    """

    __slots__ = ("_data", "classes", "name", "text")

    def __init__(self, name: str, classes: int, text: str) -> None:
        self.name = name
        self.classes = classes
        self.text = text
        self._data = b""

    @property
    def data(self) -> bytes:
        """The bytes on the wire, made once for all sessions."""
        if not self._data:
            self._data = self.text.encode("utf-8", "replace")
        return self._data


_PRIVILEGES = {mask: describe(mask) for mask in {*CLASSES.values()}}


class EventStream:
    """Writes events and hands them to all who listen.

    :param system_name: asterisk.conf's systemname, told in every event if there is one.
    :ivar has_sequence: every event tells its number.
    """

    def __init__(self, clock: Clock, settings: Manager, system_name: str = "") -> None:
        self.listeners: list[Callable[[AmiEvent], None]] = []
        self.sequence = 0
        self._clock = clock
        self._system = f"SystemName: {system_name}\r\n" if system_name else ""
        self.configure(settings)

    def configure(self, settings: Manager) -> None:
        """Take over manager.conf."""
        self._disabled = frozenset(settings.disabledevents)
        self._has_timestamp = settings.timestampevents
        self.has_sequence = settings.debug

    def tell(self, name: str, fields: Iterable[Field], head: str = "", tail: str = "") -> None:
        """Send an event.

        :param head: lines in front of the fields, already written.
        :param tail: and behind them.
        """
        if not self.listeners or name in self._disabled:
            return
        event = self.write(name, f"{head}{lines(fields)}{tail}")
        for listener in self.listeners:
            listener(event)

    def write(self, name: str, body: str, action_id: str = "") -> AmiEvent:
        """Write an event.

        :param body: its lines behind those that all events have.
        """
        self.sequence += 1
        classes = CLASSES[name]
        head = f"Event: {name}\r\nPrivilege: {_PRIVILEGES[classes]}\r\n"
        if action_id:
            head += f"ActionID: {action_id}\r\n"
        if self.has_sequence:
            head += f"SequenceNumber: {self.sequence}\r\n"
        if self._has_timestamp:
            head += f"Timestamp: {self._clock.wall():.6f}\r\n"
        return AmiEvent(name, classes, f"{head}{self._system}{body}\r\n")
