"""Texts: which bodies are taken, headers as variables and back, and who they come from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import InvalidArgument, RemoteProtocolError
from server.sip.headers import NameAddr
from server.sip.message import Request
from server.sip.settings import Endpoint
from server.sip.text import check_text, from_value, headers_of, read_message
from server.sip.uri import Uri
from tests.support.sip_stacks import SimFlow

FLOW = SimFlow("UDP", ("10.0.0.1", 5060), ("10.0.0.2", 5070))


def message(body: bytes = b"", content_type: str | None = None) -> Request:
    request = Request.create(
        "MESSAGE",
        Uri.parse("sip:100@10.0.0.1"),
        from_=NameAddr(Uri.parse("sip:alice@10.0.0.2"), "Alice", {"tag": "x"}),
        to=NameAddr(Uri.parse("sip:100@10.0.0.1")),
        call_id="c",
        cseq=1,
    )
    if content_type is not None:
        request.headers.set("Content-Type", content_type)
    request.body = body
    return request


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"", None), (b"hi", "text/plain"), (b"hi", "TEXT/plain;charset=utf-8"), (b"x", "text/html")],
)
def test_texts_are_taken(body: bytes, content_type: str | None) -> None:
    check_text(message(body, content_type))


@pytest.mark.parametrize(("body", "content_type"), [(b"hi", None), (b"hi", "image/png")])
def test_other_bodies_are_refused(body: bytes, content_type: str | None) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        check_text(message(body, content_type))
    assert caught.value.status == 415


def test_a_message_is_read() -> None:
    request = message(b"gr\xc3\xbc\xc3\x9fe \xff", "text/plain")
    request.headers.set("X-Mood", "urgent")
    request.headers.set("Authorization", "Digest secret")
    read = read_message(request, Endpoint(name="alice", context="phones"), FLOW)
    assert (read.technology, read.endpoint, read.context) == ("PJSIP", "alice", "phones")
    assert read.exten == "100"
    assert read.sender == '"Alice" <sip:alice@10.0.0.2>'
    assert read.recipient == "pjsip:100@10.0.0.1"
    assert read.body == "grüße \ufffd"
    assert read.variables == {
        "Content-Type": "text/plain",
        "X-Mood": "urgent",
        "PJSIP_RECVADDR": "10.0.0.2:5070",
        "PJSIP_TRANSPORT": "udp",
    }


def test_a_message_context_comes_first() -> None:
    endpoint = Endpoint(name="alice", context="phones", message_context="texts")
    assert read_message(message(), endpoint, FLOW).context == "texts"


def test_variables_become_headers_but_for_those_of_the_stack() -> None:
    variables = {"X-A": "1", "subject": "hi", "Via": "x", "call-id": "y", "f": "z", "CSEQ": "1"}
    assert headers_of(variables) == [("X-A", "1"), ("subject", "hi")]


@pytest.mark.parametrize(
    "variables",
    [{"X A": "1"}, {"": "1"}, {"X": "a\r\nEvil: 1"}, {"X\r\nEvil": "1"}, {"X": "a" * 5000},
     {f"X-{number}": "1" for number in range(51)}],
)  # fmt: skip
def test_variables_that_no_header_can_carry_are_refused(variables: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument, match="variables"):
        headers_of(variables)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "<sip:asterisk@10.0.0.1>"),
        ("200", "<sip:200@10.0.0.1>"),
        ("pjsip:200", "<sip:200@10.0.0.1>"),
        ("PJSIP/200", "<sip:200@10.0.0.1>"),
        ("200@example.com", "<sip:200@example.com>"),
        ("sip:200@example.com", "<sip:200@example.com>"),
        ('"Bob" <sip:200@example.com>', '"Bob" <sip:200@example.com>'),
        ('"Bob" <pjsip:200@example.com>', '"Bob" <sip:200@example.com>'),
        ("<sip:200@example.com>;tag=mine", "<sip:200@example.com>"),
        ("a b", "<sip:a%20b@10.0.0.1>"),
    ],
)
def test_who_a_text_comes_from(text: str, expected: str) -> None:
    assert str(from_value(text, Endpoint(), "asterisk", "10.0.0.1")) == expected


def test_the_endpoints_own_address_counts_when_none_is_given() -> None:
    endpoint = Endpoint(from_user="desk", from_domain="example.org")
    assert str(from_value("", endpoint, "asterisk", "10.0.0.1")) == "<sip:desk@example.org>"
    assert str(from_value("200", endpoint, "asterisk", "10.0.0.1")) == "<sip:200@example.org>"


@pytest.mark.parametrize("text", ["<tel:123>", "<sip:>", "sip:", "<http://x>", "a@b c", "a@b<c"])
def test_a_sender_that_can_not_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="from"):
        from_value(text, Endpoint(), "asterisk", "10.0.0.1")


@given(st.text(max_size=40))
def test_any_sender_is_written_in_one_line_or_refused(text: str) -> None:
    try:
        written = str(from_value(text, Endpoint(), "asterisk", "10.0.0.1"))
    except InvalidArgument:
        return
    assert NameAddr.parse(written).uri.scheme in ("sip", "sips")
    assert "\r" not in written
    assert "\n" not in written
