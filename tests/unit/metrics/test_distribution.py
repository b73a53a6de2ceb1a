"""Buckets count what is up to their bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.metrics.distribution import Distribution

BOUNDS = (1.0, 2.0, 5.0)


def test_a_bound_includes_its_own_value() -> None:
    values = Distribution(BOUNDS)
    for value in (0.5, 1.0, 1.1, 5.0, 6.0):
        values.add(value)
    assert values.buckets() == [("1", 2.0), ("2", 3.0), ("5", 4.0), ("+Inf", 5.0)]
    assert values.total == 13.6
    assert len(values) == 5


@given(st.lists(st.floats(0, 100)))
def test_buckets_agree_with_counting(values: list[float]) -> None:
    spread = Distribution(BOUNDS)
    for value in values:
        spread.add(value)
    expected = [float(sum(value <= bound for value in values)) for bound in BOUNDS]
    assert [count for _, count in spread.buckets()] == [*expected, float(len(values))]
