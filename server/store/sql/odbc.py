"""Whatever unixODBC has a driver for, as a dialect of SQLAlchemy: ``arion+odbc://``.

It knows only what all databases have in common; how names are quoted it asks the driver.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.connectors.aioodbc import aiodbcConnector
from sqlalchemy.dialects import registry
from sqlalchemy.engine import URL
from sqlalchemy.engine.default import DefaultDialect

NAME = "arionodbc"
SQL_IDENTIFIER_QUOTE_CHAR = 29  # of SQLGetInfo, and so is the next
SQL_DBMS_NAME = 17
SQL_ATTR_TXN_ISOLATION = 108  # of SQLSetConnectAttr; its values follow
ISOLATION = {
    "READ UNCOMMITTED": 1, "READ COMMITTED": 2, "REPEATABLE READ": 4, "SERIALIZABLE": 8
}  # fmt: skip
SQLSTATE_CONNECTION = ("08", "HYT")  # classes of errors that mean the connection is lost


class OdbcDialect(aiodbcConnector, DefaultDialect):
    """The dialect."""

    name = "odbc"
    supports_statement_cache = True
    supports_sane_rowcount = True
    default_paramstyle = "qmark"
    dbms = ""  # what the database calls itself, once a connection was made

    def initialize(self, connection: Any) -> None:
        """Ask the first connection what its driver and database are like."""
        driver = connection.connection.dbapi_connection._connection._conn
        self.dbms = str(driver.getinfo(SQL_DBMS_NAME))
        quote = str(driver.getinfo(SQL_IDENTIFIER_QUOTE_CHAR)).strip() or '"'
        preparer = self.identifier_preparer
        preparer.initial_quote = preparer.final_quote = preparer.escape_quote = quote
        preparer.escape_to_quote = quote * 2
        super().initialize(connection)

    def _get_server_version_info(self, connection: Any) -> tuple[int | str, ...]:
        return ()  # databases number their versions each in its own way, and nobody here asks

    def get_isolation_level_values(self, dbapi_connection: Any) -> Any:
        """List what :meth:`set_isolation_level` takes."""
        return [*ISOLATION, "AUTOCOMMIT"]

    def set_isolation_level(self, dbapi_connection: Any, level: Any) -> None:
        """Tell the driver."""
        if level == "AUTOCOMMIT":
            super().set_isolation_level(dbapi_connection, level)
            return
        dbapi_connection.autocommit = False
        dbapi_connection.rollback()
        dbapi_connection._connection._conn.set_attr(SQL_ATTR_TXN_ISOLATION, ISOLATION[level])

    def get_isolation_level(self, dbapi_connection: Any) -> Any:
        """Return what a connection begins with, as far as anybody can tell."""
        return "READ COMMITTED"

    def is_disconnect(self, error: Any, connection: Any, cursor: Any) -> bool:
        """Tell whether an error means that the connection is of no more use."""
        state = str(error.args[0]) if error.args else ""
        is_known = bool(super().is_disconnect(error, connection, cursor))
        return is_known or state.startswith(SQLSTATE_CONNECTION)

    def do_ping(self, dbapi_connection: Any) -> bool:
        """Ask for nothing, to see whether the connection lives."""
        cursor = dbapi_connection.cursor()
        try:
            cursor.execute("SELECT 1")
        finally:
            cursor.close()
        dbapi_connection.rollback()  # it began a transaction
        return True


registry.register(NAME, __name__, "OdbcDialect")


def odbc_url(dsn: str, username: str, password: str) -> URL:
    """Return the URL of a data source, or of a connection string."""
    parts = [dsn.rstrip(";") if "=" in dsn else f"DSN={dsn}"]
    parts += [f"UID={_braced(username)}"] if username else []
    parts += [f"PWD={_braced(password)}"] if password else []
    return URL.create(NAME, query={"odbc_connect": ";".join(parts)})


def _braced(value: str) -> str:
    """Keep a value from ending early, or from becoming further options."""
    if value.isalnum():  # not every driver takes the braces off again
        return value
    return "{" + value.replace("}", "}}") + "}"
