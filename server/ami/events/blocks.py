"""The groups of fields that describe a channel or a bridge in events and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from server.ami.protocol import clean

if TYPE_CHECKING:
    from server.model.wire import Snapshot
    from server.resources.bridge import Bridge
    from server.resources.channel import Channel

UNKNOWN = "<unknown>"

# as Asterisk numbers and words them; ARI spells one of them in its own way
STATES = {
    "Down": (0, "Down"),
    "Rsrved": (1, "Rsrvd"),
    "OffHook": (2, "OffHook"),
    "Dialing": (3, "Dialing"),
    "Ring": (4, "Ring"),
    "Ringing": (5, "Ringing"),
    "Up": (6, "Up"),
    "Busy": (7, "Busy"),
    "Dialing Offhook": (8, "Dialing Offhook"),
    "Pre-ring": (9, "Pre-ring"),
}
_UNKNOWN_STATE = (10, "Unknown")

# a channel's fields as of a snapshot, which is another object as soon as anything changes
_kept: WeakKeyDictionary[Channel, tuple[Snapshot, str, str]] = WeakKeyDictionary()


def channel_block(channel: Channel, prefix: str = "") -> str:
    """Write the fields of a channel.

    :param prefix: in front of each name, such as ``Dest``.
    """
    if prefix:
        return _write(_describe(channel), prefix)
    snapshot = channel.snapshot()
    kept = _kept.get(channel)
    if kept is not None and kept[0] is snapshot and kept[1] == channel.linkedid:
        return kept[2]
    text = _write(_describe(channel), "")
    _kept[channel] = (snapshot, channel.linkedid, text)
    return text


def snapshot_block(snapshot: Mapping[str, Any], linkedid: str, prefix: str = "") -> str:
    """Write the fields of a channel as a snapshot, that may be older, tells them."""
    place = snapshot["dialplan"]
    return _write(
        (
            snapshot["name"],
            snapshot["state"],
            snapshot["caller"]["number"],
            snapshot["caller"]["name"],
            snapshot["connected"]["number"],
            snapshot["connected"]["name"],
            snapshot["language"],
            snapshot["accountcode"],
            place["context"],
            place["exten"],
            place["priority"],
            snapshot["id"],
            linkedid,
        ),
        prefix,
    )


def _describe(channel: Channel) -> tuple[Any, ...]:
    return (
        channel.name,
        channel.state,
        channel.caller.number,
        channel.caller.name,
        channel.connected.number,
        channel.connected.name,
        channel.language,
        channel.account_code,
        channel.context,
        channel.exten,
        channel.priority,
        channel.id,
        channel.linkedid,
    )


def _write(values: tuple[Any, ...], prefix: str) -> str:
    name, state, number, caller, connected, party, *rest = values
    language, account, context, exten, priority, uniqueid, linkedid = map(clean, rest)
    code, words = STATES.get(state, _UNKNOWN_STATE)
    return (
        f"{prefix}Channel: {clean(name)}\r\n"
        f"{prefix}ChannelState: {code}\r\n"
        f"{prefix}ChannelStateDesc: {words}\r\n"
        f"{prefix}CallerIDNum: {clean(number) or UNKNOWN}\r\n"
        f"{prefix}CallerIDName: {clean(caller) or UNKNOWN}\r\n"
        f"{prefix}ConnectedLineNum: {clean(connected) or UNKNOWN}\r\n"
        f"{prefix}ConnectedLineName: {clean(party) or UNKNOWN}\r\n"
        f"{prefix}Language: {language}\r\n"
        f"{prefix}AccountCode: {account}\r\n"
        f"{prefix}Context: {context}\r\n"
        f"{prefix}Exten: {exten}\r\n"
        f"{prefix}Priority: {priority}\r\n"
        f"{prefix}Uniqueid: {uniqueid}\r\n"
        f"{prefix}Linkedid: {linkedid}\r\n"
    )


def variables_block(channel: Channel, names: Sequence[str]) -> str:
    """Write the variables of manager.conf's channelvars."""
    shown = clean(channel.name)
    values = ((name, clean(channel.variables.get(name) or "")) for name in names)
    return "".join([f"ChanVariable({shown}): {name}={value}\r\n" for name, value in values])


def bridge_block(bridge: Bridge, prefix: str = "") -> str:
    """Write the fields of a bridge."""
    return bridge_snapshot_block(bridge.describe(), prefix)


def bridge_snapshot_block(bridge: Mapping[str, Any], prefix: str = "") -> str:
    """Write the fields of a bridge as a snapshot tells them."""
    source = bridge.get("video_source_id")
    text = (
        f"{prefix}BridgeUniqueid: {clean(bridge['id'])}\r\n"
        f"{prefix}BridgeType: {clean(bridge['bridge_class'])}\r\n"
        f"{prefix}BridgeTechnology: {clean(bridge['technology'])}\r\n"
        f"{prefix}BridgeCreator: {clean(bridge['creator']) or UNKNOWN}\r\n"
        f"{prefix}BridgeName: {clean(bridge['name']) or UNKNOWN}\r\n"
        f"{prefix}BridgeNumChannels: {len(bridge['channels'])}\r\n"
        f"{prefix}BridgeVideoSourceMode: {bridge['video_mode']}\r\n"
    )
    return f"{text}{prefix}BridgeVideoSource: {clean(source)}\r\n" if source else text
