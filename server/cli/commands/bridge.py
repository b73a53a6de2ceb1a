"""``bridge …``: who is connected with whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import orjson

from server.cli.context import CliContext
from server.cli.registry import Call, WrongUsage, command
from server.cli.tables import clock, lines

if TYPE_CHECKING:
    from server.resources.bridge import Bridge


@command("bridge show all", "List the bridges")
def show_all(context: CliContext, _call: Call) -> str:
    """List every bridge."""
    rows = [f"{'Bridge-ID':<36} {'Chans':>5} {'Type':<15} {'Technology':<15} Duration"]
    rows += [
        f"{bridge.id:<36} {len(bridge.channels):>5} {bridge.bridge_class:<15} "
        f"{bridge.technology:<15} {_duration(context, bridge)}"
        for bridge in context.bridges
    ]
    return lines(*rows)


def _complete_bridge(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [bridge.id for bridge in context.bridges]


@command("bridge show", "Show one bridge", arguments="<bridge-id>", complete=_complete_bridge)
def show(context: CliContext, call: Call) -> str:
    """Show a bridge and its channels."""
    if len(call.arguments) != 1:
        raise WrongUsage
    bridge = context.bridges.find(call.arguments[0])
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


def _duration(context: CliContext, bridge: Bridge) -> str:
    described = orjson.loads(orjson.dumps(bridge.snapshot()))
    made = datetime.strptime(described["creationtime"], "%Y-%m-%dT%H:%M:%S.%f%z")
    return clock(context.wall() - made.timestamp())
