"""Console commands: how they are declared, found, abbreviated and completed.

A command is a small function with the words that call it, in Asterisk's notation::

    @command("core show channels [concise|verbose|count]", "Show the channels")

``{a|b}`` is one of several words, ``[a|b]`` one of several or none. What follows the words are
the arguments, named in *arguments* as the usage line shows them. Every word may be abbreviated
as long as only one command fits, except where an argument could stand.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import TYPE_CHECKING

from server.base.errors import ServerError

if TYPE_CHECKING:
    from server.base.log import Console
    from server.cli.context import CliContext

MAX_WORDS = 100
MAX_LINE = 4096  # characters
MAX_COMPLETIONS = 500
PIECE = 32 * 1024  # characters of a long list that are sent before others get a turn


class CommandError(ServerError):
    """A command can't be done; the text goes to the user as it is."""


class WrongUsage(ServerError):
    """The arguments don't fit: the usage is shown."""


@dataclass(frozen=True, slots=True)
class Call:
    """One use of a command.

    :param words: the words that matched, in full.
    :param arguments: what follows them.
    :param console: who asks, ``None`` for a single command (``-x``).
    """

    words: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    console: Console | None = None

    @property
    def option(self) -> str:
        """The last word: which of the alternatives was chosen."""
        return self.words[-1]


@dataclass(frozen=True, slots=True)
class Identity:
    """A user of the system, as the kernel vouches for it."""

    uid: int
    gid: int


Output = str | Iterator[str]
"""A text, or, of a list that may be long, its rows as they are made."""

Handler = Callable[["CliContext", Call], Output | Awaitable[Output]]
Completer = Callable[["CliContext", Sequence[str]], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it was declared.

    :param arguments: usage of what follows the words, such as ``<channel>``; empty: nothing may.
    :param complete: lists candidates for the next argument, given those that are complete.
    """

    syntax: str
    summary: str
    handler: Handler
    arguments: str = ""
    complete: Completer | None = None

    @property
    def usage(self) -> str:
        """The usage line."""
        return f"Usage: {self.syntax} {self.arguments}".rstrip()


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    command: Command | None = None

    def candidates(self, word: str) -> list[str]:
        lowered = word.lower()
        return [name for name in self.children if name.lower().startswith(lowered)]

    def take(self, word: str) -> str | None:
        """Return the child that *word* names, in full or abbreviated.

        :raises CommandError: it could be several.
        """
        lowered = word.lower()
        if lowered in self.children:
            return lowered
        if not word or (self.command is not None and self.command.arguments):
            return None
        found = self.candidates(word)
        if len(found) > 1:
            raise CommandError(f"'{word}' could be {' or '.join(sorted(found))}")
        return found[0] if found else None


class Registry:
    """All commands, as a tree of words."""

    def __init__(self) -> None:
        self._root = _Node()
        self.commands: list[Command] = []

    def command(
        self,
        syntax: str,
        summary: str,
        *,
        arguments: str = "",
        complete: Completer | None = None,
    ) -> Callable[[Handler], Handler]:
        """Declare a command; to be used as a decorator."""

        def declare(handler: Handler) -> Handler:
            made = Command(syntax, summary, handler, arguments, complete)
            self.commands.append(made)
            for words in expand_syntax(syntax):
                self._place(words, made)
            return handler

        return declare

    def find(self, words: Sequence[str]) -> tuple[Command, tuple[str, ...], tuple[str, ...]]:
        """Find the command that a line calls.

        :return: the command, its words in full, and the arguments.
        :raises CommandError: there is none, or it could be several.
        """
        node, matched = self._walk(words)
        if node.command is None:
            line = " ".join(words)
            raise CommandError(
                f"No such command '{line}' "
                f"(type 'core show help {line}' for other possible commands)"
            )
        return node.command, matched, tuple(words[len(matched) :])

    async def execute(
        self,
        context: CliContext,
        line: str,
        console: Console | None,
        user: Identity | None = None,
    ) -> str:
        """Run one line.

        :param user: who asks, checked against cli_permissions.conf; ``None`` may do everything.
        :return: the output, without a newline at the end; empty for an empty line.
        :raises ServerError: it failed; the text is for the user.
        """
        pieces = [piece async for piece in self.stream(context, line, console, user)]
        return "".join(pieces).rstrip("\n")

    async def stream(
        self,
        context: CliContext,
        line: str,
        console: Console | None,
        user: Identity | None = None,
    ) -> AsyncIterator[str]:
        """Run one line, as :meth:`execute` does, and yield the output piece by piece."""
        words = context.configuration.cli.expand_alias(split_words(line))
        if not words:
            return
        found, matched, arguments = self.find(words)
        if arguments and not found.arguments:
            raise CommandError(found.usage)
        if user is not None:
            _check_permission(context, user, (*matched, *arguments))
        try:
            output = found.handler(context, Call(matched, arguments, console))
            text = await output if isawaitable(output) else output
        except WrongUsage:
            raise CommandError(found.usage) from None
        if isinstance(text, str):
            yield text.rstrip("\n")
            return
        async for piece in _gather(text):
            yield piece

    def complete(self, context: CliContext, line: str) -> list[str]:
        """List what the last word of *line* could become, sorted."""
        try:
            words = split_words(line)
        except CommandError:
            return []
        last = words.pop() if words and not line[-1:].isspace() else ""
        aliases = _next_words(context.configuration.cli.aliases, words)
        words = context.configuration.cli.expand_alias(words)
        try:
            node, matched = self._walk(words)
        except CommandError:
            return []
        found = set(node.candidates(last)) if len(matched) == len(words) else set()
        found.update(name for name in aliases if name.lower().startswith(last.lower()))
        command = node.command
        if command is not None and command.complete is not None:
            names = command.complete(context, words[len(matched) :])
            found.update(name for name in names if name.lower().startswith(last.lower()))
        return sorted(found)[:MAX_COMPLETIONS]

    def matching(self, words: Sequence[str]) -> list[Command]:
        """List the commands whose words begin with *words*, sorted by syntax."""
        try:
            node, matched = self._walk(words)
        except CommandError:
            return []
        if len(matched) < len(words):
            names = node.candidates(words[-1]) if len(matched) == len(words) - 1 else []
            nodes = [node.children[name] for name in names]
        else:
            nodes = [node]
        found = {id(command): command for node in nodes for command in _below(node)}
        return sorted(found.values(), key=lambda command: command.syntax)

    def _walk(self, words: Sequence[str]) -> tuple[_Node, tuple[str, ...]]:
        node = self._root
        matched: list[str] = []
        for word in words:
            name = node.take(word)
            if name is None:
                break
            matched.append(name)
            node = node.children[name]
        return node, tuple(matched)

    def _place(self, words: Iterable[str], command: Command) -> None:
        node = self._root
        for word in words:
            node = node.children.setdefault(word, _Node())
        assert node.command is None, f"two commands for {command.syntax}"
        node.command = command


def _check_permission(context: CliContext, user: Identity, words: Sequence[str]) -> None:
    line = " ".join(words)
    if not context.configuration.cli.permissions.allows(user.uid, user.gid, line):
        raise CommandError(f"You don't have permissions to run '{line}' command")


async def _gather(rows: Iterator[str]) -> AsyncIterator[str]:
    """Join rows to pieces, and let others have the loop between them."""
    waiting: list[str] = []
    size = 0
    for row in rows:
        waiting.append(f"{row.rstrip()}\n")
        size += len(row)
        if size > PIECE:
            yield "".join(waiting)
            waiting.clear()
            size = 0
            await asyncio.sleep(0)
    yield "".join(waiting).rstrip("\n")


def _next_words(aliases: Iterable[str], words: Sequence[str]) -> list[str]:
    """List the words that aliases have behind *words*."""
    split = [alias.split() for alias in aliases]
    return [
        each[len(words)] for each in split if len(each) > len(words) and each[: len(words)] == words
    ]


def _below(node: _Node) -> Iterable[Command]:
    if node.command is not None:
        yield node.command
    for child in node.children.values():
        yield from _below(child)


def expand_syntax(syntax: str) -> list[tuple[str, ...]]:
    """List the word sequences of a syntax such as ``rtp set debug {on|off} [verbose]``."""
    choices: list[list[str]] = []
    for word in syntax.split():
        alternatives = word.strip("{}[]").split("|")
        choices.append([*alternatives, ""] if word.startswith("[") else alternatives)
    return [tuple(filter(None, words)) for words in itertools.product(*choices)]


def split_words(line: str) -> list[str]:
    """Split a line at blanks; quotes join words, a backslash takes the next character as it is.

    :raises CommandError: the line is too long, or a quote is never closed.
    """
    if len(line) > MAX_LINE:
        raise CommandError(f"the line is longer than {MAX_LINE} characters")
    words: list[str] = []
    word: list[str] | None = None  # None between words, so that "" is a word
    is_quoted = is_escaped = False
    for letter in line:
        if is_escaped or (letter not in '\\"' and (is_quoted or not letter.isspace())):
            word = [] if word is None else word
            word.append(letter)
            is_escaped = False
        elif letter == "\\":
            is_escaped = True
        elif letter == '"':
            is_quoted = not is_quoted
            word = [] if word is None else word
        elif word is not None:
            words.append("".join(word))
            word = None
    if is_quoted:
        raise CommandError("a quote is never closed")
    if word is not None:
        words.append("".join(word))
    if len(words) > MAX_WORDS:
        raise CommandError(f"more than {MAX_WORDS} words")
    return words


registry = Registry()
command = registry.command
