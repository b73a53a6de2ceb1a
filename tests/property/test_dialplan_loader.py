"""Any lines at all give a plan and warnings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.config.objects import ConfigFile, Option, Section
from server.dialplan.arguments import (
    parse_options,
    parse_target,
    split_arguments,
    split_condition,
    split_nested_condition,
    split_raw,
)
from server.dialplan.loader import compile_plan

KEYWORDS = st.sampled_from(["exten", "same", "include", "ignorepat", "switch", "foo"])
VALUES = st.text('1n_X[]./(),+|"${}:-9*&Ah ', max_size=40) | st.text(max_size=40)


@given(st.lists(st.tuples(KEYWORDS, VALUES), max_size=15))
def test_loading_is_total(lines: list[tuple[str, str]]) -> None:
    options = [Option(name, value, "x", number) for number, (name, value) in enumerate(lines)]
    section = Section("ctx", "x", 1, options=options)
    plan = compile_plan(ConfigFile("x", [section]))
    assert len(plan.warnings) <= 3 * len(lines)
    plan.find("ctx", "1", 1, "", 0.0)
    plan.can_continue("ctx", "1", "", 0.0)


@given(st.lists(st.text("abc123 ", max_size=8), min_size=1, max_size=8))
def test_splitting_plain_arguments_undoes_joining(arguments: list[str]) -> None:
    joined = ",".join(arguments)
    expected = arguments if joined else []
    assert split_arguments(joined) == expected
    assert split_raw(joined) == expected


@given(st.text(',()[]"\\ab?:', max_size=40))
def test_splitting_is_total(text: str) -> None:
    split_arguments(text)
    split_raw(text)
    split_condition(text)
    split_nested_condition(text)
    parse_target(text)
    parse_options(text, "ab", "Test")


@given(st.text(',()[]"\\ab', max_size=40))
def test_raw_splitting_loses_nothing(text: str) -> None:
    assert ",".join(split_raw(text)) == text
