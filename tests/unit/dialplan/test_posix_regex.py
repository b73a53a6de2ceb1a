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


@pytest.mark.parametrize(
    ("pattern", "unit"),
    [
        ("^(a+)+$", "a"),
        ("(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)x", "a"),
        ("(a|b|ab)*c", "ab"),
        (r"(\w+\s?)*$", "word "),
        ("(.*){1,10}d", "a"),
        ("(.?){1,250}d", "a"),
        (r"(.+)\1$", "ab"),
        (r"(.*)(.*)(.*)\1x", "a"),
        (r"(.*)\1(.*)\2x", "a"),
        (r"(.*)(.*)\1\2x", "a"),
    ],
)
def test_what_explodes_elsewhere_ends_quickly_or_is_refused(pattern: str, unit: str) -> None:
    regex = PosixRegex(pattern)
    longest = next(n for n in (8_000, 1_600, 800, 250, 100, 60, 16) if accepts(regex, "a" * n))
    began = time.process_time()
    regex.search((unit * longest)[: longest - 1] + "!")
    assert time.process_time() - began < 2.0
    with pytest.raises(InvalidArgument, match="texts of at most"):
        regex.search("a" * 10_000)


def accepts(regex: PosixRegex, subject: str) -> bool:
    try:
        regex.search(subject)
    except InvalidArgument:
        return False
    return True


def test_many_back_references_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="back-references"):
        PosixRegex(r"(a)(b)(c)\1\2\3")


@pytest.mark.parametrize("subject", ["\udce4", "\0a", "ä"])
def test_what_comes_out_is_always_text_that_can_be_sent(subject: str) -> None:
    found = PosixRegex("(.)").search(subject)
    assert found is not None
    assert (found.group(1) or "").encode()
