"""``arion config check``: reads a configuration as the server would, and says what it makes of it.

Unlike the server it does not stop at the first mistake: every file is read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from server.base.errors import ConfigError
from server.cli.check_references import Targets, check_references, stored_elsewhere
from server.cli.tables import plural
from server.config import loader
from server.config.acl import Acl
from server.config.home import load_asterisk, read_optional
from server.config.ini import parse_file
from server.config.objects import ConfigFile, ConfigObject, ConfigWarning, Option, Remark
from server.config.sections.asterisk import AsteriskConf
from server.dialplan.lint import check_plan
from server.dialplan.plan import Plan
from server.dialplan.registry import Registry
from server.dialplan.sources import SourcePaths, load_sources
from server.sip.settings import build_settings

FILES_READ = frozenset(
    ("asterisk.conf", "acl.conf", "amd.conf", "http.conf", "ari.conf", "rtp.conf", "logger.conf",
     "cli.conf", "cli_aliases.conf", "cli_permissions.conf", "extconfig.conf", "extensions.conf",
     "features.conf", "func_odbc.conf", "indications.conf", "manager.conf", "modules.conf",
     "musiconhold.conf", "pjsip.conf", "pjsip_notify.conf", "prometheus.conf",
     "res_config_mysql.conf",
     "res_config_sqlite3.conf", "res_odbc.conf", "res_pgsql.conf", "say.conf", "sorcery.conf",
     "statsd.conf", "tracing.conf", "websocket_client.conf")
)  # fmt: skip
# Their lines are checked one by one; the others are no lists of options.
FILES_OF_OPTIONS = FILES_READ - {"extensions.conf", "indications.conf", "say.conf"}
MAX_ERRORS = 100  # of one file
_WORDS = {
    Remark.REFERENCE: "reference",
    Remark.UNKNOWN: "unknown",
    Remark.NO_EFFECT: "no effect",
    Remark.OTHER: "remark",
}


@dataclass(slots=True)
class FileReport:
    """How many options of a file do what.

    :param working: names of the options that do what they say, in order, each once.
    """

    name: str
    working: list[str] = field(default_factory=list)
    working_count: int = 0
    ineffective: int = 0
    unknown: int = 0

    @property
    def line(self) -> str:
        """The counts for the terminal."""
        verb = "works" if self.working_count == 1 else "work"
        return (
            f"{self.name}: {plural(self.working_count, 'option')} {verb}, "
            f"{self.ineffective} without effect, {self.unknown} unknown"
        )


@dataclass(slots=True)
class Report:
    """What was found.

    :param errors: with any of these the server would not start, or not reload.
    :param warnings: accepted, but not as the author may expect.
    :param remarks: about the dialplan.
    :param unread: files of the directory that the server does not read.
    """

    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigWarning] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    files: list[FileReport] = field(default_factory=list)
    is_verbose: bool = False

    def of(self, kind: Remark) -> list[ConfigWarning]:
        """Return the warnings of one kind, each once, unless an error says the same."""
        said = {(error.path, error.line) for error in self.errors}
        found = dict.fromkeys(each for each in self.warnings if each.kind is kind)
        return [each for each in found if not each.line or (each.path, each.line) not in said]

    @property
    def remark_count(self) -> int:
        """How many things are accepted, but not as the author may expect."""
        return len(self.remarks) + sum(len(self.of(kind)) for kind in Remark)

    @property
    def lines(self) -> list[str]:
        """The report for the terminal."""
        rows = [f"error:     {error}" for error in self.errors]
        for kind, word in _WORDS.items():
            rows += (f"{word + ':':<10} {warning}" for warning in self.of(kind))
        rows += (f"remark:    {text}" for text in self.remarks)
        for file in self.files:
            rows.append(file.line)
            if self.is_verbose and file.working:
                rows.append(f"  {', '.join(file.working)}")
        rows += (f"not read:  {name}" for name in self.unread)
        return [*rows, self._totals()]

    def _totals(self) -> str:
        return ", ".join(
            (
                plural(len(self.errors), "error"),
                plural(len(self.of(Remark.REFERENCE)), "reference") + " to nothing",
                plural(len(self.of(Remark.UNKNOWN)), "unknown option"),
                plural(len(self.of(Remark.NO_EFFECT)), "option") + " without effect",
                plural(len(self.remarks) + len(self.of(Remark.OTHER)), "remark"),
                plural(len(self.unread), "file") + " not read",
            )
        )


def check_configuration(
    path: str,
    registry: Registry,
    *,
    modules: Collection[str] | None = None,
    is_verbose: bool = False,
) -> Report:
    """Read a configuration.

    :param path: asterisk.conf, or the directory that it is in.
    :param registry: what the dialplan may call.
    :param modules: what modules.conf may load; ``None`` if that is not to be checked.
    :param is_verbose: name the options that work, too.
    """
    if Path(path).is_dir():
        path = str(Path(path) / "asterisk.conf")
    report = Report(is_verbose=is_verbose)
    try:
        asterisk = load_asterisk(path, report.warnings)
    except ConfigError as error:
        report.errors.append(error)
        return report
    acls: dict[str, Acl] = {}
    _attempt(report, lambda: acls.update(loader.load_acls(asterisk, report.warnings)))
    for read in _readers(asterisk, acls, report.warnings):
        _attempt(report, read)
    if modules is not None:
        _attempt(report, lambda: _check_modules(asterisk, modules, report))
    contexts: set[str] | None = set()
    try:
        contexts = _check_dialplan(asterisk, registry, report)
    except ConfigError as error:
        report.errors.append(error)
        contexts = None
    _attempt(report, lambda: _check_pjsip(asterisk, acls, contexts, report))
    report.unread = _unread(asterisk.directories.astetcdir)
    report.files = list(_count_options(asterisk, path, report))
    return report


def _readers(
    asterisk: AsteriskConf, acls: Mapping[str, Acl], warnings: list[ConfigWarning]
) -> Sequence[Callable[[], object]]:
    return (
        lambda: loader.load_databases(asterisk, warnings),
        lambda: loader.load_http(asterisk, acls, warnings),
        lambda: loader.load_ari(asterisk, acls, warnings),
        lambda: loader.load_outbound(asterisk, acls, warnings),
        lambda: loader.load_rtp(asterisk, acls, warnings),
        lambda: loader.load_logger(asterisk, warnings),
        lambda: loader.load_manager(asterisk, acls, warnings),
        lambda: loader.load_features(asterisk, warnings),
        lambda: loader.load_indications(asterisk, warnings),
        lambda: loader.load_modules(asterisk, warnings),
        lambda: loader.load_musiconhold(asterisk, warnings),
        lambda: loader.load_amd(asterisk, warnings),
        lambda: loader.load_statsd(asterisk, warnings),
        lambda: loader.load_cli(asterisk, warnings),
        lambda: loader.load_notify_types(asterisk, warnings),
        lambda: loader.load_prometheus(asterisk, warnings),
        lambda: loader.load_tracing(asterisk, warnings),
    )


def _attempt(report: Report, read: Callable[[], object]) -> None:
    try:
        read()
    except ConfigError as error:
        if str(error) not in map(str, report.errors):
            report.errors.append(error)


def _check_modules(asterisk: AsteriskConf, known: Collection[str], report: Report) -> None:
    conf = loader.load_modules(asterisk, [])
    for name, option in conf.asked_for():
        if name in known:
            continue
        reason = f"{option.name}: there is no module {name} here"
        if name in conf.required:
            report.errors.append(ConfigError(option.path, option.line, reason))
        else:
            warning = ConfigWarning(option.path, option.line, reason, Remark.UNKNOWN)
            report.warnings.append(warning)


def _check_pjsip(
    asterisk: AsteriskConf,
    acls: Mapping[str, Acl],
    contexts: set[str] | None,
    report: Report,
) -> None:
    objects = list(loader.load_pjsip(asterisk, report.warnings))
    elsewhere = stored_elsewhere(read_optional(asterisk, "sorcery.conf"))
    known = Targets(acls.keys(), contexts, elsewhere)
    usable: list[ConfigObject] = objects
    if elsewhere:  # what is not in the file may be in the database
        usable = [replace(item, is_dynamic=True) for item in objects]
    for _ in range(MAX_ERRORS):  # an object that is wrong is put aside to find the next one
        try:
            settings = build_settings(usable, named_acls=acls)
        except ConfigError as error:
            report.errors.append(error)
            rest = [item for item in usable if not _is_at(item, error)]
            if len(rest) == len(usable):
                break
            usable = rest
        else:
            others = (each for each in settings.warnings if each.kind is not Remark.REFERENCE)
            report.warnings += others
            break
    report.warnings += check_references(objects, known)


def _is_at(item: ConfigObject, error: ConfigError) -> bool:
    place = (error.path, error.line)
    return (item.path, item.line) == place or any(
        (option.path, option.line) == place for option in item.options
    )


def _check_dialplan(asterisk: AsteriskConf, registry: Registry, report: Report) -> set[str]:
    """Return the names of the contexts."""
    sources = dialplan_sources(asterisk)
    if not sources.exist():
        return set()
    plan = load_sources(sources).plan
    report.remarks += _remarks(plan, registry)
    return set(plan.contexts)


def _count_options(asterisk: AsteriskConf, path: str, report: Report) -> Iterable[FileReport]:
    """Count what the options of each file do."""
    bad = {(error.path, error.line) for error in report.errors}
    kinds = {(each.path, each.line): each.kind for each in report.warnings}
    for name in sorted(FILES_OF_OPTIONS):
        file: ConfigFile | None
        try:
            if name == "asterisk.conf":
                file = parse_file(path, config_dir=asterisk.directories.astetcdir)
            else:
                file = read_optional(asterisk, name)
        except ConfigError:
            continue
        if file is not None:
            yield _count(name, file, kinds, bad)


def _count(
    name: str,
    file: ConfigFile,
    kinds: Mapping[tuple[str, int], Remark],
    bad: set[tuple[str, int]],
) -> FileReport:
    found = FileReport(name)
    options: dict[tuple[str, int], tuple[Option, Remark | None]] = {}
    for section in (*file.templates, *file.sections):
        whole = kinds.get((section.path, section.line))  # what is said of all of it
        for option in section.options:
            options.setdefault((option.path, option.line), (option, whole))
    names: dict[str, None] = {}
    for place, (option, whole) in options.items():
        kind = kinds.get(place, whole)
        if kind is Remark.UNKNOWN:
            found.unknown += 1
        elif kind is Remark.NO_EFFECT:
            found.ineffective += 1
        elif place not in bad:
            found.working_count += 1
            names[option.name.lower()] = None
    found.working = list(names)
    return found


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
    return _remarks(load_sources(sources).plan, registry)


def _remarks(plan: Plan, registry: Registry) -> list[str]:
    plan.switches = registry.switches
    found = [*plan.warnings, *plan.unknown_switches()]
    return [*found, *map(str, check_plan(plan, registry))]


def _unread(directory: str) -> list[str]:
    names = (path.name for path in Path(directory).glob("*.conf"))
    return sorted(name for name in names if name not in FILES_READ)
