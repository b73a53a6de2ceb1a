"""Functions on text."""

from __future__ import annotations

import re

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_arguments, split_raw
from server.dialplan.numbers import parse_integer
from server.dialplan.posix_regex import compile_regex
from server.dialplan.registry import function
from server.dialplan.scope import Scope
from server.dialplan.variables import MAX_VALUE, parse_reference

_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{1,2})|0?([0-7]{1,3})|(.))", re.DOTALL)
_KEYS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
BLANKS = "".join(map(chr, range(1, 33)))  # all that Asterisk takes for blank
_CONTROL = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


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


@function("PASSTHRU")
def pass_through(scope: Scope, data: str) -> str:
    """PASSTHRU(text): the text, where a function wants the name of a variable."""
    return data


@function("TRIM")
def trim(scope: Scope, data: str) -> str:
    """TRIM(text): without the blanks around it."""
    return data.strip(BLANKS)


@function("LTRIM")
def trim_left(scope: Scope, data: str) -> str:
    """LTRIM(text): without the blanks before it."""
    return data.lstrip(BLANKS)


@function("RTRIM")
def trim_right(scope: Scope, data: str) -> str:
    """RTRIM(text): without the blanks after it."""
    return data.rstrip(BLANKS)


@function("KEYPADHASH")
def keypad_hash(scope: Scope, data: str) -> str:
    """KEYPADHASH(text): the keys that spell it; what is on no key is left out."""
    return "".join(letter for letter in data.upper().translate(_KEYS) if letter in "0123456789")


@function("STRBETWEEN")
def insert_between(scope: Scope, data: str) -> str:
    """STRBETWEEN(variable,text): with the text between all characters."""
    arguments = split_raw(data, 2)
    if len(arguments) < 2 or not arguments[1]:
        raise InvalidArgument("STRBETWEEN", "expected variable and text")
    value = lookup(scope, arguments[0])
    if len(value) * len(arguments[1]) > MAX_VALUE:
        raise InvalidArgument("STRBETWEEN", f"more than {MAX_VALUE} characters would come out")
    return arguments[1].join(value)


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
    arguments = split_arguments(data, 4)
    if not argument(arguments, 1):
        raise InvalidArgument("STRREPLACE", "expected variable and text")
    count = parse_integer(argument(arguments, 3))
    by = argument(arguments, 2)
    return lookup(scope, arguments[0]).replace(arguments[1], by, count if count > 0 else -1)


@function("REGEX")
def regex(scope: Scope, data: str) -> str:
    """REGEX("regular expression" text): 1 if it matches somewhere, else 0."""
    _, quote, rest = data.partition('"')
    pattern, end, text = rest.partition('"')
    if not quote or not end:
        raise InvalidArgument("REGEX", "expected the regular expression in quotes, and a text")
    if len(text) > 1:
        text = text.removeprefix(" ")
    return "1" if compile_regex(pattern).search(text) else "0"


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
