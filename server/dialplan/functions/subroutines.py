"""Functions that look at subroutines, or run one."""

from __future__ import annotations

from server.base.errors import InvalidArgument, InvalidState
from server.dialplan.apps.subroutines import run_subroutine
from server.dialplan.arguments import argument, parse_target, split_arguments
from server.dialplan.executor import Call
from server.dialplan.numbers import parse_integer
from server.dialplan.registry import function
from server.dialplan.scope import Scope


@function("STACK_PEEK")
def stack_peek(scope: Scope, data: str) -> str:
    """STACK_PEEK(n,which,suppress): where the n-th Gosub was called from, the latest being 1.

    *which* is ``l`` for context, extension and priority, or ``c``, ``e`` or ``p`` for one of
    them. With *suppress* it is no error if there are not as many.
    """
    arguments = split_arguments(data, 3)
    depth = parse_integer(argument(arguments, 0))
    which = argument(arguments, 1)[:1]
    if depth <= 0:
        raise InvalidArgument("n", "has to be 1 or more")
    frames = scope.state.frames
    if depth > len(frames):
        if argument(arguments, 2):
            return ""
        raise InvalidArgument("n", f"there are only {len(frames)} subroutines")
    context, exten, after = frames[-depth].return_to
    priority = str(after - 1)
    places = {"l": f"{context},{exten},{priority}", "c": context, "e": exten, "p": priority}
    if which not in places:
        raise InvalidArgument("which", f"{which!r} is none of l, c, e, p")
    return places[which]


@function("LOCAL_PEEK")
def local_peek(scope: Scope, data: str) -> str:
    """LOCAL_PEEK(n,variable): what it was n subroutines further out; 0 is the present value."""
    arguments = split_arguments(data, 2)
    name = argument(arguments, 1)
    if not name:
        raise InvalidArgument("LOCAL_PEEK", "expected a number and a variable")
    depth = parse_integer(argument(arguments, 0))
    if depth <= 0:
        return (scope.channel.variables.get(name) or "") if depth == 0 else ""
    hidden = [frame.saved[name] for frame in scope.state.frames if name in frame.saved]
    return (hidden[-depth] or "") if depth <= len(hidden) else ""


@function("EVAL_EXTEN")
def evaluate_extension(scope: Scope, data: str) -> str:
    """EVAL_EXTEN(context,extension,priority): the substituted arguments of a step."""
    step = _find_step(scope, data)
    if step is None:
        raise InvalidArgument("EVAL_EXTEN", f"there is no {data!r}")
    return scope.substitute(step)


def _find_step(scope: Scope, data: str) -> str | None:
    channel = scope.channel
    target = parse_target(data)
    position = None if target is None else Call(scope.dialplan, channel).resolve(target)
    if position is None:
        return None
    wall = scope.dialplan.node.clock.wall()
    place = scope.dialplan.plan.find(*position, channel.caller.number, wall)
    return None if place is None else place.step.source


@function("EVAL_SUB")
async def evaluate_subroutine(scope: Scope, data: str) -> str:
    """EVAL_SUB(context,extension,priority(arguments)): run a subroutine, and be what it returns."""
    call = Call(scope.dialplan, scope.channel)  # of its own: the one that asks has its position
    if not await run_subroutine(call, data):
        raise InvalidState(f"{data!r} did not return")
    return call.channel.variables.get("GOSUB_RETVAL") or ""
