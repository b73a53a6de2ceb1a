"""Substitution of ``${...}`` and ``$[...]`` in application arguments.

An argument is compiled once, when the dialplan is loaded, into literal text and parts. Text
without ``$`` stays a ``str`` and costs nothing. What is inside of ``${...}`` is substituted first,
then read as ``name``, ``name:offset:length`` or ``function(arguments)``; the value that comes out
is not substituted again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from server.dialplan.expression import (
    HOLE,
    HOLE_BASE,
    MAX_HOLES,
    ExpressionError,
    Program,
    compile_expression,
)

MAX_NESTING = 40  # ${${...}} inside each other
MAX_VALUE = 1 << 16  # characters that one substitution may produce
MAX_TEXT = 1 << 16  # characters in which something is substituted; a longer text stays as it is

GAP = "\ue001"  # stands for what is not known before the call

_SUBSTRING = re.compile(r"\s*([+-]?\d{1,30})(?::\s*([+-]?\d{1,30}))?")
_BRACKETS = {"{": "}", "[": "]"}


class Scope(Protocol):
    """Where names get their values."""

    def get(self, name: str) -> str | None:
        """Return a variable's value, ``None`` if it is not set."""

    def read_function(self, name: str, arguments: str) -> str:
        """Return what a dialplan function reads; a failure is reported and reads as empty."""

    def call_function(self, name: str, arguments: str) -> str | None:
        """Read a function from inside an expression; ``None`` if there is no such function."""

    def report(self, message: str) -> None:
        """Log something wrong with the dialplan, at the present position."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What is inside of ``${...}`` once it is plain text.

    :param arguments: of a function, ``None`` for a variable.
    :param substring: offset and length, either may be negative; ``None`` for the whole.
    """

    name: str
    arguments: str | None = None
    substring: tuple[int, int | None] | None = None

    def evaluate(self, scope: Scope) -> str:
        """Return the value, empty if there is none."""
        if self.arguments is None:
            value = scope.get(self.name) or ""
        else:
            value = scope.read_function(self.name, self.arguments)
        return value if self.substring is None else cut(value, *self.substring)

    def functions(self) -> Iterator[str]:
        """Iterate over the names of the functions that are read: one or none."""
        if self.arguments is not None:
            yield self.name


def cut(value: str, offset: int, length: int | None) -> str:
    """Return part of a value: ``${X:offset:length}``.

    A negative *offset* counts from the end; a negative *length* leaves out that many characters
    at the end.
    """
    if offset < 0:
        offset = max(0, len(value) + offset)
    if length is None:
        return value[offset:]
    if length < 0:
        return value[offset : max(offset, len(value) + length)]
    return value[offset : offset + length]


@lru_cache(maxsize=4_096)
def parse_reference(text: str) -> Reference:
    """Parse the inside of ``${...}``."""
    substring: tuple[int, int | None] | None = None
    colon = _substring_colon(text) if ":" in text else -1
    if colon >= 0:
        match = _SUBSTRING.match(text, colon + 1)
        if match:
            substring = int(match[1]), None if match[2] is None else int(match[2])
        text = text[:colon]
    name, parenthesis, rest = text.partition("(")
    if not parenthesis:
        return Reference(name, None, substring)
    end = rest.rfind(")")
    return Reference(name.strip(), rest if end < 0 else rest[:end], substring)


def _substring_colon(text: str) -> int:
    depth = 0
    for index, letter in enumerate(text):
        if letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
        elif letter == ":" and depth == 0:
            return index
    return -1


class Template:
    """Text with parts to substitute. :func:`compile_text` makes it."""

    __slots__ = ("parts", "source")

    def __init__(self, source: str, parts: Sequence[str | _Part]) -> None:
        self.source = source
        self.parts = parts

    def evaluate(self, scope: Scope) -> str:
        """Return the text with everything substituted."""
        texts = [part if isinstance(part, str) else part.evaluate(scope) for part in self.parts]
        text = "".join(texts) if len(texts) != 1 else texts[0]
        if len(text) > MAX_VALUE:
            scope.report(f"a text of more than {MAX_VALUE} characters was cut")
            return text[:MAX_VALUE]
        return text

    def skeleton(self) -> str:
        """Return the text with a :data:`GAP` for each part that is substituted."""
        return "".join(part if isinstance(part, str) else GAP for part in self.parts)

    def functions(self) -> Iterator[str]:
        """Iterate over the names of the functions that are read, where they can be told."""
        for part in self.parts:
            if not isinstance(part, str):
                yield from part.functions()


class _Indirect:
    """``${...}`` whose inside must be substituted before it can be read."""

    __slots__ = ("_inside",)

    def __init__(self, inside: Template) -> None:
        self._inside = inside

    def evaluate(self, scope: Scope) -> str:
        return parse_reference(self._inside.evaluate(scope)).evaluate(scope)

    def functions(self) -> Iterator[str]:
        name, parenthesis, _ = self._inside.skeleton().partition("(")
        if parenthesis and GAP not in name:
            yield name.strip()
        yield from self._inside.functions()


class _Expression:
    """``$[...]``; parsed at load time when its variables stand where operands do."""

    __slots__ = ("_parts", "_program", "_values")

    def __init__(self, inside: Template | str) -> None:
        self._parts: Sequence[str | _Part] = [inside] if isinstance(inside, str) else inside.parts
        self._values = [part for part in self._parts if not isinstance(part, str)]
        self._program = _precompile(self._parts)

    def evaluate(self, scope: Scope) -> str:
        values = [part.evaluate(scope) for part in self._values]
        if self._program is not None:
            result = self._program.run(scope.report, scope.call_function, values)
            if result is not None:
                return result
        remaining = iter(values)
        text = "".join(part if isinstance(part, str) else next(remaining) for part in self._parts)
        try:
            return compile_expression(text).run(scope.report, scope.call_function) or ""
        except ExpressionError as error:
            scope.report(str(error))
            return ""

    def functions(self) -> Iterator[str]:
        if self._program is not None:
            yield from self._program.functions()
        for part in self._values:
            yield from part.functions()


_Part = Reference | _Indirect | _Expression


def compile_text(text: str, problems: list[str] | None = None) -> Template | str:
    """Compile a text; one without anything to substitute is returned as it is.

    :param problems: gets a message for each missing bracket; such a part reaches to the end.
    """
    if "$" not in text:
        return text
    if len(text) > MAX_TEXT:
        if problems is not None:
            problems.append(f"nothing is substituted in more than {MAX_TEXT} characters")
        return text
    return _compile(text, 0, [] if problems is None else problems)


def _compile(text: str, depth: int, problems: list[str]) -> Template | str:
    parts: list[str | _Part] = []
    start = 0
    while True:
        dollar = _next_part(text, start)
        if dollar < 0 or depth >= MAX_NESTING:
            break
        if dollar > start:
            parts.append(text[start:dollar])
        end = _closing(text, dollar, problems)
        inside = text[dollar + 2 : end]
        parts.append(_compile_part(text[dollar + 1], inside, depth, problems))
        start = end + 1
    if start < len(text):
        if dollar >= 0:
            problems.append(f"more than {MAX_NESTING} levels of ${{}} in {text[:40]!r}")
        parts.append(text[start:])
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0]
    return Template(text, tuple(parts)) if parts else ""


def _next_part(text: str, start: int) -> int:
    dollar = text.find("$", start)
    while dollar >= 0 and text[dollar + 1 : dollar + 2] not in ("{", "["):
        dollar = text.find("$", dollar + 1)
    return dollar


def _closing(text: str, dollar: int, problems: list[str]) -> int:
    """Return the index of the bracket that closes the part at *dollar*."""
    opening = text[dollar + 1]
    closing = _BRACKETS[opening]
    depth = 1
    for index in range(dollar + 2, len(text)):
        letter = text[index]
        if letter == opening:
            depth += 1
        elif letter == closing:
            depth -= 1
            if depth == 0:
                return index
    problems.append(f"missing {closing!r} after character {dollar + 1} of {text!r}")
    return len(text)


def _compile_part(kind: str, inside: str, depth: int, problems: list[str]) -> _Part:
    compiled = _compile(inside, depth + 1, problems) if "$" in inside else inside
    if kind == "[":
        return _Expression(compiled)
    if isinstance(compiled, str):
        return parse_reference(compiled)
    return _Indirect(compiled)


def _precompile(parts: Sequence[str | _Part]) -> Program | None:
    skeleton: list[str] = []
    holes = 0
    for part in parts:
        if isinstance(part, str):
            if HOLE in part:
                return None
            skeleton.append(part)
        else:
            skeleton.append(HOLE + chr(HOLE_BASE + holes))
            holes += 1
    if holes > MAX_HOLES:
        return None
    try:
        return compile_expression("".join(skeleton))
    except ExpressionError:
        return None


def substitute(text: str, scope: Scope) -> str:
    """Compile and evaluate a text that is not part of the loaded dialplan."""
    compiled = _compiled(text)
    return compiled if isinstance(compiled, str) else compiled.evaluate(scope)


@lru_cache(maxsize=1_024)
def _compiled(text: str) -> Template | str:
    return compile_text(text)
