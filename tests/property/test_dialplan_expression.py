"""Expressions against a slow model, and any text at all."""

from __future__ import annotations

import contextlib
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from server.dialplan import long_double
from server.dialplan.expression import ExpressionError, evaluate
from server.dialplan.variables import compile_text, substitute

NUMBERS = st.integers(0, 10**6)
OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "=": lambda a, b: Fraction(a == b),
    "<": lambda a, b: Fraction(a < b),
    ">=": lambda a, b: Fraction(a >= b),
    "|": lambda a, b: a if a else b,
    "&": lambda a, b: a if a and b else Fraction(0),
}

Tree = tuple[str, Fraction]


def leaf(number: int) -> Tree:
    return str(number), Fraction(number)


def join(left: Tree, operator: str, right: Tree) -> Tree:
    return f"({left[0]} {operator} {right[0]})", OPERATORS[operator](left[1], right[1])


TREES = st.recursive(
    NUMBERS.map(leaf),
    lambda inner: st.builds(join, inner, st.sampled_from(sorted(OPERATORS)), inner),
    max_leaves=6,
)


@given(TREES)
def test_arithmetic_is_exact_as_long_as_it_fits(tree: Tree) -> None:
    text, value = tree
    if abs(value) < 10**17:
        assert evaluate(text) == str(value)


@given(st.lists(st.tuples(st.sampled_from("+-"), NUMBERS), min_size=1, max_size=30))
def test_operators_of_one_level_group_to_the_left(terms: list[tuple[str, int]]) -> None:
    text = "0" + "".join(f" {sign} {number}" for sign, number in terms)
    total = sum(number if sign == "+" else -number for sign, number in terms)
    assert evaluate(text) == str(total)


@given(st.text(max_size=60) | st.text(' 10"a=<>!|&+-*/%?:(),~$[]', max_size=60))
def test_any_text_is_a_value_or_a_syntax_error(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert isinstance(evaluate(text, lambda _message: None), str)


@given(st.fractions())
def test_rounding_keeps_64_bits_and_printing_reads_back(value: Fraction) -> None:
    rounded = long_double.rounded(value)
    assert isinstance(rounded, int | Fraction)
    assert abs(rounded - value) <= abs(value) / 2**63
    again = long_double.parse(long_double.to_text(rounded).removeprefix("-"))
    assert again is not None
    assert abs(Fraction(again) - abs(rounded)) <= abs(rounded) / 10**17


class Anything:
    """A scope where everything has a value that may itself look like dialplan."""

    def __init__(self, value: str) -> None:
        self.value = value

    def get(self, name: str) -> str | None:
        return self.value

    def read_function(self, name: str, arguments: str) -> str:
        return self.value

    def call_function(self, name: str, arguments: str) -> str | None:
        return self.value

    def report(self, message: str) -> None: ...


TEMPLATES = st.text('${}[]()abX:1-+" ', max_size=80) | st.text(max_size=40)


@given(TEMPLATES, TEMPLATES)
def test_substitution_is_total(text: str, value: str) -> None:
    compile_text(text, [])
    assert isinstance(substitute(text, Anything(value)), str)


@given(st.text(max_size=30), st.text("abc1 =<>+-", max_size=12))
def test_a_precompiled_expression_yields_what_its_text_does(prefix: str, value: str) -> None:
    for template in ("$[${X} = 1]", '$["${X}" = "a"]', "$[${X} + ${X}]", "$[1 ? ${X} :: 2]"):
        compiled = compile_text(template)
        assert not isinstance(compiled, str)
        inside = template[2:-1].replace("${X}", value)
        try:
            expected = evaluate(inside, lambda _message: None, lambda _n, _a: value)
        except ExpressionError:
            expected = ""
        assert compiled.evaluate(Anything(value)) == expected
