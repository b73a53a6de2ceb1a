"""Values become what a column can be compared with, and nothing of them becomes SQL."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import InvalidArgument
from server.store.sql.rows import Criterion
from server.store.sql.statements import as_text, insert_statement, select_statement

TYPES = {"id": int, "at": datetime, "rate": Decimal, "on": bool, "data": bytes}


def parameters(*criteria: Criterion) -> list[object]:
    return list(select_statement("t", criteria, TYPES).compile().params.values())


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("name", "007", "007"),
        ("id", "007", 7),
        ("rate", "1.50", Decimal("1.50")),
        ("on", "yes", True),
        ("at", "2026-01-02 03:04:05", datetime(2026, 1, 2, 3, 4, 5)),
        ("data", "x", b"x"),
    ],
)
def test_a_value_is_of_its_columns_type(column: str, value: str, expected: object) -> None:
    assert parameters(Criterion(column, "=", value)) == [expected]


@pytest.mark.parametrize(("column", "value"), [("id", "x"), ("at", "noon"), ("rate", "")])
def test_what_a_column_can_not_hold_is_found_nowhere(column: str, value: str) -> None:
    statement = select_statement("t", [Criterion(column, "=", value)], TYPES)
    assert "WHERE false" in str(statement) or "0 = 1" in str(statement)


def test_an_empty_value_is_null_where_a_text_can_not_be() -> None:
    statement = insert_statement("t", {"id": "", "name": ""}, TYPES)
    assert list(statement.compile().params.values()) == [None, ""]


@given(st.text(), st.text())
def test_no_value_is_part_of_the_statement(first: str, second: str) -> None:
    criteria = [Criterion("a", "=", first), Criterion("b", "LIKE", second)]
    one = str(select_statement("t", criteria, {}))
    other = str(select_statement("t", [c._replace(value="\\") for c in criteria], {}))
    plain = str(select_statement("t", [c._replace(value="x") for c in criteria], {}))
    assert one in (other, plain)


def test_names_are_checked() -> None:
    with pytest.raises(InvalidArgument):
        select_statement('t"x', [], {})
    with pytest.raises(InvalidArgument):
        insert_statement("t", {"a`": "1"}, {})


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None), (True, "1"), (False, "0"), (7, "7"), (b"x", "x"), (Colour.RED, "red"),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02 03:04:05"),
    ],
)  # fmt: skip
def test_values_are_written_as_databases_write_them(value: object, expected: str | None) -> None:
    assert as_text(value) == expected
