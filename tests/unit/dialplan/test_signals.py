"""Applications that send something to the far end or as an event."""

from __future__ import annotations

import pytest

from tests.support.dialplan import DialplanUnderTest


async def test_senddtmf_sends_with_its_times(dut: DialplanUnderTest) -> None:
    channel = await dut.run("SendDTMF(12#a,200,150)\nWaitDigit()")
    (said,) = [said for said in dut.leg(channel).said if said[0] == "dtmf"]
    times = {"before_ms": 0, "between_ms": 200, "duration_ms": 150, "after_ms": 200}
    assert said == ("dtmf", "12#A", times)


@pytest.mark.parametrize("digits", ["", "x", "1&2", "w"])
async def test_senddtmf_refuses_what_are_no_digits(
    dut: DialplanUnderTest, digits: str, caplog: pytest.LogCaptureFixture
) -> None:
    channel = await dut.run(f"SendDTMF({digits})\nSet(A=on)")
    assert not [said for said in dut.leg(channel).said if said[0] == "dtmf"]
    assert channel.variables.get("A") == "on"
    assert "digits: " in caplog.text


async def test_userevent_reaches_those_who_follow_the_channel(dut: DialplanUnderTest) -> None:
    collector = dut.under.connect("app", subscribe_all=True)
    channel = await dut.run('UserEvent(Hello,key: a value,other:"x,y")\nWaitDigit()')
    (event,) = collector.of("ChannelUserevent")
    assert event["eventname"] == "Hello"
    assert event["userevent"] == {"key": "a value", "other": "x,y"}
    assert event["channel"]["id"] == channel.id


async def test_raiseexception_goes_to_e(dut: DialplanUnderTest) -> None:
    dut.load("exten => s,1,RaiseException(WHY)\nexten => e,1,Set(A=${EXCEPTION(reason)})")
    assert (await dut.call()).variables.get("A") == "WHY"


@pytest.mark.parametrize(
    ("target", "status", "said"),
    [
        ("PJSIP/bob", "SUCCESS", ("redirect", "bob")),
        ("sip:bob@example.org", "SUCCESS", ("redirect", "sip:bob@example.org")),
        ("Local/1@x", "FAILURE", None),
        ("", "FAILURE", None),
    ],
)
async def test_transfer(
    dut: DialplanUnderTest, target: str, status: str, said: tuple[str, str] | None
) -> None:
    channel = await dut.run(f"Transfer({target})\nWaitDigit()")
    assert channel.variables.get("TRANSFERSTATUS") == status
    redirects = [each for each in dut.leg(channel).said if each[0] == "redirect"]
    assert redirects == ([said] if said else [])
