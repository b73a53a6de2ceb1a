"""The loaded dialplan: contexts, their extensions, and how a step is found.

The search is made anew for each priority: the extensions of the context that fit are tried in
order, then those of its includes. So a priority that is missing in the best match may be found
in a weaker one, or in an included context.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from server.base.errors import ChannelHungUp, InvalidState, ServerError
from server.dialplan.pattern import Pattern, PatternTable, sort_key
from server.dialplan.switches import STANDARD_SWITCHES, Query, Switch, SwitchUse
from server.dialplan.timing import TimeCondition
from server.dialplan.variables import Template

if TYPE_CHECKING:
    from server.dialplan.variables import Scope

logger = logging.getLogger(__name__)

MAX_INCLUDES = 128  # contexts that one search looks at, as in Asterisk
REGISTRAR = "pbx_config"  # who made what extensions.conf and the console say


@dataclass(frozen=True, slots=True)
class Step:
    """One priority.

    :param application: as written; *key* is it in lower case, for the registry.
    :param data: the arguments, compiled.
    :param source: the arguments as written.
    :param path: the file that it is from, empty for one that was added while the server ran.
    :param registrar: the module that made it.
    """

    priority: int
    application: str
    key: str
    data: Template | str
    source: str
    label: str = ""
    path: str = ""
    line: int = 0
    registrar: str = REGISTRAR


class Extension:
    """An extension: a name or pattern, perhaps for certain callers only, and its steps.

    :param caller: the pattern after the slash of ``exten/cid``; an empty one fits callers without
        a number.
    :ivar hint: devices and presence as written, empty if it has none.
    :ivar hint_source: file and line of the hint.
    :ivar hint_registrar: the module that made it.
    """

    __slots__ = ("caller", "hint", "hint_registrar", "hint_source", "labels", "name", "steps")

    def __init__(self, name: str, caller: str | None = None) -> None:
        self.name = name
        self.caller = Pattern(caller) if caller is not None else None
        self.steps: dict[int, Step] = {}
        self.labels: dict[str, int] = {}
        self.hint = ""
        self.hint_source = ("", 0)
        self.hint_registrar = REGISTRAR

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
    registrar: str = REGISTRAR


class Context:
    """A named set of extensions."""

    def __init__(
        self, name: str, path: str = "", line: int = 0, registrar: str = REGISTRAR
    ) -> None:
        self.name = name
        self.path = path
        self.line = line
        self.registrar = registrar
        self.includes: list[Include] = []
        self.switches: list[SwitchUse] = []
        self.ignore_patterns: list[Pattern] = []
        self._table: PatternTable[Extension] = PatternTable()
        self._by_name: dict[tuple[str, str | None], Extension] = {}
        self._has_callers = False

    def __len__(self) -> int:
        return len(self._by_name)

    def extension(self, name: str, caller: str | None) -> Extension:
        """Return the extension of exactly this name, made if it is new."""
        key = name, caller
        found = self._by_name.get(key)
        if found is None:
            found = self._by_name[key] = Extension(name, caller)
            self._has_callers = self._has_callers or caller is not None
            self._table.add(found)
        return found

    def find_extension(self, name: str, caller: str | None) -> Extension | None:
        """Return the extension of exactly this name, ``None`` if there is none."""
        return self._by_name.get((name, caller))

    def remove_extension(self, extension: Extension) -> None:
        """Take an extension out."""
        caller = None if extension.caller is None else extension.caller.name
        del self._by_name[extension.name, caller]
        self._table.remove(extension)

    def sort_callers(self) -> None:
        """Put extensions for certain callers before those of the same name for all."""
        if self._has_callers:
            self._table.sort_entries(_caller_key)

    def matches(self, exten: str, caller_number: str) -> Iterator[Extension]:
        """Iterate over the extensions that fit, the best first."""
        found = self._table.matches(exten)
        if not self._has_callers:
            return found
        return (each for each in found if each.caller is None or each.fits(caller_number))

    def with_hints(self) -> Iterator[Extension]:
        """Iterate over the extensions that have a hint, in the order of the file."""
        return (extension for extension in self._by_name.values() if extension.hint)

    def every_match(self, exten: str) -> Iterator[Extension]:
        """Iterate over the extensions that fit, for whichever caller."""
        return self._table.matches(exten)

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
    :param moves_to: where the channel is once the step runs; ``None`` where it was looked for.
    """

    step: Step
    extension: Extension
    context: Context
    is_first: bool
    moves_to: tuple[str, str, int] | None = None


@dataclass(slots=True)
class Plan:
    """Everything that extensions.conf says.

    :param autofallthrough: hang up at the end of an extension instead of waiting for digits.
    :param is_static: and *is_write_protected*: the console may write the file if it is the former
        and not the latter.
    :param computed_globals: those whose values need functions.
    :param users_context: of the users of users.conf, which exists no more.
    :param switches: what ``switch`` lines may name, by lower-case name.
    :param version: counts the changes that were made while the plan runs.
    """

    contexts: dict[str, Context] = field(default_factory=dict)
    globals: dict[str, str] = field(default_factory=dict)
    computed_globals: dict[str, Template] = field(default_factory=dict)
    autofallthrough: bool = True
    clear_globals: bool = False
    is_static: bool = False
    is_write_protected: bool = False
    users_context: str = "default"
    warnings: list[str] = field(default_factory=list)
    switches: Mapping[str, Switch] = field(default_factory=lambda: STANDARD_SWITCHES)
    version: int = 0

    def extensions(
        self, context: str, exten: str, caller_number: str, wall: float
    ) -> Iterator[tuple[Context, Extension, bool]]:
        """Iterate over the extensions that fit, with their context, the best first.

        The third item tells whether the time of day had a say in it.
        """
        for found, is_timed in self.walk(context, wall):
            for extension in found.matches(exten, caller_number):
                yield found, extension, is_timed

    def find(
        self,
        context: str,
        exten: str,
        priority: int,
        caller_number: str,
        wall: float,
        scope: Scope | None = None,
        loopbacks: int = 0,
    ) -> Place | None:
        """Return the step at a priority, ``None`` if there is none.

        :param scope: evaluates what ``eswitch`` lines say; without it they say nothing.
        :param loopbacks: see :class:`~server.dialplan.switches.Query`.
        """
        is_first = True
        for found, is_timed in self.walk(context, wall):
            for extension in found.matches(exten, caller_number):
                step = extension.steps.get(priority)
                if step is not None:
                    return Place(step, extension, found, is_first and not is_timed)
                is_first = False
            if found.switches:
                is_first = False
                query = Query(self, context, exten, priority, caller_number, wall, scope, loopbacks)
                place = self._ask_switches(found, query)
                if place is not None:
                    return place
        return None

    def _ask_switches(self, context: Context, query: Query) -> Place | None:
        for use, switch in self._switches_of(context):
            with _fault_barrier(use):
                place = switch.find(query, use.evaluate(query))
                if place is not None:
                    return place
        return None

    def _switches_continue(self, context: Context, query: Query) -> bool:
        for use, switch in self._switches_of(context):
            with _fault_barrier(use):
                if switch.can_continue(query, use.evaluate(query)):
                    return True
        return False

    def _switches_of(self, context: Context) -> Iterator[tuple[SwitchUse, Switch]]:
        for use in context.switches:
            switch = self.switches.get(use.name.lower())
            if switch is not None:
                yield use, switch

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

    def can_continue(
        self,
        context: str,
        exten: str,
        caller_number: str,
        wall: float,
        scope: Scope | None = None,
        loopbacks: int = 0,
    ) -> bool:
        """Tell whether more digits after *exten* could reach another extension."""
        for found, _is_timed in self.walk(context, wall):
            answer = found.can_continue(exten, caller_number)
            if answer is not None:
                return answer
            if found.switches:
                query = Query(self, context, exten, 1, caller_number, wall, scope, loopbacks)
                if self._switches_continue(found, query):
                    return True
        return False

    def ignores(self, context: str, digits: str, wall: float) -> bool:
        """Tell whether an ``ignorepat`` says to go on with the dial tone after *digits*."""
        return any(
            pattern.matches(digits)
            for found, _is_timed in self.walk(context, wall)
            for pattern in found.ignore_patterns
        )

    def unknown_switches(self) -> list[str]:
        """Say which contexts ask switches that are not there."""
        return [
            f"{context.path}:{context.line}: context {context.name}: no switch {use.name!r}"
            for context in self.contexts.values()
            for use in context.switches
            if use.name.lower() not in self.switches
        ]

    def walk(self, name: str, wall: float) -> Iterator[tuple[Context, bool]]:
        """Iterate over a context and all that it includes now, in the order of the search.

        The second item tells whether the time of day had a say in it.
        """
        context = self.contexts.get(name)
        if context is None:
            return
        yield context, False
        if context.includes:
            yield from self._included(context, wall, {name.lower()}, False)

    def _included(
        self, context: Context, wall: float, seen: set[str], is_timed: bool
    ) -> Iterator[tuple[Context, bool]]:
        """Walk the includes depth first, each context once."""
        for include in context.includes:
            if include.condition is not None and not include.condition.holds(wall):
                is_timed = True
                continue
            found = self.contexts.get(include.context)
            name = include.context.lower()
            if found is None or name in seen or len(seen) >= MAX_INCLUDES:
                continue
            seen.add(name)
            timed = is_timed or include.condition is not None
            yield found, timed
            yield from self._included(found, wall, seen, timed)
            is_timed = timed


@contextmanager
def _fault_barrier(use: SwitchUse) -> Iterator[None]:
    """Take a switch that fails for one that knows nothing, unless it could not wait."""
    try:
        yield
    except (InvalidState, ChannelHungUp):
        raise
    except ServerError as error:
        logger.warning("switch %s: %s", use.source, error)
    except Exception:
        logger.exception("switch %s failed", use.source)
