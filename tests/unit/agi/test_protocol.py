"""Lines and words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.agi.protocol import (
    MAX_ARGUMENTS,
    LineBuffer,
    environment_block,
    join_command,
    split_command,
    usage_reply,
)

WORDS = st.lists(
    st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), max_size=20),
    max_size=20,
)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('STREAM FILE hello ""', ["STREAM", "FILE", "hello", ""]),
        ('SET VARIABLE X "a b"', ["SET", "VARIABLE", "X", "a b"]),
        ("a\tb   c ", ["a", "b", "c"]),
        (r'"say \"hi\" \\ there"', [r'say "hi" \ there']),
        (r"one\ word", ["one word"]),
        ('glued" to"gether', ["glued together"]),
        (r"\n", ["n"]),
        ('"open quote', ["open quote"]),
        ("", []),
    ],
)
def test_words_are_parted_as_asterisk_parts_them(line: str, words: list[str]) -> None:
    assert split_command(line) == words


def test_words_beyond_the_limit_are_left_out() -> None:
    assert len(split_command("x " * 500)) == MAX_ARGUMENTS


@given(WORDS)
def test_what_is_joined_is_split_again(words: list[str]) -> None:
    assert split_command(join_command(words)) == words


@given(st.text(max_size=300))
def test_any_line_gives_words(line: str) -> None:
    assert all(isinstance(word, str) for word in split_command(line))


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_pieces_give_the_lines_of_the_whole(pieces: list[bytes]) -> None:
    whole, parts = LineBuffer(50), LineBuffer(50)
    whole.feed(b"".join(pieces))
    for piece in pieces:
        parts.feed(piece)
    whole.end()
    parts.end()
    assert list(parts.lines) == list(whole.lines)


def test_a_line_that_is_too_long_is_dropped_while_it_comes_and_known_at_its_end() -> None:
    buffer = LineBuffer(100)
    for _ in range(1000):
        buffer.feed(b"x" * 1000)
    assert not buffer.lines
    assert len(buffer._rest) <= 100
    buffer.feed(b"\nNOOP\r\n")
    assert list(buffer.lines) == [None, "NOOP"]


def test_a_value_can_not_begin_another_line_of_the_environment() -> None:
    block = environment_block([("agi_callerid", "1\nagi_request: x"), ("agi_arg_1", "a")])
    assert block == "agi_callerid: 1 agi_request: x\nagi_arg_1: a\n\n"


def test_the_usage_is_framed_as_scripts_expect_it() -> None:
    assert usage_reply("Usage: X\n\tdoes it\n").split("\n") == [
        "520-Invalid command syntax.  Proper usage follows:",
        "Usage: X",
        "\tdoes it",
        "520 End of proper usage.",
    ]
