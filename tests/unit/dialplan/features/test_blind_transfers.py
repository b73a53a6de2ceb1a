"""Blind transfer, hanging up and passing digits on."""

from __future__ import annotations

from server.config.sections.features import FeatureMap, Features
from tests.support.calls import (
    called,
    channel_of,
    configure,
    press,
    sent_digits,
    talk,
    together,
    until,
)
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle

SOURCE = """
    exten => s,1,Dial(PJSIP/bob,,tThHg)
    same => n,Set(A=after Dial)
    same => n,WaitDigit()
    exten => 55,1,Set(A=at 55 by ${BLINDTRANSFER})
    same => n,WaitDigit()
    exten => 66,1,Dial(PJSIP/carol,,t)
"""


async def test_a_digit_that_is_a_feature_does_not_reach_the_other(dut: DialplanUnderTest) -> None:
    configure(dut)
    caller, peer = await talk(dut, SOURCE)
    await press(peer, "#")
    assert sent_digits(dut.leg(caller)) == []


async def test_digits_that_are_none_reach_the_other(dut: DialplanUnderTest) -> None:
    configure(dut, features=Features(featuremap=FeatureMap(blindxfer="##")))
    caller, peer = await talk(dut, SOURCE)
    await press(peer, "4#5")
    assert sent_digits(dut.leg(caller)) == ["4", "#5"]
    assert sent_digits(peer.leg) == []
    await press(peer, "#")
    await until(lambda: sent_digits(dut.leg(caller)) == ["4", "#5", "#"])


async def test_the_engine_keeps_digits_back_only_from_who_has_features(
    dut: DialplanUnderTest,
) -> None:
    configure(dut)
    caller, peer = await talk(dut, SOURCE.replace("tThHg", "t"))
    calls = [each for each in dut.under.engine.calls() if "BRIDGE_DTMF" in each]
    assert len(calls) == 1
    assert peer.leg.stream.handle in calls[0]
    assert caller.leg.stream.handle not in calls[0]


async def test_who_was_transferred_can_be_transferred_again(dut: DialplanUnderTest) -> None:
    configure(dut, transferdigittimeout=1)
    caller, peer = await talk(dut, SOURCE)
    await press(peer, "#66")
    await until(lambda: len(called(dut)) == 2)
    carol = channel_of(called(dut)[1])
    carol.on_answered()
    await settle()
    assert together(caller) == {caller.name, carol.name}
    assert peer.is_hungup
    await press(carol, "#55")
    assert caller.variables.get("A") == f"at 55 by {carol.name}"


async def test_the_transferring_caller_goes_on_with_g(dut: DialplanUnderTest) -> None:
    configure(dut, transferdigittimeout=1)
    caller, peer = await talk(dut, SOURCE)
    await press(caller, "#55")
    await until(lambda: caller.variables.get("A"))
    assert caller.variables.get("A") == "after Dial"
    assert peer.variables.get("A") == f"at 55 by {caller.name}"


async def test_transfer_context_is_where_the_digits_are_looked_up(dut: DialplanUnderTest) -> None:
    configure(dut, transferdigittimeout=1)
    source = """
        [default]
        exten => s,1,Set(__TRANSFER_CONTEXT=inner)
        same => n,Dial(PJSIP/bob,,t)
        [inner]
        exten => 9,1,Set(A=inner)
        same => n,WaitDigit()
    """
    caller, peer = await talk(dut, source)
    await press(peer, "#9")
    assert caller.variables.get("A") == "inner"


async def test_the_events_say_that_we_transferred(dut: DialplanUnderTest) -> None:
    configure(dut, transferdigittimeout=1)
    collector = dut.under.connect("app", subscribe_all=True)
    _caller, peer = await talk(dut, SOURCE)
    await press(peer, "#55")
    (event,) = collector.of("BridgeBlindTransfer")
    assert (event["result"], event["is_external"], event["exten"]) == ("Success", False, "55")


async def test_attempts_are_limited(dut: DialplanUnderTest) -> None:
    configure(dut, transferdigittimeout=1, transferdialattempts=2, transferannouncesound="",
              transferretrysound="", transferinvalidsound="")  # fmt: skip
    caller, peer = await talk(dut, SOURCE)
    await press(peer, "#00")
    assert together(caller) == {caller.name, peer.name}
    await press(peer, "7")
    assert sent_digits(dut.leg(caller)) == ["7"]


async def test_parking_is_refused_with_a_sound(dut: DialplanUnderTest) -> None:
    configure(dut, features=Features(featuremap=FeatureMap(parkcall="#72")))
    caller, peer = await talk(dut, "exten => s,1,Dial(PJSIP/bob,,k)")
    await press(peer, "#72")
    assert [str(source.path) for source in dut.under.engine.players[-1].sources] == [
        "/sounds/en/beeperr.wav"
    ]
    dut.under.engine.players[-1].finish()
    await settle()
    assert together(caller) == {caller.name, peer.name}
