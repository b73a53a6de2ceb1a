"""Commands that steer calls, or list what belongs to them."""

from __future__ import annotations

import pytest

from server.cli.registry import CommandError
from server.dialplan.functions.groups import Groups
from server.dialplan.functions.locks import Locks


async def test_calls_are_counted(cli) -> None:
    await cli.node.call("alice")
    assert await cli.run("core show calls") == "1 active call\n1 call processed"
    output = await cli.run("core show calls uptime seconds")
    assert output.splitlines()[2:] == ["System uptime: 65", "Last reload: 5"]
    with pytest.raises(CommandError, match="Usage"):
        await cli.run("core show calls seconds")


async def test_a_channel_goes_on_elsewhere(cli) -> None:
    channel = await cli.node.call("alice")
    output = await cli.run(f"channel redirect {channel.name} default,100,again")
    assert output == f"Channel '{channel.name}' successfully redirected to default,100,again"
    for line, error in (
        ("none 1", "none is not a known channel"),
        (f"{channel.name} default,100,none", "'none' is not a known priority"),
        (f"{channel.name} default,999,1", "'999' priority '1' does not exist in 'default'"),
    ):
        with pytest.raises(CommandError, match=error):
            await cli.run(f"channel redirect {line}")


async def test_bridges_are_emptied_and_ended(cli) -> None:
    channels = [await cli.node.call(name) for name in ("alice", "bob")]
    bridge = cli.node.bridges._make("b1")
    for channel in channels:
        bridge.add(channel)
    with pytest.raises(CommandError, match="'none' not found in bridge 'b1'"):
        await cli.run("bridge kick b1 none")
    first = channels[0].name
    assert cli.registry.complete(cli.context, "bridge kick b1 a") == ["all"]
    assert await cli.run(f"bridge kick b1 {first}") == f"Kicking channel '{first}' from bridge 'b1'"
    assert list(bridge.channels.values()) == channels[1:]
    assert await cli.run("bridge kick b1 all") == "Kicking all channels from bridge 'b1'"
    assert not bridge.channels
    assert not any(channel.is_hungup for channel in channels)
    assert await cli.run("bridge destroy b1") == "Destroying bridge 'b1'"
    assert "b1" not in cli.node.bridges
    with pytest.raises(CommandError, match="'b1' not found"):
        await cli.run("bridge destroy b1")


async def test_who_has_nowhere_to_go_ends_with_the_bridge(cli) -> None:
    caller, called = await cli.node.call("alice"), await cli.node.call("bob")
    called.release_control()
    bridge = cli.node.bridges._make("b1", bridge_class="basic")
    bridge.add(caller)
    bridge.add(called)
    await cli.run("bridge destroy b1")
    assert called.is_hungup
    assert not caller.is_hungup
    assert caller.bridge is None


async def test_bridge_technologies(cli) -> None:
    rows = (await cli.run("bridge technology show")).splitlines()
    assert rows[0].split() == ["Name", "Type", "Priority", "Suspended"]
    assert rows[-1].split() == ["softmix", "MultiMix", "10", "No"]
    assert "is not suspended" in await cli.run("bridge technology unsuspend softmix")
    with pytest.raises(CommandError, match="the media engine needs it"):
        await cli.run("bridge technology suspend softmix")
    with pytest.raises(CommandError, match="'none' not found"):
        await cli.run("bridge technology suspend none")


async def test_groups(cli) -> None:
    channel = await cli.node.call("alice")
    cli.dialplan.part(Groups).set(channel, "sales", "")
    rows = (await cli.run("group show channels")).splitlines()
    assert rows[1].split() == [channel.name, "sales", "(default)"]
    assert rows[2] == "1 active channel"
    assert (await cli.run("group show channels ^x")).endswith("0 active channels")


async def test_hangup_handlers(cli) -> None:
    channel = await cli.node.call("alice")
    cli.dialplan.state_of(channel).hangup_handlers.append("h,s,1")
    for line in ("core show hanguphandlers all", f"core show hanguphandlers {channel.name}"):
        assert (await cli.run(line)).splitlines()[2].split() == [channel.name, "h,s,1"]
    with pytest.raises(CommandError, match="Channel does not exist: none"):
        await cli.run("core show hanguphandlers none")


async def test_locks(cli) -> None:
    channel = await cli.node.call("alice")
    cli.dialplan.part(Locks).try_acquire(channel, "door")
    rows = (await cli.run("dialplan locks show")).splitlines()
    assert rows[1].split() == ["door", channel.name, "0"]
    assert rows[2] == "1 lock"


async def test_local_channels(cli) -> None:
    assert await cli.run("local show channels") == "No local channels in use"


async def test_a_channel_is_recorded(cli) -> None:
    channel = await cli.node.call("alice")
    empty = await cli.run(f"mixmonitor list {channel.name}")
    assert empty.splitlines()[0] == "MixMonitor ID\tFile\tReceive File\tTransmit File"
    await cli.run(f"mixmonitor start {channel.name} talk.wav,r(heard.wav)")
    row = (await cli.run(f"mixmonitor list {channel.name}")).splitlines()[2].split("\t")
    assert row[1].endswith("/talk.wav")
    assert row[2].endswith("/heard.wav")
    assert await cli.run(f"mixmonitor stop {channel.name} {row[0]}") == ""
    with pytest.raises(CommandError, match="No channel matching 'none' found"):
        await cli.run("mixmonitor start none x.wav")


@pytest.mark.parametrize(
    ("line", "candidate"),
    [
        ("channel originate P", "PJSIP/alice"),
        ("channel originate PJSIP/alice ", "application"),
        ("channel originate PJSIP/alice application Ec", "Echo"),
        ("channel originate PJSIP/alice extension d", "default"),
        ("core set debug 3 res_p", "res_pjsip"),
        ("module reload res_a", "res_ari"),
        ("moh show f", "files"),
    ],
)
async def test_arguments_are_completed(cli, line: str, candidate: str) -> None:
    assert candidate in cli.registry.complete(cli.context, line)
