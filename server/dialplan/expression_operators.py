"""What the operators of ``$[ ]`` compute.

A value is text or a number. Text that looks like a number is one where numbers are needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from server.base.errors import InvalidArgument
from server.dialplan import expression_functions, long_double
from server.dialplan.long_double import Number
from server.dialplan.posix_regex import compile_regex

DIVISION_BY_ZERO = 2_147_483_647  # what a division by zero yields: INT_MAX

Value = str | Number
CallFunction = Callable[[str, str], str | None]
Report = Callable[[str], None]

_NUMERIC = re.compile(r"[0-9.]+")


class Operator:
    """An operator between two values."""

    __slots__ = ("apply",)

    def __init__(self, apply: Callable[[Value, Value, Report], Value]) -> None:
        self.apply = apply


class Prefix:
    """An operator before a value."""

    __slots__ = ("apply",)

    def __init__(self, apply: Callable[[Value, Report], Value]) -> None:
        self.apply = apply


def as_text(value: Value) -> str:
    """Return a value as it is printed."""
    return value if isinstance(value, str) else long_double.to_text(value)


def _is_text(value: Value) -> bool:
    """Whether it is compared as text: anything but digits and dots."""
    return isinstance(value, str) and not _NUMERIC.fullmatch(value)


def _number(value: Value) -> Number | None:
    return long_double.parse(value) if isinstance(value, str) else value


def _is_empty_or_zero(value: Value) -> bool:
    return value == "" or _number(value) == 0


def decides(value: Value) -> bool:
    """Whether ``?`` takes the first branch."""
    if _is_text(value):
        return value not in ("", '""', "0")
    return not _is_empty_or_zero(value)


def _unquoted(value: Value) -> str:
    text = as_text(value)
    if len(text) >= 2 and text[0] == '"' and text[-1] == '"':
        text = text[1:-1]
    return text


# operators


def _or(left: Value, right: Value, _report: Report) -> Value:
    return right if _is_empty_or_zero(left) else left


def _and(left: Value, right: Value, _report: Report) -> Value:
    return 0 if _is_empty_or_zero(left) or _is_empty_or_zero(right) else left


def _comparison(
    holds: Callable[[int], bool],
) -> Callable[[Value, Value, Report], Value]:
    def compare(left: Value, right: Value, _report: Report) -> Value:
        return int(holds(_order(left, right)))

    return compare


def _order(left: Value, right: Value) -> int:
    """Return -1, 0 or 1."""
    if not (_is_text(left) or _is_text(right)):
        first, second = _number(left), _number(right)
        if first is not None and second is not None:
            return (first > second) - (first < second)
    a, b = as_text(left), as_text(right)
    return (a > b) - (a < b)


def _arithmetic(
    compute: Callable[[Number, Number], Number],
) -> Callable[[Value, Value, Report], Value]:
    """Make an operator that takes what is no number for 0."""

    def apply(left: Value, right: Value, report: Report) -> Value:
        return compute(_operand(left, report), _operand(right, report))

    return apply


def _operand(value: Value, report: Report) -> Number:
    number = _number(value)
    if number is None:
        report(f"non-numeric argument {value!r}")
        return 0
    return number


def _division(
    compute: Callable[[Number, Number], Number],
) -> Callable[[Value, Value, Report], Value]:
    def apply(left: Value, right: Value, report: Report) -> Value:
        dividend = _number(left)
        if dividend is None:
            report(f"non-numeric argument {left!r}")
            return 0
        divisor = _number(right)
        if divisor is None:
            report(f"non-numeric argument {right!r}")
            return DIVISION_BY_ZERO
        if divisor == 0:
            report("division by zero")
            return DIVISION_BY_ZERO
        return compute(dividend, divisor)

    return apply


def _match(*, is_anchored: bool) -> Callable[[Value, Value, Report], Value]:
    def apply(left: Value, right: Value, report: Report) -> Value:
        try:
            regex = compile_regex(_unquoted(right))
            found = regex.search(_unquoted(left))
        except InvalidArgument as error:
            report(str(error))
            return ""
        if found is None or (is_anchored and not found.is_at_start):
            return "" if regex.group_count else 0
        if regex.group_count:
            return found.group(1) or ""
        return len(found.group(0) or "")

    return apply


def _concatenate(left: Value, right: Value, _report: Report) -> Value:
    return _unquoted(left) + _unquoted(right)


def _negate(value: Value, report: Report) -> Value:
    return long_double.subtract(0, _operand(value, report))


def _not(value: Value, _report: Report) -> Value:
    return int(_is_empty_or_zero(value))


def call(
    name: str, arguments: list[Value], report: Report, call_function: CallFunction | None
) -> Value:
    """Call one of the mathematical functions, else one of the dialplan."""
    if name in expression_functions.FUNCTIONS:
        numbers = [_operand(argument, report) for argument in arguments]
        result = expression_functions.call(name, numbers)
        if result is None:
            report(f"wrong number of arguments to {name}()")
        return 0 if result is None else result
    if call_function is not None:
        text = call_function(name, ",".join(map(_unquoted, arguments)))
        if text is not None:
            return text
    report(f"function {name} is not known")
    return 0


OPERATORS = {
    "|": Operator(_or),
    "&": Operator(_and),
    "=": Operator(_comparison(lambda order: order == 0)),
    "!=": Operator(_comparison(lambda order: order != 0)),
    "<": Operator(_comparison(lambda order: order < 0)),
    ">": Operator(_comparison(lambda order: order > 0)),
    "<=": Operator(_comparison(lambda order: order <= 0)),
    ">=": Operator(_comparison(lambda order: order >= 0)),
    "+": Operator(_arithmetic(long_double.add)),
    "-": Operator(_arithmetic(long_double.subtract)),
    "*": Operator(_arithmetic(long_double.multiply)),
    "/": Operator(_division(long_double.divide)),
    "%": Operator(_division(long_double.remainder)),
    ":": Operator(_match(is_anchored=True)),
    "=~": Operator(_match(is_anchored=False)),
    "~~": Operator(_concatenate),
}
PREFIXES = {"-": Prefix(_negate), "!": Prefix(_not)}
