"""Statements on tables that are known by name only. Values are bound, names are quoted."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import (
    and_,
    bindparam,
    column,
    delete,
    false,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy import table as sql_table
from sqlalchemy.types import NullType

from server.store.sql.rows import Criterion, check_name

ColumnTypes = Mapping[str, type]
ESCAPE = "!"
TRUE = frozenset({"1", "yes", "true", "on", "y", "t"})


class Impossible(ValueError):
    """No row can have this value in this column, as a word in a column of numbers."""


def select_statement(
    table: str,
    criteria: Sequence[Criterion],
    types: ColumnTypes,
    order: Sequence[str] = (),
    limit: int = 0,
) -> Any:
    """Return ``SELECT *``."""
    statement: Any = select(literal_column("*")).select_from(_table(table))
    statement = statement.where(_conditions(criteria, types))
    for name in order:
        found: Any = column(check_name(name.removeprefix("-")))
        statement = statement.order_by(found.desc() if name.startswith("-") else found)
    return statement.limit(limit) if limit else statement


def insert_statement(table: str, values: Mapping[str, str], types: ColumnTypes) -> Any:
    """Return an INSERT of one row."""
    return insert(_table(table, *values)).values(_bound(values, types)).inline()


def update_statement(
    table: str, criteria: Sequence[Criterion], values: Mapping[str, str], types: ColumnTypes
) -> Any:
    """Return an UPDATE."""
    made = update(_table(table, *values)).values(_bound(values, types))
    return made.where(_conditions(criteria, types))


def delete_statement(table: str, criteria: Sequence[Criterion], types: ColumnTypes) -> Any:
    """Return a DELETE."""
    return delete(_table(table)).where(_conditions(criteria, types))


def as_text(value: object) -> str | None:
    """Write a value as a database's own client does; NULL is ``None``."""
    match value:
        case None | str():
            return value
        case bool():
            return "1" if value else "0"
        case bytes() | bytearray() | memoryview():
            return bytes(value).decode("utf-8", "replace")
        case datetime():
            return value.isoformat(" ")
        case enum.Enum():
            return str(value.value)
    return str(value)


def _table(name: str, *columns: str) -> Any:
    schema, _, bare = check_name(name).rpartition(".")
    return sql_table(bare, *(column(check_name(each)) for each in columns), schema=schema or None)


def _conditions(criteria: Sequence[Criterion], types: ColumnTypes) -> Any:
    try:
        return and_(True, *(_condition(criterion, types) for criterion in criteria))
    except Impossible:
        return false()


def _condition(criterion: Criterion, types: ColumnTypes) -> Any:
    found: Any = column(check_name(criterion.column))
    if criterion.operator.endswith("LIKE"):
        pattern, escape = _like_pattern(criterion.value)
        made = found.like(bindparam(None, pattern, type_=NullType()), escape=escape)
        return ~made if criterion.operator == "NOT LIKE" else made
    value = _typed(criterion.value, types.get(criterion.column, str))
    return found.op(criterion.operator)(bindparam(None, value, type_=NullType()))


def _like_pattern(value: str) -> tuple[str, str | None]:
    """Return a pattern and what escapes in it: a backslash does not in SQLite, twice in MariaDB."""
    if "\\" not in value:
        return value, None
    parts = value.replace(ESCAPE, ESCAPE * 2).split("\\\\")
    return "\\".join(part.replace("\\", ESCAPE) for part in parts), ESCAPE


def _bound(values: Mapping[str, str], types: ColumnTypes) -> dict[str, Any]:
    return {
        name: bindparam(None, _stored(value, types.get(name, str)), type_=NullType())
        for name, value in values.items()
    }


def _stored(value: str, kind: type) -> Any:
    """Return a value to be written; an empty text in a column of another type is NULL."""
    if not value and kind is not str:
        return None
    try:
        return _typed(value, kind)
    except Impossible:
        return value  # the database says what it thinks of it


def _typed(value: str, kind: type) -> Any:
    """Return a value as drivers want it that convert nothing themselves."""
    try:
        if kind is bool:
            return value.strip().lower() in TRUE
        if kind is int:
            return int(value)
        if kind in (float, Decimal):
            return kind(value)
        if kind in (datetime, date, time):
            return kind.fromisoformat(value)
        if kind is bytes:
            return value.encode()
        if kind is timedelta:
            return timedelta(seconds=float(value))
    except (ValueError, InvalidOperation, OverflowError):
        raise Impossible(value) from None
    return value
