"""DTMF in INFO bodies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import RemoteProtocolError
from server.sip.dtmf_info import DIGITS, MAX_DURATION_MS, Digit, parse, relay_body


@pytest.mark.parametrize("digit", DIGITS)
def test_what_is_written_is_read_back(digit: str) -> None:
    assert parse("application/dtmf-relay", relay_body(digit, 160)) == Digit(digit, 160)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"Signal=10\r\nDuration=x", Digit("*", 100)),
        (b"signal = d\nduration = 99999999", Digit("D", 100)),
        (b"Duration=999999\r\nSignal=15\r\n", Digit("D", MAX_DURATION_MS)),
    ],
)
def test_what_phones_send(body: bytes, expected: Digit) -> None:
    assert parse("application/dtmf-relay", body) == expected


@given(st.sampled_from(["application/dtmf-relay", "application/dtmf", "x/y"]), st.binary())
def test_any_body_is_a_digit_or_refused(content_type: str, body: bytes) -> None:
    try:
        digit = parse(content_type, body)
    except RemoteProtocolError:
        return
    assert digit.digit in DIGITS
    assert 0 <= digit.duration_ms <= MAX_DURATION_MS
