"""What calls have in databases: transactions, and answers of several rows that wait to be fetched.

All of it ends with the channel: what was not committed is rolled back, or committed if
``forcecommit`` says so.
"""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from server.base.errors import InvalidArgument, Unavailable
from server.resources.channel import Channel

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from server.dialplan.port import Dialplan
    from server.realtime.databases import Databases
    from server.store.sql.database import Database

logger = logging.getLogger(__name__)

MAX_TRANSACTIONS = 16  # of one call
MAX_RESULTS = 64  # of one call that wait to be fetched
ISOLATIONS = ("read_committed", "read_uncommitted", "repeatable_read", "serializable")


@dataclass(slots=True)
class Transaction:
    """One transaction, on a connection of its own."""

    name: str
    dsn: str
    database: Database
    connection: AsyncConnection
    force_commit: bool
    isolation: str

    async def finish(self, *, commits: bool) -> None:
        """Commit or roll back what was done so far; it may go on afterwards.

        :raises Unavailable: the database says no.
        """
        async with self.database.guard("commit" if commits else "rollback"):
            await (self.connection.commit() if commits else self.connection.rollback())


@dataclass(slots=True)
class Result:
    """Rows that ODBC_FETCH() takes one by one."""

    columns: Sequence[str]
    rows: deque[str]


@dataclass(slots=True)
class ChannelOdbc:
    """What one channel has."""

    transactions: dict[str, Transaction] = field(default_factory=dict)
    active: str = ""
    results: dict[str, Result] = field(default_factory=dict)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def keep(self, result: Result) -> str:
        """Keep an answer, and return the id that it is fetched by.

        :raises Unavailable: too many wait already.
        """
        if len(self.results) >= MAX_RESULTS:
            raise Unavailable(f"{MAX_RESULTS} results of this call wait to be fetched")
        result_id = str(next(self._ids))
        self.results[result_id] = result
        return result_id

    def find(self, name: str) -> Transaction:
        """Return a transaction, the active one if none is named.

        :raises InvalidArgument: there is none.
        """
        found = self.transactions.get(name or self.active)
        if found is None:
            raise InvalidArgument("transaction", f"there is no transaction {name or self.active!r}")
        return found

    def of(self, dsn: str) -> Transaction | None:
        """Return the transaction that statements for a database belong to."""
        active = self.transactions.get(self.active)
        if active is not None and active.dsn == dsn:
            return active
        return next((each for each in self.transactions.values() if each.dsn == dsn), None)

    async def begin(self, databases: Databases, name: str, dsn: str) -> None:
        """Open a transaction and make it the active one.

        :raises Unavailable: there are too many, or the database can't be reached.
        """
        if len(self.transactions) >= MAX_TRANSACTIONS:
            raise Unavailable(f"a call has at most {MAX_TRANSACTIONS} transactions")
        database = databases.odbc(dsn)
        settings = databases.classes[dsn]
        connection = await database.open()
        self.transactions[name] = Transaction(
            name, dsn, database, connection, settings.forcecommit, settings.isolation
        )
        self.active = name

    async def close(self) -> None:
        """End every transaction, and forget what waits."""
        self.results.clear()
        transactions, self.transactions = self.transactions, {}
        for each in transactions.values():
            try:
                await each.finish(commits=each.force_commit)
            except Unavailable as error:
                logger.warning("transaction %s: %s", each.name, error)
            finally:
                await each.connection.close()


class OdbcCalls:
    """What all channels have."""

    def __init__(self, dialplan: Dialplan) -> None:
        self._scope = dialplan.node.scope
        self._calls: WeakKeyDictionary[Channel, ChannelOdbc] = WeakKeyDictionary()

    def find(self, channel: Channel) -> ChannelOdbc | None:
        """Return what a channel has, ``None`` if it never had anything."""
        return self._calls.get(channel)

    def of(self, channel: Channel) -> ChannelOdbc:
        """Return what a channel has."""
        found = self._calls.get(channel)
        if found is None:
            found = self._calls[channel] = ChannelOdbc()
            channel.on_destroy.append(lambda: self._end(found, channel.name))
        return found

    def _end(self, calls: ChannelOdbc, name: str) -> None:
        if calls.transactions:
            self._scope.spawn(calls.close(), f"{name} databases")
        calls.results.clear()
