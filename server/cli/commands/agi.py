"""``agi …``: the commands of AGI, its lines, and commands for AsyncAGI."""

from __future__ import annotations

from collections.abc import Sequence

from server.cli.context import AgiAdmin, CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import lines


def _agi(context: CliContext) -> AgiAdmin:
    if context.agi is None:
        raise CommandError("AGI is not running")
    return context.agi


def _row(dead: str, name: str, summary: str) -> str:
    return f"{dead:>5.5} {name:>30.30}   {summary}"


def _complete_topic(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [each.name for each in _agi(context).commands()]


def _complete_channel(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [channel.name for channel in context.channels]


@command("agi show commands", "List the commands of AGI")
def show_commands(context: CliContext, _call: Call) -> str:
    """List all commands, and whether they may be used on a dead channel."""
    rows = [
        _row("Yes" if each.runs_dead else "No", each.name, each.summary)
        for each in _agi(context).commands()
    ]
    return lines(_row("Dead", "Command", "Description"), *rows)


@command(
    "agi show commands topic",
    "Show how a command of AGI is used",
    arguments="<topic>",
    complete=_complete_topic,
)
def show_topic(context: CliContext, call: Call) -> str:
    """Show the commands that begin so."""
    if not call.arguments:
        raise WrongUsage
    topic = " ".join(call.arguments).upper()
    found = [each for each in _agi(context).commands() if f"{each.name} ".startswith(f"{topic} ")]
    if not found:
        raise CommandError(f"No existing topic {topic!r}")
    return lines(
        *(f"{each.usage}\n\tRuns dead: {'Yes' if each.runs_dead else 'No'}" for each in found)
    )


@command("agi set debug [on|off]", "Log the lines of AGI, or stop it")
def set_debug(context: CliContext, call: Call) -> str:
    """Log every line of every session, or stop to."""
    is_on = call.option != "off"
    _agi(context).set_debug(is_on)
    return f"AGI Debugging {'Enabled' if is_on else 'Disabled'}"


@command(
    "agi exec",
    "Add a command to a channel in AsyncAGI",
    arguments="<channel name> <app and arguments> [id]",
    complete=_complete_channel,
)
def execute(context: CliContext, call: Call) -> str:
    """Queue a command for a channel whose dialplan runs ``AGI(agi:async)``."""
    if len(call.arguments) < 2:
        raise WrongUsage
    channel, line = call.arguments[:2]
    command_id = call.arguments[2] if len(call.arguments) > 2 else ""
    _agi(context).submit(channel, line, command_id)
    return f"Added AGI command to channel {channel} queue"
