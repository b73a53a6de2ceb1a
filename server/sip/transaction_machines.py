"""The four transaction machines as data (RFC 3261 section 17 with RFC 6026).

A cell that is absent is an event that means nothing in that state: from the network it is counted
and dropped, from the transaction's user it raises LocalProtocolError. Leaving a state stops every
timer that the next state has no cell for.

Two deviations, both as widespread practice has them. A client transaction whose connection breaks
in PROCEEDING fails at once, where the RFC would wait for the user's patience to end. An INVITE
server transaction survives a transport error, and its user is told (RFC 6026 section 7.1).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """The machines."""

    CLIENT_INVITE = "INVITE client"
    CLIENT_OTHER = "non-INVITE client"
    SERVER_INVITE = "INVITE server"
    SERVER_OTHER = "non-INVITE server"


class State(StrEnum):
    """The states of all four machines, named as in the RFC."""

    CALLING = "Calling"
    TRYING = "Trying"
    PROCEEDING = "Proceeding"
    COMPLETED = "Completed"
    CONFIRMED = "Confirmed"
    ACCEPTED = "Accepted"
    TERMINATED = "Terminated"


class Event(StrEnum):
    """What can happen to a transaction. A timer's value is its letter."""

    RESPONSE_1XX = "1xx received"
    RESPONSE_2XX = "2xx received"
    RESPONSE_300_699 = "300-699 received"
    REQUEST = "request received again"
    ACK = "ACK received"
    SEND_1XX = "1xx from TU"
    SEND_2XX = "2xx from TU"
    SEND_300_699 = "300-699 from TU"
    TIMER_A = "A"
    TIMER_B = "B"
    TIMER_D = "D"
    TIMER_E = "E"
    TIMER_F = "F"
    TIMER_G = "G"
    TIMER_H = "H"
    TIMER_I = "I"
    TIMER_J = "J"
    TIMER_K = "K"
    TIMER_L = "L"
    TIMER_M = "M"
    TIMER_100 = "100"
    TIMER_CANCEL = "CANCEL"
    TRANSPORT_ERROR = "transport error"


class Action(StrEnum):
    """What a transition does. The order within a cell is the order on the wire and in events."""

    DELIVER = "pass it to the TU"
    SEND = "send the TU's message"
    RESEND = "send the last message again"
    RETRANSMIT = "send it again and double the interval"
    SEND_ACK = "send ACK for this final response"
    SEND_TRYING = "send 100 Trying"
    SEND_CANCEL = "send the CANCEL that waited for a provisional response"
    STOP_100 = "stop the timer for 100 Trying"
    TIMEOUT = "tell the TU that time is up"
    FAIL = "tell the TU that the transport failed"


class Step(NamedTuple):
    """A cell: the next state, what to do, and the timers to start."""

    state: State
    actions: tuple[Action, ...] = ()
    start: tuple[Event, ...] = ()


Machine = dict[State, dict[Event, Step]]

_TIMED_OUT = Step(State.TERMINATED, (Action.TIMEOUT,))
_FAILED = Step(State.TERMINATED, (Action.FAIL,))
_OVER = Step(State.TERMINATED)

# RFC 3261 figure 5, RFC 6026 figure 1
CLIENT_INVITE: Machine = {
    State.CALLING: {
        Event.TIMER_A: Step(State.CALLING, (Action.RETRANSMIT,)),
        Event.TIMER_B: _TIMED_OUT,
        Event.TRANSPORT_ERROR: _FAILED,
        Event.RESPONSE_1XX: Step(State.PROCEEDING, (Action.DELIVER, Action.SEND_CANCEL)),
        Event.RESPONSE_2XX: Step(State.ACCEPTED, (Action.DELIVER,), (Event.TIMER_M,)),
        Event.RESPONSE_300_699: Step(
            State.COMPLETED, (Action.SEND_ACK, Action.DELIVER), (Event.TIMER_D,)
        ),
    },
    State.PROCEEDING: {
        Event.RESPONSE_1XX: Step(State.PROCEEDING, (Action.DELIVER,)),
        Event.RESPONSE_2XX: Step(State.ACCEPTED, (Action.DELIVER,), (Event.TIMER_M,)),
        Event.RESPONSE_300_699: Step(
            State.COMPLETED, (Action.SEND_ACK, Action.DELIVER), (Event.TIMER_D,)
        ),
        Event.TIMER_CANCEL: _TIMED_OUT,
        Event.TRANSPORT_ERROR: _FAILED,
    },
    State.COMPLETED: {
        Event.RESPONSE_300_699: Step(State.COMPLETED, (Action.SEND_ACK,)),
        Event.TIMER_D: _OVER,
        Event.TRANSPORT_ERROR: _FAILED,
    },
    State.ACCEPTED: {
        Event.RESPONSE_2XX: Step(State.ACCEPTED, (Action.DELIVER,)),
        Event.TIMER_M: _OVER,
    },
    State.TERMINATED: {},
}

# RFC 3261 figure 6
_OTHER_CLIENT_FINAL = Step(State.COMPLETED, (Action.DELIVER,), (Event.TIMER_K,))
CLIENT_OTHER: Machine = {
    State.TRYING: {
        Event.TIMER_E: Step(State.TRYING, (Action.RETRANSMIT,)),
        Event.TIMER_F: _TIMED_OUT,
        Event.TRANSPORT_ERROR: _FAILED,
        Event.RESPONSE_1XX: Step(State.PROCEEDING, (Action.DELIVER,)),
        Event.RESPONSE_2XX: _OTHER_CLIENT_FINAL,
        Event.RESPONSE_300_699: _OTHER_CLIENT_FINAL,
    },
    State.PROCEEDING: {
        Event.TIMER_E: Step(State.PROCEEDING, (Action.RETRANSMIT,)),
        Event.TIMER_F: _TIMED_OUT,
        Event.TRANSPORT_ERROR: _FAILED,
        Event.RESPONSE_1XX: Step(State.PROCEEDING, (Action.DELIVER,)),
        Event.RESPONSE_2XX: _OTHER_CLIENT_FINAL,
        Event.RESPONSE_300_699: _OTHER_CLIENT_FINAL,
    },
    State.COMPLETED: {
        Event.RESPONSE_1XX: Step(State.COMPLETED),
        Event.RESPONSE_2XX: Step(State.COMPLETED),
        Event.RESPONSE_300_699: Step(State.COMPLETED),
        Event.TIMER_K: _OVER,
    },
    State.TERMINATED: {},
}

# RFC 3261 figure 7, RFC 6026 figure 2
SERVER_INVITE: Machine = {
    State.PROCEEDING: {
        Event.REQUEST: Step(State.PROCEEDING, (Action.RESEND,)),
        Event.TIMER_100: Step(State.PROCEEDING, (Action.SEND_TRYING,)),
        Event.SEND_1XX: Step(State.PROCEEDING, (Action.STOP_100, Action.SEND)),
        Event.SEND_2XX: Step(State.ACCEPTED, (Action.SEND,), (Event.TIMER_L,)),
        Event.SEND_300_699: Step(State.COMPLETED, (Action.SEND,), (Event.TIMER_G, Event.TIMER_H)),
        Event.TRANSPORT_ERROR: Step(State.PROCEEDING, (Action.FAIL,)),
    },
    State.COMPLETED: {
        Event.REQUEST: Step(State.COMPLETED, (Action.RESEND,)),
        Event.TIMER_G: Step(State.COMPLETED, (Action.RETRANSMIT,)),
        Event.TIMER_H: _TIMED_OUT,
        Event.ACK: Step(State.CONFIRMED, (), (Event.TIMER_I,)),
        Event.TRANSPORT_ERROR: Step(State.COMPLETED, (Action.FAIL,)),
    },
    State.CONFIRMED: {
        Event.REQUEST: Step(State.CONFIRMED),
        Event.ACK: Step(State.CONFIRMED),
        Event.TIMER_I: _OVER,
    },
    State.ACCEPTED: {
        Event.REQUEST: Step(State.ACCEPTED),
        Event.ACK: Step(State.ACCEPTED, (Action.DELIVER,)),
        Event.SEND_2XX: Step(State.ACCEPTED, (Action.SEND,)),
        Event.TIMER_L: _OVER,
        Event.TRANSPORT_ERROR: Step(State.ACCEPTED, (Action.FAIL,)),
    },
    State.TERMINATED: {},
}

# RFC 3261 figure 8
_OTHER_SERVER_FINAL = Step(State.COMPLETED, (Action.SEND,), (Event.TIMER_J,))
SERVER_OTHER: Machine = {
    State.TRYING: {
        Event.REQUEST: Step(State.TRYING),
        Event.SEND_1XX: Step(State.PROCEEDING, (Action.SEND,)),
        Event.SEND_2XX: _OTHER_SERVER_FINAL,
        Event.SEND_300_699: _OTHER_SERVER_FINAL,
    },
    State.PROCEEDING: {
        Event.REQUEST: Step(State.PROCEEDING, (Action.RESEND,)),
        Event.SEND_1XX: Step(State.PROCEEDING, (Action.SEND,)),
        Event.SEND_2XX: _OTHER_SERVER_FINAL,
        Event.SEND_300_699: _OTHER_SERVER_FINAL,
        Event.TRANSPORT_ERROR: _FAILED,
    },
    State.COMPLETED: {
        Event.REQUEST: Step(State.COMPLETED, (Action.RESEND,)),
        Event.TIMER_J: _OVER,
        Event.TRANSPORT_ERROR: _FAILED,
    },
    State.TERMINATED: {},
}

TRANSITIONS: dict[Kind, Machine] = {
    Kind.CLIENT_INVITE: CLIENT_INVITE,
    Kind.CLIENT_OTHER: CLIENT_OTHER,
    Kind.SERVER_INVITE: SERVER_INVITE,
    Kind.SERVER_OTHER: SERVER_OTHER,
}

# How each machine begins; the request itself is sent or delivered by the layer.
START: dict[Kind, Step] = {
    Kind.CLIENT_INVITE: Step(State.CALLING, (), (Event.TIMER_A, Event.TIMER_B)),
    Kind.CLIENT_OTHER: Step(State.TRYING, (), (Event.TIMER_E, Event.TIMER_F)),
    Kind.SERVER_INVITE: Step(State.PROCEEDING, (), (Event.TIMER_100,)),
    Kind.SERVER_OTHER: Step(State.TRYING),
}
