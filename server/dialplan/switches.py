"""Switches: where the dialplan looks when a context has no fitting extension of its own.

A ``switch => Name/data`` line asks the switch of that name after the context's extensions and
before its includes. :class:`Loopback` looks in another context; others come from the layers that
know where to look, and are added to the registry (``Registry.add_switch``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from server.dialplan.numbers import parse_integer
from server.dialplan.pattern import Pattern
from server.dialplan.variables import Template, substitute

if TYPE_CHECKING:
    from server.dialplan.plan import Place, Plan
    from server.dialplan.variables import Scope

MAX_LOOPBACKS = 16  # from one to the next


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for.

    :param scope: the call's names; ``None`` when no channel asks.
    :param loopbacks: how many lie between this and the first question.
    """

    plan: Plan
    context: str
    exten: str
    priority: int
    caller_number: str
    wall: float
    scope: Scope | None = None
    loopbacks: int = 0


class Switch(Protocol):
    """Another source of extensions.

    Both methods are asked for every digit and every step, so they answer from memory. One that
    has to fetch may call :func:`server.base.suspension.wait`: a running call waits then. Where
    nobody can wait, as for an INVITE that arrives, that raises
    :class:`~server.base.errors.InvalidState`, and the call is let in: it asks again once it runs,
    and ends with "unallocated number" if there is nothing.
    """

    def find(self, query: Query, data: str) -> Place | None:
        """Return the step at the query's priority, ``None`` if there is none.

        ``Place.moves_to`` moves the channel when the step runs.
        """
        ...

    def can_continue(self, query: Query, data: str) -> bool:
        """Tell whether more digits after the query's could reach another extension."""
        ...


@dataclass(frozen=True, slots=True)
class SwitchUse:
    """A ``switch`` line.

    :param data: what follows the name; a template is evaluated each time (``eswitch``).
    :param source: all of it as written.
    """

    name: str
    data: Template | str
    source: str
    keyword: str = "switch"
    registrar: str = "pbx_config"

    def evaluate(self, query: Query) -> str:
        """Return the data for one question."""
        if isinstance(self.data, str) or query.scope is None:
            return self.data if isinstance(self.data, str) else ""
        return self.data.evaluate(query.scope)


class Loopback:
    """``[exten][@context][:priority][/pattern]``, in which EXTEN, CONTEXT and PRIORITY have values.

    What is left out stays as it is; *pattern* has to fit the extension that was looked for.
    """

    def find(self, query: Query, data: str) -> Place | None:
        """See :class:`Switch`."""
        target = self._target(query, data)
        if target is None:
            return None
        place = query.plan.find(
            target.context,
            target.exten,
            target.priority,
            target.caller_number,
            target.wall,
            target.scope,
            target.loopbacks,
        )
        if place is None or place.moves_to is not None:
            return place
        return replace(
            place, is_first=False, moves_to=(target.context, target.exten, target.priority)
        )

    def can_continue(self, query: Query, data: str) -> bool:
        """See :class:`Switch`."""
        target = self._target(query, data)
        return target is not None and query.plan.can_continue(
            target.context,
            target.exten,
            target.caller_number,
            target.wall,
            target.scope,
            target.loopbacks,
        )

    def _target(self, query: Query, data: str) -> Query | None:
        text, slash, pattern = substitute(data, _Position(query)).partition("/")
        place, colon, priority = text.partition(":")
        exten, _, context = place.partition("@")
        context = context or query.context
        if context.lower() == query.context.lower() or query.loopbacks >= MAX_LOOPBACKS:
            return None
        if slash and not Pattern(pattern).matches(query.exten):
            return None
        return replace(
            query,
            context=context,
            exten=exten or query.exten,
            priority=parse_integer(priority, query.priority) if colon else query.priority,
            loopbacks=query.loopbacks + 1,
        )


class _Position:
    """The names that a Loopback's text may use."""

    def __init__(self, query: Query) -> None:
        self._values = {
            "EXTEN": query.exten, "CONTEXT": query.context, "PRIORITY": str(query.priority)
        }  # fmt: skip

    def get(self, name: str) -> str | None:
        return self._values.get(name)

    def read_function(self, name: str, arguments: str) -> str:
        return ""

    def call_function(self, name: str, arguments: str) -> str | None:
        return None

    def report(self, message: str) -> None: ...


STANDARD_SWITCHES: Mapping[str, Switch] = {"loopback": Loopback()}
