"""``realtime …``: rows of the families of extconfig.conf."""

from __future__ import annotations

from collections.abc import Sequence

from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import lines
from server.realtime.realtime import Realtime
from server.store.sql.rows import Criterion, read_criterion

MAX_PAIRS = 5  # as in Asterisk
SEPARATOR = "NULL"  # between what is looked for and what is changed


def _realtime(context: CliContext) -> Realtime:
    if context.dialplan.realtime is None:
        raise CommandError("There is no database.")
    return context.dialplan.realtime


def _pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    if not words or len(words) % 2 or len(words) > 2 * MAX_PAIRS:
        raise WrongUsage
    return list(zip(words[::2], words[1::2], strict=True))


def _criteria(words: Sequence[str]) -> list[Criterion]:
    return [read_criterion(column, value) for column, value in _pairs(words)]


@command("realtime load", "Show a row of a family", arguments="<family> <colmatch> <value>")
async def load(context: CliContext, call: Call) -> str:
    """Show the columns of the first row that matches."""
    if len(call.arguments) != 3:
        raise WrongUsage
    family, *words = call.arguments
    found = await _realtime(context).find(family, _criteria(words), limit=1)
    if not found:
        return "No rows found matching search criteria."
    rows = [f"{name:>30}  {value:<30}" for name, value in found[0]]
    return lines(
        f"{'Column Name':>30}  {'Column Value':<30}", f"{'-' * 20:>30}  {'-' * 20:<30}", *rows
    )


@command(
    "realtime store",
    "Add a row to a family",
    arguments="<family> <colname1> <value1> [<colname2> <value2> [... <colname5> <value5>]]",
)
async def store(context: CliContext, call: Call) -> str:
    """Add a row."""
    family, *words = call.arguments or ("",)
    await _realtime(context).store(family, dict(_pairs(words)))
    return "Stored 1 row."


@command(
    "realtime update",
    "Change a column of a family",
    arguments="<family> <colmatch> <valuematch> <colupdate> <newvalue>",
)
async def update(context: CliContext, call: Call) -> str:
    """Change one column of the rows that match."""
    if len(call.arguments) != 5:
        raise WrongUsage
    family, column, value, changed, fresh = call.arguments
    realtime = _realtime(context)
    count = await realtime.update(family, [read_criterion(column, value)], {changed: fresh})
    return f"Updated {count} RealTime record{'' if count == 1 else 's'}."


@command(
    "realtime update2",
    "Change columns of a family",
    arguments="<family> <colmatch> <valuematch> [... <colmatch5> <valuematch5>] "
    "NULL <colupdate> <newvalue>",
)
async def update2(context: CliContext, call: Call) -> str:
    """Change columns of the rows that match everything."""
    family, *words = call.arguments or ("",)
    if SEPARATOR not in words:
        raise WrongUsage
    at = words.index(SEPARATOR)
    values = dict(_pairs(words[at + 1 :]))
    count = await _realtime(context).update(family, _criteria(words[:at]), values)
    return f"Updated {count} RealTime record{'' if count == 1 else 's'}."


@command(
    "realtime destroy",
    "Delete rows of a family",
    arguments="<family> <colmatch1> <valuematch1> [<colmatch2> <valuematch2> "
    "[... <colmatch5> <valuematch5>]]",
)
async def destroy(context: CliContext, call: Call) -> str:
    """Delete the rows that match everything."""
    family, *words = call.arguments or ("",)
    count = await _realtime(context).destroy(family, _criteria(words))
    return f"Removed {count} RealTime record{'' if count == 1 else 's'}."
