"""Commands on the key-value store (AstDB)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from server.agi.commands.registry import command
from server.agi.commands.variables import found
from server.base.errors import ServerError, Unavailable
from server.store.kv import KeyValueStore

if TYPE_CHECKING:
    from server.agi.session import Session


def _store(session: Session) -> KeyValueStore:
    store = session.call.dialplan.store
    if store is None:
        raise Unavailable("there is no database")
    return store


@command("DATABASE GET", "<family> <key>", least=2, most=2, runs_dead=True)
def get(session: Session, args: list[str]) -> str:
    """Tells the value of a key."""
    try:
        return found(_store(session).get(args[0], args[1]))
    except ServerError:
        return "200 result=0"


@command("DATABASE PUT", "<family> <key> <value>", least=3, most=3, runs_dead=True)
def put(session: Session, args: list[str]) -> str:
    """Stores a value under a key."""
    try:
        _store(session).put(args[0], args[1], args[2])
    except ServerError as error:
        session.call.report(f"DATABASE PUT: {error}")
        return "200 result=0"
    return "200 result=1"


@command("DATABASE DEL", "<family> <key>", least=2, most=2, runs_dead=True)
def delete(session: Session, args: list[str]) -> str:
    """Deletes a key."""
    return f"200 result={int(_store(session).delete(args[0], args[1]))}"


@command("DATABASE DELTREE", "<family> [keytree]", least=1, most=2, runs_dead=True)
def delete_tree(session: Session, args: list[str]) -> str:
    """Deletes all keys of a family, or those below one of its keys."""
    return f"200 result={int(_store(session).delete_tree('/'.join(args)) > 0)}"
