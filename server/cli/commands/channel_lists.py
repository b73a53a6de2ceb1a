"""What the dialplan keeps for channels: groups, hangup handlers, locks; and Local channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import lines, plural
from server.dialplan.functions.groups import Groups
from server.dialplan.functions.locks import Locks
from server.dialplan.posix_regex import compile_regex
from server.resources.channel import Channel


@command("local show channels", "List the Local channels")
def show_local_channels(context: CliContext, _call: Call) -> str:
    """List the first halves of the pairs of Local channels."""
    found = [channel for channel in context.channels if channel.name.startswith("Local/")]
    rows = [
        f"{channel.name} -- {channel.name[6:].rpartition('-')[0]}"
        for channel in found
        if channel.name.endswith(";1")
    ]
    return lines(*rows) if rows else "No local channels in use"


@command("group show channels", "List the groups of channels", arguments="[pattern]")
def show_groups(context: CliContext, call: Call) -> str:
    """List the groups that channels are in, all or those that a regular expression matches."""
    if len(call.arguments) > 1:
        raise WrongUsage
    wanted = compile_regex(call.arguments[0] if call.arguments else "")
    groups = context.dialplan.part(Groups)
    rows = [
        f"{channel.name:<25}  {group:<20}  {category or '(default)':<20}"
        for channel in context.channels
        for group, category in groups.of(channel)
        if wanted.search(group)
    ]
    return lines(
        f"{'Channel':<25}  {'Group':<20}  {'Category':<20}", *rows,
        plural(len(rows), "active channel"),
    )  # fmt: skip


@command("core show hanguphandlers all", "List the hangup handlers of all channels")
def show_all_handlers(context: CliContext, _call: Call) -> str:
    """List the subroutines that channels will run when they hang up."""
    return _handlers(context, context.channels)


def _complete_channel(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [channel.name for channel in context.channels]


@command(
    "core show hanguphandlers",
    "List the hangup handlers of a channel",
    arguments="<channel>",
    complete=_complete_channel,
)
def show_handlers(context: CliContext, call: Call) -> str:
    """List the subroutines that a channel will run when it hangs up, the first to run on top."""
    if len(call.arguments) != 1:
        raise WrongUsage
    channel = context.channels.find(call.arguments[0])
    if channel is None:
        raise CommandError(f"Channel does not exist: {call.arguments[0]}")
    return _handlers(context, [channel])


def _handlers(context: CliContext, channels: Iterable[Channel]) -> str:
    rows = [
        f"{channel.name:<30} {handler}"
        for channel in channels
        for handler in context.dialplan.state_of(channel).hangup_handlers
    ]
    return lines(f"{'Channel':<30} Handler", "-" * 38, *rows)


@command("dialplan locks show", "List the locks of LOCK()")
def show_locks(context: CliContext, _call: Call) -> str:
    """List the locks that are held, by whom, and how many wait for them."""
    rows = [
        f"{name:<16}  {owner:<40}  {waiting:>7}"
        for name, owner, waiting in context.dialplan.part(Locks).describe()
    ]
    return lines(f"{'Lock':<16}  {'Owner':<40}  {'Waiters':>7}", *rows, plural(len(rows), "lock"))
