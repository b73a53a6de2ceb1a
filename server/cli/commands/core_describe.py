"""``core show applications`` and ``functions``: what the dialplan can call.

Their documentation is that of the code: the first paragraph of a docstring is
``Name(arguments): synopsis``, what follows is the description.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from server.base.errors import NotFound
from server.cli.context import CliContext
from server.cli.registry import Call, WrongUsage, command
from server.cli.tables import lines

_SYNTAX = re.compile(r"(\w+\([^)]*\)(?:=\S+)?)[:.] *(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Help:
    """What is known of an application or a function."""

    name: str
    synopsis: str
    syntax: str
    description: str

    def rows(self, kind: str) -> Iterator[str]:
        """Lay it out as Asterisk does."""
        yield ""
        yield f"  -= Info about {kind} '{self.name}' =-"
        for title, text in (
            ("Synopsis", self.synopsis),
            ("Description", self.description),
            ("Syntax", self.syntax),
        ):
            yield f"\n[{title}]\n{text or 'Not available'}"
        yield ""


def read_help(name: str, docstring: str | None, *, brackets: str = "()") -> Help:
    """Take a docstring apart.

    :param brackets: what follows the name where the docstring tells no arguments.
    """
    text = inspect.cleandoc(docstring or "").replace("``", "").replace("::\n", ":\n")
    first, _, rest = text.partition("\n\n")
    found = _SYNTAX.match(first)
    syntax, synopsis = (" ".join(found[1].split()), found[2]) if found else (name + brackets, first)
    synopsis = " ".join(synopsis.split())
    return Help(name, synopsis[:1].upper() + synopsis[1:], syntax, rest.strip())


def _applications(context: CliContext) -> list[Help]:
    found = context.dialplan.registry.applications.values()
    helps = (read_help(each.name, each.run.__doc__) for each in found)
    return sorted(helps, key=lambda each: each.name.lower())


def _functions(context: CliContext) -> list[Help]:
    found = context.dialplan.registry.functions.values()
    helps = (read_help(each.name, (each.read or each.write).__doc__) for each in found)
    return sorted(helps, key=lambda each: each.name.lower())


@command(
    "core show applications [like|describing]", "List the dialplan applications", arguments="[text]"
)
def show_applications(context: CliContext, call: Call) -> Iterator[str]:
    """List applications, all or those whose name (or documentation) holds a text."""
    is_filtered = call.option in ("like", "describing")
    text = _text(call, is_filtered=is_filtered)
    found = [
        each
        for each in _applications(context)
        if text in each.name.lower()
        or (call.option == "describing" and text in f"{each.synopsis} {each.description}".lower())
    ]
    word = "Matching" if is_filtered else "Registered"
    return iter(
        [
            f"    -= {word} Asterisk Applications =-",
            *(f"{each.name:>20}: {each.synopsis}" for each in found),
            f"    -= {len(found)} Applications {word} =-",
        ]
    )


def _complete_application(context: CliContext, _arguments: object) -> list[str]:
    return [each.name for each in context.dialplan.registry.applications.values()]


def _complete_function(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else list(context.dialplan.registry.functions)


@command(
    "core show application",
    "Describe dialplan applications",
    arguments="<application> [<application> ...]",
    complete=_complete_application,
)
def show_application(context: CliContext, call: Call) -> str:
    """Show the documentation of applications."""
    if not call.arguments:
        raise WrongUsage
    return lines(*_describe("application", call.arguments, _applications(context)))


@command("core show functions [like]", "List the dialplan functions", arguments="[text]")
def show_functions(context: CliContext, call: Call) -> Iterator[str]:
    """List functions, all or those whose name holds a text."""
    is_filtered = call.option == "like"
    text = _text(call, is_filtered=is_filtered)
    found = [each for each in _functions(context) if text in each.name.lower()]
    word = "Matching" if is_filtered else "Installed"
    return iter(
        [
            f"{word} Custom Functions:",
            "-" * 80,
            *(f"{each.name:<20}  {each.syntax:<35}  {each.synopsis}" for each in found),
            f"{len(found)} {word.lower()} custom functions",
        ]
    )


@command(
    "core show function",
    "Describe a dialplan function",
    arguments="<function>",
    complete=_complete_function,
)
def show_function(context: CliContext, call: Call) -> str:
    """Show the documentation of a function."""
    if len(call.arguments) != 1:
        raise WrongUsage
    return lines(*_describe("function", call.arguments, _functions(context)))


def _describe(kind: str, names: Sequence[str], known: Iterable[Help]) -> Iterator[str]:
    by_name = {each.name.lower(): each for each in known}
    for name in names:
        found = by_name.get(name.lower())
        if found is None:
            raise NotFound(f"Your {kind}(s) is (are) not registered: {name}")
        yield from found.rows(kind)


def _text(call: Call, *, is_filtered: bool) -> str:
    if is_filtered != (len(call.arguments) == 1):
        raise WrongUsage
    return call.arguments[0].lower() if is_filtered else ""
