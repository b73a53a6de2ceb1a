"""Splitting of arguments, options, conditions and places to go to."""

from __future__ import annotations

import pytest

from server.dialplan.arguments import (
    Target,
    is_true,
    parse_options,
    parse_target,
    split_arguments,
    split_condition,
    split_nested_condition,
    split_raw,
)


@pytest.mark.parametrize(
    ("text", "limit", "arguments", "raw"),
    [
        ("", 0, [], []),
        ("a", 0, ["a"], ["a"]),
        ("a,b,c", 0, ["a", "b", "c"], ["a", "b", "c"]),
        ("a,,c", 0, ["a", "", "c"], ["a", "", "c"]),
        ("a,b,c", 2, ["a", "b,c"], ["a", "b,c"]),
        ('"a,b",c', 0, ["a,b", "c"], ['"a,b"', "c"]),
        (r"a\,b,c", 0, ["a,b", "c"], [r"a\,b", "c"]),
        ("f(a,b),c", 0, ["f(a,b)", "c"], ["f(a,b)", "c"]),
        ("$[a,b],c", 0, ["$[a,b]", "c"], ["$[a,b]", "c"]),
        ("a),b", 0, ["a)", "b"], ["a)", "b"]),
        ('a"b,c', 0, ["ab,c"], ['a"b,c']),
        ("a,b\\", 0, ["a", "b"], ["a", "b\\"]),
    ],
)
def test_split(text: str, limit: int, arguments: list[str], raw: list[str]) -> None:
    assert split_arguments(text, limit) == arguments
    assert split_raw(text, limit) == raw


@pytest.mark.parametrize(
    ("text", "flags", "unknown"),
    [
        ("", {}, []),
        ("ab", {"a": "", "b": ""}, []),
        ("a(1)b", {"a": "1", "b": ""}, []),
        ("a((x)y)b", {"a": "(x)y", "b": ""}, []),
        ('a("x)y")b', {"a": "x)y", "b": ""}, []),
        (r"a(x\)y)b", {"a": "x)y", "b": ""}, []),
        ("az(1)b", {"a": "", "b": ""}, ["z"]),
        ("a(open", {"a": "open"}, []),
    ],
)
def test_options(
    text: str, flags: dict[str, str], unknown: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    options = parse_options(text, "ab", "Test", "here")
    assert options.flags == flags
    assert options.unknown == unknown
    assert ("not supported" in caplog.text) is bool(unknown)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("5", Target(None, None, "5")),
        ("label", Target(None, None, "label")),
        ("100,1", Target(None, "100", "1")),
        ("ctx,100,1", Target("ctx", "100", "1")),
        (" ctx , 100 , n ", Target("ctx", "100", "n")),
        ("ctx^100^1", Target("ctx", "100", "1")),
        (",100,1", Target(None, "100", "1")),
        ("", None),
        ("a,b,", None),
    ],
)
def test_target(text: str, target: Target | None) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize(
    ("text", "plain", "nested"),
    [
        ("1?a:b", ("1", "a", "b"), ("1", "a", "b")),
        ("1?a", ("1", "a", ""), ("1", "a", "")),
        ("1?:b", ("1", "", "b"), ("1", "", "b")),
        ("1?f(x:y):b", ("1", "f(x", "y):b"), ("1", "f(x:y)", "b")),
        ("1", ("1", "", ""), ("1", "", "")),
    ],
)
def test_conditions(text: str, plain: tuple[str, str, str], nested: tuple[str, str, str]) -> None:
    assert split_condition(text) == plain
    assert split_nested_condition(text) == nested


@pytest.mark.parametrize(
    ("text", "holds"),
    [("", False), ("0", False), ("1", True), ("-1", True), ("00", False), ("0.5", False),
     ("abc", True), (" 0", False), ("0x1", False), ('""', True)],
)  # fmt: skip
def test_truth_is_a_number_other_than_0_or_any_other_text(text: str, holds: bool) -> None:
    assert is_true(text) is holds
