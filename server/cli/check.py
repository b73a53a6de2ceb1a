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
from server.config.home import load_asterisk, read_optional
from server.config.objects import ConfigWarning
from server.config.sections.asterisk import AsteriskConf
from server.dialplan.loader import compile_plan
from server.dialplan.plan import Plan
from server.dialplan.registry import Registry
from server.sip.settings import build_settings

FILES_READ = frozenset(
    ("asterisk.conf", "acl.conf", "http.conf", "ari.conf", "rtp.conf", "logger.conf",
     "features.conf", "indications.conf", "musiconhold.conf", "pjsip.conf", "extensions.conf")
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


def check_configuration(path: str) -> Report:
    """Read a configuration.

    :param path: asterisk.conf, or the directory that it is in.
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
    _attempt(report, lambda: _check_dialplan(asterisk, report))
    report.unread = _unread(asterisk.directories.astetcdir)
    return report


def _readers(
    asterisk: AsteriskConf, acls: Mapping[str, Acl], warnings: list[ConfigWarning]
) -> Sequence[Callable[[], object]]:
    return (
        lambda: loader.load_http(asterisk, acls, warnings),
        lambda: loader.load_ari(asterisk, acls, warnings),
        lambda: loader.load_rtp(asterisk, acls, warnings),
        lambda: loader.load_logger(asterisk, warnings),
        lambda: loader.load_features(asterisk, warnings),
        lambda: loader.load_indications(asterisk, warnings),
        lambda: loader.load_musiconhold(asterisk, warnings),
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


def _check_dialplan(asterisk: AsteriskConf, report: Report) -> None:
    file = read_optional(asterisk, "extensions.conf")
    if file is None:
        return
    plan = compile_plan(file)
    report.remarks += plan.warnings
    report.remarks += _unknown_applications(plan)


def _unknown_applications(plan: Plan) -> list[str]:
    known = Registry.standard().applications
    steps = [
        step
        for context in plan.contexts.values()
        for extension in context
        for step in extension.steps.values()
        if step.key not in known
    ]
    steps.sort(key=lambda step: (step.path, step.line))
    return [f"{step.path}:{step.line}: no application {step.application!r}" for step in steps]


def _unread(directory: str) -> list[str]:
    names = (path.name for path in Path(directory).glob("*.conf"))
    return sorted(name for name in names if name not in FILES_READ)
