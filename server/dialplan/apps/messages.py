"""Applications that send texts."""

from __future__ import annotations

from server.base.errors import InvalidArgument, NotFound, ServerError
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.executor import Call
from server.dialplan.functions.messages import read_message
from server.dialplan.registry import application
from server.tech.base import Messenger


@application("MessageSend")
def message_send(call: Call, data: str) -> None:
    """MessageSend(destination, from): send MESSAGE(body); sets MESSAGE_SEND_STATUS."""
    arguments = split_arguments(data)
    destination, sender = argument(arguments, 0), argument(arguments, 1)
    call.channel.variables.set("MESSAGE_SEND_STATUS", _send(call, destination, sender))


def _send(call: Call, destination: str, sender: str) -> str:
    body = read_message(call, "body") or ""
    name, colon, address = destination.partition(":")
    technology: object = call.dialplan.dialer.technology(name) if colon else None
    if not isinstance(technology, Messenger):
        call.report(f"MessageSend: nothing sends to {destination!r}")
        return "INVALID_PROTOCOL"
    try:
        technology.send_message(address, sender, body, call.state.message_data)
    except (InvalidArgument, NotFound) as error:
        call.report(f"MessageSend: {error}")
        return "INVALID_URI"
    except ServerError as error:
        call.report(f"MessageSend: {error}")
        return "FAILURE"
    return "SUCCESS"
