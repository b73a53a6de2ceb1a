"""Substitution, as tables."""

from __future__ import annotations

import pytest

from server.dialplan.variables import Template, compile_text, cut, parse_reference, substitute


class Names:
    """A scope of a few variables and functions."""

    def __init__(self, **values: str) -> None:
        self.values = values
        self.reports: list[str] = []

    def get(self, name: str) -> str | None:
        return self.values.get(name)

    def read_function(self, name: str, arguments: str) -> str:
        return f"<{name}|{arguments}>"

    def call_function(self, name: str, arguments: str) -> str | None:
        return None

    def report(self, message: str) -> None:
        self.reports.append(message)


NAMES = {
    "X": "123456789",
    "N": "X",
    "EMPTY": "",
    "ONE": "1",
    "TWO": "2",
    "NEG": "-2",
    "TEXT": "a b",
    "QUOTED": 'say "hi"',
    "COLON": "X:1:2",
    "DOLLAR": "${X}",
    "A1": "a-one",
}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("", ""),
        ("costs $5", "costs $5"),
        ("$", "$"),
        ("${X}", "123456789"),
        ("a${ONE}b${TWO}c", "a1b2c"),
        ("${NOSUCH}", ""),
        ("[${EMPTY}]", "[]"),
        # substrings
        ("${X:1}", "23456789"),
        ("${X:0:3}", "123"),
        ("${X:-4}", "6789"),
        ("${X:-4:2}", "67"),
        ("${X:-4:-1}", "678"),
        ("${X:1:-2}", "234567"),
        ("${X:3:-7}", ""),
        ("${X:20}", ""),
        ("${X:-20}", "123456789"),
        ("${X:-20:2}", "12"),
        ("${X:0:0}", ""),
        ("${X: 1: 2}", "23"),
        ("${X::2}", "123456789"),
        ("${X:a}", "123456789"),
        # nested and indirect
        ("${${N}}", "123456789"),
        ("${${N}:1:2}", "23"),
        ("${A${ONE}}", "a-one"),
        ("${X:${ONE}:${TWO}}", "23"),
        ("${X:${NEG}}", "89"),
        ("${${COLON}}", "23"),
        ("${DOLLAR}", "${X}"),
        # functions
        ("${LEN(abc)}", "<LEN|abc>"),
        ("${LEN(${X})}", "<LEN|123456789>"),
        ("${LEN(a:b)}", "<LEN|a:b>"),
        ("${LEN(abc):1:3}", "LEN"),
        ("${A(B(c))}", "<A|B(c)>"),
        ("${A(b}", "<A|b>"),
        # expressions
        ("$[1 + 2]", "3"),
        ("$[${ONE} + ${TWO}]", "3"),
        ("x$[${ONE} + 1]y", "x2y"),
        ("$[${NEG} + 1]", "-1"),
        ('$["${TEXT}" = "a b"]', "1"),
        ('$["${EMPTY}" = ""]', "1"),
        ("$[$[1 + 1] * 2]", "4"),
        ("${X:$[${ONE} + 1]:1}", "3"),
        ('$["${X}" =~ "^[0-9]+$"]', "9"),
        ("$[]", ""),
    ],
)
def test_substitution(text: str, result: str) -> None:
    names = Names(**NAMES)
    assert substitute(text, names) == result
    assert names.reports == []


def test_a_value_with_quotes_breaks_an_expression_as_in_asterisk() -> None:
    names = Names(**NAMES)
    assert substitute('$["${QUOTED}" = "x"]', names) == ""
    assert len(names.reports) == 1


def test_text_without_a_dollar_stays_as_it_is() -> None:
    text = "demo-congrats&beep"
    assert compile_text(text) is text


@pytest.mark.parametrize("text", ["${X", "a${X", "$[1 + 1", "${${X}"])
def test_a_missing_bracket_is_reported_once_at_load(text: str) -> None:
    problems: list[str] = []
    compiled = compile_text(text, problems)
    assert isinstance(compiled, Template)
    assert len(problems) == 1


def test_endless_nesting_ends() -> None:
    problems: list[str] = []
    compiled = compile_text("${" * 5_000 + "X" + "}" * 5_000, problems)
    assert isinstance(compiled, Template)
    compiled.evaluate(Names(X="1"))
    assert any("levels" in problem for problem in problems)


@pytest.mark.parametrize(
    ("value", "offset", "length", "result"),
    [
        ("hello", 0, None, "hello"),
        ("hello", 5, None, ""),
        ("hello", -5, None, "hello"),
        ("hello", 1, 100, "ello"),
        ("hello", 1, -1, "ell"),
        ("hello", 2, -3, ""),
        ("hello", 4, -3, ""),
        ("", -3, 2, ""),
    ],
)
def test_cut(value: str, offset: int, length: int | None, result: str) -> None:
    assert cut(value, offset, length) == result


def test_a_reference_is_name_arguments_and_substring() -> None:
    reference = parse_reference("CUT(X:1,a(b),2):-3:2")
    assert (reference.name, reference.arguments) == ("CUT", "X:1,a(b),2")
    assert reference.substring == (-3, 2)
