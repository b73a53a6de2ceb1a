"""URIs: parse, write, compare."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.base.errors import LocalProtocolError, RemoteProtocolError
from server.sip.uri import CACHED_LENGTH, Uri

ROUND_TRIPS = [
    ("sip:alice@atlanta.com", Uri("sip", "alice", "atlanta.com")),
    ("sips:alice@atlanta.com:5061", Uri("sips", "alice", "atlanta.com", 5061)),
    ("sip:atlanta.com", Uri("sip", "", "atlanta.com")),
    ("sip:alice:secret@atlanta.com", Uri("sip", "alice", "atlanta.com", password="secret")),
    (
        "sip:alice@192.0.2.1;transport=tcp;lr",
        Uri("sip", "alice", "192.0.2.1", params={"transport": "tcp", "lr": None}),
    ),
    (
        "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
        Uri("sip", "alice", "atlanta.com", headers="subject=project%20x&priority=urgent"),
    ),
    ("sip:[2001:db8::10]:5070", Uri("sip", "", "2001:db8::10", 5070)),
    ("sip:user;par=u%40example.net@example.com",
     Uri("sip", "user;par=u@example.net", "example.com")),
    ("sip:null-%00-null@example.com", Uri("sip", "null-\0-null", "example.com")),
    ("sip:+1-212-555-1212:1234@gateway.com;user=phone",
     Uri("sip", "+1-212-555-1212", "gateway.com", params={"user": "phone"}, password="1234")),
    ("sip:%E2%82%AC@h", Uri("sip", "€", "h")),
    ("tel:+1-201-555-0123", Uri("tel", "+1-201-555-0123")),
    ("tel:7042;phone-context=example.com",
     Uri("tel", "7042", params={"phone-context": "example.com"})),
    ("urn:service:sos", Uri("urn", "service:sos")),
    ("nobodyknows:totallyopaque", Uri("nobodyknows", "totallyopaque")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "uri"), ROUND_TRIPS)
def test_round_trip(text: str, uri: Uri) -> None:
    assert Uri.parse(text) == uri
    assert str(uri) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("SIP:Alice@Example.COM", "sip:Alice@Example.COM"),
        ("sip:*97#@h", "sip:*97%23@h"),
        ("sip:a|b@h", "sip:a%7Cb@h"),
        ("sip:h;Transport=UDP", "sip:h;transport=UDP"),
    ],
)
def test_lenient_input_is_written_by_the_book(text: str, written: str) -> None:
    assert str(Uri.parse(text)) == written


@pytest.mark.parametrize(
    "text",
    [
        "", "sip", "sip:", ":alice@h", "alice@h", "sip:@h", "sip:a@", "sip:a@b@c",
        "sip:a@h:", "sip:a@h:port", "sip:a@h:70000", "sip:a@h:123456", "sip:a b@h",
        "sip:a@h o", "sip:a@[::1", "sip:a@[zz::1]", "sip:a@[1:2:3]", "sip:a@h;;lr", "sip:a@h;lr;lr",
        "sip:a@h;=x", "sip:%zz@h", "sip:%4@h", "sip:%ff@h", "sip:<a>@h", 'sip:"a"@h', "sip:a@h>",
        "tel:", "tel:+1 2", "http:", "http:a b", "sip:a@-h", "sip:a\r\n@h", "sip:a@h\0",
        "sip:\u20ac@h\u20ac",
    ],
)  # fmt: skip
def test_malformed_is_refused(text: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        Uri.parse(text)
    assert caught.value.status == 400


# RFC 3261 section 19.1.4
EQUIVALENT = [
    ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
    (
        "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
        "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
    ),
    (
        "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
    ),
    ("sip:[2001:db8::1]", "sip:[2001:DB8:0:0::1]"),
    ("tel:+1-201-555-0123", "tel:+1(201)5550123"),
]
DIFFERENT = [
    ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
    ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
    ("sip:a@h", "sips:a@h"),
    ("sip:a:p@h", "sip:a:q@h"),
    ("tel:+1201", "tel:1201"),
    ("tel:+1201", "sip:+1201@h"),
]


@pytest.mark.parametrize(("one", "other"), EQUIVALENT)
def test_equivalent(one: str, other: str) -> None:
    assert Uri.parse(one).equivalent(Uri.parse(other))
    assert Uri.parse(other).equivalent(Uri.parse(one))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different(one: str, other: str) -> None:
    assert not Uri.parse(one).equivalent(Uri.parse(other))
    assert not Uri.parse(other).equivalent(Uri.parse(one))


@pytest.mark.parametrize(
    "change",
    [
        {"host": "h\r\nX: y"}, {"host": "a b"}, {"host": ""}, {"host": "h>"}, {"host": "h;x"},
        {"params": {"x": "1\r\n"}}, {"params": {"x": "<"}}, {"params": {"a b": None}},
        {"headers": "a=\n"}, {"scheme": "sip\r\n"}, {"user": "\ud800"},
    ],
)  # fmt: skip
def test_parts_cannot_break_out(change: dict[str, object]) -> None:
    with pytest.raises(LocalProtocolError):
        str(replace(Uri("sip", "alice", "example.com"), **change))


def test_user_is_escaped() -> None:
    uri = Uri("sip", 'a"b\r\n<c> @:d', "h")
    assert str(uri) == "sip:a%22b%0D%0A%3Cc%3E%20%40%3Ad@h"
    assert Uri.parse(str(uri)) == uri


def test_without_params() -> None:
    uri = Uri.parse("sip:a@h:5061;transport=tcp?x=y")
    assert str(uri.without_params()) == "sip:a@h:5061"


def test_long_uris_are_parsed_too() -> None:
    text = f"sip:{'a' * CACHED_LENGTH}@h"
    assert str(Uri.parse(text)) == text


def test_equal_uris_hash_alike() -> None:
    assert len({Uri.parse("sip:a@h;x=1;y=2"), Uri.parse("sip:a@h;y=2;x=1")}) == 1
