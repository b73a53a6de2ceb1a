"""Functions on text."""

from __future__ import annotations

import re

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_raw
from server.dialplan.posix_regex import compile_regex
from server.dialplan.registry import function
from server.dialplan.scope import Scope
from server.dialplan.variables import parse_reference

_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|0?([0-7]{1,3})|(.))", re.DOTALL)
_CONTROL = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_RANGE = re.compile(r"(\d{0,9})\s*(-?)\s*(\d{0,9})")


def lookup(scope: Scope, name: str) -> str:
    """Return the value of a variable or function that is named without ``${}``."""
    return parse_reference(name.strip()).evaluate(scope)


def unescape(text: str) -> str:
    r"""Resolve ``\n``, ``\t``, ``\x41``, ``\101`` and the like."""
    if "\\" not in text:
        return text

    def replacement(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        if match[2]:
            return chr(int(match[2], 8) & 0xFF)
        return _CONTROL.get(match[3], match[3])

    return _ESCAPE.sub(replacement, text)


@function("LEN")
def length(scope: Scope, data: str) -> str:
    """LEN(text): number of characters."""
    return str(len(data))


@function("TOUPPER")
def to_upper(scope: Scope, data: str) -> str:
    """TOUPPER(text)."""
    return data.upper()


@function("TOLOWER")
def to_lower(scope: Scope, data: str) -> str:
    """TOLOWER(text)."""
    return data.lower()


@function("CUT")
def cut(scope: Scope, data: str) -> str:
    """CUT(variable,delimiter,fields): fields such as ``2``, ``1-3``, ``-3``, ``2-``, ``1&3``."""
    arguments = split_raw(data, 3)
    if len(arguments) < 3:
        raise InvalidArgument("CUT", "expected variable, delimiter and fields")
    delimiter = unescape(arguments[1])[:1] or "-"
    fields = lookup(scope, arguments[0]).split(delimiter)
    chosen: list[str] = []
    for group in arguments[2].split("&"):
        match = _RANGE.fullmatch(group.strip())
        if match is None or not group.strip():
            raise InvalidArgument("CUT", f"{group!r} is not a range of fields")
        first = int(match[1] or 1)
        last = int(match[3] or len(fields)) if match[2] else first
        chosen += fields[max(0, first - 1) : last] if first else []
    return delimiter.join(chosen)


@function("FIELDQTY")
def field_quantity(scope: Scope, data: str) -> str:
    """FIELDQTY(variable,delimiter): how many fields the value has."""
    arguments = split_raw(data, 2)
    if len(arguments) < 2:
        raise InvalidArgument("FIELDQTY", "expected variable and delimiter")
    delimiter = unescape(arguments[1])[:1]
    value = lookup(scope, arguments[0])
    if not value:
        return "0"
    return str(value.count(delimiter) + 1) if delimiter else "1"


@function("FILTER")
def filter_text(scope: Scope, data: str) -> str:
    """FILTER(allowed,text): keep the characters in *allowed*, which may have ranges ``a-z``."""
    allowed_text, comma, text = data.partition(",")
    while allowed_text.endswith("\\") and comma:
        more, comma, text = text.partition(",")
        allowed_text = f"{allowed_text},{more}"
    if not comma:
        raise InvalidArgument("FILTER", "expected the allowed characters and a text")
    allowed = _expand(allowed_text)
    return "".join(letter for letter in text if letter in allowed)


def _expand(text: str) -> set[str]:
    letters: list[tuple[str, bool]] = []  # character, whether it was escaped
    index = 0
    while index < len(text):
        match = _ESCAPE.match(text, index)
        letters.append((unescape(match[0]), True) if match else (text[index], False))
        index = match.end() if match else index + 1
    allowed: set[str] = set()
    position = 0
    while position < len(letters):
        letter = letters[position][0]
        if position + 2 < len(letters) and letters[position + 1] == ("-", False):
            low, high = sorted((ord(letter), ord(letters[position + 2][0])))
            allowed.update(map(chr, range(low, min(high, low + 0xFF) + 1)))
            position += 3
        else:
            allowed.add(letter)
            position += 1
    return allowed


@function("REPLACE")
def replace(scope: Scope, data: str) -> str:
    """REPLACE(variable,characters,replacement): each character by one, or by nothing."""
    arguments = split_raw(data, 3)
    if len(arguments) < 2:
        raise InvalidArgument("REPLACE", "expected variable and characters")
    by = unescape(argument(arguments, 2))[:1]
    table = {ord(letter): by for letter in unescape(arguments[1])}
    return lookup(scope, arguments[0]).translate(table)


@function("STRREPLACE")
def replace_text(scope: Scope, data: str) -> str:
    """STRREPLACE(variable,text,replacement,count): replace whole texts."""
    arguments = split_raw(data, 4)
    if len(arguments) < 2 or not arguments[1]:
        raise InvalidArgument("STRREPLACE", "expected variable and text")
    limit = argument(arguments, 3)
    count = int(limit) if limit.isdigit() and len(limit) < 10 else -1
    return lookup(scope, arguments[0]).replace(arguments[1], argument(arguments, 2), count)


@function("REGEX")
def regex(scope: Scope, data: str) -> str:
    """REGEX("regular expression" text): 1 if it matches somewhere, else 0."""
    _, quote, rest = data.partition('"')
    pattern, end, text = rest.partition('"')
    if not quote or not end:
        raise InvalidArgument("REGEX", "expected the regular expression in quotes, and a text")
    return "1" if compile_regex(pattern).search(text.removeprefix(" ")) else "0"


@function("QUOTE")
def quote_text(scope: Scope, data: str) -> str:
    """QUOTE(text): in quotes, with quotes and backslashes inside escaped."""
    escaped = data.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@function("CSV_QUOTE")
def quote_csv(scope: Scope, data: str) -> str:
    """CSV_QUOTE(text): in quotes, with quotes inside doubled."""
    doubled = data.replace('"', '""')
    return f'"{doubled}"'


@function("EVAL")
def evaluate(scope: Scope, data: str) -> str:
    """EVAL(text): substitute variables in a text that came out of variables."""
    try:
        return scope.substitute(data)
    except RecursionError:
        raise InvalidArgument("EVAL", "the text evaluates itself without end") from None
