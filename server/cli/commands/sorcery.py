"""``sorcery memory cache …``: caches of objects. There are none: every object is in memory."""

from __future__ import annotations

from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command


def _refuse(call: Call, most: int) -> str:
    if not 1 <= len(call.arguments) <= most:
        raise WrongUsage
    raise CommandError(f"Specified sorcery memory cache '{call.arguments[0]}' does not exist")


@command("sorcery memory cache {show|dump}", "Show a cache of objects", arguments="<name>")
def show(_context: CliContext, call: Call) -> str:
    """Say that there is no such cache."""
    return _refuse(call, 1)


@command("sorcery memory cache populate", "Fill a cache of objects anew", arguments="<cache name>")
def populate(_context: CliContext, call: Call) -> str:
    """Say that there is no such cache."""
    return _refuse(call, 1)


@command(
    "sorcery memory cache expire",
    "Drop objects of a cache",
    arguments="<cache name> [object name]",
)
def expire(_context: CliContext, call: Call) -> str:
    """Say that there is no such cache."""
    return _refuse(call, 2)


@command(
    "sorcery memory cache stale",
    "Have objects of a cache read again",
    arguments="<cache name> [object name [reload]]",
)
def stale(_context: CliContext, call: Call) -> str:
    """Say that there is no such cache."""
    return _refuse(call, 3)
