"""The dialplan: showing and changing it."""

from __future__ import annotations

from collections.abc import Iterator

from server.ami.protocol import Field
from server.ami.registry import ActionError, ListItem, Reply, Request, action, done, listing
from server.base.errors import Conflict, InvalidArgument, NotFound
from server.dialplan import editing
from server.dialplan.plan import REGISTRAR, Context, Extension, Plan

HINT = "hint"


class _Listing:
    """What ShowDialPlan returns, and how much that is."""

    def __init__(self, plan: Plan, exten: str) -> None:
        self._plan = plan
        self._exten = exten
        self.items: list[ListItem] = []
        self.contexts = self.extensions = self.priorities = 0

    def add(self, context: Context, seen: set[str]) -> None:
        """Add a context; for one extension, also those of its includes that have it."""
        seen.add(context.name)
        start = len(self.items)
        for extension in self._shown(context):
            self.extensions += 1
            for fields in _steps(extension):
                self.priorities += 1
                where = [("Context", context.name), ("Extension", _name(extension))]
                self.items.append(("ListDialplan", [*where, *fields]))
        if self._exten:
            self.contexts += len(self.items) > start
            for include in context.includes:
                found = self._plan.contexts.get(include.context)
                if found is not None and found.name not in seen:
                    self.add(found, seen)
            return
        self.contexts += 1
        for fields in _others(context):
            self.items.append(("ListDialplan", [("Context", context.name), *fields]))

    def _shown(self, context: Context) -> Iterator[Extension]:
        return context.every_match(self._exten) if self._exten else iter(context)


def _name(extension: Extension) -> str:
    caller = extension.caller
    return extension.name if caller is None else f"{extension.name}/{caller.name}"


def _steps(extension: Extension) -> Iterator[list[Field]]:
    if extension.hint:
        yield [
            ("Priority", HINT),
            ("Application", extension.hint),
            ("Registrar", extension.hint_registrar),
        ]
    for priority in sorted(extension.steps):
        step = extension.steps[priority]
        label: list[Field] = [("ExtensionLabel", step.label)] if step.label else []
        yield [
            *label,
            ("Priority", priority),
            ("Application", step.application),
            ("AppData", step.source),
            ("Registrar", step.registrar),
        ]


def _others(context: Context) -> Iterator[list[Field]]:
    for include in context.includes:
        yield [("IncludeContext", include.source), ("Registrar", include.registrar)]
    for pattern in context.ignore_patterns:
        yield [("IgnorePattern", pattern.name), ("Registrar", REGISTRAR)]
    for use in context.switches:
        yield [("Switch", use.source), ("Registrar", use.registrar)]


@action("ShowDialPlan", "config", "reporting", summary="List the dialplan, or a part of it")
def show(request: Request) -> Reply:
    """List all contexts, one, or what fits an extension."""
    plan = request.context.dialplan.plan
    exten, name = request.get("Extension"), request.get("Context")
    chosen = [each for each in plan.contexts.values() if name in ("", each.name)]
    if name and not chosen:
        raise ActionError(f"Did not find context {name}")
    found = _Listing(plan, exten)
    for each in chosen:
        found.add(each, set())
    if exten and not found.items:
        where = f"{exten}@{name}" if name else f"{exten} in any context"
        raise ActionError(f"Did not find extension {where}")
    return listing(
        "DialPlan list will follow",
        found.items,
        "ShowDialPlanComplete",
        complete_fields=[
            ("ListExtensions", found.extensions),
            ("ListPriorities", found.priorities),
            ("ListContexts", found.contexts),
        ],
    )


@action("DialplanExtensionAdd", "system", summary="Add a step to the running dialplan")
def add_extension(request: Request) -> Reply:
    """Add a step or a hint, which last until the dialplan is loaded again."""
    context, exten = request.get("Context"), request.get("Extension")
    priority, application = request.get("Priority"), request.get("Application")
    if not (context and exten and priority and application):
        raise ActionError("Context, Extension, Priority and Application must be provided")
    name, slash, caller = exten.partition("/")
    number = _priority(priority)
    is_hint = number == editing.HINT
    try:
        editing.add_extension(
            request.context.dialplan,
            context,
            name,
            number,
            application if is_hint else f"{application}({request.get('ApplicationData')})",
            caller=caller if slash else None,
            replace=request.flag("Replace"),
        )
    except Conflict:
        raise ActionError("That extension and priority already exist at that context") from None
    except InvalidArgument as error:
        raise ActionError(f"Failed to add requested extension: {error.reason}") from None
    return done("Added requested extension")


@action(
    "DialplanExtensionRemove",
    "system",
    summary="Take an extension, or one step of it, out of the running dialplan",
)
def remove_extension(request: Request) -> Reply:
    """Remove a step, the hint, or all of an extension."""
    context, exten = request.get("Context"), request.get("Extension")
    if not (context and exten):
        raise ActionError("Context and Extension must be provided")
    name, slash, caller = exten.partition("/")
    priority = request.get("Priority")
    try:
        editing.remove_extension(
            request.context.dialplan,
            context,
            name,
            _priority(priority) if priority else 0,
            caller if slash else None,
        )
    except NotFound:
        raise ActionError("That extension does not exist at that context") from None
    return done("Removed the requested extension")


def _priority(text: str) -> int:
    if text.lower() == HINT:
        return editing.HINT
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise ActionError("The priority specified was invalid.")
    return int(text)
