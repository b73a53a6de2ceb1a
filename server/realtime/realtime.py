"""Realtime: rows of a family, wherever extconfig.conf says that these are."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from server.base.errors import InvalidArgument, NotFound, Unavailable
from server.config.sections.extconfig import ExtConfig, FamilySource
from server.realtime.databases import Databases
from server.store.sql.rows import Criterion, as_options, encode_value

if TYPE_CHECKING:
    from server.store.sql.database import Database

logger = logging.getLogger(__name__)

T = TypeVar("T")

Row = Sequence[tuple[str, str]]
"""Names and values of one row, in the order of its columns: NULL is left out, and several values
of one name are what ``;`` separates in a column."""


class Realtime:
    """Reads and writes families.

    Of several places of a family the next is asked when one can't be, or has nothing.
    """

    def __init__(self, databases: Databases, extconfig: ExtConfig) -> None:
        self.databases = databases
        self._sources: Mapping[str, Sequence[FamilySource]] = {}
        self.configure(extconfig)

    def configure(self, extconfig: ExtConfig) -> None:
        """Take a (new) extconfig.conf."""
        self._sources = {name.lower(): each for name, each in extconfig.families.items()}

    def has(self, family: str) -> bool:
        """Whether extconfig.conf has this family."""
        return family.lower() in self._sources

    async def find(
        self, family: str, criteria: Sequence[Criterion] = (), *, limit: int = 0
    ) -> list[Row]:
        """Return the rows that meet all criteria.

        :param limit: how many; 0 for all.
        :raises NotFound: there is no such family.
        :raises Unavailable: no database could be asked.
        """
        wanted = [each._replace(value=_encoded(each)) for each in criteria]

        async def ask(database: Database, table: str) -> list[Row]:
            found = await database.select(table, wanted, limit=limit)
            return [as_options(found.columns, row) for row in found.rows]

        return await self._try(family, ask, bool) or []

    async def store(self, family: str, values: Mapping[str, str]) -> str | None:
        """Add a row; return the key that it drew, if the database says so.

        :raises NotFound: there is no such family.
        :raises Unavailable: no database took it.
        """
        _check(values)
        encoded = {name: encode_value(value) for name, value in values.items()}

        async def add(database: Database, table: str) -> str | None:
            return (await database.insert(table, encoded)).last_id

        return await self._try(family, add, lambda _id: True)

    async def update(
        self, family: str, criteria: Sequence[Criterion], values: Mapping[str, str]
    ) -> int:
        """Change the rows that meet all criteria; return how many.

        :raises NotFound: there is no such family.
        :raises Unavailable: no database took it.
        """
        _check(values)
        wanted = [each._replace(value=_encoded(each)) for each in criteria]
        encoded = {name: encode_value(value) for name, value in values.items()}

        async def change(database: Database, table: str) -> int:
            return await database.update(table, wanted, encoded)

        return await self._try(family, change, lambda _count: True) or 0

    async def destroy(self, family: str, criteria: Sequence[Criterion]) -> int:
        """Delete the rows that meet all criteria; return how many.

        :raises InvalidArgument: there is no criterion.
        :raises NotFound: there is no such family.
        :raises Unavailable: no database took it.
        """
        _check(criteria)
        wanted = [each._replace(value=_encoded(each)) for each in criteria]

        async def delete(database: Database, table: str) -> int:
            return await database.delete(table, wanted)

        return await self._try(family, delete, lambda _count: True) or 0

    async def _try(
        self,
        family: str,
        ask: Callable[[Database, str], Awaitable[T]],
        suffices: Callable[[T], bool],
    ) -> T | None:
        sources = self._sources.get(family.lower())
        if sources is None:
            raise NotFound(f"extconfig.conf has no family {family!r}")
        answer: T | None = None
        failure: Unavailable | None = None
        for source in sources:
            try:
                answer = await ask(self.databases.of(source), source.table)
            except Unavailable as error:
                if failure is not None:
                    logger.warning("realtime %s: %s", family, failure)
                failure = error
                continue
            if suffices(answer):
                return answer
        if answer is None and failure is not None:
            raise failure
        return answer


def _encoded(criterion: Criterion) -> str:
    return encode_value(criterion.value)


def _check(values: Mapping[str, str] | Sequence[Criterion]) -> None:
    if not values:
        raise InvalidArgument("field", "a field and its value are needed")
