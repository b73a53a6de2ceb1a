"""DISA() and PrivacyManager(): codes, dial tones, and numbers that are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.dialplan.apps.disa import read_codes
from server.resources.channel import Channel
from server.tech.base import IncomingCall, Party
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle
from tests.unit.dialplan.test_mixmonitor import until

PLAN = """
    [default]
    exten => s,1,DISA({disa})
    same => n,Set(LOG=back)
    [inside]
    exten => _1XX,1,Set(LOG=${EXTEN} ${CALLERID(num)} ${CHANNEL(accountcode)})
    same => n,Wait(600)
    [strict]
    exten => 7,1,Wait(600)
    exten => i,1,Set(LOG=invalid ${INVALID_EXTEN})
    same => n,Wait(600)
"""


async def dial(dut: DialplanUnderTest, disa: str, digits: str) -> Channel:
    dut.load(PLAN.replace("{disa}", disa))
    channel = await dut.call("s")
    for digit in digits:
        channel.on_dtmf(digit, 100)
        await settle()
    return channel


def tones(dut: DialplanUnderTest, channel: Channel) -> list[object]:
    calls = dut.under.engine.calls(channel.leg.stream)
    return [c[2] for c in calls if c[0] == "STREAM_BACKGROUND" and c[1] == 3]


async def test_the_code_opens_a_dial_tone_and_the_call_goes_on_from_there(
    dut: DialplanUnderTest,
) -> None:
    channel = await dial(dut, '1234,inside,"Boss" <99>', "1234#101")
    assert channel.variables.get("LOG") == "101 99 1234"
    assert channel.state == "Up"
    tone = dut.under.node.tone("dial")
    assert tones(dut, channel) == [tone, tone]


@pytest.mark.parametrize("digits", ["1235#", "#", "1234#9"])
async def test_a_wrong_code_or_extension_gets_the_congestion_tone(
    dut: DialplanUnderTest, digits: str
) -> None:
    channel = await dial(dut, "1234,inside", digits)
    assert tones(dut, channel)[-1] == dut.under.node.tone("congestion")
    assert channel.variables.get("LOG") is None


async def test_no_password_needs_no_code_and_i_takes_what_is_wrong(dut: DialplanUnderTest) -> None:
    channel = await dial(dut, "no-password,strict,,,n", "9")
    assert channel.variables.get("LOG") == "invalid 9"
    assert channel.state == "Ring"


async def test_the_pound_key_can_end_the_extension(dut: DialplanUnderTest) -> None:
    channel = await dial(dut, "no-password,inside,,,p", "10#")
    assert tones(dut, channel)[-1] == dut.under.node.tone("congestion")


async def test_a_file_has_codes_with_places_of_their_own(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    codes = tmp_path / "codes"
    codes.write_text("; mine\n\n1111,nowhere\n2222|inside|77\n3333\n")
    channel = await dial(dut, f"{codes},strict", "")
    for _ in range(100):
        await settle()
        if tones(dut, channel):
            break
    for digit in "2222#102":
        channel.on_dtmf(digit, 100)
        await settle()
    assert await until(channel, "LOG") == "102 77 2222"
    channel = await dial(dut, f"{tmp_path}/none,strict", "")


def test_lines_of_codes_are_read_or_passed_over() -> None:
    lines = ["# no", "12", "34,ctx,5", "56|ctx|x y|box", "ab,ctx", "no-password,open", " "]
    found = [(each.code, each.context, each.caller_id) for each in read_codes(lines, "d")]
    assert found == [
        ("12", "d", ""), ("34", "ctx", "5"), ("56", "ctx", "x y"), ("no-password", "open", ""),
    ]  # fmt: skip


@given(st.lists(st.text(max_size=30), max_size=10))
def test_any_file_gives_codes_of_digits_only(lines: list[str]) -> None:
    for access in read_codes(lines, "d"):
        assert access.code.isdigit() or access.code == "no-password"


async def ask(dut: DialplanUnderTest, arguments: str, number: str = "") -> Channel:
    dut.load(
        f"exten => s,1,PrivacyManager({arguments})\n"
        "same => n,Set(LOG=${PRIVACYMGRSTATUS}-${CALLERID(num)})\nsame => n,Wait(600)\n"
        "exten => 5551234,1,NoOp()"
    )
    leg = dut.under.phones.make_leg("alice")
    dut.under.incoming.incoming(leg, IncomingCall("alice", "default", "s", Party(number=number)))
    channel = dut.under.registry.find(leg.name)
    assert channel is not None
    await settle()
    return channel


async def hear(dut: DialplanUnderTest, count: int) -> str:
    """Let prompts end, and return the name of the last one."""
    name = ""
    for _ in range(count):
        player = dut.under.engine.players[-1]
        name = Path(player.sources[0].path).stem
        player.finish()
        await settle()
    return name


async def test_a_number_that_is_shown_is_let_through(dut: DialplanUnderTest) -> None:
    channel = await ask(dut, "", "4711")
    assert channel.variables.get("LOG") == "-4711"


async def test_a_number_that_is_not_shown_is_asked_for(dut: DialplanUnderTest) -> None:
    channel = await ask(dut, "2,7,,default")
    assert await hear(dut, 2) == "privacy-prompt"
    for digit in "5559999#":
        channel.on_dtmf(digit, 100)
        await settle()
    assert await hear(dut, 2) == "privacy-prompt"  # after that it was incorrect
    for digit in "5551234#":
        channel.on_dtmf(digit, 100)
        await settle()
    assert await hear(dut, 1) == "privacy-thankyou"
    assert channel.variables.get("LOG") == "SUCCESS-5551234"


async def test_who_says_nothing_useful_fails(dut: DialplanUnderTest) -> None:
    channel = await ask(dut, "1")
    await hear(dut, 2)
    for digit in "123#":
        channel.on_dtmf(digit, 100)
        await settle()
    await hear(dut, 1)
    assert channel.variables.get("LOG") == "FAILED-"
