"""Application and function arguments: splitting at commas, options, places to go to."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)

_LEADING_INTEGER = re.compile(r"\s*([+-]?[0-9]{1,30})")  # what sscanf's %30d would read
_SPECIAL = frozenset('()[]"\\')


def split_arguments(text: str, limit: int = 0, separator: str = ",") -> list[str]:
    r"""Split at *separator* outside of quotes, parentheses and brackets.

    Quotes are removed, and so is a backslash, which makes the character after it ordinary.

    :param limit: the last of this many arguments keeps its separators; 0 for no limit.
    """
    return _split(text, limit, separator, raw=False)


def split_raw(text: str, limit: int = 0, separator: str = ",") -> list[str]:
    """Split like :func:`split_arguments`, but leave quotes and backslashes where they are."""
    return _split(text, limit, separator, raw=True)


def _split(text: str, limit: int, separator: str, *, raw: bool) -> list[str]:
    if not text:
        return []
    if _SPECIAL.isdisjoint(text):
        return text.split(separator, limit - 1 if limit else -1)
    return _Splitter(separator, limit, raw=raw).split(text)


class _Splitter:
    def __init__(self, separator: str, limit: int, *, raw: bool) -> None:
        self._separator = separator
        self._limit = limit
        self._raw = raw

    def split(self, text: str) -> list[str]:
        arguments: list[str] = []
        current: list[str] = []
        parentheses = brackets = 0
        is_quoted = False
        letters = iter(text)
        for letter in letters:
            if letter == "\\":
                current.append("\\" if self._raw else "")
                current.append(next(letters, ""))
                continue
            if letter == '"':
                is_quoted = not is_quoted
                current.append('"' if self._raw else "")
                continue
            parentheses = _nested(parentheses, letter, "(", ")")
            brackets = _nested(brackets, letter, "[", "]")
            is_free = not (parentheses or brackets or is_quoted)
            if letter == self._separator and is_free and len(arguments) + 1 != self._limit:
                arguments.append("".join(current))
                current = []
            else:
                current.append(letter)
        arguments.append("".join(current))
        return arguments


def _nested(depth: int, letter: str, opening: str, closing: str) -> int:
    if letter == opening:
        return depth + 1
    return max(0, depth - 1) if letter == closing else depth


def argument(arguments: list[str], index: int, default: str = "") -> str:
    """Return one argument, *default* if it is missing or empty."""
    return (arguments[index] if index < len(arguments) else "") or default


@dataclass(slots=True)
class Options:
    """Single-letter options and their arguments in parentheses.

    :param unknown: letters that were given but that the application does not have.
    """

    flags: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def __contains__(self, letter: str) -> bool:
        return letter in self.flags

    def get(self, letter: str, default: str = "") -> str:
        """Return the argument of an option, *default* if there is none."""
        return self.flags.get(letter) or default


def parse_options(
    text: str, supported: Collection[str], application: str, where: str = ""
) -> Options:
    """Parse option letters such as ``m(jazz)tT``.

    A letter that is not *supported* is reported in the log and skipped, with its argument.

    :param where: the position in the dialplan, for the log.
    """
    options = Options()
    index = 0
    while index < len(text):
        letter = text[index]
        index += 1
        value = ""
        if text[index : index + 1] == "(":
            value, index = _option_argument(text, index + 1, letter, application)
        if letter in supported:
            options.flags[letter] = value
        elif not letter.isspace():
            options.unknown.append(letter)
    if options.unknown:
        logger.warning(
            "%s%s: option %s is not supported and was ignored",
            f"{where}: " if where else "",
            application,
            ", ".join(options.unknown),
        )
    return options


def _option_argument(text: str, index: int, letter: str, application: str) -> tuple[str, int]:
    kept: list[str] = []
    depth, is_quoted, parses_quotes = 1, False, text[index : index + 1] == '"'
    while index < len(text):
        char = text[index]
        index += 1
        if char == "\\" and index < len(text):
            char = text[index]
            index += 1
        elif char == '"' and parses_quotes:
            is_quoted = not is_quoted
            continue
        elif char in "()" and not is_quoted:
            depth += 1 if char == "(" else -1
            if depth == 0:
                return "".join(kept), index
        kept.append(char)
    logger.error("%s: missing closing parenthesis after option %s", application, letter)
    return "".join(kept), index


@dataclass(frozen=True, slots=True)
class Target:
    """A place to go to; ``None`` means the present context or extension.

    :param priority: a number, a label, ``n``, or relative as ``+2``.
    """

    context: str | None
    exten: str | None
    priority: str


def parse_target(text: str) -> Target | None:
    """Parse ``[[context,]extension,]priority``; ``^`` separates too; ``None`` if empty."""
    parts = [part.strip() for part in split_arguments(text.strip(), 3)]
    if len(parts) == 1 and "^" in parts[0]:
        parts = parts[0].split("^", 2)
    if not parts or not parts[-1]:
        return None
    context = parts[-3] if len(parts) > 2 and parts[-3] else None
    exten = parts[-2] if len(parts) > 1 and parts[-2] else None
    return Target(context, exten, parts[-1])


def split_condition(text: str) -> tuple[str, str, str]:
    """Split ``condition?if true:if false`` at the first ``?`` and the first ``:`` after it."""
    condition, _, rest = text.partition("?")
    if_true, _, if_false = rest.partition(":")
    return condition.strip(), if_true.strip(), if_false.strip()


def split_nested_condition(text: str) -> tuple[str, str, str]:
    """Split like :func:`split_condition`, outside of quotes and parentheses, which stay."""
    parts = split_raw(text, 2, "?")
    branches = split_raw(argument(parts, 1), 2, ":")
    return argument(parts, 0).strip(), argument(branches, 0).strip(), argument(branches, 1).strip()


def is_true(condition: str) -> bool:
    """Tell whether a condition holds: a number other than 0, or any other text but none."""
    if not condition:
        return False
    number = _LEADING_INTEGER.match(condition)
    return int(number[1]) != 0 if number else True
