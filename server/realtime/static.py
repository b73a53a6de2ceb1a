"""Static realtime: configuration as rows of a table, read where the file would be.

A whole file has a row for each line: ``cat_metric, var_metric, category, var_name, var_val,
commented, filename``. Of the families ``acls`` and ``musiconhold`` each name becomes a section.

Configuration is read before the server's loop runs and, on reload, in a thread; so this has a loop
of its own, for as long as it takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from server.base.errors import ConfigError, Unavailable
from server.config.objects import ConfigFile, Option, Section
from server.config.sections.databases import DatabaseFiles
from server.config.sections.extconfig import FamilySource
from server.realtime.databases import Databases
from server.store.sql.rows import Criterion, Rows

ENTRIES = "musiconhold_entry"  # the files of a class of mode=playlist
FAMILY_ORDER = {
    "acls": ("name", "rule_order"), "musiconhold": ("name",), ENTRIES: ("name", "position")
}  # fmt: skip
NO_OPTIONS = frozenset({"name", "stamp", "rule_order", "position"})


class StaticFiles:
    """Reads the files and families that extconfig.conf has in databases."""

    def __init__(self, files: DatabaseFiles) -> None:
        self._files = files

    def __call__(self, name: str) -> ConfigFile | None:
        """Return a file, or a family as a file; ``None`` if it is not in a database.

        :raises ConfigError: it is, and none can be asked.
        """
        families = self._files.extconfig.families
        if name not in families:
            return None
        found = asyncio.run(self._read(name, families[name]))
        if name == "musiconhold" and ENTRIES in families:
            _add_entries(found, asyncio.run(self._read(ENTRIES, families[ENTRIES])))
        return found

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
                build = _as_sections if name in FAMILY_ORDER else _as_file
                return build(f"{source.driver}:{source.database}/{source.table}/{name}", rows)
        finally:
            await databases.close()
        raise ConfigError("extconfig.conf", 0, f"{name}: {failure}")


async def _select(databases: Databases, source: FamilySource, name: str) -> Rows:
    database = databases.of(source)
    if name in FAMILY_ORDER:
        return await database.select(source.table, [], order=FAMILY_ORDER[name])
    # Asterisk's drivers disagree on which end of cat_metric is the front.
    first = "cat_metric" if source.driver == "sqlite3" else "-cat_metric"
    order = (first, "var_metric", "category", "var_name")
    criteria = [Criterion("filename", "=", name), Criterion("commented", "=", "0")]
    return await database.select(source.table, criteria, order=order)


def _as_file(path: str, rows: Rows) -> ConfigFile:
    """Turn lines into sections, a new one wherever the category changes."""
    file = ConfigFile(path)
    former: tuple[str, str] | None = None
    wanted = ("cat_metric", "category", "var_name", "var_val")
    for number, row in enumerate(_as_dicts(path, rows, wanted), 1):
        this = row["cat_metric"], row["category"]
        if this != former:
            file.sections.append(Section(row["category"], path, number))
            former = this
        option = Option(row["var_name"], row["var_val"], path, number)
        file.sections[-1].options.append(option)
    return file


def _as_sections(path: str, rows: Rows) -> ConfigFile:
    """Turn rows into options of the sections that they name."""
    sections: dict[str, Section] = {}
    for number, row in enumerate(_as_dicts(path, rows, ("name",)), 1):
        section = sections.setdefault(row["name"], Section(row["name"], path, number))
        pairs = [(row["sense"], row["rule"])] if "sense" in row else list(row.items())
        section.options += [
            Option(name, value, path, number)
            for name, value in pairs
            if value and name not in NO_OPTIONS
        ]
    return ConfigFile(path, list(sections.values()))


def _as_dicts(path: str, rows: Rows, wanted: Iterable[str]) -> Iterable[Mapping[str, str]]:
    columns = [column.lower() for column in rows.columns]
    missing = [column for column in wanted if column not in columns]
    if missing:
        raise ConfigError(path, 0, f"the table has no column {', '.join(missing)}")
    for row in rows.rows:
        yield {name: value or "" for name, value in zip(columns, row, strict=True)}


def _add_entries(file: ConfigFile, entries: ConfigFile) -> None:
    for section in file.sections:
        found = entries.find(section.name)
        section.options += found.options if found is not None else []
