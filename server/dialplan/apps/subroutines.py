"""Subroutines: Gosub and Return, with arguments and local variables."""

from __future__ import annotations

from server.base.errors import ChannelHungUp
from server.dialplan.arguments import is_true, parse_target, split_nested_condition, split_raw
from server.dialplan.executor import Call
from server.dialplan.numbers import parse_integer
from server.dialplan.registry import application
from server.dialplan.scope import Frame

MAX_DEPTH = 2_000  # subroutines inside each other
MAX_ARGUMENTS = 100


@application("Gosub")
def gosub(call: Call, data: str) -> None:
    """Gosub([[context,]extension,]priority(arg1,...)): ARGC and ARG1 … are local to it."""
    target_text, _, rest = data.partition("(")
    arguments = split_raw(rest[: rest.rfind(")")] if ")" in rest else rest)
    target = parse_target(target_text)
    position = None if target is None else call.resolve(target)
    if position is None or not call.exists(position[1], position[2], position[0]):
        call.report(f"attempt to reach a non-existent destination for Gosub: {target_text!r}")
        raise ChannelHungUp(call.channel.hangup_cause)
    frames = call.state.frames
    if len(frames) >= MAX_DEPTH:
        call.report(f"more than {MAX_DEPTH} subroutines inside each other")
        raise ChannelHungUp(call.channel.hangup_cause)
    channel = call.channel
    frame = Frame((channel.context, channel.exten, channel.priority + 1))
    frames.append(frame)
    _set_arguments(call, frame, arguments[:MAX_ARGUMENTS])
    call.jump(*position)


def _set_arguments(call: Call, frame: Frame, arguments: list[str]) -> None:
    """Set the arguments, and hide those of the caller's own that go beyond them."""
    former = parse_integer(call.get("ARGC") or "")
    for index in range(max(len(arguments), min(former, MAX_ARGUMENTS))):
        value = arguments[index] if index < len(arguments) else ""
        set_local(call, frame, f"ARG{index + 1}", value)
    set_local(call, frame, "ARGC", str(len(arguments)))


def set_local(call: Call, frame: Frame, name: str, value: str) -> None:
    """Set a variable that goes back to what it was when the subroutine returns."""
    variables = call.channel.variables
    frame.saved.setdefault(name, variables.get(name))
    variables.set(name, value)


def leave_subroutines(call: Call, depth: int) -> None:
    """Leave the subroutines that are deeper than *depth*, as if they had returned."""
    while len(call.state.frames) > depth:
        _leave(call)


async def run_subroutine(call: Call, text: str) -> bool:
    """Run a subroutine to its Return, and put the channel back where it was.

    :param text: as the argument of Gosub.
    :returns: ``False`` if there is no such subroutine, or it did not return.
    :raises ChannelHungUp: the channel hung up.
    """
    channel = call.channel
    place = channel.context, channel.exten, channel.priority
    depth = len(call.state.frames)
    try:
        gosub(call, text)
        await call.run_until_return(depth)
    except ChannelHungUp:
        if channel.is_hungup:
            raise
        return False
    finally:
        has_returned = len(call.state.frames) <= depth
        leave_subroutines(call, depth)
        channel.set_position(*place)
    return has_returned


@application("GosubIf")
def gosub_if(call: Call, data: str) -> None:
    """GosubIf(condition?target(args):target(args))."""
    condition, if_true, if_false = split_nested_condition(data)
    branch = if_true if is_true(condition) else if_false
    if branch:
        gosub(call, branch)


@application("Return")
def return_(call: Call, data: str) -> None:
    """Return(value): back after the Gosub; GOSUB_RETVAL gets the value."""
    frames = call.state.frames
    if not frames:
        call.report("Return without Gosub: stack is empty")
        raise ChannelHungUp(call.channel.hangup_cause)
    position = frames[-1].return_to
    _leave(call)
    call.channel.variables.set("GOSUB_RETVAL", data)
    call.jump(*position)


@application("StackPop")
def stack_pop(call: Call, data: str) -> None:
    """StackPop(): forget one Gosub without returning."""
    if call.state.frames:
        _leave(call)
    else:
        call.report("StackPop called with no stack")


def _leave(call: Call) -> None:
    frame = call.state.frames.pop()
    variables = call.channel.variables
    for name, value in frame.saved.items():
        if value is None:
            variables.remove(name)
        else:
            variables.set(name, value)
