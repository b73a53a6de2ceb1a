"""Families of keys with values (Asterisk's AstDB), kept in SQLite.

Everything is held in memory and read from there at once; changes are written behind by one thread,
those of a moment in one transaction. The file has AstDB's own table, so that it can be read with
the usual tools: ``astdb(key, value)``, where a key is ``/family/key``.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from server.base.errors import InvalidArgument, ServerError, Unavailable

logger = logging.getLogger(__name__)

MAX_KEY_LENGTH = 255  # characters of /family/key, as AstDB
MAX_VALUE_LENGTH = 65_536  # characters
MAX_ENTRIES = 1_000_000  # bounds memory
GATHER_DELAY = 0.25  # seconds in which changes gather for one transaction; a crash loses them
BUSY_TIMEOUT = 5.0  # seconds to wait for another process that has the file


class KeyValueStore:
    """The store. Every method is called on the event loop; reading never waits.

    :param path: the database file; its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, str] = {}
        self._pending: dict[str, str | None] = {}  # None: delete. Never more than there are keys
        self._writing: asyncio.Future[None] | None = None
        self._gathering: asyncio.TimerHandle | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="astdb")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open or create the file and read it.

        :raises Unavailable: it can't be opened, or is no database.
        """
        loop = asyncio.get_running_loop()
        try:
            self._values = await loop.run_in_executor(self._executor, self._load)
        except sqlite3.Error as error:
            self._executor.shutdown()
            raise Unavailable(f"{self._path}: {error}") from error

    async def close(self) -> None:
        """Write what is left, and close. May be called again."""
        await self.flush()
        if self._connection is not None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._executor, self._connection.close)
            self._connection = None
        self._executor.shutdown()

    async def flush(self) -> None:
        """Wait until everything put so far is in the file, or was reported as failed."""
        while self._writing is not None:
            if self._gathering is not None:
                self._gathering.cancel()
                self._start_writing()
            await asyncio.shield(self._writing)

    def get(self, family: str, key: str) -> str | None:
        """Return a value, ``None`` if there is none."""
        return self._values.get(_full_key(family, key))

    def put(self, family: str, key: str, value: str) -> None:
        """Set a value.

        :raises InvalidArgument: the key or the value is empty of meaning or too long.
        :raises Unavailable: the store is full.
        """
        full = _full_key(family, key)
        if not key or len(full) > MAX_KEY_LENGTH or "\0" in full:
            raise InvalidArgument("key", f"expected 1 to {MAX_KEY_LENGTH} characters with family")
        if len(value) > MAX_VALUE_LENGTH:
            raise InvalidArgument("value", f"expected at most {MAX_VALUE_LENGTH} characters")
        if len(self._values) >= MAX_ENTRIES and full not in self._values:
            raise Unavailable("the key-value store is full")
        self._values[full] = value
        self._change(full, value)

    def delete(self, family: str, key: str) -> bool:
        """Delete a key.

        :returns: ``True`` if it was there.
        """
        full = _full_key(family, key)
        if self._values.pop(full, None) is None:
            return False
        self._change(full, None)
        return True

    def delete_tree(self, family: str) -> int:
        """Delete a family and the families below it; an empty name means everything.

        :returns: how many keys went.
        """
        doomed = [f"/{family}/{key}" if family else key for key, _ in self.items(family)]
        for full in doomed:
            del self._values[full]
            self._change(full, None)
        return len(doomed)

    def items(self, family: str = "") -> list[tuple[str, str]]:
        """List the (key, value) pairs of a family in order; keys of families below have slashes.

        An empty family lists everything, under keys of the form ``/family/key``.
        """
        if not family:
            return sorted(self._values.items())
        prefix = f"/{family}/"
        return sorted(
            (full[len(prefix) :], value)
            for full, value in self._values.items()
            if full.startswith(prefix)
        )

    def _change(self, full: str, value: str | None) -> None:
        self._pending[full] = value
        if self._writing is None:
            self._gather()

    def _gather(self) -> None:
        loop = asyncio.get_running_loop()
        self._writing = loop.create_future()
        self._gathering = loop.call_later(GATHER_DELAY, self._start_writing)

    def _start_writing(self) -> None:
        self._gathering = None
        changes, self._pending = self._pending, {}
        loop = asyncio.get_running_loop()
        job = loop.run_in_executor(self._executor, self._write, list(changes.items()))
        job.add_done_callback(self._on_written)

    def _on_written(self, job: asyncio.Future[None]) -> None:
        if (error := job.exception()) is not None:
            logger.error("%s: changes are lost: %s", self._path, error)
        writing, self._writing = self._writing, None
        if self._pending:
            self._gather()
        if writing is not None:
            writing.set_result(None)

    # In the store's thread

    def _load(self) -> dict[str, str]:
        connection = sqlite3.connect(
            self._path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS astdb"
                " (key VARCHAR(256), value VARCHAR(256), PRIMARY KEY(key))"
            )
            values = dict(connection.execute("SELECT key, value FROM astdb"))
        except sqlite3.Error:
            connection.close()
            raise
        self._connection = connection
        return values

    def _write(self, changes: Iterable[tuple[str, str | None]]) -> None:
        if self._connection is None:
            raise ServerError("the store is closed")
        with _transaction(self._connection) as execute:
            for full, value in changes:
                if value is None:
                    execute("DELETE FROM astdb WHERE key = ?", (full,))
                else:
                    execute("REPLACE INTO astdb (key, value) VALUES (?, ?)", (full, value))


class _transaction:  # noqa: N801 - reads as a keyword
    """BEGIN … COMMIT, or ROLLBACK when something fails."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> Callable[..., sqlite3.Cursor]:
        self._connection.execute("BEGIN IMMEDIATE")
        return self._connection.execute

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._connection.execute("COMMIT" if kind is None else "ROLLBACK")


def _full_key(family: str, key: str) -> str:
    return f"/{family}/{key}"
