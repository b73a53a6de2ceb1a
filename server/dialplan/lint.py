"""Finds what loads but will hardly work as its author thinks.

Unknown applications, functions and options; jumps to what does not exist; steps that no call
reaches; extensions that others hide; extensions that run on into an included context.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from server.dialplan.arguments import (
    Target,
    argument,
    parse_target,
    split_condition,
    split_nested_condition,
    split_raw,
)
from server.dialplan.pattern import REST, REST_OR_NOTHING, Element, is_pattern, parse_pattern
from server.dialplan.plan import MAX_INCLUDES, REGISTRAR, Context, Extension, Plan, Step
from server.dialplan.registry import Registry
from server.dialplan.variables import GAP, Template

MAX_COMPARISONS = 200_000  # of extensions with those of included contexts

_JUMPS = frozenset(("goto", "gosub", "gotoif", "gotoiftime", "gosubif"))
_CONDITIONAL = frozenset(("gotoif", "gotoiftime", "gosubif"))
_FINAL = frozenset(("goto", "hangup", "return", "busy", "congestion"))
_BLOCK_ENDS = frozenset(("endif", "endwhile", "else", "elseif"))


@dataclass(frozen=True, slots=True, order=True)
class Remark:
    """Something to look at."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}" if self.path else self.message


def check_plan(plan: Plan, registry: Registry) -> list[Remark]:
    """Return what is doubtful in a plan, by file and line."""
    return sorted(set(_Checker(plan, registry).remarks()))


class _Checker:
    def __init__(self, plan: Plan, registry: Registry) -> None:
        self._plan = plan
        self._registry = registry
        self._comparisons = 0
        self._aimed_at = {
            (target.context or context.name, target.exten or extension.name, target.priority)
            for context in plan.contexts.values()
            for extension in context
            for _step, target in _jumps(extension)
        }

    def remarks(self) -> Iterator[Remark]:
        for context in self._plan.contexts.values():
            for extension in context:
                jumps = list(_jumps(extension))
                yield from self._missing_targets(context, extension, jumps)
                yield from self._unreachable(context, extension, [target for _, target in jumps])
                for step in extension.steps.values():
                    yield from self._unknown_names(step)
            yield from self._hidden(context)
            yield from self._running_on(context)

    # names

    def _unknown_names(self, step: Step) -> Iterator[Remark]:
        if step.key not in self._registry.applications:
            yield _at(step, f"no application {step.application!r}")
        if unknown := _unknown_options(step):
            yield _at(step, f"{step.application} has no option {', '.join(unknown)}")
        if isinstance(step.data, Template):
            for name in step.data.functions():
                if name and GAP not in name and self._registry.find_function(name) is None:
                    yield _at(step, f"no function {name!r}")

    # jumps

    def _missing_targets(
        self, context: Context, extension: Extension, jumps: Iterable[tuple[Step, Target]]
    ) -> Iterator[Remark]:
        for step, target in jumps:
            message = self._missing(context, extension, target)
            if message:
                yield _at(step, f"{step.application}: {message}")

    def _missing(self, context: Context, extension: Extension, target: Target) -> str:
        name = target.context or context.name
        if GAP in name or GAP in (target.exten or ""):
            return ""
        if name not in self._plan.contexts:
            return f"there is no context {name!r}"
        if target.exten is None:
            found = [each for each in self._plan.contexts[name] if each.name == extension.name]
            found += self._matching(name, extension.name.lstrip("_"))
        else:
            found = self._matching(name, target.exten)
        exten = target.exten or extension.name
        if not found:
            return "" if self._has_switch(name) else f"there is no extension {exten}@{name}"
        wanted = target.priority
        if GAP in wanted or wanted[0] in "+-" or self._has_switch(name):
            return ""
        if wanted.isascii() and wanted.isdigit():
            is_there = any(int(wanted[:9]) in each.steps for each in found)
        else:
            is_there = any(wanted in each.labels for each in found)
        return "" if is_there else f"there is no {wanted!r} in {exten}@{name}"

    def _matching(self, name: str, exten: str) -> list[Extension]:
        contexts = self._with_includes(name)
        return [each for context in contexts for each in context.every_match(exten)]

    def _has_switch(self, name: str) -> bool:
        return any(context.switches for context in self._with_includes(name))

    def _with_includes(self, name: str) -> list[Context]:
        """Return a context and all it includes, whatever the time, in the order of the search."""
        found: dict[str, Context] = {}
        stack = [name]
        while stack and len(found) < MAX_INCLUDES:
            name = stack.pop()
            context = self._plan.contexts.get(name)
            if context is not None and name not in found:
                found[name] = context
                stack += [include.context for include in reversed(context.includes)]
        return list(found.values())

    # steps that nobody reaches

    def _unreachable(
        self, context: Context, extension: Extension, targets: list[Target]
    ) -> Iterator[Remark]:
        steps = extension.steps
        if not steps:
            return
        if any(GAP in target.priority or target.priority[0] in "+-" for target in targets):
            return
        first = steps[min(steps)]
        if first.registrar != REGISTRAR:  # other languages look for this themselves
            return
        name = f"{extension.name}@{context.name}"
        if 1 not in steps and not extension.labels:
            yield _at(first, f"{name} has no priority 1, so no call begins there")
        for priority, step in steps.items():
            place = context.name, extension.name, str(priority)
            if step.label or priority == 1 or place in self._aimed_at:
                continue
            before = steps.get(priority - 1)
            if before is None and priority != first.priority:
                yield _at(step, f"{name}: no priority {priority - 1} leads to {priority}")
            elif before is not None and before.key in _FINAL and step.key not in _BLOCK_ENDS:
                yield _at(step, f"{name}: {before.application} before it never goes on")

    # extensions that hide others

    def _hidden(self, context: Context) -> Iterator[Remark]:
        catching = [
            extension
            for extension in context
            if extension.caller is None and is_pattern(extension.name) and 1 in extension.steps
        ]
        for included in self._with_includes(context.name)[1:]:
            for extension in catching:
                hidden = [
                    each for each in self._beginnings(included) if self._covers(extension, each)
                ]
                if hidden:
                    names = ", ".join(each.name for each in hidden[:3])
                    more = f" and {len(hidden) - 3} more" if len(hidden) > 3 else ""
                    yield _at(
                        extension.steps[1],
                        f"{extension.name}@{context.name} hides {names}{more} of the included "
                        f"context {included.name}",
                    )

    def _beginnings(self, context: Context) -> Iterator[Extension]:
        return (each for each in context if 1 in each.steps)

    def _covers(self, one: Extension, other: Extension) -> bool:
        self._comparisons += 1
        return self._comparisons <= MAX_COMPARISONS and covers(one.name, other.name)

    def _running_on(self, context: Context) -> Iterator[Remark]:
        """Find extensions whose next priority exists in an included context only."""
        others = self._with_includes(context.name)[1:]
        for extension in context if others else ():
            if not extension.steps:
                continue
            last = extension.steps[max(extension.steps)]
            if last.key in _FINAL:
                continue
            for other in others:
                for each in other:
                    if last.priority + 1 in each.steps and self._covers(each, extension):
                        yield _at(
                            last,
                            f"{extension.name}@{context.name} goes on at priority "
                            f"{last.priority + 1} of {each.name}@{other.name}",
                        )


def covers(one: str, other: str) -> bool:
    """Tell whether every number that the name *other* fits also fits *one*."""
    wide, narrow = _elements(one), _elements(other)
    for index, element in enumerate(wide):
        if element is REST_OR_NOTHING:
            return True
        if index >= len(narrow):
            return False
        if element is REST:
            return narrow[index] is not REST_OR_NOTHING
        if narrow[index] in (REST, REST_OR_NOTHING) or not set(narrow[index]) <= set(element):
            return False
    return len(narrow) == len(wide)


def _elements(name: str) -> tuple[Element, ...]:
    return parse_pattern(name) if is_pattern(name) else tuple(name.replace("-", ""))


def _jumps(extension: Extension) -> Iterator[tuple[Step, Target]]:
    for step in extension.steps.values():
        if step.key in _JUMPS:
            for text in _destinations(step):
                target = parse_target(text.partition("(")[0])
                if target is not None:
                    yield step, target


def _destinations(step: Step) -> list[str]:
    """Return the texts of a jump's destinations, with gaps where variables are."""
    text = _skeleton(step)
    if step.key not in _CONDITIONAL:
        return [text]
    split = split_nested_condition if step.key == "gosubif" else split_condition
    return [branch for branch in split(text)[1:] if branch]


def _skeleton(step: Step) -> str:
    """Return a step's arguments with gaps where variables are."""
    return step.data if isinstance(step.data, str) else step.data.skeleton()


@cache
def _option_letters() -> dict[str, tuple[int, str]]:
    """Return which argument holds the options, and which letters there are, by application."""
    text = resources.files("server.dialplan").joinpath("options.json").read_text("utf-8")
    return {name.lower(): (index, letters) for name, (index, letters) in json.loads(text).items()}


def _unknown_options(step: Step) -> list[str]:
    if step.key not in _option_letters():
        return []
    index, letters = _option_letters()[step.key]
    unknown: list[str] = []
    depth = 0
    for letter in argument(split_raw(_skeleton(step)), index):
        depth += (letter == "(") - (letter == ")")
        if not depth and letter not in f'{letters})"{GAP}' and not letter.isspace():
            unknown.append(letter)
    return unknown


def _at(step: Step, message: str) -> Remark:
    return Remark(step.path, step.line, message)
