"""``mixmonitor …``: record a channel while the dialplan goes on."""

from __future__ import annotations

from collections.abc import Sequence

from server.base.errors import NotFound
from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import lines
from server.dialplan.apps.mixmonitor import OPTIONS, start
from server.dialplan.arguments import argument, parse_options, split_raw
from server.dialplan.mixmonitor import MixMonitors
from server.dialplan.scope import Scope
from server.resources.channel import Channel

_SIDES = ("both", "in", "out")


def _complete_channel(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [channel.name for channel in context.channels]


@command(
    "mixmonitor {start|stop|list}",
    "Record a channel, stop that, or list its recordings",
    arguments="<chan_name> [args]",
    complete=_complete_channel,
)
async def mix_monitor(context: CliContext, call: Call) -> str:
    """Start with the arguments of MixMonitor(), stop all or the one of an id, or list."""
    if not call.arguments:
        raise WrongUsage
    name, *rest = call.arguments
    channel = context.channels.find(name)
    if channel is None:
        raise CommandError(f"No channel matching '{name}' found.")
    monitors = context.dialplan.part(MixMonitors)
    match call.option:
        case "start":
            data = split_raw(" ".join(rest), 3)
            options = parse_options(argument(data, 1), OPTIONS, "MixMonitor", "console")
            scope = Scope(context.dialplan, channel)
            await start(scope, argument(data, 0), options, argument(data, 2))
            return ""
        case "stop":
            monitors.stop(channel, rest[0] if rest else "")
            return ""
        case _:
            return lines(*_rows(monitors, channel))


def _rows(monitors: MixMonitors, channel: Channel) -> list[str]:
    rows = ["MixMonitor ID\tFile\tReceive File\tTransmit File", "=" * 73]
    try:
        found = monitors.find(channel, "")
    except NotFound:
        return rows
    for monitor in found:
        paths = {track.side: str(track.path) for track in monitor.settings.tracks}
        rows.append("\t".join([monitor.id, *(paths.get(side, "") for side in _SIDES)]))
    return rows
