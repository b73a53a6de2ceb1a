"""From settings to an engine of SQLAlchemy: which driver, and how it is told to be quick."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from server.base.errors import Unavailable
from server.store.sql.settings import DatabaseSettings

QUERY_TIMEOUT = 30.0  # seconds; Asterisk waits for ever
RECYCLE_AFTER = 3600  # seconds; servers and firewalls drop what idles for longer
DRIVERS = {
    "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg",
    "mysql": "mysql+aiomysql", "mariadb": "mysql+aiomysql", "sqlite": "sqlite+aiosqlite",
}  # fmt: skip


def make_engine(
    settings: DatabaseSettings, executor: ThreadPoolExecutor, *, pooled: bool = True
) -> AsyncEngine:
    """Return an engine, which connects when it is first used.

    :param executor: where ODBC's calls block.
    :raises Unavailable: the DSN can't be read, or its driver is not there.
    """
    try:
        url = database_url(settings)
        pool: dict[str, Any] = {"poolclass": NullPool}
        if pooled:
            pool = {
                "pool_size": settings.max_connections,
                "max_overflow": 0,
                "pool_timeout": settings.connect_timeout,
                "pool_recycle": RECYCLE_AFTER,
                "pool_pre_ping": not settings.sanity_sql,
                "pool_use_lifo": True,
            }
        return create_async_engine(
            url,
            connect_args=_connect_args(url, settings, executor),
            isolation_level=_isolation(url, settings.isolation),
            hide_parameters=True,
            **pool,
        )
    except (ArgumentError, ImportError, ValueError) as error:
        raise Unavailable(f"{settings.where}: {error}") from None


def database_url(settings: DatabaseSettings) -> URL:
    """Return the URL that SQLAlchemy wants.

    :raises Unavailable: it is of a database that nothing here talks to.
    """
    if "://" not in settings.dsn:
        from server.store.sql.odbc import odbc_url  # needs unixODBC, which others need not have

        return odbc_url(settings.dsn, settings.username, settings.password)
    url = make_url(settings.dsn)
    driver = DRIVERS.get(url.get_backend_name())
    if driver is None:
        known = ", ".join(sorted(DRIVERS))
        raise Unavailable(f"{settings.where}: expected a URL of {known}")
    url = url.set(drivername=driver)
    if url.get_backend_name() == "sqlite":
        return url
    if settings.username and not url.username:
        url = url.set(username=settings.username)
    if settings.password and not url.password:
        url = url.set(password=settings.password)
    return url


def _isolation(url: URL, wanted: str) -> str | None:
    """Return the isolation level in SQLAlchemy's words, ``None`` for the database's own."""
    is_chosen = wanted != "read_committed" and url.get_backend_name() in ("postgresql", "mysql")
    return wanted.replace("_", " ").upper() if is_chosen else None


def _connect_args(
    url: URL, settings: DatabaseSettings, executor: ThreadPoolExecutor
) -> dict[str, Any]:
    seconds = settings.connect_timeout
    match url.get_backend_name():
        case "postgresql":
            return {"timeout": seconds, "command_timeout": QUERY_TIMEOUT}
        case "mysql":
            return {"connect_timeout": seconds, "charset": "utf8mb4"}
        case "sqlite":
            return {"timeout": seconds}
    return {"timeout": round(seconds), "executor": executor}
