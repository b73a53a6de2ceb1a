"""The Realtime switch: extensions that are rows of a family.

``switch => Realtime/[context@][family][/options]``. What is left out is the context that is looked
in, and the family ``extensions``; without an ``@`` nothing is read before the options, as in
Asterisk. Option ``p`` leaves out rows whose ``exten`` is a pattern.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from server.base import suspension
from server.base.errors import ServerError
from server.dialplan.pattern import Pattern, PatternTable
from server.dialplan.plan import Context, Extension, Place, Step
from server.dialplan.switches import Query
from server.dialplan.variables import compile_text
from server.realtime.realtime import Realtime, Row
from server.store.sql.rows import Criterion

logger = logging.getLogger(__name__)

NAME = "Realtime"
REGISTRAR = "pbx_realtime"
DEFAULT_FAMILY = "extensions"
KEEP_S = 1.0  # seconds for which an answer is good, as in Asterisk
MAX_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Source:
    """What follows ``Realtime/``."""

    family: str
    context: str
    has_patterns: bool = True


def read_source(data: str, context: str) -> Source:
    """Read what follows ``Realtime/``.

    :param context: that is looked in.
    """
    text, _, options = data.partition("/")
    named, at, family = text.partition("@")
    if not at:
        named = family = ""
    return Source(family or DEFAULT_FAMILY, named or context, "p" not in options)


class RealtimeSwitch:
    """Finds extensions in a database; implements :class:`server.dialplan.switches.Switch`.

    :param realtime: returns what to ask, ``None`` if there is no database.
    """

    def __init__(self, realtime: Callable[[], Realtime | None]) -> None:
        self._realtime = realtime
        self._kept: dict[tuple[Source, str, int], tuple[float, Row | None]] = {}

    def find(self, query: Query, data: str) -> Place | None:
        """Return the step of a row."""
        if query.priority < 1:
            return None
        source = read_source(data, query.context)
        key = source, query.exten, query.priority
        kept = self._kept.get(key)
        if kept is None or not 0 <= query.wall - kept[0] < KEEP_S:
            row = self._ask(source, query.exten, query.priority)
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            kept = self._kept[key] = query.wall, row
        return None if kept[1] is None else _place(query, source, kept[1])

    def can_continue(self, query: Query, data: str) -> bool:
        """Tell whether more digits could reach another row."""
        source = read_source(data, query.context)
        longer = Criterion("exten", "LIKE", f"{_literal(query.exten)}_%")
        if self._rows(source, query.priority, longer, limit=1):
            return True
        table: PatternTable[Extension] = PatternTable()
        for row in self._patterns(source, query.priority):
            table.add(Extension(_column(row, "exten")))
        return bool(table.can_continue(query.exten, lambda _extension: True))

    def _ask(self, source: Source, exten: str, priority: int) -> Row | None:
        exact = self._rows(source, priority, Criterion("exten", "=", exten), limit=1)
        if exact:
            return exact[0]
        for row in self._patterns(source, priority):
            if Pattern(_column(row, "exten")).matches(exten):
                return row
        return None

    def _patterns(self, source: Source, priority: int) -> list[Row]:
        """Return the rows with patterns, the longest first."""
        if not source.has_patterns:
            return []
        found = self._rows(source, priority, Criterion("exten", "LIKE", "\\_%"))
        return sorted(found, key=lambda row: -len(_column(row, "exten")))

    def _rows(self, source: Source, priority: int, exten: Criterion, limit: int = 0) -> list[Row]:
        realtime = self._realtime()
        if realtime is None or not realtime.has(source.family):
            return []
        criteria = [
            exten,
            Criterion("context", "=", source.context),
            Criterion("priority", "=", str(priority)),
        ]
        return suspension.wait(_find(realtime, source.family, criteria, limit))


async def _find(
    realtime: Realtime, family: str, criteria: list[Criterion], limit: int
) -> list[Row]:
    try:
        return await realtime.find(family, criteria, limit=limit)
    except ServerError as error:
        logger.warning("switch Realtime: %s", error)
        return []


def _place(query: Query, source: Source, row: Row) -> Place | None:
    application, data = _column(row, "app"), _appdata(row)
    if not application:
        logger.warning("switch Realtime: %s@%s has no app", _column(row, "exten"), source.context)
        return None
    step = Step(
        query.priority, application, application.lower(), compile_text(data), data,
        registrar=REGISTRAR,
    )  # fmt: skip
    extension = Extension(_column(row, "exten"))
    extension.steps[step.priority] = step
    return Place(step, extension, Context(query.context, registrar=REGISTRAR), is_first=False)


def _column(row: Row, name: str) -> str:
    return next((value for column, value in row if column.lower() == name), "")


def _appdata(row: Row) -> str:
    """Return the arguments, whose semicolons separate nothing."""
    return ";".join(value for column, value in row if column.lower() == "appdata")


def _literal(text: str) -> str:
    """Return a text for LIKE in which nothing is special."""
    return text.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")
