"""res_odbc.conf: databases by name, each with its pool of connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from server.config.binder import bind, setting
from server.config.objects import ConfigFile, ConfigWarning
from server.config.types import boolean, choice, decimal, integer, text

MAX_CONNECTIONS = 1000
_POOLED = "connections are always pooled, up to max_connections"


@dataclass(frozen=True, slots=True)
class OdbcClass:
    """One section: how to connect, and how often at a time.

    :ivar dsn: a data source of odbc.ini, a connection string (``Driver=…;Server=…``), or the URL
        of a database that is reached without ODBC: ``postgresql://``, ``mysql://``, ``sqlite://``.
    :ivar slow_query_limit: milliseconds from which a query is reported; 0 never.
    """

    name: str = ""
    enabled: bool = setting(boolean, True)
    dsn: str = setting(text, "")
    username: str = setting(text, "")
    password: str = setting(text, "")
    pre_connect: bool = setting(boolean, False, names=("pre-connect",))
    sanitysql: str = setting(text, "")
    connect_timeout: int = setting(integer(1, 3600), 10)
    negative_connection_cache: float = setting(decimal(0, 86_400), 0.0)
    max_connections: int = setting(integer(1, MAX_CONNECTIONS), 1)
    isolation: str = setting(
        choice("read_committed", "read_uncommitted", "repeatable_read", "serializable"),
        "read_committed",
    )
    forcecommit: bool = setting(boolean, False)
    backslash_is_escape: bool = setting(boolean, True)
    slow_query_limit: int = setting(integer(0, 3_600_000), 5000)
    logging: bool = setting(boolean, False)
    cache_type: str = setting(
        choice("rr", "roundrobin", "queue", "stack"),
        "stack",
        no_effect="the connection that was used last is used next",
    )
    cache_size: int = setting(integer(-1, MAX_CONNECTIONS), -1, no_effect=_POOLED)
    idlecheck: str = setting(text, "", no_effect=_POOLED)
    limit: str = setting(text, "", no_effect=_POOLED)
    pooling: str = setting(text, "", no_effect=_POOLED)
    share: str = setting(text, "", no_effect=_POOLED)


@dataclass(frozen=True, slots=True)
class ResOdbc:
    """The file.

    :ivar environment: ``[ENV]``, which drivers of ODBC read.
    """

    classes: Mapping[str, OdbcClass] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


def build_res_odbc(file: ConfigFile | None, warnings: list[ConfigWarning]) -> ResOdbc:
    """Make the settings of a parsed file.

    :raises ConfigError: a value can't be read; names file, line and option.
    """
    classes: dict[str, OdbcClass] = {}
    environment: dict[str, str] = {}
    for section in file.sections if file is not None else ():
        if section.name == "ENV":
            environment |= {option.name: option.value for option in section.options}
            continue
        made = bind(OdbcClass, section.options, warnings, name=section.name)
        if made.enabled and not made.dsn:
            reason = f"[{section.name}] is left out: it has no dsn"
            warnings.append(ConfigWarning(section.path, section.line, reason))
        elif made.enabled:
            classes[section.name] = made
    return ResOdbc(classes, environment)
