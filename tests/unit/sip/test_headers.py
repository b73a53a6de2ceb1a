"""The header map and the typed values."""

from __future__ import annotations

import pytest

from server.base.errors import LocalProtocolError, RemoteProtocolError
from server.sip.headers import CSeq, Headers, NameAddr, RAck, SessionExpires, Via
from server.sip.uri import Uri

ALICE = Uri("sip", "alice", "example.com")


# the map


def test_names_are_case_insensitive_and_compact_forms_are_known() -> None:
    headers = Headers([("f", "1"), ("call-id", "2"), ("X-Foo", "3")])
    assert headers.get("From") == headers.get("FROM") == headers.get("F") == "1"
    assert headers.get("i") == headers.get("Call-Id") == "2"
    assert headers.get("x-foo") == headers.get("X-FOO") == "3"
    assert "from" in headers
    assert "X-Bar" not in headers
    assert 7 not in headers
    assert list(headers.items()) == [("From", "1"), ("Call-ID", "2"), ("X-Foo", "3")]


def test_fields_of_one_name_keep_their_order() -> None:
    headers = Headers([("Via", "1"), ("To", "x"), ("v", "2"), ("VIA", "3")])
    assert headers.get_all("Via") == ["1", "2", "3"]
    assert headers.get("Via") == "1"
    headers.insert_first("Via", "0")
    assert headers.get_all("Via") == ["0", "1", "2", "3"]


def test_insert_first_puts_a_new_name_before_all() -> None:
    headers = Headers([("To", "x")])
    headers.insert_first("Via", "0")
    assert list(headers.items()) == [("Via", "0"), ("To", "x")]


def test_set_replaces_and_remove_forgets() -> None:
    headers = Headers([("Allow", "A"), ("To", "x"), ("Allow", "B")])
    headers.set("Allow", "C")
    assert list(headers.items()) == [("Allow", "C"), ("To", "x")]
    headers.remove("allow")
    headers.remove("allow")
    assert headers.get("Allow") is None
    assert headers.get_all("Allow") == []
    headers.set_all("To", [])
    assert "To" not in headers


def test_copy_is_independent() -> None:
    headers = Headers([("Via", "1"), ("Via", "2")])
    copy = headers.copy()
    copy.add("Via", "3")
    copy.set("X-New", "y")
    assert headers.get_all("Via") == ["1", "2"]
    assert "X-New" not in headers


@pytest.mark.parametrize("value", ["a\r\nX: 1", "a\n", "\r", "a\0b"])
def test_no_setter_takes_what_breaks_a_line(value: str) -> None:
    headers = Headers()
    for change in (headers.add, headers.set, headers.insert_first):
        with pytest.raises(LocalProtocolError):
            change("Subject", value)
    with pytest.raises(LocalProtocolError):
        headers.set_all("Subject", ["ok", value])
    assert list(headers.items()) == []


@pytest.mark.parametrize("name", ["", "a b", "a:b", "X\r\nY", "é"])
def test_names_are_tokens(name: str) -> None:
    with pytest.raises(LocalProtocolError):
        Headers().set(name, "x")


# CSeq, RAck, Session-Expires


def test_numbers_and_methods() -> None:
    assert CSeq.parse("0009  INVITE") == (9, "INVITE")
    assert str(CSeq(9, "INVITE")) == "9 INVITE"
    assert RAck.parse("776656 1 INVITE") == (776656, 1, "INVITE")
    assert str(RAck(1, 2, "INVITE")) == "1 2 INVITE"


@pytest.mark.parametrize("text", ["", "1", "INVITE", "-1 INVITE", "1 IN VITE", "2147483648 BYE",
                                  "99999999999 BYE", "\u0661 BYE", "1 BYE\r\n"])  # fmt: skip
def test_malformed_cseq(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        CSeq.parse(text)


@pytest.mark.parametrize("text", ["", "1 2", "1 2 3 4", "a 2 INVITE", "1 2 (", "5000000000 1 X"])
def test_malformed_rack(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        RAck.parse(text)


def test_methods_are_checked_when_written() -> None:
    with pytest.raises(LocalProtocolError):
        str(CSeq(1, "BYE\r\nX: y"))


def test_session_expires() -> None:
    assert SessionExpires.parse("1800;refresher=UAC") == (1800, "uac")
    assert str(SessionExpires(90, "uas")) == "90;refresher=uas"
    assert str(SessionExpires.parse("90")) == "90"
    for text in ("", "x", "90;refresher=me", "-1"):
        with pytest.raises(RemoteProtocolError):
            SessionExpires.parse(text)


# Via


@pytest.mark.parametrize(
    ("text", "via", "written"),
    [
        (
            "SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bK776asdhds",
            Via("UDP", "pc33.atlanta.com", None, {"branch": "z9hG4bK776asdhds"}),
            None,
        ),
        (
            "SIP / 2.0 / UDP first.example.com: 4000;ttl=16 ;maddr=224.2.0.1 ;branch=z9hG4bKa7.1",
            Via("UDP", "first.example.com", 4000,
                {"ttl": "16", "maddr": "224.2.0.1", "branch": "z9hG4bKa7.1"}),
            "SIP/2.0/UDP first.example.com:4000;ttl=16;maddr=224.2.0.1;branch=z9hG4bKa7.1",
        ),
        (
            "SIP/2.0/tcp [2001:db8::9:1];received=[2001:db8::9:255];branch=x;rport",
            Via("TCP", "2001:db8::9:1", None,
                {"received": "[2001:db8::9:255]", "branch": "x", "rport": None}),
            "SIP/2.0/TCP [2001:db8::9:1];received=[2001:db8::9:255];branch=x;rport",
        ),
    ],
)  # fmt: skip
def test_via(text: str, via: Via, written: str | None) -> None:
    assert Via.parse(text) == via
    assert str(via) == (written or text)


def test_via_accessors() -> None:
    via = Via.parse("SIP/2.0/UDP h;received=[2001:db8::1];rport=5062;branch=b")
    assert (via.branch, via.received, via.rport, via.wants_rport) == (
        "b",
        "2001:db8::1",
        5062,
        True,
    )
    plain = Via.parse("SIP/2.0/UDP h")
    assert (plain.branch, plain.received, plain.rport, plain.wants_rport) == ("", None, None, False)
    assert Via.parse("SIP/2.0/UDP h;rport").rport is None
    assert str(plain.with_params(received="192.0.2.1")) == "SIP/2.0/UDP h;received=192.0.2.1"


@pytest.mark.parametrize(
    "text",
    ["", "SIP/2.0/UDP", "SIP/2.0 h", "SIP/3.0/UDP h", "HTTP/2.0/UDP h", "SIP/2.0/UDP h:x",
     "SIP/2.0/UDP h:99999", "SIP/2.0/UDP h;;branch=x", "SIP/2.0/UDP h;branch=",
     "SIP/2.0/UDP [::zz]",
     "SIP/2.0/UDP h x", "SIP/2.0/UDP h;a=b c", "SIP/2.0/UDP h;a=1;A=2"],
)  # fmt: skip
def test_malformed_via(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        Via.parse(text)


# addresses


@pytest.mark.parametrize(
    ("text", "value", "written"),
    [
        ("<sip:alice@example.com>", NameAddr(ALICE), None),
        ("sip:alice@example.com", NameAddr(ALICE), "<sip:alice@example.com>"),
        ("sip:alice@example.com;tag=1", NameAddr(ALICE, "", {"tag": "1"}),
         "<sip:alice@example.com>;tag=1"),
        ('"Alice \\"Al\\" \\\\ A" <sip:alice@example.com>;tag=a;x',
         NameAddr(ALICE, 'Alice "Al" \\ A', {"tag": "a", "x": None}), None),
        ("Alice of Nowhere  <sip:alice@example.com>", NameAddr(ALICE, "Alice of Nowhere"),
         '"Alice of Nowhere" <sip:alice@example.com>'),
        ('""<sip:alice@example.com>', NameAddr(ALICE), "<sip:alice@example.com>"),
        ('"a <b>, c" <sip:alice@example.com> ; tag = x', NameAddr(ALICE, "a <b>, c", {"tag": "x"}),
         '"a <b>, c" <sip:alice@example.com>;tag=x'),
        ('<sip:alice@example.com>;+sip.instance="<urn:uuid:1>";tag=a==',
         NameAddr(ALICE, "", {"+sip.instance": '"<urn:uuid:1>"', "tag": "a=="}), None),
        ("日本 <sip:alice@example.com>", NameAddr(ALICE, "日本"), '"日本" <sip:alice@example.com>'),
        ("<tel:+1201>;tag=1", NameAddr(Uri("tel", "+1201"), "", {"tag": "1"}), None),
    ],
)  # fmt: skip
def test_name_addr(text: str, value: NameAddr, written: str | None) -> None:
    assert NameAddr.parse(text) == value
    assert str(value) == (written or text)


@pytest.mark.parametrize(
    "text",
    ["", "<>", "<sip:a@h", "sip:a@h>", '"Alice <sip:a@h>', '"A" B <sip:a@h>', '"A" sip:a@h',
     "Bell, Alexander <sip:a@h>", "sip:a@h?x=y", "sip:a@h,sip:b@h", "<sip:a@h>;;tag=1",
     "<sip:a@h>;tag=1;tag=2", "<sip:a@h> x", "<sip:a@h>;tag=", "<sip: a@h>", '"A\\" <sip:a@h>'],
)  # fmt: skip
def test_malformed_name_addr(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        NameAddr.parse(text)


def test_name_addr_accessors() -> None:
    address = NameAddr.parse("<sip:a@h>;expires=3600;q=0.5")
    assert (address.tag, address.expires) == ("", 3600)
    assert str(address.with_params(tag="x")) == "<sip:a@h>;expires=3600;q=0.5;tag=x"
    for text in ("<sip:a@h>", "<sip:a@h>;expires=x", "<sip:a@h>;expires=99999999999"):
        assert NameAddr.parse(text).expires is None


@pytest.mark.parametrize("params", [{"tag": "a\r\nb"}, {"tag": "a;b"}, {"tag": ""}, {"tag": "a b"}])
def test_parameters_cannot_break_out(params: dict[str, str]) -> None:
    with pytest.raises(LocalProtocolError):
        str(NameAddr(ALICE, "", params))


def test_display_name_cannot_break_out() -> None:
    with pytest.raises(LocalProtocolError):
        str(NameAddr(ALICE, "a\r\nX: y"))
