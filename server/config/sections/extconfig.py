"""extconfig.conf: which families of data, and which files, are in databases.

::

    [settings]
    family => driver[,database[,table[,priority]]]
    queues.conf => odbc,asterisk,ast_config

Several lines of one family are tried in the order of their priorities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from server.config.objects import ConfigFile, ConfigWarning, Option

DRIVERS = ("odbc", "pgsql", "mysql", "sqlite3")
OTHER_DRIVERS = ("curl", "ldap")  # Asterisk's, which nothing here talks to
NEVER_IN_A_DATABASE = frozenset({"asterisk.conf", "extconfig.conf", "logger.conf"})
STATIC_TABLE = "ast_config"


@dataclass(frozen=True, slots=True)
class FamilySource:
    """One place where a family is.

    :param database: a name that the driver's own file explains.
    """

    driver: str
    database: str
    table: str
    priority: int = 1


@dataclass(frozen=True, slots=True)
class ExtConfig:
    """The file: where families are, the first choice first; names of files are among them."""

    families: Mapping[str, tuple[FamilySource, ...]] = field(default_factory=dict)


def build_extconfig(file: ConfigFile | None, warnings: list[ConfigWarning]) -> ExtConfig:
    """Make the settings of a parsed file; a line that can't be used is reported and left out."""
    section = file.find("settings") if file is not None else None
    found: dict[str, list[FamilySource]] = {}
    for option in section.options if section is not None else ():
        try:
            source = _read(option)
        except ValueError as error:
            warnings.append(ConfigWarning(option.path, option.line, f"{option.name}: {error}"))
            continue
        found.setdefault(option.name, []).append(source)
    return ExtConfig(
        {name: tuple(sorted(each, key=lambda s: s.priority)) for name, each in found.items()}
    )


def _read(option: Option) -> FamilySource:
    words = [word.strip().strip('"') for word in option.value.split(",")]
    driver, database, table, priority = (*words, "", "", "")[:4]
    driver = driver.lower()
    if option.name in NEVER_IN_A_DATABASE:
        raise ValueError("this file is read before any database")
    if driver in OTHER_DRIVERS:
        raise ValueError(f"driver {driver} is not supported")
    if driver not in DRIVERS:
        raise ValueError(f"expected a driver ({', '.join(DRIVERS)}), not {driver[:60]!r}")
    if priority and not priority.isdecimal():
        raise ValueError(f"expected a priority, not {priority[:60]!r}")
    default = STATIC_TABLE if option.name.endswith(".conf") else option.name
    return FamilySource(driver, database, table or default, int(priority[:9] or 1))
