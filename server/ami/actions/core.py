"""Actions about the server as a whole, and the list of its channels."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from server.ami.events.blocks import channel_block
from server.ami.protocol import clean, lines
from server.ami.registry import ListItem, Reply, Request, action, failure, listing, success
from server.base.errors import ServerError

if TYPE_CHECKING:
    from server.resources.channel import Channel

AMI_VERSION = "13.0.0"


@action("CoreSettings", "system", "reporting", summary="Show the settings of the core")
def core_settings(request: Request) -> Reply:
    """Tell version and limits."""
    context = request.context
    options = context.configuration().options
    return success(
        ("AMIversion", AMI_VERSION),
        ("AsteriskVersion", context.version),
        ("SystemName", options.systemname),
        ("CoreMaxCalls", context.max_calls),
        ("CoreMaxLoadAvg", f"{context.max_load:.6f}"),
        ("CoreRunUser", context.user),
        ("CoreRunGroup", context.group),
        ("CoreMaxFilehandles", options.maxfiles or 0),
        ("CoreRealTimeEnabled", "No"),
        ("CoreCDRenabled", "No"),
        ("CoreHTTPenabled", "Yes" if context.configuration().http.enabled else "No"),
        ("SoundsSearchCustomDir", "Yes" if options.sounds_search_custom_dir else "No"),
    )


@action("CoreStatus", "system", "reporting", summary="Show the state of the core")
def core_status(request: Request) -> Reply:
    """Tell since when it runs and how much it does."""
    context = request.context
    started = datetime.fromtimestamp(context.lifecycle.started_at).astimezone()
    reloaded = datetime.fromtimestamp(context.lifecycle.reloaded_at).astimezone()
    return success(
        ("CoreStartupDate", f"{started:%Y-%m-%d}"),
        ("CoreStartupTime", f"{started:%H:%M:%S}"),
        ("CoreReloadDate", f"{reloaded:%Y-%m-%d}"),
        ("CoreReloadTime", f"{reloaded:%H:%M:%S}"),
        ("CoreCurrentCalls", len(context.channels)),
        ("CoreProcessedCalls", context.channels.total),
    )


@action("CoreShowChannels", "system", "reporting", summary="List the channels")
def core_show_channels(request: Request) -> Reply:
    """List the channels."""
    now = request.context.node.clock.wall()
    items: list[ListItem] = [
        ("CoreShowChannel", _channel(channel, now)) for channel in request.context.channels
    ]
    return listing("Channels will follow", items, "CoreShowChannelsComplete")


def _channel(channel: Channel, now: float) -> str:
    seconds = int(now - channel.created_at)
    duration = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return (
        f"{channel_block(channel)}"
        f"Application: {clean(channel.app_name)}\r\n"
        f"ApplicationData: {clean(channel.app_data)}\r\n"
        f"Duration: {duration}\r\n"
        f"BridgeId: {clean(channel.bridge.id) if channel.bridge is not None else ''}\r\n"
    )


@action("CoreShowChannelMap", "system", "reporting", summary="List who is connected to a channel")
def core_show_channel_map(request: Request) -> Reply:
    """List the channels that a channel talks to, through Local channels too."""
    channel = request.channel(complaint="CoreShowChannelMap: Channel not specified")
    items: list[ListItem] = [
        (
            "CoreShowChannelMap",
            lines([("Channel", channel.name), ("ConnectedChannel", other.name)]),
        )
        for other in _connected(request, channel)
    ]
    return listing("Channel map will follow", items, "CoreShowChannelMapComplete")


def _connected(request: Request, channel: Channel) -> Iterator[Channel]:
    """Yield whom a channel reaches over bridges and the other halves of Local channels."""
    seen = {channel.id}
    waiting = [channel]
    while waiting:
        at = waiting.pop()
        near = list(at.bridge.channels.values()) if at.bridge is not None else []
        for other in near:
            if other.id in seen:
                continue
            seen.add(other.id)
            yield other
            half = request.context.channels.find(_other_half(other.name))
            if half is not None and half.id not in seen:
                seen.add(half.id)
                yield half
                waiting.append(half)


def _other_half(name: str) -> str:
    base, mark, number = name.rpartition(";")
    return f"{base};{'2' if number == '1' else '1'}" if mark and name.startswith("Local/") else ""


# what Asterisk does not let be done from here
_REFUSED = (("module", "load"), ("module", "unload"), ("restart", "gracefully"))


def _is_refused(line: str) -> bool:
    words = line.lower().split()[:2]
    return len(words) == 2 and any(
        all(whole.startswith(word) for whole, word in zip(refused, words, strict=True))
        for refused in _REFUSED
    )


@action("Command", "command", summary="Run a command of the console")
async def command(request: Request) -> Reply:
    """Run a line of the console and return what it says."""
    line = request.need("Command", "No command provided")
    if _is_refused(line):
        return failure("Command blacklisted")
    try:
        output = await request.context.run_command(line)
    except ServerError as error:
        output = str(error)
    body = "".join(f"Output: {clean(each)}\r\n" for each in output.splitlines())
    return Reply(message="Command output follows", body=body)
