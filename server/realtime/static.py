"""Static realtime: whole .conf files as rows of a table, read where the file would be.

The table has a row for each line: ``cat_metric, var_metric, category, var_name, var_val,
commented, filename``. Configuration is read before the server's loop runs and, on reload, in a
thread; so this has a loop of its own, for as long as it takes.
"""

from __future__ import annotations

import asyncio

from server.base.errors import ConfigError, Unavailable
from server.config.objects import ConfigFile, Option, Section
from server.config.sections.databases import DatabaseFiles
from server.config.sections.extconfig import FamilySource
from server.realtime.databases import Databases
from server.store.sql.rows import Criterion, Rows


class StaticFiles:
    """Reads the files that extconfig.conf has in databases."""

    def __init__(self, files: DatabaseFiles) -> None:
        self._files = files

    def __call__(self, name: str) -> ConfigFile | None:
        """Return a file, ``None`` if it is not in a database.

        :raises ConfigError: it is, and none can be asked.
        """
        sources = self._files.extconfig.families.get(name)
        return None if sources is None else asyncio.run(self._read(name, sources))

    async def _read(self, name: str, sources: tuple[FamilySource, ...]) -> ConfigFile:
        databases = Databases(self._files, pooled=False)
        failure = ""
        try:
            for source in sources:
                try:
                    rows = await _select(databases, source, name)
                except Unavailable as error:
                    failure = str(error)
                    continue
                return _as_file(name, source, rows)
        finally:
            await databases.close()
        raise ConfigError("extconfig.conf", 0, f"{name}: {failure}")


async def _select(databases: Databases, source: FamilySource, name: str) -> Rows:
    # Asterisk's drivers disagree on which end of cat_metric is the front.
    first = "cat_metric" if source.driver == "sqlite3" else "-cat_metric"
    order = (first, "var_metric", "category", "var_name")
    criteria = [Criterion("filename", "=", name), Criterion("commented", "=", "0")]
    return await databases.of(source).select(source.table, criteria, order=order)


def _as_file(name: str, source: FamilySource, rows: Rows) -> ConfigFile:
    path = f"{source.driver}:{source.database}/{source.table}/{name}"
    file = ConfigFile(path)
    at = {column: index for index, column in enumerate(rows.columns)}
    missing = {"category", "var_name", "var_val", "cat_metric"} - at.keys()
    if missing:
        raise ConfigError(path, 0, f"the table has no column {', '.join(sorted(missing))}")
    former: tuple[str | None, str | None] | None = None
    for number, row in enumerate(rows.rows, 1):
        category = row[at["category"]] or ""
        this = row[at["cat_metric"]], category
        if this != former:
            file.sections.append(Section(category, path, number))
            former = this
        option = Option(row[at["var_name"]] or "", row[at["var_val"]] or "", path, number)
        file.sections[-1].options.append(option)
    return file
