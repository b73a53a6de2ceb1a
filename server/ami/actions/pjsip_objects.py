"""Objects of pjsip.conf and contacts as AMI's events describe them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache, cached_property
from typing import TYPE_CHECKING

from server.ami.protocol import Field
from server.ami.registry import ListItem
from server.resources import device_states
from server.sip.contacts import Contact
from server.sip.sorcery import contact_name

if TYPE_CHECKING:
    from server.ami.context import AmiContext
    from server.sip.settings import Endpoint, SipSettings
    from server.sip.sorcery import SipObjects
    from server.sip.technology import PjsipTechnology

TECHNOLOGY = "PJSIP"
# options that Asterisk folds into others
_LEFT_OUT = {
    "aor": frozenset({"contact"}),
    "endpoint": frozenset(
        {
            "contact_deny", "contact_permit", "contact_user", "deny", "disallow",
            "follow_redirect_methods", "permit", "security_mechanisms",
        }
    ),
}  # fmt: skip
DEVICE_WORDS = {
    device_states.UNKNOWN: "Unknown",
    device_states.NOT_INUSE: "Not in use",
    device_states.INUSE: "In use",
    device_states.BUSY: "Busy",
    device_states.INVALID: "Invalid",
    device_states.UNAVAILABLE: "Unavailable",
    device_states.RINGING: "Ringing",
    device_states.RINGINUSE: "Ring+Inuse",
    device_states.ONHOLD: "On Hold",
}


@cache
def field_name(option: str) -> str:
    """Return an option's name as a field: ``rtp_symmetric`` becomes ``RtpSymmetric``."""
    return "".join(part[:1].upper() + part[1:] for part in option.split("_"))


class SipView:
    """SIP as it is at one moment."""

    def __init__(self, context: AmiContext, sip: PjsipTechnology, objects: SipObjects) -> None:
        self._context = context
        self.sip = sip
        self._objects = objects

    @property
    def settings(self) -> SipSettings:
        """What is configured now."""
        return self.sip.settings

    @cached_property
    def _contacts(self) -> dict[str, list[Contact]]:
        found: dict[str, list[Contact]] = defaultdict(list)
        for contact in self.sip.contacts():
            found[contact.aor].append(contact)
        return found

    def object_fields(self, kind: str, name: str) -> list[Field]:
        """Describe an object with all its options; one named twice has its values joined."""
        left_out = _LEFT_OUT.get(kind, frozenset())
        options: dict[str, str] = {}
        for option, value in self._objects.get(kind, name) or ():
            if option not in left_out:
                former = options.get(option)
                options[option] = f"{former},{value}" if former else value
        fields: list[Field] = [("ObjectType", kind), ("ObjectName", name)]
        fields += ((field_name(option), value) for option, value in options.items())
        return fields

    # endpoints

    def endpoint_item(self, endpoint: Endpoint) -> ListItem:
        """Describe an endpoint in short."""
        return (
            "EndpointList",
            [
                ("ObjectType", "endpoint"),
                ("ObjectName", endpoint.name),
                ("Transport", endpoint.transport),
                ("Aor", ",".join(endpoint.aors)),
                ("Auths", ",".join(endpoint.auth)),
                ("OutboundAuths", ",".join(endpoint.outbound_auth)),
                ("Contacts", "".join(f"{each}," for each in self._places(endpoint.aors))),
                *self._activity(endpoint),
            ],
        )

    def endpoint_details(self, endpoint: Endpoint) -> list[ListItem]:
        """Describe an endpoint and everything that belongs to it."""
        fields = [*self.object_fields("endpoint", endpoint.name), *self._activity(endpoint)]
        return [("EndpointDetail", fields), *self._parts(endpoint)]

    def _parts(self, endpoint: Endpoint) -> Iterator[ListItem]:
        owner: Field = ("EndpointName", endpoint.name)
        settings = self.settings
        if endpoint.transport in settings.transports:
            yield "TransportDetail", [*self.object_fields("transport", endpoint.transport), owner]
        for name in endpoint.aors:
            if name in settings.aors:
                yield "AorDetail", [*self.aor_fields(name), *self._totals(name), owner]
        for name in (*endpoint.auth, *endpoint.outbound_auth):
            if name in settings.auths:
                yield "AuthDetail", [*self.object_fields("auth", name), owner]
        for name in endpoint.aors:
            for contact in self._contacts.get(name, ()):
                yield "ContactStatusDetail", self.status_fields(contact, endpoint.name)
        for identify in settings.identifies:
            if identify.endpoint == endpoint.name:
                yield "IdentifyDetail", [*self.object_fields("identify", identify.name), owner]

    def _activity(self, endpoint: Endpoint) -> list[Field]:
        channels = self._context.channels.of_endpoint(TECHNOLOGY, endpoint.name)
        state = self._context.devices.state(f"{TECHNOLOGY}/{endpoint.name}")
        return [
            ("DeviceState", DEVICE_WORDS[state]),
            ("ActiveChannels", ",".join(channel.name for channel in channels)),
        ]

    # addresses of record and contacts

    def aor_fields(self, name: str) -> list[Field]:
        """Describe an address of record."""
        places = ",".join(self._places((name,)))
        return [*self.object_fields("aor", name), ("Contacts", places)]

    def _places(self, aors: tuple[str, ...]) -> list[str]:
        return [f"{c.aor}/{c.uri_text}" for aor in aors for c in self._contacts.get(aor, ())]

    def _totals(self, name: str) -> list[Field]:
        contacts = self._contacts.get(name, ())
        registered = sum(contact.expires_at is not None for contact in contacts)
        return [("TotalContacts", len(contacts)), ("ContactsRegistered", registered)]

    def contact_fields(self, contact: Contact) -> list[Field]:
        """Describe a contact."""
        known = {"expiration_time": self._expiry(contact)}
        fields: list[Field] = [("ObjectType", "contact"), ("ObjectName", contact_name(contact))]
        for option, value in self._objects.describe_contact(contact):
            fields.append((field_name(option), known.get(option, value)))
        return [*fields, *_reachability(contact)]

    def status_fields(self, contact: Contact, endpoint: str = "") -> list[Field]:
        """Describe whether a contact can be reached."""
        options = dict(self._objects.describe_contact(contact))
        shared = ("authenticate_qualify", "outbound_proxy", "path", "qualify_frequency",
                  "qualify_timeout", "qualify_2xx_only")  # fmt: skip
        return [
            ("AOR", contact.aor),
            ("URI", contact.uri_text),
            ("UserAgent", contact.user_agent),
            ("RegExpire", self._expiry(contact)),
            ("ViaAddress", _via(contact)),
            ("CallID", contact.call_id),
            *_reachability(contact),
            ("EndpointName", endpoint or contact.endpoint),
            ("ID", contact_name(contact)),
            *((field_name(option), options.get(option, "")) for option in shared),
        ]

    def _expiry(self, contact: Contact) -> int:
        """Return when it ends, in seconds since the epoch; 0 for a permanent one."""
        if contact.expires_at is None:
            return 0
        left = contact.expires_at - self.sip.now()
        return round(self._context.node.clock.wall() + left)


def _reachability(contact: Contact) -> list[Field]:
    roundtrip = contact.roundtrip_usec
    return [
        ("Status", contact.status),
        ("RoundtripUsec", "N/A" if roundtrip is None else roundtrip),
    ]


def _via(contact: Contact) -> str:
    return "" if contact.flow is None else f"{contact.flow.remote[0]}:{contact.flow.remote[1]}"
