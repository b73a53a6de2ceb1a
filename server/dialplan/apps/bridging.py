"""Applications that put the channel into a bridge with others."""

from __future__ import annotations

import asyncio

from server.base.causes import Cause
from server.base.errors import ChannelHungUp
from server.dialplan.arguments import Options, argument, parse_options, split_arguments
from server.dialplan.conversation import Conversation
from server.dialplan.dialling import is_ours
from server.dialplan.executor import Call
from server.dialplan.features.prompts import play
from server.dialplan.handover import go_on_after_bridge, send_peer_away
from server.dialplan.numbers import parse_seconds
from server.dialplan.registry import application
from server.resources.bridge import Bridge
from server.resources.channel import Channel
from server.resources.controlled import EndedBy

BRIDGE_OPTIONS = "pFhHkKLnStTwWx"
BRIDGEWAIT_OPTIONS = "meSn"
DEFAULT_ROOM = "default"
ROLES = ("participant", "announcer")
RESULT = "BRIDGERESULT"


@application("Bridge")
async def bridge(call: Call, data: str) -> None:
    """Bridge(channel, options): talk to a channel that is taken from wherever it is.

    Options are those of Dial(), and ``p``: the other one hears the courtesy tone first; ``n``:
    don't answer. Sets BRIDGERESULT.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 1), BRIDGE_OPTIONS, "Bridge", call.where)
    other = _find(call, argument(arguments, 0))
    if other is None:
        return
    channel = call.channel
    if "n" not in options:
        channel.answer()
    other.release_control()
    if other.bridge is not None:
        other.bridge.remove(other)
    other.is_adopted = False
    channel.variables.set(RESULT, "SUCCESS")
    await _talk(call, other, options)


async def _talk(call: Call, other: Channel, options: Options) -> None:
    channel = call.channel
    tone = call.dialplan.settings.features.general.courtesytone
    is_sent_away = False
    try:
        if "p" in options and tone:
            await channel.wait(play(other, tone))
        channel.variables.set("BRIDGEPEER", other.name)
        other.variables.set("BRIDGEPEER", channel.name)
        await Conversation(call, other, options).run()
        is_sent_away = go_on_after_bridge(call, other)
    except ChannelHungUp:
        if channel.is_hungup:
            is_sent_away = send_peer_away(call, other, options)
            raise
        channel.variables.set(RESULT, "FAILURE")
    finally:
        if not is_sent_away and is_ours(other):
            other.hangup(Cause.NORMAL_CLEARING, EndedBy.DIALPLAN)


@application("BridgeAdd")
async def bridge_add(call: Call, data: str) -> None:
    """BridgeAdd(channel): join the bridge in which a channel is; sets BRIDGERESULT."""
    other = _find(call, argument(split_arguments(data), 0))
    if other is None:
        return
    channel, joined = call.channel, other.bridge
    if joined is None:
        call.report(f"BridgeAdd: {other.name} is in no bridge")
        channel.variables.set(RESULT, "FAILURE")
        return
    channel.answer()
    channel.variables.set(RESULT, "SUCCESS")
    joined.add(channel)
    await _stay(channel, joined)


@application("BridgeWait")
async def bridge_wait(call: Call, data: str) -> None:
    """BridgeWait(name, role, options): wait in a holding bridge.

    Options: ``m(class)`` music; ``e(m|r|s|h|n)`` music, ringing, silence, hold or nothing;
    ``S(seconds)`` leaves after that time; ``n`` don't answer. An announcer is heard by all.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 2), BRIDGEWAIT_OPTIONS, "BridgeWait", call.where)
    role = argument(arguments, 1, "participant").lower()
    if role not in ROLES:
        call.report(f"BridgeWait: role {role!r} is none of {', '.join(ROLES)}")
        return
    channel = call.channel
    if "n" not in options:
        channel.answer()
    rooms = call.dialplan.waiting_rooms
    name = argument(arguments, 0, DEFAULT_ROOM)
    room = rooms.enter(name)
    try:
        room.add(channel, role=role)
        if role == "participant":
            _entertain(channel, options)
        seconds = parse_seconds(options.get("S"))
        async with asyncio.timeout(seconds if seconds > 0 else None):
            await _stay(channel, room)
    except TimeoutError:
        pass
    finally:
        if channel.bridge is room:
            room.remove(channel)
        rooms.leave(name)


def _entertain(channel: Channel, options: Options) -> None:
    """Choose what who waits hears."""
    kind = options.get("e", "m")[:1]
    music = options.get("m", channel.music_class)
    tone = channel.node.tone("ring", channel.tone_zone)
    if kind in ("m", "h"):
        channel.set_background("music", music)
    elif kind == "r" and tone:
        channel.set_background("tone", tone)
    elif kind == "s":
        channel.set_background("silence")


async def _stay(channel: Channel, joined: Bridge) -> None:
    """Wait until the channel has left a bridge.

    :raises ChannelHungUp: it hung up.
    """
    while channel.bridge is joined:
        await channel.wait(joined.departure())


def _find(call: Call, name: str) -> Channel | None:
    """Return the other channel, by name or by the beginning of its name, or say why not."""
    channel, registry = call.channel, call.channel.node.registry
    wanted = name.strip().lower()
    found = registry.find(name.strip()) if wanted else None
    if found is None and wanted:
        found = next((each for each in registry if each.name.lower().startswith(wanted)), None)
    if found is None or found.is_hungup:
        call.report(f"there is no channel {name!r} to talk to")
        channel.variables.set(RESULT, "NONEXISTENT")
        return None
    if found is channel:
        call.report("a channel can't talk to itself")
        channel.variables.set(RESULT, "LOOP")
        return None
    return found
