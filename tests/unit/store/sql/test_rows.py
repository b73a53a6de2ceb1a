"""Conditions as configuration writes them, and values that hold several."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import InvalidArgument
from server.store.sql.rows import (
    OPERATORS,
    Criterion,
    as_options,
    decode_value,
    encode_value,
    read_criterion,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("exten", ("exten", "=")),
        ("exten LIKE", ("exten", "LIKE")),
        ("penalty  >=", ("penalty", ">=")),
        ("exten not like", ("exten", "NOT LIKE")),
    ],
)
def test_a_condition_is_a_column_and_perhaps_an_operator(
    text: str, expected: tuple[str, str]
) -> None:
    assert read_criterion(text, "v") == Criterion(*expected, "v")


@pytest.mark.parametrize("text", ["", "a; DROP", "a OR 1=1", 'a"b', "a`b", "x" * 65, "a\nb"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        read_criterion(text, "")


@given(st.text(max_size=80))
def test_a_condition_is_read_or_refused(text: str) -> None:
    try:
        found = read_criterion(text, "")
    except InvalidArgument:
        return
    assert found.operator in OPERATORS
    assert '"' not in found.column


@given(st.text())
def test_an_encoded_value_comes_back_whole(value: str) -> None:
    encoded = encode_value(value)
    assert ";" not in encoded
    assert decode_value(encoded) == value


def test_a_row_leaves_out_null_and_splits_at_semicolons() -> None:
    row = as_options(["id", "set_var", "acl"], ["a", "X=1;Y=a^3Bb", None])
    assert row == [("id", "a"), ("set_var", "X=1"), ("set_var", "Y=a;b")]
