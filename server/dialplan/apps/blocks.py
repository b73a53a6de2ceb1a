"""Blocks of steps: While and If, whose ends are read from the extension's steps."""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from server.base.errors import ServerError
from server.dialplan.arguments import is_true
from server.dialplan.executor import Call
from server.dialplan.plan import Step
from server.dialplan.port import Dialplan
from server.dialplan.registry import application
from server.resources.channel import Channel

_LOOP = {"while": 1, "endwhile": -1}
_BRANCH = {"if": 1, "endif": -1}


@application("While")
def while_begin(call: Call, data: str) -> None:
    """While(condition): begin a loop, or go on after its EndWhile."""
    if not is_true(data.strip()):
        _go(call, _end(call, call.channel.priority, _LOOP) + 1)


@application("EndWhile")
def while_end(call: Call, data: str) -> None:
    """EndWhile(): back to the While."""
    _go(call, _begin_of_loop(call))


@application("ContinueWhile")
def while_continue(call: Call, data: str) -> None:
    """ContinueWhile(): back to the While at once."""
    _go(call, _begin_of_loop(call))


@application("ExitWhile")
def while_exit(call: Call, data: str) -> None:
    """ExitWhile(): go on after the EndWhile."""
    _go(call, _end(call, _begin_of_loop(call), _LOOP) + 1)


def _begin_of_loop(call: Call) -> int:
    """Return the priority of the While around the present step."""
    depth = 0
    steps = call.steps
    for priority in sorted((p for p in steps if p < call.channel.priority), reverse=True):
        depth += _LOOP.get(steps[priority].key, 0)
        if depth > 0:
            return priority
    raise ServerError("there is no While before this step")


def _end(call: Call, begin: int, block: Mapping[str, int]) -> int:
    """Return the priority of the end of the block that *begin* is in, or begins."""
    depth = 0
    for priority, step in _steps_after(call, begin):
        depth += block.get(step.key, 0)
        if depth < 0:
            return priority
    raise ServerError(f"the block at priority {begin} has no end")


def _steps_after(call: Call, begin: int) -> list[tuple[int, Step]]:
    steps = call.steps
    return [(priority, steps[priority]) for priority in sorted(steps) if priority > begin]


def _go(call: Call, priority: int) -> None:
    call.jump(call.channel.context, call.channel.exten, priority)


# If: a branch that is reached from above ends the block; one that was jumped to is tried


class _Pending:
    """The ElseIf that each channel was sent to, to try it."""

    def __init__(self, _dialplan: Dialplan) -> None:
        self.places: WeakKeyDictionary[Channel, tuple[str, str, int]] = WeakKeyDictionary()


@application("If")
def if_begin(call: Call, data: str) -> None:
    """If(condition): go on here, or at the ElseIf, Else or EndIf that follows."""
    if not is_true(data.strip()):
        _try_next(call)


@application("ElseIf")
def else_if(call: Call, data: str) -> None:
    """ElseIf(condition): tried if nothing before it in its If was true."""
    channel = call.channel
    pending = call.dialplan.part(_Pending).places.pop(channel, None)
    if pending != (channel.context, channel.exten, channel.priority):
        if_exit(call, "")
    elif not is_true(data.strip()):
        _try_next(call)


@application("Else")
def else_(call: Call, data: str) -> None:
    """Else(): what follows is for when nothing before it in its If was true."""
    if_exit(call, "")


@application("EndIf")
def if_end(call: Call, data: str) -> None:
    """EndIf(): where all branches meet."""


@application("ExitIf")
def if_exit(call: Call, data: str) -> None:
    """ExitIf(): go on after the EndIf."""
    _go(call, _end(call, call.channel.priority, _BRANCH) + 1)


def _try_next(call: Call) -> None:
    """Go on at the next branch of the If that the present step belongs to."""
    depth = 0
    channel = call.channel
    for priority, step in _steps_after(call, channel.priority):
        if depth == 0 and step.key in ("elseif", "else", "endif"):
            if step.key == "elseif":
                place = channel.context, channel.exten, priority
                call.dialplan.part(_Pending).places[channel] = place
            _go(call, priority if step.key == "elseif" else priority + 1)
            return
        depth += _BRANCH.get(step.key, 0)
    raise ServerError(f"the If at priority {channel.priority} has no EndIf")
