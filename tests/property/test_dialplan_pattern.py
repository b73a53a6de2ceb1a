"""The trie against a slow and obvious model: sort all names, try one after the other."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import cmp_to_key

from hypothesis import given
from hypothesis import strategies as st

from server.dialplan.pattern import Pattern, PatternTable, is_pattern, parse_pattern, sort_key

ELEMENTS = st.sampled_from(["0", "1", "2", "X", "Z", "N", "[12]", "[13]", "[0-4]", "[2]", "[]"])
PATTERNS = st.builds(
    lambda elements, end: "_" + "".join(elements) + end,
    st.lists(ELEMENTS, max_size=4),
    st.sampled_from(["", ".", "!"]),
)
PLAIN = st.text("0123", min_size=1, max_size=4)
NAMES = st.lists(PLAIN | PATTERNS, max_size=30, unique=True)
NUMBERS = st.text("01239*", max_size=5)


@dataclass(frozen=True)
class Entry:
    name: str


def model_matches(name: str, number: str) -> bool:
    """Match by recursion over the pattern's text."""
    if not is_pattern(name):
        return name == number
    return _model(list(parse_pattern(name)), number)


def _model(elements: list[object], number: str) -> bool:
    if not elements:
        return number == ""
    first = elements[0]
    if first == "rest":
        return len(number) >= 1
    if first == "rest or nothing":
        return True
    return bool(number) and number[0] in first and _model(elements[1:], number[1:])  # type: ignore[operator]


@given(NAMES, NUMBERS)
def test_matches_are_the_models_in_its_order(names: list[str], number: str) -> None:
    table: PatternTable[Entry] = PatternTable()
    for name in names:
        table.add(Entry(name))
    fitting = [name for name in names if model_matches(name, number)]
    expected = sorted(fitting, key=sort_key)  # stable: equal patterns in the order of adding
    found = [entry.name for entry in table.matches(number)]
    assert [sort_key(name) for name in found] == [sort_key(name) for name in expected]
    assert sorted(found) == sorted(fitting)


@given(NAMES)
def test_a_table_lists_everything_in_order(names: list[str]) -> None:
    table: PatternTable[Entry] = PatternTable()
    for name in names:
        table.add(Entry(name))
    listed = [entry.name for entry in table]
    assert sorted(listed) == sorted(names)
    assert [sort_key(name) for name in listed] == sorted(map(sort_key, names))


@given(NAMES, NUMBERS)
def test_more_digits_are_wanted_when_some_continuation_matches(
    names: list[str], number: str
) -> None:
    table: PatternTable[Entry] = PatternTable()
    for name in names:
        table.add(Entry(name))
    answer = table.can_continue(number, lambda _entry: True)
    continues = any(
        model_matches(name, number + more)
        for name in names
        for more in ("0", "1", "2", "12", "121", "0123", "01231", "1111", "2222", "333")
    )
    if answer is None and not any(name.endswith("!") for name in names):
        assert not continues
    if answer is False:
        assert any(name.endswith("!") and model_matches(name, number) for name in names)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_a_pattern_and_any_text_a_number(name: str, number: str) -> None:
    table: PatternTable[Entry] = PatternTable()
    table.add(Entry(name))
    found = list(table.matches(number))
    table.can_continue(number, lambda _entry: True)
    assert bool(found) is Pattern(name).matches(number) or name == number


SET = re.compile(r"\[([^\]]*)\]|(.)")


def positions(name: str) -> list[tuple[int, list[str]]]:
    """Read a pattern the plain way: for each position its kind and its characters."""
    found: list[tuple[int, list[str]]] = []
    for body, letter in SET.findall(name[1:]):
        if letter in (".", "!"):
            found.append((1 if letter == "." else 2, []))
            break
        if letter:
            characters = {"X": "0123456789", "Z": "123456789", "N": "23456789"}.get(letter, letter)
        else:
            characters = re.sub(
                "(.)-(.)",
                lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))),
                body,
            )
        if characters:
            found.append((0, sorted(set(characters))))
    return [*found, (3, [])]


def compare(one: str, other: str) -> int:
    """Say which name is tried first, rule by rule."""
    if is_pattern(one) != is_pattern(other):
        return 1 if is_pattern(one) else -1  # plain names first
    if not is_pattern(one):
        return (one > other) - (one < other)
    for (kind, mine), (kind_of_other, theirs) in zip(
        positions(one), positions(other), strict=False
    ):
        if kind != kind_of_other:
            return kind - kind_of_other  # characters, then ".", then "!", then the end
        if len(mine) != len(theirs):
            return len(mine) - len(theirs)  # fewer characters first
        if mine != theirs:
            return -1 if mine < theirs else 1  # lower characters first
    return 0


@given(NAMES)
def test_the_order_is_that_of_the_rules_taken_one_by_one(names: list[str]) -> None:
    expected = sorted(names, key=cmp_to_key(compare))
    assert list(map(sort_key, sorted(names, key=sort_key))) == list(map(sort_key, expected))
    table: PatternTable[Entry] = PatternTable()
    for name in names:
        table.add(Entry(name))
    listed = [entry.name for entry in table]
    assert all(compare(a, b) <= 0 for a, b in itertools.pairwise(listed))


@given(NAMES, st.data())
def test_what_is_removed_is_found_no_more_and_all_else_still_is(
    names: list[str], data: st.DataObject
) -> None:
    removed = data.draw(st.sets(st.sampled_from(names))) if names else set()
    table: PatternTable[Entry] = PatternTable()
    entries = {name: Entry(name) for name in names}
    for entry in entries.values():
        table.add(entry)
    table.can_continue("0", lambda _entry: True)
    for name in removed:
        table.remove(entries[name])
    kept = set(names) - removed
    assert {entry.name for entry in table} == kept
    for number in ("0", "01", "012", "9", ""):
        found = {entry.name for entry in table.matches(number)}
        assert found == {name for name in kept if model_matches(name, number)}
        assert (table.can_continue(number, lambda _entry: True) is True) <= any(
            len(name) > len(number) or name[-1] in ".!" for name in kept
        )
