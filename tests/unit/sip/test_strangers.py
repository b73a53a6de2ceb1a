"""When failed identifications are worth a warning."""

from __future__ import annotations

from server.sip import strangers
from server.sip.strangers import StrangerWatch


def test_the_fifth_failure_within_the_period_counts() -> None:
    watch = StrangerWatch(5, 5.0)
    assert [watch.note("a", float(t)) for t in (0, 1, 2, 3, 4)] == [False] * 4 + [True]
    assert not watch.note("a", 4.5)


def test_slow_failures_never_count() -> None:
    watch = StrangerWatch(2, 5.0)
    assert not any(watch.note("a", t * 6.0) for t in range(10))


def test_addresses_are_counted_apart_and_bounded() -> None:
    watch = StrangerWatch(2, 5.0)
    assert not watch.note("a", 0.0)
    for number in range(strangers.MAX_ADDRESSES):
        assert not watch.note(str(number), 0.0)
    assert not watch.note("a", 0.0)
    assert len(watch._seen) == strangers.MAX_ADDRESSES
