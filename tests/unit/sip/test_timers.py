"""The values of RFC 3261 table 4."""

from __future__ import annotations

from server.sip.timers import Timers


def test_unreliable_values() -> None:
    assert Timers().durations(is_reliable=False) == {
        "A": 0.5, "B": 32.0, "D": 32.0, "E": 0.5, "F": 32.0, "G": 0.5, "H": 32.0, "I": 5.0,
        "J": 32.0, "K": 5.0, "L": 32.0, "M": 32.0, "100": 0.2, "CANCEL": 32.0,
    }  # fmt: skip


def test_reliable_transports_neither_retransmit_nor_linger() -> None:
    values = Timers().durations(is_reliable=True)
    assert all(values[letter] is None for letter in "AEG")
    assert all(values[letter] == 0 for letter in "DIJK")
    assert all(values[letter] == 32 for letter in "BFHLM")


def test_timer_b_overrides_64_t1() -> None:
    assert Timers(t1=0.1).timeout == 6.4
    values = Timers(t1=0.1, timer_b=10).durations(is_reliable=False)
    assert (values["B"], values["F"], values["D"]) == (10, 10, 32)
