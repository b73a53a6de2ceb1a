"""Regular expressions as the C library has them."""

from __future__ import annotations

import time

import pytest

from server.base.errors import InvalidArgument
from server.dialplan.posix_regex import MAX_PATTERN, PosixRegex, compile_regex


@pytest.mark.parametrize(
    ("pattern", "subject", "whole"),
    [
        ("[[:digit:]]+", "abc123", "123"),
        ("a|ab|abc", "abcd", "abc"),
        ("^b", "ab", None),
        ("", "abc", ""),
        ("ä", "bär", "ä"),
    ],
)
def test_the_leftmost_longest_match_is_found(pattern: str, subject: str, whole: str | None) -> None:
    found = PosixRegex(pattern).search(subject)
    assert (None if found is None else found.group(0)) == whole


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("a", 0), ("(a)(b)", 2), ("((a))", 2), (r"\(a\)", 0), ("[(]", 0), ("[]()]", 0),
     ("[[:alpha:](]", 0), ("[^](](a)", 1)],
)  # fmt: skip
def test_groups_are_counted(pattern: str, count: int) -> None:
    assert PosixRegex(pattern).group_count == count


def test_a_group_that_took_no_part_is_none() -> None:
    found = PosixRegex("(a)|(b)").search("b")
    assert found is not None
    assert (found.group(1), found.group(2)) == (None, "b")
    assert found.is_at_start


@pytest.mark.parametrize(
    "pattern", ["(", "[", "a{2,1}", "x" * (MAX_PATTERN + 1), "(a{99}){99}", "{,}("]
)
def test_a_bad_or_gigantic_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidArgument):
        compile_regex(pattern)


def test_what_explodes_elsewhere_ends_quickly() -> None:
    began = time.process_time()
    assert PosixRegex("^(a+)+$").search("a" * 5_000 + "b") is None
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize("subject", ["\udce4", "\0a", "ä"])
def test_what_comes_out_is_always_text_that_can_be_sent(subject: str) -> None:
    found = PosixRegex("(.)").search(subject)
    assert found is not None
    assert (found.group(1) or "").encode()
