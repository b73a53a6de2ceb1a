"""Writes a plan as extensions.conf."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from server.dialplan.plan import REGISTRAR, Context, Extension, Plan


def write_plan(plan: Plan, variables: Mapping[str, str]) -> str:
    """Return extensions.conf, which loads as the same plan.

    Only what came from such a file, or was added while the server ran, is written: what other
    modules made they make again.

    :param variables: the global variables.
    """
    rows = [
        "[general]",
        f"static={_word(plan.is_static)}",
        f"writeprotect={_word(plan.is_write_protected)}",
        f"autofallthrough={_word(plan.autofallthrough)}",
        f"clearglobalvars={_word(plan.clear_globals)}",
        "",
        "[globals]",
        *(f"{name} => {_escape(value)}" for name, value in variables.items()),
    ]
    for context in plan.contexts.values():
        rows += ["", *_context_rows(context)]
    return "\n".join(rows) + "\n"


def _context_rows(context: Context) -> Iterator[str]:
    yield f"[{context.name}]"
    for extension in context:
        yield from _extension_rows(extension)
    for include in context.includes:
        if include.registrar == REGISTRAR:
            yield f"include => {_escape(include.source)}"
    for use in context.switches:
        if use.registrar == REGISTRAR:
            keyword = "lswitch" if use.keyword == "switch" else use.keyword
            yield f"{keyword} => {_escape(use.source)}"
    for pattern in context.ignore_patterns:
        yield f"ignorepat => {pattern.name}"


def _extension_rows(extension: Extension) -> Iterator[str]:
    name = extension.name
    if extension.caller is not None:
        name += f"/{extension.caller.name}"
    if extension.hint and extension.hint_registrar == REGISTRAR:
        yield f"exten => {name},hint,{_escape(extension.hint)}"
    for priority in sorted(extension.steps):
        step = extension.steps[priority]
        if step.registrar == REGISTRAR:
            label = f"({step.label})" if extension.labels.get(step.label) == priority else ""
            yield f"exten => {name},{priority}{label},{step.application}({_escape(step.source)})"


def _escape(text: str) -> str:
    return text.replace(";", "\\;")


def _word(is_on: bool) -> str:
    return "yes" if is_on else "no"
