"""SPRINTF(): values in a pattern, as C prints them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from server.base.errors import InvalidArgument
from server.dialplan.arguments import split_arguments
from server.dialplan.registry import function
from server.dialplan.scope import Scope

MAX_WIDTH = 1_024  # characters of one field

_CONVERSION = re.compile(
    r"%(?P<flags>[-+ #0']*)(?P<width>\d*)(?:\.(?P<precision>\d*))?"
    r"(?:hh|h|ll|l|L|q|j|z|t)?(?P<kind>.?)",
    re.DOTALL,
)
_INTEGER = re.compile(r"\s*([+-]?\d{1,30})")
_FLOAT = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)")


@function("SPRINTF")
def sprintf(scope: Scope, data: str) -> str:
    """SPRINTF(pattern,values...): ``%d %i %o %u %x %X %c %e %f %g %a %s`` and ``%%``."""
    arguments = split_arguments(data)
    if not arguments:
        raise InvalidArgument("SPRINTF", "expected a pattern and values")
    values = iter(arguments[1:])
    return _CONVERSION.sub(lambda match: _print(match, values), arguments[0])


def _print(match: re.Match[str], values: Iterator[str]) -> str:
    kind = match["kind"]
    if kind == "%":
        return "%"
    if not kind:
        raise InvalidArgument("SPRINTF", "the pattern ends within a conversion")
    if len(match["width"]) > 4 or len(match["precision"] or "") > 4:
        raise InvalidArgument("SPRINTF", f"a field has at most {MAX_WIDTH} characters")
    width, precision = int(match["width"] or 0), int(match["precision"] or 0)
    if max(width, precision) > MAX_WIDTH:
        raise InvalidArgument("SPRINTF", f"a field has at most {MAX_WIDTH} characters")
    value = next(values, None)
    if value is None:
        raise InvalidArgument("SPRINTF", f"there is no value for {match[0]!r}")
    pattern = _pattern(match)
    if kind in "diouxX":
        return f"{pattern}{kind}" % _integer(value, signed=kind in "di")
    if kind == "c":
        return f"{pattern}s" % chr(_integer(value, signed=False) & 0xFF)
    if kind in "aA":
        return f"{pattern}s" % (_float(value).hex() if kind == "a" else _float(value).hex().upper())
    if kind in "eEfFgG":
        return f"{pattern}{kind}" % _float(value)
    if kind == "s":
        return f"{pattern}s" % value
    raise InvalidArgument("SPRINTF", f"{match[0]!r} is not known")


def _pattern(match: re.Match[str]) -> str:
    precision = match["precision"]
    flags = match["flags"].replace("'", "")
    return f"%{flags}{match['width']}" + ("" if precision is None else f".{precision}")


def _integer(text: str, *, signed: bool) -> int:
    match = _INTEGER.match(text)
    if match is None:
        raise InvalidArgument("SPRINTF", f"{text!r} is not a whole number")
    value = int(match[1]) & 0xFFFFFFFF  # C's int
    return value - (1 << 32) if signed and value >> 31 else value


def _float(text: str) -> float:
    match = _FLOAT.match(text)
    if match is None:
        raise InvalidArgument("SPRINTF", f"{text!r} is not a number")
    return float(match[1])
