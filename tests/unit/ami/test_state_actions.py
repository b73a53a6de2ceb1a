"""The actions about the dialplan, the database, and states of extensions, devices and people."""

from __future__ import annotations

import pytest

from tests.support.ami import AmiUnderTest, Client

PLAN = """
[inside]
exten => 100,hint,PJSIP/alice,CustomPresence:ann
exten => 100,1,NoOp(a)
exten => 100,n(here),Wait(1)
exten => _2XX,1,NoOp(b)
exten => 201/55,1,NoOp(c)
include => more
ignorepat => 9
switch => Loopback/1@more

[more]
exten => 300,1,NoOp(d)
exten => 300,hint,Custom:door
"""


@pytest.fixture
def ami(ami: AmiUnderTest) -> AmiUnderTest:
    ami.load(PLAN)
    return ami


async def message(client: Client, action: str, **named: str) -> str:
    return (await client.ask(action, **named))[0].get("Message", "")


# the dialplan


async def test_a_context_is_shown_with_all_that_is_in_it(client: Client) -> None:
    blocks = await client.ask("ShowDialPlan", Context="inside", ActionID="1")
    assert blocks[0]["Message"] == "DialPlan list will follow"
    rows = [
        (b.get("Extension", ""), b.get("Priority", ""), b.get("Application", ""))
        for b in blocks[1:-1]
    ]
    assert rows == [
        ("100", "hint", "PJSIP/alice,CustomPresence:ann"),
        ("100", "1", "NoOp"),
        ("100", "2", "Wait"),
        ("201/55", "1", "NoOp"),
        ("_2XX", "1", "NoOp"),
        ("", "", ""),
        ("", "", ""),
        ("", "", ""),
    ]
    assert blocks[3]["ExtensionLabel"] == "here"
    assert blocks[3]["AppData"] == "1"
    assert {b["Registrar"] for b in blocks[1:-1]} == {"pbx_config"}
    assert [blocks[-4]["IncludeContext"], blocks[-3]["IgnorePattern"]] == ["more", "9"]
    assert blocks[-2]["Switch"] == "Loopback/1@more"
    assert [blocks[-1][f"List{what}"] for what in ("Items", "Extensions", "Priorities")] == [
        "8", "3", "5",
    ]  # fmt: skip
    assert blocks[-1]["ListContexts"] == "1"


async def test_an_extension_is_shown_wherever_it_fits(client: Client) -> None:
    blocks = await client.ask("ShowDialPlan", Context="inside", Extension="300")
    assert [b.get("Context") for b in blocks[1:-1]] == ["more", "more"]
    assert blocks[-1]["ListContexts"] == "1"
    blocks = await client.ask("ShowDialPlan", Extension="222")
    assert [b.get("Extension") for b in blocks[1:-1]] == ["_2XX"]
    assert await message(client, "ShowDialPlan", Context="x") == "Did not find context x"
    assert await message(client, "ShowDialPlan", Extension="999") == (
        "Did not find extension 999 in any context"
    )


async def test_steps_are_added_replaced_and_removed(ami: AmiUnderTest, client: Client) -> None:
    step = {"Context": "new", "Extension": "1", "Priority": "1", "Application": "NoOp"}
    assert await message(client, "DialplanExtensionAdd", **step) == "Added requested extension"
    assert ami.dialplan.has("new", "1", 1, "")
    taken = "That extension and priority already exist at that context"
    assert await message(client, "DialplanExtensionAdd", **step) == taken
    step |= {"Replace": "yes", "Application": "Verbose", "ApplicationData": "a,b"}
    await client.ask("DialplanExtensionAdd", **step)
    found = ami.dialplan.plan.contexts["new"].find_extension("1", None)
    assert found is not None
    assert (found.steps[1].application, found.steps[1].source) == ("Verbose", "a,b")
    place = {"Context": "new", "Extension": "1", "Priority": "1"}
    removed = "Removed the requested extension"
    assert await message(client, "DialplanExtensionRemove", **place) == removed
    assert not ami.dialplan.has("new", "1", 1, "")
    gone = "That extension does not exist at that context"
    assert await message(client, "DialplanExtensionRemove", **place) == gone


async def test_hints_and_steps_for_some_callers_are_added_too(
    ami: AmiUnderTest, client: Client
) -> None:
    hint = {"Context": "new", "Priority": "hint", "Application": "PJSIP/bob"}
    await client.ask("DialplanExtensionAdd", Extension="2", **hint)
    assert (await client.ask("ExtensionState", Exten="2", Context="new"))[0]["Hint"] == "PJSIP/bob"
    step = {"Context": "new", "Priority": "1", "Application": "NoOp"}
    await client.ask("DialplanExtensionAdd", Extension="3/77", **step)
    assert ami.dialplan.has("new", "3", 1, "77")
    assert not ami.dialplan.has("new", "3", 1, "78")
    await client.ask("DialplanExtensionRemove", Context="new", Extension="3/77")
    assert not ami.dialplan.has("new", "3", 1, "77")


async def test_a_step_that_makes_no_sense_is_refused(client: Client) -> None:
    step = {"Context": "new", "Extension": "1", "Priority": "0", "Application": "NoOp"}
    assert await message(client, "DialplanExtensionAdd", **step) == (
        "The priority specified was invalid."
    )
    assert await message(client, "DialplanExtensionAdd", Context="new") == (
        "Context, Extension, Priority and Application must be provided"
    )


# the database


async def test_values_are_put_got_and_deleted(client: Client) -> None:
    put = {"Family": "f", "Key": "k", "Val": "a b"}
    assert await message(client, "DBPut", **put) == "Updated database successfully"
    blocks = await client.ask("DBGet", Family="f", Key="k", ActionID="7")
    assert blocks[0] == {
        "Response": "Success", "ActionID": "7", "EventList": "start",
        "Message": "Result will follow",
    }  # fmt: skip
    assert blocks[1] == {
        "Event": "DBGetResponse", "ActionID": "7", "Family": "f", "Key": "k", "Val": "a b",
    }  # fmt: skip
    assert blocks[2]["ListItems"] == "1"
    assert await message(client, "DBDel", Family="f", Key="k") == "Key deleted successfully"
    missing = "Database entry not found"
    assert await message(client, "DBDel", Family="f", Key="k") == missing
    assert await message(client, "DBGet", Family="f", Key="k") == missing
    assert await message(client, "DBGet", Key="k") == "No family specified."
    assert await message(client, "DBPut", Family="f") == "No key specified."


async def test_trees_hold_a_key_and_all_below(ami: AmiUnderTest, client: Client) -> None:
    for key in ("a", "a/b", "ab", "c"):
        ami.store.put("f", key, key)

    async def keys(**named: str) -> list[str]:
        blocks = await client.ask("DBGetTree", **named)
        return [block["Key"] for block in blocks if "Key" in block]

    assert await keys(Family="f", Key="a") == ["/f/a", "/f/a/b"]
    assert await keys(Family="f") == ["/f/a", "/f/a/b", "/f/ab", "/f/c"]
    assert "/f/c" in await keys()
    assert await message(client, "DBDelTree", Family="f", Key="a") == (
        "Key tree deleted successfully"
    )
    assert await keys(Family="f") == ["/f/ab", "/f/c"]
    await client.ask("DBDelTree", Family="f")
    assert await keys(Family="f") == []
    assert await message(client, "DBDelTree", Family="f") == "Database entry not found"


# states


async def test_an_extension_has_the_state_of_its_hint(ami: AmiUnderTest, client: Client) -> None:
    block = (await client.ask("ExtensionState", Exten="100", Context="inside"))[0]
    assert block == {
        "Response": "Success", "Message": "Extension Status", "Exten": "100",
        "Context": "inside", "Hint": "PJSIP/alice", "Status": "0", "StatusText": "Idle",
    } | {"Hint": block["Hint"]}  # fmt: skip
    block = (await client.ask("ExtensionState", Exten="300", Context="inside"))[0]
    assert (block["Context"], block["Hint"]) == ("inside", "Custom:door")
    block = (await client.ask("ExtensionState", Exten="9", Context="inside"))[0]
    assert (block["Status"], block["StatusText"], block["Hint"]) == ("-1", "Unknown", "")
    assert await message(client, "ExtensionState") == "Extension not specified"


async def test_extensions_with_hints_are_listed(ami: AmiUnderTest, client: Client) -> None:
    ami.under.devices.set("Custom", "door", "INUSE")
    await client.ask("ExtensionStateList")
    found = {b["Exten"]: b["StatusText"] for b in client.blocks if "Exten" in b}
    assert found == {"100": "Idle", "300": "InUse"}


async def test_devices_are_listed_once_each(ami: AmiUnderTest, client: Client) -> None:
    ami.under.devices.set("Custom", "door", "BUSY")
    ami.under.devices.set("Stasis", "lamp", "INUSE")
    await client.ask("DeviceStateList")
    found = [(b["Device"], b["State"]) for b in client.blocks if "Device" in b]
    assert [name for name, _ in found] == [
        "Custom:door", "PJSIP/alice", "PJSIP/bob", "PJSIP/carol", "Stasis:lamp",
    ]  # fmt: skip
    assert dict(found)["Custom:door"] == "BUSY"


async def test_presences_are_told_and_listed(ami: AmiUnderTest, client: Client) -> None:
    presences = ami.dialplan.presences
    assert presences is not None
    presences.set_custom("ann", "away,lunch,back at two")
    block = (await client.ask("PresenceState", Provider="CustomPresence:ann"))[0]
    assert (block["Message"], block["State"]) == ("Presence State", "away")
    assert (block["Subtype"], block["PresenceMessage"]) == ("lunch", "back at two")
    await client.ask("PresenceStateList")
    told = client.event("PresenceStateChange")
    assert (told["Presentity"], told["Status"]) == ("CustomPresence:ann", "away")
    assert (await client.ask("PresenceState", Provider="x:y"))[0]["Response"] == "Error"
    assert await message(client, "PresenceState") == "No provider specified"
