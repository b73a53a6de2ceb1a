"""Events about states: endpoints, devices, extensions, presences and mailboxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.ami.protocol import Field

if TYPE_CHECKING:
    from server import model
    from server.ami.context import AmiContext
    from server.ami.events.stream import EventStream
    from server.ami.events.translator import Occurrence, Translate
    from server.dialplan.hints import Hint
    from server.resources.presence_states import Presence


def _device(event: Occurrence) -> None:
    state = event.snapshot("device_state") or {}
    event.tell("DeviceStateChange", ("Device", state["name"]), ("State", state["state"]))


def _contact(event: Occurrence) -> None:
    contact = event.snapshot("contact_info") or {}
    endpoint = event.snapshot("endpoint") or {}
    event.tell(
        "ContactStatus",
        ("URI", contact["uri"]),
        ("ContactStatus", contact["contact_status"]),
        ("AOR", contact["aor"]),
        ("EndpointName", endpoint["resource"]),
        ("RoundtripUsec", contact.get("roundtrip_usec") or "N/A"),
    )


def _peer(event: Occurrence) -> None:
    endpoint = event.snapshot("endpoint") or {}
    peer = event.snapshot("peer") or {}
    fields: list[Field] = [
        ("ChannelType", endpoint["technology"]),
        ("Peer", f"{endpoint['technology']}/{endpoint['resource']}"),
        ("PeerStatus", peer["peer_status"]),
    ]
    names = {"cause": "Cause", "address": "Address", "port": "Port", "time": "Time"}
    fields += [(shown, peer[name]) for name, shown in names.items() if peer.get(name)]
    event.tell("PeerStatus", *fields)


TABLE: dict[str, Translate] = {
    "DeviceStateChanged": _device,
    "ContactStatusChange": _contact,
    "PeerStatusChange": _peer,
}


def extension_fields(hint: Hint) -> list[Field]:
    """Return the fields of ExtensionStatus."""
    return [
        ("Exten", hint.exten),
        ("Context", hint.context),
        ("Hint", hint.text),
        ("Status", 0 if hint.status is None else hint.status),
        ("StatusText", hint.status_text),
    ]


class Watcher:
    """Follows what is not told on the bus: hints, presences, modules and mailboxes."""

    def __init__(self, context: AmiContext, stream: EventStream) -> None:
        self._context = context
        self._stream = stream
        self._shown: dict[tuple[str, str], int | None] = {}
        self._is_started = False
        context.mailboxes.add_listener(self._on_mailbox)

    def start(self) -> None:
        """Begin to follow."""
        self._is_started = True
        self._context.dialplan.hints.observers.append(self._on_hint)
        self._context.presences.observers.append(self._on_presence)
        self._context.modules.observers.append(self._on_module)

    def stop(self) -> None:
        """Stop to follow."""
        self._is_started = False
        self._context.dialplan.hints.observers.remove(self._on_hint)
        self._context.presences.observers.remove(self._on_presence)
        self._context.modules.observers.remove(self._on_module)
        self._shown.clear()

    def _on_hint(self, hint: Hint) -> None:
        where = hint.context, hint.exten
        if self._shown.get(where, -1) != hint.status:
            self._shown[where] = hint.status
            self._stream.tell("ExtensionStatus", extension_fields(hint))
            return
        presence = hint.presence
        if presence is not None:
            self._stream.tell(
                "PresenceStatus",
                [
                    ("Exten", hint.exten),
                    ("Context", hint.context),
                    ("Hint", hint.text),
                    ("Status", presence.state),
                    ("Subtype", presence.subtype),
                    ("Message", presence.message),
                ],
            )

    def _on_presence(self, entity: str, presence: Presence) -> None:
        self._stream.tell(
            "PresenceStateChange",
            [
                ("Presentity", entity),
                ("Status", presence.state),
                ("Subtype", presence.subtype),
                ("Message", presence.message),
            ],
        )

    def _on_module(self, what: str, name: str) -> None:
        self._stream.tell(what, [("Module", name), ("Status", "Success")])

    def _on_mailbox(self, mailbox: model.Mailbox) -> None:
        if self._is_started:
            self._stream.tell(
                "MessageWaiting",
                [
                    ("Mailbox", mailbox.name),
                    ("Waiting", int(mailbox.new_messages > 0)),
                    ("New", mailbox.new_messages),
                    ("Old", mailbox.old_messages),
                ],
            )
