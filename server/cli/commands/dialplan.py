"""``dialplan …``: contexts and extensions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from server.cli.context import CliContext, ContextView, ExtensionView
from server.cli.registry import Call, CommandError, WrongUsage, command
from server.cli.tables import lines, plural


def _complete_context(context: CliContext, arguments: Sequence[str]) -> list[str]:
    return [] if arguments else [view.name for view in context.dialplan.contexts()]


@command(
    "dialplan show",
    "Show the dialplan",
    arguments="[[exten@]context]",
    complete=_complete_context,
)
def show(context: CliContext, call: Call) -> str:
    """Show all contexts, one, or one extension of one."""
    if len(call.arguments) > 1:
        raise WrongUsage
    exten, _at, name = (call.arguments[0] if call.arguments else "").rpartition("@")
    views = [view for view in context.dialplan.contexts() if name in ("", view.name)]
    if name and not views:
        raise CommandError(f"There is no existence of '{name}' context")
    rows: list[str] = []
    extensions = priorities = 0
    for view in views:
        shown = [found for found in view.extensions if exten in ("", found.name)]
        extensions += len(shown)
        priorities += sum(len(found.priorities) for found in shown)
        rows += _context_rows(view, shown, only_extensions=bool(exten))
    if exten and not extensions:
        raise CommandError(f"There is no existence of {exten}@{name} extension")
    total = f"{plural(extensions, 'extension')} ({priorities} priorities)"
    return lines(*rows, f"-= {total} in {plural(len(views), 'context')}. =-")


@command("dialplan reload", "Read extensions.conf again")
async def reload(context: CliContext, _call: Call) -> str:
    """Reload the dialplan; calls go on."""
    return lines(*await context.dialplan.reload(), "Dialplan reloaded.")


def _context_rows(
    view: ContextView, extensions: Iterable[ExtensionView], *, only_extensions: bool
) -> list[str]:
    rows = [f"[ Context '{view.name}' created by '{view.registrar}' ]"]
    for extension in extensions:
        rows += _extension_rows(extension)
    if not only_extensions:
        others = [("Include", view.includes), ("Ignore pattern", view.ignore_patterns)]
        others += [("Alt. Switch", view.switches)]
        for kind, names in others:
            rows += (_row(f"{kind} =>", f"'{name}'", view.registrar) for name in names)
    return [*rows, ""]


def _extension_rows(extension: ExtensionView) -> list[str]:
    suffix = f" (CID match '{extension.caller_pattern}')" if extension.caller_pattern else ""
    first = f"'{extension.name}'{suffix} =>"
    rows = []
    for step in extension.priorities:
        label = f"   [{step.label}]" if step.label else ""
        body = f"{step.number}. {step.application}({step.data})"
        if first and label:
            rows.append(_row(first, "", ""))
            first = ""
        rows.append(_row(first or label, body, step.registrar))
        first = ""
    return rows


def _row(first: str, body: str, registrar: str) -> str:
    return f"  {first:<16} {body:<45} {f'[{registrar}]' if registrar else ''}"
