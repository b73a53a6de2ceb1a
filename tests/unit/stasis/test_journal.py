"""Journals: numbers, floors, and whether what was missed can be told."""

from __future__ import annotations

import orjson
import pytest

from server.base.errors import Unavailable
from server.stasis import journal as module
from server.stasis.journal import Journal, JournalLimits, Journals
from server.stasis.options import NEW


class SteppingClock:
    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.time


def make(**limits: float) -> tuple[Journals, Journal, SteppingClock]:
    clock = SteppingClock()
    journals = Journals(JournalLimits(**limits), clock)  # type: ignore[arg-type]
    return journals, journals.open("app", "", {}), clock


def numbers(journal: Journal, after: int) -> list[int]:
    return [record.number for record in journal.after(after)]


def test_an_event_names_the_one_before_it() -> None:
    journals, journal, _ = make()
    start = journal.position
    first = orjson.loads(journal.append(b'{"a":1'))
    journals.take_number()  # goes to another application
    second = orjson.loads(journal.append(b'{"a":2'))
    assert first == {"a": 1, "seq": start + 1, "prev": start}
    assert second == {"a": 2, "seq": start + 3, "prev": start + 1}


def test_what_came_after_a_number_is_given_in_order() -> None:
    _, journal, _ = make()
    start = journal.position
    for _ in range(4):
        journal.append(b"{")
    assert numbers(journal, start + 2) == [start + 3, start + 4]
    assert numbers(journal, start + 4) == []
    assert journal.why_not(start + 2) is None


def test_a_number_says_whether_it_can_be_resumed_from() -> None:
    journals, journal, _ = make(max_events=2)
    start = journal.position
    for _ in range(4):
        journal.append(b"{")
    assert journal.why_not(NEW) == "new"
    assert journal.why_not(journals.last + 1) == "unknown"
    assert journal.why_not(start + 1) == "expired"
    assert journal.why_not(start + 2) is None
    assert numbers(journal, start + 2) == [start + 3, start + 4]


def test_nobody_can_stand_where_a_journal_begins() -> None:
    journals, former, _ = make()
    last = journals.last
    journals.drop(former)
    journal = journals.open("app", "", {})
    assert journal.why_not(last) == "expired"


def test_bytes_and_age_bound_a_journal() -> None:
    _, journal, clock = make(max_bytes=100, max_age=10.0)
    for _ in range(50):
        journal.append(b'{"x":"0123456789"')
    assert journal.size <= 100
    assert len(journal) > 0
    clock.time += 11
    number = journal.position
    assert journal.why_not(number) is None
    assert len(journal) == 0
    assert journal.why_not(number - 1) == "expired"


def test_a_node_keeps_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    journals, journal, _ = make()
    monkeypatch.setattr(module, "MAX_JOURNALS", 1)
    assert journals.open("app", "", {}) is journal
    with pytest.raises(Unavailable):
        journals.open("other", "", {})
