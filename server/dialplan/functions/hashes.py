"""HASH(): variables with a name and a key, kept as channel variables of their own form."""

from __future__ import annotations

from collections.abc import Iterable

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope

COLUMNS = "~ODBCFIELDS~"  # names of the fields of the last row that was read


def hash_variable(name: str, key: str) -> str:
    """Return the variable that holds a key's value."""
    return f"{_prefix(name)}{key}~"


def _prefix(name: str) -> str:
    return f"~HASH~{name}~"


def set_columns(scope: Scope, columns: Iterable[str]) -> None:
    """Say what the fields of the last row are called, if there is a call to tell."""
    if scope.has_channel:
        scope.set(COLUMNS, ",".join(columns))


@function("HASH")
def read_hash(scope: Scope, data: str) -> str:
    """HASH(name,key): a value; without a key those of the last row's fields."""
    arguments = split_arguments(data, 2)
    name = _name(arguments)
    if len(arguments) > 1:
        return scope.get(hash_variable(name, arguments[1])) or ""
    columns = split_arguments(scope.get(COLUMNS) or "")
    return ",".join(scope.get(hash_variable(name, column)) or "" for column in columns)


@function_write("HASH")
def write_hash(scope: Scope, data: str, value: str) -> None:
    """Set a key; without one, the last row's fields to the values in their order."""
    arguments = split_arguments(data, 2)
    name = _name(arguments)
    if len(arguments) > 1:
        scope.set(hash_variable(name, arguments[1]), value)
        return
    columns = split_arguments(scope.get(COLUMNS) or "")
    if not columns:
        raise InvalidArgument("HASH", "a key is needed, or a row that was read before")
    values = split_arguments(value)
    for index, column in enumerate(columns):
        scope.set(hash_variable(name, column), argument(values, index))


@function("HASHKEYS")
def hash_keys(scope: Scope, data: str) -> str:
    """HASHKEYS(name): its keys, the latest first."""
    prefix = _prefix(_name(split_arguments(data, 1)))
    names = [name for name in scope.channel.variables if name.startswith(prefix)]
    return ",".join(name[len(prefix) : -1] for name in reversed(names))


def clear_hash(scope: Scope, name: str) -> None:
    """Remove every key."""
    variables = scope.channel.variables
    prefix = _prefix(name)
    for variable in [name for name in variables if name.startswith(prefix)]:
        variables.remove(variable)


def _name(arguments: list[str]) -> str:
    name = argument(arguments, 0).strip()
    if not name:
        raise InvalidArgument("HASH", "a name is needed")
    return name
