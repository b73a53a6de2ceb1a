"""Reads a whole configuration directory, beginning with asterisk.conf.

Everything here is a pure function of the files: nothing is kept, so a reload is another call,
and a failed one changes NO_CLI.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from server.base.log_settings import LogSettings
from server.config.acl import Acl, build_acls
from server.config.home import DEFAULT_PATH, load_asterisk, read_optional
from server.config.objects import ConfigFile, ConfigObject, ConfigWarning
from server.config.sections.amd import AmdConf, build_amd
from server.config.sections.ari import Ari, build_ari
from server.config.sections.asterisk import (
    AsteriskConf,
    ControlFiles,
    Directories,
    Options,
)
from server.config.sections.cli import NO_CLI, Cli, build_aliases, build_permissions, build_startup
from server.config.sections.databases import DatabaseFiles, check_databases
from server.config.sections.extconfig import build_extconfig
from server.config.sections.features import Features, build_features
from server.config.sections.func_odbc import build_func_odbc
from server.config.sections.http import Http, build_http
from server.config.sections.indications import Indications, build_indications
from server.config.sections.logger import build_logger
from server.config.sections.manager import Manager, build_manager
from server.config.sections.modules import ModulesConf, build_modules
from server.config.sections.musiconhold import MusicOnHold, build_musiconhold
from server.config.sections.outbound import check_outbound
from server.config.sections.pjsip import build_pjsip
from server.config.sections.pjsip_notify import Fields, build_notify_types
from server.config.sections.prometheus import Prometheus, build_prometheus
from server.config.sections.res_odbc import build_res_odbc
from server.config.sections.rtp import Rtp, build_rtp
from server.config.sections.sorcery import build_sorcery
from server.config.sections.sql_drivers import build_sql_drivers
from server.config.sections.statsd import StatsdSettings, build_statsd
from server.config.sections.tracing import Tracing, build_tracing
from server.config.sections.websocket_client import (
    WebsocketClient,
    build_websocket_clients,
)

StaticReader = Callable[[DatabaseFiles], Callable[[str], ConfigFile | None]]
"""Makes what reads the files that are in databases; see ``AsteriskConf.static``."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that the files say.

    :param path: asterisk.conf as it was named, or where it would be.
    :param pjsip: objects of pjsip.conf, for :mod:`server.sip.settings`.
    :param websocket_clients: sections of websocket_client.conf, by name.
    :param warnings: what was accepted but should be looked at, in order of reading.
    :param has_file: there is an asterisk.conf, rather than built-in defaults.
    :param may_exec: ``#exec`` is allowed by the command line.
    :param static_reader: see :data:`StaticReader`.
    """

    path: str
    asterisk: AsteriskConf
    http: Http
    ari: Ari
    rtp: Rtp
    logger: LogSettings
    features: Features
    indications: Indications
    musiconhold: MusicOnHold
    amd: AmdConf
    pjsip: tuple[ConfigObject, ...]
    websocket_clients: Mapping[str, WebsocketClient]
    acls: Mapping[str, Acl]
    modules: ModulesConf
    prometheus: Prometheus
    tracing: Tracing
    manager: Manager = field(default_factory=Manager)
    cli: Cli = NO_CLI
    notify_types: Mapping[str, Fields] = field(default_factory=dict)
    databases: DatabaseFiles = field(default_factory=DatabaseFiles)
    warnings: tuple[ConfigWarning, ...] = ()
    has_file: bool = True
    may_exec: bool = False
    static_reader: StaticReader | None = None

    def reread(self) -> Configuration:
        """Read everything again, as it was read the first time.

        :raises ConfigError: a file is wrong; this configuration stays as it is.
        """
        return load_configuration(
            self.path if self.has_file else None,
            may_exec=self.may_exec,
            static_reader=self.static_reader,
        )

    @property
    def directories(self) -> Directories:
        """asterisk.conf's ``[directories]``."""
        return self.asterisk.directories

    @property
    def options(self) -> Options:
        """asterisk.conf's ``[options]``."""
        return self.asterisk.options

    @property
    def files(self) -> ControlFiles:
        """asterisk.conf's ``[files]``."""
        return self.asterisk.files

    def config_path(self, name: str) -> str:
        """Return where a file such as ``extensions.conf`` is."""
        return str(Path(self.directories.astetcdir) / name)

    def read_file(self, name: str) -> ConfigFile | None:
        """Parse a file of the configuration directory, ``None`` if there is none.

        :raises ConfigError: it can't be read.
        """
        return read_optional(self.asterisk, name)


def load_configuration(
    path: str | None = DEFAULT_PATH,
    *,
    may_exec: bool = False,
    static_reader: StaticReader | None = None,
) -> Configuration:
    """Read asterisk.conf and all files of the directory that it names.

    A file that is absent leaves its defaults: web server, REST interface and SIP are then off.

    :param path: asterisk.conf; ``None`` stands for built-in defaults in place of the file.
    :param may_exec: let ``#exec`` run commands, whatever ``execincludes`` says (``-X``).
    :param static_reader: without it the files of extconfig.conf are read from the directory.
    :raises ConfigError: a file can't be read, or a value is wrong; names file and line.
    """
    warnings: list[ConfigWarning] = []
    asterisk = load_asterisk(path, warnings)
    if may_exec:
        asterisk = replace(asterisk, options=replace(asterisk.options, execincludes=True))
    databases = load_databases(asterisk, warnings)
    if static_reader is not None and databases.extconfig.families:
        asterisk = replace(asterisk, static=static_reader(databases))
    acls = load_acls(asterisk, warnings)
    ari = load_ari(asterisk, acls, warnings)
    websocket_clients = load_websocket_clients(asterisk, warnings)
    warnings += check_outbound(ari, websocket_clients)
    return Configuration(
        path=path or DEFAULT_PATH,
        asterisk=asterisk,
        http=load_http(asterisk, acls, warnings),
        ari=ari,
        rtp=load_rtp(asterisk, acls, warnings),
        logger=load_logger(asterisk, warnings),
        features=load_features(asterisk, warnings),
        indications=load_indications(asterisk, warnings),
        musiconhold=load_musiconhold(asterisk, warnings),
        amd=load_amd(asterisk, warnings),
        pjsip=load_pjsip(asterisk, warnings),
        websocket_clients=websocket_clients,
        acls=acls,
        manager=load_manager(asterisk, acls, warnings),
        modules=load_modules(asterisk, warnings),
        cli=load_cli(asterisk, warnings),
        notify_types=load_notify_types(asterisk, warnings),
        prometheus=load_prometheus(asterisk, warnings),
        tracing=load_tracing(asterisk, warnings),
        databases=databases,
        warnings=tuple(warnings),
        has_file=path is not None,
        may_exec=may_exec,
        static_reader=static_reader,
    )


def load_databases(asterisk: AsteriskConf, warnings: list[ConfigWarning]) -> DatabaseFiles:
    """Read the files that say what is in databases, which are themselves in none."""

    def read(name: str) -> ConfigFile | None:
        return _read(asterisk, name, warnings)

    files = DatabaseFiles(
        build_extconfig(read("extconfig.conf"), warnings),
        build_res_odbc(read("res_odbc.conf"), warnings),
        build_sql_drivers(
            read("res_pgsql.conf"),
            read("res_config_mysql.conf"),
            read("res_config_sqlite3.conf"),
            warnings,
        ),
        build_sorcery(read("sorcery.conf"), warnings),
        build_func_odbc(read("func_odbc.conf"), warnings),
    )
    warnings += check_databases(files)
    return files


def load_acls(asterisk: AsteriskConf, warnings: list[ConfigWarning]) -> dict[str, Acl]:
    """Read acl.conf and the family ``acls``: the named lists, by lower-case name."""
    file = _with_family(asterisk, _read(asterisk, "acl.conf", warnings), "acls")
    return {} if file is None else build_acls(file, warnings)


def load_http(
    asterisk: AsteriskConf, acls: Mapping[str, Acl], warnings: list[ConfigWarning]
) -> Http:
    """Read http.conf; without it the web server is off."""
    file = _read(asterisk, "http.conf", warnings)
    return Http() if file is None else build_http(file, warnings, acls)


def load_ari(asterisk: AsteriskConf, acls: Mapping[str, Acl], warnings: list[ConfigWarning]) -> Ari:
    """Read ari.conf; without it the REST interface is off."""
    file = _read(asterisk, "ari.conf", warnings)
    return Ari(enabled=False) if file is None else build_ari(file, warnings, acls)


def load_modules(asterisk: AsteriskConf, warnings: list[ConfigWarning]) -> ModulesConf:
    """Read modules.conf; without it every part is there."""
    return build_modules(_read(asterisk, "modules.conf", warnings), warnings)


def load_cli(asterisk: AsteriskConf, warnings: list[ConfigWarning]) -> Cli:
    """Read cli.conf, cli_aliases.conf and cli_permissions.conf."""
    startup = _read(asterisk, "cli.conf", warnings)
    aliases = _read(asterisk, "cli_aliases.conf", warnings)
    permissions = _read(asterisk, "cli_permissions.conf", warnings)
    return Cli(
        startup=build_startup(startup, warnings) if startup else NO_CLI.startup,
        aliases=build_aliases(aliases, warnings) if aliases else NO_CLI.aliases,
        permissions=(
            build_permissions(permissions, warnings) if permissions else NO_CLI.permissions
        ),
    )


def load_notify_types(asterisk: AsteriskConf, warnings: list[ConfigWarning]) -> dict[str, Fields]:
    """Read pjsip_notify.conf."""
    file = _read(asterisk, "pjsip_notify.conf", warnings)
    return {} if file is None else build_notify_types(file, warnings)


def load_rtp(asterisk: AsteriskConf, acls: Mapping[str, Acl], warnings: list[ConfigWarning]) -> Rtp:
    """Read rtp.conf."""
    file = _read(asterisk, "rtp.conf", warnings)
    return Rtp() if file is None else build_rtp(file, warnings, acls)


def load_logger(asterisk: AsteriskConf, warnings: list[ConfigWarning]) -> LogSettings:
    """Read logger.conf, for ``logger reload`` too."""
    return build_logger(_read(asterisk, "logger.conf", warnings), warnings)


def load_features(asterisk: AsteriskConf, warnings: list[ConfigWarning]) -> Features:
    """Read features.conf."""
    return build_features(_read(asterisk, "features.conf", warnings), warnings)


def load_indications(asterisk: AsteriskConf, warnings: list[ConfigWarning]) -> Indications:
    """Read indications.conf; without it there are built-in zones."""
    return build_indications(_read(asterisk, "indications.conf", warnings), warnings)


def load_musiconhold(asterisk: AsteriskConf, warnings: list[ConfigWarning]) -> MusicOnHold:
    """Read musiconhold.conf, and the family of the same name."""
    file = _with_family(asterisk, _read(asterisk, "musiconhold.conf", warnings), "musiconhold")
    return build_musiconhold(file, warnings)


def load_statsd(asterisk: AsteriskConf, warnings: list[ConfigWarning]) -> StatsdSettings:
    """Read statsd.conf."""
    file = _read(asterisk, "statsd.conf", warnings)
    return StatsdSettings() if file is None else build_statsd(file, warnings)


def load_amd(asterisk: AsteriskConf, warnings: list[ConfigWarning]) -> AmdConf:
    """Read amd.conf."""
    return build_amd(_read(asterisk, "amd.conf", warnings), warnings)


def load_pjsip(asterisk: AsteriskConf, warnings: list[ConfigWarning]) -> tuple[ConfigObject, ...]:
    """Read pjsip.conf."""
    file = _read(asterisk, "pjsip.conf", warnings)
    return () if file is None else build_pjsip(file, warnings)


def load_manager(
    asterisk: AsteriskConf, acls: Mapping[str, Acl], warnings: list[ConfigWarning]
) -> Manager:
    """Read manager.conf; without it the manager interface is off."""
    file = _read(asterisk, "manager.conf", warnings)
    return Manager() if file is None else build_manager(file, warnings, acls)


def load_prometheus(asterisk: AsteriskConf, warnings: list[ConfigWarning]) -> Prometheus:
    """Read prometheus.conf; without it no figures are shown."""
    file = _read(asterisk, "prometheus.conf", warnings)
    return Prometheus() if file is None else build_prometheus(file, warnings)


def load_tracing(asterisk: AsteriskConf, warnings: list[ConfigWarning]) -> Tracing:
    """Read tracing.conf; without it nothing is traced."""
    file = _read(asterisk, "tracing.conf", warnings)
    return Tracing() if file is None else build_tracing(file, warnings)


def load_websocket_clients(
    asterisk: AsteriskConf, warnings: list[ConfigWarning]
) -> Mapping[str, WebsocketClient]:
    """Read websocket_client.conf."""
    file = _read(asterisk, "websocket_client.conf", warnings)
    return {} if file is None else build_websocket_clients(file, warnings).clients


def load_outbound(
    asterisk: AsteriskConf, acls: Mapping[str, Acl], warnings: list[ConfigWarning]
) -> None:
    """Read websocket_client.conf and check what ari.conf says about it.

    :param warnings: what ari.conf says for itself does not go there.
    """
    clients = load_websocket_clients(asterisk, warnings)
    warnings += check_outbound(load_ari(asterisk, acls, []), clients)


def _read(asterisk: AsteriskConf, name: str, warnings: list[ConfigWarning]) -> ConfigFile | None:
    file = read_optional(asterisk, name)
    if file is not None:
        warnings += file.warnings
    return file


def _with_family(asterisk: AsteriskConf, file: ConfigFile | None, family: str) -> ConfigFile | None:
    """Add the sections that extconfig.conf has in a database; those of the file go first."""
    added = None if asterisk.static is None else asterisk.static(family)
    if added is None or file is None:
        return added or file
    known = {section.name.lower() for section in file.sections}
    file.sections += [each for each in added.sections if each.name.lower() not in known]
    return file
