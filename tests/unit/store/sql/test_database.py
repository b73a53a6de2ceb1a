"""A pool on SQLite, and on servers that are not there or do not answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.base.errors import Unavailable
from server.store.sql import database as module
from server.store.sql.database import Database
from server.store.sql.engine import database_url
from server.store.sql.settings import DatabaseSettings


@pytest.fixture
async def silent() -> AsyncIterator[str]:
    """A server that takes connections and never says a word; its URL."""
    held: list[asyncio.StreamWriter] = []

    async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(accept, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    yield f"postgresql://u:p@127.0.0.1:{port}/x"
    for writer in held:
        writer.close()
    server.close()


async def test_a_server_that_never_answers_delays_nobody_else(silent: str, tmp_path: Path) -> None:
    dead = Database(DatabaseSettings("[dead]", silent, connect_timeout=0.3, negative_cache=60))
    alive = Database(DatabaseSettings("[alive]", f"sqlite:///{tmp_path / 'x.db'}"))
    waiting = asyncio.gather(*(dead.run("SELECT 1") for _ in range(3)), return_exceptions=True)
    await asyncio.sleep(0)
    assert (await alive.run("SELECT 1")).rows == [("1",)]
    assert not waiting.done()
    failures = await waiting
    assert {type(each) for each in failures} == {Unavailable}
    assert any("[dead]: connect: no answer in time" in str(each) for each in failures)
    loop = asyncio.get_running_loop()
    before = loop.time()
    with pytest.raises(Unavailable, match=r"\[dead\]"):
        await dead.run("SELECT 1")
    assert loop.time() - before < 0.2  # the failure is remembered
    await dead.close()
    await alive.close()


async def test_a_server_that_is_not_there_is_named() -> None:
    database = Database(DatabaseSettings("[x]", "mysql://u:p@127.0.0.1:9/x", connect_timeout=2))
    with pytest.raises(Unavailable, match=r"^\[x\]: connect: .*127\.0\.0\.1"):
        await database.run("SELECT 1")
    assert database.last_error
    await database.close()


async def test_sanity_sql_is_asked_before_a_connection_is_used(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    good = Database(DatabaseSettings("[x]", url, sanity_sql="SELECT 1"))
    assert (await good.run("SELECT 2")).rows == [("2",)]
    await good.close()
    bad = Database(DatabaseSettings("[x]", url, sanity_sql="SELECT nonsense FROM nowhere"))
    with pytest.raises(Unavailable, match="nowhere"):
        await bad.run("SELECT 2")
    await bad.close()


async def test_a_slow_query_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = DatabaseSettings("[x]", f"sqlite:///{tmp_path / 'x.db'}", slow_query=1e-9)
    database = Database(settings)
    with caplog.at_level(logging.WARNING):
        await database.run("SELECT 1")
    assert "[x]: a query took" in caplog.text
    await database.close()


async def test_an_answer_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 2)
    database = Database(DatabaseSettings("[x]", f"sqlite:///{tmp_path / 'x.db'}"))
    found = await database.run("SELECT 1 UNION SELECT 2 UNION SELECT 3")
    assert found.rows == [("1",), ("2",)]
    assert (await database.run("SELECT 1 UNION SELECT 2", limit=1)).rows == [("1",)]
    await database.close()


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("postgresql://h/d", "postgresql+asyncpg://u:p%3B@h/d"),
        ("postgres://me:x@h/d", "postgresql+asyncpg://me:x@h/d"),
        ("mariadb://h:3307/d", "mysql+aiomysql://u:p%3B@h:3307/d"),
        ("sqlite:////a/b.db", "sqlite+aiosqlite:////a/b.db"),
    ],
)
def test_a_url_gets_its_driver_and_the_sections_user(dsn: str, expected: str) -> None:
    url = database_url(DatabaseSettings("[x]", dsn, "u", "p;"))
    assert url.render_as_string(hide_password=False) == expected


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("asterisk", "DSN=asterisk;UID=u;PWD={p;}}x}"),
        ("Driver=X;Server=y;", "Driver=X;Server=y;UID=u;PWD={p;}}x}"),
    ],
)
def test_a_data_source_of_odbc_gets_them_quoted(dsn: str, expected: str) -> None:
    url = database_url(DatabaseSettings("[x]", dsn, "u", "p;}x"))
    assert url.query["odbc_connect"] == expected


async def test_a_url_of_another_database_is_refused() -> None:
    database = Database(DatabaseSettings("[x]", "oracle://h/d"))
    with pytest.raises(Unavailable, match=r"\[x\]: expected a URL of mariadb, "):
        await database.connect()
    await database.close()
