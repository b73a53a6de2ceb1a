"""Reason headers and causes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.sip.headers import NameAddr
from server.sip.message import Request
from server.sip.reason import read_cause, write_cause
from server.sip.uri import Uri


def bye(*values: str) -> Request:
    address = NameAddr(Uri("sip", "a", "b"))
    request = Request.create("BYE", Uri("sip", "a", "b"), from_=address, to=address,
                             call_id="c", cseq=1)  # fmt: skip
    for value in values:
        request.headers.add("Reason", value)
    return request


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ((), None),
        (("Q.850;cause=16",), 16),
        (('q.850 ;text="a;b" ; cause = 17',), 17),
        (("Q.850;cause=200",), 72),
        (("SIP;cause=486",), 17),
        (("SIP;cause=200",), 26),
        (("SIP;cause=486, Q.850;cause=21",), 21),
        (("SIP;cause=486", "SIP;cause=603"), 17),
        (("Q.850;cause=x",), None),
        (("Q.850;cause=\u0661",), None),
        (("preemption;cause=1",), None),
        (("", ";;;", "Q.850"), None),
    ],
)
def test_the_cause_is_read(values: tuple[str, ...], cause: int | None) -> None:
    assert read_cause(bye(*values)) == cause


@pytest.mark.parametrize(
    ("cause", "value"),
    [
        (16, 'Q.850;cause=16;text="Normal Clearing"'),
        (26, 'SIP;cause=200;text="Call completed elsewhere"'),
        (0, None),
    ],
)
def test_the_cause_is_written(cause: int, value: str | None) -> None:
    request = bye()
    write_cause(request, cause)
    assert request.headers.get("Reason") == value


@pytest.mark.parametrize("cause", range(1, 128))
def test_what_is_written_is_read_back(cause: int) -> None:
    request = bye()
    write_cause(request, cause)
    assert read_cause(request) == cause


@given(st.text(alphabet=st.characters(blacklist_characters="\r\n\0"), max_size=80))
def test_any_reason_is_read_without_an_error(value: str) -> None:
    cause = read_cause(bye(value))
    assert cause is None or 0 <= cause <= 127
