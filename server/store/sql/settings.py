"""How a database is reached."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """One database.

    :param where: file and section, which errors name.
    :param dsn: a URL, a data source of odbc.ini, or a connection string of ODBC.
    :param connect_timeout: seconds, for a free connection of the pool too.
    :param negative_cache: seconds for which a failure to connect is the answer to all.
    :param slow_query: seconds from which a query is reported; 0 never.
    """

    where: str
    dsn: str
    username: str = ""
    password: str = ""
    max_connections: int = 1
    connect_timeout: float = 10.0
    negative_cache: float = 0.0
    sanity_sql: str = ""
    isolation: str = "read_committed"
    backslash_is_escape: bool = True
    slow_query: float = 5.0
    logs: bool = False
