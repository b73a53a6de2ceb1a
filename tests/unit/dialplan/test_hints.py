"""The state of extensions: hints, devices, presence, and the functions on them."""

from __future__ import annotations

import pytest

from server.dialplan.hints import REMOVED, Hint
from server.resources.device_states import CUSTOM
from tests.support.dialplan import DialplanUnderTest


@pytest.fixture
def follow(dut: DialplanUnderTest) -> list[tuple[str, int | None, str]]:
    seen: list[tuple[str, int | None, str]] = []

    def note(hint: Hint) -> None:
        presence = "" if hint.presence is None else hint.presence.state
        seen.append((f"{hint.exten}@{hint.context}", hint.status, presence))

    dut.dialplan.hints.observers.append(note)
    return seen


def set_device(dut: DialplanUnderTest, name: str, state: str) -> None:
    dut.under.devices.set(CUSTOM, name, state)


@pytest.mark.parametrize(
    ("states", "status", "text", "word"),
    [
        (["NOT_INUSE"], 0, "Idle", "NOT_INUSE"),
        (["UNKNOWN"], 0, "Idle", "NOT_INUSE"),
        (["INUSE"], 1, "InUse", "INUSE"),
        (["BUSY"], 2, "Busy", "BUSY"),
        (["UNAVAILABLE"], 4, "Unavailable", "UNAVAILABLE"),
        (["INVALID"], 4, "Unavailable", "UNAVAILABLE"),
        (["RINGING"], 8, "Ringing", "RINGING"),
        (["RINGINUSE"], 9, "InUse&Ringing", "RINGINUSE"),
        (["ONHOLD"], 16, "Hold", "ONHOLD"),
        (["NOT_INUSE", "INUSE"], 1, "InUse", "INUSE"),
        (["RINGING", "INUSE"], 9, "InUse&Ringing", "RINGINUSE"),
        (["UNAVAILABLE", "NOT_INUSE"], 0, "Idle", "NOT_INUSE"),
    ],
)
async def test_a_hint_is_what_its_devices_amount_to(
    dut: DialplanUnderTest, states: list[str], status: int, text: str, word: str
) -> None:
    for index, state in enumerate(states):
        set_device(dut, f"d{index}", state)
    devices = "&".join(f"Custom:d{index}" for index in range(len(states)))
    dut.load(f"[default]\nexten => 100,hint,{devices}\n")
    hint = dut.dialplan.hints.get("100", "default")
    assert hint is not None
    assert (hint.status, hint.status_text) == (status, text)
    assert dut.dialplan.read(None, "EXTENSION_STATE(100)") == word


async def test_a_change_is_told_once_and_only_if_it_is_one(
    dut: DialplanUnderTest, follow: list[tuple[str, int | None, str]]
) -> None:
    set_device(dut, "a", "NOT_INUSE")
    dut.load("[default]\nexten => 1,hint,Custom:a&Custom:b\nexten => 2,hint,Custom:c\n")
    assert len(dut.dialplan.hints.all()) == 2
    set_device(dut, "a", "INUSE")
    set_device(dut, "a", "INUSE")
    set_device(dut, "b", "INUSE")
    assert follow == [("1@default", 1, "")]


async def test_presence_belongs_to_the_hint(
    dut: DialplanUnderTest, follow: list[tuple[str, int | None, str]]
) -> None:
    dut.load("[default]\nexten => 1,hint,Custom:a,CustomPresence:alice\n")
    dut.dialplan.write(None, "PRESENCE_STATE(CustomPresence:alice)", "away,lunch,back at one")
    assert follow == [("1@default", 0, "away")]
    hint = dut.dialplan.hints.get("1", "default")
    assert hint is not None
    assert hint.presence is not None
    assert (hint.presence.subtype, hint.presence.message) == ("lunch", "back at one")
    assert dut.store.get("CustomPresence", "alice") == "away,lunch,back at one,"


async def test_a_pattern_becomes_a_hint_of_each_extension_that_is_asked_for(
    dut: DialplanUnderTest, follow: list[tuple[str, int | None, str]]
) -> None:
    dut.load("[default]\ninclude => phones\n[phones]\nexten => _1X.,hint,Custom:d${EXTEN:1}\n")
    hint = dut.dialplan.hints.get("123", "default")
    assert hint is not None
    assert (hint.context, hint.exten, hint.text) == ("phones", "123", "Custom:d23")
    set_device(dut, "d23", "BUSY")
    set_device(dut, "d24", "BUSY")
    assert follow == [("123@phones", 2, "")]
    assert dut.dialplan.hints.get("9", "default") is None


async def test_hints_may_use_variables_and_functions(dut: DialplanUnderTest) -> None:
    dut.store.put("AMPUSER", "7/device", "PJSIP/seven")
    dut.load("""
        [globals]
        TECH=PJSIP
        [default]
        exten => 1,hint,${TECH}/one(One)
        exten => 7,hint,${DB(AMPUSER/${EXTEN}/device)}
        """)
    assert dut.dialplan.hints.describe("1", "default") == ("PJSIP/one", "One")
    assert dut.dialplan.hints.describe("7", "default") == ("PJSIP/seven", "")
    assert dut.dialplan.read(None, "HINT(1)") == "PJSIP/one"
    assert dut.dialplan.read(None, "HINT(1@default,n)") == "One"
    assert dut.dialplan.read(None, "HINT(2)") == ""
    assert dut.dialplan.read(None, "EXTENSION_STATE(2@default)") == "UNKNOWN"


async def test_watchers_outlive_a_reload_and_hear_of_what_it_changed(
    dut: DialplanUnderTest,
) -> None:
    set_device(dut, "b", "INUSE")
    dut.load("[default]\nexten => 1,hint,Custom:a\nexten => _2X,hint,Custom:a\n")
    heard: list[tuple[str, int | None]] = []
    one = dut.dialplan.hints.watch("1", "default", lambda h: heard.append((h.exten, h.status)))
    two = dut.dialplan.hints.watch("22", "default", lambda h: heard.append((h.exten, h.status)))
    assert one is not None
    assert two is not None
    dut.load("[default]\nexten => 1,hint,Custom:a\nexten => _2X,hint,Custom:a\n")
    assert heard == []
    dut.load("[default]\nexten => 1,hint,Custom:b\nexten => _2X,hint,Custom:a\n")
    assert heard == [("1", 1)]
    set_device(dut, "a", "BUSY")
    assert heard == [("1", 1), ("22", 2)]
    dut.load("[default]\nexten => 1,hint,Custom:b\n")
    assert heard[2:] == [("22", REMOVED)]
    one[1]()
    set_device(dut, "b", "BUSY")
    assert len(heard) == 3
    assert dut.dialplan.hints.watch("3", "default", heard.append) is None  # type: ignore[arg-type]


async def test_an_observer_that_fails_hurts_no_other(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_hint: Hint) -> None:
        raise RuntimeError("gone")

    heard: list[Hint] = []
    dut.dialplan.hints.observers += [fail, heard.append]
    dut.load("[default]\nexten => 1,hint,Custom:a\n")
    set_device(dut, "a", "INUSE")
    assert [hint.status for hint in heard] == [1]
    assert "an observer failed" in caplog.text


async def test_a_phone_that_rings_is_seen_at_its_extension(dut: DialplanUnderTest) -> None:
    dut.load("[default]\nexten => 1,hint,Fake/alice\nexten => s,1,Answer()\nsame => n,Wait(5)\n")
    technology = dut.under.phones.name
    dut.load(f"[default]\nexten => 1,hint,{technology}/alice\nexten => s,1,Wait(5)\n")
    before = dut.dialplan.hints.get("1", "default")
    assert before is not None
    channel = await dut.call("s", endpoint="alice")
    during = dut.dialplan.hints.get("1", "default")
    assert during is not None
    assert during.status == 1
    channel.hangup()


@pytest.mark.parametrize(
    ("expression", "value", "stored"),
    [
        ("DEVICE_STATE(Custom:lamp)", "inuse", "INUSE"),
        ("DEVICE_STATE(custom:lamp)", "NOT_INUSE", "NOT_INUSE"),
        ("DEVICE_STATE(Custom:lamp)", "purple", "UNKNOWN"),
    ],
)
async def test_custom_devices_can_be_set(
    dut: DialplanUnderTest, expression: str, value: str, stored: str
) -> None:
    dut.dialplan.write(None, expression, value)
    assert dut.dialplan.read(None, "DEVICE_STATE(Custom:lamp)") == stored


async def test_only_custom_ones_can_be_set(dut: DialplanUnderTest) -> None:
    channel = await dut.run("""
        Set(DEVICE_STATE(PJSIP/alice)=INUSE)
        Set(DEVICE_STATE(Custom:)=INUSE)
        Set(PRESENCE_STATE(Other:alice)=away)
        Set(PRESENCE_STATE(CustomPresence:alice)=lost)
        Set(PRESENCE_STATE(CustomPresence:alice)=away,%%%,,e)
        Set(A=${PRESENCE_STATE(CustomPresence:alice,value)})
        Set(B=${PRESENCE_STATE(Other:alice,value)}${PRESENCE_STATE(CustomPresence:alice,x)})
        Wait(5)
        """)
    assert dut.value(channel, "A") == "not_set"
    assert dut.value(channel, "B") == ""
    channel.hangup()


async def test_presence_in_base64_reads_plain_and_encoded(dut: DialplanUnderTest) -> None:
    dut.dialplan.write(None, "PRESENCE_STATE(CustomPresence:x)", "dnd,YSxi,aGk=,e")
    read = dut.dialplan.read
    assert read(None, "PRESENCE_STATE(CustomPresence:x,subtype)") == "a,b"
    assert read(None, "PRESENCE_STATE(CustomPresence:x,message)") == "hi"
    assert read(None, "PRESENCE_STATE(CustomPresence:x,message,e)") == "aGk="
    assert read(None, "PRESENCE_STATE(CustomPresence:x,value)") == "dnd"
