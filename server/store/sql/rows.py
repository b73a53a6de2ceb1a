"""What is asked of a table, and what comes back: names and texts, as configuration has them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from server.base.errors import InvalidArgument

MAX_NAME = 64  # characters of a table or column: what PostgreSQL and MariaDB allow
OPERATORS = frozenset({"=", "!=", "<>", "<", ">", "<=", ">=", "LIKE", "NOT LIKE"})
_ENCODED = re.compile(r"\^([0-9A-Fa-f]{2})")


class Criterion(NamedTuple):
    """A condition on a column; its value is never part of the statement's text."""

    column: str
    operator: str
    value: str


@dataclass(slots=True)
class Rows:
    """The answer to a query; a value that is NULL is ``None``.

    :ivar affected: rows that a change reached, -1 if the database does not say.
    :ivar last_id: the key that an INSERT drew, ``None`` if there is none.
    """

    columns: Sequence[str] = ()
    rows: list[tuple[str | None, ...]] = field(default_factory=list)
    affected: int = -1
    last_id: str | None = None


def read_criterion(text: str, value: str) -> Criterion:
    """Read ``column`` or ``column operator``, as ``exten LIKE``.

    :raises InvalidArgument: it is neither.
    """
    column, _, operator = text.strip().partition(" ")
    operator = operator.strip().upper() or "="
    check_name(column)
    if operator not in OPERATORS:
        raise InvalidArgument("column", f"{operator[:20]!r} is not an operator")
    return Criterion(column, operator, value)


def check_name(name: str) -> str:
    """Return the name of a table or column.

    :raises InvalidArgument: it can't be one.
    """
    if not 0 < len(name) <= MAX_NAME or not name.isprintable() or '"' in name or "`" in name:
        raise InvalidArgument("column", f"{name[:MAX_NAME]!r} is no name of a table or column")
    return name


def encode_value(value: str) -> str:
    """Write what separates values inside of one column, ``;``, as Asterisk does: ``^3B``."""
    return value.replace("^", "^5E").replace(";", "^3B")


def decode_value(value: str) -> str:
    """Read what :func:`encode_value` wrote."""
    return _ENCODED.sub(lambda found: chr(int(found[1], 16)), value) if "^" in value else value


def as_options(columns: Sequence[str], row: Sequence[str | None]) -> list[tuple[str, str]]:
    """Return a row as options: NULL is none, and ``;`` separates several of one name."""
    return [
        (column, decode_value(part))
        for column, value in zip(columns, row, strict=True)
        if value is not None
        for part in (value.split(";") if ";" in value else (value,))
    ]
