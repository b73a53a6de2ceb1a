"""``config …``: the files of the configuration, and what may stand in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import lines
from server.config.binder import Documented, document
from server.config.sections import (
    amd,
    ari,
    asterisk,
    features,
    func_odbc,
    http,
    manager,
    musiconhold,
    res_odbc,
    rtp,
    statsd,
    websocket_client,
)
from server.sip import settings_objects as sip


@dataclass(frozen=True, slots=True)
class File:
    """A configuration file.

    :param module: whose it is, under Asterisk's name, and by which it is reloaded.
    :param types: what its sections may be, as classes of settings.
    """

    name: str
    module: str
    types: dict[str, type]


FILES = (
    File("asterisk.conf", "core", {
        "directories": asterisk.Directories, "options": asterisk.Options,
        "files": asterisk.ControlFiles,
    }),
    File("acl.conf", "acl", {}),
    File("amd.conf", "app_amd", {"general": amd.AmdConf}),
    File("ari.conf", "res_ari", {"general": ari.Ari, "user": ari.AriUser}),
    File("cli.conf", "cli", {}),
    File("cli_aliases.conf", "res_clialiases", {}),
    File("cli_permissions.conf", "cli_permissions", {}),
    File("extconfig.conf", "res_odbc", {}),
    File("extensions.ael", "pbx_ael", {}),
    File("extensions.conf", "pbx_config", {}),
    File("extensions.lua", "pbx_lua", {}),
    File("features.conf", "features", {
        "general": features.FeatureSettings, "featuremap": features.FeatureMap,
    }),
    File("func_odbc.conf", "func_odbc", {"function": func_odbc.OdbcFunction}),
    File("http.conf", "http", {"general": http.Http}),
    File("indications.conf", "indications", {}),
    File("logger.conf", "logger", {}),
    File("manager.conf", "manager", {"general": manager.Manager, "user": manager.ManagerUser}),
    File("modules.conf", "core", {}),
    File("musiconhold.conf", "res_musiconhold", {
        "general": musiconhold.MusicOnHold, "class": musiconhold.MusicClass,
    }),
    File("pjsip.conf", "res_pjsip", {
        "endpoint": sip.Endpoint, "aor": sip.Aor, "auth": sip.Auth, "identify": sip.Identify,
        "transport": sip.Transport, "global": sip.Global, "system": sip.System,
    }),
    File("pjsip_notify.conf", "res_pjsip_notify", {}),
    File("prometheus.conf", "res_prometheus", {}),
    File("res_config_mysql.conf", "res_config_mysql", {}),
    File("res_config_sqlite3.conf", "res_config_sqlite3", {}),
    File("res_odbc.conf", "res_odbc", {"connection": res_odbc.OdbcClass}),
    File("res_pgsql.conf", "res_config_pgsql", {}),
    File("rtp.conf", "res_rtp_asterisk", {"general": rtp.Rtp}),
    File("say.conf", "pbx_config", {}),
    File("sorcery.conf", "res_pjsip", {}),
    File("statsd.conf", "res_statsd", {"general": statsd.StatsdSettings}),
    File("tracing.conf", "tracing", {}),
    File("websocket_client.conf", "res_websocket_client", {
        "websocket_client": websocket_client.WebsocketClient,
    }),
)  # fmt: skip


@command("config list", "List the configuration files and whose they are")
def list_files(context: CliContext, _call: Call) -> str:
    """List the files that are read, and by what."""
    directory = Path(context.configuration.directories.astetcdir)
    rows = (f"{file.module:<20} {directory / file.name}" for file in FILES)
    return lines(f"{'Module':<20} Config file", f"{'------':<20} -----------", *rows)


def _complete_file(_context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [file.name for file in FILES]


@command(
    "config reload",
    "Read a configuration file again",
    arguments="<filename.conf>",
    complete=_complete_file,
)
async def reload(context: CliContext, call: Call) -> str:
    """Reload what uses a file."""
    if len(call.arguments) != 1:
        raise WrongUsage
    wanted = Path(call.arguments[0]).name
    for file in FILES:
        if file.name == wanted:
            return lines(*await context.lifecycle.reload(file.module))
    raise CommandError(f"{call.arguments[0]} is read by nothing")


def _complete_help(_context: CliContext, arguments: Sequence[str]) -> list[str]:
    documented = {file.module: file.types for file in FILES if file.types}
    match list(arguments):
        case []:
            return list(documented)
        case [module]:
            return list(documented.get(module, ()))
        case [module, kind] if kind in documented.get(module, ()):
            return [option.name for option in document(documented[module][kind])]
        case _:
            return []


@command(
    "config show help",
    "Show what may stand in the configuration files",
    arguments="[<module> [<type> [<option>]]]",
    complete=_complete_help,
)
def show_help(_context: CliContext, call: Call) -> str:
    """List modules, the types of one, the options of a type, or one option."""
    found = [file for file in FILES if file.types]
    if not call.arguments:
        return lines(*(f"{file.module}: {file.name}" for file in found))
    module, *rest = call.arguments
    for file in found:
        if file.module == module:
            return _describe(file, rest)
    raise CommandError(f"Module {module} not found.")


def _describe(file: File, rest: Sequence[str]) -> str:
    if not rest:
        return lines(f"{file.module}: {file.name}", "", "Configuration option types", *(
            f"\t{kind}: {_summary(each)}" for kind, each in file.types.items()
        ))  # fmt: skip
    kind, *names = rest
    each = file.types.get(kind)
    if each is None:
        raise CommandError(f"Unknown configuration type {kind}")
    options = document(each)
    if not names:
        return lines(f"{kind}: [category !~ /.?/]", "", _summary(each), "", *(
            f"{option.name:<32} -- {_default(option)}" for option in options
        ))  # fmt: skip
    for option in options:
        if len(names) == 1 and option.name == names[0].lower():
            return lines(
                f"[{kind}]",
                f"{option.name} = ({_default(option)})",
                *([f"Accepted without effect: {option.no_effect}."] if option.no_effect else []),
            )
    raise CommandError(f"Unknown configuration option {' '.join(names)}")


def _summary(kind: type) -> str:
    return (kind.__doc__ or "").strip().partition("\n")[0].replace("``", "")


def _default(option: Documented) -> str:
    return f"Default: {option.default or 'n/a'}"


@command("core show config mappings", "List what is kept in databases")
def show_mappings(context: CliContext, _call: Call) -> str:
    """List the families of extconfig.conf by the engine that has them."""
    families = context.configuration.databases.extconfig.families
    engines: dict[str, list[str]] = {}
    for family, sources in families.items():
        for source in sources:
            row = f"===> {family} (db={source.database}, table={source.table or family})"
            engines.setdefault(source.driver, []).append(row)
    rows: list[str] = []
    for engine, mapped in engines.items():
        rows += [f"Config Engine: {engine}", *mapped, ""]
    return lines(*rows)
