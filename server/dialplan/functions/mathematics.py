"""Functions on numbers."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.numbers import parse_integer, starts_with_integer
from server.dialplan.registry import function
from server.dialplan.scope import Scope

RAND_MAX = 2_147_483_647

_MATH = re.compile(
    r"\s*([+-]?[0-9.]+(?:[eE][+-]?\d{1,3})?)\s*"
    r"(<<|>>|<=|>=|==|AND|XOR|OR|[-+*/%^<>=])\s*([+-]?[0-9.]+(?:[eE][+-]?\d{1,3})?)\s*",
    re.IGNORECASE,
)


@function("MATH")
def mathematics(scope: Scope, data: str) -> str:
    """MATH(a op b,type): types are float (the default), int, hex and char."""
    arguments = split_arguments(data, 2)
    match = _MATH.fullmatch(argument(arguments, 0))
    if match is None:
        raise InvalidArgument("MATH", f"{argument(arguments, 0)!r} is not number operator number")
    try:
        left, right = float(match[1]), float(match[3])
        result = _OPERATIONS[match[2].upper()](left, right)
        return result if isinstance(result, str) else _format(result, argument(arguments, 1, "f"))
    except (OverflowError, ValueError, ZeroDivisionError) as error:
        raise InvalidArgument("MATH", str(error)) from None


def _format(value: float, kind: str) -> str:
    first = kind.strip().lower()[:1]
    if first == "i":
        return str(int(value))
    if first == "h":
        return f"{int(value) & 0xFFFFFFFF:x}"
    if first == "c":
        return chr(int(value) & 0xFF)
    if first != "f":
        raise ValueError(f"unknown type {kind!r}")
    return f"{value:f}"


def _test(holds: bool) -> str:
    return "TRUE" if holds else "FALSE"


def _shift(left: float, right: float) -> float:
    count = int(right)
    if not -64 < count < 64:
        raise ValueError("shift out of range")
    return int(left) << count if count >= 0 else int(left) >> -count


_OPERATIONS: dict[str, Callable[[float, float], float | str]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b if b else 0.0,  # as in Asterisk
    "%": lambda a, b: math.fmod(int(a), int(b)) if int(b) else 0.0,
    "^": math.pow,
    "AND": lambda a, b: int(a) & int(b),
    "OR": lambda a, b: int(a) | int(b),
    "XOR": lambda a, b: int(a) ^ int(b),
    "<<": _shift,
    ">>": lambda a, b: _shift(a, -b),
    "<": lambda a, b: _test(a < b),
    ">": lambda a, b: _test(a > b),
    "<=": lambda a, b: _test(a <= b),
    ">=": lambda a, b: _test(a >= b),
    "=": lambda a, b: _test(a == b),
    "==": lambda a, b: _test(a == b),
}


@function("RAND")
def random_number(scope: Scope, data: str) -> str:
    """RAND(min,max): a random whole number, both ends included."""
    arguments = split_arguments(data)
    low = parse_integer(argument(arguments, 0))
    high = parse_integer(argument(arguments, 1), RAND_MAX)
    low, high = min(low, high), max(low, high)
    return str(random.randint(low, high))


@function("ABS")
def absolute(scope: Scope, data: str) -> str:
    """ABS(number)."""
    return f"{abs(_number(data)):g}"


@function("MIN")
def minimum(scope: Scope, data: str) -> str:
    """MIN(numbers...)."""
    return f"{min(map(_number, split_arguments(data)), default=0.0):g}"


@function("MAX")
def maximum(scope: Scope, data: str) -> str:
    """MAX(numbers...)."""
    return f"{max(map(_number, split_arguments(data)), default=0.0):g}"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidArgument("number", f"{text!r} is not a number") from None


@function("INC")
def increment(scope: Scope, data: str) -> str:
    """INC(variable): add 1 to it, and be the sum."""
    return _add(scope, data, 1)


@function("DEC")
def decrement(scope: Scope, data: str) -> str:
    """DEC(variable): subtract 1 from it, and be the difference."""
    return _add(scope, data, -1)


def _add(scope: Scope, name: str, step: int) -> str:
    text = scope.get(name.strip())
    if text is None:
        raise InvalidArgument("variable", f"{name!r} is not set")
    if not starts_with_integer(text):
        raise InvalidArgument("variable", f"{name!r} is not a number but {text!r}")
    value = str(parse_integer(text) + step)
    scope.set(name.strip(), value)
    return value


@function("DIGIT_SUM")
def digit_sum(scope: Scope, data: str) -> str:
    """DIGIT_SUM(number): the sum of its digits; other characters don't count."""
    return str(sum(int(letter) for letter in data if letter in "0123456789"))
