"""Functions on variables that are not the channel's own, and on the process."""

from __future__ import annotations

import os

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.registry import function, function_write
from server.dialplan.scope import CallState, Scope

MAX_SHARED = 4_096  # variables of one channel


@function("GLOBAL")
def read_global(scope: Scope, data: str) -> str:
    """GLOBAL(name): a global variable, even if the channel has one of that name."""
    return scope.dialplan.globals.get(data) or ""


@function_write("GLOBAL")
def write_global(scope: Scope, data: str, value: str) -> None:
    """Set a global variable."""
    scope.set_global(data, value)


@function("SHARED")
def read_shared(scope: Scope, data: str) -> str:
    """SHARED(name,channel): a variable that other channels can reach as well."""
    name, state = _find_shared(scope, data)
    return state.shared.get(name) or ""


@function_write("SHARED")
def write_shared(scope: Scope, data: str, value: str) -> None:
    """Set a shared variable."""
    name, state = _find_shared(scope, data)
    if name not in state.shared and len(state.shared) >= MAX_SHARED:
        raise InvalidArgument("SHARED", f"a channel holds at most {MAX_SHARED}")
    state.shared[name] = value


def _find_shared(scope: Scope, data: str) -> tuple[str, CallState]:
    arguments = split_arguments(data)
    name, owner = argument(arguments, 0), argument(arguments, 1)
    if not name:
        raise InvalidArgument("SHARED", "a name is needed")
    if not owner:
        return name, scope.state
    channel = scope.dialplan.node.registry.find(owner)
    if channel is None:
        raise InvalidArgument("channel", f"there is no channel {owner}")
    return name, scope.dialplan.state_of(channel)


@function("LOCAL")
def read_local(scope: Scope, data: str) -> str:
    """LOCAL(name): a variable of this subroutine."""
    return scope.get(data) or ""


@function_write("LOCAL")
def write_local(scope: Scope, data: str, value: str) -> None:
    """Set a variable that goes back to what it was when the subroutine returns."""
    frames = scope.state.frames
    if not frames:
        raise InvalidArgument("LOCAL", f"{data} can't be set outside of a Gosub routine")
    variables = scope.channel.variables
    frames[-1].saved.setdefault(data, variables.get(data))
    variables.set(data, value)


@function("ENV")
def read_environment(scope: Scope, data: str) -> str:
    """ENV(name): a variable of the server's process."""
    value = os.environ.get(data, "") if "\0" not in data else ""
    return value.encode("utf-8", "replace").decode()


@function_write("ENV")
def write_environment(scope: Scope, data: str, value: str) -> None:
    """Set a variable of the server's process and of what it starts; an empty one is removed."""
    if not data or "=" in data or "\0" in data + value:
        raise InvalidArgument("ENV", "the name of a variable is needed, and no NUL")
    if value:
        os.environ[data] = value
    else:
        os.environ.pop(data, None)
