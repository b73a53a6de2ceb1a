"""ODBC() and ODBC_FETCH(): transactions, and rows one by one."""

from __future__ import annotations

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.databases import databases_of, set_status
from server.dialplan.functions.hashes import set_columns
from server.dialplan.odbc_calls import ISOLATIONS, ChannelOdbc, OdbcCalls
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope

TRUE_WORDS = frozenset({"yes", "true", "y", "t", "1", "on"})


def calls_of(scope: Scope) -> ChannelOdbc:
    """Return what the channel has in databases."""
    return scope.dialplan.part(OdbcCalls).of(scope.channel)


@function("ODBC")
def read(scope: Scope, data: str) -> str:
    """ODBC(property,argument): ``transaction``, or ``forcecommit`` or ``isolation`` of one."""
    arguments = split_arguments(data, 2)
    calls, name = calls_of(scope), argument(arguments, 1)
    match argument(arguments, 0).lower():
        case "transaction":
            return calls.active
        case "forcecommit":
            return "1" if calls.find(name).force_commit else "0"
        case "isolation":
            return calls.find(name).isolation
    raise InvalidArgument("property", f"{argument(arguments, 0)!r} is not a property")


@function_write("ODBC")
async def write(scope: Scope, data: str, value: str) -> None:
    """Begin or choose a transaction (``ODBC(transaction,dsn)=name``), or change one."""
    arguments = split_arguments(data, 2)
    calls, name = calls_of(scope), argument(arguments, 1)
    match argument(arguments, 0).lower():
        case "transaction":
            if value in calls.transactions:
                calls.active = value
            elif name:
                await calls.begin(databases_of(scope), value, name)
            else:
                raise InvalidArgument("transaction", f"there is no transaction {value!r}")
        case "forcecommit":
            calls.find(name).force_commit = value.strip().lower() in TRUE_WORDS
        case "isolation":
            level = value.strip().lower()
            if level not in ISOLATIONS:
                raise InvalidArgument("isolation", f"expected one of {', '.join(ISOLATIONS)}")
            found = calls.find(name)
            await found.database.isolate(found.connection, level)
            found.isolation = level
        case other:
            raise InvalidArgument("property", f"{other!r} is not a property")


@function("ODBC_FETCH")
def fetch(scope: Scope, data: str) -> str:
    """ODBC_FETCH(result-id): the next row of a function with ``mode=multirow``."""
    calls = calls_of(scope)
    result = calls.results.get(data.strip())
    if result is None or not result.rows:
        calls.results.pop(data.strip(), None)
        set_status(scope, {"ODBC_FETCH_STATUS": "FAILURE"})
        return ""
    set_columns(scope, result.columns)
    set_status(scope, {"ODBC_FETCH_STATUS": "SUCCESS"})
    return result.rows.popleft()
