"""Pages keep their order whatever comes and goes; fields and moments are checked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import InvalidArgument
from server.resources.listing import MAX_PAGE, check_fields, read_moment, select, take_page

KEYS = st.sets(st.text(min_size=1, max_size=4), max_size=30)


def keyed(keys: set[str]) -> list[tuple[str, str]]:
    return [(key, key) for key in keys]


@given(KEYS, st.integers(1, 10))
def test_pages_together_are_the_whole_list(keys: set[str], limit: int) -> None:
    seen: list[str] = []
    after: str | None = None
    while True:
        page, after = take_page(keyed(keys), after=after, limit=limit)
        seen += page
        if after is None:
            break
        assert len(page) == limit
    assert seen == sorted(keys)


@given(KEYS, KEYS, st.integers(1, 10))
def test_what_stays_is_seen_once_whatever_goes(stay: set[str], go: set[str], limit: int) -> None:
    seen, after = take_page(keyed(stay | go), after=None, limit=limit)
    while after is not None:
        page, after = take_page(keyed(stay), after=after, limit=limit)
        seen += page
    assert [key for key in seen if key in stay] == sorted(stay)


@pytest.mark.parametrize("limit", [0, -1, MAX_PAGE + 1])
def test_a_limit_has_bounds(limit: int) -> None:
    with pytest.raises(InvalidArgument, match="limit: must be 1"):
        take_page([], after=None, limit=limit)


def test_unknown_fields_are_named() -> None:
    check_fields(["a"], {"a", "b"})
    with pytest.raises(InvalidArgument, match="fields: 'c' is none of a, b"):
        check_fields(["a", "c"], {"a", "b"})


def test_members_that_are_absent_stay_out() -> None:
    assert select({"a": 1, "b": 2}, ["b", "c"]) == {"b": 2}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01T01:00:30+01:00", 30.0),
        ("1970-01-01", 0.0),
        ("1970-01-01T00:00:00.500", 0.5),
        ("2026-01-31T12:00:00.000+0000", 1769860800.0),
    ],
)
def test_moments(text: str, moment: float) -> None:
    assert read_moment("since", text) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "1" * 1000])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="since: "):
        read_moment("since", text)
