"""Messages: parsing, typed access, encoding, and the wire vectors."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.base.errors import LocalProtocolError, RemoteProtocolError
from server.sip.headers import CSeq, NameAddr, SessionExpires, Via
from server.sip.message import (
    MAX_HEADER_LINES,
    MAX_MESSAGE_SIZE,
    Request,
    Response,
    parse_message,
)
from server.sip.uri import Uri

VECTORS = Path(__file__).parents[2] / "vectors" / "sip"
GOOD = sorted(path.stem for path in VECTORS.glob("*.sip") if path.name[:2] not in ("ba", "in"))

REFUSED_BY_PARSER = {
    "bad_bare_cr": "CR, LF or NUL inside a line",
    "bad_bare_lf": "CR, LF or NUL inside a line",
    "bad_body_shorter_than_content_length": "body has 5 of 9999 bytes",
    "bad_brackets_around_request_uri": "malformed URI: '<sip:user@example.com>'",
    "bad_escape_in_request_uri": "malformed user: '%zz'",
    "bad_header_name": "malformed header: 'Bad(Name)'",
    "bad_header_without_colon": "malformed header: 'this is no header'",
    "bad_ipv6_without_brackets": "malformed URI: '2001:db8::10'",
    "bad_method_character": "malformed method: 'INV(ITE'",
    "bad_negative_content_length": "malformed Content-Length: '-999'",
    "bad_no_empty_line": "no empty line after the headers",
    "bad_no_version": "malformed request line: 'OPTIONS sip:user@example.com'",
    "bad_nul_in_header": "CR, LF or NUL inside a line",
    "bad_only_line_ends": "no empty line after the headers",
    "bad_other_protocol": "malformed request line: 'GET /index.html HTTP/1.1'",
    "bad_space_after_version": (
        "malformed request line: 'OPTIONS sip:remote-target@example.com SIP/2.0  '"
    ),
    "bad_space_in_request_uri": (
        "malformed request line: 'INVITE sip:user@example.com; lr SIP/2.0'"
    ),
    "bad_spaces_in_request_line": (
        "malformed request line: 'INVITE  sip:user@example.com  SIP/2.0'"
    ),
    "bad_status_overflow": (
        "malformed status line: 'SIP/2.0 4294967301 better not break the receiver'"
    ),
    "bad_status_zero": "malformed status line: 'SIP/2.0 099 Low'",
    "bad_two_content_lengths": "Content-Length given more than once",
}
REFUSED_BY_VALIDATION = {
    "invalid_comma_in_display_name": (
        "malformed address: 'Bell, Alexander <sip:a.g.bell@example.com>;tag=43'"
    ),
    "invalid_cseq_method": "CSeq is for INVITE, not OPTIONS",
    "invalid_cseq_overflow": "malformed CSeq: '36893488147419103232 OPTIONS'",
    "invalid_empty_via": "no Via header",
    "invalid_missing_from_to_call_id_via": "no Via header",
    "invalid_no_call_id": "no Call-ID header",
    "invalid_quoted_display_name": (
        "malformed display name: '\"Mr. J. User <sip:j.user@example.com>'"
    ),
    "invalid_to_with_uri_headers": (
        "malformed address: 'sip:user@example.com?Route=%3Csip:example.com%3E'"
    ),
    "invalid_two_from": "From given more than once",
    "invalid_version_7": "version SIP/7.0 is not SIP/2.0",
    "invalid_via_separators": "malformed parameter: ';;'",
}


def load(name: str) -> bytes:
    return (VECTORS / f"{name}.sip").read_bytes()


def request(name: str) -> Request:
    message = parse_message(load(name))
    assert isinstance(message, Request)
    return message


def everything(message: Request | Response) -> tuple[object, ...]:
    """All that a message says, typed."""
    start = (
        (message.method, message.uri)
        if isinstance(message, Request)
        else (message.status, message.reason)
    )
    typed = (message.vias, message.from_, message.to, message.call_id, message.cseq)
    return (*start, *typed, message.contacts, list(message.headers.items()), message.body)


# the vectors


@pytest.mark.parametrize("name", GOOD)
def test_good_vector_survives_the_round_trip(name: str) -> None:
    message = parse_message(load(name))
    message.validate()
    again = parse_message(message.encode())
    assert everything(again) == everything(message)
    assert again.encode() == message.encode()


@pytest.mark.parametrize("name", sorted(REFUSED_BY_PARSER))
def test_bad_vector_is_refused_by_the_parser(name: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_message(load(name))
    assert str(caught.value) == REFUSED_BY_PARSER[name]
    assert caught.value.status == 400


@pytest.mark.parametrize("name", sorted(REFUSED_BY_VALIDATION))
def test_invalid_vector_is_refused_by_validation(name: str) -> None:
    message = parse_message(load(name))
    with pytest.raises(RemoteProtocolError) as caught:
        message.validate()
    assert str(caught.value) == REFUSED_BY_VALIDATION[name]
    assert caught.value.status == (505 if "version" in name else 400)


def test_every_vector_is_used() -> None:
    names = {path.stem for path in VECTORS.glob("*.sip")}
    assert names == {*GOOD, *REFUSED_BY_PARSER, *REFUSED_BY_VALIDATION}


def test_tortuous_message_is_understood() -> None:
    message = request("valid_short_and_tortuous")
    assert message.uri.params == {"unknownparam": None}
    assert message.to.tag == "1918181833n"
    assert message.from_.display_name == 'J Rosenberg \\"'
    assert message.from_.tag == "98asjd8"
    assert message.max_forwards == 68
    assert message.cseq == (9, "INVITE")
    assert [via.host for via in message.vias] == [
        "192.0.2.2", "spindle.example.com", "192.168.255.111"
    ]  # fmt: skip
    assert message.vias[1].branch == "z9hG4bK9ikj8"
    assert message.headers.get("Subject") == ""
    assert message.headers.get("newfangledheader") == "newfangled value continued newfangled value"
    assert message.contacts[0].params == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}
    assert message.content_type == "application/sdp"


def test_octets_after_the_body_are_dropped() -> None:
    assert request("valid_octets_after_the_body").body == b"hello"


def test_without_content_length_the_datagram_is_the_body() -> None:
    assert request("valid_no_content_length").body.startswith(b"v=0\r\n")


def test_latin1_is_read_and_written_as_utf8() -> None:
    message = request("valid_latin1_display_name")
    assert message.from_.display_name == "Jörg"
    assert "Jörg".encode() in message.encode()


def test_typed_access_to_a_servers_response() -> None:
    message = parse_message(load("server_200_with_record_routes"))
    assert isinstance(message, Response)
    assert message.is_success
    assert not message.is_provisional
    assert [str(route.uri) for route in message.record_routes] == [
        "sip:p1.example.com;lr",
        "sip:p2.example.com:5070;transport=tcp;lr",
        "sip:[2001:db8::5];lr;ftag=x",
    ]
    assert [each.uri.scheme for each in message.asserted_identities] == ["sip", "tel"]
    assert message.session_expires == (1800, "uas")
    assert message.require == ("timer",)
    assert message.content_type == "application/sdp"
    assert message.contact is not None
    assert message.contact.uri.port == 5080


def test_compact_forms_are_written_long() -> None:
    message = request("phone_compact_forms")
    assert message.supported == ("timer", "100rel")
    assert message.session_expires == (1800, "uac")
    assert message.min_se == 90
    assert b"\r\nCall-ID: c0mpact\r\n" in message.encode()


def test_lists_join_lines_and_commas() -> None:
    message = request("phone_softphone_register")
    assert message.headers.get_all("Accept") == ["application/sdp", "text/plain"]
    assert message.contacts[0].params["+org.example.specs"] == '"conference/2.0,ephemeral"'
    assert message.supported == ("replaces", "outbound", "gruu", "path", "record-aware")


def test_contact_star() -> None:
    message = request("valid_contact_star")
    assert message.is_contact_wildcard
    assert message.contacts == ()
    assert message.contact is None
    assert message.expires == 0


def test_absent_headers_are_none_or_empty() -> None:
    message = request("valid_empty_headers")
    assert (message.contact, message.expires, message.refer_to, message.rack) == (None,) * 4
    assert (message.supported, message.allow, message.routes) == ((), (), ())
    assert message.content_type is None


def test_equal_values_of_one_name_are_all_kept() -> None:
    data = load("valid_empty_headers").replace(b"Subject:", b"X: 1\r\nX: 1\r\nX: 1\r\nSubject:")
    assert parse_message(data).headers.get_all("X") == ["1", "1", "1"]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Max-Forwards: x", "max_forwards"),
        ("Expires: -1", "expires"),
        ("Contact: <sip:a@h", "contacts"),
        ("Contact: *, <sip:a@h>", "contacts"),
        ("Route: <sip:a@h>,", "routes"),
        ("Refer-To: sip:a@h, sip:b@h", "refer_to"),
        ("Session-Expires: ?", "session_expires"),
        ("RAck: 1", "rack"),
        ("Min-SE: a", "min_se"),
        ("Retry-After: soon", "retry_after"),
    ],
)
def test_malformed_optional_header_fails_only_when_asked_for(line: str, name: str) -> None:
    text = load("valid_unknown_scheme").decode().replace("Max-Forwards: 70", line)
    message = parse_message(text.encode())
    message.validate()
    with pytest.raises(RemoteProtocolError):
        getattr(message, name)


def test_retry_after_with_comment() -> None:
    text = (
        load("valid_empty_reason")
        .decode()
        .replace("CSeq", "Retry-After: 18 (soon);duration=3\r\nCSeq")
    )
    assert parse_message(text.encode()).retry_after == 18


# setters and cache


def test_setters_change_headers_and_later_reads() -> None:
    message = request("phone_desk_invite")
    assert message.cseq == (1, "INVITE")
    message.cseq = CSeq(2, "INVITE")
    message.contact = NameAddr(Uri("sip", "x", "192.0.2.1"))
    message.expires = 60
    message.session_expires = SessionExpires(90, "uac")
    message.via = message.via.with_params(received="192.0.2.99")
    assert message.headers.get("CSeq") == "2 INVITE"
    assert message.headers.get_all("Contact") == ["<sip:x@192.0.2.1>"]
    again = parse_message(message.encode())
    assert (again.cseq.number, again.expires, again.via.received) == (2, 60, "192.0.2.99")
    message.expires = None
    message.contact = None
    assert "Expires" not in message.headers
    assert "Contact" not in message.headers


def test_changing_a_header_forgets_its_typed_value() -> None:
    message = request("phone_desk_invite")
    assert message.to.tag == ""
    message.headers.set("To", "<sip:other@example.com>;tag=new")
    assert message.to.tag == "new"
    assert len(message.vias) == 1
    message.push_via(Via("UDP", "192.0.2.1", None, {"branch": "z9hG4bK2"}))
    assert len(message.vias) == 2
    assert message.via.branch == "z9hG4bK2"


def test_copy_does_not_share_headers() -> None:
    message = request("phone_desk_invite")
    copy = message.copy()
    copy.cseq = CSeq(9, "INVITE")
    copy.headers.add("Via", "SIP/2.0/UDP h")
    assert message.cseq.number == 1
    assert len(message.vias) == 1


# making messages


def make() -> Request:
    return Request.create(
        "INVITE",
        Uri("sip", "bob", "example.com"),
        from_=NameAddr(Uri("sip", "alice", "example.com"), "Alice", {"tag": "a"}),
        to=NameAddr(Uri("sip", "bob", "example.com")),
        call_id="c1",
        cseq=7,
    )


def test_created_request_is_complete_but_for_via() -> None:
    message = make()
    with pytest.raises(RemoteProtocolError, match="no Via"):
        message.validate()
    message.push_via(Via("UDP", "192.0.2.1", 5060, {"branch": "z9hG4bK1"}))
    message.set_body("application/sdp", b"v=0\r\n")
    assert message.encode() == (
        b"INVITE sip:bob@example.com SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
        b"Max-Forwards: 70\r\n"
        b'From: "Alice" <sip:alice@example.com>;tag=a\r\n'
        b"To: <sip:bob@example.com>\r\n"
        b"Call-ID: c1\r\nCSeq: 7 INVITE\r\n"
        b"Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"
    )


def test_response_copies_what_it_must() -> None:
    invite = request("phone_desk_invite")
    invite.headers.add("Record-Route", "<sip:p1.example.com;lr>")
    ringing = invite.response(180, to_tag="t")
    for name in ("Via", "From", "Call-ID", "CSeq", "Record-Route"):
        assert ringing.headers.get_all(name) == invite.headers.get_all(name)
    assert ringing.headers.get("To") == "<sip:100@192.0.2.10:5060>;tag=t"
    assert ringing.to.tag == "t"
    assert (ringing.status, ringing.reason) == (180, "Ringing")
    assert "Contact" not in ringing.headers
    assert "Record-Route" not in invite.response(404).headers
    assert "Record-Route" not in invite.response(100).headers


def test_response_tag_rules() -> None:
    message = request("phone_softphone_register")
    assert message.response(100, to_tag="t").to.tag == ""
    tagged = message.response(200, to_tag="t")
    assert tagged.headers.get("To") == "<sip:bob@example.com>;tag=t"
    message.to = message.to.with_params(tag="dialog")
    assert message.response(200, to_tag="t").to.tag == "dialog"


def test_response_headers_are_its_own() -> None:
    invite = request("valid_many_transports")
    response = invite.response(200)
    response.headers.add("Via", "SIP/2.0/UDP h")
    assert len(invite.vias) == 4
    assert len(response.vias) == 5


def test_unknown_status_has_an_empty_reason() -> None:
    assert make().response(299).reason == ""


# injection and limits


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("method", "INVITE\r\nX: y"), ("method", "IN VITE"), ("method", ""),
        ("uri", Uri("sip", "a", "h\r\nX")), ("version", "SIP/2.0\r\nX: y"),
    ],
)  # fmt: skip
def test_request_line_cannot_be_broken(name: str, value: object) -> None:
    message = make()
    setattr(message, name, value)
    with pytest.raises(LocalProtocolError):
        message.encode()


def test_status_line_cannot_be_broken() -> None:
    for status, reason in ((200, "OK\r\nX: y"), (200, "OK\n"), (200, "a\0"), (99, ""), (700, "")):
        with pytest.raises(LocalProtocolError):
            Response(status, reason).encode()


@pytest.mark.parametrize("value", ["x\r\ny", "x\n", "\r", "\0"])
def test_typed_setters_refuse_line_breaks(value: str) -> None:
    message = make()
    with pytest.raises(LocalProtocolError):
        message.call_id = value
    with pytest.raises(LocalProtocolError):
        message.supported = ("a", value)
    with pytest.raises(LocalProtocolError):
        message.from_ = NameAddr(Uri("sip", "a", "h"), value)
    with pytest.raises(LocalProtocolError):
        message.set_body(value, b"")
    assert message.call_id == "c1"


def test_lone_surrogates_cannot_be_encoded() -> None:
    message = make()
    message.headers.set("Subject", "\ud800")
    with pytest.raises(LocalProtocolError):
        message.encode()


def test_size_limit() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_message(b"x" * (MAX_MESSAGE_SIZE + 1))
    assert caught.value.status == 513


def test_header_count_limit() -> None:
    lines = b"X: y\r\n" * (MAX_HEADER_LINES + 1)
    data = load("valid_unknown_scheme").replace(b"Max-Forwards", lines + b"Max-Forwards")
    with pytest.raises(RemoteProtocolError, match="header lines"):
        parse_message(data)


@pytest.mark.parametrize(
    "filler", [b" ", b"\t", b'"', b"\\", b",", b";", b"<", b"=", b"a", b'\\"', b"<,", b"\r\n "]
)
def test_worst_cases_stay_linear(filler: bytes) -> None:
    """64 kB of whatever is slow in a careless grammar is read within the test's timeout."""
    data = load("phone_desk_invite").replace(
        b"70\r\n", b"70\r\nRoute: " + filler * 20_000 + b"x\r\n", 1
    )
    data = data.replace(
        b"<sip:alice@192.0.2.20:5062>", filler * 20_000 if len(filler) == 1 else b"*"
    )
    try:
        message = parse_message(data[:MAX_MESSAGE_SIZE])
    except RemoteProtocolError:
        return
    for name in ("routes", "contacts", "vias"):
        try:
            getattr(message, name)
        except RemoteProtocolError:
            pass
