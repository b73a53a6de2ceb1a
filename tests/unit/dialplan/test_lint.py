"""What ``arion dialplan check`` finds, and what it leaves in peace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config.ini import parse_text
from server.dialplan.lint import _option_letters, check_plan, covers
from server.dialplan.loader import compile_plan
from server.dialplan.pattern import Pattern
from server.dialplan.registry import Registry


def check(source: str) -> list[str]:
    plan = compile_plan(parse_text(source, path="e.conf"))
    return [str(remark) for remark in check_plan(plan, Registry.standard())]


SUB = "\n[sub]\nexten => s,1(begin),Return()\nexten => _7X,1,Return()\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Foo()", "no application 'Foo'"),
        ("NoOp(${BAR(x)})", "no function 'BAR'"),
        ("NoOp(${BAR(${X})})", "no function 'BAR'"),
        ("NoOp(${LEN(${BAR(x)})})", "no function 'BAR'"),
        ("NoOp($[1 + ${BAR(x)}])", "no function 'BAR'"),
        ("NoOp($[BAR(1)])", "no function 'BAR'"),
        ("Dial(PJSIP/a,30,tTY)", "Dial has no option Y"),
        ("Dial(PJSIP/a,${T},L(1000:500)YU(x(y))Z)", "Dial has no option Y, Z"),
        ("Read(X,,1,9)", "Read has no option 9"),
        ("Goto(none,s,1)", "Goto: there is no context 'none'"),
        ("Goto(sub,t,1)", "Goto: there is no extension t@sub"),
        ("Goto(sub,s,end)", "Goto: there is no 'end' in s@sub"),
        ("Goto(sub,s,2)", "Goto: there is no '2' in s@sub"),
        ("Goto(end)", "Goto: there is no 'end' in s@ctx"),
        ("GotoIf($[${X}=1]?end)", "GotoIf: there is no 'end' in s@ctx"),
        ("GotoIf(${X:1}?here:end)", "GotoIf: there is no 'end' in s@ctx"),
        ("GotoIfTime(9:00-17:00,*,*,*?end)", "GotoIfTime: there is no 'end' in s@ctx"),
        ("Gosub(sub,s,end(a,b))", "Gosub: there is no 'end' in s@sub"),
        ("GosubIf(${X}?sub,s,begin(1):sub,x,1)", "GosubIf: there is no extension x@sub"),
    ],
)
def test_what_is_not_there_is_found(line: str, message: str) -> None:
    assert check(f"[ctx]\nexten => s,1(here),{line}\n{SUB}") == [f"e.conf:2: {message}"]


@pytest.mark.parametrize(
    "line",
    [
        "Goto(sub,s,begin)", "Goto(sub,71,1)", "Goto(${X},s,1)", "Goto(sub,${X},9)", "Goto(here)",
        "Goto(sub,s,${X})", "Gosub(sub,s,1(${X}))", "GotoIf($[${X:1}]?here)", "Goto(+2)",
        "Dial(PJSIP/a,30,tTg${X}L(1:2))", "Dial(PJSIP/a)", "Record(x.wav,,,qk)",
        "NoOp($[SIN(1)])", "NoOp(${${X}(y)})", "noop(${len(x)})",
    ],
)  # fmt: skip
def test_what_is_there_or_cannot_be_told_is_left_in_peace(line: str) -> None:
    assert check(f"[ctx]\nexten => s,1(here),{line}\n{SUB}") == []


def test_targets_in_included_contexts_and_behind_switches_count() -> None:
    assert check("""
[a]
exten => 1,1,Goto(b,7,1)
 same => n,NoOp()
exten => 2,1,Goto(c,7,1)
[b]
include => d,9:00-10:00,*,*,*
[c]
switch => Loopback/@d
[d]
exten => 7,1,Hangup()
""") == ["e.conf:4: 1@a: Goto before it never goes on"]


@pytest.mark.parametrize(
    ("lines", "remarks"),
    [
        (["1,1,NoOp()", "1,3,NoOp()"], ["1@c: no priority 2 leads to 3"]),
        (["1,2,NoOp()"], ["1@c has no priority 1, so no call begins there"]),
        (["1,1,Hangup()", "1,2,NoOp()"], ["1@c: Hangup before it never goes on"]),
        (["1,1,Hangup()", "1,2(x),NoOp()"], []),
        (["1,1,GotoIf(${X}?3)", "1,2,Hangup()", "1,3,NoOp()"], []),
        (["1,1,Goto(${X})", "1,2,NoOp()"], []),
        (["1,1,Dial(PJSIP/a)", "1,2,NoOp()"], []),
        (["1,1,Goto(2,3)", "2,1,Hangup()", "2,3,NoOp()"], []),
    ],
)
def test_steps_that_no_call_reaches(lines: list[str], remarks: list[str]) -> None:
    source = "[c]\n" + "".join(f"exten => {line}\n" for line in lines)
    assert [remark.partition(": ")[2] for remark in check(source)] == remarks


def test_an_extension_that_hides_those_of_an_included_context() -> None:
    assert check("""
[a]
exten => _X.,1,Hangup()
exten => 5,1,Hangup()
include => b
[b]
exten => 12,1,Hangup()
exten => _1X!,1,Hangup()
exten => 5,1,Hangup()
exten => *8,1,Hangup()
""") == ["e.conf:3: _X.@a hides 12, _1X! of the included context b"]


def test_an_extension_that_runs_on_into_an_included_catch_all() -> None:
    assert check("""
[a]
exten => 12,1,NoOp()
exten => 13,1,Hangup()
include => b
[b]
exten => _X.,1,NoOp()
 same => n,Hangup()
""") == ["e.conf:3: 12@a goes on at priority 2 of _X.@b"]


def test_the_option_letters_are_the_published_ones() -> None:
    data = Path(__file__).parents[2] / "data" / "dialplan" / "applications.json"
    published = json.loads(data.read_text())
    for name, (_index, letters) in _option_letters().items():
        found = next((each for each in published if each.lower() == name), None)
        if found is not None:
            options = {option.partition("(")[0] for option in published[found]["options"]}
            assert set(letters) == options, name


ELEMENTS = st.lists(st.sampled_from(["0", "1", "X", "Z", "N", "[12]", "[0-4]"]), max_size=3)
NAMES = st.builds(
    lambda elements, end: "_" + "".join(elements) + end, ELEMENTS, st.sampled_from(["", ".", "!"])
)


@given(NAMES, NAMES, st.text("0123", max_size=5))
def test_a_name_that_covers_another_fits_whatever_that_fits(
    one: str, other: str, number: str
) -> None:
    if covers(one, other) and Pattern(other).matches(number):
        assert Pattern(one).matches(number)
    assert covers(one, one)
