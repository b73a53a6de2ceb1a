"""What extensions.conf may say, and what happens to lines that make no sense."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from server.base.errors import ConfigError
from server.config.ini import parse_text
from server.dialplan.loader import compile_plan
from server.dialplan.plan import Extension, Plan
from tests.support.dialplan import DialplanUnderTest


def load(body: str) -> Plan:
    return compile_plan(parse_text(f"[ctx]\n{body}", path="extensions.conf"))


def only(plan: Plan, name: str) -> Extension:
    return next(each for each in plan.contexts["ctx"] if each.name == name)


@pytest.mark.parametrize(
    ("line", "priority", "label", "application", "data"),
    [
        ("exten => 1,1,NoOp", 1, "", "NoOp", ""),
        ("exten => 1,1,NoOp()", 1, "", "NoOp", ""),
        ("exten = 1 , 1 , NoOp(a) ", 1, "", "NoOp", "a"),
        ("exten => 1,1,NoOp(a,b)", 1, "", "NoOp", "a,b"),
        ("exten => 1,5(here),NoOp(a)", 5, "here", "NoOp", "a"),
        ("exten => 1,1(here),NoOp(a)", 1, "here", "NoOp", "a"),
        ("exten => 1,1+10(here),NoOp(a)", 11, "here", "NoOp", "a"),
        ("exten => 1,1(here)+10,NoOp(a)", 11, "here", "NoOp", "a"),
        ("exten => 1,1,Set(X=(a))", 1, "", "Set", "X=(a)"),
        ("exten => 1,1,GotoIf($[1]?a:b)", 1, "", "GotoIf", "$[1]?a:b"),
    ],
)  # fmt: skip
def test_a_step(line: str, priority: int, label: str, application: str, data: str) -> None:
    plan = load(line)
    step = only(plan, "1").steps[priority]
    assert (step.label, step.application, step.source) == (label, application, data)
    assert plan.warnings == []


def test_same_n_and_s_continue_the_extension_above() -> None:
    plan = load(
        "exten => 1,1,A()\nsame => n,B()\nsame => n(x),C()\nexten => 1,s+5,D()\n"
        "exten => 1,n,E()\nexten => 2,1,F()\nsame => n,G()\n"
    )
    steps = {p: s.application for p, s in only(plan, "1").steps.items()}
    assert steps == {1: "A", 2: "B", 3: "C", 8: "D", 9: "E"}
    assert only(plan, "1").labels == {"x": 3}
    assert {p: s.application for p, s in only(plan, "2").steps.items()} == {1: "F", 2: "G"}


def test_a_label_may_stand_for_its_priority() -> None:
    plan = load("exten => 1,1,A()\nsame => 5(here),B()\nsame => here+1,C()\nsame => gone,D()\n")
    assert sorted(only(plan, "1").steps) == [1, 5, 6]
    assert len(plan.warnings) == 1


def test_a_hint_takes_no_priority_and_may_name_a_presence() -> None:
    plan = load("exten => 1,1,A()\nsame => hint,PJSIP/a&Custom:b,CustomPresence:c\nsame => n,B()\n")
    assert plan.warnings == []
    extension = only(plan, "1")
    assert extension.hint == "PJSIP/a&Custom:b,CustomPresence:c"
    assert extension.hint_source == ("extensions.conf", 3)
    assert sorted(extension.steps) == [1, 2]


def test_includes_patterns_and_switches_take_global_variables() -> None:
    source = """
[globals]
WHERE=other
[ctx]
include => ${WHERE}|9:00-17:00|mon-fri|*|*|Europe/Berlin
ignorepat => ${WHERE}9
switch => Loopback/@${WHERE}
[other]
"""
    plan = compile_plan(parse_text(source, path="extensions.conf"))
    context = plan.contexts["ctx"]
    assert plan.warnings == []
    assert context.includes[0].context == "other"
    assert context.includes[0].condition is not None
    assert context.ignore_patterns[0].name == "other9"
    assert context.switches[0].source == "Loopback/@other"


def test_general_options_are_kept() -> None:
    source = """
[general]
static=yes
writeprotect=yes
autofallthrough=no
clearglobalvars=yes
extenpatternmatchnew=yes
userscontext=people
"""
    plan = compile_plan(parse_text(source, path="extensions.conf"))
    assert plan.warnings == []
    assert (plan.is_static, plan.is_write_protected, plan.clear_globals) == (True, True, True)
    assert (plan.autofallthrough, plan.users_context) == (False, "people")


def test_a_catch_all_that_fits_special_extensions_is_remarked_upon() -> None:
    plan = load("exten => _.,1,A()\n")
    assert [warning.partition(": ")[2] for warning in plan.warnings] == [
        "_. fits i, t and h as well; _X. is usually what is meant"
    ]


def test_patterns_with_commas_in_sets_and_caller_ids() -> None:
    plan = load("exten => _[1,2]X,1,A()\nexten => 5/555,1,B()\nexten => 5/_6X.,1,C()\n")
    assert plan.warnings == []
    assert [each.name for each in plan.contexts["ctx"]] == ["5", "5", "_[1,2]X"]


def test_hints_ignorepats_and_includes_are_kept() -> None:
    plan = load(
        "exten => 1,hint,PJSIP/alice&PJSIP/bob\nexten => 1,1,A()\nignorepat => 9\n"
        "include => other\ninclude => night,18:00-8:00,mon-fri,*,*\n"
        "include => old|9:00-17:00|*|*|*\n"
    )
    assert only(plan, "1").hint == "PJSIP/alice&PJSIP/bob"
    context = plan.contexts["ctx"]
    assert [each.context for each in context.includes] == ["other", "night", "old"]
    assert [each.condition is None for each in context.includes] == [True, False, False]
    assert plan.ignores("ctx", "9", 0.0)


def test_globals_may_refer_to_those_before_them_and_name_extensions() -> None:
    plan = compile_plan(
        parse_text("[globals]\nA=1\nB=${A}2\n[ctx]\nexten => ${B},1,NoOp(${B})\n", path="x")
    )
    assert plan.globals == {"A": "1", "B": "12"}
    assert only(plan, "12").steps[1].source == "${B}"


def test_general_options() -> None:
    plan = compile_plan(
        parse_text("[general]\nautofallthrough=no\nclearglobalvars=yes\nfoo=1\n", path="x.conf")
    )
    assert (plan.autofallthrough, plan.clear_globals) == (False, True)
    assert plan.warnings == ["x.conf:4: unknown option foo"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("exten => 1", "expected name,priority"),
        ("exten => 1,1", "expected an application"),
        ("exten => 1,foo,A()", "'foo' is neither"),
        ("exten => 1,n,A()", "'n' can't be used on the first entry"),
        ("include => nowhere", "includes 'nowhere', which does not exist"),
        ("exten => 1,0,A()", "priority 0 is out of range"),
        ("exten => 1,99999999,A()", "out of range"),
        ("same => n,A()", "expected an extension before same"),
        ("exten => 1,1,A(b", "no closing parenthesis"),
        ("exten => 1,1,A(${b)", "missing '}'"),
        ("include => x,99:00-1:00,*,*,*", "is not a time of the day"),
        ("foo => bar", "unknown keyword"),
        ("exten => 1,1,A()\nexten => 1,1,B()", "has a priority 1 already"),
        ("exten => 1,1(x),A()\nsame => n(x),B()", "label x is used again"),
    ],
)
def test_a_line_that_makes_no_sense_is_skipped_with_file_and_line(line: str, message: str) -> None:
    plan = load(line + "\nexten => 2,1,Fine()")
    assert len(plan.warnings) == 1
    assert plan.warnings[0].startswith("extensions.conf:")
    assert message in plan.warnings[0]
    assert 1 in only(plan, "2").steps


async def test_a_broken_file_keeps_the_running_plan(tmp_path: Path) -> None:
    path = tmp_path / "extensions.conf"
    path.write_text("[default]\nexten => 1,1,Answer()\n")
    dut = DialplanUnderTest(tmp_path, path=str(path))
    await dut.start()
    assert await dut.dialplan.reload() == []
    path.write_text("[default\nexten => 2,1,Answer()\n")
    with pytest.raises(ConfigError, match=r"extensions\.conf:1"):
        await dut.dialplan.reload()
    assert dut.dialplan.has("default", "1", 1, "")
    path.write_text("[default]\nexten => 2,1,Answer()\n")
    await dut.dialplan.reload()
    assert not dut.dialplan.has("default", "1", 1, "")
    assert dut.dialplan.has("default", "2", 1, "")
    await dut.close()


def test_a_hundred_thousand_extensions_load_quickly_and_match_at_once() -> None:
    lines = [f"exten => {10_000_000 + n},1,Dial(PJSIP/{n},20)" for n in range(50_000)]
    lines += [f"exten => _{20_000 + n}X.,1,Dial(PJSIP/${{EXTEN}})" for n in range(50_000)]
    source = "[ctx]\n" + "\n".join(lines)
    began = time.process_time()
    plan = compile_plan(parse_text(source, path="x"))
    loading = time.process_time() - began
    began = time.process_time()
    for number in range(1_000):
        assert plan.find("ctx", str(10_000_000 + number), 1, "", 0.0) is not None
        assert plan.find("ctx", f"{20_000 + number}123", 1, "", 0.0) is not None
    matching = (time.process_time() - began) / 2_000
    print(f"100,000 extensions: {loading:.2f} s, {matching * 1e6:.1f} us a match")
    assert loading < 8.0  # 3 s on a quiet machine
    assert matching < 100e-6  # 10 us on a quiet machine
