"""Applications that say things in the caller's language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.dialplan.apps.say import parse_money
from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle

NEW_YEAR = 1704067200  # 2024-01-01 00:00:00 UTC


def played(dut: DialplanUnderTest) -> list[str]:
    """The names of the prompts of the last player, without its folder of digits."""
    if not dut.under.engine.players:
        return []
    return [
        source.path.split("/", 3)[3].removesuffix(".wav").removeprefix("digits/")
        for source in dut.under.engine.players[-1].sources
    ]


@pytest.mark.parametrize(
    ("step", "prompts"),
    [
        ("SayAlphaCase(a,aB)", "lowercase letters/a uppercase letters/b"),
        ("SayAlphaCase(u,aB)", "letters/a uppercase letters/b"),
        ("SayAlphaCase(x,aB)", ""),
        ("SayAlphaCase(a)", ""),
        ("SayPhonetic(a1)", "phonetic/a_p 1"),
        ("SayOrdinal(21)", "20 h-1"),
        ("SayOrdinal(first)", ""),
        ("SayNumber(9999999999)", ""),
        ("SayMoney(12.5)", "12 dollars and 50 cents"),
        ("SayMoney($1.00)", "1 letters/dollar"),
        ("SayCountedNoun(2,call)", "calls"),
        ("SayCountedNoun(1,call)", "call"),
        ("SayCountedNoun(one,call)", ""),
        ("SayCountedAdj(2,new,f)", "new"),
        ("SayCountedAdj(2,new,x)", ""),
        (f"SayUnixTime({NEW_YEAR},UTC,AdY)", "day-1 h-1 2 thousand 20 4"),
        (f"SayUnixTime({NEW_YEAR},America/New_York,Ad)", "day-0 30 h-1"),
        (f"DateTime({NEW_YEAR},UTC,'at'IMp)", "at 12 oclock a-m"),
    ],
)
async def test_things_are_said(dut: DialplanUnderTest, step: str, prompts: str) -> None:
    channel = await dut.run(f"{step}\nSet(A=1)\nWaitDigit()")
    assert played(dut) == prompts.split()
    assert (channel.variables.get("A") is None) is bool(prompts)


@pytest.mark.parametrize(
    ("language", "step", "prompts"),
    [
        ("de", "SayNumber(21)", "1-and 20"),
        ("de", "SayNumber(1,f)", "1F"),
        ("fr", "SayNumber(71)", "60 et 11"),
        ("ru", "SayCountedNoun(5,call)", "callx2"),
        ("ru", "SayCountedAdj(1,new,f)", "newf"),
        ("xx", "SayNumber(21)", "20 1"),
    ],
)
async def test_the_channels_language_counts(
    dut: DialplanUnderTest, language: str, step: str, prompts: str
) -> None:
    await dut.run(f"Set(CHANNEL(language)={language})\n{step}")
    assert played(dut) == prompts.split()


@pytest.mark.parametrize("when", ["", "soon", "1e30", "-99999999999", "nan", "inf"])
async def test_now_is_said_unless_told_otherwise(dut: DialplanUnderTest, when: str) -> None:
    await dut.run(f"SayUnixTime({when},Nowhere/Land,Q)")
    assert played(dut) == ["today"]


async def press(channel: Channel, digit: str) -> None:
    channel.on_dtmf(digit, 100)
    await settle()


@pytest.mark.parametrize(
    "step", ["Set(SAY_DTMF_INTERRUPT=TRUE)\nsame => n,SayDigits(123)", "SayUnixTime(,,A,j)"]
)
async def test_a_digit_begins_an_extension_if_it_may(dut: DialplanUnderTest, step: str) -> None:
    dut.load(f"exten => s,1,{step}\nexten => 5,1,Set(A=five)\nsame => n,WaitDigit()")
    channel = await dut.call()
    await press(channel, "5")
    assert channel.variables.get("A") == "five"
    assert not dut.under.engine.players[-1].is_running


async def test_a_digit_changes_nothing_otherwise(dut: DialplanUnderTest) -> None:
    dut.load("exten => s,1,SayDigits(123)\nexten => 5,1,Set(A=five)")
    channel = await dut.call()
    await press(channel, "5")
    assert dut.under.engine.players[-1].is_running
    assert channel.variables.get("A") is None


@pytest.mark.parametrize(
    ("text", "dollars", "cents"),
    [("12.34", 12, 34), ("12.3", 12, 30), ("12.345", 12, 34), (".5", 0, 50), ("7", 7, 0),
     ("$4", 4, 0), ("", 0, 0), ("-3.10", -3, -10), ("x", 0, 0)],
)  # fmt: skip
def test_money_is_read(text: str, dollars: int, cents: int) -> None:
    assert parse_money(text) == (dollars, cents)


@given(st.text(max_size=300))
def test_no_amount_is_too_strange(text: str) -> None:
    _, cents = parse_money(text)
    assert abs(cents) < 100
