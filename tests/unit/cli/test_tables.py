"""How numbers and times are laid out."""

from __future__ import annotations

import pytest

from server.cli.tables import clock, fit, lines, plural, spell_duration


def test_fit_pads_and_cuts() -> None:
    assert fit("abc", 5) == "abc  "
    assert fit("abcdef", 3) == "abc"


def test_plural() -> None:
    assert (plural(0, "call"), plural(1, "call")) == ("0 calls", "1 call")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00:00"), (3661.9, "01:01:01"), (400_000, "111:06:40"), (-1, "00:00:00")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (65, "1 minute, 5 seconds"),
        (86_400, "1 day"),
        (31_536_000 + 604_800 + 7_200, "1 year, 1 week, 2 hours"),
    ],
)
def test_spelled_durations(seconds: float, text: str) -> None:
    assert spell_duration(seconds) == text


def test_lines_end_without_blanks() -> None:
    assert lines("a  ", "b") == "a\nb"
