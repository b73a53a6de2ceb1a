"""Which names fit a number, and in which order."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from server.dialplan.pattern import Pattern, PatternTable, expand_set, sort_key


@dataclass(frozen=True)
class Entry:
    name: str


def table(*names: str) -> PatternTable[Entry]:
    made: PatternTable[Entry] = PatternTable()
    for name in names:
        made.add(Entry(name))
    return made


@pytest.mark.parametrize(
    ("name", "number", "fits"),
    [
        ("100", "100", True),
        ("100", "1000", False),
        ("100", "10", False),
        ("alice", "alice", True),
        ("alice", "Alice", False),
        ("555-1212", "5551212", True),
        ("5551212", "555-1212", True),
        ("_555-1212", "5551212", True),
        ("_X", "0", True),
        ("_X", "9", True),
        ("_X", "a", False),
        ("_x", "5", True),
        ("_Z", "0", False),
        ("_Z", "1", True),
        ("_N", "1", False),
        ("_N", "2", True),
        ("_n", "9", True),
        ("_NXXNXXXXXX", "2125551212", True),
        ("_NXXNXXXXXX", "2121551212", False),
        ("_1NXX", "1800", True),
        ("_[1-3]", "2", True),
        ("_[1-3]", "4", False),
        ("_[15-7]", "6", True),
        ("_[15-7]", "2", False),
        ("_[a-c]1", "b1", True),
        ("_[*#]1", "*1", True),
        ("_[-]1", "1", False),
        ("_X.", "1", False),
        ("_X.", "12", True),
        ("_X.", "1anything", True),
        ("_.", "a", True),
        ("_.", "", False),
        ("_!", "", True),
        ("_X!", "1", True),
        ("_X!", "123", True),
        ("_X!", "", False),
        ("_X.5", "1234", True),
        ("_[]X", "1", True),
        ("_*X", "*1", True),
        ("_+X.", "+49", True),
        ("_X[", "1", True),
    ],
)
def test_match(name: str, number: str, fits: bool) -> None:
    assert Pattern(name).matches(number) is fits
    assert bool(list(table(name).matches(number))) is fits


ORDER = [
    # plain names in the order of their characters
    "100",
    "200",
    "alice",
    # single characters, then sets by size, then by the lowest character
    "_100",
    "_1X",
    "_[12]00",
    "_[13]00",
    "_[23]00",
    "_[123]00",
    "_N00",
    "_Z00",
    "_X00",
    "_XX",
    "_X.",
    "_X!",
    "_X",
    "_.",
    "_!",
]


def test_names_are_tried_in_asterisks_order() -> None:
    made = table(*reversed(ORDER))
    assert [entry.name for entry in made] == ORDER
    assert sorted(set(ORDER), key=sort_key) == ORDER


@pytest.mark.parametrize(
    ("names", "number", "order"),
    [
        (["_X.", "_XXX", "100"], "100", ["100", "_XXX", "_X."]),
        (["_.", "_NXX", "_2XX", "_[2-4]XX"], "200", ["_2XX", "_[2-4]XX", "_NXX", "_."]),
        (["_X!", "_XX", "_X."], "12", ["_XX", "_X.", "_X!"]),
        (["_X!", "_X"], "1", ["_X!", "_X"]),
        (["_1X", "_X1", "_[1-2]X"], "11", ["_1X", "_[1-2]X", "_X1"]),
        (["_9X.", "_XX"], "91", ["_9X.", "_XX"][1:]),
        (["_[5]X", "_5X"], "55", ["_[5]X", "_5X"]),
        (["_X.", "_NXX"], "_X.", ["_X."]),
    ],
)
def test_matches_come_best_first(names: list[str], number: str, order: list[str]) -> None:
    assert [entry.name for entry in table(*names).matches(number)] == order


@pytest.mark.parametrize(
    ("names", "digits", "answer"),
    [
        (["100"], "1", True),
        (["100"], "10", True),
        (["100"], "100", None),
        (["100", "1001"], "100", True),
        (["100"], "2", None),
        (["_1XX"], "1", True),
        (["_1XX"], "100", None),
        (["_X."], "1", True),
        (["_X."], "12", True),
        (["_X!"], "1", False),
        (["_X!", "_XXX"], "1", True),
        (["_X!", "_XXX"], "123", False),
        ([], "1", None),
    ],
)
def test_more_digits_are_wanted_while_they_could_matter(
    names: list[str], digits: str, answer: bool | None
) -> None:
    assert table(*names).can_continue(digits, lambda _entry: True) is answer


def test_digits_are_not_wanted_for_extensions_that_are_not_accepted() -> None:
    assert table("100", "_1XX").can_continue("1", lambda entry: entry.name == "200") is None


@pytest.mark.parametrize(
    ("body", "characters"),
    [
        ("1-3", "123"),
        ("31", "13"),
        ("3-1", ""),
        ("a-c5", "abc5"),
        ("-5", "-5"),
        ("5-", "-5"),
        ("", ""),
    ],
)
def test_sets(body: str, characters: str) -> None:
    assert expand_set(body) == frozenset(characters)
