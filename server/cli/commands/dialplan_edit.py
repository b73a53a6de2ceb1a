"""``dialplan add …`` and ``dialplan remove …``: changes that last until the next reload."""

from __future__ import annotations

from collections.abc import Sequence

from server.base.errors import Conflict, NotFound
from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import lines
from server.dialplan import editing


def _words(call: Call, middle: str) -> tuple[str, str]:
    """Read ``<what> into|from <context>``."""
    if len(call.arguments) != 3 or call.arguments[1] != middle:
        raise WrongUsage
    return call.arguments[0], call.arguments[2]


@command(
    "dialplan add extension",
    "Add a step",
    arguments="<exten>,<priority>,<app> into <context> [replace]",
)
def add_extension(context: CliContext, call: Call) -> str:
    """Add a step to an extension, or take the place of one."""
    arguments = list(call.arguments)
    is_replacing = len(arguments) == 4 and arguments.pop() == "replace"
    if len(arguments) != 3 or arguments[1] != "into":
        raise WrongUsage
    parts = arguments[0].split(",", 2)
    if len(parts) < 3:
        raise WrongUsage
    exten, _slash, caller = parts[0].partition("/")
    place = arguments[2]
    priority, application = _priority(parts[1]), _call(parts[2])
    is_new = place not in context.dialplan.plan.contexts
    editing.add_extension(
        context.dialplan,
        place,
        exten,
        priority,
        parts[2] if priority == editing.HINT else application,
        caller=caller if _slash else None,
        replace=is_replacing,
    )
    created = (
        f"Context '{place}' did not exist prior to add extension - the context will be created."
    )
    shown = f"'{exten},{parts[1]},{application}'"
    if is_replacing:
        done = f"Extension {exten}@{place} ({parts[1]}) replace by {shown}"
    else:
        done = f"Extension {shown} added into '{place}' context"
    return lines(*([created] if is_new else []), done)


@command(
    "dialplan remove extension",
    "Remove a step or an extension",
    arguments="exten[/cid]@context [priority]",
)
def remove_extension(context: CliContext, call: Call) -> str:
    """Remove one step, the hint, or all of an extension."""
    if len(call.arguments) not in (1, 2):
        raise WrongUsage
    name, _at, place = call.arguments[0].rpartition("@")
    exten, slash, caller = name.partition("/")
    if not exten or not place:
        raise CommandError(
            f"Missing extension or context name in third argument '{call.arguments[0]}'"
        )
    priority = _priority(call.arguments[1]) if len(call.arguments) == 2 else 0
    try:
        editing.remove_extension(
            context.dialplan, place, exten, priority, caller if slash else None
        )
    except NotFound:
        raise CommandError(f"Failed to remove extension {name}@{place}") from None
    if priority:
        return f"Extension {exten}@{place} with priority {priority} removed"
    return f"Whole extension {exten}@{place} removed"


@command("dialplan add include", "Include a context", arguments="<context> into <context>")
def add_include(context: CliContext, call: Call) -> str:
    """Include a context in another."""
    included, place = _words(call, "into")
    editing.add_include(context.dialplan, place, included)
    return f"Context '{included}' included in '{place}' context"


@command(
    "dialplan remove include", "Include a context no more", arguments="<context> from <context>"
)
def remove_include(context: CliContext, call: Call) -> str:
    """Take an include away."""
    included, place = _words(call, "from")
    try:
        editing.remove_include(context.dialplan, place, included)
    except NotFound:
        raise CommandError(
            f"Failed to remove '{included}' include from '{place}' context"
        ) from None
    return f"We are not including '{included}' into '{place}' now"


@command(
    "dialplan add ignorepat",
    "Keep the dial tone after some digits",
    arguments="<pattern> into <context>",
)
def add_ignore_pattern(context: CliContext, call: Call) -> str:
    """Add an ignore pattern."""
    pattern, place = _words(call, "into")
    try:
        editing.add_ignore_pattern(context.dialplan, place, pattern)
    except NotFound:
        raise CommandError(f"There is no existence of '{place}' context") from None
    return f"Ignore pattern '{pattern}' added into '{place}' context"


@command(
    "dialplan remove ignorepat",
    "Take an ignore pattern away",
    arguments="<pattern> from <context>",
)
def remove_ignore_pattern(context: CliContext, call: Call) -> str:
    """Take an ignore pattern away."""
    pattern, place = _words(call, "from")
    try:
        editing.remove_ignore_pattern(context.dialplan, place, pattern)
    except NotFound:
        raise CommandError(
            f"There is no existence of ignore pattern '{pattern}' in '{place}' context"
        ) from None
    return f"Ignore pattern '{pattern}' removed from '{place}' context"


def _complete_context(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else list(context.dialplan.plan.contexts)


@command(
    "dialplan remove context",
    "Remove a context",
    arguments="<context>",
    complete=_complete_context,
)
def remove_context(context: CliContext, call: Call) -> str:
    """Remove a context with all that is in it."""
    if len(call.arguments) != 1:
        raise WrongUsage
    name = call.arguments[0]
    try:
        editing.remove_context(context.dialplan, name)
    except (NotFound, Conflict):
        raise CommandError(f"There is no existence of '{name}' context") from None
    return f"Removing context '{name}'"


def _priority(text: str) -> int:
    if text == "hint":
        return editing.HINT
    if not text.isascii() or not text.isdigit() or not int(text[:9]) > 0:
        raise CommandError(f"'{text}' is not a valid priority")
    return int(text[:9])


def _call(text: str) -> str:
    """Return ``app(data)``, which may be written ``app,data``."""
    if "(" in text:
        return text
    name, _comma, data = text.partition(",")
    return f"{name}({data})"
