"""``arion db upgrade`` and ``arion db check``: the tables of a database."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

from server.cli.tables import plural
from server.store.sql.database import Database
from server.store.sql.schema import find_missing, upgrade
from server.store.sql.settings import DatabaseSettings

DRIVER_THREAD = "_connection_worker_thread"  # aiosqlite's
DRIVER_TIMEOUT = 1.0  # seconds
USAGE = """\
Usage: arion db upgrade URL
       arion db check URL

URL is one of postgresql://, mysql:// or sqlite://, with user and password:
postgresql://user:password@host/database, sqlite:////absolute/path."""


class DbUsageError(Exception):
    """The command line is wrong."""


def run_db_command(words: Sequence[str]) -> tuple[int, list[str]]:
    """Run what follows ``arion db``.

    :return: the exit code (1 if something is missing) and the output.
    :raises DbUsageError: the words make no sense.
    :raises Unavailable: the database can't be reached, or refuses.
    """
    match words:
        case ["upgrade", url] if "://" in url:
            asyncio.run(_run(url, upgrade))
            return 0, ["The tables are up to date."]
        case ["check", url] if "://" in url:
            missing: list[str] = asyncio.run(_run(url, find_missing))
            lines = [f"missing: {each}" for each in missing]
            return int(bool(missing)), [*lines, f"{plural(len(missing), 'thing')} missing"]
    raise DbUsageError(USAGE)


async def _run(url: str, function: Callable[[Any], Any]) -> Any:
    database = Database(DatabaseSettings("arion db", url), pooled=False)
    try:
        return await database.run_sync(function)
    finally:
        await database.close()
        await _wait_for_drivers()


async def _wait_for_drivers() -> None:
    """Let the threads of SQLite's driver end: after a failure they still answer to the loop."""
    for thread in threading.enumerate():
        if DRIVER_THREAD in thread.name:
            await asyncio.to_thread(thread.join, DRIVER_TIMEOUT)
