"""Events about calls: channels, dialling, bridges and transfers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from server.ami.events.blocks import bridge_snapshot_block, snapshot_block
from server.ami.protocol import clean_name

if TYPE_CHECKING:
    from server.ami.events.translator import Occurrence, Translate
    from server.ami.protocol import Field

_DIAL_STATES = frozenset({"RINGING", "PROGRESS", "PROCEEDING"})
_C_ESCAPES = str.maketrans(
    {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "'": "\\'", "\a": "\\a",
     "\b": "\\b", "\f": "\\f", "\v": "\\v", "?": "\\?"}
)  # fmt: skip


def _created(event: Occurrence) -> None:
    event.about_channel("Newchannel")


def _state(event: Occurrence) -> None:
    event.about_channel("Newstate")


def _application(event: Occurrence) -> None:
    channel = event.channels()[0]
    event.about_channel(
        "Newexten",
        ("Extension", channel.exten),
        ("Application", event.fields["dialplan_app"]),
        ("AppData", event.fields["dialplan_app_data"]),
    )


def _variable(event: Occurrence) -> None:
    fields: tuple[Field, ...] = (
        ("Variable", event.fields["variable"]),
        ("Value", str(event.fields["value"]).translate(_C_ESCAPES)),
    )
    is_global = "channel" not in event.fields
    event.about_channel(
        "VarSet", *fields, head="Channel: none\r\nUniqueid: none\r\n" if is_global else ""
    )


def _caller(event: Occurrence) -> None:
    number, words = event.fields["caller_presentation"], event.fields["caller_presentation_txt"]
    event.about_channel("NewCallerid", ("CID-CallingPres", f"{number} ({words})"))


def _connected(event: Occurrence) -> None:
    event.about_channel("NewConnectedLine")


def _hangup_request(event: Occurrence) -> None:
    cause = event.fields.get("cause")
    fields: tuple[Field, ...] = (("Cause", cause),) if cause is not None else ()
    name = "SoftHangupRequest" if event.fields.get("soft") else "HangupRequest"
    event.about_channel(name, *fields)


def _hangup(event: Occurrence) -> None:
    fields: list[Field] = [
        ("Cause", event.fields["cause"]),
        ("Cause-txt", event.fields["cause_txt"]),
    ]
    tech_cause = event.fields.get("tech_cause")
    if tech_cause is not None:
        fields.append(("TechCause", tech_cause))
    event.about_channel("Hangup", *fields)


def _digit(event: Occurrence) -> None:
    event.about_channel(
        "DTMFEnd",
        ("Digit", event.fields["digit"]),
        ("DurationMs", event.fields["duration_ms"]),
        ("Direction", "Received"),
    )


def _hold(event: Occurrence) -> None:
    music = event.fields.get("musicclass")
    event.about_channel("Hold", *((("MusicClass", music),) if music else ()))


def _unhold(event: Occurrence) -> None:
    event.about_channel("Unhold")


def _talking(event: Occurrence) -> None:
    event.about_channel("ChannelTalkingStart")


def _silent(event: Occurrence) -> None:
    event.about_channel("ChannelTalkingStop", ("Duration", event.fields["duration"]))


def _dial(event: Occurrence) -> None:
    status = event.fields["dialstatus"]
    found = event.channels()
    parties = {"Dest": found[0]}
    if len(found) > 1 and "caller" in event.fields:
        parties = {"": found[1], "Dest": found[0]}
    if not status:
        event.tell(
            "DialBegin", ("DialString", event.fields.get("dialstring") or ""), channels=parties
        )
        return
    forward = event.fields.get("forward")
    fields: list[Field] = [("DialStatus", status)]
    if forward:
        fields.append(("Forward", forward))
    event.tell("DialState" if status in _DIAL_STATES else "DialEnd", *fields, channels=parties)


def _user_event(event: Occurrence) -> None:
    extras = event.fields.get("userevent") or {}
    fields = [(clean_name(name), value) for name, value in extras.items() if name != "eventname"]
    event.about_channel("UserEvent", ("UserEvent", event.fields["eventname"]), *fields)


# bridges


def _bridge(event: Occurrence, name: str = "bridge", prefix: str = "") -> str:
    bridge = event.snapshot(name)
    return bridge_snapshot_block(bridge, prefix) if bridge is not None else ""


def _bridge_created(event: Occurrence) -> None:
    event.tell("BridgeCreate", head=_bridge(event))


def _bridge_destroyed(event: Occurrence) -> None:
    event.tell("BridgeDestroy", head=_bridge(event))


def _bridge_merged(event: Occurrence) -> None:
    both = _bridge(event, "bridge", "To") + _bridge(event, "bridge_from", "From")
    event.tell("BridgeMerge", head=both)


def _bridge_entered(event: Occurrence) -> None:
    bridge = event.channels()[0].bridge
    swapped = bridge.swapping if bridge is not None else ""
    fields: tuple[Field, ...] = (("SwapUniqueid", swapped),) if swapped else ()
    event.about_channel("BridgeEnter", *fields, head=_bridge(event))


def _bridge_left(event: Occurrence) -> None:
    event.about_channel("BridgeLeave", head=_bridge(event))


def _video_source(event: Occurrence) -> None:
    former = event.fields.get("old_video_source_id") or ""
    head = _bridge(event)
    event.tell("BridgeVideoSourceUpdate", ("BridgePreviousVideoSource", former), head=head)


# transfers: told when some of the parties may be gone, so that their snapshots count


def _party(event: Occurrence, name: str, prefix: str) -> str:
    snapshot = event.snapshot(name)
    if snapshot is None:
        return ""
    channel = event.context.channels.by_id(snapshot["id"])
    return snapshot_block(snapshot, channel.linkedid if channel else snapshot["id"], prefix)


def _yes(value: Any) -> str:
    return "Yes" if value else "No"


def _blind_transfer(event: Occurrence) -> None:
    fields = event.fields
    head = f"Result: {fields['result']}\r\n" + _party(event, "channel", "Transferer")
    head += _party(event, "transferee", "Transferee") + _bridge(event)
    event.tell(
        "BlindTransfer",
        ("IsExternal", _yes(fields["is_external"])),
        ("Context", fields["context"]),
        ("Extension", fields["exten"]),
        head=head,
    )


_DESTINATIONS = {
    "bridge": "Bridge",
    "application": "App",
    "link": "Link",
    "threeway": "Threeway",
    "fail": "Fail",
}


def _attended_transfer(event: Occurrence) -> None:
    fields = event.fields
    head = f"Result: {fields['result']}\r\n"
    head += _party(event, "transferer_first_leg", "OrigTransferer")
    head += _bridge(event, "transferer_first_leg_bridge", "Orig")
    head += _party(event, "transferer_second_leg", "SecondTransferer")
    head += _bridge(event, "transferer_second_leg_bridge", "Second")
    head += _party(event, "transferee", "Transferee")
    head += _party(event, "transfer_target", "TransferTarget")
    kind = fields["destination_type"]
    extra: list[Field] = [("DestType", _DESTINATIONS.get(kind, "Fail"))]
    if fields.get("destination_bridge"):
        extra.append(("DestBridgeUniqueid", fields["destination_bridge"]))
    if fields.get("destination_application"):
        extra.append(("DestApp", fields["destination_application"]))
    event.tell("AttendedTransfer", *extra, head=head)


TABLE: dict[str, Translate] = {
    "ChannelCreated": _created,
    "ChannelStateChange": _state,
    "ChannelDialplan": _application,
    "ChannelVarset": _variable,
    "ChannelCallerId": _caller,
    "ChannelConnectedLine": _connected,
    "ChannelHangupRequest": _hangup_request,
    "ChannelDestroyed": _hangup,
    "ChannelDtmfReceived": _digit,
    "ChannelHold": _hold,
    "ChannelUnhold": _unhold,
    "ChannelTalkingStarted": _talking,
    "ChannelTalkingFinished": _silent,
    "ChannelUserevent": _user_event,
    "Dial": _dial,
    "BridgeCreated": _bridge_created,
    "BridgeDestroyed": _bridge_destroyed,
    "BridgeMerged": _bridge_merged,
    "ChannelEnteredBridge": _bridge_entered,
    "ChannelLeftBridge": _bridge_left,
    "BridgeVideoSourceChanged": _video_source,
    "BridgeBlindTransfer": _blind_transfer,
    "BridgeAttendedTransfer": _attended_transfer,
}
