"""Bridges: who is in them, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.ami.events.blocks import bridge_block, channel_block
from server.ami.protocol import Field
from server.ami.registry import ActionError, ListItem, Reply, Request, action, done, listing
from server.base.errors import ChannelHungUp, NotFound
from server.dialplan.features.prompts import start
from server.resources.bridge_technologies import TECHNOLOGIES
from server.resources.channel import Channel
from server.resources.controlled import EndedBy

if TYPE_CHECKING:
    from server.ami.context import AmiContext
    from server.resources.bridge import Bridge

Position = tuple[str, str, int]


@action("BridgeList", summary="List the bridges")
def bridge_list(request: Request) -> Reply:
    """List bridges, of one type if it is given."""
    kind = request.get("BridgeType")
    items: list[ListItem] = [
        ("BridgeListItem", bridge_block(bridge))
        for bridge in request.context.bridges
        if kind in ("", bridge.bridge_class)
    ]
    return listing("Bridge listing will follow", items, "BridgeListComplete")


@action("BridgeInfo", summary="Show a bridge and who is in it")
def bridge_info(request: Request) -> Reply:
    """Describe a bridge and who is in it."""
    bridge = _bridge(request)
    items: list[ListItem] = [
        ("BridgeInfoChannel", channel_block(channel)) for channel in bridge.channels.values()
    ]
    return listing(
        "Bridge channel listing will follow",
        items,
        "BridgeInfoComplete",
        complete_fields=_fields(bridge_block(bridge)),
    )


@action("BridgeDestroy", summary="End a bridge")
def bridge_destroy(request: Request) -> Reply:
    """End a bridge; those go on who have somewhere to go."""
    bridge = _bridge(request)
    if bridge.bridge_class == "stasis":
        request.context.bridges.destroy(bridge.id)
    else:
        for channel in list(bridge.channels.values()):
            bridge.kick(channel, EndedBy.COMMAND)
    return done("Bridge has been destroyed")


@action("BridgeKick", summary="Take a channel out of its bridge")
def bridge_kick(request: Request) -> Reply:
    """Take a channel out of its bridge; it goes on if it has somewhere to go."""
    name = request.need("Channel", "Channel must be provided")
    channel = request.context.channels.find(name)
    if channel is None:
        raise ActionError("Channel does not exist")
    bridge = _bridge(request) if request.get("BridgeUniqueid") else channel.bridge
    if bridge is None or channel.bridge is not bridge:
        raise ActionError("Channel is not in the bridge")
    bridge.kick(channel, EndedBy.COMMAND)
    return done("Channel has been kicked")


@action("BridgeTechnologyList", summary="List the ways in which bridges mix")
def technology_list(_request: Request) -> Reply:
    """List the ways to mix."""
    items: list[ListItem] = [
        (
            "BridgeTechnologyListItem",
            [
                ("BridgeTechnology", each.name),
                ("BridgeType", each.kind),
                ("BridgePriority", each.priority),
                ("BridgeSuspended", "No"),
            ],
        )
        for each in TECHNOLOGIES
    ]
    message = "Bridge technology listing will follow"
    return listing(message, items, "BridgeTechnologyListComplete")


@action("BridgeTechnologySuspend", summary="Let new bridges not use a way to mix")
def technology_suspend(request: Request) -> Reply:
    """Refuse: the engine chooses how to mix by what the members need."""
    name = _technology(request)
    raise ActionError(f"{name} can't be suspended: the media engine needs it")


@action("BridgeTechnologyUnsuspend", summary="Let new bridges use a way to mix again")
def technology_unsuspend(request: Request) -> Reply:
    """Do nothing: none is ever suspended."""
    _technology(request)
    return done("Unsuspended bridge technology")


def _technology(request: Request) -> str:
    name = request.need("BridgeTechnology", "BridgeTechnology must be provided")
    if name not in (each.name for each in TECHNOLOGIES):
        raise ActionError("BridgeTechnology not found")
    return name


def _bridge(request: Request) -> Bridge:
    bridge_id = request.need("BridgeUniqueid", "BridgeUniqueid must be provided")
    try:
        return request.context.bridges.find(bridge_id)
    except NotFound:
        raise ActionError("Specified BridgeUniqueid not found") from None


def _fields(block: str) -> list[Field]:
    """Return a block of lines as fields again."""
    return [(name, value) for name, _, value in (x.partition(": ") for x in block.splitlines())]


# two channels together


@action("Bridge", "call", summary="Connect two channels with each other")
def bridge_two(request: Request) -> Reply:
    """Let two channels talk, wherever they are; afterwards each goes on in its dialplan."""
    first, second = (_member(request, name) for name in ("Channel1", "Channel2"))
    if first is second:
        raise ActionError("Unable to bridge a channel with itself")
    context = request.context
    sound = context.dialplan.settings.features.general.courtesytone
    tone = request.get("Tone", "no").lower()
    positions = _position(context, first), _position(context, second)
    second.release_control()
    if second.bridge is not None:
        second.bridge.remove(second)
    second.is_adopted = False
    first.take_control(_talk(context, first, second, positions), "bridge")
    for channel, name in ((first, "channel1"), (second, "channel2")):
        if sound and tone in (name, "both"):
            start(channel, sound)
    return done("Channels have been bridged")


def _member(request: Request, name: str) -> Channel:
    wanted = request.need(name, f"{name} not specified")
    channel = request.context.channels.find(wanted)
    if channel is None or channel.is_hungup:
        raise ActionError(f"{name} does not exist: {wanted}")
    return channel


def _position(context: AmiContext, channel: Channel) -> Position | None:
    """Return where a channel that the dialplan drives goes on; ``None`` for others."""
    if channel.is_controlled and context.dialplan.state_of(channel).runner is not None:
        return channel.context, channel.exten, channel.priority + 1
    return None


async def _talk(
    context: AmiContext,
    first: Channel,
    second: Channel,
    positions: tuple[Position | None, Position | None],
) -> None:
    """Control *first* while both talk, and send them on afterwards."""
    first.answer()
    second.answer()
    try:
        await context.bridges.connect(first, second)
    except ChannelHungUp:
        return
    finally:
        if not second.is_controlled:
            _go_on(context, second, positions[1])
    _go_on(context, first, positions[0])


def _go_on(context: AmiContext, channel: Channel, position: Position | None) -> None:
    if channel.is_hungup or channel.bridge is not None:
        return
    if position is None:
        channel.hangup(ended_by=EndedBy.COMMAND)
        return
    channel.set_position(*position)
    context.dialplan.start(channel)
