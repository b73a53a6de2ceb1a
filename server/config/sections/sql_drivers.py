"""Where extconfig.conf's drivers but ODBC find their databases.

``res_pgsql.conf``, ``res_config_mysql.conf`` and ``res_config_sqlite3.conf``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from server.config.binder import bind, setting
from server.config.objects import ConfigFile, ConfigWarning
from server.config.types import integer, text

_UNNAMED = "connections have no name"
_UNCHECKED = "tables are taken as they are; see arion db check"


@dataclass(frozen=True, slots=True)
class PgsqlSettings:
    """``[general]`` of res_pgsql.conf."""

    dbhost: str = setting(text, "", names=("dbhost", "hostname"))
    dbport: int = setting(integer(1, 65535), 5432, names=("dbport", "port"))
    dbname: str = setting(text, "")
    dbuser: str = setting(text, "asterisk", names=("dbuser", "user"))
    dbpass: str = setting(text, "", names=("dbpass", "password"))
    dbsock: str = setting(text, "", names=("dbsock", "socket"))
    dbappname: str = setting(text, "", names=("dbappname", "appname"), no_effect=_UNNAMED)
    requirements: str = setting(text, "warn", no_effect=_UNCHECKED)
    order_multi_row_results_by_initial_column: str = setting(
        text, "yes", no_effect="rows are sorted by who needs it"
    )


@dataclass(frozen=True, slots=True)
class MysqlSettings:
    """A section of res_config_mysql.conf."""

    dbhost: str = setting(text, "")
    dbname: str = setting(text, "asterisk")
    dbuser: str = setting(text, "asterisk")
    dbpass: str = setting(text, "")
    dbport: int = setting(integer(1, 65535), 3306)
    dbsock: str = setting(text, "")
    dbcharset: str = setting(text, "", no_effect="connections speak utf8mb4")
    requirements: str = setting(text, "warn", no_effect=_UNCHECKED)


@dataclass(frozen=True, slots=True)
class SqliteSettings:
    """A section of res_config_sqlite3.conf.

    :ivar busy_timeout: milliseconds to wait for another process that writes.
    """

    dbfile: str = setting(text, "")
    busy_timeout: int = setting(integer(0, 600_000), 1000)
    batch: str = setting(text, "", no_effect="each change is written at once")
    debug: str = setting(text, "no")
    requirements: str = setting(text, "warn", no_effect=_UNCHECKED)


@dataclass(frozen=True, slots=True)
class SqlDrivers:
    """All three files, by section where they have several."""

    pgsql: PgsqlSettings | None = None
    mysql: Mapping[str, MysqlSettings] = field(default_factory=dict)
    sqlite3: Mapping[str, SqliteSettings] = field(default_factory=dict)


def build_sql_drivers(
    pgsql: ConfigFile | None,
    mysql: ConfigFile | None,
    sqlite3: ConfigFile | None,
    warnings: list[ConfigWarning],
) -> SqlDrivers:
    """Make the settings of the parsed files.

    :raises ConfigError: a value can't be read; names file, line and option.
    """
    general = pgsql.find("general") if pgsql is not None else None
    return SqlDrivers(
        None if general is None else bind(PgsqlSettings, general.options, warnings),
        {
            section.name: bind(MysqlSettings, section.options, warnings)
            for section in (mysql.sections if mysql is not None else ())
        },
        {
            section.name: bind(SqliteSettings, section.options, warnings)
            for section in (sqlite3.sections if sqlite3 is not None else ())
        },
    )
