"""One database: a bounded pool of connections, and errors that say whose fault it is.

Nothing here waits without an end: for a free connection and for the server to answer as long as
``connect_timeout`` says, for a query :data:`QUERY_TIMEOUT`. A call that meets a dead database gets
:class:`Unavailable`; others go on meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError, NoSuchTableError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from server.base.errors import Unavailable
from server.store.sql.engine import QUERY_TIMEOUT, make_engine
from server.store.sql.rows import Criterion, Rows
from server.store.sql.settings import DatabaseSettings
from server.store.sql.statements import (
    ColumnTypes,
    as_text,
    delete_statement,
    insert_statement,
    select_statement,
    update_statement,
)

logger = logging.getLogger(__name__)

MAX_ROWS = 200_000  # of one answer; more are left out and reported
ROWS_PER_TURN = 500  # that are converted before others get their turn
MAX_TABLES = 1_000  # whose columns are remembered
CLOSE_TIMEOUT = 5.0  # seconds for the good-byes of all connections
COUNTED = {"preserve_rowcount": True}
PLAIN = {**COUNTED, "no_parameters": True}  # "%" in a statement means itself


class Database:
    """A pool, opened when it is first used.

    :param pooled: keep connections; without, each use makes its own.
    """

    def __init__(self, settings: DatabaseSettings, *, pooled: bool = True) -> None:
        self.settings = settings
        self.last_error = ""
        self._pooled = pooled
        self._engine: AsyncEngine | None = None
        self._executor = ThreadPoolExecutor(
            settings.max_connections, thread_name_prefix=f"odbc-{settings.where[:30]}"
        )
        self._failed_until = 0.0
        self._columns: dict[str, ColumnTypes] = {}

    @property
    def active(self) -> int:
        """How many connections are open now."""
        pool: Any = None if self._engine is None else self._engine.pool
        if pool is None or not hasattr(pool, "checkedin"):
            return 0
        return int(pool.checkedin() + pool.checkedout())

    async def needs_backslashes(self) -> bool:
        r"""Tell whether ``\`` inside of a literal has to be doubled: in MySQL and MariaDB.

        :raises Unavailable: only the server could say, and it can't be reached.
        """
        if not self.settings.backslash_is_escape:
            return False
        if self._engine is None:
            await self.connect()
        assert self._engine is not None
        dialect: Any = self._engine.dialect
        if dialect.name == "odbc" and not dialect.dbms:
            await self.connect()
        dbms = str(getattr(dialect, "dbms", "")).lower()
        return dialect.name == "mysql" or "mysql" in dbms or "maria" in dbms

    async def close(self) -> None:
        """Close every connection. May be called again."""
        engine, self._engine = self._engine, None
        if engine is not None:
            with contextlib.suppress(TimeoutError, SQLAlchemyError, OSError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await engine.dispose()
        self._executor.shutdown(wait=False)

    async def connect(self) -> None:
        """Make sure that a connection can be had.

        :raises Unavailable: it can't.
        """
        async with self.use():
            pass

    # whole tables, by name

    async def select(
        self,
        table: str,
        criteria: Sequence[Criterion],
        *,
        order: Sequence[str] = (),
        limit: int = 0,
    ) -> Rows:
        """Return the rows that meet all criteria.

        :param order: columns; a minus sign before one turns it round.
        :raises Unavailable: the database can't be asked, or refuses.
        """
        async with self.use() as connection:
            types = await self._types(connection, table)
            return await self._fetch(
                connection, select_statement(table, criteria, types, order, limit)
            )

    async def insert(self, table: str, values: Mapping[str, str]) -> Rows:
        """Add a row.

        :raises Unavailable: the database can't be asked, or refuses.
        """
        async with self.use() as connection:
            types = await self._types(connection, table)
            return await self._fetch(connection, insert_statement(table, values, types))

    async def update(
        self, table: str, criteria: Sequence[Criterion], values: Mapping[str, str]
    ) -> int:
        """Change the rows that meet all criteria; return how many.

        :raises Unavailable: the database can't be asked, or refuses.
        """
        async with self.use() as connection:
            types = await self._types(connection, table)
            statement = update_statement(table, criteria, values, types)
            return (await self._fetch(connection, statement)).affected

    async def delete(self, table: str, criteria: Sequence[Criterion]) -> int:
        """Delete the rows that meet all criteria; return how many.

        :raises Unavailable: the database can't be asked, or refuses.
        """
        async with self.use() as connection:
            types = await self._types(connection, table)
            return (
                await self._fetch(connection, delete_statement(table, criteria, types))
            ).affected

    # statements as somebody wrote them

    async def run(self, sql: str, *, limit: int = 0) -> Rows:
        """Run a statement as it is, and keep what it changes.

        :param limit: rows that are fetched; 0 for all.
        :raises Unavailable: the database can't be asked, or refuses.
        """
        async with self.use() as connection:
            return await self.run_in(connection, sql, limit=limit)

    async def run_in(self, connection: AsyncConnection, sql: str, *, limit: int = 0) -> Rows:
        """Run a statement on a connection of :meth:`use`, or of a transaction."""
        started = time.monotonic()
        async with self.guard("query"), asyncio.timeout(QUERY_TIMEOUT):
            result = await connection.exec_driver_sql(sql, execution_options=PLAIN)
            rows = await self._read(result, limit)
        self._note(sql, time.monotonic() - started)
        return rows

    async def open(self) -> AsyncConnection:
        """Return a connection for a transaction, which its first statement begins.

        The caller closes it.

        :raises Unavailable: there is none to be had.
        """
        return await self._connect()

    async def isolate(self, connection: AsyncConnection, isolation: str) -> None:
        """Choose how a transaction that has not begun is kept apart from others.

        :raises Unavailable: it has begun, or the database does not know this.
        """
        level: Any = isolation.replace("_", " ").upper()
        async with self.guard("isolation"):
            await connection.execution_options(isolation_level=level)

    @asynccontextmanager
    async def use(self) -> AsyncIterator[AsyncConnection]:
        """Have a connection; what was done on it is committed at the end, or rolled back.

        :raises Unavailable: there is none to be had, or the database refuses.
        """
        connection = await self._connect()
        try:
            yield connection
            async with self.guard("commit"), asyncio.timeout(QUERY_TIMEOUT):
                await connection.commit()
        finally:
            async with self.guard("close"):
                await connection.close()

    async def run_sync(self, function: Callable[..., Any]) -> Any:
        """Run a function of SQLAlchemy's other interface on a connection."""
        async with self.use() as connection, self.guard("query"):
            return await connection.run_sync(function)

    @asynccontextmanager
    async def guard(self, action: str) -> AsyncIterator[None]:
        """Turn what databases raise into one error with a name and a reason."""
        try:
            yield
        except TimeoutError:
            reason = f"{action}: no answer in time"
        except DBAPIError as error:
            reason = f"{action}: {_first_line(error.orig)}"
            self._columns.clear()  # a table may have been changed
        except NoSuchTableError as error:
            reason = f"{action}: no such table: {error}"
        except SQLAlchemyError as error:
            reason = f"{action}: {_first_line(error)}"
            self._columns.clear()
        except (OSError, ValueError, LookupError, NotImplementedError) as error:
            reason = f"{action}: {_first_line(error)}"
        else:
            return
        self.last_error = reason
        raise Unavailable(f"{self.settings.where}: {reason}")

    # private

    async def _connect(self) -> AsyncConnection:
        if time.monotonic() < self._failed_until:
            raise Unavailable(f"{self.settings.where}: {self.last_error}")
        if self._engine is None:
            self._engine = make_engine(self.settings, self._executor, pooled=self._pooled)
        try:
            async with self.guard("connect"), asyncio.timeout(self.settings.connect_timeout + 1):
                connection = await self._engine.connect()
                if self.settings.sanity_sql:
                    connection = await self._checked(connection)
        except Unavailable:
            self._failed_until = time.monotonic() + self.settings.negative_cache
            raise
        self.last_error = ""
        return connection

    async def _checked(self, connection: AsyncConnection) -> AsyncConnection:
        """Try ``sanitysql``; a connection that fails it is replaced once."""
        assert self._engine is not None
        for is_last in (False, True):
            try:
                await connection.exec_driver_sql(self.settings.sanity_sql, execution_options=PLAIN)
            except BaseException as error:
                await connection.invalidate()
                await connection.close()
                if is_last or not isinstance(error, SQLAlchemyError):
                    raise
                connection = await self._engine.connect()
            else:
                break
        return connection

    async def _fetch(self, connection: AsyncConnection, statement: Any) -> Rows:
        started = time.monotonic()
        async with self.guard("query"), asyncio.timeout(QUERY_TIMEOUT):
            result = await connection.execute(statement, execution_options=COUNTED)
            rows = await self._read(result, 0)
        self._note(str(statement), time.monotonic() - started)
        return rows

    async def _read(self, result: Any, limit: int) -> Rows:
        if not result.returns_rows:
            last_id = getattr(result, "lastrowid", None) if result.rowcount == 1 else None
            return Rows(affected=result.rowcount, last_id=str(last_id) if last_id else None)
        found = result.fetchmany(limit or MAX_ROWS + 1)
        if len(found) > MAX_ROWS:
            logger.warning("%s: more than %d rows", self.settings.where, MAX_ROWS)
            found = found[:MAX_ROWS]
        rows: list[tuple[str | None, ...]] = []
        for row in found:
            rows.append(tuple(as_text(value) for value in row))
            if len(rows) % ROWS_PER_TURN == 0:
                await asyncio.sleep(0)
        return Rows(list(result.keys()), rows, len(rows))

    async def _types(self, connection: AsyncConnection, table: str) -> ColumnTypes:
        """Return the types of a table's columns; a driver may insist on them."""
        types = self._columns.get(table)
        if types is None:
            async with self.guard("query"), asyncio.timeout(QUERY_TIMEOUT):
                types = await connection.run_sync(_column_types, table)
            if len(self._columns) >= MAX_TABLES:
                self._columns.clear()
            self._columns[table] = types
        return types

    def _note(self, sql: str, seconds: float) -> None:
        if self.settings.logs:
            logger.debug("%s: %.3f s: %s", self.settings.where, seconds, sql)
        if 0 < self.settings.slow_query <= seconds:
            logger.warning("%s: a query took %.3f s: %s", self.settings.where, seconds, sql[:200])


def _column_types(connection: Any, table: str) -> ColumnTypes:
    if connection.dialect.name == "odbc":
        quoted = connection.dialect.identifier_preparer.quote(table)
        cursor = connection.exec_driver_sql(f"SELECT * FROM {quoted} WHERE 1 = 0").cursor
        return {name: kind for name, kind, *_rest in cursor.description}
    columns = inspect(connection).get_columns(table)
    return {str(column["name"]): _python_type(column["type"]) for column in columns}


def _python_type(column_type: Any) -> type:
    try:
        found: type = column_type.python_type
    except NotImplementedError:
        return str
    return found


def _first_line(error: object) -> str:
    """Return the sentence in what a driver raised, which may come after a number."""
    words = [word for word in getattr(error, "args", ()) if isinstance(word, str)]
    text = words[-1] if words else str(error)
    return text.strip().partition("\n")[0][:300] or type(error).__name__
