"""The functions of func_odbc.conf: SQL with the arguments of a call in it.

A statement is a text in which ``${ARG1}``, ``${VAL1}``, ``${VALUE}`` and everything that a dialplan
knows is substituted. What callers dial belongs into ``'${SQL_ESC(${ARG1})}'``: here SQL_ESC knows
which database the statement is for, and leaves nothing in it that could end the literal.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from server.base.errors import InvalidArgument, Unavailable
from server.config.sections.func_odbc import FuncOdbc, OdbcFunction
from server.dialplan.arguments import split_arguments
from server.dialplan.databases import databases_of, set_status
from server.dialplan.functions.hashes import set_columns
from server.dialplan.functions.realtime import escape_commas
from server.dialplan.odbc_calls import OdbcCalls, Result
from server.dialplan.registry import Function, Registry
from server.dialplan.variables import Template, compile_text
from server.store.sql.rows import Rows

if TYPE_CHECKING:
    from server.dialplan.scope import Scope

logger = logging.getLogger(__name__)

BACKSLASHES = "SQL_ESC_BACKSLASHES"


def install_functions(
    registry: Registry, settings: FuncOdbc, former: Iterable[str] = ()
) -> dict[str, SqlFunction]:
    """Give a registry the functions of func_odbc.conf; return them by name.

    :param former: names that were installed before and go.
    """
    for name in former:
        registry.functions.pop(name, None)
    installed: dict[str, SqlFunction] = {}
    for name, each in settings.functions.items():
        if name in registry.functions:
            logger.error("func_odbc.conf: [%s]: there is a function %s already", each.name, name)
            continue
        installed[name] = SqlFunction(each)
        registry.add_function(installed[name].as_function())
    return installed


class SqlFunction:
    """One function."""

    def __init__(self, settings: OdbcFunction) -> None:
        self.settings = settings
        self._read = compile_text(settings.readsql)
        self._write = compile_text(settings.writesql)
        self._insert = compile_text(settings.insertsql)

    def as_function(self) -> Function:
        """Return what the dialplan calls."""

        async def read(scope: Scope, data: str) -> str:
            return await self.read(scope, data)

        async def write(scope: Scope, data: str, value: str) -> None:
            await self.write(scope, data, value)

        settings = self.settings
        read.__doc__ = write.__doc__ = settings.synopsis or f"{settings.function_name}(): SQL"
        return Function(
            settings.function_name,
            read if settings.readsql else None,
            write if settings.writesql else None,
        )

    async def read(self, scope: Scope, data: str) -> str:
        """Run ``readsql``: the first row, or the id of a result for ODBC_FETCH().

        :raises InvalidArgument: there are too few arguments.
        :raises Unavailable: no database answered.
        """
        values = self._arguments(data)
        set_status(scope, {"ODBCROWS": "-1", "ODBCSTATUS": "FAILURE"})
        settings = self.settings
        is_multirow = settings.mode == "multirow"
        limit = settings.rowlimit if is_multirow else 1
        databases = settings.read_databases
        rows = await self._run(scope, databases, self._read, settings.readsql, values, limit)
        set_columns(scope, rows.columns)
        status = "SUCCESS" if rows.rows else "NODATA"
        set_status(scope, {"ODBCROWS": str(len(rows.rows)), "ODBCSTATUS": status})
        lines = deque(self._line(row) for row in rows.rows)
        if not lines:
            return ""
        if not is_multirow:
            return lines[0]
        calls = scope.dialplan.part(OdbcCalls).of(scope.channel)
        return calls.keep(Result(rows.columns, lines))

    async def write(self, scope: Scope, data: str, value: str) -> None:
        """Run ``writesql``, and ``insertsql`` if that reached no row.

        :raises InvalidArgument: there are too few arguments.
        :raises Unavailable: no database answered.
        """
        values = self._arguments(data)
        values["VALUE"] = value
        values |= _numbered("VAL", split_arguments(value))
        set_status(scope, {"ODBCROWS": "-1", "ODBCSTATUS": "FAILURE"})
        settings, databases = self.settings, self.settings.write_databases
        rows = await self._run(scope, databases, self._write, settings.writesql, values)
        if rows.affected == 0 and settings.insertsql:
            rows = await self._run(scope, databases, self._insert, settings.insertsql, values)
        set_status(scope, {"ODBCROWS": str(rows.affected), "ODBCSTATUS": "SUCCESS"})

    def statement(self, scope: Scope, data: str, value: str | None) -> str:
        """Return what would be run, as ``odbc read`` and ``odbc write`` show it."""
        values = self._arguments(data)
        if value is None:
            return _evaluate(self._read, SqlScope(scope, values, escapes_backslashes=False))
        values["VALUE"] = value
        values |= _numbered("VAL", split_arguments(value))
        return _evaluate(self._write, SqlScope(scope, values, escapes_backslashes=False))

    def _arguments(self, data: str) -> dict[str, str]:
        arguments = split_arguments(data)
        wanted = self.settings.minargs
        if len(arguments) < wanted:
            name = self.settings.function_name
            raise InvalidArgument(name, f"expected at least {wanted} arguments")
        return _numbered("ARG", arguments)

    async def _run(
        self,
        scope: Scope,
        names: Sequence[str],
        template: Template | str,
        source: str,
        values: Mapping[str, str],
        limit: int = 0,
    ) -> Rows:
        """Run a statement in the first database that takes it."""
        failures: list[str] = []
        for name in names:
            try:
                return await _run_in(scope, name, template, source, values, limit)
            except Unavailable as error:
                failures.append(str(error))
        raise Unavailable("; ".join(failures))

    def _line(self, row: Sequence[str | None]) -> str:
        texts = [value or "" for value in row]
        return ",".join(map(escape_commas, texts) if self.settings.escapecommas else texts)


async def _run_in(
    scope: Scope,
    name: str,
    template: Template | str,
    source: str,
    values: Mapping[str, str],
    limit: int,
) -> Rows:
    database = databases_of(scope).odbc(name)
    escapes = BACKSLASHES not in source and await database.needs_backslashes()
    sql = _evaluate(template, SqlScope(scope, values, escapes_backslashes=escapes))
    calls = scope.dialplan.part(OdbcCalls).find(scope.channel) if scope.has_channel else None
    transaction = None if calls is None else calls.of(name)
    if transaction is not None:
        return await database.run_in(transaction.connection, sql, limit=limit)
    return await database.run(sql, limit=limit)


def _evaluate(template: Template | str, scope: SqlScope) -> str:
    return template if isinstance(template, str) else template.evaluate(scope)


def _numbered(prefix: str, values: Sequence[str]) -> dict[str, str]:
    return {f"{prefix}{number}": value for number, value in enumerate(values, 1)}


class SqlScope:
    """The names of a call, and those of a statement.

    :param escapes_backslashes: let SQL_ESC() double backslashes too: the statement's author did
        not, and the database would take one for the start of an escape.
    """

    def __init__(
        self, scope: Scope, values: Mapping[str, str], *, escapes_backslashes: bool
    ) -> None:
        self._scope = scope
        self._values = values
        self._escapes_backslashes = escapes_backslashes

    def get(self, name: str) -> str | None:
        """Return an argument, else a variable of the call."""
        found = self._values.get(name)
        if found is None and name[:3] in ("ARG", "VAL") and name[3:].isdecimal():
            return None  # not what a subroutine was called with
        return self._scope.get(name) if found is None else found

    def read_function(self, name: str, arguments: str) -> str:
        """Return what a function reads."""
        if name == "SQL_ESC" and self._escapes_backslashes:
            arguments = arguments.replace("\\", "\\\\")
        return self._scope.read_function(name, arguments)

    def call_function(self, name: str, arguments: str) -> str | None:
        """Read a function from inside an expression."""
        return self._scope.call_function(name, arguments)

    def report(self, message: str) -> None:
        """Log something wrong with the statement."""
        self._scope.report(message)
