"""Families of realtime that are lists in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from server.base.errors import Unavailable
from server.config.sections.databases import DatabaseFiles
from server.config.sections.extconfig import ExtConfig
from server.realtime.databases import Databases
from server.realtime.realtime import Realtime, Row
from server.store.sql.rows import Criterion


class Families(Realtime):
    """Stands in for :class:`Realtime`; knows ``=`` and ``LIKE x%`` only.

    :ivar is_dead: nothing can be asked.
    :ivar queries: what was asked, in order.
    :ivar gate: cleared, every question waits until it is set.
    """

    def __init__(self, **rows: list[dict[str, str]]) -> None:
        super().__init__(Databases(DatabaseFiles()), ExtConfig())
        self.rows = rows
        self.is_dead = False
        self.queries: list[tuple[str, str]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    def has(self, family: str) -> bool:
        return family in self.rows

    async def find(
        self, family: str, criteria: Sequence[Criterion] = (), *, limit: int = 0
    ) -> list[Row]:
        await self._ask(family, criteria)
        found = [list(row.items()) for row in self._matching(family, criteria)]
        return found[: limit or None]  # type: ignore[return-value]

    async def store(self, family: str, values: Mapping[str, str]) -> str | None:
        await self._ask(family, ())
        self.rows[family].append(dict(values))
        return str(len(self.rows[family]))

    async def update(
        self, family: str, criteria: Sequence[Criterion], values: Mapping[str, str]
    ) -> int:
        await self._ask(family, criteria)
        found = self._matching(family, criteria)
        for row in found:
            row.update(values)
        return len(found)

    async def destroy(self, family: str, criteria: Sequence[Criterion]) -> int:
        await self._ask(family, criteria)
        found = self._matching(family, criteria)
        self.rows[family] = [row for row in self.rows[family] if row not in found]
        return len(found)

    async def _ask(self, family: str, criteria: Sequence[Criterion]) -> None:
        self.queries.append((family, criteria[0].value if criteria else ""))
        await self.gate.wait()
        if self.is_dead:
            raise Unavailable("the database is gone")

    def _matching(self, family: str, criteria: Sequence[Criterion]) -> list[dict[str, str]]:
        return [row for row in self.rows[family] if all(_meets(row, each) for each in criteria)]


def _meets(row: Mapping[str, str], criterion: Criterion) -> bool:
    value = row.get(criterion.column, "")
    if criterion.operator == "=":
        return value == criterion.value
    begin = criterion.value.removesuffix("%").replace("\\_", "_")
    if begin.endswith("_") and not criterion.value.startswith("\\_"):
        begin = begin[:-1]
        return value.startswith(begin) and len(value) > len(begin)
    return value.startswith(begin)
