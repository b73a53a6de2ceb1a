"""``bridge …``: who is connected with whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import orjson

from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import clock, lines
from server.resources.bridge_technologies import TECHNOLOGIES
from server.resources.channel import EndedBy

if TYPE_CHECKING:
    from server.resources.bridge import Bridge
    from server.resources.channel import Channel

ALL = "all"


@command("bridge show all", "List the bridges")
def show_all(context: CliContext, _call: Call) -> Iterator[str]:
    """List every bridge."""
    yield f"{'Bridge-ID':<36} {'Chans':>5} {'Type':<15} {'Technology':<15} Duration"
    for bridge in list(context.bridges):
        yield (
            f"{bridge.id:<36} {len(bridge.channels):>5} {bridge.bridge_class:<15} "
            f"{bridge.technology:<15} {_duration(context, bridge)}"
        )


def _complete_bridge(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [bridge.id for bridge in context.bridges]


@command("bridge show", "Show one bridge", arguments="<bridge-id>", complete=_complete_bridge)
def show(context: CliContext, call: Call) -> str:
    """Show a bridge and its channels."""
    if len(call.arguments) != 1:
        raise WrongUsage
    bridge = _find(context, call.arguments[0])
    return lines(
        f"Id: {bridge.id}",
        f"Type: {bridge.bridge_class}",
        f"Technology: {bridge.technology}",
        f"Subclass: {bridge.bridge_class}",
        f"Creator: {bridge.creator}",
        f"Name: {bridge.name}",
        f"Video-Mode: {bridge.video_mode}",
        f"Num-Channels: {len(bridge.channels)}",
        f"Num-Active: {len(bridge.channels)}",
        f"Duration: {_duration(context, bridge)}",
        *(f"Channel: {channel.name}" for channel in bridge.channels.values()),
    )


@command("bridge technology show", "List how bridges can mix")
def show_technologies(_context: CliContext, _call: Call) -> str:
    """List the technologies that bridges choose from."""
    return lines(
        f"{'Name':<20} {'Type':<20} {'Priority':>8} Suspended",
        *(f"{each.name:<20} {each.kind:<20} {each.priority:>8} No" for each in TECHNOLOGIES),
    )


@command("bridge destroy", "End a bridge", arguments="<bridge-id>", complete=_complete_bridge)
def destroy(context: CliContext, call: Call) -> str:
    """End a bridge: channels of applications stay with these, others are hung up."""
    if len(call.arguments) != 1:
        raise WrongUsage
    bridge = _find(context, call.arguments[0])
    if bridge.bridge_class == "stasis":
        context.bridges.destroy(bridge.id)
    else:
        for channel in list(bridge.channels.values()):
            channel.hangup(ended_by=EndedBy.CONSOLE)
    return f"Destroying bridge '{bridge.id}'"


def _complete_kick(context: CliContext, arguments: Sequence[str]) -> list[str]:
    if not arguments:
        return [bridge.id for bridge in context.bridges]
    if len(arguments) > 1 or arguments[0] not in context.bridges:
        return []
    members = context.bridges.find(arguments[0]).channels.values()
    return [ALL, *(channel.name for channel in members)]


@command(
    "bridge kick",
    "Take a channel out of a bridge",
    arguments="<bridge-id> <channel-name | all>",
    complete=_complete_kick,
)
def kick(context: CliContext, call: Call) -> str:
    """Take a channel, or all, out: an application's stays with it, others are hung up."""
    if len(call.arguments) != 2:
        raise WrongUsage
    bridge, name = _find(context, call.arguments[0]), call.arguments[1]
    if name == ALL:
        for channel in list(bridge.channels.values()):
            _take_out(bridge, channel)
        return f"Kicking all channels from bridge '{bridge.id}'"
    found = context.channels.find(name)
    if found is None or found.bridge is not bridge:
        raise CommandError(f"Channel '{name}' not found in bridge '{bridge.id}'")
    _take_out(bridge, found)
    return f"Kicking channel '{found.name}' from bridge '{bridge.id}'"


def _take_out(bridge: Bridge, channel: Channel) -> None:
    if bridge.bridge_class == "stasis":
        bridge.remove(channel)
    else:
        channel.hangup(ended_by=EndedBy.CONSOLE)


def _find(context: CliContext, bridge_id: str) -> Bridge:
    if bridge_id not in context.bridges:
        raise CommandError(f"Bridge '{bridge_id}' not found")
    return context.bridges.find(bridge_id)


def _duration(context: CliContext, bridge: Bridge) -> str:
    described = orjson.loads(orjson.dumps(bridge.snapshot()))
    made = datetime.strptime(described["creationtime"], "%Y-%m-%dT%H:%M:%S.%f%z")
    return clock(context.wall() - made.timestamp())
