"""``odbc …``: the databases of res_odbc.conf and the functions of func_odbc.conf."""

from __future__ import annotations

from collections.abc import Sequence

from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import lines
from server.dialplan.odbc_functions import SqlFunction
from server.dialplan.scope import Scope
from server.realtime.databases import Databases

ALL = "all"


def _databases(context: CliContext) -> Databases:
    realtime = context.dialplan.realtime
    if realtime is None:
        raise CommandError("There is no database.")
    return realtime.databases


def _complete_class(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [ALL, *_databases(context).classes]


@command(
    "odbc show",
    "List the databases of res_odbc.conf",
    arguments="[class]",
    complete=_complete_class,
)
def show(context: CliContext, call: Call) -> str:
    """Show one database, or all."""
    if len(call.arguments) > 1:
        raise WrongUsage
    databases = _databases(context)
    wanted = call.arguments[0] if call.arguments else ALL
    if wanted.lower() != ALL and wanted not in databases.classes:
        raise CommandError(f"res_odbc.conf has no section [{wanted}] that is enabled.")
    rows = ["", "ODBC DSN Settings", "-----------------", ""]
    for name, each in databases.classes.items():
        if wanted.lower() not in (ALL, name.lower()):
            continue
        active = databases.active(name)
        rows += [
            f"  Name:   {name}",
            f"  DSN:    {each.dsn.rpartition('@')[2] if '://' in each.dsn else each.dsn}",
            f"    Number of active connections: {active} (out of {each.max_connections})",
            f"    Logging: {'Enabled' if each.logging else 'Disabled'}",
        ]
        if error := databases.last_error(name):
            rows.append(f"    Last error: {error}")
        rows.append("")
    return lines(*rows)


def _function(context: CliContext, name: str) -> SqlFunction:
    found = context.dialplan.odbc_functions.get(name)
    if found is None:
        raise CommandError(f"No such query as '{name}' found.")
    return found


def _complete_function(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else list(context.dialplan.odbc_functions)


@command(
    "odbc read",
    "Show or run the readsql of a function",
    arguments="<name> <args> [exec]",
    complete=_complete_function,
)
async def read(context: CliContext, call: Call) -> str:
    """Substitute arguments, and run what comes out if the last word is ``exec``."""
    if not 2 <= len(call.arguments) <= 3 or call.arguments[2:] not in ((), ("exec",)):
        raise WrongUsage
    name, data, *rest = call.arguments
    function = _function(context, name)
    if not function.settings.readsql:
        raise CommandError(f"The function {name} has no readsql parameter.")
    sql = function.statement(Scope(context.dialplan, None), data, None)
    if not rest:
        return sql
    database = _databases(context).odbc(function.settings.read_databases[0])
    found = await database.run(sql, limit=function.settings.rowlimit)
    rows: list[str] = []
    for row in found.rows:
        rows += [
            f"{column:<20.20}  {value or ''}"
            for column, value in zip(found.columns, row, strict=True)
        ]
        rows.append("")
    return lines(*rows, f"Returned {len(found.rows)} rows.")


@command(
    "odbc write",
    "Show or run the writesql of a function",
    arguments="<name> <args> <value> [exec]",
    complete=_complete_function,
)
async def write(context: CliContext, call: Call) -> str:
    """Substitute arguments and a value, and run what comes out if the last word is ``exec``."""
    if not 3 <= len(call.arguments) <= 4 or call.arguments[3:] not in ((), ("exec",)):
        raise WrongUsage
    name, data, value = call.arguments[:3]
    function = _function(context, name)
    if not function.settings.writesql:
        raise CommandError(f"The function {name} has no writesql parameter.")
    sql = function.statement(Scope(context.dialplan, None), data, value)
    if len(call.arguments) == 3:
        return sql
    done = await _databases(context).odbc(function.settings.write_databases[0]).run(sql)
    return f"Affected {done.affected} rows."
