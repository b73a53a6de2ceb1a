"""Arithmetic with 64 bits of precision, as C's ``long double`` has on x86, and its printing.

Expressions are computed and printed this way (``%.18Lg``), so ``0.1 + 0.2`` is ``0.3``. A number
is an ``int`` or a ``Fraction`` that has at most 64 significant bits, or a ``float`` that is
infinite or not a number.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

PRECISION = 64  # bits
MAX_EXPONENT = 16_384  # of 2; beyond it numbers are infinite
DIGITS = 18  # significant decimal digits in print

Number = int | Fraction | float

_EXACT_LIMIT = 1 << PRECISION
_PRINT = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN)
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)


def rounded(value: int | Fraction) -> Number:
    """Return the nearest number with 64 significant bits."""
    if isinstance(value, int):
        if -_EXACT_LIMIT <= value <= _EXACT_LIMIT:
            return value
        value = Fraction(value)
    elif value.denominator == 1:
        return rounded(value.numerator)
    top, bottom = value.numerator, value.denominator
    exponent = abs(top).bit_length() - bottom.bit_length()
    if exponent > MAX_EXPONENT:
        return math.copysign(math.inf, top)
    if exponent < -MAX_EXPONENT:
        return 0
    shift = PRECISION - exponent
    scaled = Fraction(top << shift, bottom) if shift >= 0 else Fraction(top, bottom << -shift)
    mantissa = round(scaled)
    while abs(mantissa) > _EXACT_LIMIT:
        shift -= 1
        mantissa = round(scaled / 2)
        scaled /= 2
    result = Fraction(mantissa, 1 << shift) if shift >= 0 else Fraction(mantissa << -shift)
    return result.numerator if result.denominator == 1 else result


def parse(text: str) -> Number | None:
    """Read a decimal number, ``None`` if *text* is none as a whole.

    Numbers of more than a thousand characters are not read.
    """
    stripped = text.strip()
    if len(stripped) > 1_000:
        return None
    if stripped.isascii() and stripped.isdigit():
        return rounded(int(stripped))
    digits = stripped.lstrip("+-")
    if not digits or not (digits[0].isdigit() or digits[0] == ".") or "_" in digits:
        return None
    try:
        value = Decimal(stripped)
    except ArithmeticError:
        return None
    if value.adjusted() > 5_000:
        return math.copysign(math.inf, value)
    if value.adjusted() < -5_000:
        return 0
    return rounded(Fraction(value))


def to_text(value: Number) -> str:
    """Print like C's ``%.18Lg``."""
    if isinstance(value, int) and -(10**DIGITS) < value < 10**DIGITS:
        return str(value)
    if isinstance(value, float):
        if math.isnan(value):
            return "nan"
        return "inf" if value > 0 else "-inf"
    exact = Fraction(value)
    decimal = _PRINT.plus(_quotient(exact))
    if decimal == 0:
        return "0"
    exponent = decimal.adjusted()
    sign, digits, _scale = decimal.as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    minus = "-" if sign else ""
    if exponent < -4 or exponent >= DIGITS:
        fraction = f".{text[1:]}" if len(text) > 1 else ""
        return f"{minus}{text[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return f"{minus}0.{'0' * (-exponent - 1)}{text}"
    whole, rest = text[: exponent + 1].ljust(exponent + 1, "0"), text[exponent + 1 :]
    return minus + whole + (f".{rest}" if rest else "")


def to_decimal(value: Number) -> Decimal:
    """Return *value* with 60 digits, for functions that are computed in decimal."""
    if isinstance(value, float):
        return Decimal(value)
    return _quotient(Fraction(value))


def from_decimal(value: Decimal) -> Number:
    """Round the result of a decimal computation."""
    if value.is_nan():
        return math.nan
    if value.is_infinite() or value.adjusted() > 5_000:
        return math.copysign(math.inf, value)
    return 0 if value.adjusted() < -5_000 else rounded(Fraction(value))


def _quotient(value: Fraction) -> Decimal:
    return _WIDE.divide(Decimal(value.numerator), Decimal(value.denominator))


def add(left: Number, right: Number) -> Number:
    if isinstance(left, float) or isinstance(right, float):
        return _as_float(left) + _as_float(right)
    return rounded(left + right)


def subtract(left: Number, right: Number) -> Number:
    return add(left, -right)


def multiply(left: Number, right: Number) -> Number:
    if isinstance(left, float) or isinstance(right, float):
        return _as_float(left) * _as_float(right)
    return rounded(left * right)


def divide(left: Number, right: Number) -> Number:
    """Divide; *right* is not 0."""
    if isinstance(left, float) or isinstance(right, float):
        return _as_float(left) / _as_float(right)
    return rounded(Fraction(left) / right)


def remainder(left: Number, right: Number) -> Number:
    """C's ``fmod``: the sign is that of *left*; *right* is not 0."""
    if isinstance(left, float):
        return math.nan
    if isinstance(right, float):
        return math.nan if math.isnan(right) else left
    dividend, divisor = Fraction(left), Fraction(right)
    rest = abs(dividend) % abs(divisor)
    return rounded(rest if dividend >= 0 else -rest)


def _as_float(value: Number) -> float:
    """Return a float of the same sign, whose size matters only if it is infinite."""
    if isinstance(value, float):
        return value
    return float((value > 0) - (value < 0))
