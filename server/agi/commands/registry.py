"""The commands of AGI, small functions kept by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from server.agi.session import Session

Run = Callable[["Session", list[str]], str | Awaitable[str]]
"""A command: gets the session and the words after its name, returns the reply."""

R = TypeVar("R", bound=Run)

MAX_WORDS = 3  # of a name


class UsageError(Exception):
    """The arguments of a command are wrong: the script is told how it is used."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it was declared.

    :param syntax: what follows the name, for people.
    :param least: and *most*, how many arguments it takes; ``None`` for any number.
    :param runs_dead: it may be used after the call has ended.
    """

    name: str
    syntax: str
    summary: str
    run: Run
    least: int
    most: int | None
    runs_dead: bool

    @property
    def usage(self) -> str:
        """How it is used, as scripts are told."""
        return f" Usage: {self.name} {self.syntax}".rstrip() + f"\n\t{self.summary}"


COMMANDS: dict[tuple[str, ...], Command] = {}  # by the words of the name, in upper case


def command(
    name: str, syntax: str = "", *, least: int = 0, most: int | None = None, runs_dead: bool = False
) -> Callable[[R], R]:
    """Declare a command; its docstring's first line tells people what it does."""

    def declare(run: R) -> R:
        summary = (run.__doc__ or "").partition("\n")[0]
        words = tuple(name.split())
        COMMANDS[words] = Command(name, syntax, summary, run, least, most, runs_dead)
        return run

    return declare


def find_command(words: Sequence[str]) -> tuple[Command, list[str]] | None:
    """Return the command with the longest name that *words* begin with, and its arguments."""
    for count in range(min(MAX_WORDS, len(words)), 0, -1):
        found = COMMANDS.get(tuple(word.upper() for word in words[:count]))
        if found is not None:
            return found, list(words[count:])
    return None


def integer(text: str) -> int:
    """Read a whole number.

    :raises UsageError: it is none, or out of all proportion.
    """
    bare = text.strip()
    digits = bare[1:] if bare[:1] in ("-", "+") else bare
    if not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        raise UsageError
    return int(bare)
