"""``database …``: what DB() and others keep (AstDB)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from server.base.errors import InvalidArgument, Unavailable
from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.store.kv import KeyValueStore

_FAILED = "Failed to update entry."


def _store(context: CliContext) -> KeyValueStore:
    if context.dialplan.store is None:
        raise Unavailable("there is no database")
    return context.dialplan.store


def _complete_family(context: CliContext, arguments: Sequence[str]) -> list[str]:
    store = context.dialplan.store
    if store is None:
        return []
    match list(arguments):
        case []:
            return sorted({key.split("/")[1] for key, _ in store.items()})
        case [family]:
            return [key for key, _ in store.items(family)]
        case _:
            return []


@command(
    "database put",
    "Set a value",
    arguments="<family> <key> <value>",
    complete=_complete_family,
)
def put(context: CliContext, call: Call) -> str:
    """Set the value of a key."""
    if len(call.arguments) != 3:
        raise WrongUsage
    try:
        _store(context).put(*call.arguments)
    except InvalidArgument as error:
        raise CommandError(f"{_FAILED} {error}") from None
    return "Updated database successfully"


@command("database get", "Show a value", arguments="<family> <key>", complete=_complete_family)
def get(context: CliContext, call: Call) -> str:
    """Show the value of a key."""
    if len(call.arguments) != 2:
        raise WrongUsage
    value = _store(context).get(*call.arguments)
    if value is None:
        raise CommandError("Database entry not found.")
    return f"Value: {value}"


@command("database del", "Delete a key", arguments="<family> <key>", complete=_complete_family)
def delete(context: CliContext, call: Call) -> str:
    """Delete a key and its value."""
    if len(call.arguments) != 2:
        raise WrongUsage
    if not _store(context).delete(*call.arguments):
        raise CommandError("Database entry could not be removed.")
    return "Database entry removed."


@command(
    "database deltree",
    "Delete a family, or a part of it",
    arguments="<family> [keytree]",
    complete=_complete_family,
)
def delete_tree(context: CliContext, call: Call) -> str:
    """Delete all keys of a family, or those below one of its keys."""
    if len(call.arguments) not in (1, 2):
        raise WrongUsage
    count = _store(context).delete_tree("/".join(call.arguments))
    if not count:
        raise CommandError("Database entries do not exist.")
    return f"{count} database entries removed."


@command(
    "database show",
    "List keys and values",
    arguments="[family [keytree]]",
    complete=_complete_family,
)
def show(context: CliContext, call: Call) -> Iterator[str]:
    """List everything, a family, or what is below one of its keys."""
    if len(call.arguments) > 2:
        raise WrongUsage
    tree = "/".join(call.arguments)
    found = _store(context).items()
    if tree:
        found = [pair for pair in found if f"{pair[0]}/".startswith(f"/{tree}/")]
    return _rows(found)


@command("database showkey", "List the families that have a key", arguments="<keytree>")
def show_key(context: CliContext, call: Call) -> Iterator[str]:
    """List the values of one key in all families."""
    if len(call.arguments) != 1:
        raise WrongUsage
    ending = f"/{call.arguments[0]}"
    return _rows([pair for pair in _store(context).items() if pair[0].endswith(ending)])


def _rows(found: Sequence[tuple[str, str]]) -> Iterator[str]:
    for key, value in found:
        yield f"{key:<50}: {value:<25}"
    yield f"{len(found)} results found."
