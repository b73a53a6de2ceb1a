"""Expressions as tables: what each yields, and how it is printed."""

from __future__ import annotations

import pytest

from server.dialplan.expression import (
    HOLE,
    HOLE_BASE,
    MAX_LENGTH,
    ExpressionError,
    compile_expression,
    evaluate,
)


def run(text: str) -> tuple[str, list[str]]:
    reports: list[str] = []
    return evaluate(text, reports.append), reports


@pytest.mark.parametrize(
    ("text", "result"),
    [
        # arithmetic and printing
        ("1 + 2", "3"),
        ("1+2*3", "7"),
        ("(1+2)*3", "9"),
        ("10 - 2 - 3", "5"),
        ("7 / 2", "3.5"),
        ("1 / 3", "0.333333333333333333"),
        ("0.1 + 0.2", "0.3"),
        ("10 / 3 * 3", "10"),
        ("7 % 3", "1"),
        ("- 7 % 3", "-1"),
        ("7 % -3", "1"),
        ("5.5 % 2", "1.5"),
        ("-5 + 3", "-2"),
        ("3 - -2", "5"),
        ("1.50", "1.50"),
        ("1.50 + 0", "1.5"),
        ("007", "007"),
        ("007 + 0", "7"),
        ("999999999999999999 + 0", "999999999999999999"),
        ("1000000000000000000 + 0", "1e+18"),
        ("9223372036854775807 + 1", "9.22337203685477581e+18"),
        ("0.00001 * 1", "1e-05"),
        ("0.0001 * 1", "0.0001"),
        ("", ""),
        ("   ", ""),
        # text or numbers
        ("a", "a"),
        ('"a b"', '"a b"'),
        ("10 > 9", "1"),
        ('"10" > "9"', "0"),
        ("1.0 = 1", "1"),
        ("abc = abc", "1"),
        ('"abc" = abc', "0"),
        ('"" = ""', "1"),
        ("abc < abd", "1"),
        ("5 = abc", "0"),
        ("1 != 2", "1"),
        ("1 == 1", "1"),
        ("2 >= 2", "1"),
        ("2 <= 1", "0"),
        # logic
        ("1 | 2", "1"),
        ("0 | 2", "2"),
        ("0 || 0", "0"),
        ("0.0 | 7", "7"),
        ("1 & 2", "1"),
        ("1 && 0", "0"),
        ("abc & 1", "abc"),
        ("! 0", "1"),
        ("!5", "0"),
        ("!abc", "0"),
        ("!!1", "1"),
        ("1 | 0 & 0", "1"),
        ("1 = 1 & 2 = 2", "1"),
        ("1 + 1 = 2", "1"),
        # choice
        ("1 ? 2 :: 3", "2"),
        ("0 ? 2 :: 3", "3"),
        ("abc ? 2 :: 3", "2"),
        ('"" ? 2 :: 3', "3"),
        ("1 ? 0 ? 1 :: 2 :: 3", "2"),
        ("2 > 1 ? yes :: no", "yes"),
        # regular expressions
        ('"abc123" : "[a-z]+"', "3"),
        ('"123abc" : "[a-z]+"', "0"),
        ('"123abc" =~ "[a-z]+"', "3"),
        ('"abc123" : "([a-z]+)"', "abc"),
        ('"123" : "([a-z]+)"', ""),
        ('"5551212" =~ "555(.*)"', "1212"),
        ('"abcd" =~ "(ab|abcd)"', "abcd"),
        ('"a1" =~ "[[:digit:]]"', "1"),
        ('"02" : "0"', "1"),
        ('2 = "22" : "2"', "0"),
        ('"ab" ~~ "cd"', "abcd"),
        ("1 ~~ 2", "12"),
        ('! "abc" : "x"', "1"),
        # functions
        ("FLOOR(3.7)", "3"),
        ("FLOOR(-3.2)", "-4"),
        ("CEIL(3.2)", "4"),
        ("ROUND(2.5)", "3"),
        ("ROUND(-2.5)", "-3"),
        ("RINT(2.5)", "2"),
        ("TRUNC(-2.7)", "-2"),
        ("POW(2,10)", "1024"),
        ("POW(2,0.5)", "1.41421356237309505"),
        ("SQRT(2)", "1.41421356237309505"),
        ("SIN(1)", "0.841470984807896507"),
        ("COS(1)", "0.540302305868139717"),
        ("TAN(1)", "1.55740772465490223"),
        ("ATAN(1) * 4", "3.14159265358979324"),
        ("ATAN2(1, -1)", "2.35619449019234493"),
        ("ASIN(1)", "1.57079632679489662"),
        ("ACOS(1)", "0"),
        ("EXP(1)", "2.71828182845904524"),
        ("EXP2(10)", "1024"),
        ("EXP10(3)", "1000"),
        ("LOG(10)", "2.30258509299404568"),
        ("LOG2(8)", "3"),
        ("LOG10(1000)", "3"),
        ("LOG(0)", "-inf"),
        ("SQRT(-1)", "nan"),
        ("REMAINDER(5,3)", "-1"),
    ],
)
def test_value(text: str, result: str) -> None:
    assert run(text) == (result, [])


@pytest.mark.parametrize(
    ("text", "result", "report"),
    [
        ("1 / 0", "2147483647", "division by zero"),
        ("1 % 0", "2147483647", "division by zero"),
        ("abc + 1", "1", "non-numeric argument 'abc'"),
        ("abc * 2", "0", "non-numeric argument 'abc'"),
        ("-abc", "0", "non-numeric argument 'abc'"),
        ('"a" : "("', "", "regular expression: "),
        ('"a" : "(((a{9}){9}){9}){9}"', "", "regular expression: repeats"),
        ("FLOOR(1,2)", "0", "wrong number of arguments to FLOOR()"),
        ("NOSUCH(1)", "0", "function NOSUCH is not known"),
    ],
)
def test_what_is_wrong_is_reported_and_the_call_goes_on(
    text: str, result: str, report: str
) -> None:
    value, reports = run(text)
    assert value == result
    assert len(reports) == 1
    assert reports[0].startswith(report)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        (" = 1", 1),
        ("1 +", 3),
        ("1 = ", 4),
        ("a b", 2),
        ("(1", 2),
        ("1)", 1),
        ("1 ? 2", 5),
        ("1 ? 2 : 3", 9),
        ('"abc', 0),
        ("1 ~ 2", 2),
        ("(" * 200, 100),
        ("!(" * 200, 100),
        ("FLOOR(", 6),
        ("," , 0),
    ],
)  # fmt: skip
def test_a_syntax_error_names_its_position(text: str, position: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate(text)
    assert caught.value.position == position


def test_a_gigantic_expression_is_refused() -> None:
    with pytest.raises(ExpressionError, match="too long"):
        evaluate("1+" * MAX_LENGTH)


def test_a_long_chain_is_no_deep_recursion() -> None:
    assert evaluate("+".join(["1"] * 5_000)) == "5000"


def test_dialplan_functions_are_called_with_their_arguments() -> None:
    calls: list[tuple[str, str]] = []

    def call(name: str, arguments: str) -> str:
        calls.append((name, arguments))
        return "42"

    assert evaluate('ANSWER("a", 1 + 1) + 1', call_function=call) == "43"
    assert calls == [("ANSWER", "a,2")]


@pytest.mark.parametrize(
    ("value", "result"),
    [("5", "6"), ("2.5", "3.5"), ("-5", None), ("", None), ("1 + 1", None), ("a=b", None)],
)
def test_a_hole_takes_plain_operands_only(value: str, result: str | None) -> None:
    program = compile_expression(f"{HOLE}{chr(HOLE_BASE)} + 1")
    assert program.run(lambda _message: None, None, [value]) == result


@pytest.mark.parametrize(("value", "result"), [("", "1"), ("a b", "0"), ('"', None), ("\\", None)])
def test_a_quoted_hole_takes_all_but_quotes(value: str, result: str | None) -> None:
    program = compile_expression(f'"{HOLE}{chr(HOLE_BASE)}" = ""')
    assert program.run(lambda _message: None, None, [value]) == result
