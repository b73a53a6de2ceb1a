"""Framing: whatever comes, however it is cut."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from server.ami.protocol import (
    LINE_TOO_LONG,
    MAX_HEADERS,
    MAX_LINE,
    TOO_MANY_LINES,
    BadMessage,
    FrameReader,
    Message,
    clean,
    clean_name,
    lines,
    split_header,
)

NAMES = st.text("abcXYZ-0123456789", min_size=1, max_size=20)
VALUES = st.text(st.characters(exclude_categories=("C",)), max_size=60).map(str.strip)
MESSAGES = st.lists(st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=8), max_size=5)


def write(messages: list[list[tuple[str, str]]], end: str = "\r\n") -> bytes:
    return "".join(
        "".join(f"{name}: {value}{end}" for name, value in each) + end for each in messages
    ).encode()


def feed(data: bytes, cuts: list[int]) -> list[Message | BadMessage]:
    reader = FrameReader()
    found: list[Message | BadMessage] = []
    points = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, stop in itertools.pairwise(points):
        found += reader.feed(data[start:stop])
    return found


@given(MESSAGES, st.lists(st.integers(0, 10_000), max_size=10), st.sampled_from(["\r\n", "\n"]))
def test_what_is_written_is_read_however_it_is_cut(
    messages: list[list[tuple[str, str]]], cuts: list[int], end: str
) -> None:
    found = feed(write(messages, end), cuts)
    assert [each.headers for each in found if isinstance(each, Message)] == messages


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=5))
def test_any_bytes_are_survived_and_never_break_a_line(data: bytes, cuts: list[int]) -> None:
    for message in feed(data, cuts):
        assert isinstance(message, Message)
        for name, value in message.headers:
            assert not {"\r", "\n", "\0"} & {*name, *value}


@given(st.binary(max_size=200), st.integers(0, 200))
def test_the_cut_does_not_matter(data: bytes, cut: int) -> None:
    def shown(found: list[Message | BadMessage]) -> list[object]:
        return [each.headers if isinstance(each, Message) else each for each in found]

    assert shown(feed(data, [cut])) == shown(feed(data, []))


@given(st.lists(st.tuples(NAMES, st.text(max_size=60)), max_size=6))
def test_no_value_makes_a_second_line(fields: list[tuple[str, str]]) -> None:
    written = lines(fields)
    assert written.count("\n") == written.count("\r") == len(fields)


def test_a_line_that_is_too_long_is_answered_once_at_its_end() -> None:
    data = (
        b"Action: Ping\r\nActionID: 3\r\nX: "
        + b"x" * MAX_LINE * 3
        + b"\r\n\r\nAction: Ping\r\n\r\n"
    )
    for cuts in ([], [MAX_LINE, 2 * MAX_LINE]):
        bad, good = feed(data, cuts)
        assert bad == BadMessage(LINE_TOO_LONG, "3")
        assert isinstance(good, Message)


def test_a_line_without_an_end_takes_no_memory() -> None:
    reader = FrameReader()
    for _ in range(50):
        assert reader.feed(b"x" * MAX_LINE) == []
    assert len(reader._rest) <= MAX_LINE
    assert reader.feed(b"\r\n\r\n") == [BadMessage(LINE_TOO_LONG)]


def test_a_flood_of_headers_is_answered_once() -> None:
    data = b"Variable: a=b\r\n" * (MAX_HEADERS + 500) + b"\r\n"
    assert feed(data, []) == [BadMessage(TOO_MANY_LINES)]


def test_the_first_value_that_says_something_counts() -> None:
    message = Message([("A", ""), ("a", "1"), ("A", "2")])
    assert message.get("A") == "1"
    assert message.all("a") == ["", "1", "2"]
    assert message.get("B", "default") == "default"
    assert "a" in message
    assert "b" not in message


def test_empty_lines_between_messages_are_nothing() -> None:
    assert feed(b"\r\n\r\n\n\nAction: Ping\r\n\r\n\r\n", [])[0].action == "Ping"  # type: ignore[union-attr]
    assert len(feed(b"\r\n\r\n\n\nAction: Ping\r\n\r\n\r\n", [])) == 1


def test_a_wrong_charset_is_replaced() -> None:
    (message,) = feed(b"Action: caf\xe9\r\n\r\n", [])
    assert isinstance(message, Message)
    assert message.action == "caf\ufffd"


def test_names_and_values_are_trimmed() -> None:
    assert split_header("Name :  a : b ") == ("Name", "a : b")
    assert split_header("no colon") == ("no colon", "")
    assert split_header("A: x\0y\rz") == ("A", "xyz")
    assert clean("a\r\nb") == "a\\r\\nb"
    assert clean_name("a: b\r\n") == "ab"
