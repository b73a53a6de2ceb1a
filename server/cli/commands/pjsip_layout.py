"""How ``pjsip show`` lays out its objects: Asterisk's headings and columns."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from server.cli.context import CliContext, ContactView, RegistrationView, SipAdmin
from server.cli.tables import clock

if TYPE_CHECKING:
    from server.resources.channel import Channel
    from server.sip.settings import Aor, Auth, Endpoint, Identify, Transport

TECHNOLOGY = "PJSIP"
SECRETS = frozenset(("password", "password_digests"))
RULE = "=" * 90
ENDPOINT_HEADER = (
    " Endpoint:  <Endpoint/CID.....................................>  <State.....>  <Channels.>",
    "    I/OAuth:  <AuthId/UserName...........................................................>",
    "        Aor:  <Aor............................................>  <MaxContact>",
    "      Contact:  <Aor/ContactUri..........................> <Hash....> <Status> <RTT(ms)..>",
    "  Transport:  <TransportId........>  <Type>  <cos>  <tos>  <BindAddress..................>",
    "   Identify:  <Identify/Endpoint.........................................................>",
    "        Match:  <criteria.........................>",
    "    Channel:  <ChannelId......................................>  <State.....>  <Time.....>",
    "        Exten: <DialedExten...........>  CLCID: <ConnectedLineCID.......>",
    RULE,
)
AOR_HEADER = (
    "      Aor:  <Aor..............................................>  <MaxContact>",
    "    Contact:  <Aor/ContactUri............................> <Hash....> <Status> <RTT(ms)..>",
    RULE,
)
CONTACT_HEADER = (
    "  Contact:  <Aor/ContactUri..............................> <Hash....> <Status> <RTT(ms)..>",
    RULE,
)
REGISTRATION_HEADER = (
    " <Registration/ServerURI..............................>  <Auth..................>  <Status..>",
    RULE,
)
AUTH_HEADER = (
    "    I/OAuth:  <AuthId/UserName...........................................................>",
    RULE,
)
TRANSPORT_HEADER = (
    "Transport:  <TransportId........>  <Type>  <cos>  <tos>  <BindAddress....................>",
    RULE,
)
IDENTIFY_HEADER = (
    " Identify:  <Identify/Endpoint.........................................................>",
    "      Match:  <criteria.........................>",
    RULE,
)
CHANNEL_HEADER = (
    "  Channel:  <ChannelId......................................>  <State.....>  <Time.....>",
    "      Exten: <DialedExten...........>  CLCID: <ConnectedLineCID.......>",
    RULE,
)


class Layout:
    """Lays out objects with what belongs to them, which is looked up once for a whole list."""

    def __init__(self, context: CliContext, sip: SipAdmin) -> None:
        self.sip = sip
        self._context = context
        self._contacts: dict[str, list[ContactView]] = {}
        for contact in sip.contacts():
            self._contacts.setdefault(contact.aor, []).append(contact)
        self._identifies: dict[str, list[Identify]] = {}
        for identify in sip.settings.identifies:
            self._identifies.setdefault(identify.endpoint, []).append(identify)

    def endpoint(self, endpoint: Endpoint) -> list[str]:
        """Lay out an endpoint with all that belongs to it."""
        settings = self.sip.settings
        channels = self._context.channels.of_endpoint(TECHNOLOGY, endpoint.name)
        number = endpoint.callerid.number
        title = f"{endpoint.name}/{number}" if number else endpoint.name
        limit = endpoint.device_state_busy_at or "inf"
        state = self._state(endpoint, channels)
        rows = [f" Endpoint:  {title:<52} {state:<14} {len(channels)} of {limit}"]
        for kind, names in (("InAuth", endpoint.auth), ("OutAuth", endpoint.outbound_auth)):
            rows += (auth_row(name, settings.auths.get(name), kind) for name in names)
        for name in endpoint.aors:
            aor = settings.aors.get(name)
            if aor is not None:
                rows += self.aor(aor, 8)
        transport = settings.transports.get(endpoint.transport)
        if transport is not None:
            rows.append(transport_row(transport, 2))
        for identify in self._identifies.get(endpoint.name, ()):
            rows += identify_rows(identify, 3)
        for channel in channels:
            rows += self.channel(channel, 4)
        return rows

    def aor(self, aor: Aor, indent: int = 6) -> list[str]:
        """Lay out an address of record and its contacts."""
        rows = [f"{'Aor:':>{indent + 4}}  {aor.name:<50} {aor.max_contacts}"]
        rows += (contact_row(entry, indent - 2) for entry in self._contacts.get(aor.name, ()))
        return rows

    def channel(self, channel: Channel, indent: int = 2) -> list[str]:
        """Lay out a call of an endpoint."""
        since = self._context.wall() - (channel.answered_at or channel.created_at)
        party = channel.connected
        name = f'"{party.name}" ' if party.name else ""
        connected = f"{name}<{party.number}>"
        space = " " * indent
        return [
            f"{space}Channel:  {channel.name:<48} {channel.state:<13} {clock(since)}",
            f"{space}    Exten: {channel.exten:<24}  CLCID: {connected}",
        ]

    def _state(self, endpoint: Endpoint, channels: Sequence[Channel]) -> str:
        """Name the device state as Asterisk prints it."""
        if channels:
            busy_at = endpoint.device_state_busy_at
            if busy_at and len(channels) >= busy_at:
                return "Busy"
            is_only_ringing = all(channel.state == "Ringing" for channel in channels)
            return "Ringing" if is_only_ringing else "In use"
        contacts = [each for name in endpoint.aors for each in self._contacts.get(name, ())]
        is_there = any(contact.status != "Unavail" for contact in contacts)
        return "Not in use" if is_there else "Unavailable"


def auth_row(name: str, auth: Auth | None, kind: str) -> str:
    """Lay out what somebody proves who he is with."""
    return f"{kind + ':':>12}  {name}/{auth.username if auth else '?'}"


def transport_row(transport: Transport, indent: int) -> str:
    """Lay out where we listen."""
    return (
        f"{' ' * indent}Transport:  {transport.name:<21}  {transport.protocol:>6}  "
        f"{transport.cos:>5}  {transport.tos:>5}  {transport.bind}"
    )


def identify_rows(identify: Identify, indent: int) -> list[str]:
    """Lay out by what an endpoint is recognised."""
    rows = [f"{' ' * indent}Identify:  {identify.name}/{identify.endpoint}"]
    rows += (
        f"{' ' * (indent + 5)}Match: {match}" for matches in identify.matches for match in matches
    )
    return rows


def contact_row(entry: ContactView, indent: int) -> str:
    """Lay out where somebody can be reached."""
    digest = hashlib.md5(entry.uri.encode(), usedforsecurity=False).hexdigest()[:10]
    roundtrip = "nan" if entry.roundtrip_ms is None else f"{entry.roundtrip_ms:.3f}"
    place = f"{entry.aor}/{entry.uri}"
    return f"{' ' * indent}Contact:  {place:<42} {digest} {entry.status:<8} {roundtrip:>10}"


def registration_row(entry: RegistrationView) -> str:
    """Lay out where we register."""
    return f" {f'{entry.name}/{entry.server_uri}':<55}  {entry.auth:<24}  {entry.status}"


def parameters(settings: object) -> list[str]:
    """List the options of a pjsip.conf object; secrets are blotted out."""
    assert dataclasses.is_dataclass(settings)
    rows = [f" {'ParameterName':<34} : ParameterValue", " " + "=" * 59]
    names = (field.name for field in dataclasses.fields(settings) if field.name != "name")
    for name in sorted(names):
        value = _shown(getattr(settings, name))
        rows.append(f" {name:<34} : {'********' if value and name in SECRETS else value}")
    return rows


def _shown(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return ""
        case tuple():
            return ",".join(_shown(item) for item in value)
        case _ if dataclasses.is_dataclass(value):
            return ",".join(_shown(getattr(value, f.name)) for f in dataclasses.fields(value))
        case _:
            return str(value)
