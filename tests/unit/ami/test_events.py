"""Events: that each is told with the fields of Asterisk's, in the order of what happens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.config.sections.manager import Manager
from server.resources.channel import Channel
from server.tech.base import Party
from tests.support.ami import ADMIN, AmiUnderTest, Client
from tests.support.node import settle

FACTS = json.loads((Path(__file__).parents[2] / "data/ami/events.json").read_text())
OPTIONAL = {"SwapUniqueid", "TechCause"}  # told only where there is one
COMMON = ["Event", "Privilege"]
CHANNEL = [
    "Channel", "ChannelState", "ChannelStateDesc", "CallerIDNum", "CallerIDName",
    "ConnectedLineNum", "ConnectedLineName", "Language", "AccountCode", "Context", "Exten",
    "Priority", "Uniqueid", "Linkedid",
]  # fmt: skip


def check(block: dict[str, str]) -> None:
    """Assert that an event has Asterisk's fields and no others."""
    known = FACTS[block["Event"]]
    allowed = {field for field, _ in known["fields"]} | {*COMMON, "ActionID"}
    assert not block.keys() - allowed, block["Event"]
    needed = {field for field, is_needed in known["fields"] if is_needed} - OPTIONAL
    assert not needed - block.keys(), block["Event"]


async def talk(ami: AmiUnderTest) -> Channel:
    """Let Alice dial Bob, who answers; return Alice's channel."""
    ami.load("exten => s,1,Dial(PJSIP/bob,,t)\n same => n,Wait(60)\nexten => 200,1,Wait(60)")
    alice = await ami.call()
    bob = ami.under.phones.legs[-1].listener
    assert bob is not None
    bob.on_answered()
    await settle()
    return alice


async def test_a_call_is_told_from_its_beginning_to_its_end(
    ami: AmiUnderTest, client: Client
) -> None:
    alice = await talk(ami)
    alice.leg.listener.on_hangup(16, 200, "")  # type: ignore[union-attr]
    await settle()
    names = [name for name in client.events if name not in ("VarSet", "DeviceStateChange")]
    expected = ["Newchannel", "Newexten", "Newchannel", "DialBegin", "Newstate", "DialEnd",
                "BridgeCreate", "BridgeEnter", "BridgeEnter", "HangupRequest", "BridgeLeave",
                "BridgeLeave", "BridgeDestroy", "Hangup", "Hangup"]  # fmt: skip
    positions = iter(names)
    assert all(name in positions for name in expected[:9]), names
    assert {*expected} <= {*names}
    assert names[0] == "Newchannel"
    assert names[-1] == "Hangup"
    for block in client.blocks:
        check(block)


async def test_a_channel_is_described_in_asterisks_order(ami: AmiUnderTest, client: Client) -> None:
    ami.load("exten => s,1,Wait(60)")
    await ami.call()
    created = client.event("Newchannel")
    assert list(created) == [*COMMON, *CHANNEL]
    assert created["ChannelState"] == "4"
    assert created["ChannelStateDesc"] == "Ring"
    assert created["ConnectedLineNum"] == "<unknown>"
    assert created["Privilege"] == "call,all"


async def test_an_event_describes_the_channel_as_it_was(ami: AmiUnderTest, client: Client) -> None:
    ami.load("exten => s,1,NoOp(one)\n same => n,Answer()\n same => n,Wait(60)")
    await ami.call()
    steps = [block for block in client.blocks if block["Event"] == "Newexten"]
    assert [(each["Priority"], each["ChannelStateDesc"]) for each in steps] == [
        ("1", "Ring"), ("2", "Ring"), ("3", "Up")
    ]  # fmt: skip
    assert (steps[0]["Extension"], steps[0]["Application"], steps[0]["AppData"]) == (
        "s", "NoOp", "one"
    )  # fmt: skip


async def test_dialling_names_both_sides(ami: AmiUnderTest, client: Client) -> None:
    await talk(ami)
    begun, ended = client.event("DialBegin"), client.event("DialEnd")
    assert begun["Channel"].startswith("PJSIP/alice-")
    assert begun["DestChannel"].startswith("PJSIP/bob-")
    assert begun["DialString"] == "bob"
    assert ended["DialStatus"] == "ANSWER"


async def test_a_bridge_is_described_with_who_enters(ami: AmiUnderTest, client: Client) -> None:
    await talk(ami)
    entered = [block for block in client.blocks if block["Event"] == "BridgeEnter"]
    assert [block["BridgeNumChannels"] for block in entered] == ["1", "2"]
    assert entered[0]["BridgeType"] == "basic"
    assert entered[0]["BridgeCreator"] == "<unknown>"
    assert list(entered[0]).index("BridgeUniqueid") < list(entered[0]).index("Channel")


async def test_variables_are_told_with_their_line_ends_escaped(
    ami: AmiUnderTest, client: Client
) -> None:
    ami.load("exten => s,1,Wait(60)")
    channel = await ami.call()
    client.text = ""
    channel.variables.set("TEXT", 'a\nEvent: Fake\r\n"q"')
    told = client.event("VarSet")
    assert told["Value"] == 'a\\nEvent: Fake\\r\\n\\"q\\"'
    assert len(client.blocks) == 1


async def test_global_variables_belong_to_no_channel(ami: AmiUnderTest, client: Client) -> None:
    blocks = await client.ask("Setvar", Variable="GLOBAL(COLOUR)", Value="red")
    assert blocks[0]["Message"] == "Variable Set"
    assert ami.dialplan.globals["COLOUR"] == "red"


async def test_digits_begin_and_end(ami: AmiUnderTest, client: Client) -> None:
    ami.load("exten => s,1,Wait(60)")
    channel = await ami.call()
    client.text = ""
    channel.on_dtmf_begin("5")
    channel.on_dtmf("5", 120)
    begun, ended = client.blocks
    assert (begun["Event"], begun["Digit"], begun["Direction"]) == ("DTMFBegin", "5", "Received")
    assert (ended["Event"], ended["DurationMs"]) == ("DTMFEnd", "120")
    assert begun["Privilege"] == "dtmf,all"
    for block in client.blocks:
        check(block)


async def test_hold_and_music(ami: AmiUnderTest, client: Client) -> None:
    ami.load("exten => s,1,MusicOnHold(jazz,0)\n same => n,Wait(60)")
    channel = await ami.call()
    channel.set_background("music", "jazz")
    channel.set_background(None)
    channel.on_hold("jazz")
    channel.on_unhold()
    for name in ("MusicOnHoldStart", "MusicOnHoldStop", "Hold", "Unhold"):
        check(client.event(name))
    assert client.event("MusicOnHoldStart")["Class"] == "jazz"
    assert client.event("Hold")["MusicClass"] == "jazz"


async def test_who_calls_and_who_pays_may_change(ami: AmiUnderTest, client: Client) -> None:
    ami.load("exten => s,1,Wait(60)")
    channel = await ami.call()
    channel.set_caller(Party("Ann", "55"))
    channel.set_connected(Party("Bob", "66"))
    ami.dialplan.write(channel, "CHANNEL(accountcode)", "acme")
    assert client.event("NewCallerid")["CallerIDNum"] == "55"
    assert client.event("NewCallerid")["CID-CallingPres"].startswith("0 (")
    assert client.event("NewConnectedLine")["ConnectedLineName"] == "Bob"
    assert client.event("NewAccountCode")["AccountCode"] == "acme"
    for name in ("NewCallerid", "NewConnectedLine", "NewAccountCode"):
        check(client.event(name))


async def test_a_local_channel_is_a_pair(ami: AmiUnderTest, client: Client) -> None:
    ami.load("exten => 5,1,Wait(60)\nexten => s,1,Dial(Local/5@default/n)")
    await ami.call()
    told = client.event("LocalBridge")
    assert told["LocalOneChannel"].endswith(";1")
    assert told["LocalTwoChannel"].endswith(";2")
    assert (told["Context"], told["Exten"], told["LocalOptimization"]) == ("default", "5", "No")
    check(told)


async def test_a_blind_transfer_is_told_with_its_parties(ami: AmiUnderTest, client: Client) -> None:
    alice = await talk(ami)
    answer = await client.ask("BlindTransfer", Channel=alice.name, Exten="200", Context="default")
    assert answer[0]["Message"] == "Transfer succeeded"
    told = client.event("BlindTransfer")
    assert told["TransfererChannel"] == alice.name
    assert told["TransfereeChannel"].startswith("PJSIP/bob-")
    assert (told["Extension"], told["Context"], told["Result"]) == ("200", "default", "Success")
    check(told)


async def test_user_events_carry_what_their_sender_says(ami: AmiUnderTest, client: Client) -> None:
    blocks = await client.ask("UserEvent", UserEvent="Order", Size="12", Colour="red: dark")
    assert blocks[0]["Message"] == "Event Sent"
    told = client.event("UserEvent")
    assert (told["UserEvent"], told["Size"], told["Colour"]) == ("Order", "12", "red: dark")
    assert told["Privilege"] == "user,all"


async def test_a_user_event_of_the_dialplan_names_its_channel(
    ami: AmiUnderTest, client: Client
) -> None:
    channel = await ami.run("UserEvent(Order,Size: 12)\nWait(60)")
    told = client.event("UserEvent")
    assert (told["Channel"], told["Size"]) == (channel.name, "12")


async def test_device_and_extension_states_are_told(ami: AmiUnderTest, client: Client) -> None:
    ami.load("exten => 100,hint,PJSIP/alice\nexten => s,1,Wait(60)")
    ami.dialplan.hints.all()
    await ami.call()
    device = client.event("DeviceStateChange")
    assert (device["Device"], device["State"]) == ("PJSIP/alice", "INUSE")
    extension = client.event("ExtensionStatus")
    assert (extension["Exten"], extension["Hint"]) == ("100", "PJSIP/alice")
    assert extension["StatusText"] != ""
    check(device)
    check(extension)


async def test_mailboxes_and_presences_are_told(ami: AmiUnderTest, client: Client) -> None:
    await client.ask("MWIUpdate", Mailbox="100@default", NewMessages="2", OldMessages="1")
    told = client.event("MessageWaiting")
    assert (told["Mailbox"], told["Waiting"], told["New"], told["Old"]) == (
        "100@default", "1", "2", "1"
    )  # fmt: skip
    presences = ami.dialplan.presences
    assert presences is not None
    presences.set_custom("alice", "away,lunch,back soon")
    change = client.event("PresenceStateChange")
    assert (change["Presentity"], change["Status"], change["Subtype"], change["Message"]) == (
        "CustomPresence:alice", "away", "lunch", "back soon"
    )  # fmt: skip
    check(change)


async def test_channelvars_are_told_with_every_channel(tmp_path: Path) -> None:
    settings = Manager(users={"admin": ADMIN}, channelvars=("COLOUR",))
    ami = AmiUnderTest(tmp_path, settings)
    await ami.start()
    try:
        client = await ami.client()
        channel = await ami.run("Set(COLOUR=red)\nWait(60)")
        last = [block for block in client.blocks if block["Event"] == "Newexten"][-1]
        assert last[f"ChanVariable({channel.name})"] == "COLOUR=red"
    finally:
        await ami.close()


async def test_a_hangup_handler_is_told_of(ami: AmiUnderTest, client: Client) -> None:
    ami.load(
        "exten => s,1,Set(CHANNEL(hangup_handler_push)=default,h1,1)\n same => n,Hangup()\n"
        "exten => h1,1,Return()"
    )
    await ami.call()
    await settle()
    assert client.event("HangupHandlerPush")["Handler"] == "default,h1,1"
    assert client.event("HangupHandlerRun")["Handler"] == "default,h1,1"
    check(client.event("HangupHandlerRun"))


async def test_a_translation_that_fails_ends_no_call(
    ami: AmiUnderTest, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from server.ami.events import translator

    def broken(_event: object) -> None:
        raise RuntimeError("fault")

    monkeypatch.setitem(translator._TABLE, "ChannelCreated", broken)
    ami.load("exten => s,1,Wait(60)")
    channel = await ami.call()
    assert not channel.is_hungup
    assert "Newexten" in client.events


async def test_scripts_are_told_of(ami: AmiUnderTest, client: Client) -> None:
    from server.ami.events.agi import AgiEvents

    ami.load("exten => s,1,Wait(60)")
    channel = await ami.call()
    told = AgiEvents()
    told.on_async_begun(channel, "agi_request%3A%20async%0A")
    told.on_command_begun(channel, "ANSWER", "12")
    told.on_command_ended(channel, "ANSWER", "12", "200 result=0")
    told.on_async_executed(channel, "7", "200%20result%3D0%0A")
    told.on_async_ended(channel)
    names = ["AsyncAGIStart", "AGIExecStart", "AGIExecEnd", "AsyncAGIExec", "AsyncAGIEnd"]
    assert [name for name in client.events if "AGI" in name] == names
    for name in names:
        check(client.event(name))
    ended = client.event("AGIExecEnd")
    assert (ended["ResultCode"], ended["Result"]) == ("200", "Success")
    assert client.event("AsyncAGIExec")["CommandID"] == "7"


async def test_modules_that_come_and_go_are_told_of(ami: AmiUnderTest, client: Client) -> None:
    from server.resources.modules import Module

    ami.under.modules.add(Module("app_x.so", "X", load=lambda: None, unload=lambda: None))
    ami.under.modules.unload("app_x")
    ami.under.modules.load("app_x")
    assert client.events == ["Unload", "Load"]
    assert client.event("Load") == {
        "Event": "Load", "Privilege": "system,all", "Module": "app_x.so", "Status": "Success"
    }  # fmt: skip


async def test_a_local_channel_leaves_a_call_that_it_only_connects(
    ami: AmiUnderTest, client: Client
) -> None:
    ami.load("exten => s,1,Dial(Local/5@default)\nexten => 5,1,Dial(PJSIP/bob)")
    alice = await ami.call()
    await settle()
    bob = ami.under.phones.legs[-1].listener
    assert isinstance(bob, Channel)
    bob.on_answered()
    await settle()
    await settle()
    begun, ended = client.event("LocalOptimizationBegin"), client.event("LocalOptimizationEnd")
    assert begun["SourceChannel"] == bob.name
    assert begun["DestUniqueId"] == alice.id
    assert ended["Success"] == "Yes"
    assert begun["Id"] == ended["Id"]
    swapped = [block["SwapUniqueid"] for block in client.blocks if "SwapUniqueid" in block]
    assert swapped == [begun["LocalOneUniqueid"]]
    check(begun)
    check(ended)


async def test_an_attended_transfer_is_told_with_all_parties(
    ami: AmiUnderTest, client: Client
) -> None:
    alice = await talk(ami)
    bob = ami.under.phones.legs[-1].listener
    ami.load("exten => s,1,Wait(60)\nexten => 300,1,Dial(PJSIP/carol)")
    await client.ask("Atxfer", Channel=alice.name, Exten="300", Context="default")
    await settle()
    carol = ami.under.phones.legs[-1].listener
    assert isinstance(carol, Channel)
    assert carol.name.startswith("PJSIP/carol")
    carol.on_answered()
    await settle()
    await settle()
    client.text = ""
    alice.leg.listener.on_hangup(16, 200, "")  # type: ignore[union-attr]
    await settle()
    told = client.event("AttendedTransfer")
    assert told["OrigTransfererChannel"] == alice.name
    assert isinstance(bob, Channel)
    assert told["TransfereeChannel"] == bob.name
    assert told["Result"] == "Success"
    assert not told.keys() - {name for name, _ in FACTS["AttendedTransfer"]["fields"]} - {*COMMON}


async def test_a_pickup_is_told_with_whose_call_it_was(ami: AmiUnderTest, client: Client) -> None:
    ami.load(
        "exten => s,1,Dial(PJSIP/bob)\nexten => pick,1,PickupChan(${TARGET})\n same => n,Wait(60)"
    )
    await ami.call()
    ringing = ami.under.phones.legs[-1].listener
    assert isinstance(ringing, Channel)
    ringing.on_ringing()
    ami.dialplan.globals["TARGET"] = ringing.name
    picker = await ami.call("pick", endpoint="carol")
    await settle()
    told = client.event("Pickup")
    assert (told["Channel"], told["TargetChannel"]) == (picker.name, ringing.name)
    check(told)
