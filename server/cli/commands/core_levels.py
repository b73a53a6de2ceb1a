"""``core set …``: how much is said, here or by the whole server."""

from __future__ import annotations

from server.cli.context import CliContext
from server.cli.registry import Call, WrongUsage, command

MAX_LEVEL = 1000


@command(
    "core set verbose",
    "Set the verbosity of this console, or of the server",
    arguments="{[atleast] <level> | off}",
)
def set_verbose(context: CliContext, call: Call) -> str:
    """Set this console's verbosity; a single command (-x) sets the server's."""
    console = call.console
    former = context.log.verbose if console is None else console.verbose_level
    level = _read_level(call.arguments, former)
    if console is None:
        context.log.set_verbose(level)
    else:
        console.verbose_level = level
        context.log.console_changed()
    return _changed("Console verbose", former, level)


@command(
    "core set debug", "Set the debug level of the server", arguments="{[atleast] <level> | off}"
)
def set_debug(context: CliContext, call: Call) -> str:
    """Set the server's debug level and let this console see the messages."""
    former = context.log.debug
    level = _read_level(call.arguments, former)
    if call.console is not None:
        call.console.debug_level = level
    context.log.set_debug(level)
    return _changed("Core debug", former, level)


def _read_level(arguments: tuple[str, ...], former: int) -> int:
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
        return f"{what} is still {level}."
    return f"{what} was {former} and is now {level}."
