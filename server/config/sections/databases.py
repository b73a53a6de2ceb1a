"""The files that say what is in databases, and how these are reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from server.config.objects import ConfigWarning, Remark
from server.config.sections.extconfig import ExtConfig
from server.config.sections.func_odbc import FuncOdbc
from server.config.sections.res_odbc import ResOdbc
from server.config.sections.sorcery import Sorcery
from server.config.sections.sql_drivers import SqlDrivers


@dataclass(frozen=True, slots=True)
class DatabaseFiles:
    """extconfig.conf, res_odbc.conf and the drivers' own, sorcery.conf, func_odbc.conf."""

    extconfig: ExtConfig = field(default_factory=ExtConfig)
    odbc: ResOdbc = field(default_factory=ResOdbc)
    drivers: SqlDrivers = field(default_factory=SqlDrivers)
    sorcery: Sorcery = field(default_factory=Sorcery)
    functions: FuncOdbc = field(default_factory=FuncOdbc)


def check_databases(files: DatabaseFiles) -> Iterator[ConfigWarning]:
    """Report what refers to a database or family that no other file has."""
    for name, sources in files.extconfig.families.items():
        for source in sources:
            if source.driver == "odbc" and source.database not in files.odbc.classes:
                yield _missing("extconfig.conf", name, "res_odbc.conf", source.database)
    for made in files.functions.functions.values():
        for dsn in dict.fromkeys((*made.read_databases, *made.write_databases)):
            if dsn not in files.odbc.classes:
                yield _missing("func_odbc.conf", made.name, "res_odbc.conf", dsn)
    families = {name.lower() for name in files.extconfig.families}
    for types in files.sorcery.modules.values():
        for object_type, mapping in types.items():
            wizard = mapping.of("realtime")
            if wizard is not None and wizard.data.lower() not in families:
                reason = f"{object_type}: extconfig.conf has no family {wizard.data!r}"
                yield ConfigWarning("sorcery.conf", 0, reason, Remark.REFERENCE)


def _missing(file: str, name: str, other: str, section: str) -> ConfigWarning:
    reason = f"{name}: {other} has no section [{section}] that is enabled"
    return ConfigWarning(file, 0, reason, Remark.REFERENCE)
