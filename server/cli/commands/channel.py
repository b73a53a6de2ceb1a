"""``core show channels``, ``channel …``: the calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from server.cli.commands.core import uptime_rows
from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import clock, fit, lines, plural
from server.dialplan.arguments import parse_target
from server.resources.controlled import EndedBy

if TYPE_CHECKING:
    from server.resources.channel import Channel

STATE_NUMBERS = {
    "Down": 0, "Rsrvd": 1, "OffHook": 2, "Dialing": 3, "Ring": 4, "Ringing": 5, "Up": 6, "Busy": 7,
    "Dialing Offhook": 8, "Pre-ring": 9,
}  # fmt: skip
AMA_FLAGS = 3  # "documentation", Asterisk's default
_VERBOSE_COLUMNS = (
    ("Channel", 20), ("Context", 20), ("Extension", 16), ("Prio", 4), ("State", 7),
    ("Application", 12), ("Data", 25), ("CallerID", 15), ("Duration", 8), ("Accountcode", 11),
    ("PeerAccount", 11), ("BridgeID", 20),
)  # fmt: skip
_RIGHT_ALIGNED = ("Prio", "Duration")


@command("core show channels [concise|verbose|count]", "Show the channels")
def show_channels(context: CliContext, call: Call) -> Iterator[str]:
    """List channels and count calls."""
    channels = list(context.channels)
    match call.option:
        case "concise":
            for channel in channels:
                yield _concise(context, channel)
            return
        case "verbose":
            yield _columns([name for name, _width in _VERBOSE_COLUMNS])
            for channel in channels:
                yield _verbose(context, channel)
        case "count":
            pass
        case _:
            yield _short("Channel", "Location", "State", "Application(Data)")
            for channel in channels:
                yield _short(channel.name, _location(channel), channel.state, _application(channel))
    yield from _counts(context)


@command("core show calls [uptime]", "Count the calls", arguments="[seconds]")
def show_calls(context: CliContext, call: Call) -> str:
    """Count calls, and tell for how long the server has been running."""
    if call.option != "uptime":
        if call.arguments:
            raise WrongUsage
        return lines(*_counts(context)[1:])
    if call.arguments not in ((), ("seconds",)):
        raise WrongUsage
    return lines(*_counts(context)[1:], *uptime_rows(context, in_seconds=bool(call.arguments)))


def _complete_channel(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [channel.name for channel in context.channels]


@command(
    "core show channel",
    "Show one channel",
    arguments="<channel>",
    complete=_complete_channel,
)
def show_channel(context: CliContext, call: Call) -> str:
    """Show everything about a channel."""
    if len(call.arguments) != 1:
        raise WrongUsage
    channel = _find(context, call.arguments[0])
    bridge = channel.bridge
    elapsed = int(context.wall() - channel.created_at)
    codec = channel.leg.stream.codec
    rows = [
        ("Name", channel.name),
        ("Type", channel.name.partition("/")[0]),
        ("UniqueID", channel.id),
        ("LinkedID", channel.linkedid),
        ("Caller ID", channel.caller.number or "(N/A)"),
        ("Caller ID Name", channel.caller.name or "(N/A)"),
        ("Connected Line ID", channel.connected.number or "(N/A)"),
        ("Connected Line ID Name", channel.connected.name or "(N/A)"),
        ("Eff. Connected Line ID", channel.connected.number or "(N/A)"),
        ("Eff. Connected Line ID Name", channel.connected.name or "(N/A)"),
        ("DNID Digits", channel.dnid or "(N/A)"),
        ("Redirecting ID", channel.redirecting.from_.number or "(N/A)"),
        ("Account Code", channel.account_code or "(N/A)"),
        ("Language", channel.language),
        ("State", f"{channel.state} ({STATE_NUMBERS.get(channel.state, 0)})"),
        ("NativeFormats", f"({codec})"),
        ("WriteFormat", codec),
        ("ReadFormat", codec),
        ("WriteTranscode", "No"),
        ("ReadTranscode", "No"),
        ("Elapsed Time", f"{elapsed // 3600}h{elapsed // 60 % 60}m{elapsed % 60}s"),
        ("Bridge ID", bridge.id if bridge is not None else "(Not bridged)"),
    ]
    pbx = [
        ("Context", channel.context),
        ("Extension", channel.exten),
        ("Priority", channel.priority),
        ("Application", channel.app_name or "(N/A)"),
        ("Data", channel.app_data or "(Empty)"),
    ]
    return lines(
        " -- General --",
        *(f"{name:>15}: {value}" for name, value in rows),
        " --   PBX   --",
        *(f"{name:>15}: {value}" for name, value in pbx),
        "      Variables:",
        *(f"{name}={value}" for name, value in channel.variables.items()),
    )


def _complete_hangup(context: CliContext, _arguments: Sequence[str]) -> list[str]:
    return ["all", *(channel.name for channel in context.channels)]


@command(
    "channel request hangup",
    "Hang up channels",
    arguments="<all>|<channel> [<channel> ...]",
    complete=_complete_hangup,
)
def request_hangup(context: CliContext, call: Call) -> str:
    """Hang up one, several or all channels."""
    if not call.arguments:
        raise WrongUsage
    if call.arguments == ("all",):
        channels = list(context.channels)
        for channel in channels:
            channel.hangup(ended_by=EndedBy.CONSOLE)
        return f"Requested Hangup on {plural(len(channels), 'active channel')}"
    rows = []
    for name in call.arguments:
        found = context.channels.find(name)
        if found is None:
            rows.append(f"{name} is not a known channel")
            continue
        found.hangup(ended_by=EndedBy.CONSOLE)
        rows.append(f"Requested Hangup on channel '{found.name}'")
    if not any(row.startswith("Requested") for row in rows):
        raise CommandError(lines(*rows))
    return lines(*rows)


def _complete_originate(context: CliContext, arguments: Sequence[str]) -> list[str]:
    match list(arguments):
        case []:
            endpoints = context.sip.settings.endpoints if context.sip is not None else ()
            return ["Local/", *(f"PJSIP/{name}" for name in endpoints)]
        case [_]:
            return ["application", "extension"]
        case [_, "application"]:
            return [each.name for each in context.dialplan.registry.applications.values()]
        case [_, "extension"]:
            return list(context.dialplan.plan.contexts)
        case _:
            return []


@command(
    "channel originate",
    "Make a call",
    arguments="<tech/data> {application <appname> [appdata] | extension [exten@][context]}",
    complete=_complete_originate,
)
async def originate(context: CliContext, call: Call) -> str:
    """Call somebody and run an application or an extension for them."""
    if len(call.arguments) < 2 or "/" not in call.arguments[0]:
        raise WrongUsage
    endpoint, kind, *rest = call.arguments
    if kind == "application" and rest:
        await context.originator.originate(
            endpoint, application=rest[0], data=" ".join(rest[1:]), context="", exten=""
        )
        return ""
    if kind != "extension" or len(rest) > 1:
        raise WrongUsage
    exten, at, where = (rest[0] if rest else "").rpartition("@")
    if not at:
        exten, where = "", where  # a lone word names the context, as in Asterisk
    await context.originator.originate(
        endpoint, application="", data="", context=where or "default", exten=exten or "s"
    )
    return ""


@command(
    "channel redirect",
    "Send a channel to an extension",
    arguments="<channel> <[[context,]exten,]priority>",
    complete=_complete_channel,
)
def redirect(context: CliContext, call: Call) -> str:
    """Take a channel from wherever it is, and let it go on in the dialplan."""
    if len(call.arguments) != 2:
        raise WrongUsage
    name, text = call.arguments
    channel = _find(context, name)
    target = parse_target(text)
    if target is None:
        raise WrongUsage
    where, exten = target.context or channel.context, target.exten or channel.exten
    priority = _read_priority(context, channel, where, exten, target.priority)
    if not context.dialplan.has(where, exten, priority, channel.caller.number):
        raise CommandError(f"Extension '{exten}' priority '{priority}' does not exist in '{where}'")
    context.dialplan.transfers.send_to_dialplan(channel, where, exten, priority)
    return f"Channel '{channel.name}' successfully redirected to {text}"


def _read_priority(context: CliContext, channel: Channel, where: str, exten: str, text: str) -> int:
    if text.isascii() and text.isdecimal():
        return int(text[:9])
    found = context.dialplan.find_label(where, exten, text, channel.caller.number)
    if found is None:
        raise CommandError(f"'{text}' is not a known priority")
    return found


def _find(context: CliContext, name: str) -> Channel:
    channel = context.channels.find(name)
    if channel is None:
        raise CommandError(f"{name} is not a known channel")
    return channel


def _location(channel: Channel) -> str:
    if not channel.exten:
        return "(None)"
    return f"{channel.exten}@{channel.context}:{channel.priority}"


def _application(channel: Channel) -> str:
    return f"{channel.app_name}({channel.app_data})" if channel.app_name else "(None)"


def _short(name: str, location: str, state: str, application: str) -> str:
    return f"{fit(name, 20)} {fit(location, 20)} {fit(state, 7)} {fit(application, 30)}"


def _columns(values: Sequence[str]) -> str:
    return " ".join(
        value[:width].rjust(width) if name in _RIGHT_ALIGNED else fit(value, width)
        for (name, width), value in zip(_VERBOSE_COLUMNS, values, strict=True)
    )


def _verbose(context: CliContext, channel: Channel) -> str:
    return _columns(
        [
            channel.name,
            channel.context,
            channel.exten,
            str(channel.priority),
            channel.state,
            channel.app_name or "(None)",
            channel.app_data,
            channel.caller.number,
            clock(context.wall() - channel.created_at),
            channel.account_code,
            channel.peer_account,
            channel.bridge.id if channel.bridge is not None else "",
        ]
    )


def _concise(context: CliContext, channel: Channel) -> str:
    return "!".join(
        [
            channel.name,
            channel.context,
            channel.exten,
            str(channel.priority),
            channel.state,
            channel.app_name or "(None)",
            channel.app_data,
            channel.caller.number,
            channel.account_code,
            channel.peer_account,
            str(AMA_FLAGS),
            str(int(context.wall() - channel.created_at)),
            channel.bridge.id if channel.bridge is not None else "",
            channel.id,
        ]
    )


def _counts(context: CliContext) -> list[str]:
    channels = len(context.channels)
    calls = len({channel.linkedid for channel in context.channels})
    limit = context.max_calls
    active = plural(calls, "active call")
    if limit:
        active = f"{calls} of {limit} max active calls ({100 * calls / limit:5.2f}% of capacity)"
    return [
        plural(channels, "active channel"),
        active,
        f"{plural(context.channels.total, 'call')} processed",
    ]
