"""``core set …``: how much is said, here or by the whole server."""

from __future__ import annotations

from collections.abc import Sequence

from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command

MAX_LEVEL = 1000
# Asterisk's modules, and the packages of ours that do what they do
PACKAGES = {
    "asterisk": "server", "bridge": "server.resources.bridges",
    "channel": "server.resources", "chan_pjsip": "server.sip",
    "cli": "server.cli", "config": "server.config", "db": "server.store", "http": "server.http",
    "manager": "server.ami", "pbx": "server.dialplan", "pbx_ael": "server.dialplan.ael",
    "pbx_config": "server.dialplan", "pbx_lua": "server.dialplan.lua",
    "pbx_spool": "server.callfiles", "res_agi": "server.agi", "res_ari": "server.http",
    "res_http_websocket": "server.http", "res_odbc": "server.store.sql",
    "res_pjsip": "server.sip", "res_pjsip_session": "server.sip",
    "res_rtp_asterisk": "server.media", "res_stasis": "server.stasis", "stasis": "server.stasis",
}  # fmt: skip


@command(
    "core set verbose",
    "Set the verbosity of this console, or of the server",
    arguments="{[atleast] <level> | off}",
)
def set_verbose(context: CliContext, call: Call) -> str:
    """Set this console's verbosity; a single command (-x) sets the server's."""
    console = call.console
    former = context.log.verbose if console is None else console.verbose_level
    level = _read_level([word for word in call.arguments if word != "silent"], former)
    if console is None:
        context.log.set_verbose(level)
    else:
        console.verbose_level = level
        context.log.console_changed()
    return "" if "silent" in call.arguments else _changed("Console verbose", former, level)


def _complete_debug(context: CliContext, arguments: Sequence[str]) -> Sequence[str]:
    if not arguments:
        return ("atleast", "off")
    return tuple(PACKAGES) if arguments[-1].isdecimal() else ()


@command(
    "core set debug",
    "Set the debug level of the server, or of one module",
    arguments="{[atleast] <level> [module] | off [module]}",
    complete=_complete_debug,
)
def set_debug(context: CliContext, call: Call) -> str:
    """Set the server's debug level and let this console see the messages, or only a module's."""
    words = list(call.arguments)
    if len(words) > 1 and words[-1] != "off" and not words[-1].isdecimal():
        return _set_module_debug(context, words.pop().removesuffix(".so"), words)
    former = context.log.debug
    level = _read_level(words, former)
    if call.console is not None:
        call.console.debug_level = level
    context.log.set_debug(level)
    return _changed("Core debug", former, level)


def _set_module_debug(context: CliContext, module: str, words: Sequence[str]) -> str:
    package = PACKAGES.get(module.lower())
    if package is None:
        raise CommandError(f"'{module}' has no debug messages of its own")
    former = context.log.module_debug.get(package, 0)
    level = _read_level(words, former)
    context.log.set_module_debug(package, level)
    return f"Core debug was {_shown(former)} and has been set to {_shown(level)} for '{module}'."


def _read_level(arguments: Sequence[str], former: int) -> int:
    words = list(arguments)
    if words == ["off"]:
        return 0
    is_minimum = len(words) == 2 and words[0] == "atleast"
    if is_minimum:
        words.pop(0)
    if len(words) != 1 or not words[0].isascii() or not words[0].isdigit():
        raise WrongUsage
    level = min(int(words[0][:9]), MAX_LEVEL)
    return max(level, former) if is_minimum else level


def _changed(what: str, former: int, level: int) -> str:
    if former == level:
        return f"{what} is still {_shown(former)}."
    return f"{what} was {_shown(former)} and is now {_shown(level)}."


def _shown(level: int) -> str:
    return str(level) if level else "OFF"
