"""Functions on the dialplan itself."""

from __future__ import annotations

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.registry import function
from server.dialplan.scope import Scope


@function("DIALPLAN_EXISTS")
def dialplan_exists(scope: Scope, data: str) -> str:
    """DIALPLAN_EXISTS(context,extension,priority or label): 1 or 0."""
    arguments = split_arguments(data)
    context, exten = argument(arguments, 0), argument(arguments, 1)
    priority = argument(arguments, 2, "1")
    dialplan = scope.dialplan
    if not context:
        raise InvalidArgument("DIALPLAN_EXISTS", "a context is needed")
    number = scope.channel.caller.number if scope.has_channel else ""
    if not exten:
        return "1" if context in dialplan.plan.contexts else "0"
    if priority.isascii() and priority.isdigit():
        return "1" if dialplan.has(context, exten, int(priority[:9]), number) else "0"
    found = dialplan.find_label(context, exten, priority, number)
    return "0" if found is None else "1"


@function("EXCEPTION")
def exception(scope: Scope, data: str) -> str:
    """EXCEPTION(reason|context|exten|priority): why the ``e`` extension runs."""
    found = scope.state.exception
    if found is None:
        return ""
    reason, context, exten, priority = found
    values = {
        "reason": reason, "context": context, "exten": exten, "priority": str(priority)
    }  # fmt: skip
    try:
        return values[data.strip().lower()]
    except KeyError:
        raise InvalidArgument("EXCEPTION", f"{data!r} is none of {', '.join(values)}") from None
