"""JSON_DECODE()."""

from __future__ import annotations

import re

import orjson

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_raw
from server.dialplan.functions.strings import lookup, unescape
from server.dialplan.registry import function
from server.dialplan.scope import Scope

MAX_DEPTH = 128

_INDEX = re.compile(r"\d{1,9}")


@function("JSON_DECODE")
def decode(scope: Scope, data: str) -> str:
    """JSON_DECODE(variable,item,separator,options): one item of the JSON in a variable.

    ``a.b.0`` goes down from key to key, at the separator, a point by default; arrays are counted
    from 0. Objects and arrays come as JSON, true and false as 1 and 0, null as empty. With the
    option ``c`` it is how many items an array has. An item that is missing is empty.
    """
    arguments = split_raw(data, 4)
    if len(arguments) < 2 or not arguments[0].strip():
        raise InvalidArgument("JSON_DECODE", "expected variable and item")
    separator = unescape(argument(arguments, 2))[:1] or "."
    text = lookup(scope, arguments[0])
    if not text:
        return ""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidArgument("JSON_DECODE", f"not JSON: {error}") from None
    for key in arguments[1].split(separator, MAX_DEPTH) if arguments[1] else ():
        found = _step(found, key)
    if "c" in argument(arguments, 3):
        return str(len(found)) if isinstance(found, list) else ""
    return _show(found)


def _step(value: object, key: str) -> object:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and _INDEX.fullmatch(key) and int(key) < len(value):
        return value[int(key)]
    return None


def _show(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return value if isinstance(value, str) else orjson.dumps(value).decode()
