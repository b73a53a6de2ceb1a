"""Journals of events on disk, in SQLite, written behind by one thread.

Records of a moment are gathered and written as one row per journal: its messages, one a line (JSON
has no line breaks of its own). So the cost does not depend on how many events there are, and no
caller ever waits. A crash loses the last moment; the store knows on opening whether it was closed
before, and numbers that may have been given in that moment are not given again.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from server.base.errors import ServerError, Unavailable

logger = logging.getLogger(__name__)

GATHER_DELAY = 0.25  # seconds in which records gather for one transaction; a crash loses them
BUSY_TIMEOUT = 5.0  # seconds to wait for another process that has the file
RESERVE = 2**32  # numbers that a crash may skip: more than are given between two writes
MAX_PENDING = 134_217_728  # bytes that wait for a slow disk; beyond, a restart forgets the journal

Entry = tuple[int, float, bytes]  # number, seconds since the Unix epoch, message


@dataclass(slots=True)
class StoredLog:
    """A journal as it was found on opening.

    :param floor: everything after this number is there, as far as it was written.
    :param about: what its owner said about it.
    """

    key: str
    floor: int
    about: bytes
    records: list[Entry]


@dataclass(slots=True)
class _Change:
    """What is to be written about one journal."""

    is_reset: bool = False  # delete what there is first
    is_dropped: bool = False
    about: bytes | None = None
    floor: int | None = None
    records: list[Entry] = field(default_factory=list)


class EventLog:
    """The store. Every method is called on the event loop; none but the coroutines wait.

    :param path: the database file; its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self.last_number = 0  # as of opening
        self.was_closed = True  # whether the former run ended in order
        self._path = path
        self._stored: list[StoredLog] = []
        self._changes: dict[str, _Change] = {}
        self._pending_bytes = 0
        self._newest = 0  # the highest number that was appended
        self._reserved = 0
        self._has_failed = False
        self._writing: asyncio.Future[None] | None = None
        self._gathering: asyncio.TimerHandle | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="event-log")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open or create the file and read it.

        :raises Unavailable: it can't be opened, or is no database.
        """
        loop = asyncio.get_running_loop()
        try:
            self._stored = await loop.run_in_executor(self._executor, self._load)
        except (sqlite3.Error, ValueError) as error:
            self._executor.shutdown()
            raise Unavailable(f"{self._path}: {error}") from error

    async def close(self, last_number: int | None = None) -> None:
        """Write what is left, and close. May be called again.

        :param last_number: the number that was given last, to note that nothing is missing;
            ``None`` if that can't be said.
        """
        await self.flush()
        if self._connection is not None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._executor, self._finish, last_number)
            self._connection = None
        self._executor.shutdown()

    async def flush(self) -> None:
        """Wait until everything so far is in the file, or was reported as failed."""
        while self._writing is not None:
            if self._gathering is not None:
                self._gathering.cancel()
                self._start_writing()
            await asyncio.shield(self._writing)

    def take_stored(self) -> Sequence[StoredLog]:
        """Return the journals found on opening; once."""
        stored, self._stored = self._stored, []
        return stored

    def keep(self, key: str, floor: int, about: bytes) -> None:
        """Begin a journal, or say something new about it; this is written without delay."""
        change = self._change(key)
        change.is_dropped = False
        change.about, change.floor = about, floor
        if self._gathering is not None:
            self._gathering.cancel()
            self._start_writing()

    def append(self, key: str, number: int, at: float, message: bytes) -> None:
        """Add a record; numbers rise."""
        change = self._change(key)
        change.records.append((number, at, message))
        self._newest = number
        self._pending_bytes += len(message)
        if self._pending_bytes > MAX_PENDING:
            self._give_up_pending(number)

    def trim(self, key: str, floor: int) -> None:
        """Give up the records up to *floor*."""
        self._change(key).floor = floor

    def drop(self, key: str) -> None:
        """Give up a journal."""
        change = self._change(key)
        self._pending_bytes -= sum(len(record[2]) for record in change.records)
        self._changes[key] = _Change(is_reset=True, is_dropped=True)

    # private

    def _change(self, key: str) -> _Change:
        change = self._changes.get(key)
        if change is None:
            change = self._changes[key] = _Change()
            if self._writing is None:
                loop = asyncio.get_running_loop()
                self._writing = loop.create_future()
                self._gathering = loop.call_later(GATHER_DELAY, self._start_writing)
        return change

    def _give_up_pending(self, number: int) -> None:
        logger.error("%s: the disk is too slow; events until now are kept in memory", self._path)
        for change in self._changes.values():
            if change.records:
                change.records.clear()
                change.is_reset, change.floor = True, number
        self._pending_bytes = 0

    def _start_writing(self) -> None:
        self._gathering = None
        changes, self._changes = self._changes, {}
        self._pending_bytes = 0
        loop = asyncio.get_running_loop()
        job = loop.run_in_executor(self._executor, self._write, changes, self._newest)
        job.add_done_callback(self._on_written)

    def _on_written(self, job: asyncio.Future[None]) -> None:
        if (error := job.exception()) is not None:
            self._has_failed = True  # there is a hole now: the next start has to know
            logger.error("%s: events are lost for the next start: %s", self._path, error)
        if self._changes:
            self._start_writing()
            return
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.set_result(None)

    # In the store's thread

    def _load(self) -> list[StoredLog]:
        connection = sqlite3.connect(
            self._path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            for statement in _SCHEMA:
                connection.execute(statement)
            meta = dict(connection.execute("SELECT name, value FROM meta"))
            self.was_closed = bool(meta.get("closed", 1))
            self.last_number = self._newest = meta.get("number", 0)
            stored = [
                StoredLog(key, floor, about, _read_records(connection, key, floor))
                for key, floor, about in connection.execute("SELECT key, floor, about FROM logs")
            ]
            self._reserve(connection, self.last_number)
        except (sqlite3.Error, ValueError):
            connection.close()
            raise
        self._connection = connection
        return stored

    def _reserve(self, connection: sqlite3.Connection, number: int) -> None:
        self._reserved = number + RESERVE
        connection.execute(_SET_META, ("number", self._reserved))
        connection.execute(_SET_META, ("closed", 0))

    def _write(self, changes: dict[str, _Change], newest: int) -> None:
        connection = self._connection
        if connection is None:
            raise ServerError("the event log is closed")
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for key, change in changes.items():
                _write_change(connection, key, change)
            if newest > self._reserved - RESERVE // 2:
                self._reserve(connection, newest)

    def _finish(self, last_number: int | None) -> None:
        connection = self._connection
        assert connection is not None
        if last_number is not None and not self._has_failed:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(_SET_META, ("number", last_number))
                connection.execute(_SET_META, ("closed", 1))
        connection.close()


_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER)",
    "CREATE TABLE IF NOT EXISTS logs (key TEXT PRIMARY KEY, floor INTEGER, about BLOB)",
    """CREATE TABLE IF NOT EXISTS chunks
    (key TEXT, last INTEGER, records BLOB, PRIMARY KEY (key, last)) WITHOUT ROWID""",
)
_SET_META = "REPLACE INTO meta (name, value) VALUES (?, ?)"


def _write_change(connection: sqlite3.Connection, key: str, change: _Change) -> None:
    if change.is_reset:
        connection.execute("DELETE FROM chunks WHERE key = ?", (key,))
    if change.is_dropped:
        connection.execute("DELETE FROM logs WHERE key = ?", (key,))
        return
    if change.about is not None:
        connection.execute(
            "REPLACE INTO logs (key, floor, about) VALUES (?, ?, ?)",
            (key, change.floor, change.about),
        )
    elif change.floor is not None:
        connection.execute("UPDATE logs SET floor = ? WHERE key = ?", (change.floor, key))
    if change.floor is not None:
        connection.execute("DELETE FROM chunks WHERE key = ? AND last <= ?", (key, change.floor))
    if change.records:
        lines = b"\n".join(b"%d %.3f %b" % record for record in change.records)
        last = change.records[-1][0]
        connection.execute("INSERT INTO chunks VALUES (?, ?, ?)", (key, last, lines))


def _read_records(connection: sqlite3.Connection, key: str, floor: int) -> list[Entry]:
    chunks = connection.execute("SELECT records FROM chunks WHERE key = ? ORDER BY last", (key,))
    records = []
    for (lines,) in chunks:
        for line in bytes(lines).split(b"\n"):
            number, at, message = line.split(b" ", 2)
            if int(number) > floor:
                records.append((int(number), float(at), message))
    return records
