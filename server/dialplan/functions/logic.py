"""Functions that choose and test."""

from __future__ import annotations

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, is_true, split_arguments, split_raw
from server.dialplan.functions.times import condition_time
from server.dialplan.registry import function
from server.dialplan.scope import Scope
from server.dialplan.timing import parse_time_condition


@function("IF")
def if_(scope: Scope, data: str) -> str:
    """IF(condition?value if true:value if false)."""
    condition, if_true, if_false = _split(data)
    return if_true if is_true(condition) else if_false


@function("IFTIME")
def if_time(scope: Scope, data: str) -> str:
    """IFTIME(times,weekdays,mdays,months[,timezone]?value if true:value if false)."""
    times, if_true, if_false = _split(data)
    holds = parse_time_condition(times).holds(condition_time(scope))
    return if_true if holds else if_false


def _split(data: str) -> tuple[str, str, str]:
    condition, mark, rest = data.partition("?")
    parts = split_raw(data, 2, "?") if '"' in condition or "(" in condition else [condition, rest]
    if not mark or len(parts) < 2:
        raise InvalidArgument("IF", "expected condition?value:value")
    branches = split_arguments(parts[1], 2, ":")
    return parts[0].strip(), argument(branches, 0).strip(), argument(branches, 1).strip()


@function("ISNULL")
def is_null(scope: Scope, data: str) -> str:
    """ISNULL(text): 1 if it is empty."""
    return "0" if data else "1"


@function("EXISTS")
def exists(scope: Scope, data: str) -> str:
    """EXISTS(text): 1 unless it is empty."""
    return "1" if data else "0"


@function("SET")
def set_(scope: Scope, data: str) -> str:
    """SET(name=value): set a variable, and be its value."""
    name, equals, value = data.partition("=")
    if not equals:
        raise InvalidArgument("SET", "expected name=value")
    scope.set(name.strip(), value)
    return value
