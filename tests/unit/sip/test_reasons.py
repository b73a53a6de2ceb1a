"""Reason phrases."""

from __future__ import annotations

from server.sip.reasons import REASONS


def test_phrases_fit_into_a_status_line() -> None:
    assert all(100 <= status <= 699 for status in REASONS)
    assert all(phrase.isascii() and phrase.isprintable() for phrase in REASONS.values())


def test_some_well_known_ones() -> None:
    assert REASONS[100] == "Trying"
    assert REASONS[486] == "Busy Here"
    assert REASONS[487] == "Request Terminated"
