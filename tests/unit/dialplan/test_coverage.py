"""The registry against the published names, options and result values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from server.base.errors import Conflict
from server.dialplan.apps import (
    authenticate,
    bridging,
    broadcast,
    calls,
    dial,
    digits,
    disa,
    mixmonitor,
    originate,
    pickup,
    playback,
    record,
    say,
    senders,
    signals,
    speech,
    spy,
    tones,
    transfers,
    trunk_receivers,
    waiting,
)
from server.dialplan.registry import Function, Registry

# What Asterisk has given up, and what dialplans in use still call.
UNPUBLISHED = {"Macro", "MacroExclusive", "MacroExit", "MacroIf", "NoCDR"}

# What is never going to be here, by the reason.
OUT_OF_SCOPE = {
    "hardware that there is none of": {
        "ADSIProg", "AlarmReceiver", "DAHDIAcceptR2Call", "DAHDIScan", "DAHDI_CHANNEL",
        "DAHDISendCallreroutingFacility", "DAHDISendKeypadFacility", "GetCPEID", "POLARITY",
        "SMDI_MSG", "SMDI_MSG_RETRIEVE", "SMS", "MobileSendSMS", "MobileStatus",
    },
    "protocols of other channel drivers": {
        "DUNDILOOKUP", "DUNDIQUERY", "DUNDIRESULT", "IAX2Provision", "IAXPEER", "IAXVAR",
        "JabberJoin", "JabberLeave", "JabberSend", "JabberSendGroup", "JABBER_RECEIVE",
        "JABBER_STATUS",
    },
    "programs that Asterisk talks to": {
        "Festival", "JACK", "JACK_HOOK", "CALENDAR_BUSY", "CALENDAR_EVENT", "CALENDAR_QUERY",
        "CALENDAR_QUERY_RESULT", "CALENDAR_WRITE",
    },
    "fax": {"FAXOPT", "ReceiveFAX", "SendFAX"},
    "examples and tests of Asterisk's own": {
        "IVRDemo", "SkelGuessNumber", "TestClient", "TestServer",
    },
    "replaced by ConfBridge and VoiceMail": {
        "MeetMe", "MeetMeAdmin", "MeetMeChannelAdmin", "MeetMeCount", "MEETME_INFO",
        "SLAStation", "SLATrunk", "MinivmAccMess", "MinivmDelete", "MinivmGreet", "MinivmMWI",
        "MinivmNotify", "MinivmRecord", "MINIVMACCOUNT", "MINIVMCOUNTER",
    },
    "provisioning of phones": {"PP_EACH_EXTENSION", "PP_EACH_USER"},
    "who signed a call, and where it came from": {
        "GEOLOC_PROFILE", "STIR_SHAKEN", "STIR_SHAKEN_ATTESTATION",
    },
}  # fmt: skip

# What comes with a part of the server that is not in this registry, or is not written yet.
ELSEWHERE = {
    "the layer of AGI": {"AGI", "EAGI", "ExternalIVR"},
    "queues, agents, conferences, parking, voicemail, directory": {
        "AddQueueMember", "AGENT", "AgentLogin", "AgentRequest", "ConfBridge", "ConfKick",
        "CONFBRIDGE", "CONFBRIDGE_CHANNELS", "CONFBRIDGE_INFO", "Dictate", "Directory", "FollowMe",
        "Page", "Park", "ParkAndAnnounce", "ParkedCall", "PARK_GET_CHANNEL", "PauseQueueMember",
        "Queue", "QueueUpdate", "QUEUE_EXISTS", "QUEUE_GET_CHANNEL",
        "QUEUE_MEMBER", "QUEUE_MEMBER_LIST", "QUEUE_MEMBER_PENALTY", "QUEUE_VARIABLES",
        "QUEUE_WAITING_COUNT", "RemoveQueueMember", "UnpauseQueueMember", "VMAuthenticate",
        "VMCOUNT", "VMSayName", "VM_INFO", "VoiceMail", "VoiceMailMain", "VoiceMailPlayMsg",
        "CALLCOMPLETION", "CallCompletionCancel", "CallCompletionRequest",
    },
    "speech, tones and texts": {
        "Authenticate", "ControlPlayback", "Flash", "MP3Player", "Milliwatt", "Morsecode",
        "ReadExten", "ReceiveMF", "ReceiveSF", "ReceiveText", "SendMF", "SendSF", "SendText",
        "SPEECH", "SPEECH_ENGINE", "SPEECH_GRAMMAR", "SPEECH_RESULTS_TYPE", "SPEECH_SCORE",
        "SPEECH_TEXT", "SpeechActivateGrammar", "SpeechBackground", "SpeechCreate",
        "SpeechDeactivateGrammar", "SpeechDestroy", "SpeechLoadGrammar", "SpeechProcessingSound",
        "SpeechStart", "SpeechUnloadGrammar", "StoreDTMF", "StreamEcho", "Zapateller",
    },
}  # fmt: skip

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
    assert ours - UNPUBLISHED <= set(names)


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


def test_everything_published_is_here_or_is_excluded_for_a_reason(registry: Registry) -> None:
    wanted = set(published("applications")) | set(published("functions"))
    ours = {each.name for each in registry.applications.values()} | set(registry.functions)
    never = set().union(*OUT_OF_SCOPE.values())
    assert wanted - ours - never - set().union(*ELSEWHERE.values()) == set()
    assert never <= wanted
    assert not never & ours


def test_what_is_read_or_written_in_asterisk_is_so_here(registry: Registry) -> None:
    for name, facts in published("functions").items():
        if (function := registry.functions.get(name)) is not None:
            assert (function.read is not None) is facts["read"], name
            assert (function.write is not None) is facts["write"], name


@pytest.mark.parametrize(
    "name",
    ["Answer", "Hangup", "Playback", "BackGround", "WaitExten", "Wait", "NoOp", "Verbose", "Log",
     "Set", "MSet", "Goto", "GotoIf", "GotoIfTime", "ExecIf", "Exec", "Dial", "Echo", "Read",
     "SayDigits", "SayNumber", "SayAlpha", "Record", "Stasis", "Progress", "Ringing", "Busy",
     "Congestion", "WaitDigit", "StartMusicOnHold", "StopMusicOnHold", "MusicOnHold", "Gosub",
     "GosubIf", "Return", "While", "EndWhile", "RetryDial", "Bridge", "BridgeAdd", "BridgeWait",
     "BlindTransfer", "AttendedTransfer", "ChannelRedirect", "SoftHangup", "Pickup", "PickupChan",
     "Originate", "ChanIsAvail", "SayAlphaCase", "SayPhonetic", "SayOrdinal",
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
     ("ReceiveSF", trunk_receivers.SF_OPTIONS), ("SpeechBackground", speech.BACKGROUND_OPTIONS),
     ("MixMonitor", mixmonitor.OPTIONS), ("ChanSpy", spy.CHAN_OPTIONS),
     ("ExtenSpy", spy.EXTEN_OPTIONS), ("Broadcast", broadcast.OPTIONS),
     ("DISA", disa.OPTIONS)],
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
