"""Refer-To, Replaces and sipfrag: what is read, and what is refused with which status."""

from __future__ import annotations

import pytest

from server.base.errors import RemoteProtocolError
from server.sip.message import Request
from server.sip.refer import ReferTarget, Replaces, format_sipfrag, parse_sipfrag
from server.sip.uri import Uri


def refer(*values: str, name: str = "Refer-To") -> Request:
    request = Request("REFER", Uri("sip", "100", "10.0.0.1"))
    for value in values:
        request.headers.add(name, value)
    return request


@pytest.mark.parametrize(
    ("value", "uri", "replaces"),
    [
        ("<sip:200@example.com>", "sip:200@example.com", None),
        ("sip:200@example.com", "sip:200@example.com", None),
        ('"Bob" <sip:200@example.com;transport=tcp>', "sip:200@example.com;transport=tcp", None),
        ("<sip:200@example.com;method=INVITE>", "sip:200@example.com;method=INVITE", None),
        (
            "<sip:200@example.com?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&Subject=x>",
            "sip:200@example.com",
            Replaces("a@b", "1", "2"),
        ),
        (
            "sip:200@example.com?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2",
            "sip:200@example.com",
            Replaces("a", "1", "2"),
        ),
        (
            "<sip:200@example.com?replaces=a;from-tag=2;to-tag=1;early-only>",
            "sip:200@example.com",
            Replaces("a", "1", "2", True),
        ),
    ],
)
def test_refer_to_is_read(value: str, uri: str, replaces: Replaces | None) -> None:
    target = ReferTarget.of_request(refer(value))
    assert (str(target.uri), target.replaces) == (uri, replaces)


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ((), 400),
        (("nonsense",), 400),
        (("<sip:a@b>", "<sip:c@d>"), 400),
        (("<tel:+4930123>",), 416),
        (("<http://example.com>",), 416),
        (("<sip:200@example.com;method=BYE>",), 501),
        (("<sip:200@example.com?Replaces=a>",), 400),
        (("<sip:200@example.com?Replaces=a%3Bto-tag%3D1>",), 400),
        (("<sip:200@example.com?Replaces=a%zz>",), 400),
        (("<sip:a@b?Replaces=a;to-tag=1;from-tag=2&Replaces=a;to-tag=1;from-tag=2>",), 400),
    ],
)
def test_a_refer_to_that_can_not_be_used_is_refused(values: tuple[str, ...], status: int) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        ReferTarget.of_request(refer(*values))
    assert caught.value.status == status


@pytest.mark.parametrize(
    "value",
    ["", ";to-tag=1;from-tag=2", "a;to-tag=1", "a;from-tag=1", "a b;to-tag=1;from-tag=2",
     "a;to-tag;from-tag=2", "a\r\nX: y;to-tag=1;from-tag=2", "a;to-tag=1;to-tag=2;from-tag=3"],
)  # fmt: skip
def test_a_malformed_replaces_is_refused(value: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        Replaces.parse(value)
    assert caught.value.status == 400


def test_an_invite_replaces_one_call_at_most() -> None:
    assert Replaces.of_request(refer()) is None
    value = "a@b;to-tag=1;from-tag=2;early-only"
    found = Replaces.of_request(refer(value, name="Replaces"))
    assert found == Replaces("a@b", "1", "2", True)
    assert str(found) == value
    assert found.dialog_id == ("a@b", "1", "2")
    with pytest.raises(RemoteProtocolError):
        Replaces.of_request(refer(value, value, name="Replaces"))


@pytest.mark.parametrize("status", [100, 180, 200, 486, 503, 699])
def test_a_sipfrag_is_read_as_written(status: int) -> None:
    assert parse_sipfrag("message/sipfrag", format_sipfrag(status)) == status


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        (None, b"SIP/2.0 200 OK", 415),
        ("text/plain", b"SIP/2.0 200 OK", 415),
        ("message/sipfrag", b"", 400),
        ("message/sipfrag", b"SIP/2.0 999 ?", 400),
        ("message/sipfrag", b"INVITE sip:a@b SIP/2.0", 400),
        ("message/sipfrag", b"\xff\xfe", 400),
    ],
)
def test_a_sipfrag_that_tells_no_status_is_refused(
    content_type: str | None, body: bytes, status: int
) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_sipfrag(content_type, body)
    assert caught.value.status == status
