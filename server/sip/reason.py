"""The Reason header (RFC 3326) and hangup causes, both ways."""

from __future__ import annotations

from server.base.causes import Cause, cause_text, sip_to_cause
from server.sip.message import Message

ANSWERED_ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"'


def read_cause(message: Message) -> int | None:
    """Return the Q.850 cause that a message's Reason headers give; Q.850 wins over SIP."""
    found: int | None = None
    for value in message.headers.get_all("Reason"):
        for part in value.split(","):
            protocol, _, params = part.partition(";")
            cause = _cause_param(params)
            if cause is None:
                continue
            match protocol.strip().lower():
                case "q.850":
                    return cause & 0x7F
                case "sip" if found is None:
                    found = Cause.ANSWERED_ELSEWHERE if cause == 200 else sip_to_cause(cause)
    return found


def write_cause(message: Message, cause: int) -> None:
    """Say in *message* why the call ends."""
    if cause == Cause.ANSWERED_ELSEWHERE:
        message.headers.set("Reason", ANSWERED_ELSEWHERE)
    elif cause:
        message.headers.set("Reason", f'Q.850;cause={cause};text="{cause_text(cause)}"')


def _cause_param(params: str) -> int | None:
    for param in params.split(";"):
        name, _, value = param.partition("=")
        value = value.strip()
        if (
            name.strip().lower() == "cause"
            and len(value) <= 5
            and value.isascii()
            and value.isdigit()
        ):
            return int(value)
    return None
