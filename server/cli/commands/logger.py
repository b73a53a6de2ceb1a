"""``logger …``: what is logged where."""

from __future__ import annotations

from server.cli.context import CliContext
from server.cli.registry import Call, command
from server.cli.tables import fit, lines

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
