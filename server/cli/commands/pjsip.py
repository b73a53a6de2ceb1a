"""``pjsip …``: endpoints, where they are, and SIP messages in the log."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from server.cli.context import CliContext, ContactView, SipAdmin
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import clock, lines

if TYPE_CHECKING:
    from server.resources.channel import Channel
    from server.sip.settings import Aor, Endpoint

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
Names = Callable[[SipAdmin], Iterable[str]]


def _completer(names: Names) -> Callable[[CliContext, Sequence[str]], Iterable[str]]:
    def complete(context: CliContext, arguments: Sequence[str]) -> Iterable[str]:
        return () if arguments or context.sip is None else names(context.sip)

    return complete


@command("pjsip show endpoints", "List the endpoints", arguments="[like <pattern>]")
def show_endpoints(context: CliContext, call: Call) -> str:
    """List endpoints with their authentication, addresses, contacts and channels."""
    sip = _sip(context)
    wanted = _filter(call)
    found = [endpoint for name, endpoint in sorted(sip.settings.endpoints.items()) if wanted(name)]
    rows: list[str] = []
    for endpoint in found:
        rows += [*_endpoint_rows(context, sip, endpoint), ""]
    return lines("", *ENDPOINT_HEADER, "", *rows, _found(len(found)))


@command(
    "pjsip show endpoint",
    "Show one endpoint",
    arguments="<id>",
    complete=_completer(lambda sip: sip.settings.endpoints),
)
def show_endpoint(context: CliContext, call: Call) -> str:
    """Show an endpoint and all its options."""
    sip = _sip(context)
    name = _one(call)
    endpoint = sip.settings.endpoints.get(name)
    if endpoint is None:
        raise CommandError(f"Unable to find object {name}.")
    rows = _endpoint_rows(context, sip, endpoint)
    return lines("", *ENDPOINT_HEADER, "", *rows, "", *_parameters(endpoint))


@command("pjsip show aors", "List the addresses of record", arguments="[like <pattern>]")
def show_aors(context: CliContext, call: Call) -> str:
    """List addresses of record with their contacts."""
    sip = _sip(context)
    wanted = _filter(call)
    found = [aor for name, aor in sorted(sip.settings.aors.items()) if wanted(name)]
    rows: list[str] = []
    for aor in found:
        rows += [*_aor_rows(sip, aor, 6), ""]
    return lines("", *AOR_HEADER, "", *rows, _found(len(found)))


@command(
    "pjsip show aor",
    "Show one address of record",
    arguments="<id>",
    complete=_completer(lambda sip: sip.settings.aors),
)
def show_aor(context: CliContext, call: Call) -> str:
    """Show an address of record and all its options."""
    sip = _sip(context)
    name = _one(call)
    aor = sip.settings.aors.get(name)
    if aor is None:
        raise CommandError(f"Unable to find object {name}.")
    return lines("", *AOR_HEADER, "", *_aor_rows(sip, aor, 6), "", *_parameters(aor))


@command("pjsip show contacts", "List the contacts", arguments="[like <pattern>]")
def show_contacts(context: CliContext, call: Call) -> str:
    """List contacts with their reachability."""
    sip = _sip(context)
    wanted = _filter(call)
    found = [entry for entry in sip.contacts() if wanted(f"{entry.aor}/{entry.uri}")]
    found.sort(key=lambda entry: (entry.aor, entry.uri))
    rows = [_contact_row(entry, 2) for entry in found]
    return lines("", *CONTACT_HEADER, "", *rows, "", _found(len(found)))


@command("pjsip show registrations", "List the outbound registrations")
def show_registrations(context: CliContext, _call: Call) -> str:
    """List where this server registers."""
    found = sorted(_sip(context).registrations(), key=lambda entry: entry.name)
    rows = [
        f" {f'{entry.name}/{entry.server_uri}':<55}  {entry.auth:<24}  {entry.status}"
        for entry in found
    ]
    return lines("", *REGISTRATION_HEADER, "", *rows, *([""] if rows else []), _found(len(found)))


@command("pjsip set logger {on|off}", "Log SIP messages, or stop it")
def set_logger(context: CliContext, call: Call) -> str:
    """Switch the logging of SIP messages."""
    is_on = call.option == "on"
    _sip(context).set_logger(is_on)
    return f"PJSIP Logging {'enabled' if is_on else 'disabled'}"


@command("pjsip set logger host", "Log SIP messages of one host", arguments="<name/subnet>")
def set_logger_host(context: CliContext, call: Call) -> str:
    """Log the messages from and to one address."""
    host = _one(call)
    _sip(context).set_logger(True, host)
    return f"PJSIP Logging Enabled for host: {host}"


def _endpoint_rows(context: CliContext, sip: SipAdmin, endpoint: Endpoint) -> list[str]:
    channels = context.channels.of_endpoint("PJSIP", endpoint.name)
    number = endpoint.callerid.number
    title = f"{endpoint.name}/{number}" if number else endpoint.name
    state = _endpoint_state(sip, endpoint, channels)
    limit = endpoint.device_state_busy_at or "inf"
    rows = [f" Endpoint:  {title:<52} {state:<14} {len(channels)} of {limit}"]
    for kind, names in (("InAuth", endpoint.auth), ("OutAuth", endpoint.outbound_auth)):
        for name in names:
            auth = sip.settings.auths.get(name)
            rows.append(f"{kind + ':':>12}  {name}/{auth.username if auth else '?'}")
    for name in endpoint.aors:
        aor = sip.settings.aors.get(name)
        if aor is not None:
            rows += _aor_rows(sip, aor, 8)
    transport = sip.settings.transports.get(endpoint.transport)
    if transport is not None:
        rows.append(
            f"  Transport:  {transport.name:<21}  {transport.protocol:>6}  {transport.cos:>5}  "
            f"{transport.tos:>5}  {transport.bind}"
        )
    for identify in sip.settings.identifies:
        if identify.endpoint == endpoint.name:
            rows.append(f"   Identify:  {identify.name}/{endpoint.name}")
            rows += (f"        Match: {match}" for matches in identify.matches for match in matches)
    for channel in channels:
        rows += _channel_rows(context, channel)
    return rows


def _endpoint_state(sip: SipAdmin, endpoint: Endpoint, channels: Sequence[Channel]) -> str:
    """Name the device state as Asterisk prints it."""
    if channels:
        busy_at = endpoint.device_state_busy_at
        if busy_at and len(channels) >= busy_at:
            return "Busy"
        is_only_ringing = all(channel.state == "Ringing" for channel in channels)
        return "Ringing" if is_only_ringing else "In use"
    statuses = [entry.status for entry in sip.contacts() if entry.aor in endpoint.aors]
    if not any(status != "Unavail" for status in statuses):
        return "Unavailable"
    return "Not in use"


def _channel_rows(context: CliContext, channel: Channel) -> list[str]:
    since = channel.answered_at or channel.created_at
    party = channel.connected
    name = f'"{party.name}" ' if party.name else ""
    connected = f"{name}<{party.number}>"
    return [
        f"    Channel:  {channel.name:<48} {channel.state:<13} {clock(context.wall() - since)}",
        f"        Exten: {channel.exten:<24}  CLCID: {connected}",
    ]


def _aor_rows(sip: SipAdmin, aor: Aor, indent: int) -> list[str]:
    rows = [f"{'Aor:':>{indent + 4}}  {aor.name:<50} {aor.max_contacts}"]
    rows += (_contact_row(entry, indent - 2) for entry in sip.contacts() if entry.aor == aor.name)
    return rows


def _contact_row(entry: ContactView, indent: int) -> str:
    digest = hashlib.md5(entry.uri.encode(), usedforsecurity=False).hexdigest()[:10]
    roundtrip = "nan" if entry.roundtrip_ms is None else f"{entry.roundtrip_ms:.3f}"
    place = f"{entry.aor}/{entry.uri}"
    return f"{' ' * indent}Contact:  {place:<42} {digest} {entry.status:<8} {roundtrip:>10}"


def _parameters(settings: Endpoint | Aor) -> list[str]:
    rows = [f" {'ParameterName':<34} : ParameterValue", " " + "=" * 59]
    names = (field.name for field in dataclasses.fields(settings) if field.name != "name")
    rows += (f" {name:<34} : {_shown(getattr(settings, name))}" for name in sorted(names))
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


def _filter(call: Call) -> Callable[[str], bool]:
    """Read ``like <pattern>``: text anywhere in the name, case ignored."""
    if not call.arguments:
        return lambda _name: True
    if len(call.arguments) != 2 or call.arguments[0] != "like":
        raise WrongUsage
    pattern = call.arguments[1].lower()
    return lambda name: pattern in name.lower()


def _one(call: Call) -> str:
    if len(call.arguments) != 1:
        raise WrongUsage
    return call.arguments[0]


def _found(count: int) -> str:
    return f"Objects found: {count}" if count else "No objects found."


def _sip(context: CliContext) -> SipAdmin:
    if context.sip is None:
        raise CommandError("SIP is not running")
    return context.sip
