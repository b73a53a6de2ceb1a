"""Functions on other channels, and on variables as such."""

from __future__ import annotations

from collections.abc import Callable

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.port import Dialplan
from server.dialplan.posix_regex import compile_regex
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.resources.channel import Channel


class ManagerLogins:
    """Who is logged in to the manager interface.

    :ivar count: returns the sessions of a login; replaced by whoever serves that interface.
    """

    def __init__(self, _dialplan: Dialplan) -> None:
        self.count: Callable[[str], int] = lambda _login: 0


@function("AMI_CLIENT")
def ami_client(scope: Scope, data: str) -> str:
    """AMI_CLIENT(loginname,sessions): how many sessions of the manager interface it has."""
    arguments = split_arguments(data, 2)
    login, field = argument(arguments, 0).strip(), argument(arguments, 1).strip().lower()
    if not login or field != "sessions":
        raise InvalidArgument("AMI_CLIENT", "expected a login name, and sessions")
    return str(scope.dialplan.part(ManagerLogins).count(login))


@function("CHANNELS")
def channels(scope: Scope, data: str) -> str:
    """CHANNELS(expression): the names of all channels, or of those that match it."""
    names = [channel.name for channel in scope.dialplan.node.registry]
    if data:
        wanted = compile_regex(data)
        names = [name for name in names if wanted.search(name)]
    return " ".join(names)


@function("CHANNEL_EXISTS")
def channel_exists(scope: Scope, data: str) -> str:
    """CHANNEL_EXISTS(name or uniqueid): 1 or 0."""
    return "1" if scope.dialplan.node.registry.find(data.strip()) is not None else "0"


@function("IMPORT")
def import_variable(scope: Scope, data: str) -> str:
    """IMPORT(channel,variable): what it is on another channel; empty if there is none."""
    arguments = split_arguments(data, 2)
    if len(arguments) < 2 or not arguments[1]:
        raise InvalidArgument("IMPORT", "expected channel and variable")
    channel = scope.dialplan.node.registry.find(arguments[0].strip())
    return "" if channel is None else _on(scope, channel, arguments[1].strip())


@function_write("EXPORT")
def export_variable(scope: Scope, data: str, value: str) -> None:
    """EXPORT(channel,variable)=value: set it on another channel."""
    arguments = split_arguments(data, 2)
    if len(arguments) < 2 or not arguments[1]:
        raise InvalidArgument("EXPORT", "expected channel and variable")
    channel = scope.dialplan.node.registry.find(arguments[0].strip())
    if channel is None:
        raise InvalidArgument("channel", f"there is no channel {arguments[0]}")
    Scope(scope.dialplan, channel).set(arguments[1].strip(), value)


@function("MASTER_CHANNEL")
def read_master(scope: Scope, data: str) -> str:
    """MASTER_CHANNEL(variable): what it is on the channel with which all began."""
    return _on(scope, _master(scope), data.strip())


@function_write("MASTER_CHANNEL")
def write_master(scope: Scope, data: str, value: str) -> None:
    """Set a variable on the channel with which all began."""
    Scope(scope.dialplan, _master(scope)).set(data.strip(), value)


def _master(scope: Scope) -> Channel:
    """Return the channel that this one's linkedid names; itself if it is gone."""
    return scope.dialplan.node.registry.by_id(scope.channel.linkedid) or scope.channel


def _on(scope: Scope, channel: Channel, expression: str) -> str:
    return Scope(scope.dialplan, channel).substitute(f"${{{expression}}}")


@function("VARIABLE_EXISTS")
def variable_exists(scope: Scope, data: str) -> str:
    """VARIABLE_EXISTS(name): 1 if it is set, even to nothing; else 0."""
    return "0" if scope.get(data.strip()) is None else "1"


@function_write("DELETE")
def delete_variable(scope: Scope, data: str, value: str) -> None:
    """DELETE(name)=: unset a variable of the channel."""
    scope.channel.variables.remove(data.strip())


@function("GLOBAL_EXISTS")
def global_exists(scope: Scope, data: str) -> str:
    """GLOBAL_EXISTS(name): 1 or 0."""
    return "1" if data.strip() in scope.dialplan.globals else "0"


@function_write("GLOBAL_DELETE")
def delete_global(scope: Scope, data: str, value: str) -> None:
    """GLOBAL_DELETE(name)=: unset a global variable."""
    scope.dialplan.globals.pop(data.strip(), None)
