"""What AEL is compiled to, how it is printed, and what the compiler warns of."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from server.config.ini import parse_text
from server.dialplan.ael.compiler import compile_ael
from server.dialplan.ael.nodes import AelError
from server.dialplan.ael.parser import parse_ael
from server.dialplan.ael.printer import print_config
from server.dialplan.loader import compile_plan
from server.dialplan.plan import Plan
from tests.support.plans import plan_contents

PROGRAM = (Path(__file__).parents[3] / "vectors/ael/contexts.ael").read_text("utf-8")


def compiled(source: str) -> Plan:
    return compile_plan(compile_ael(parse_ael(dedent(source), path="x.ael")))


def warnings_of(source: str) -> list[str]:
    return [str(warning) for warning in compile_ael(parse_ael(source, path="x.ael")).warnings]


def errors_of(source: str) -> str:
    with pytest.raises(AelError) as caught:
        compile_ael(parse_ael(source, path="x.ael"))
    return str(caught.value)


def test_the_printed_form_loads_as_the_same_plan() -> None:
    file = compile_ael(parse_ael(PROGRAM, path="x.ael"))
    direct = compile_plan(file)
    printed = compile_plan(parse_text(print_config(file), path="printed.conf"))
    assert plan_contents(printed) == plan_contents(direct)
    assert printed.globals == direct.globals == {"CONSOLE": '"Console/dsp"', "WITH": "a;b"}
    assert {step.source for step in direct.contexts["default"].extension("100", None).steps.values()
            } >= {"a; b ;-- c --;"}  # fmt: skip


def test_steps_know_their_line_of_the_ael_file() -> None:
    plan = compiled("context a {\n s => {\n  Answer();\n  x=1;\n }\n}")
    steps = plan.contexts["a"].extension("s", None).steps
    assert [(step.path, step.line) for step in steps.values()] == [("x.ael", 3), ("x.ael", 4)]


def test_the_printed_form_is_readable() -> None:
    file = compile_ael(
        parse_ael("context a { _X => { switch (${EXTEN}) { case 1: NoOp(${EXTEN}); } } }")
    )
    assert print_config(file) == dedent("""\
        [a]
        exten => _X,1,Set(~~EXTEN~~=${EXTEN})
         same => n,Goto(sw_1_${EXTEN},1)
         same => n(sw_1_end),NoOp(Finish sw_1)
        exten => sw_1_1,1,NoOp(${~~EXTEN~~})
         same => n,Goto(_sw_1_!,1)
        exten => _sw_1_!,1,Goto(${~~EXTEN~~},sw_1_end)
    """)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("goto nowhere;", "x.ael:1:20: there is no label nowhere in extension s"),
        ("a: a: NoOp();", "x.ael:1:23: label a is there twice"),
        ("break;", "x.ael:1:20: break outside of a loop or switch"),
        ("switch (1) { case 1: continue; }", "x.ael:1:41: continue outside of a loop"),
        ("switch (1) { case 1: case 1: }", "x.ael:1:41: case 1 is there twice"),
        ("switch (1) { default: default: }", "x.ael:1:42: default  is there twice"),
        ("ifTime (25:00-26:00|*|*|*) NoOp();", "x.ael:1:20: "),
        ("&a();", "x.ael:1:20: a is a context, not a macro"),
    ],
)
def test_a_program_that_can_not_work_is_refused(body: str, error: str) -> None:
    assert errors_of(f"context a {{ s => {{ {body} }} }}").startswith(error)


def test_all_mistakes_are_named_at_once() -> None:
    text = errors_of("context a { s => { goto x;\n break; } }\nmacro m(a) { &m(); }")
    assert text.splitlines() == [
        "x.ael:1:20: there is no label x in extension s",
        "x.ael:2:2: break outside of a loop or switch",
        "x.ael:3:14: macro m takes 1 arguments, not 0",
    ]


@pytest.mark.parametrize(
    ("source", "warning"),
    [
        ("context a { }", "x.ael:1:1: context a is empty"),
        ("context a { s => { } }", "x.ael:1:13: extension s is empty"),
        ("context a { s => NoOp(); } context a { t => NoOp(); }", "x.ael:1:28: context a is there"),
        ("abstract context a { s => NoOp(); }", "x.ael:1:1: abstract context a is not included"),
        ("context a { s => &m(); }", "x.ael:1:18: there is no macro m in this file"),
        ("macro m() { }", "x.ael:1:1: macro m is empty"),
        ("macro m() { m(); }", "x.ael:1:13: m is a macro; without & it is not called"),
        ("context a { s => { return; NoOp(); } }", "x.ael:1:28: this is never reached"),
        ("context a { s => { 5: NoOp(); } }", "x.ael:1:20: label 5 is a number"),
        ("context a { s => GotoIf(1?a:b); }", "x.ael:1:18: GotoIf() can be written with AEL's if"),
        ("context a { s => jump 1@b; }", "x.ael:1:18: there is no context b in this file"),
        ("context a { s => jump 1; }", "x.ael:1:18: there is no extension 1 in context a"),
        ("context a { s => goto s,x; }", "x.ael:1:18: there is no label x in s@a"),
        ("context a { s => switch (1) { } }", "x.ael:1:18: switch without a case"),
        ("context a { s => switch (1) { case 1: } }", "x.ael:1:18: switch without a default"),
        ("context a { s => x=$[1+1]; }", "x.ael:1:18: '$[1+1]' is put in $[ ] once more"),
        ("context a { s => x=foo+bar; }", "x.ael:1:18: 'foo+bar' has an operator between names"),
        ("context a { s => if (1 +) NoOp(); }", "x.ael:1:18: '1 +': "),
        ("context a { x=1; s => NoOp(); }", "x.ael:1:13: an assignment outside of an extension"),
    ],
)
def test_what_hardly_means_what_it_says_is_warned_of(source: str, warning: str) -> None:
    found = warnings_of(source)
    assert any(text.startswith(warning) for text in found), found


def test_a_goto_into_an_included_context_and_pattern_is_no_mistake() -> None:
    source = """
        context a { includes { b; } s => { if (1) jump 123; if (2) goto 123,here; goto a,s,1; } }
        context b { _1XX => { here: NoOp(); } }
    """
    assert warnings_of(source) == []


def test_generated_names_keep_clear_of_the_sections_of_extensions_conf() -> None:
    assert "a context can't be called 'globals'" in errors_of("context globals { s => NoOp(); }")
    assert "a variable can't be called '[A'" in errors_of("globals { [A=1; }")
    assert "a context can't be called 'a[b]'" in errors_of("context a[b] { s => NoOp(); }")


def test_a_macro_and_a_context_can_not_share_a_name() -> None:
    assert "a is a macro and a context" in errors_of("macro a() { NoOp(); } context a { }")


def test_duplicate_extensions_are_reported_by_the_loader() -> None:
    plan = compiled("context a { s => NoOp(1); s => NoOp(2); }")
    assert any("has a priority 1 already" in warning for warning in plan.warnings)
