"""Every database that the configuration names, each with one pool that all share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from server.base.errors import Unavailable
from server.config.sections.databases import DatabaseFiles
from server.config.sections.extconfig import FamilySource
from server.config.sections.res_odbc import OdbcClass
from server.store.sql.settings import DatabaseSettings

if TYPE_CHECKING:
    from server.store.sql.database import Database

DRIVER_CONNECTIONS = 8  # of the drivers whose files have no max_connections
DEFAULT_SECTION = "general"  # of res_config_mysql.conf


class Databases:
    """Pools by name; one is opened when it is first needed.

    :param pooled: see :class:`~server.store.sql.database.Database`.
    """

    def __init__(self, files: DatabaseFiles, *, pooled: bool = True) -> None:
        self._files = files
        self._pooled = pooled
        self._pools: dict[DatabaseSettings, Database] = {}
        os.environ.update(files.odbc.environment)

    @property
    def classes(self) -> Mapping[str, OdbcClass]:
        """The sections of res_odbc.conf."""
        return self._files.odbc.classes

    async def start(self) -> list[str]:
        """Connect where ``pre-connect`` says so; return what failed, which is tried again later."""
        failures: list[str] = []
        for name, each in self.classes.items():
            if each.pre_connect:
                try:
                    await self.odbc(name).connect()
                except Unavailable as error:
                    failures.append(str(error))
        return failures

    async def configure(self, files: DatabaseFiles) -> None:
        """Take (new) settings; pools whose settings did not change stay open."""
        self._files = files
        os.environ.update(files.odbc.environment)
        kept = {odbc_settings(each) for each in self.classes.values()}
        kept |= {
            settings
            for sources in files.extconfig.families.values()
            for source in sources
            if (settings := self._settings(source)) is not None
        }
        for settings in [each for each in self._pools if each not in kept]:
            await self._pools.pop(settings).close()

    async def close(self) -> None:
        """Close every pool."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.close()

    def odbc(self, name: str) -> Database:
        """Return a database by its section in res_odbc.conf.

        :raises Unavailable: there is no such section, or it is not enabled.
        """
        found = self.classes.get(name)
        if found is None:
            raise Unavailable(f"res_odbc.conf has no section [{name}] that is enabled")
        return self._pool(odbc_settings(found))

    def of(self, source: FamilySource) -> Database:
        """Return the database that a line of extconfig.conf means.

        :raises Unavailable: the driver's own file does not know it.
        """
        settings = self._settings(source)
        if settings is None:
            raise Unavailable(
                f"extconfig.conf: {_DRIVER_FILES[source.driver]} does not know {source.database!r}"
            )
        return self._pool(settings)

    def active(self, name: str) -> int:
        """Return how many connections a section of res_odbc.conf has open."""
        pool = self._pools.get(odbc_settings(self.classes[name]))
        return 0 if pool is None else pool.active

    def last_error(self, name: str) -> str:
        """Return why a section of res_odbc.conf can't be used now, empty if it can."""
        pool = self._pools.get(odbc_settings(self.classes[name]))
        return "" if pool is None else pool.last_error

    def _pool(self, settings: DatabaseSettings) -> Database:
        found = self._pools.get(settings)
        if found is None:
            try:
                from server.store.sql.database import Database  # costs 0.2 s, and not all need it
            except ImportError as error:
                raise Unavailable(f"{settings.where}: {error}") from None
            found = self._pools[settings] = Database(settings, pooled=self._pooled)
        return found

    def _settings(self, source: FamilySource) -> DatabaseSettings | None:
        match source.driver:
            case "odbc":
                found = self.classes.get(source.database)
                return None if found is None else odbc_settings(found)
            case "pgsql":
                return self._pgsql(source.database)
            case "mysql":
                return self._mysql(source.database)
        return self._sqlite3(source.database)

    def _pgsql(self, database: str) -> DatabaseSettings | None:
        found = self._files.drivers.pgsql
        if found is None:
            return None
        query = f"?host={quote(found.dbsock, safe='')}" if found.dbsock and not found.dbhost else ""
        host = "" if query else f"{found.dbhost or 'localhost'}:{found.dbport}"
        name = quote(found.dbname or database, safe="")
        return _driver_settings(
            "res_pgsql.conf", f"postgresql://{host}/{name}{query}", found.dbuser, found.dbpass
        )

    def _mysql(self, section: str) -> DatabaseSettings | None:
        sections = self._files.drivers.mysql
        found = sections.get(section.partition("/")[0]) or sections.get(DEFAULT_SECTION)
        if found is None:
            return None
        query = f"?unix_socket={quote(found.dbsock, safe='')}" if found.dbsock else ""
        host = found.dbhost or "localhost"
        url = f"mysql://{host}:{found.dbport}/{quote(found.dbname, safe='')}{query}"
        return _driver_settings("res_config_mysql.conf", url, found.dbuser, found.dbpass)

    def _sqlite3(self, section: str) -> DatabaseSettings | None:
        found = self._files.drivers.sqlite3.get(section)
        if found is None or not found.dbfile:
            return None
        return DatabaseSettings(
            f"res_config_sqlite3.conf [{section}]",
            f"sqlite:///{quote(found.dbfile)}",
            max_connections=DRIVER_CONNECTIONS,
            connect_timeout=max(1.0, found.busy_timeout / 1000),
        )


_DRIVER_FILES = {
    "odbc": "res_odbc.conf",
    "pgsql": "res_pgsql.conf",
    "mysql": "res_config_mysql.conf",
    "sqlite3": "res_config_sqlite3.conf",
}


def odbc_settings(section: OdbcClass) -> DatabaseSettings:
    """Return how a section of res_odbc.conf is reached."""
    return DatabaseSettings(
        where=f"res_odbc.conf [{section.name}]",
        dsn=section.dsn,
        username=section.username,
        password=section.password,
        max_connections=section.max_connections,
        connect_timeout=float(section.connect_timeout),
        negative_cache=section.negative_connection_cache,
        sanity_sql=section.sanitysql,
        isolation=section.isolation,
        backslash_is_escape=section.backslash_is_escape,
        slow_query=section.slow_query_limit / 1000,
        logs=section.logging,
    )


def _driver_settings(where: str, url: str, username: str, password: str) -> DatabaseSettings:
    return DatabaseSettings(where, url, username, password, max_connections=DRIVER_CONNECTIONS)
