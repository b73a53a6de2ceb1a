"""The parts of an AEL program, as they are written.

Expressions, arguments and values are kept as text: what they mean is known when a call runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from server.base.errors import ConfigError
from server.config.objects import ConfigWarning


@dataclass(frozen=True, slots=True)
class Position:
    """Where something stands; lines and columns count from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class AelError(ConfigError):
    """An AEL file is wrong; the text begins with file:line:column."""

    def __init__(self, at: Position, reason: str) -> None:
        super().__init__(at.path, at.line, f"{at.column}: {reason}")
        self.args = (f"{at}: {reason}",)


@dataclass(frozen=True, slots=True)
class AelWarning(ConfigWarning):
    """Something in a program that compiles, but hardly means what it says."""

    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.message}"


# statements


@dataclass(frozen=True, slots=True)
class Label:
    """``name:``"""

    at: Position
    name: str


@dataclass(frozen=True, slots=True)
class Block:
    """``{ ... }``, and an empty one for a lone semicolon."""

    at: Position
    statements: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Assignment:
    """``name=value;``, with ``local`` before it perhaps; the name may be a function's."""

    at: Position
    name: str
    value: str
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class ApplicationCall:
    """``Name(arguments);``"""

    at: Position
    name: str
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class MacroCall:
    """``&name(arguments);``"""

    at: Position
    name: str
    arguments: str
    count: int


@dataclass(frozen=True, slots=True)
class Goto:
    """``goto`` and ``jump``; what is not said is empty. A jump's label is ``1`` unless given."""

    at: Position
    context: str
    exten: str
    label: str


@dataclass(frozen=True, slots=True)
class Condition:
    """``if``, ``ifTime`` or ``random``, and its ``else``."""

    at: Position
    keyword: Literal["if", "ifTime", "random"]
    test: str
    then: Statement
    otherwise: Statement | None


@dataclass(frozen=True, slots=True)
class Loop:
    """``while``, or ``for`` with what runs before it and after each turn."""

    at: Position
    keyword: Literal["while", "for"]
    test: str
    body: Statement
    first: Statement | None = None
    step: Statement | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A branch of ``switch``; the value of ``default`` is empty."""

    at: Position
    keyword: Literal["case", "pattern", "default"]
    value: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Switch:
    """``switch (test) { ... }``"""

    at: Position
    test: str
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """``break``, ``continue`` or ``return``."""

    at: Position
    keyword: Literal["break", "continue", "return"]


Statement = (
    Label | Block | Assignment | ApplicationCall | MacroCall | Goto | Condition | Loop | Switch
    | Leave
)  # fmt: skip


# what contexts are made of


@dataclass(frozen=True, slots=True)
class Extension:
    """``regexten hint(...) name => statement``

    :param hint: ``None`` if there is none.
    """

    at: Position
    name: str
    body: Statement
    hint: str | None = None
    is_regexten: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """One line of ``includes``.

    :param times: what follows the name, separated by commas; empty for always.
    """

    at: Position
    context: str
    times: str


@dataclass(frozen=True, slots=True)
class SwitchLine:
    """One line of ``switches`` or ``eswitches``; *keyword* is that of extensions.conf."""

    at: Position
    keyword: Literal["switch", "eswitch"]
    value: str


@dataclass(frozen=True, slots=True)
class IgnorePattern:
    """``ignorepat => pattern;``"""

    at: Position
    pattern: str


Element = Extension | Include | SwitchLine | IgnorePattern | Assignment


@dataclass(frozen=True, slots=True)
class Context:
    """``abstract context name { ... }``"""

    at: Position
    name: str
    elements: tuple[Element, ...]
    is_abstract: bool = False
    is_extend: bool = False


@dataclass(frozen=True, slots=True)
class Catch:
    """``catch name { ... }`` in a macro."""

    at: Position
    exten: str
    body: Statement


@dataclass(frozen=True, slots=True)
class Macro:
    """``macro name(parameters) { ... }``"""

    at: Position
    name: str
    parameters: tuple[str, ...]
    body: Block
    catches: tuple[Catch, ...] = ()
    includes: tuple[Include, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """A whole file, with all it includes."""

    contexts: tuple[Context, ...] = ()
    macros: tuple[Macro, ...] = ()
    globals: tuple[Assignment, ...] = ()
    files: tuple[str, ...] = ()
