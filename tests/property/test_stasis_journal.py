"""Whatever happens to a journal, who resumes gets exactly what it has not seen, or is told."""

from __future__ import annotations

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from server.stasis.journal import JournalLimits, Journals
from tests.unit.stasis.test_journal import SteppingClock

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 200)),
        st.tuples(st.just("elsewhere"), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 40)),
        st.tuples(st.just("resume"), st.integers(0, 60)),
    ),
    max_size=60,
)


@given(STEPS, st.integers(1, 8), st.integers(50, 1_000), st.integers(5, 100))
@settings(max_examples=300, deadline=None)
def test_resuming_gives_all_that_was_missed_or_says_that_it_does_not(
    steps: list[tuple[str, int]], max_events: int, max_bytes: int, max_age: int
) -> None:
    clock = SteppingClock()
    limits = JournalLimits(max_events=max_events, max_bytes=max_bytes, max_age=max_age)
    journals = Journals(limits, clock)
    journal = journals.open("app", "", {})
    start = journal.position
    written: list[int] = []
    for step, value in steps:
        if step == "append":
            message = orjson.loads(journal.append(b'{"fill":"' + b"x" * value + b'"'))
            assert message["prev"] == (written[-1] if written else start)
            written.append(message["seq"])
        elif step == "elsewhere":
            journals.take_number()
        elif step == "wait":
            clock.time += value
        else:
            number = max(0, journals.last - value)
            reason = journal.why_not(number)
            missed = [n for n in written if n > number]
            kept = [record.number for record in journal.after(number)]
            assert kept == missed[len(missed) - len(kept) :]
            if reason is None:
                assert kept == missed
            else:
                assert reason == "expired"
                assert number < start or kept != missed or len(kept) == len(journal)
    assert len(journal) <= max_events
    assert journal.size <= max_bytes
