"""``arion config check``: reads a configuration as the server would, and says what it makes of it.

Unlike the server it does not stop at the first mistake: every file is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from server.base.errors import ConfigError
from server.cli.tables import plural
from server.config import loader
from server.config.acl import Acl
from server.config.home import load_asterisk
from server.config.objects import ConfigWarning
from server.config.sections.asterisk import AsteriskConf
from server.dialplan.lint import check_plan
from server.dialplan.registry import Registry
from server.dialplan.sources import SourcePaths, load_sources
from server.sip.settings import build_settings

FILES_READ = frozenset(
    ("asterisk.conf", "acl.conf", "http.conf", "ari.conf", "rtp.conf", "logger.conf",
     "features.conf", "indications.conf", "musiconhold.conf", "pjsip.conf", "extensions.conf",
     "cli.conf", "cli_aliases.conf", "cli_permissions.conf", "pjsip_notify.conf",
     "extconfig.conf", "res_odbc.conf", "res_pgsql.conf", "res_config_mysql.conf",
     "res_config_sqlite3.conf", "sorcery.conf", "func_odbc.conf",
     "prometheus.conf", "statsd.conf", "tracing.conf")
)  # fmt: skip


@dataclass(slots=True)
class Report:
    """What was found.

    :param errors: with any of these the server would not start.
    :param remarks: accepted, but not as the author may expect.
    :param unread: files of the directory that the server does not read.
    """

    errors: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The report for the terminal."""
        counts = (
            plural(len(self.errors), "error"),
            plural(len(self.remarks), "remark"),
            plural(len(self.unread), "file") + " not read",
        )
        return [
            *(f"error:    {text}" for text in self.errors),
            *(f"remark:   {text}" for text in self.remarks),
            *(f"not read: {name}" for name in self.unread),
            ", ".join(counts),
        ]


def check_configuration(path: str, registry: Registry) -> Report:
    """Read a configuration.

    :param path: asterisk.conf, or the directory that it is in.
    :param registry: what the dialplan may call.
    """
    if Path(path).is_dir():
        path = str(Path(path) / "asterisk.conf")
    report = Report()
    warnings: list[ConfigWarning] = []
    try:
        asterisk = load_asterisk(path, warnings)
    except ConfigError as error:
        report.errors.append(str(error))
        return report
    acls: dict[str, Acl] = {}
    _attempt(report, lambda: acls.update(loader.load_acls(asterisk, warnings)))
    for read in _readers(asterisk, acls, warnings):
        _attempt(report, read)
    report.remarks += map(str, warnings)
    _attempt(report, lambda: _check_pjsip(asterisk, acls, report))
    _attempt(report, lambda: _check_dialplan(asterisk, registry, report))
    report.unread = _unread(asterisk.directories.astetcdir)
    return report


def _readers(
    asterisk: AsteriskConf, acls: Mapping[str, Acl], warnings: list[ConfigWarning]
) -> Sequence[Callable[[], object]]:
    return (
        lambda: loader.load_databases(asterisk, warnings),
        lambda: loader.load_http(asterisk, acls, warnings),
        lambda: loader.load_ari(asterisk, acls, warnings),
        lambda: loader.load_rtp(asterisk, acls, warnings),
        lambda: loader.load_logger(asterisk, warnings),
        lambda: loader.load_features(asterisk, warnings),
        lambda: loader.load_indications(asterisk, warnings),
        lambda: loader.load_musiconhold(asterisk, warnings),
        lambda: loader.load_cli(asterisk, warnings),
        lambda: loader.load_notify_types(asterisk, warnings),
        lambda: loader.load_prometheus(asterisk, warnings),
        lambda: loader.load_tracing(asterisk, warnings),
    )


def _attempt(report: Report, read: Callable[[], object]) -> None:
    try:
        read()
    except ConfigError as error:
        report.errors.append(str(error))


def _check_pjsip(asterisk: AsteriskConf, acls: Mapping[str, Acl], report: Report) -> None:
    warnings: list[ConfigWarning] = []
    objects = loader.load_pjsip(asterisk, warnings)
    report.remarks += map(str, warnings)
    report.remarks += map(str, build_settings(objects, named_acls=acls).warnings)


def _check_dialplan(asterisk: AsteriskConf, registry: Registry, report: Report) -> None:
    sources = dialplan_sources(asterisk)
    if sources.exist():
        report.remarks += check_sources(sources, registry)


def dialplan_sources(asterisk: AsteriskConf) -> SourcePaths:
    """Return where a server of this asterisk.conf finds its dialplan."""
    directory = Path(asterisk.directories.astetcdir)
    return SourcePaths(
        str(directory / "extensions.conf"),
        str(directory / "extensions.ael"),
        str(directory / "extensions.lua"),
        may_exec=asterisk.options.execincludes,
        lua_dirs=[str(Path(asterisk.directories.astdatadir) / "lua")],
    )


def check_sources(sources: SourcePaths, registry: Registry) -> list[str]:
    """Return what is to be said about a dialplan.

    :raises ConfigError: it can't be loaded.
    """
    plan = load_sources(sources).plan
    plan.switches = registry.switches
    found = [*plan.warnings, *plan.unknown_switches()]
    return [*found, *map(str, check_plan(plan, registry))]


def _unread(directory: str) -> list[str]:
    names = (path.name for path in Path(directory).glob("*.conf"))
    return sorted(name for name in names if name not in FILES_READ)
