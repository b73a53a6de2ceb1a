"""Expressions against a slow model, and any text at all."""

from __future__ import annotations

import contextlib
import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.dialplan import long_double
from server.dialplan.expression import ExpressionError, evaluate
from server.dialplan.variables import MAX_VALUE, compile_text, substitute

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


# whole expressions without parentheses, against a model that splits at the loosest operator

LEVELS = (("|",), ("&",), ("=", "!=", "<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"), ("~~",))
OPERANDS = st.integers(0, 20).map(str) | st.sampled_from(["abc", "b", '"x y"', '""', "007"])
TOKENS = st.lists(
    st.tuples(st.sampled_from([each for level in LEVELS for each in level]), OPERANDS), max_size=7
)


def model(tokens: list[str]) -> str | Fraction:
    """Split at the last of the loosest operators; all group to the left."""
    if len(tokens) == 1:
        return tokens[0]
    for level in LEVELS:
        places = [index for index, token in enumerate(tokens) if token in level]
        if places:
            at = places[-1]
            return apply(tokens[at], model(tokens[:at]), model(tokens[at + 1 :]))
    raise AssertionError(tokens)


def apply(operator: str, left: str | Fraction, right: str | Fraction) -> str | Fraction:
    if operator == "~~":
        return plain(left) + plain(right)
    if operator == "|":
        return right if is_nothing(left) else left
    if operator == "&":
        return Fraction(0) if is_nothing(left) or is_nothing(right) else left
    if operator in LEVELS[2]:
        return Fraction(holds(operator, left, right))
    a, b = number(left), number(right)
    if operator in "/%":
        if not is_number(left):
            return Fraction(0)
        if not is_number(right) or b == 0:
            return Fraction(2_147_483_647)
        return a / b if operator == "/" else a % b
    return {"+": a + b, "-": a - b, "*": a * b}[operator]


def holds(operator: str, left: str | Fraction, right: str | Fraction) -> bool:
    a: object = number(left) if is_number(left) and is_number(right) else written(left)
    b: object = number(right) if is_number(left) and is_number(right) else written(right)
    return {
        "=": a == b, "!=": a != b, "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b  # type: ignore[operator]
    }[operator]  # fmt: skip


def is_number(value: str | Fraction) -> bool:
    return isinstance(value, Fraction) or value.isdigit()


def number(value: str | Fraction) -> Fraction:
    return Fraction(value) if is_number(value) else Fraction(0)


def is_nothing(value: str | Fraction) -> bool:
    return value == "" or (is_number(value) and number(value) == 0)


def written(value: str | Fraction) -> str:
    return value if isinstance(value, str) else long_double.to_text(long_double.rounded(value))


def plain(value: str | Fraction) -> str:
    text = written(value)
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text


@given(OPERANDS, TOKENS)
def test_an_expression_is_what_splitting_at_the_loosest_operator_yields(
    first: str, rest: list[tuple[str, str]]
) -> None:
    tokens = [first, *(token for pair in rest for token in pair)]
    assert evaluate(" ".join(tokens), lambda _message: None) == written(model(tokens))


LONG = 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "1" * LONG, "1+" * (LONG // 2), "(" * LONG, "!" * LONG, "-" * LONG, '"' + "a" * LONG,
        "a" * LONG, "f(" * (LONG // 2), "1 ? " * (LONG // 4), " " * LONG, "a=~" * (LONG // 3),
    ],
    ids=lambda text: text[:4],
)  # fmt: skip
def test_a_megabyte_of_expression_ends_soon(text: str) -> None:
    began = time.process_time()
    with contextlib.suppress(ExpressionError):
        evaluate(text, lambda _message: None)
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize(
    "unit", ["${", "$[", "${X", "${X}", "$[1]", "}", "${${X}}", "$", "${X:", "${F(", "$[${X}"]
)
def test_a_long_template_ends_soon_and_a_megabyte_is_not_read(unit: str) -> None:
    began = time.process_time()
    compiled = compile_text(unit * (60_000 // len(unit)), [])
    if not isinstance(compiled, str):
        assert len(compiled.evaluate(Anything("v" * 100))) <= MAX_VALUE
    assert time.process_time() - began < 2.0
    problems: list[str] = []
    text = unit * LONG
    assert compile_text(text, problems) == text
    assert len(problems) == ("$" in unit)
