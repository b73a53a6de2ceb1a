"""The actions about bridges."""

from __future__ import annotations

import pytest

from server.resources.channel import Channel
from tests.support.ami import AmiUnderTest, Client
from tests.support.node import settle

PLAN = """
exten => s,1,Answer()
same => n,Wait(60)
same => n,Set(GLOBAL(WENT_ON)=${CHANNEL(name)})
same => n,Wait(60)
exten => dial,1,Dial(PJSIP/bob,,g)
same => n,Set(GLOBAL(WENT_ON)=${CHANNEL(name)})
same => n,Wait(60)
"""


@pytest.fixture
def ami(ami: AmiUnderTest) -> AmiUnderTest:
    ami.load(PLAN)
    return ami


async def talk(ami: AmiUnderTest) -> tuple[Channel, Channel]:
    """Let Alice and Bob talk."""
    alice = await ami.call("dial")
    bob = ami.under.phones.legs[-1].listener
    assert isinstance(bob, Channel)
    bob.on_answered()
    await settle()
    assert alice.bridge is not None
    return alice, bob


async def test_bridges_are_listed_and_described(ami: AmiUnderTest, client: Client) -> None:
    alice, bob = await talk(ami)
    assert alice.bridge is not None
    await client.ask("BridgeList")
    assert client.event("BridgeListItem")["BridgeUniqueid"] == alice.bridge.id
    await client.ask("BridgeList", BridgeType="stasis")
    assert client.event("BridgeListComplete")["ListItems"] == "0"
    blocks = await client.ask("BridgeInfo", BridgeUniqueid=alice.bridge.id)
    assert [block.get("Channel") for block in blocks[1:-1]] == [alice.name, bob.name]
    assert blocks[-1]["Event"] == "BridgeInfoComplete"
    assert (blocks[-1]["BridgeNumChannels"], blocks[-1]["BridgeType"]) == ("2", "basic")
    gone = (await client.ask("BridgeInfo", BridgeUniqueid="x"))[0]
    assert gone["Message"] == "Specified BridgeUniqueid not found"
    none = (await client.ask("BridgeInfo"))[0]
    assert none["Message"] == "BridgeUniqueid must be provided"


async def test_who_is_kicked_goes_on_in_the_dialplan(ami: AmiUnderTest, client: Client) -> None:
    alice, bob = await talk(ami)
    block = (await client.ask("BridgeKick", Channel=alice.name))[0]
    assert block["Message"] == "Channel has been kicked"
    await settle()
    assert ami.dialplan.globals["WENT_ON"] == alice.name
    assert bob.is_hungup
    assert (await client.ask("BridgeKick", Channel=alice.name))[0]["Response"] == "Error"
    assert (await client.ask("BridgeKick", Channel="x"))[0]["Message"] == "Channel does not exist"


async def test_a_dialled_channel_that_is_kicked_ends(ami: AmiUnderTest, client: Client) -> None:
    alice, bob = await talk(ami)
    assert bob.bridge is not None
    await client.ask("BridgeKick", Channel=bob.name, BridgeUniqueid=bob.bridge.id)
    await settle()
    assert bob.is_hungup
    assert not alice.is_hungup
    assert alice.bridge is None


async def test_a_destroyed_bridge_lets_everybody_out(ami: AmiUnderTest, client: Client) -> None:
    alice, bob = await talk(ami)
    assert alice.bridge is not None
    block = (await client.ask("BridgeDestroy", BridgeUniqueid=alice.bridge.id))[0]
    assert block["Message"] == "Bridge has been destroyed"
    await settle()
    assert ami.dialplan.globals["WENT_ON"] == alice.name
    assert bob.is_hungup
    made = ami.under.bridges.create(bridge_id="mine")
    assert made is not None
    await client.ask("BridgeDestroy", BridgeUniqueid="mine")
    assert "mine" not in ami.under.bridges


async def test_the_ways_to_mix_are_listed_and_stay(ami: AmiUnderTest, client: Client) -> None:
    blocks = await client.ask("BridgeTechnologyList")
    assert [(b["BridgeTechnology"], b["BridgeSuspended"]) for b in blocks[1:-1]] == [
        ("holding_bridge", "No"), ("native_rtp", "No"), ("simple_bridge", "No"), ("softmix", "No"),
    ]  # fmt: skip
    refused = (await client.ask("BridgeTechnologySuspend", BridgeTechnology="softmix"))[0]
    assert "can't be suspended" in refused["Message"]
    works = (await client.ask("BridgeTechnologyUnsuspend", BridgeTechnology="softmix"))[0]
    assert works["Response"] == "Success"
    unknown = (await client.ask("BridgeTechnologyUnsuspend", BridgeTechnology="x"))[0]
    assert unknown["Message"] == "BridgeTechnology not found"


async def test_two_channels_talk_and_go_on_afterwards(ami: AmiUnderTest, client: Client) -> None:
    alice, carol = await ami.call("s"), await ami.call("s", endpoint="carol")
    block = (await client.ask("Bridge", Channel1=alice.name, Channel2=carol.name, Tone="Both"))[0]
    assert block["Message"] == "Channels have been bridged"
    await settle()
    assert alice.bridge is not None
    assert alice.bridge is carol.bridge
    alice.hangup()
    await settle()
    assert ami.dialplan.globals["WENT_ON"] == carol.name
    assert not carol.is_hungup


async def test_the_first_goes_on_when_the_second_leaves(ami: AmiUnderTest, client: Client) -> None:
    alice, carol = await ami.call("s"), await ami.call("s", endpoint="carol")
    await client.ask("Bridge", Channel1=alice.name, Channel2=carol.name)
    carol.hangup()
    await settle()
    assert ami.dialplan.globals["WENT_ON"] == alice.name


async def test_who_was_dialled_can_be_taken_and_ends_with_the_talk(
    ami: AmiUnderTest, client: Client
) -> None:
    alice, bob = await talk(ami)
    carol = await ami.call("s", endpoint="carol")
    await client.ask("Bridge", Channel1=carol.name, Channel2=bob.name)
    await settle()
    assert bob.bridge is carol.bridge is not None
    assert ami.dialplan.globals["WENT_ON"] == alice.name
    carol.hangup()
    await settle()
    assert bob.is_hungup


async def test_a_bridge_of_nobody_is_refused(ami: AmiUnderTest, client: Client) -> None:
    alice = await ami.call("s")
    missing = (await client.ask("Bridge", Channel1=alice.name, Channel2="PJSIP/x"))[0]
    assert missing["Message"] == "Channel2 does not exist: PJSIP/x"
    own = (await client.ask("Bridge", Channel1=alice.name, Channel2=alice.id))[0]
    assert own["Message"] == "Unable to bridge a channel with itself"
