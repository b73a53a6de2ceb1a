"""Functions on the channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakKeyDictionary

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.call_record import CallRecords
from server.dialplan.channel_items import read_item, write_item
from server.dialplan.functions.records import parse_ama_flags
from server.dialplan.numbers import parse_integer, parse_seconds
from server.dialplan.port import Dialplan
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.resources.channel import Channel
from server.resources.controlled import EndedBy

DEFAULT_SILENCE_MS = 2_500
DEFAULT_TALK_THRESHOLD = 256

_ITEMS: dict[str, Callable[[Channel], str]] = {
    "accountcode": lambda channel: channel.account_code,
    "appdata": lambda channel: channel.app_data,
    "appname": lambda channel: channel.app_name,
    "audionativeformat": lambda channel: channel.leg.stream.codec,
    "audioreadformat": lambda channel: channel.leg.stream.codec,
    "audiowriteformat": lambda channel: channel.leg.stream.codec,
    "channame": lambda channel: channel.name,
    "channeltype": lambda channel: channel.endpoint[0],
    "checkhangup": lambda channel: "1" if channel.is_hungup else "0",
    "context": lambda channel: channel.context,
    "exten": lambda channel: channel.exten,
    "language": lambda channel: channel.language,
    "lastcontext": lambda channel: channel.former_place[0],
    "lastexten": lambda channel: channel.former_place[1],
    "linkedid": lambda channel: channel.linkedid,
    "musicclass": lambda channel: channel.music_class,
    "name": lambda channel: channel.name,
    "onhold": lambda channel: "1" if channel.is_held else "0",
    "peeraccount": lambda channel: channel.peer_account,
    "state": lambda channel: channel.state,
    "tonezone": lambda channel: channel.tone_zone,
    "hangupsource": lambda channel: channel.name if channel.ended_by is EndedBy.FAR_END else "",
    "peer": lambda channel: _peer_name(channel),
    "trace": lambda _: "0",
    "uniqueid": lambda channel: channel.id,
    "videonativeformat": lambda _: "",
}
_WRITABLE = {
    "language": "language",
    "musicclass": "music_class",
    "peeraccount": "peer_account",
    "tonezone": "tone_zone",
}
# What scripts may set and read back, though nothing here depends on it.
_NOTES = {
    "digitdetect": "1", "faxdetect": "0", "max_forwards": "20",
    "parkinglot": "", "relaxdtmf": "0", "secure_bridge_media": "", "secure_bridge_signaling": "",
    "tdd": "0", "tenantid": "", "transfercapability": "SPEECH", "userdata": "",
}  # fmt: skip


class Notes:
    """What was set of :data:`_NOTES`, by channel."""

    def __init__(self, _dialplan: Dialplan) -> None:
        self.of_channel: WeakKeyDictionary[Channel, dict[str, str]] = WeakKeyDictionary()


def _peer_name(channel: Channel) -> str:
    """Return the other one of the two in a bridge."""
    members = [] if channel.bridge is None else list(channel.bridge.channels.values())
    others = [member.name for member in members if member is not channel]
    return others[0] if len(others) == 1 else ""


@function("CHANNEL")
def read_channel(scope: Scope, data: str) -> str:
    """CHANNEL(item): what is not ours is asked of the technology, such as ``rtp,dest``."""
    channel = scope.channel
    name = data.strip().lower()
    special = read_item(scope, name)
    if special is not None:
        return special
    item = _ITEMS.get(name)
    if item is not None:
        return item(channel)
    if name == "amaflags":
        return str(scope.dialplan.part(CallRecords).of(channel).ama_flags)
    if name in _NOTES:
        return scope.dialplan.part(Notes).of_channel.get(channel, {}).get(name, _NOTES[name])
    value = channel.leg.info(data.strip())
    if value is None:
        raise InvalidArgument("item", f"{data!r} is not known here")
    return value


@function_write("CHANNEL")
def write_channel(scope: Scope, data: str, value: str) -> None:
    """Set accountcode, amaflags, language, musicclass, tonezone, or what is only remembered."""
    name = data.strip().lower()
    if write_item(scope, name, value):
        return
    if name == "amaflags":
        records = scope.dialplan.part(CallRecords)
        records.of(scope.channel).ama_flags = parse_ama_flags(value)
        return
    if name in _NOTES:
        scope.dialplan.part(Notes).of_channel.setdefault(scope.channel, {})[name] = value
        return
    if name == "accountcode":
        scope.channel.set_account_code(value)
        return
    attribute = _WRITABLE.get(name)
    if attribute is None:
        raise InvalidArgument("item", f"{data!r} can't be written")
    setattr(scope.channel, attribute, value)
    scope.channel.touch()


@function("TIMEOUT")
def read_timeout(scope: Scope, data: str) -> str:
    """TIMEOUT(absolute|digit|response): in seconds; absolute is what is left, 0 for no limit."""
    state = scope.state
    kind = data.strip().lower()
    if kind == "digit":
        return f"{state.digit_timeout:.3f}"
    if kind == "response":
        return f"{state.response_timeout:.3f}"
    if kind != "absolute":
        raise InvalidArgument("timeouttype", f"{data!r} is none of absolute, digit, response")
    if state.absolute_deadline is None:
        return "0"
    return f"{max(0.0, state.absolute_deadline - asyncio.get_running_loop().time()):.3f}"


@function_write("TIMEOUT")
def write_timeout(scope: Scope, data: str, value: str) -> None:
    """Set a timeout in seconds; 0 takes the absolute one away."""
    seconds = parse_seconds(value)
    kind = data.strip().lower()
    if kind == "digit":
        scope.state.digit_timeout = seconds
    elif kind == "response":
        scope.state.response_timeout = seconds
    elif kind == "absolute":
        scope.dialplan.set_absolute_timeout(scope.channel, seconds)
    else:
        raise InvalidArgument("timeouttype", f"{data!r} is none of absolute, digit, response")


@function("HANGUPCAUSE")
def hangup_cause(scope: Scope, data: str) -> str:
    """HANGUPCAUSE(channel,tech|ast): why a dialled channel ended."""
    arguments = split_arguments(data)
    found = scope.state.peer_causes.get(argument(arguments, 0))
    if found is None:
        raise InvalidArgument("channel", f"nothing is known of {argument(arguments, 0)!r}")
    kind = argument(arguments, 1).lower()
    if kind not in ("tech", "ast"):
        raise InvalidArgument("type", f"{kind!r} is neither tech nor ast")
    return found[1] if kind == "tech" else str(found[0])


@function("HANGUPCAUSE_KEYS")
def hangup_cause_keys(scope: Scope, data: str) -> str:
    """HANGUPCAUSE_KEYS(): the channels that HANGUPCAUSE() knows of."""
    return ",".join(scope.state.peer_causes)


@function_write("LOG_GROUP")
def write_log_group(scope: Scope, data: str, value: str) -> None:
    """Name the group of this call's log lines. It is remembered; no log is filtered by it."""
    scope.dialplan.part(Notes).of_channel.setdefault(scope.channel, {})["log_group"] = value


@function_write("TALK_DETECT")
def write_talk_detect(scope: Scope, data: str, value: str) -> None:
    """TALK_DETECT(set)=silence ms,threshold or TALK_DETECT(remove)=: report talking as events."""
    stream = scope.channel.leg.stream
    action, _, parameters = data.partition("(")
    action = action.strip().lower()
    arguments = split_arguments(value or parameters.rstrip(")"))
    if action == "remove":
        stream.set_talk_detect(False)
    elif action == "set":
        silence = parse_integer(argument(arguments, 0), DEFAULT_SILENCE_MS)
        threshold = parse_integer(argument(arguments, 1), DEFAULT_TALK_THRESHOLD)
        if silence <= 0 or threshold <= 0:
            raise InvalidArgument("TALK_DETECT", "thresholds must be greater than 0")
        stream.set_talk_detect(True, silence_ms=silence, threshold=threshold)
    else:
        raise InvalidArgument("action", f"{action!r} is neither set nor remove")
