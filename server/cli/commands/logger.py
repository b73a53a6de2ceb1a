"""``logger …``: what is logged where."""

from __future__ import annotations

from collections.abc import Sequence

from server.cli.context import CliContext
from server.cli.registry import Call, WrongUsage, command
from server.cli.tables import fit, lines
from server.resources.logging_channels import LogChannels

LEVELS = ("DEBUG", "NOTICE", "WARNING", "ERROR", "VERBOSE", "DTMF", "SECURITY", "AUDIT")
_WIDTHS = (35, 8, 9, 8)


@command("logger show channels", "List the log channels")
def show_channels(context: CliContext, _call: Call) -> str:
    """List files, console and syslog with their levels."""
    rows = [
        _row(("Channel", "Type", "Formatter", "Status"), "Configuration"),
        _row(("-------", "----", "---------", "------"), "-------------"),
    ]
    for channel in context.log.describe():
        status = "Enabled" if channel.is_enabled else "Failing"
        name = "" if channel.kind == "Console" else channel.name
        cells = (name, channel.kind, channel.formatter, status)
        rows.append(_row(cells, f"- {' '.join(channel.levels)}"))
    settings = context.log.settings
    return lines(
        f"Logger queue limit: {settings.queue_limit}",
        "",
        *rows,
        "",
        f"{context.log.dropped} messages were discarded because the queue was full",
    )


@command("logger rotate", "Rotate the log files")
def rotate(context: CliContext, _call: Call) -> str:
    """Move the files out of the way and begin new ones."""
    context.log.rotate()
    return ""


@command("logger add channel", "Log to a further place", arguments="<name> <levels>")
def add_channel(context: CliContext, call: Call) -> str:
    """Add a file, the console or a syslog facility until the server ends."""
    if len(call.arguments) != 2:
        raise WrongUsage
    name, levels = call.arguments
    LogChannels(context.log).add(name, configuration=levels)
    return ""


def _complete_channel(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [channel.name for channel in context.log.describe()]


@command(
    "logger remove channel",
    "Stop logging to a place",
    arguments="<name>",
    complete=_complete_channel,
)
def remove_channel(context: CliContext, call: Call) -> str:
    """Remove a log channel; one of logger.conf comes back with a reload."""
    if len(call.arguments) != 1:
        raise WrongUsage
    LogChannels(context.log).delete(call.arguments[0])
    return f"Removed dynamic logger channel '{call.arguments[0]}'"


@command(
    "logger set level {DEBUG|TRACE|NOTICE|WARNING|ERROR|VERBOSE|DTMF} {on|off}",
    "Choose what this console shows",
)
def set_level(context: CliContext, call: Call) -> str:
    """Show, or hide, a level on the console that asks; VERBOSE follows core set verbose."""
    level, state = call.words[-2].upper(), call.option
    if call.console is not None:
        levels = call.console.levels
        call.console.levels = levels | {level} if state == "on" else levels - {level}
        context.log.console_changed()
    return f"Logger status for '{level}' has been set to '{state}'."


@command("logger show levels", "List the levels of log messages")
def show_levels(context: CliContext, _call: Call) -> str:
    """List the levels, those of logger.conf included."""
    names = [*LEVELS, *context.log.settings.custom_levels]
    return lines("Levels:", *(f"  {name}" for name in names))


@command("logger reload", "Read logger.conf again and reopen the files")
async def reload(context: CliContext, _call: Call) -> str:
    """Use what logger.conf says now."""
    return lines(*await context.lifecycle.reload("logger"))


@command("logger mute", "Stop, or start again, log messages on this console")
def mute(_context: CliContext, call: Call) -> str:
    """Mute or unmute the console that asks."""
    if call.console is None:
        return ""
    call.console.is_muted = not call.console.is_muted
    return f"Console is {'muted' if call.console.is_muted else 'not muted anymore'}."


def _row(cells: tuple[str, ...], rest: str) -> str:
    name, *others = cells
    shown = name.ljust(_WIDTHS[0])
    tail = " ".join(fit(cell, width) for cell, width in zip(others, _WIDTHS[1:], strict=True))
    return f"{shown} {tail} {rest}"
