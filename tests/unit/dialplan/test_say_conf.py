"""say.conf: rules of a user's for saying things."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config.ini import parse_text
from server.dialplan.say_conf import SayConf, is_new_mode
from server.dialplan.scope import Scope
from tests.support.dialplan import DialplanUnderTest

RULES = """
[general]
mode=new

[base](!)
    _digit:[0-9] => digits/${SAY}
    _digit:[0-9]. => digit:${SAY:0:1}, digit:${SAY:1}
    _date:Y:. => num:${SAY:0:4}
    _date:[Bb]:. => digits/mon-$[${SAY:4:2}-1]
    _date:[d]:. => num:${SAY:6:2}
    _date:[H]:. => num:${IF($[${SAY:8:2} > 12] ? $[${SAY:8:2}%12] : ${SAY:8:2})}

[xx](base)
    _[n]um:0. => num:${SAY:1}
    _[n]um:X => digits/${SAY}
    _[n]um:[1-9]X => digits/${SAY:0:1}0, num:${SAY:1}
    _[n]um:XXXX => num:${SAY:0:2}, num:${SAY:2}
    _datetime::. => date:dB 'digits/at' H:${SAY}
    loop:1 => loop:1
"""


def conf(dut: DialplanUnderTest) -> SayConf:
    return SayConf(parse_text(RULES, path="say.conf"), Scope(dut.dialplan, None))


@pytest.mark.parametrize(
    ("thing", "prompts"),
    [
        ("num:7", "digits/7"),
        ("num:42", "digits/40 digits/2"),
        ("num:1907", "digits/10 digits/9 digits/7"),
        ("digit:123", "digits/1 digits/2 digits/3"),
        ("datetime::202403052030.00-2-065", "digits/5 digits/mon-2 digits/at digits/8"),
        ("date:Y'and'd:190703052030.00-2-065", "digits/10 digits/9 digits/7 and digits/5"),
        ("nothing:1", ""),
        ("loop:1", ""),
        ("hello", "hello"),
    ],
)  # fmt: skip
async def test_rules_are_followed(dut: DialplanUnderTest, thing: str, prompts: str) -> None:
    assert conf(dut).prompts(thing, "xx_YY") == prompts.split()


async def test_other_languages_have_no_rules(dut: DialplanUnderTest) -> None:
    assert conf(dut).prompts("num:7", "en") is None
    assert conf(dut).prompts("num:7", "base") is None


@pytest.mark.parametrize(
    ("text", "is_new"),
    [("[general]\nmode=old\n[xx]\na=b", False), ("[xx]\na=b", False), ("", False), (RULES, True)],
)
def test_a_file_says_whether_its_rules_go_first(text: str, is_new: bool) -> None:
    assert is_new_mode(parse_text(text, path="f")) is is_new


async def test_in_the_old_mode_rules_are_for_playback_only(dut: DialplanUnderTest) -> None:
    say = dut.under.node.say
    say.rules = conf(dut).prompts
    assert say.number(42, "xx") == ["digits/40", "digits/2"]
    assert say.number(1907, "xx")[-1] == "digits/7"
    assert say.number(1907, "xx") != say.spoken("num", "1907", "xx")
    assert say.spoken("char", "a", "xx") == ["letters/a"]


async def test_rules_go_before_the_languages(dut: DialplanUnderTest) -> None:
    say = dut.under.node.say
    say.rules, say.is_ruled = conf(dut).prompts, True
    assert say.number(1907, "xx") == ["digits/10", "digits/9", "digits/7"]
    assert say.number(21, "de") == ["digits/1-and", "digits/20"]
    assert say.date_time(datetime(2024, 3, 5, 20, 30), "xx")[-1] == "digits/8"


async def test_the_file_is_read_with_the_dialplan(dut: DialplanUnderTest, tmp_path: Path) -> None:
    path = tmp_path / "say.conf"
    path.write_text(RULES)
    dut.dialplan.settings = type(dut.dialplan.settings)(say_path=str(path))
    await dut.dialplan.load_say_rules()
    assert dut.under.node.say.number(1907, "xx")[0] == "digits/10"
    path.unlink()
    await dut.dialplan.load_say_rules()
    assert dut.under.node.say.rules is None


@given(st.text(max_size=30))
def test_nothing_is_too_strange_to_say(text: str) -> None:
    file = parse_text(RULES.replace("${IF(", "x(").replace("$[", "x["), path="say.conf")
    rules = SayConf(file, Scope(_NO_DIALPLAN, None))
    assert isinstance(rules.prompts(text, "xx"), list)


class _NoDialplan:
    globals: dict[str, str] = {}
    constants: dict[str, str] = {}


_NO_DIALPLAN = _NoDialplan()
