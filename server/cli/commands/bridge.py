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
from server.resources.controlled import EndedBy

if TYPE_CHECKING:
    from server.resources.bridge import Bridge

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


def _complete_technology(_context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [each.name for each in TECHNOLOGIES]


@command(
    "bridge technology {suspend|unsuspend}",
    "Refused: the media engine needs every technology",
    arguments="<technology-name>",
    complete=_complete_technology,
)
def suspend_technology(_context: CliContext, call: Call) -> str:
    """Say that a technology can't be suspended, and none ever is."""
    if len(call.arguments) != 1:
        raise WrongUsage
    name = call.arguments[0]
    if name not in {each.name for each in TECHNOLOGIES}:
        raise CommandError(f"Bridge technology '{name}' not found")
    if call.option == "suspend":
        raise CommandError(f"{name} can't be suspended: the media engine needs it")
    return f"Bridge technology '{name}' is not suspended"


@command("bridge destroy", "End a bridge", arguments="<bridge-id>", complete=_complete_bridge)
def destroy(context: CliContext, call: Call) -> str:
    """End a bridge; those go on who have somewhere to go."""
    if len(call.arguments) != 1:
        raise WrongUsage
    bridge = _find(context, call.arguments[0])
    if bridge.bridge_class == "stasis":
        context.bridges.destroy(bridge.id)
    else:
        for channel in list(bridge.channels.values()):
            bridge.kick(channel, EndedBy.CONSOLE)
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
    """Take a channel, or all, out; who has nowhere to go ends."""
    if len(call.arguments) != 2:
        raise WrongUsage
    bridge, name = _find(context, call.arguments[0]), call.arguments[1]
    if name == ALL:
        for channel in list(bridge.channels.values()):
            bridge.kick(channel, EndedBy.CONSOLE)
        return f"Kicking all channels from bridge '{bridge.id}'"
    found = context.channels.find(name)
    if found is None or found.bridge is not bridge:
        raise CommandError(f"Channel '{name}' not found in bridge '{bridge.id}'")
    bridge.kick(found, EndedBy.CONSOLE)
    return f"Kicking channel '{found.name}' from bridge '{bridge.id}'"


def _find(context: CliContext, bridge_id: str) -> Bridge:
    if bridge_id not in context.bridges:
        raise CommandError(f"Bridge '{bridge_id}' not found")
    return context.bridges.find(bridge_id)


def _duration(context: CliContext, bridge: Bridge) -> str:
    described = orjson.loads(orjson.dumps(bridge.snapshot()))
    made = datetime.strptime(described["creationtime"], "%Y-%m-%dT%H:%M:%S.%f%z")
    return clock(context.wall() - made.timestamp())
