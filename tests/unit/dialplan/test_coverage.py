"""The registry against the published names, options and result values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from server.base.errors import Conflict
from server.dialplan.apps import (
    authenticate,
    dial,
    digits,
    playback,
    record,
    say,
    senders,
    signals,
    speech,
    tones,
    trunk_receivers,
    waiting,
)
from server.dialplan.registry import Function, Registry

DATA = Path(__file__).parents[2] / "data" / "dialplan"


def published(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / f"{kind}.json").read_text())
    return found


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.standard()


def test_every_application_is_a_published_one(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    names = published("applications")
    ours = {each.name for each in registry.applications.values()}
    with capsys.disabled():
        print(f"\napplications: {len(ours)} of {len(names)}")
    assert ours <= set(names)


def test_every_function_is_a_published_one_and_can_be_read_and_written_alike(
    registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    names = published("functions")
    with capsys.disabled():
        print(f"\nfunctions: {len(registry.functions)} of {len(names)}")
    for name, function in registry.functions.items():
        facts = names[name]
        assert function.read is None or facts["read"], name
        assert function.write is None or facts["write"], name
        if function.read is not None:
            assert function.escalates_read is (facts["escalates"] in ("read", "both")), name
        if function.write is not None:
            assert function.escalates_write is (facts["escalates"] in ("write", "both")), name


@pytest.mark.parametrize(
    "name",
    ["Answer", "Hangup", "Playback", "BackGround", "WaitExten", "Wait", "NoOp", "Verbose", "Log",
     "Set", "MSet", "Goto", "GotoIf", "GotoIfTime", "ExecIf", "Exec", "Dial", "Echo", "Read",
     "SayDigits", "SayNumber", "SayAlpha", "Record", "Stasis", "Progress", "Ringing", "Busy",
     "Congestion", "WaitDigit", "StartMusicOnHold", "StopMusicOnHold", "MusicOnHold", "Gosub",
     "GosubIf", "Return", "While", "EndWhile", "SayAlphaCase", "SayPhonetic", "SayOrdinal",
     "SayMoney", "SayCountedNoun", "SayCountedAdj", "SayUnixTime", "DateTime", "ControlPlayback",
     "ReadExten", "Authenticate", "Morsecode", "Milliwatt", "Zapateller", "MP3Player",
     "StreamEcho", "Flash", "StoreDTMF", "SendMF", "ReceiveMF", "SendSF", "ReceiveSF",
     "SendText", "ReceiveText", "WaitForSilence", "WaitForNoise", "BackgroundDetect", "AMD",
     "WaitForTone", "ToneScan", "SpeechCreate", "SpeechDestroy", "SpeechBackground", "SpeechStart",
     "SpeechLoadGrammar", "SpeechUnloadGrammar", "SpeechActivateGrammar",
     "SpeechDeactivateGrammar", "SpeechProcessingSound"],
)  # fmt: skip
def test_the_applications_to_work_with_are_there(registry: Registry, name: str) -> None:
    assert registry.applications[name.lower()].name == name


@pytest.mark.parametrize(
    ("name", "supported"),
    [("Dial", dial.OPTIONS), ("Record", record.OPTIONS), ("Read", digits.READ_OPTIONS),
     ("BackGround", digits.BACKGROUND_OPTIONS), ("ReadExten", digits.READ_EXTEN_OPTIONS),
     ("Playback", playback.PLAYBACK_OPTIONS), ("ControlPlayback", playback.CONTROL_OPTIONS),
     ("WaitExten", waiting.EXTEN_OPTIONS), ("Authenticate", authenticate.OPTIONS),
     ("SayUnixTime", say.UNIXTIME_OPTIONS), ("SendDTMF", signals.DTMF_OPTIONS),
     ("WaitForTone", tones.WAIT_OPTIONS), ("ToneScan", tones.SCAN_OPTIONS),
     ("Milliwatt", senders.MILLIWATT_OPTIONS), ("ReceiveMF", trunk_receivers.MF_OPTIONS),
     ("ReceiveSF", trunk_receivers.SF_OPTIONS), ("SpeechBackground", speech.BACKGROUND_OPTIONS)],
)  # fmt: skip
def test_every_option_letter_is_a_published_one(name: str, supported: str) -> None:
    assert set(supported) <= set(published("applications")[name]["options"])


def test_a_name_can_be_added_once() -> None:
    registry = Registry.standard()
    with pytest.raises(Conflict):
        registry.add_application("ANSWER", lambda call, data: None)
    registry.add_function(Function("MINE", lambda scope, data: data))
    with pytest.raises(Conflict):
        registry.add_function(Function("MINE"))
    assert registry.find_function("mine") is not None
