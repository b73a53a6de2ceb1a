"""Messages count by what they are, and by nothing that a peer makes up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.sip.traffic import METHODS, Traffic, kind_of

CLASSES = {"1xx", "2xx", "3xx", "4xx", "5xx", "6xx"}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"INVITE sip:a@b SIP/2.0\r\n", "INVITE"),
        (b"SIP/2.0 100 Trying\r\n", "1xx"),
        (b"SIP/2.0 404 Not Found\r\n", "4xx"),
        (b"sip/2.0 603 Decline\r\n", "6xx"),
        (b"SIP/2.0 999 What\r\n", "other"),
        (b"SIP/2.0 ", "other"),
        (b"FROBNICATE sip:a@b SIP/2.0\r\n", "other"),
        (b"invite sip:a@b SIP/2.0\r\n", "other"),
        (b"", "other"),
    ],
)
def test_a_message_counts_as_its_method_or_class(data: bytes, kind: str) -> None:
    assert kind_of(data) == kind


@given(st.binary(max_size=40))
def test_anything_counts_as_one_of_a_few(data: bytes) -> None:
    assert kind_of(data) in {*CLASSES, *(m.decode() for m in METHODS), "other"}


def test_both_ways_are_counted_apart() -> None:
    traffic = Traffic()
    traffic.note_received(b"BYE sip:a SIP/2.0\r\n")
    traffic.note_sent([b"SIP/2.0 200 OK\r\n", b"SIP/2.0 200 OK\r\n"])
    assert traffic.received == {"BYE": 1}
    assert traffic.sent == {"2xx": 2}
