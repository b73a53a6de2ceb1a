"""The registry against the published names, options and result values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from server.base.errors import Conflict
from server.dialplan.apps import (
    bridging,
    calls,
    dial,
    digits,
    originate,
    pickup,
    record,
    transfers,
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
     "GosubIf", "Return", "While", "EndWhile", "RetryDial", "Bridge", "BridgeAdd", "BridgeWait",
     "BlindTransfer", "AttendedTransfer", "ChannelRedirect", "SoftHangup", "Pickup", "PickupChan",
     "Originate", "ChanIsAvail"],
)  # fmt: skip
def test_the_applications_to_work_with_are_there(registry: Registry, name: str) -> None:
    assert registry.applications[name.lower()].name == name


@pytest.mark.parametrize(
    ("name", "supported"),
    [("Dial", dial.OPTIONS), ("Record", record.OPTIONS), ("Read", digits.READ_OPTIONS),
     ("BackGround", digits.BACKGROUND_OPTIONS)],
)  # fmt: skip
def test_every_option_letter_is_a_published_one(name: str, supported: str) -> None:
    assert set(supported) <= set(published("applications")[name]["options"])


@pytest.mark.parametrize(
    ("name", "supported"),
    [("Dial", dial.OPTIONS), ("Bridge", bridging.BRIDGE_OPTIONS),
     ("BridgeWait", bridging.BRIDGEWAIT_OPTIONS), ("PickupChan", pickup.PICKUPCHAN_OPTIONS),
     ("Originate", originate.ORIGINATE_OPTIONS), ("SoftHangup", transfers.SOFTHANGUP_OPTIONS),
     ("ChanIsAvail", originate.CHANISAVAIL_OPTIONS), ("Answer", calls.ANSWER_OPTIONS)],
)  # fmt: skip
def test_all_option_letters_are_there(name: str, supported: str) -> None:
    letters = [letter[0] for letter in published("applications")[name]["options"]]
    assert sorted(set(supported)) == sorted(set(letters))


def test_a_name_can_be_added_once() -> None:
    registry = Registry.standard()
    with pytest.raises(Conflict):
        registry.add_application("ANSWER", lambda call, data: None)
    registry.add_function(Function("MINE", lambda scope, data: data))
    with pytest.raises(Conflict):
        registry.add_function(Function("MINE"))
    assert registry.find_function("mine") is not None
