"""What a NOTIFY is put together of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import InvalidArgument, LocalProtocolError
from server.sip.headers import NameAddr
from server.sip.message import Request
from server.sip.notify import MAX_FIELDS, read_notify
from server.sip.uri import Uri


def request() -> Request:
    address = NameAddr(Uri("sip", "a", "b"))
    return Request.create(
        "NOTIFY", address.uri, from_=address.with_params(tag="1"), to=address, call_id="c", cseq=1
    )


def test_content_makes_the_lines_of_the_body() -> None:
    notify = read_notify(
        [("Event", "x"), ("content-type", "text/a"), ("Content", "1"), ("CONTENT", "")]
    )
    made = request()
    notify.fill(made)
    assert made.body == b"1\r\n\r\n"
    assert made.content_type == "text/a"
    assert made.headers.get("Event") == "x"
    assert made.headers.get("Subscription-State") == "terminated"


def test_a_subscription_state_of_its_own_is_kept() -> None:
    made = request()
    read_notify([("Subscription-State", "active")]).fill(made)
    assert made.headers.get_all("Subscription-State") == ["active"]
    assert made.body == b""


@pytest.mark.parametrize(
    "fields",
    [
        [("Via", "x")], [("i", "x")], [("a b", "x")], [("Event", "a\nb")], [("Content", "x")],
        [("X", "1")] * (MAX_FIELDS + 1), [("Content-Type", "a/b"), ("Content", "x" * 40_000)],
    ],
)  # fmt: skip
def test_what_can_not_be_sent_is_refused(fields: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidArgument):
        read_notify(fields)


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=30)), max_size=6))
def test_whatever_is_taken_can_be_encoded(fields: list[tuple[str, str]]) -> None:
    try:
        notify = read_notify(fields)
    except InvalidArgument:
        return
    made = request()
    try:
        notify.fill(made)
        made.encode()
    except LocalProtocolError as error:
        raise AssertionError(fields) from error
