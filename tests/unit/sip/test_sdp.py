"""SDP: the vectors, the accessors, and what can't be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.base.errors import LocalProtocolError, RemoteProtocolError
from server.sip.sdp import (
    MAX_ATTRIBUTES,
    MAX_MEDIA,
    MAX_SIZE,
    Attribute,
    Connection,
    MediaDescription,
    Origin,
    RtpMap,
    SessionDescription,
)

VECTORS = Path(__file__).parents[2] / "vectors" / "sdp"
GOOD = sorted(path.stem for path in VECTORS.glob("*.sdp") if not path.name.startswith("bad_"))
BAD = {
    "bad_connection": "malformed c=: 'IN IP4'",
    "bad_empty_line_inside": "malformed SDP line: ''",
    "bad_line": "malformed SDP line: 'nonsense'",
    "bad_media_port": "malformed m=: 'audio 70000 RTP/AVP 0'",
    "bad_media_without_formats": "malformed m=: 'audio 4000 RTP/AVP'",
    "bad_no_origin": "SDP without o= after v=",
    "bad_no_version": "malformed SDP: \"b'o=- 1 1 IN IP4 192.0.2.1\\\\r\\\\ns=-\\\\r\\\\n'\"",
    "bad_origin": "malformed o=: '- x 1 IN IP4 192.0.2.1'",
    "bad_origin_short": "malformed o=: '- 1 1 IN IP4'",
    "bad_space_before_equals": "malformed SDP line: 'm =audio 4000 RTP/AVP 0'",
    "bad_version": "malformed SDP: \"b'v=1\\\\r\\\\no=- 1 1 IN IP4 192.0.2.1\\\\r\\\\n'\"",
}


def load(name: str) -> SessionDescription:
    return SessionDescription.parse((VECTORS / f"{name}.sdp").read_bytes())


@pytest.mark.parametrize("name", GOOD)
def test_good_vector_survives_the_round_trip(name: str) -> None:
    session = load(name)
    assert SessionDescription.parse(session.encode()) == session


@pytest.mark.parametrize("name", sorted(BAD))
def test_bad_vector_is_refused(name: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        load(name)
    assert str(caught.value) == BAD[name]
    assert caught.value.status == 400


def test_every_vector_is_used() -> None:
    assert {path.stem for path in VECTORS.glob("*.sdp")} == {*GOOD, *BAD}


def test_desk_phone() -> None:
    session = load("desk_phone")
    assert session.origin == Origin(3724394400, 3724394401, "192.0.2.20")
    assert session.connection == Connection("192.0.2.20")
    (audio,) = session.media
    assert (audio.media, audio.port, audio.protocol) == ("audio", 11780, "RTP/AVP")
    assert audio.payload_types() == [0, 8, 18, 9, 101]
    assert audio.rtpmaps()[101] == RtpMap("TELEPHONE-EVENT", 8000)
    assert audio.fmtp(18) == "annexb=no"
    assert audio.fmtp(0) is None
    assert audio.milliseconds("ptime") == 20
    assert audio.attribute("sendrecv") == ""
    assert audio.attribute("sendonly") is None


def test_everything_optional() -> None:
    session = load("ipv6_and_media_level_address")
    assert session.origin.username == "alice"
    assert session.name == "a call"
    assert session.bandwidths == ["AS:64"]
    assert session.times == ["2873397496 2873404696"]
    (audio,) = session.media
    assert (audio.port, audio.port_count) == (4000, 2)
    assert audio.connection == Connection("2001:db8::2", "IP6")
    assert audio.bandwidths == ["TIAS:64000"]
    assert audio.rtcp() == (53020, "2001:db8::3")
    assert audio.milliseconds("maxptime") == 60


def test_user_name_with_blanks_is_taken_as_it_is() -> None:
    origin = load("origin_with_blanks_in_the_user_name").origin
    assert origin.username == "Front Desk Phone"
    assert origin.session_id == 3724394400


def test_odd_attributes_are_passed_over() -> None:
    (audio,) = load("odd_rtpmaps").media
    assert audio.payload_types() == [0, 96, 97, 98]
    assert audio.rtpmaps() == {97: RtpMap("PCMA", 8000), 98: RtpMap("PCMU", 16000)}
    assert audio.milliseconds("ptime") is None
    assert audio.rtcp() is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("4001", (4001, None)), ("0", None), ("70000", None), ("x", None), ("", None)],
)
def test_rtcp_attribute(text: str, expected: tuple[int, None] | None) -> None:
    media = MediaDescription("audio", 1, "RTP/AVP", ["0"], attributes=[Attribute("rtcp", text)])
    assert media.rtcp() == expected


def test_written_form() -> None:
    audio = MediaDescription("audio", 4000, "RTP/AVP", ["0", "8"])
    audio.attributes += [Attribute("ptime", "20"), Attribute("sendrecv")]
    session = SessionDescription(
        Origin(1, 2, "2001:db8::1", "IP6"),
        "x",
        Connection.for_address("2001:db8::1"),
        media=[audio],
    )
    assert session.encode() == (
        b"v=0\r\no=- 1 2 IN IP6 2001:db8::1\r\ns=x\r\nc=IN IP6 2001:db8::1\r\nt=0 0\r\n"
        b"m=audio 4000 RTP/AVP 0 8\r\na=ptime:20\r\na=sendrecv\r\n"
    )


@pytest.mark.parametrize("value", ["a\r\nm=video 1 RTP/AVP 0", "a\n", "\0", "\ud800"])
def test_values_cannot_break_out(value: str) -> None:
    session = SessionDescription(Origin(1, 1, "192.0.2.1"), name=value)
    with pytest.raises(LocalProtocolError):
        session.encode()
    session = SessionDescription(Origin(1, 1, "192.0.2.1"), attributes=[Attribute("x", value)])
    with pytest.raises(LocalProtocolError):
        session.encode()


def test_limits() -> None:
    head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
    with pytest.raises(RemoteProtocolError) as caught:
        SessionDescription.parse(b"x" * (MAX_SIZE + 1))
    assert caught.value.status == 413
    for line, limit in (("m=audio 1 RTP/AVP 0\r\n", MAX_MEDIA), ("a=x\r\n", MAX_ATTRIBUTES)):
        SessionDescription.parse((head + line * limit).encode())
        with pytest.raises(RemoteProtocolError):
            SessionDescription.parse((head + line * (limit + 1)).encode())
    for formats in (" 0" * 129, " " + "9" * 5000):
        text = f"{head}m=audio 1 RTP/AVP{formats}\r\n"
        try:
            assert SessionDescription.parse(text.encode()).media[0].payload_types() == []
        except RemoteProtocolError:
            pass
