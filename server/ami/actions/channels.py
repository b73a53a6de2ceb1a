"""Actions about channels: who is there, and what becomes of them."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from server.ami.events.blocks import UNKNOWN, channel_block
from server.ami.protocol import Field, clean, lines
from server.ami.registry import (
    ActionError,
    ListItem,
    Reply,
    Request,
    action,
    done,
    listing,
    success,
)
from server.base import suspension
from server.base.causes import Cause
from server.dialplan.pickup import group_text
from server.dialplan.posix_regex import compile_regex
from server.resources.channel import Channel
from server.resources.controlled import EndedBy

MAX_CAUSE = 127


@action("Hangup", "system", "call", summary="Hang up a channel, or all whose names match /regex/")
def hangup(request: Request) -> Reply:
    """End calls."""
    name = request.need("Channel", "No channel specified")
    cause = _cause(request)
    if name.startswith("/"):
        return _hangup_matching(request, name, cause)
    channel = request.channel()
    channel.hangup(cause, EndedBy.COMMAND)
    return done("Channel Hungup")


def _cause(request: Request) -> int:
    """Return the cause asked for; one that can't be read counts as none, as in Asterisk."""
    text = request.get("Cause")
    if text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= MAX_CAUSE:
        return int(text) or int(Cause.NORMAL_CLEARING)
    return int(Cause.NORMAL_CLEARING)


def _hangup_matching(request: Request, name: str, cause: int) -> Reply:
    pattern = name[1:].removesuffix("/")
    if not name.endswith("/") or len(name) < 2 or not pattern:
        raise ActionError("Regex format invalid, Channel param should be /regex/")
    compiled = compile_regex(pattern)
    found = [each for each in request.context.channels if compiled.search(each.name)]
    items: list[ListItem] = [("ChannelHungup", [("Channel", each.name)]) for each in found]
    for each in found:
        each.hangup(cause, EndedBy.COMMAND)
    return listing("Channels hung up will follow", items, "ChannelsHungupListComplete")


@action("Getvar", "call", "reporting", summary="Read a variable of a channel, or a global one")
def getvar(request: Request) -> Reply | Coroutine[Any, Any, Reply]:
    """Read a variable or a function, which may have to wait."""
    name = request.need("Variable", "No variable specified")
    channel = request.channel() if request.get("Channel") else None

    def read() -> Reply:
        value = request.context.dialplan.read(channel, name)
        return success(("Variable", name), ("Value", value or ""))

    return suspension.attempt(read) if name.endswith(")") else read()


@action("Setvar", "call", summary="Set a variable of a channel, or a global one")
def setvar(request: Request) -> Reply | Coroutine[Any, Any, Reply]:
    """Write a variable or a function, which may have to wait."""
    name = request.need("Variable", "No variable specified")
    channel = request.channel() if request.get("Channel") else None

    def write() -> Reply:
        request.context.dialplan.write(channel, name, request.get("Value"))
        return done("Variable Set")

    return suspension.attempt(write) if name.endswith(")") else write()


@action("Status", "system", "call", "reporting", summary="List the channels with all there is")
def status(request: Request) -> Reply:
    """List a channel, or all, with variables if some are asked for."""
    channels = [request.channel()] if request.get("Channel") else list(request.context.channels)
    names = [name for part in request.get("Variables").split(",") if (name := part.strip())]
    has_all = request.flag("AllVariables")
    items: list[ListItem] = [
        ("Status", _status(request, each) + _variables(request, each, names, has_all))
        for each in channels
    ]
    return listing(
        "Channel status will follow",
        items,
        "StatusComplete",
        complete_fields=[("Items", len(items))],
    )


def _status(request: Request, channel: Channel) -> str:
    now = request.context.node.clock.wall()
    state = request.context.dialplan.state_of(channel)
    left = state.absolute_deadline
    codec = channel.leg.stream.codec
    fields: list[Field] = [
        ("Type", channel.endpoint[0]),
        ("DNID", channel.dnid),
        ("EffectiveConnectedLineNum", channel.connected.number or UNKNOWN),
        ("EffectiveConnectedLineName", channel.connected.name or UNKNOWN),
        ("TimeToHangup", max(0, round(left - request.context.node.clock.now())) if left else 0),
        ("BridgeID", channel.bridge.id if channel.bridge is not None else ""),
        ("Application", channel.app_name),
        ("Data", channel.app_data),
        ("Nativeformats", f"({codec})"),
        ("Readformat", codec),
        ("Readtrans", ""),
        ("Writeformat", codec),
        ("Writetrans", ""),
        ("Callgroup", group_text(channel, "callgroup")),
        ("Pickupgroup", group_text(channel, "pickupgroup")),
        ("Seconds", int(now - channel.created_at)),
    ]
    return f"Privilege: Call\r\n{channel_block(channel)}{lines(fields)}"


def _variables(request: Request, channel: Channel, names: list[str], has_all: bool) -> str:
    shown = dict(channel.variables.items()) if has_all else {}
    for name in names:
        shown[name] = request.context.dialplan.read(channel, name) or ""
    pairs = [f"{clean(name)}={clean(value)}" for name, value in shown.items()]
    return "".join([f"Variable: {pair}\r\n" for pair in pairs])
