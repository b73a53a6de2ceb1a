"""Answers to requests that can't be parsed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.sip.message import parse_message
from server.sip.refusal import refuse_unparsed

HEAD = (
    "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa\r\nv: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKb\r\n"
    "From: <sip:a@x>;tag=1\r\nt: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n"
)
BROKEN = "INVITE sip:b@x;transport=udp;transport=udp SIP/2.0\r\n"


def test_broken_request_is_told_so_on_its_own_way_back() -> None:
    response = refuse_unparsed((BROKEN + HEAD).encode(), 400)
    assert response is not None
    parsed = parse_message(response.encode())
    assert parsed.headers.get_all("Via") == [
        "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa",
        "SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKb",
    ]
    assert parsed.to.tag
    assert parsed.call_id == "c"
    assert response.status == 400


@pytest.mark.parametrize(
    "data",
    [
        BROKEN.replace("INVITE", "ACK") + HEAD,
        "SIP/2.0 200 OK\r\n" + HEAD,
        BROKEN + HEAD.replace("Call-ID: c\r\n", ""),
        BROKEN + HEAD.replace("Call-ID: c\r\n", "Call-ID: c\r\ni: d\r\n"),
        "garbage",
        "",
    ],
)
def test_nobody_is_answered_who_can_not_be(data: str) -> None:
    assert refuse_unparsed(data.encode(), 400) is None


@pytest.mark.parametrize(("asked", "expected"), [(513, 513), (200, 400), (0, 400), (999, 400)])
def test_status_is_one_that_refuses(asked: int, expected: int) -> None:
    response = refuse_unparsed((BROKEN + HEAD).encode(), asked)
    assert response is not None
    assert response.status == expected


@given(st.binary(max_size=400), st.integers(0, 200))
def test_any_input_gives_an_answer_that_can_be_sent_or_none(noise: bytes, at: int) -> None:
    data = (BROKEN + HEAD).encode()
    response = refuse_unparsed(data[:at] + noise + data[at:], 400)
    if response is not None:
        parse_message(response.encode())
