"""The loaded dialplan: contexts, their extensions, and how a step is found.

The search is made anew for each priority: the extensions of the context that fit are tried in
order, then those of its includes. So a priority that is missing in the best match may be found
in a weaker one, or in an included context.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from server.dialplan.pattern import Pattern, PatternTable, sort_key
from server.dialplan.timing import TimeCondition
from server.dialplan.variables import Template

MAX_INCLUDE_DEPTH = 128


@dataclass(frozen=True, slots=True)
class Step:
    """One priority.

    :param application: as written; *key* is it in lower case, for the registry.
    :param data: the arguments, compiled.
    :param source: the arguments as written.
    """

    priority: int
    application: str
    key: str
    data: Template | str
    source: str
    label: str = ""
    path: str = ""
    line: int = 0


class Extension:
    """An extension: a name or pattern, perhaps for certain callers only, and its steps.

    :param caller: the pattern after the slash of ``exten/cid``; an empty one fits callers without
        a number.
    """

    __slots__ = ("caller", "hint", "labels", "name", "steps")

    def __init__(self, name: str, caller: str | None = None) -> None:
        self.name = name
        self.caller = Pattern(caller) if caller is not None else None
        self.steps: dict[int, Step] = {}
        self.labels: dict[str, int] = {}
        self.hint = ""

    def fits(self, caller_number: str) -> bool:
        """Tell whether the extension is for this caller."""
        if self.caller is None:
            return True
        if not caller_number or not self.caller.name:
            return caller_number == self.caller.name
        return self.caller.matches(caller_number)


def _caller_key(extension: Extension) -> tuple[int, tuple[int, object]]:
    if extension.caller is None:
        return 1, (0, "")
    return 0, sort_key(extension.caller.name)


@dataclass(frozen=True, slots=True)
class Include:
    """An included context, perhaps only at certain times."""

    context: str
    condition: TimeCondition | None = None
    source: str = ""


class Context:
    """A named set of extensions."""

    def __init__(self, name: str, path: str = "", line: int = 0) -> None:
        self.name = name
        self.path = path
        self.line = line
        self.includes: list[Include] = []
        self.ignore_patterns: list[Pattern] = []
        self._table: PatternTable[Extension] = PatternTable()
        self._by_name: dict[tuple[str, str | None], Extension] = {}

    def __len__(self) -> int:
        return len(self._by_name)

    def extension(self, name: str, caller: str | None) -> Extension:
        """Return the extension of exactly this name, made if it is new."""
        key = name, caller
        found = self._by_name.get(key)
        if found is None:
            found = self._by_name[key] = Extension(name, caller)
            self._table.add(found)
        return found

    def sort_callers(self) -> None:
        """Put extensions for certain callers before those of the same name for all."""
        if any(caller is not None for _name, caller in self._by_name):
            self._table.sort_entries(_caller_key)

    def matches(self, exten: str, caller_number: str) -> Iterator[Extension]:
        """Iterate over the extensions that fit, the best first."""
        return (
            extension
            for extension in self._table.matches(exten)
            if extension.caller is None or extension.fits(caller_number)
        )

    def can_continue(self, exten: str, caller_number: str) -> bool | None:
        """See :meth:`server.dialplan.pattern.PatternTable.can_continue`."""
        return self._table.can_continue(
            exten, lambda extension: 1 in extension.steps and extension.fits(caller_number)
        )

    def __iter__(self) -> Iterator[Extension]:
        """Iterate over all extensions in the order in which they are tried."""
        return iter(self._table)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step was found.

    :param context: the context that holds it, which may be an included one.
    :param is_first: the extension is the first that fits, whatever the time: its other steps are
        found by looking there only.
    """

    step: Step
    extension: Extension
    context: Context
    is_first: bool


@dataclass(slots=True)
class Plan:
    """Everything that extensions.conf says.

    :param autofallthrough: hang up at the end of an extension instead of waiting for digits.
    """

    contexts: dict[str, Context] = field(default_factory=dict)
    globals: dict[str, str] = field(default_factory=dict)
    autofallthrough: bool = True
    clear_globals: bool = False
    warnings: list[str] = field(default_factory=list)

    def extensions(
        self, context: str, exten: str, caller_number: str, wall: float
    ) -> Iterator[tuple[Context, Extension, bool]]:
        """Iterate over the extensions that fit, with their context, the best first.

        The third item tells whether the time of day had a say in it.
        """
        for found, is_timed in self._with_includes(context, wall):
            for extension in found.matches(exten, caller_number):
                yield found, extension, is_timed

    def find(
        self, context: str, exten: str, priority: int, caller_number: str, wall: float
    ) -> Place | None:
        """Return the step at a priority, ``None`` if there is none."""
        is_first = True
        for found, extension, is_timed in self.extensions(context, exten, caller_number, wall):
            step = extension.steps.get(priority)
            if step is not None:
                return Place(step, extension, found, is_first and not is_timed)
            is_first = False
        return None

    def find_label(
        self, context: str, exten: str, label: str, caller_number: str, wall: float
    ) -> int | None:
        """Return the priority of a label, ``None`` if there is none."""
        for _found, extension, _timed in self.extensions(context, exten, caller_number, wall):
            if label in extension.labels:
                return extension.labels[label]
        return None

    def find_hint(self, context: str, exten: str, wall: float) -> str | None:
        """Return the devices of an extension's hint, ``None`` if it has none."""
        for _found, extension, _timed in self.extensions(context, exten, "", wall):
            if extension.hint:
                return extension.hint
        return None

    def can_continue(self, context: str, exten: str, caller_number: str, wall: float) -> bool:
        """Tell whether more digits after *exten* could reach another extension."""
        for found, _is_timed in self._with_includes(context, wall):
            answer = found.can_continue(exten, caller_number)
            if answer is not None:
                return answer
        return False

    def ignores(self, context: str, digits: str, wall: float) -> bool:
        """Tell whether an ``ignorepat`` says to go on with the dial tone after *digits*."""
        return any(
            pattern.matches(digits)
            for found, _is_timed in self._with_includes(context, wall)
            for pattern in found.ignore_patterns
        )

    def _with_includes(self, name: str, wall: float) -> Iterator[tuple[Context, bool]]:
        context = self.contexts.get(name)
        if context is None:
            return
        yield context, False
        if context.includes:
            yield from self._included(context, wall, {name}, False, 1)

    def _included(
        self, context: Context, wall: float, seen: set[str], is_timed: bool, depth: int
    ) -> Iterator[tuple[Context, bool]]:
        """Walk the includes depth first, each context once."""
        for include in context.includes:
            if include.condition is not None and not include.condition.holds(wall):
                is_timed = True
                continue
            found = self.contexts.get(include.context)
            if found is None or include.context in seen or depth > MAX_INCLUDE_DEPTH:
                continue
            seen.add(include.context)
            timed = is_timed or include.condition is not None
            yield found, timed
            yield from self._included(found, wall, seen, timed, depth + 1)
            is_timed = timed
