"""``dialplan …``: showing, loading and saving contexts and extensions; variables."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

from server.base import suspension
from server.base.errors import ServerError
from server.cli.context import CliContext
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import fit, lines, plural
from server.dialplan.pattern import Pattern
from server.dialplan.plan import Context, Extension, Plan
from server.dialplan.port import Dialplan
from server.dialplan.scope import Scope
from server.dialplan.variables import parse_reference
from server.dialplan.writer import write_plan
from server.resources.channel import Channel


def _complete_context(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else list(context.dialplan.plan.contexts)


def _complete_channel(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [channel.name for channel in context.channels]


class _Listing:
    """What ``dialplan show`` prints, and how much that is."""

    def __init__(self, plan: Plan, exten: str) -> None:
        self._plan = plan
        self._exten = exten
        self.rows: list[str] = []
        self.contexts = self.extensions = self.priorities = 0

    def add(self, context: Context, seen: set[str], *, is_included: bool = False) -> None:
        """Add a context; for one extension, also those of its includes that fit."""
        seen.add(context.name)
        shown = [each for each in context if self._fits(each)]
        rows = [row for extension in shown for row in self._extension_rows(extension)]
        if not self._exten:
            rows += _other_rows(context)
        if rows or not self._exten:
            kind = "Included context" if is_included else "Context"
            title = f"[ {kind} '{context.name}' created by '{context.registrar}' ]"
            self.rows += [title, *rows, ""]
            self.contexts += 1
            self.extensions += len(shown)
        if self._exten:
            for include in context.includes:
                found = self._plan.contexts.get(include.context)
                if found is not None and found.name not in seen:
                    self.add(found, seen, is_included=True)

    def _fits(self, extension: Extension) -> bool:
        wanted = self._exten
        return wanted in ("", extension.name) or Pattern(extension.name).matches(wanted)

    def _extension_rows(self, extension: Extension) -> Iterator[str]:
        caller = extension.caller
        suffix = f" (CID match '{caller.name}')" if caller is not None else ""
        first = f"'{extension.name}'{suffix} =>"
        if extension.hint:
            self.priorities += 1
            path, line = extension.hint_source
            yield _row(first, f"hint: {extension.hint}", path, line)
            first = ""
        for priority in sorted(extension.steps):
            self.priorities += 1
            step = extension.steps[priority]
            start = first or (f"   [{step.label}]" if step.label else "")
            body = f"{step.priority}. {step.application}({step.source})"
            yield _row(start, body, step.path, step.line, step.registrar)
            first = ""


@command(
    "dialplan show",
    "Show the dialplan",
    arguments="[[exten@]context]",
    complete=_complete_context,
)
def show(context: CliContext, call: Call) -> str:
    """Show all contexts, one, or what fits an extension of one."""
    if len(call.arguments) > 1:
        raise WrongUsage
    plan = context.dialplan.plan
    exten, _at, name = (call.arguments[0] if call.arguments else "").rpartition("@")
    chosen = [each for each in plan.contexts.values() if name in ("", each.name)]
    if name and not chosen:
        raise CommandError(f"There is no existence of '{name}' context")
    listing = _Listing(plan, exten)
    for each in chosen:
        listing.add(each, set())
    if exten and not listing.extensions:
        where = f"{exten}@{name} extension" if name else f"'{exten}' extension in all contexts"
        raise CommandError(f"There is no existence of {where}")
    word = "priority" if listing.priorities == 1 else "priorities"
    total = f"{plural(listing.extensions, 'extension')} ({listing.priorities} {word})"
    return lines(*listing.rows, f"-= {total} in {plural(listing.contexts, 'context')}. =-")


def _other_rows(context: Context) -> Iterator[str]:
    for include in context.includes:
        yield _row("Include =>", f"'{include.source}'", registrar=include.registrar)
    for pattern in context.ignore_patterns:
        yield _row("Ignore pattern =>", f"'{pattern.name}'")
    for use in context.switches:
        yield _row("Alt. Switch =>", f"'{use.source}'", registrar=use.registrar)


def _row(
    first: str, body: str, path: str = "", line: int = 0, registrar: str = "pbx_config"
) -> str:
    source = f"{Path(path).name}:{line}" if path else registrar
    return f"  {first:<17} {body:<45} [{source}]"


@command("dialplan reload", "Read the dialplan again")
async def reload(context: CliContext, _call: Call) -> str:
    """Reload the dialplan; calls go on."""
    return lines(*await context.dialplan.reload(), "Dialplan reloaded.")


@command("dialplan save", "Write the dialplan to a file", arguments="[file]")
async def save(context: CliContext, call: Call) -> str:
    """Write extensions.conf, or a file beside it; only with static=yes and writeprotect=no."""
    if len(call.arguments) > 1:
        raise WrongUsage
    dialplan = context.dialplan
    plan = dialplan.plan
    own = Path(dialplan.settings.path)
    if not plan.is_static or plan.is_write_protected:
        raise CommandError(f"I can't save dialplan now, see '{own.name}' example file.")
    target = _target(own, call.arguments[0] if call.arguments else "")
    text = write_plan(plan, dialplan.globals)
    try:
        await asyncio.to_thread(_replace_file, target, text)
    except OSError as error:
        raise CommandError(f"Failed to create file '{target}': {error.strerror}") from None
    return f"Dialplan successfully saved into '{target}'"


def _target(own: Path, wanted: str) -> Path:
    """Return the file to write: *own*, or one in its directory."""
    directory = own.parent
    target = directory / wanted if wanted else own
    if target.is_dir():
        target /= own.name
    if not target.resolve().is_relative_to(directory.resolve()):
        raise CommandError(f"'{wanted}' is not in {directory}")
    return target


def _replace_file(target: Path, text: str) -> None:
    written = target.with_name(f".{target.name}.new")
    written.write_text(text, "utf-8")
    written.replace(target)


@command("dialplan show globals", "Show the global variables")
def show_globals(context: CliContext, _call: Call) -> str:
    """List names and values."""
    variables = context.dialplan.globals
    rows = [f"   {name}={value}" for name, value in variables.items()]
    return lines(*rows, "", f"    -- {len(rows)} variable(s)")


@command(
    "dialplan show chanvar",
    "Show a channel's variables",
    arguments="<channel>",
    complete=_complete_channel,
)
def show_channel_variables(context: CliContext, call: Call) -> str:
    """List names and values of one channel's variables."""
    if len(call.arguments) != 1:
        raise WrongUsage
    channel = _channel(context, call.arguments[0])
    return lines(*(f"{name}={value}" for name, value in channel.variables.items()))


@command("dialplan set global", "Set a global variable", arguments="<name> <value>")
def set_global(context: CliContext, call: Call) -> str:
    """Set a global variable."""
    if len(call.arguments) != 2:
        raise WrongUsage
    name, value = call.arguments
    Scope(context.dialplan, None).set(name, value)
    return lines("", f"    -- Global variable '{name}' set to '{value}'")


@command(
    "dialplan set chanvar",
    "Set a channel's variable",
    arguments="<channel> <varname> <value>",
    complete=_complete_channel,
)
async def set_channel_variable(context: CliContext, call: Call) -> str:
    """Set a variable of a channel, or write a function."""
    if len(call.arguments) != 3:
        raise WrongUsage
    name, variable, value = call.arguments
    scope = Scope(context.dialplan, _channel(context, name))
    await suspension.call(scope.set, variable, value)
    return ""


@command("dialplan set extenpatternmatchnew {true|false}", "Choose how patterns are found")
def set_pattern_match(_context: CliContext, call: Call) -> str:
    """Change nothing: patterns are always found the fast way."""
    return f"    -- extenpatternmatchnew {call.option}: patterns are always looked up in a tree"


@command("dialplan eval function", "Evaluate a function", arguments="<name(args)>")
async def evaluate_function(context: CliContext, call: Call) -> str:
    """Read a function, without a channel."""
    if len(call.arguments) != 1:
        raise WrongUsage
    try:
        result = await suspension.call(_evaluate, context.dialplan, call.arguments[0])
    except ServerError as error:
        return lines("Return Value: Failure (-1)", f"Result: {error}")
    return lines("Return Value: Success (0)", f"Result: {result}")


def _evaluate(dialplan: Dialplan, text: str) -> str:
    reference = parse_reference(text)
    scope = Scope(dialplan, None)
    return scope.evaluate_function(reference.name, reference.arguments or "") or ""


@command(
    "dialplan debug",
    "Show in which order extensions are tried",
    arguments="[context]",
    complete=_complete_context,
)
def debug(context: CliContext, call: Call) -> str:
    """List the extensions of contexts in the order of the search, with what they have."""
    contexts = context.dialplan.plan.contexts
    chosen = call.arguments or tuple(contexts)
    rows = ["", "     In-mem exten Trie for Fast Extension Pattern Matching:", ""]
    for name in chosen:
        if name not in contexts:
            raise CommandError(f"There is no existence of '{name}' context")
        rows.append(f"  Context-> {name}")
        for number, each in enumerate(contexts[name], 1):
            suffix = f"/{each.caller.name}" if each.caller is not None else ""
            priorities = ",".join(map(str, sorted(each.steps))) or "hint"
            rows.append(f"   {number:>5}. {fit(each.name + suffix, 40)} {priorities}")
    return lines(*rows)


def _channel(context: CliContext, name: str) -> Channel:
    channel = context.channels.find(name)
    if channel is None:
        raise CommandError(f"Channel '{name}' not found")
    return channel
