"""Applications by digits, recording by digits, and what a channel may change of features.conf."""

from __future__ import annotations

from typing import Any

import pytest

from server.config.sections.features import FeatureApplication, FeatureMap, Features
from server.dialplan.executor import Call
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


def mapped(**changes: Any) -> Features:
    options: dict[str, Any] = {
        "name": "note", "digits": "#9", "on_self": True, "activated_by": "both",
        "application": "Set", "data": "GOT=${CHANNEL} ${DYNAMIC_WHO_ACTIVATED}",
    }  # fmt: skip
    return Features(applications={"note": FeatureApplication(**(options | changes))})


SOURCE = """
    exten => s,1,Set(__DYNAMIC_FEATURES=note)
    same => n,Dial(PJSIP/bob)
"""


@pytest.mark.parametrize("on_self", [True, False])
async def test_an_application_runs_on_self_or_peer(dut: DialplanUnderTest, on_self: bool) -> None:
    configure(dut, features=mapped(on_self=on_self))
    caller, peer = await talk(dut, SOURCE)
    await press(peer, "#9")
    runner = peer if on_self else caller
    assert runner.variables.get("GOT") == f"{runner.name} {peer.name}"
    assert runner.variables.get("DYNAMIC_FEATURENAME") == "note"
    assert together(caller) == {caller.name, peer.name}
    assert sent_digits(caller.leg) == []


@pytest.mark.parametrize(
    ("activated_by", "works"), [("caller", (1, 0)), ("callee", (0, 1)), ("both", (1, 1))]
)
async def test_who_may_activate_it(
    dut: DialplanUnderTest, activated_by: str, works: tuple[int, int]
) -> None:
    configure(dut, features=mapped(activated_by=activated_by))
    channels = await talk(dut, SOURCE)
    for channel, expected in zip(channels, works, strict=True):
        await press(channel, "#9")
        assert (channel.variables.get("GOT") is not None) is bool(expected)


async def test_who_waits_hears_the_music_that_is_given(dut: DialplanUnderTest) -> None:
    configure(dut, features=mapped(application="WaitDigit", data="5", music_class="jazz"))
    caller, peer = await talk(dut, SOURCE)
    await press(peer, "#9")
    assert ("STREAM_BACKGROUND", 2, "jazz") in dut.under.engine.calls(caller.leg.stream)
    await press(peer, "1")
    assert dut.under.engine.calls(caller.leg.stream)[-1][0] in ("STREAM_BACKGROUND",)
    await press(peer, "3")
    assert sent_digits(caller.leg) == ["3"]


async def test_a_group_has_digits_of_its_own(dut: DialplanUnderTest) -> None:
    features = Features(applications=mapped().applications, groups={"set": {"note": "*7"}})
    configure(dut, features=features)
    _caller, peer = await talk(dut, SOURCE.replace("=note", "=set"))
    await press(peer, "#9")
    assert peer.variables.get("GOT") is None
    await press(peer, "*7")
    assert peer.variables.get("GOT")


async def test_an_unknown_name_is_reported(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    await talk(dut, SOURCE)
    assert "there is no 'note' in features.conf" in caplog.text


async def test_an_application_that_does_not_exist_changes_nothing(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    configure(dut, features=mapped(application="NoSuch"))
    caller, peer = await talk(dut, SOURCE)
    await press(peer, "#9")
    assert "no application 'NoSuch'" in caplog.text
    assert together(caller) == {caller.name, peer.name}


async def test_blind_and_attended_transfer_as_applications(dut: DialplanUnderTest) -> None:
    applications = {
        "away": FeatureApplication("away", "#1", True, "both", "BlindTransfer", "66"),
        "ask": FeatureApplication("ask", "#2", True, "both", "AttendedTransfer", "66"),
    }
    configure(
        dut,
        features=Features(applications=applications),
        atxfernoanswertimeout=5,
        xferfailsound="",
    )
    caller, peer = await talk(
        dut,
        """
        exten => s,1,Set(__DYNAMIC_FEATURES=away#ask)
        same => n,Dial(PJSIP/bob)
        exten => 66,1,Dial(PJSIP/carol)
        """,
    )
    await press(peer, "#2")
    assert peer.variables.get("ATTENDEDTRANSFERSTATUS") == "SUCCESS"
    await until(lambda: len(called(dut)) == 2)
    channel_of(called(dut)[1]).hangup()
    await until(lambda: not peer.features.is_busy)  # type: ignore[union-attr]
    await press(peer, "#1")
    assert peer.variables.get("BLINDTRANSFERSTATUS") == "SUCCESS"
    await until(lambda: len(called(dut)) == 3)
    assert not caller.is_hungup


@pytest.mark.parametrize("application", ["BlindTransfer(66)", "AttendedTransfer(66)"])
async def test_who_talks_to_nobody_can_not_transfer(
    dut: DialplanUnderTest, application: str
) -> None:
    channel = await dut.run(f"{application}\nWaitDigit()")
    name = application.partition("(")[0].upper()
    assert channel.variables.get(f"{name}STATUS") == "FAILURE"


class TestRecording:
    """``x`` and ``X``: MixMonitor() by a digit."""

    async def start(self, dut: DialplanUnderTest) -> tuple[Any, Any, list[tuple[str, str, str]]]:
        ran: list[tuple[str, str, str]] = []

        def note(name: str) -> Any:
            def run(call: Call, data: str) -> None:
                ran.append((name, call.channel.name, data))

            return run

        for name in ("MixMonitor", "StopMixMonitor"):
            dut.dialplan.registry.applications.pop(name.lower(), None)
            dut.dialplan.registry.add_application(name, note(name))
        configure(
            dut, features=Features(featuremap=FeatureMap(automixmon="*3")), courtesytone="beep"
        )
        caller, peer = await talk(dut, "exten => s,1,Dial(PJSIP/bob,,x)")
        return caller, peer, ran

    async def test_a_digit_starts_it_and_ends_it(self, dut: DialplanUnderTest) -> None:
        caller, peer, ran = await self.start(dut)
        await press(peer, "*3")
        name = f"auto-1700000000-{caller.caller.number}-{peer.caller.number}.wav"
        assert ran == [("MixMonitor", caller.name, f"{name},b")]
        assert peer.variables.get("TOUCH_MIXMONITOR_OUTPUT") == name
        assert len(dut.under.engine.players) == 2
        await press(peer, "*3")
        assert ran[1:] == [("StopMixMonitor", caller.name, "")]

    async def test_variables_choose_the_file(self, dut: DialplanUnderTest) -> None:
        _caller, peer, ran = await self.start(dut)
        peer.variables.set("TOUCH_MIXMONITOR", "../x")
        peer.variables.set("TOUCH_MIXMONITOR_FORMAT", "gsm")
        peer.variables.set("TOUCH_MIXMONITOR_PREFIX", "my")
        await press(peer, "*3")
        assert ran[0][2] == "my-1700000000-..x.gsm,b"

    async def test_without_mixmonitor_the_failure_is_heard(self, dut: DialplanUnderTest) -> None:
        caller, peer, _ran = await self.start(dut)
        del dut.dialplan.registry.applications["mixmonitor"]
        configure(
            dut,
            features=Features(featuremap=FeatureMap(automixmon="*3")),
            recordingfailsound="beeperr",
        )
        await press(peer, "*3")
        assert str(dut.under.engine.players[-1].sources[0].path).endswith("beeperr.wav")
        assert together(caller) == {caller.name, peer.name}


class TestFunctions:
    """FEATURE() and FEATUREMAP()."""

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("${FEATURE(pickupexten)}", "*8"),
            ("${FEATURE(transferdigittimeout)}", "3"),
            ("${FEATURE(atxferdropcall)}", "0"),
            ("${FEATURE(inherit)}", "0"),
            ("${FEATUREMAP(blindxfer)}", "#"),
            ("${FEATUREMAP(atxfer)}", ""),
            ("${FEATURE(nothing)}", ""),
            ("${FEATUREMAP(nothing)}", ""),
        ],
    )
    async def test_reading(self, dut: DialplanUnderTest, text: str, value: str) -> None:
        assert (await dut.run(f"Set(A={text})")).variables.get("A") == value

    @pytest.mark.parametrize(
        ("change", "text", "value"),
        [
            ("FEATURE(atxferabort)=*9", "${FEATURE(atxferabort)}", "*9"),
            ("FEATURE(atxferdropcall)=yes", "${FEATURE(atxferdropcall)}", "1"),
            ("FEATURE(inherit)=yes", "${FEATURE(inherit)}", "1"),
            ("FEATURE(transferdialattempts)=x", "${FEATURE(transferdialattempts)}", "3"),
            ("FEATUREMAP(blindxfer)=##", "${FEATUREMAP(blindxfer)}", "##"),
            ("FEATUREMAP(blindxfer)=abc!", "${FEATUREMAP(blindxfer)}", "#"),
        ],
    )
    async def test_writing(
        self, dut: DialplanUnderTest, change: str, text: str, value: str
    ) -> None:
        channel = await dut.run(f"Set({change})\nSet(A={text})")
        assert channel.variables.get("A") == value

    async def test_a_changed_digit_is_the_one_that_works(self, dut: DialplanUnderTest) -> None:
        caller, _peer = await talk(
            dut, "exten => s,1,Set(FEATUREMAP(disconnect)=9)\nsame => n,Dial(PJSIP/bob,,H)"
        )
        await press(caller, "*")
        assert not caller.is_hungup
        await press(caller, "9")
        assert caller.is_hungup

    @pytest.mark.parametrize("inherits", [True, False])
    async def test_called_channels_inherit_it_if_that_is_said(
        self, dut: DialplanUnderTest, inherits: bool
    ) -> None:
        caller, peer = await talk(
            dut,
            f"exten => s,1,Set(FEATURE(inherit)={int(inherits)})\n"
            "same => n,Set(FEATUREMAP(disconnect)=9)\nsame => n,Dial(PJSIP/bob,,h)",
        )
        await press(peer, "9")
        await settle()
        assert caller.is_hungup is inherits


class TestLastingFeatures:
    """``CHANNEL(dtmf_features)``."""

    async def test_they_work_in_every_call(self, dut: DialplanUnderTest) -> None:
        caller, peer = await talk(
            dut,
            "exten => s,1,Set(CHANNEL(dtmf_features)=HT)\n"
            "same => n,Set(A=${CHANNEL(dtmf_features)})\n"
            "same => n,Dial(PJSIP/bob,,g)\nsame => n,Dial(PJSIP/carol,,gX)\n"
            "same => n,Set(B=${CHANNEL(dtmf_features)})\nsame => n,WaitDigit()",
        )
        assert caller.variables.get("A") == "HT"
        await press(caller, "*")
        assert peer.is_hungup
        channel_of(called(dut)[1]).on_answered()
        await settle()
        await press(caller, "*")
        assert caller.variables.get("B") == "HT"
        caller.hangup()

    async def test_unknown_letters_are_refused(self, dut: DialplanUnderTest) -> None:
        channel = await dut.run(
            "Set(CHANNEL(dtmf_features)=Q)\nSet(A=x${CHANNEL(dtmf_features)})\nWaitDigit()"
        )
        assert channel.variables.get("A") == "x"


async def test_a_blind_transfer_among_three_lets_a_local_channel_take_the_place(
    dut: DialplanUnderTest,
) -> None:
    configure(dut, transferdigittimeout=1)
    caller, peer = await talk(
        dut,
        "exten => s,1,Dial(PJSIP/bob,,t)\nexten => join,1,BridgeAdd(PJSIP/bob)\n"
        "exten => 66,1,Answer()\nsame => n,WaitDigit()",
    )
    third = await dut.call("join", endpoint="carol")
    await press(peer, "#66")
    await until(lambda: peer.is_hungup)
    assert {caller.name, third.name} < together(caller)
    assert any(name.startswith("Local/66@default") for name in together(caller))
    for channel in dut.under.registry:
        channel.hangup()
