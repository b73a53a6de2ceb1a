"""func_odbc.conf: dialplan functions made of SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from server.config.binder import bind, setting
from server.config.objects import ConfigFile, ConfigWarning
from server.config.types import boolean, choice, integer, items, text

MAX_DATABASES = 5  # that one function may try, as in Asterisk
DEFAULT_PREFIX = "ODBC"
MAX_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class OdbcFunction:
    """One section.

    :ivar dsn: sections of res_odbc.conf that are tried in this order.
    :ivar rowlimit: rows of one answer; 0 for as many as there are.
    """

    name: str = ""
    dsn: tuple[str, ...] = setting(items, ())
    readhandle: tuple[str, ...] = setting(items, ())
    writehandle: tuple[str, ...] = setting(items, ())
    readsql: str = setting(text, "", names=("readsql", "read"))
    writesql: str = setting(text, "", names=("writesql", "write"))
    insertsql: str = setting(text, "")
    prefix: str = setting(text, "")
    escapecommas: bool = setting(boolean, True)
    mode: str = setting(choice("single", "multirow"), "single")
    rowlimit: int = setting(integer(0, MAX_ROWS), 0)
    synopsis: str = setting(text, "")
    syntax: str = setting(text, "")
    minargs: int = setting(integer(0, 100), 0)

    @property
    def function_name(self) -> str:
        """What the dialplan calls it."""
        return f"{self.prefix or DEFAULT_PREFIX}_{self.name}"

    @property
    def read_databases(self) -> tuple[str, ...]:
        """Where it reads."""
        return (self.readhandle or self.dsn or self.writehandle)[:MAX_DATABASES]

    @property
    def write_databases(self) -> tuple[str, ...]:
        """Where it writes."""
        return (self.writehandle or self.dsn)[:MAX_DATABASES]


@dataclass(frozen=True, slots=True)
class FuncOdbc:
    """The file, by section."""

    functions: Mapping[str, OdbcFunction] = field(default_factory=dict)


def build_func_odbc(file: ConfigFile | None, warnings: list[ConfigWarning]) -> FuncOdbc:
    """Make the settings of a parsed file; a function that could never work is left out.

    :raises ConfigError: a value can't be read; names file, line and option.
    """
    functions: dict[str, OdbcFunction] = {}
    for section in file.sections if file is not None else ():
        if section.name == "general":  # single_db_connection: pools are bounded in any case
            continue
        made = bind(OdbcFunction, section.options, warnings, name=section.name)
        if problem := _problem(made):
            message = f"[{section.name}] is left out: {problem}"
            warnings.append(ConfigWarning(section.path, section.line, message))
            continue
        for option in section.options:
            if option.name.lower().endswith("sql") and _is_injectable(option.value):
                message = (
                    f"{option.name} has arguments inside of quotes without SQL_ESC: "
                    "a caller could change the statement"
                )
                warnings.append(ConfigWarning(option.path, option.line, message))
        functions[made.function_name] = made
    return FuncOdbc(functions)


def _problem(made: OdbcFunction) -> str:
    if not made.readsql and not made.writesql:
        return "it has neither readsql nor writesql"
    if made.insertsql and not made.writesql:
        return "insertsql needs a writesql"
    if made.readsql and not made.read_databases:
        return "it has no dsn or readhandle"
    if made.writesql and not made.write_databases:
        return "it has no dsn or writehandle"
    return ""


def _is_injectable(sql: str) -> bool:
    return any(f"'${{{name}" in sql for name in ("ARG", "VAL"))
