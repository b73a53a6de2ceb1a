"""Any lines at all give a plan and warnings."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.config.ini import parse_text
from server.config.objects import ConfigFile, Option, Section
from server.dialplan.arguments import (
    parse_options,
    parse_target,
    split_arguments,
    split_condition,
    split_nested_condition,
    split_raw,
)
from server.dialplan.lint import check_plan
from server.dialplan.loader import compile_plan
from server.dialplan.plan import Plan
from server.dialplan.registry import Registry
from server.dialplan.writer import write_plan

REGISTRY = Registry.standard()

KEYWORDS = st.sampled_from(
    ["exten", "same", "include", "ignorepat", "switch", "eswitch", "lswitch", "foo"]
)
VALUES = st.text('1n_X[]./(),+|"${}:-9*&Ah ', max_size=40) | st.text(max_size=40)


@given(st.lists(st.tuples(KEYWORDS, VALUES), max_size=15))
def test_loading_is_total(lines: list[tuple[str, str]]) -> None:
    options = [Option(name, value, "x", number) for number, (name, value) in enumerate(lines)]
    section = Section("ctx", "x", 1, options=options)
    plan = compile_plan(ConfigFile("x", [section]))
    assert len(plan.warnings) <= 3 * len(lines)
    plan.find("ctx", "1", 1, "", 0.0)
    plan.can_continue("ctx", "1", "", 0.0)
    check_plan(plan, REGISTRY)
    write_plan(plan, plan.globals)


NAMES = st.sampled_from(["s", "1", "12", "_X.", "_[1-3]X!", "_1X/200", "5/", "t", "*8"])
DATA = st.text("ab,()${}[]:;\\\"' ", max_size=12).map(lambda t: t.strip())
PRIORITIES = st.integers(1, 30).map(str)
STEPS = st.builds(
    "exten => {},{}{},App({})".format, NAMES, PRIORITIES, st.sampled_from(["", "(a)", "(b)"]),
    DATA.map(lambda text: text.replace(";", "\\;")),
)  # fmt: skip
OTHERS = st.sampled_from(
    ["include => b", "include => b|9:00-17:00|mon|*|*", "ignorepat => 9", "switch => Loopback/@b",
     "eswitch => Loopback/${X}@b", "lswitch => Loopback/${EXTEN}@b", "exten => s,hint,A/b&C:d,E:f"]
)  # fmt: skip


def described(plan: Plan) -> list[object]:
    return [
        (
            context.name,
            [(e.name, e.caller and e.caller.name, e.hint, e.labels,
              {p: (s.application, s.source) for p, s in e.steps.items()}) for e in context],
            [each.source for each in context.includes],
            [(each.name, each.data if isinstance(each.data, str) else "template")
             for each in context.switches],
            [each.name for each in context.ignore_patterns],
        )
        for context in plan.contexts.values()
    ]  # fmt: skip


@given(st.lists(STEPS | OTHERS, max_size=15))
def test_what_is_written_loads_as_the_same_plan(lines: list[str]) -> None:
    source = "[globals]\nX=1\n[b]\n[a]\n" + "\n".join(lines) + "\n"
    plan = compile_plan(parse_text(source, path="x"))
    text = write_plan(plan, plan.globals)
    again = compile_plan(parse_text(text, path="x"))
    assert described(again) == described(plan)
    assert again.globals == plan.globals


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
