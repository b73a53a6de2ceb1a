"""How good a direction of a call sounds, as a score."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.sip.leg_info import media_score


@pytest.mark.parametrize(
    ("jitter_ms", "round_trip_ms", "packets", "lost", "score"),
    [
        (0, 0, 100, 0, 92.95),
        (0, 100, 0, 0, 91.7),
        (20, 0, 100, 0, 91.95),
        (0, 400, 100, 0, 84.2),  # beyond 160 ms delay is heard
        (0, 0, 98, 2, 87.95),
        (0, 0, 50, 50, 0.0),
    ],
)
def test_delay_jitter_and_loss_cost_what_they_should(
    jitter_ms: int, round_trip_ms: int, packets: int, lost: int, score: float
) -> None:
    found = media_score(jitter_ms / 1000, round_trip_ms / 1000, packets, lost)
    assert found == pytest.approx(score)


@given(st.floats(0, 60), st.floats(0, 60), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_score_is_never_outside_of_its_scale(
    jitter_s: float, round_trip_s: float, packets: int, lost: int
) -> None:
    assert 0 <= media_score(jitter_s, round_trip_s, packets, lost) <= 100
