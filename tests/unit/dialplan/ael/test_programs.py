"""What AEL programs do when a call runs them."""

from __future__ import annotations

from textwrap import dedent

import pytest

from server.dialplan.ael.compiler import compile_ael
from server.dialplan.ael.parser import parse_ael
from server.dialplan.loader import compile_plan
from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest


def load(dut: DialplanUnderTest, source: str) -> list[str]:
    program = parse_ael(dedent(source), path="extensions.ael")
    return dut.dialplan.install(compile_plan(compile_ael(program)))


async def run(dut: DialplanUnderTest, source: str, exten: str = "s") -> Channel:
    load(dut, source)
    return await dut.call(exten)


async def log_of(dut: DialplanUnderTest, body: str, more: str = "") -> str | None:
    """Run the statements of *body*; ``&say(x)`` adds a word to the log that is returned."""
    channel = await run(
        dut,
        f"""
        macro say(word) {{ LOG="${{LOG}}${{word}} "; }}
        {more}
        context default {{ s => {{ LOG=""; {body} }} }}
        """,
    )
    assert channel.is_hungup
    return (dut.value(channel, "LOG") or "").strip()


@pytest.mark.parametrize(
    ("body", "log"),
    [
        ("if (1 > 2) { &say(a); } else &say(b); &say(c);", "b c"),
        ("if (2 > 1) &say(a); &say(c);", "a c"),
        ("if (0) &say(a); else if (0) &say(b); else if (1) &say(c); else &say(d);", "c"),
        ("if (1) if (0) &say(a); else &say(b);", "b"),
        ("x=3; while (${x} > 0) { x=${x}-1; if (${x} = 1) continue; &say(${x}); }", "2 0"),
        ("while (1) { &say(a); break; } &say(b);", "a b"),
        ("for (i=0; ${i} < 3; i=${i}+1) &say(${i});", "0 1 2"),
        (("for (i=0; ${i} < 5; i=${i}+1) { if (${i} = 1) continue; if (${i} = 3) break; "
          "&say(${i}); }"), "0 2"),
        ("for (Set(i=7); ${i} < 8; Set(i=8)) { &say(${i}); }", "7"),
        ("i=0; for (; ${i} < 2; &say(x)) { i=${i}+1; }", "x x"),
        (("for (i=0; ${i} < 2; i=${i}+1) for (j=0; ${j} < 2; j=${j}+1) { if (${j}) break; "
          "&say(${i}${j}); }"), "00 10"),
        ("goto there; &say(a); there: &say(b);", "b"),
        ("&say(a); return; &say(b);", "a"),
        ("random (100) &say(a); random (0) { &say(b); } else { &say(c); }", "a c"),
        ("ifTime (*|*|*|*) &say(a); else &say(b);", "a"),
        ("ifTime (00:00-23:59,*,31,feb) &say(a); else &say(b);", "b"),
        (";;; { ; } &say(a);;", "a"),
    ],
)  # fmt: skip
async def test_statements_do_what_they_say(dut: DialplanUnderTest, body: str, log: str) -> None:
    assert await log_of(dut, body) == log


@pytest.mark.parametrize(
    ("value", "log"),
    [
        ("1", "one two end"),  # falls through
        ("2", "two end"),
        ("37", "pattern end"),
        ("3", "default end"),
        ("${EMPTY}", "default end"),
        ("X", "letter end"),
        ("a/b", "slash end"),
        ("hello world", "blank end"),
        ('"hello world"', "blank end"),
        ("again", "one two end"),
    ],
)
async def test_switch_chooses_and_falls_through(
    dut: DialplanUnderTest, value: str, log: str
) -> None:
    body = f"""
        switch ({value}) {{
        case 1: first: &say(one);
        case 2: &say(two); break;
        pattern NX: &say(pattern); break;
        case X: &say(letter); break;
        case a/b: &say(slash); break;
        case again: goto first;
        case "hello world": &say(blank); break;
        default: &say(default);
        }}
        &say(end);
    """
    assert await log_of(dut, body) == log


async def test_a_switch_without_a_default_goes_on_behind_it(dut: DialplanUnderTest) -> None:
    assert await log_of(dut, "switch (x) { case 1: &say(a); } &say(b);") == "b"


async def test_empty_cases_share_the_next_ones_statements(dut: DialplanUnderTest) -> None:
    body = "switch (b) { case a: case b: case c: &say(abc); break; default: &say(d); }"
    assert await log_of(dut, body) == "abc"


async def test_continue_and_goto_lead_out_of_a_switch(dut: DialplanUnderTest) -> None:
    body = """
        for (i=0; ${i} < 4; i=${i}+1) {
            switch (${i}) { case 0: continue; case 2: goto out; default: &say(${i}); }
            &say(x);
        }
        out: &say(out);
    """
    assert await log_of(dut, body) == "1 x out"


async def test_switches_inside_each_other_know_the_dialled_extension(
    dut: DialplanUnderTest,
) -> None:
    channel = await run(
        dut,
        """
        context default { _1XX => {
            switch (${EXTEN:0:2}) {
            case 12: switch (${EXTEN:2}) { case 3: RESULT="in ${EXTEN}"; break; default: ; }
                break;
            default: RESULT=none;
            }
            BACK=${EXTEN};
        } }
        """,
        "123",
    )
    assert dut.value(channel, "RESULT") == "in 123"
    assert dut.value(channel, "BACK") == "123"


async def test_macros_have_arguments_of_their_own_and_give_values_back(
    dut: DialplanUnderTest,
) -> None:
    more = """
        macro outer(a, b) { local word=${b}; &inner(${a}); &say(${a}${word}); }
        macro inner(a) { &say(in-${a}); switch (${a}) { case x: return; default: &say(no); } }
    """
    assert await log_of(dut, '&outer(x, "y"); &say(<${a}${word}>);', more) == "in-x xy <>"


async def test_a_catch_is_an_extension_of_the_macros_context(dut: DialplanUnderTest) -> None:
    more = "macro m() { jump a; catch a { &say(caught); goto m,~~s~~,over; } over: &say(over); }"
    assert await log_of(dut, "&m(); &say(end);", more) == "caught over end"


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("x=1+2;", "3"),
        ("x = blah ;", "blah"),
        ('x="a b";', "a b"),  # MSet takes the quotes away
        ('x="a, b";', "a, b"),
        ("x=${MISSING};", ""),
        (r'x="a\;b";', "a;b"),
        ("x=${LEN(abc)} * 2;", "6"),
        ("Set(x=\"a\");", '"a"'),
        ("Set(x=a(b;c)d);", "a(b;c)d"),
        ("Set(x=a\n     b);", "a b"),
    ],
)  # fmt: skip
async def test_values_are_expressions(dut: DialplanUnderTest, statement: str, value: str) -> None:
    channel = await run(dut, f"context default {{ s => {{ {statement} }} }}")
    assert (dut.value(channel, "x") or "") == value


async def test_functions_are_written_like_variables(dut: DialplanUnderTest) -> None:
    channel = await run(dut, 'context default { s => { CALLERID(name)="Bob B"; } }')
    assert channel.caller.name == "Bob B"


@pytest.mark.parametrize("statement", ["jump 1@other;", "jump 1,1@other;", "goto other|1|1;",
                                       "goto other,1,here;", "jump 1,here@other;"])  # fmt: skip
async def test_goto_and_jump_reach_other_contexts(dut: DialplanUnderTest, statement: str) -> None:
    channel = await run(
        dut,
        f"""
        context default {{ s => {statement} }}
        context other {{ 1 => {{ here: RESULT=there; }} }}
        """,
    )
    assert dut.value(channel, "RESULT") == "there"


async def test_contexts_include_and_hold_hints_and_globals(dut: DialplanUnderTest) -> None:
    channel = await run(
        dut,
        """
        globals { GREETING=hello; }
        context default {
            includes { more; never|*|*|31|feb; }
            ignorepat => 9;
            hint(PJSIP/alice&Custom:x) 100 => Answer();
        }
        abstract context more { regexten 5 => RESULT=five; s => RESULT="${GREETING} more"; }
        context never { s => RESULT=never; }
        """,
    )
    assert dut.value(channel, "RESULT") == "hello more"
    plan = dut.dialplan.plan
    assert plan.find_hint("default", "100", 0.0) == "PJSIP/alice&Custom:x"
    assert plan.ignores("default", "9", 0.0)
    assert plan.find("default", "5", 1, "", 0.0) is None, "regexten leaves priority 1 free"
    assert plan.find("default", "5", 2, "", 0.0) is not None


async def test_extensions_are_for_certain_callers(dut: DialplanUnderTest) -> None:
    load(dut, "context default { s/555 => X=1; s => X=2; _1[2-4]!/ => X=3; }")
    extensions = {(e.name, e.caller.name if e.caller else None)
                  for e in dut.dialplan.plan.contexts["default"]}  # fmt: skip
    assert extensions == {("s", "555"), ("s", None), ("_1[2-4]!", "")}


async def test_aelsub_calls_a_macro_from_extensions_conf(dut: DialplanUnderTest) -> None:
    load(
        dut,
        """
        macro add(a, b) { SUM=${a}+${b}; }
        context default { s => { AELSub(add,2,3); AFTER=yes; } }
        """,
    )
    channel = await dut.call()
    assert dut.value(channel, "SUM") == "5"
    assert dut.value(channel, "AFTER") == "yes"
