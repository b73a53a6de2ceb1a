"""Actions about channels: who is there, and what becomes of them."""

from __future__ import annotations

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
from server.base.causes import Cause
from server.dialplan.posix_regex import compile_regex
from server.resources.channel import EndedBy

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
def getvar(request: Request) -> Reply:
    """Read a variable or a function."""
    name = request.need("Variable", "No variable specified")
    channel = request.channel() if request.get("Channel") else None
    value = request.context.dialplan.read(channel, name)
    return success(("Variable", name), ("Value", value or ""))


@action("Setvar", "call", summary="Set a variable of a channel, or a global one")
def setvar(request: Request) -> Reply:
    """Write a variable or a function."""
    name = request.need("Variable", "No variable specified")
    channel = request.channel() if request.get("Channel") else None
    request.context.dialplan.write(channel, name, request.get("Value"))
    return done("Variable Set")
