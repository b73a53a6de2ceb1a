"""Functions on the key-value store (AstDB)."""

from __future__ import annotations

from server.base.errors import InvalidArgument, Unavailable
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.store.kv import KeyValueStore


def _store(scope: Scope) -> KeyValueStore:
    store = scope.dialplan.store
    if store is None:
        raise Unavailable("there is no database")
    return store


def _split(data: str) -> tuple[str, str]:
    family, slash, key = data.partition("/")
    if not slash or not family or not key:
        raise InvalidArgument("DB", f"{data!r} is not family/key")
    return family, key


def _note(scope: Scope, value: str) -> None:
    """Keep what was read in DB_RESULT, as Asterisk does."""
    if scope.has_channel:
        scope.set("DB_RESULT", value)


@function("DB", escalates=True)
def read(scope: Scope, data: str) -> str:
    """DB(family/key)."""
    value = _store(scope).get(*_split(data)) or ""
    _note(scope, value)
    return value


@function_write("DB", escalates=True)
def write(scope: Scope, data: str, value: str) -> None:
    """Set DB(family/key)."""
    _store(scope).put(*_split(data), value)


@function("DB_EXISTS")
def exists(scope: Scope, data: str) -> str:
    """DB_EXISTS(family/key): 1 or 0; the value is in DB_RESULT."""
    value = _store(scope).get(*_split(data))
    if value is not None:
        _note(scope, value)
    return "0" if value is None else "1"


@function("DB_DELETE", escalates=True)
def delete(scope: Scope, data: str) -> str:
    """DB_DELETE(family/key): delete it, and be its last value."""
    family, key = _split(data)
    value = _store(scope).get(family, key) or ""
    _store(scope).delete(family, key)
    _note(scope, value)
    return value


@function_write("DB_DELETE")
def write_delete(scope: Scope, data: str, value: str) -> None:
    """Delete without reading."""
    _store(scope).delete(*_split(data))


@function("DB_KEYS")
def keys(scope: Scope, data: str) -> str:
    """DB_KEYS(prefix): the next part of all keys below it, separated by commas."""
    found: dict[str, None] = {}
    for key, _value in _store(scope).items(data.strip("/")):
        found[key.lstrip("/").partition("/")[0]] = None
    return ",".join(found)


@function("DB_KEYCOUNT")
def key_count(scope: Scope, data: str) -> str:
    """DB_KEYCOUNT(prefix): how many keys are below it."""
    return str(len(_store(scope).items(data.strip("/"))))
