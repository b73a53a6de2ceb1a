"""The mathematical functions of ``$[ ]``, computed to more digits than are printed."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Context, Decimal, DecimalException, localcontext
from fractions import Fraction

from server.dialplan import long_double
from server.dialplan.long_double import Number

GUARD_DIGITS = 40
MAX_ANGLE = 1e15  # beyond it the angle's own rounding error exceeds a period's fraction

_PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")


def call(name: str, arguments: list[Number]) -> Number | None:
    """Compute a function of :data:`FUNCTIONS`.

    :returns: ``None`` when the number of arguments is wrong.
    """
    count, function = FUNCTIONS[name]
    if len(arguments) != count:
        return None
    try:
        with localcontext(Context(prec=GUARD_DIGITS)):
            return function(*arguments)
    except (DecimalException, OverflowError, ValueError, ZeroDivisionError):
        return math.nan


def _integral(rule: Callable[[Number], int]) -> Callable[[Number], Number]:
    def function(value: Number) -> Number:
        return value if isinstance(value, float) else long_double.rounded(rule(value))

    return function


def _round_half_away(value: Number) -> int:
    rounded = math.floor(abs(Fraction(value)) + Fraction(1, 2))
    return rounded if value >= 0 else -rounded


def _decimal(rule: Callable[[Decimal], Decimal]) -> Callable[[Number], Number]:
    def function(value: Number) -> Number:
        return long_double.from_decimal(rule(long_double.to_decimal(value)))

    return function


def _angle(rule: Callable[[Decimal], Decimal]) -> Callable[[Number], Number]:
    def function(value: Number) -> Number:
        if isinstance(value, float) or abs(Fraction(value)) > MAX_ANGLE:
            return math.nan
        return long_double.from_decimal(rule(long_double.to_decimal(value)))

    return function


def _sine(x: Decimal) -> Decimal:
    x = x.remainder_near(2 * _PI)
    term = total = x
    index = 1
    while abs(term) > Decimal(10) ** -GUARD_DIGITS:
        term *= -x * x / ((index + 1) * (index + 2))
        total += term
        index += 2
    return total


def _cosine(x: Decimal) -> Decimal:
    return Decimal(1) if x == 0 else _sine(x + _PI / 2)


def _arc_tangent(x: Decimal) -> Decimal:
    if x.is_infinite():
        return (_PI / 2).copy_sign(x)
    halvings = 0
    while abs(x) > Decimal("0.05"):
        x = x / (1 + (1 + x * x).sqrt())
        halvings += 1
    term = total = x
    index = 1
    while abs(term) > Decimal(10) ** -GUARD_DIGITS:
        term *= -x * x
        index += 2
        total += term / index
    return total * Decimal(2**halvings)


def _arc_sine(x: Decimal) -> Decimal:
    if abs(x) == 1:
        return (_PI / 2).copy_sign(x)
    return _arc_tangent(x / (1 - x * x).sqrt())


def _arc_cosine(x: Decimal) -> Decimal:
    return Decimal(0) if x == 1 else _PI / 2 - _arc_sine(x)


def _arc_tangent_2(y: Number, x: Number) -> Number:
    if isinstance(y, float) or isinstance(x, float):
        return math.atan2(y, x)
    top, bottom = long_double.to_decimal(y), long_double.to_decimal(x)
    if bottom == 0:
        angle = (_PI / 2).copy_sign(top) if top else Decimal(0)
    else:
        angle = _arc_tangent(top / bottom)
        if bottom < 0:
            angle += _PI if top >= 0 else -_PI
    return long_double.from_decimal(angle)


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and 0 <= exponent <= 64:
        return long_double.rounded(base**exponent)
    left, right = long_double.to_decimal(base), long_double.to_decimal(exponent)
    if left == 0 and right < 0:
        return math.inf
    return long_double.from_decimal(left**right)


def _remainder(left: Number, right: Number) -> Number:
    if isinstance(left, float) or isinstance(right, float) or right == 0:
        return math.nan
    return long_double.rounded(left - right * round(Fraction(left) / right))


def _logarithm(base: Callable[[Decimal], Decimal]) -> Callable[[Number], Number]:
    def function(value: Number) -> Number:
        if isinstance(value, float) or value < 0:
            return value if value > 0 else math.nan
        return -math.inf if value == 0 else _decimal(base)(value)

    return function


FUNCTIONS: dict[str, tuple[int, Callable[..., Number]]] = {
    "FLOOR": (1, _integral(math.floor)),
    "CEIL": (1, _integral(math.ceil)),
    "ROUND": (1, _integral(_round_half_away)),
    "RINT": (1, _integral(round)),
    "TRUNC": (1, _integral(math.trunc)),
    "SIN": (1, _angle(_sine)),
    "COS": (1, _angle(_cosine)),
    "TAN": (1, _angle(lambda x: _sine(x) / _cosine(x))),
    "ASIN": (1, _decimal(_arc_sine)),
    "ACOS": (1, _decimal(_arc_cosine)),
    "ATAN": (1, _decimal(_arc_tangent)),
    "ATAN2": (2, _arc_tangent_2),
    "POW": (2, _power),
    "SQRT": (1, _decimal(lambda x: x.sqrt())),
    "EXP": (1, _decimal(lambda x: x.exp())),
    "EXP2": (1, _decimal(lambda x: Decimal(2) ** x)),
    "EXP10": (1, _decimal(lambda x: Decimal(10) ** x)),
    "LOG": (1, _logarithm(lambda x: x.ln())),
    "LOG2": (1, _logarithm(lambda x: x.ln() / Decimal(2).ln())),
    "LOG10": (1, _logarithm(lambda x: x.log10())),
    "REMAINDER": (2, _remainder),
}
"""Number of arguments and implementation by name."""
