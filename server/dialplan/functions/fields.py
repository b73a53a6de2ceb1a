"""Functions on lists: texts whose fields are separated by a character."""

from __future__ import annotations

import re
from itertools import zip_longest

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_arguments, split_raw
from server.dialplan.functions.strings import lookup, unescape
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope

_RANGE = re.compile(r"(\d{0,9})\s*(-?)\s*(\d{0,9})")
_FLOAT = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)")


@function("CUT")
def cut(scope: Scope, data: str) -> str:
    """CUT(variable,delimiter,fields): fields such as ``2``, ``1-3``, ``-3``, ``2-``, ``1&3``."""
    arguments = split_raw(data, 3)
    if len(arguments) < 3:
        raise InvalidArgument("CUT", "expected variable, delimiter and fields")
    delimiter = _delimiter(arguments, "-")
    fields = lookup(scope, arguments[0]).split(delimiter)
    chosen: list[str] = []
    for group in arguments[2].split("&"):
        match = _RANGE.fullmatch(group.strip())
        if match is None or not group.strip():
            raise InvalidArgument("CUT", f"{group!r} is not a range of fields")
        first = int(match[1] or 1)
        last = int(match[3] or len(fields)) if match[2] else first
        chosen += fields[max(0, first - 1) : last] if first else []
    return delimiter.join(chosen)


@function("FIELDQTY")
def field_quantity(scope: Scope, data: str) -> str:
    """FIELDQTY(variable,delimiter): how many fields the value has; 1 without a delimiter."""
    arguments = split_raw(data, 2)
    delimiter = _delimiter(arguments)
    if not delimiter:
        return "1"
    value = lookup(scope, arguments[0])
    return str(value.count(delimiter) + 1) if value else "0"


@function("FIELDNUM")
def field_number(scope: Scope, data: str) -> str:
    """FIELDNUM(variable,delimiter,value): which field it is, from 1; 0 if none."""
    arguments, delimiter = _need_three("FIELDNUM", data)
    fields = lookup(scope, arguments[0]).split(delimiter)
    return str(fields.index(arguments[2]) + 1) if arguments[2] in fields else "0"


@function("LISTFILTER")
def list_filter(scope: Scope, data: str) -> str:
    """LISTFILTER(variable,delimiter,value): the list without the fields of this value."""
    arguments, delimiter = _need_three("LISTFILTER", data)
    fields = lookup(scope, arguments[0]).split(delimiter)
    return delimiter.join(field for field in fields if field != arguments[2])


def _need_three(name: str, data: str) -> tuple[list[str], str]:
    arguments = split_raw(data, 3)
    delimiter = _delimiter(arguments)
    if len(arguments) < 3 or not delimiter:
        raise InvalidArgument(name, "expected variable, delimiter and value")
    return arguments, delimiter


def _delimiter(arguments: list[str], default: str = "") -> str:
    return unescape(argument(arguments, 1))[:1] or default


@function("SHIFT")
def shift(scope: Scope, data: str) -> str:
    """SHIFT(variable,delimiter): take the first field off a list, and be it."""
    name, delimiter = _list_of(data)
    first, _, rest = lookup(scope, name).partition(delimiter)
    scope.set(name, rest)
    return first


@function("POP")
def pop(scope: Scope, data: str) -> str:
    """POP(variable,delimiter): take the last field off a list, and be it."""
    name, delimiter = _list_of(data)
    rest, _, last = lookup(scope, name).rpartition(delimiter)
    scope.set(name, rest)
    return last


@function_write("UNSHIFT")
def unshift(scope: Scope, data: str, value: str) -> None:
    """Put a field, or several, before a list."""
    name, delimiter = _list_of(data)
    old = lookup(scope, name)
    scope.set(name, f"{value}{delimiter}{old}" if old else value)


@function_write("PUSH")
def push(scope: Scope, data: str, value: str) -> None:
    """Put a field, or several, after a list."""
    name, delimiter = _list_of(data)
    old = lookup(scope, name)
    scope.set(name, f"{old}{delimiter}{value}" if old else value)


def _list_of(data: str) -> tuple[str, str]:
    arguments = split_raw(data, 2)
    if not argument(arguments, 0).strip():
        raise InvalidArgument("variable", "the name of a variable is needed")
    return arguments[0].strip(), _delimiter(arguments, ",")


@function("SORT")
def sort(scope: Scope, data: str) -> str:
    """SORT(key:value,...): the keys, by their values as numbers."""
    pairs = [pair.partition(":") for pair in data.split(",") if pair]
    return ",".join(key for key, _, _ in sorted(pairs, key=lambda pair: _number(pair[2])))


def _number(text: str) -> float:
    match = _FLOAT.match(text)
    return float(match[1]) if match else 0.0


@function_write("ARRAY")
def write_array(scope: Scope, data: str, value: str) -> None:
    """ARRAY(a,b)=1,2: set variables one by one; those without a value become empty."""
    names, values = split_arguments(data), split_arguments(value)
    if not names:
        raise InvalidArgument("ARRAY", "expected the names of variables")
    for name, each in zip_longest(names, values[: len(names)], fillvalue=""):
        if name.strip():
            scope.set(name.strip(), each)
