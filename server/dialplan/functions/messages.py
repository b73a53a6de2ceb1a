"""Functions on the text that a channel carries: the one that came, or one to be sent."""

from __future__ import annotations

from server.base.errors import InvalidArgument
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.resources.message_leg import MessageLeg

FIELDS = ("to", "from", "body")


@function("MESSAGE")
def read_message(scope: Scope, data: str) -> str:
    """MESSAGE(to|from|body): of the text on this channel."""
    return _draft(scope).get(_field(data), "")


@function_write("MESSAGE")
def write_message(scope: Scope, data: str, value: str) -> None:
    """Change what MessageSend() will send."""
    _draft(scope)[_field(data)] = value


@function("MESSAGE_DATA")
def read_message_data(scope: Scope, data: str) -> str:
    """MESSAGE_DATA(name): a header that was set here, else of the text that came."""
    name, leg = data.strip(), scope.channel.leg
    if name in scope.state.message_data:
        return scope.state.message_data[name]
    return leg.message.variables.get(name, "") if isinstance(leg, MessageLeg) else ""


@function_write("MESSAGE_DATA")
def write_message_data(scope: Scope, data: str, value: str) -> None:
    """Set a header of what MessageSend() will send."""
    scope.state.message_data[data.strip()] = value


def _field(data: str) -> str:
    field = data.strip().lower()
    if field not in FIELDS:
        raise InvalidArgument("argument", f"{data!r} is none of {', '.join(FIELDS)}")
    return field


def _draft(scope: Scope) -> dict[str, str]:
    """Return the channel's text, which begins as the one that came."""
    state, leg = scope.state, scope.channel.leg
    if state.message is None:
        state.message = {}
        if isinstance(leg, MessageLeg):
            came = leg.message
            state.message = {"to": came.recipient, "from": came.sender, "body": came.body}
    return state.message
