"""Lists of headers: reading by number and prefix, and what can't be changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import InvalidArgument, NotFound
from server.sip.header_list import MAX_HEADERS, HeaderList
from server.sip.headers import Headers

FIELDS = [("X-One", "1"), ("Subject", "hello"), ("X-Two", "2"), ("x-one", "3")]


def test_fields_are_read_by_name_number_and_prefix() -> None:
    headers = HeaderList(FIELDS)
    assert [headers.read("X-ONE", number) for number in (0, 1, 2, 3)] == [None, "1", "3", None]
    assert headers.read("s") == "hello"  # the compact form
    assert [headers.read("X-*", number) for number in (1, 2, 3, 4)] == ["1", "2", "3", None]
    assert headers.names("x-") == ["X-One", "X-Two", "x-one"]
    assert len(headers.names()) == 4


def test_fields_are_added_changed_and_taken_away() -> None:
    headers = HeaderList(FIELDS)
    headers.add("X-Three", "4")
    headers.update("x-one", "5", 2)
    assert list(headers)[-2:] == [("x-one", "5"), ("X-Three", "4")]
    assert headers.remove("X-*") == 4
    assert list(headers) == [("Subject", "hello")]
    assert headers.remove("X-None") == 0
    with pytest.raises(NotFound):
        headers.update("X-None", "1")
    with pytest.raises(NotFound):
        headers.update("Subject", "1", 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [("Contact", "x"), ("v", "x"), ("X Y", "1"), ("", "1"), ("X-A", "a\r\nb"), ("X-A", "x" * 5000)],
)
def test_what_no_header_can_be_is_refused(name: str, value: str) -> None:
    headers = HeaderList()
    with pytest.raises(InvalidArgument):
        headers.add(name, value)
    assert list(headers) == []


def test_a_call_adds_a_bounded_number() -> None:
    headers = HeaderList()
    for _ in range(MAX_HEADERS):
        headers.add("X-A", "1")
    with pytest.raises(InvalidArgument):
        headers.add("X-A", "1")


@given(st.text(max_size=20), st.text(max_size=40))
def test_what_was_taken_can_be_sent(name: str, value: str) -> None:
    headers = HeaderList()
    try:
        headers.add(name, value)
    except InvalidArgument:
        return
    assert Headers(headers).get(name) == value
