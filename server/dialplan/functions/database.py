"""Functions on the key-value store (AstDB)."""

from __future__ import annotations

from server.base.errors import InvalidArgument, Unavailable
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.store.kv import KeyValueStore


def store_of(scope: Scope) -> KeyValueStore:
    """Return the store.

    :raises Unavailable: there is none.
    """
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
    value = store_of(scope).get(*_split(data)) or ""
    _note(scope, value)
    return value


@function_write("DB", escalates=True)
def write(scope: Scope, data: str, value: str) -> None:
    """Set DB(family/key)."""
    store_of(scope).put(*_split(data), value)


@function("DB_EXISTS")
def exists(scope: Scope, data: str) -> str:
    """DB_EXISTS(family/key): 1 or 0; the value is in DB_RESULT."""
    value = store_of(scope).get(*_split(data))
    if value is not None:
        _note(scope, value)
    return "0" if value is None else "1"


@function("DB_DELETE", escalates=True)
def delete(scope: Scope, data: str) -> str:
    """DB_DELETE(family/key): delete it, and be its last value."""
    family, key = _split(data)
    value = store_of(scope).get(family, key) or ""
    store_of(scope).delete(family, key)
    _note(scope, value)
    return value


@function_write("DB_DELETE")
def write_delete(scope: Scope, data: str, value: str) -> None:
    """Delete without reading."""
    store_of(scope).delete(*_split(data))


@function("DB_KEYS")
def keys(scope: Scope, data: str) -> str:
    """DB_KEYS(prefix): the next part of all keys below it, separated by commas."""
    found: dict[str, None] = {}
    for key, _value in store_of(scope).items(data.strip("/")):
        found[key.lstrip("/").partition("/")[0]] = None
    return ",".join(found)


@function("DB_KEYCOUNT")
def key_count(scope: Scope, data: str) -> str:
    """DB_KEYCOUNT(prefix): how many keys are below it."""
    return str(len(store_of(scope).items(data.strip("/"))))


@function("BLACKLIST")
def is_blacklisted(scope: Scope, data: str) -> str:
    """BLACKLIST(): 1 if the caller's number or name is a key of family ``blacklist``, else 0."""
    caller, store = scope.channel.caller, store_of(scope)
    known = (text for text in (caller.number, caller.name) if text)
    return "1" if any(store.get("blacklist", text) is not None for text in known) else "0"


@function("DIALGROUP")
def read_dial_group(scope: Scope, data: str) -> str:
    """DIALGROUP(group): its members, joined as Dial() wants them. They outlive a restart."""
    return store_of(scope).get("dialgroup", _group(data)[0]) or ""


@function_write("DIALGROUP")
def write_dial_group(scope: Scope, data: str, value: str) -> None:
    """Set the members of a group, or ``DIALGROUP(group,add)=`` one, ``DIALGROUP(group,del)=``."""
    group, operation = _group(data)
    store = store_of(scope)
    members = dict.fromkeys(filter(None, (store.get("dialgroup", group) or "").split("&")))
    if operation == "add":
        members[value] = None
    elif operation == "del":
        members.pop(value, None)
    elif operation:
        raise InvalidArgument("op", f"{operation!r} is neither add nor del")
    else:
        members = dict.fromkeys(value.split("&"))
    members.pop("", None)
    if members:
        store.put("dialgroup", group, "&".join(members))
    else:
        store.delete("dialgroup", group)


def _group(data: str) -> tuple[str, str]:
    arguments = split_arguments(data, 2)
    if not argument(arguments, 0):
        raise InvalidArgument("group", "the name of a group is needed")
    return arguments[0], argument(arguments, 1).strip().lower()
