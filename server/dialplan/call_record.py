"""What is known of each call for its record: CDR() and the applications around it.

A record is kept as long as its channel; whoever writes records to files or databases reads it
when the channel is done. What the channel knows itself is read from it, as of its hang-up: the
``h`` extension does not change it any more.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

from server.base.causes import Cause
from server.base.errors import Unavailable
from server.resources.channel import Channel

if TYPE_CHECKING:
    from server.dialplan.port import Dialplan

DOCUMENTATION = 3
AMA_FLAGS = ("Unknown", "OMIT", "BILLING", "DOCUMENTATION")
DISPOSITIONS = {"NO ANSWER": 0, "FAILED": 2, "BUSY": 4, "ANSWERED": 8, "CONGESTION": 16}
MAX_VARIABLES = 256  # of one record
MAX_FORKS = 64  # of one call

_BY_DIAL_STATUS = {"BUSY": "BUSY", "CONGESTION": "CONGESTION", "CHANUNAVAIL": "FAILED"}
_BY_CAUSE: dict[int, str] = {
    Cause.USER_BUSY: "BUSY",
    Cause.NORMAL_CIRCUIT_CONGESTION: "CONGESTION",
    Cause.NETWORK_OUT_OF_ORDER: "FAILED",
}


class CallRecord:
    """The record of one channel, or a part of its life.

    :ivar started: and :attr:`ended`, seconds since the epoch.
    :ivar is_disabled: nobody is to write it.
    :ivar is_party_a: it is to be the record's first party wherever there is a choice.
    """

    def __init__(self, channel: Channel, sequence: int, started: float) -> None:
        self.sequence = sequence
        self.started = started
        self.ended: float | None = None
        self.user_field = ""
        self.peer_account = ""
        self.ama_flags = DOCUMENTATION
        self.variables: dict[str, str] = {}
        self.is_disabled = False
        self.is_party_a = False
        self._channel = ref(channel)
        self._answered: float | None = None
        self._disposition = "NO ANSWER"
        self._destination = ("", "")
        self._last = ("", "")

    @property
    def answered(self) -> float | None:
        """When it was answered; not before the record began."""
        channel = self._channel()
        at = channel.answered_at if channel is not None else self._answered
        return None if at is None else max(at, self.started)

    @property
    def destination(self) -> tuple[str, str]:
        """Context and extension."""
        channel = self._channel()
        if self.ended is not None or channel is None:
            return self._destination
        return channel.context, channel.exten

    @property
    def last_application(self) -> tuple[str, str]:
        """The application that runs or ran last, and its arguments."""
        channel = self._channel()
        if self.ended is not None or channel is None:
            return self._last
        return channel.app_name, channel.app_data

    def duration(self, now: float) -> float:
        """Return the seconds since its start."""
        return max(0.0, (self.ended or now) - self.started)

    def billed(self, now: float) -> float:
        """Return the seconds since the answer."""
        answered = self.answered
        return 0.0 if answered is None else max(0.0, (self.ended or now) - answered)

    @property
    def disposition(self) -> str:
        """How it came out so far."""
        if self.answered is not None:
            return "ANSWERED"
        channel = self._channel()
        if channel is None:
            return self._disposition
        dialled = _BY_DIAL_STATUS.get(channel.variables.get("DIALSTATUS") or "")
        return dialled or _BY_CAUSE.get(channel.hangup_cause, "NO ANSWER")

    def set_variable(self, name: str, value: str) -> None:
        """Set a field of the dialplan's own.

        :raises Unavailable: there are too many.
        """
        if name not in self.variables and len(self.variables) >= MAX_VARIABLES:
            raise Unavailable(f"a record holds at most {MAX_VARIABLES} fields of its own")
        self.variables[name] = value

    def end(self, now: float) -> None:
        """Fix everything as it is now."""
        if self.ended is None:
            self._destination, self._last = self.destination, self.last_application
            self._answered, self._disposition = self.answered, self.disposition
            self.ended = now

    def reset(self, now: float, *, keeps_variables: bool) -> None:
        """Begin anew, answered at once if the channel is."""
        self.started = now
        self.ended = None
        if not keeps_variables:
            self.variables.clear()


class CallRecords:
    """The records of all channels.

    :ivar on_user_event: called with channel, event and text by CELGenUserEvent().
    """

    def __init__(self, dialplan: Dialplan) -> None:
        self._clock = dialplan.node.clock
        self._records: WeakKeyDictionary[Channel, list[CallRecord]] = WeakKeyDictionary()
        self._sequence = itertools.count()
        self.on_user_event: Callable[[Channel, str, str], None] = _ignore

    def of(self, channel: Channel) -> CallRecord:
        """Return a channel's present record, made if there is none."""
        return self.all_of(channel)[-1]

    def all_of(self, channel: Channel) -> list[CallRecord]:
        """Return a channel's records: forks follow what they were forked from."""
        records = self._records.get(channel)
        if records is None:
            first = CallRecord(channel, next(self._sequence), channel.created_at)
            records = self._records[channel] = [first]
            if channel.is_hungup:
                first.end(self._clock.wall())
            else:
                channel.on_end.append(lambda: self._end(records))
        return records

    def fork(self, channel: Channel, *, keeps_variables: bool) -> CallRecord:
        """Begin another record beside the present one.

        :raises Unavailable: there are too many.
        """
        records = self.all_of(channel)
        if len(records) >= MAX_FORKS:
            raise Unavailable(f"a call has at most {MAX_FORKS} records")
        former = records[-1]
        record = CallRecord(channel, next(self._sequence), former.started)
        record.ama_flags, record.user_field = former.ama_flags, former.user_field
        if keeps_variables:
            record.variables.update(former.variables)
        records.append(record)
        return record

    def _end(self, records: list[CallRecord]) -> None:
        for record in records:
            record.end(self._clock.wall())


def _ignore(_channel: Channel, _event: str, _extra: str) -> None:
    """Stand in until somebody writes events down."""
