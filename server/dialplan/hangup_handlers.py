"""Hangup handlers: subroutines that run when a channel ends, after ``h``.

The dialplan's controller runs them on its channels itself. A channel that was dialled has none: it
gets a controller for its end here, so that it is there until its handlers have run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.base.errors import Unavailable
from server.base.suspension import suspendable
from server.dialplan.executor import Call
from server.dialplan.scope import Scope
from server.resources.channel import Channel

if TYPE_CHECKING:
    from server.dialplan.port import Dialplan

MAX_HANDLERS = 100


def push(scope: Scope, target: str) -> None:
    """Add a handler, to run before those that are there.

    :param target: as the argument of Gosub.
    :raises Unavailable: there are too many.
    """
    handlers = scope.state.hangup_handlers
    if len(handlers) >= MAX_HANDLERS:
        raise Unavailable(f"a channel has at most {MAX_HANDLERS} hangup handlers")
    handlers.append(target)
    _tell("Push", scope.channel, target)
    arrange_end(scope.dialplan, scope.channel)


def pop(scope: Scope, replacement: str) -> None:
    """Take the last handler away, and put another in its place if one is given."""
    handlers = scope.state.hangup_handlers
    if handlers:
        _tell("Pop", scope.channel, handlers.pop())
    if replacement:
        push(scope, replacement)


def wipe(scope: Scope, replacement: str) -> None:
    """Take all handlers away, and put one in their place if it is given."""
    while scope.state.hangup_handlers:
        _tell("Pop", scope.channel, scope.state.hangup_handlers.pop())
    if replacement:
        push(scope, replacement)


def run_h_at_end(dialplan: Dialplan, channel: Channel, context: str, exten: str) -> None:
    """Let a dialled channel run ``h`` of a context when it ends (Dial()'s option ``e``)."""
    channel.set_position(context, exten, 1)
    dialplan.state_of(channel).runs_h = True
    arrange_end(dialplan, channel)


def arrange_end(dialplan: Dialplan, channel: Channel) -> None:
    """See to it that handlers run, whoever controls the channel when it ends."""
    state = dialplan.state_of(channel)
    if state.is_tidied:
        return
    state.is_tidied = True

    def on_end() -> None:
        if dialplan.state_of(channel).runner is None:
            channel.take_control(suspendable(_end(dialplan, channel)), "hangup handlers")

    channel.on_end.append(on_end)


async def _end(dialplan: Dialplan, channel: Channel) -> None:
    call = Call(dialplan, channel)
    if call.state.runs_h:
        await call.run_hangup_extension()
    await call.run_hangup_handlers()
    dialplan.forget(channel)


def _tell(what: str, channel: Channel, target: str) -> None:
    channel.node.notices.tell(f"HangupHandler{what}", channel, {"Handler": target})
