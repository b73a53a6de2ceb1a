"""The files that say what is in databases, and how these are reached."""

from __future__ import annotations

from dataclasses import dataclass, field

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
