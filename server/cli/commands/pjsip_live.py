"""``pjsip set``, ``qualify`` and the like: what SIP does now, and what it says on the wire."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from server.cli.commands import pjsip_layout as layout
from server.cli.commands.pjsip import find_sip, read_filter
from server.cli.context import CliContext, SipMessageView
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import clock, lines
from server.media.streams import StreamStats
from server.resources.channel import Channel

_STATS_HEADER = """
                                             ...........Receive......... .........Transmit..........
 BridgeId ChannelId ........ UpTime.. Codec.   Count    Lost Pct  Jitter   Count    Lost Pct  Jitter RTT....
 ===========================================================================================================
"""  # noqa: E501 - as wide as Asterisk's
ALL = "all"
_MAX_EXACT = 100_000  # packets; more are counted by thousands


@command("pjsip set logger {on|off}", "Log SIP messages, or stop it")
def set_logger(context: CliContext, call: Call) -> str:
    """Switch the logging of SIP messages; ``off`` forgets hosts and methods too."""
    is_on = call.option == "on"
    find_sip(context).set_logger(is_on)
    return f"PJSIP Logging {'enabled' if is_on else 'disabled'}"


@command("pjsip set logger {host|add}", "Log SIP messages of one host", arguments="<name/subnet>")
def set_logger_host(context: CliContext, call: Call) -> str:
    """Log the messages from and to one address; ``add`` keeps those named before."""
    host = _one(call)
    find_sip(context).set_logger(True, host=host, adds=call.option == "add")
    return f"PJSIP Logging Enabled for host: {host}"


@command(
    "pjsip set logger {method|methodadd}",
    "Log SIP messages of one method",
    arguments="<method>",
)
def set_logger_method(context: CliContext, call: Call) -> str:
    """Log requests of one method and their answers; ``methodadd`` keeps those named before."""
    method = _one(call).upper()
    find_sip(context).set_logger(True, method=method, adds=call.option == "methodadd")
    return f"PJSIP Logging Enabled for method: {method}"


@command("pjsip set history {on|off|clear}", "Remember SIP messages, or forget them")
def set_history(context: CliContext, call: Call) -> str:
    """Begin, end, or forget what was remembered."""
    sip = find_sip(context)
    if call.option == "clear":
        sip.clear_history()
        return "PJSIP history cleared"
    sip.set_history(call.option == "on")
    return f"PJSIP history {'enabled' if call.option == 'on' else 'disabled'}"


@command("pjsip show history", "Show remembered SIP messages", arguments="[entry <num>]")
def show_history(context: CliContext, call: Call) -> Iterator[str]:
    """List the messages that were remembered, or show one."""
    entries = find_sip(context).history()
    match call.arguments:
        case ():
            return _history_rows(entries)
        case ("entry", number) if number.isascii() and number.isdecimal():
            for entry in entries:
                if entry.number == int(number):
                    return iter(_history_entry(entry))
            raise CommandError(f"Unable to find history entry {number}")
        case _:
            raise WrongUsage


def _history_rows(entries: Sequence[SipMessageView]) -> Iterator[str]:
    yield f"{'No.':<5} {'Timestamp':<14} {'(Dir) Address':<26} SIP Message"
    yield "===== ============== ========================== ==================================="
    for entry in entries:
        arrow = "==>" if entry.is_sent else "<=="
        moment = datetime.fromtimestamp(entry.wall, UTC).astimezone().strftime("%H:%M:%S")
        first = entry.text.partition("\n")[0].strip()
        yield f"{entry.number:05d} {moment:<14} * {arrow} {entry.address:<20} {first}"


def _history_entry(entry: SipMessageView) -> list[str]:
    way = "Sent to" if entry.is_sent else "Received from"
    moment = datetime.fromtimestamp(entry.wall, UTC).astimezone().isoformat(" ", "milliseconds")
    title = f"<--- History Entry {entry.number} {way} {entry.address} at {moment} --->"
    return [title, *entry.text.splitlines()]


def _complete_qualified(context: CliContext, arguments: Sequence[str]) -> Iterable[str]:
    return () if arguments or context.sip is None else context.sip.settings.endpoints


@command(
    "pjsip qualify", "Ask the contacts of an endpoint whether they are there",
    arguments="<endpoint>", complete=_complete_qualified,
)  # fmt: skip
def qualify(context: CliContext, call: Call) -> str:
    """Send an OPTIONS to each contact of an endpoint."""
    sip = find_sip(context)
    name = _one(call)
    endpoint = sip.settings.endpoints.get(name)
    if endpoint is None:
        raise CommandError(f"Unable to retrieve endpoint {name}")
    for aor in endpoint.aors:
        sip.qualify(aor)
    return f"Qualifying AORs on endpoint '{name}'"


_PEERS = ("endpoint", "uri", "channel")


def _complete_maintenance(context: CliContext, arguments: Sequence[str]) -> Iterable[str]:
    match len(arguments):
        case 0:
            return ("on", "off")
        case 1 if context.sip is not None:
            return (ALL, *context.sip.settings.endpoints)
        case _:
            return ()


@command(
    "pjsip set maintenance",
    "Take no new calls of an endpoint, nor make any to it",
    arguments="<on|off> <endpoint|all>",
    complete=_complete_maintenance,
)
def set_maintenance(context: CliContext, call: Call) -> str:
    """Begin or end maintenance; calls that are on go on."""
    if len(call.arguments) != 2 or call.arguments[0] not in ("on", "off"):
        raise WrongUsage
    sip, (word, name) = find_sip(context), call.arguments
    if name != ALL and name not in sip.settings.endpoints:
        raise CommandError(f"Unable to retrieve endpoint {name}")
    names = list(sip.settings.endpoints) if name == ALL else [name]
    sip.maintenance.set(names, word == "on")
    state = "enabled" if word == "on" else "disabled"
    return f"Maintenance mode {state} for {'all endpoints' if name == ALL else name}"


@command(
    "pjsip show maintenance",
    "List the endpoints under maintenance",
    arguments="[endpoint]",
    complete=_complete_qualified,
)
def show_maintenance(context: CliContext, call: Call) -> str:
    """List the endpoints under maintenance, or tell of one."""
    sip = find_sip(context)
    if call.arguments:
        name = _one(call)
        if name not in sip.settings.endpoints:
            raise CommandError(f"Unable to retrieve endpoint {name}")
        return f"{name}: maintenance {'enabled' if name in sip.maintenance else 'disabled'}"
    return lines(*sip.maintenance.list()) or "No endpoints are under maintenance"


def _complete_notify(context: CliContext, arguments: Sequence[str]) -> Iterable[str]:
    match list(arguments):
        case []:
            return context.configuration.notify_types
        case [_type]:
            return _PEERS
        case [_type, "endpoint", *_names]:
            return () if context.sip is None else context.sip.settings.endpoints
        case [_type, "channel", *_names]:
            return [channel.name for channel in context.channels]
        case _:
            return ()


@command(
    "pjsip send notify", "Send a NOTIFY of pjsip_notify.conf",
    arguments="<type> {endpoint|uri|channel} <peer> [<peer>...]", complete=_complete_notify,
)  # fmt: skip
def send_notify(context: CliContext, call: Call) -> str:
    """Send a NOTIFY to every contact of endpoints, to addresses, or inside of calls."""
    if len(call.arguments) < 3 or call.arguments[1] not in _PEERS:
        raise WrongUsage
    sip = find_sip(context)
    name, kind, *peers = call.arguments
    fields = context.configuration.notify_types.get(name)
    if fields is None:
        raise CommandError(f"Unable to find notify type '{name}'")
    rows: list[str] = []
    for peer in peers:
        rows.append(f"Sending NOTIFY of type '{name}' to '{peer}'")
        if kind == "channel":
            sip.notify_in_call(_channel(context, peer), fields)
            continue
        places = [peer] if kind == "uri" else _contacts_of(context, peer)
        if not places:
            rows.append(f"Unable to send NOTIFY: '{peer}' has no contacts")
        for place in places:
            sip.notify(place, fields)
    return lines(*rows)


def _channel(context: CliContext, name: str) -> Channel:
    channel = context.channels.find(name)
    if channel is None:
        raise CommandError(f"Unable to find channel {name}")
    return channel


def _contacts_of(context: CliContext, name: str) -> list[str]:
    sip = find_sip(context)
    endpoint = sip.settings.endpoints.get(name)
    if endpoint is None:
        raise CommandError(f"Unable to retrieve endpoint {name}")
    return [f"{name}/{each.uri}" for each in sip.contacts() if each.aor in endpoint.aors]


@command("pjsip show channelstats", "Show how media fares", arguments="[like <pattern>]")
def show_channel_stats(context: CliContext, call: Call) -> Iterator[str]:
    """List calls with packets, loss, jitter (s) and round trip time (s)."""
    find_sip(context)
    wanted = read_filter(call)
    yield from _STATS_HEADER.splitlines()
    found = [
        channel
        for channel in list(context.channels)
        if channel.endpoint[0] == layout.TECHNOLOGY and wanted(channel.name)
    ]
    for channel in found:
        bridge = channel.bridge.id if channel.bridge is not None else ""
        since = clock(context.wall() - channel.created_at)
        stream = channel.leg.stream
        name = channel.name.removeprefix(f"{layout.TECHNOLOGY}/")
        yield (
            f" {bridge:<8.8} {name:<18.18} {since:<8.8} {stream.codec:<6.6} "
            f"{_statistics(stream.stats())}"
        )
    yield ""
    yield f"Objects found: {len(found)}" if found else "No objects found."


def _statistics(stats: StreamStats) -> str:
    received = (stats.rx_packets, stats.rx_lost, stats.local_jitter.last)
    sent = (stats.tx_packets, stats.tx_lost, stats.remote_jitter.last)
    ways = [
        f"{_count(packets)} {_count(lost)} {_percent(lost, packets):>3} {jitter:>7.3f}"
        for packets, lost, jitter in (received, sent)
    ]
    return f"{' '.join(ways)} {stats.rtt.last:>7.3f}"


def _count(packets: int) -> str:
    return f"{packets // 1000:>6}K" if packets > _MAX_EXACT else f"{packets:>6} "


def _percent(lost: int, packets: int) -> int:
    return 100 * lost // (lost + packets) if lost + packets else 0


@command(
    "pjsip show scheduled_tasks", "List what SIP does in a while", arguments="[like <pattern>]"
)
def show_scheduled_tasks(context: CliContext, call: Call) -> Iterator[str]:
    """List whom SIP asks or forgets next; times are in seconds."""
    wanted = read_filter(call)
    tasks = [task for task in find_sip(context).scheduled_tasks() if wanted(task.name)]
    return iter(
        [
            "PJSIP Scheduled Tasks:",
            "",
            f"{'Task Name':<60} {'Interval':>10} {'Next Start':>10}",
            f"{'=' * 60} {'=' * 10} {'=' * 10}",
            *(f"{task.name:<60} {task.interval:>10} {task.due:>10.1f}" for task in tasks),
            "",
            f"Total Scheduled Tasks: {len(tasks)}",
        ]
    )


@command("pjsip show settings", "Show what holds for all of SIP")
def show_settings(context: CliContext, _call: Call) -> str:
    """Show pjsip.conf's [global] and [system]."""
    settings = find_sip(context).settings
    return lines(
        "",
        "Global Settings:",
        "",
        *layout.parameters(settings.global_),
        "",
        "System Settings:",
        "",
        *layout.parameters(settings.system),
    )


@command("pjsip show identifiers", "List how endpoints are recognised")
def show_identifiers(context: CliContext, _call: Call) -> str:
    """List the ways to recognise an endpoint, in the order in which they are tried."""
    order = find_sip(context).settings.global_.endpoint_identifier_order
    return lines("Identifier Names:", *(f"name: {name}" for name in order))


@command("pjsip show version", "Show which SIP stack this is")
def show_version(context: CliContext, _call: Call) -> str:
    """Say that the stack is our own."""
    return f"PJPROJECT version currently running against: none; SIP is Arion {context.version}'s"


@command(
    "pjsip show qualify endpoint", "Show how an endpoint's contacts are asked",
    arguments="<id>", complete=_complete_qualified,
)  # fmt: skip
def show_qualify(context: CliContext, call: Call) -> str:
    """Show what qualifying does to the addresses of an endpoint."""
    sip = find_sip(context)
    name = _one(call)
    endpoint = sip.settings.endpoints.get(name)
    if endpoint is None:
        raise CommandError(f"Unable to retrieve endpoint {name}")
    return lines(*(row for aor in endpoint.aors for row in _qualify_rows(context, aor)))


def _complete_aor(context: CliContext, arguments: Sequence[str]) -> Iterable[str]:
    return () if arguments or context.sip is None else context.sip.settings.aors


@command(
    "pjsip show qualify aor", "Show how an aor's contacts are asked",
    arguments="<id>", complete=_complete_aor,
)  # fmt: skip
def show_qualify_aor(context: CliContext, call: Call) -> str:
    """Show what qualifying does to an address of record."""
    name = _one(call)
    if name not in find_sip(context).settings.aors:
        raise CommandError(f"Unable to retrieve aor '{name}'")
    return lines(*_qualify_rows(context, name))


def _qualify_rows(context: CliContext, name: str) -> Iterator[str]:
    aor = find_sip(context).settings.aors.get(name)
    if aor is None:
        return
    yield f"* AOR '{name}'"
    for field in dataclasses.fields(aor):
        if field.name.startswith("qualify_") or field.name == "authenticate_qualify":
            yield f"  {field.name:<20} : {getattr(aor, field.name)}"
    for contact in find_sip(context).contacts():
        if contact.aor == name:
            yield f"  Contact {contact.uri}: {contact.status}"


def _one(call: Call) -> str:
    if len(call.arguments) != 1:
        raise WrongUsage
    return call.arguments[0]
