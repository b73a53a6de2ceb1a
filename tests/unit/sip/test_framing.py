"""Cutting streams into messages."""

from __future__ import annotations

import pytest

from server.base.errors import RemoteProtocolError
from server.sip.framing import StreamFramer
from tests.support.playbook import make_request

ONE = make_request("OPTIONS").encode()
TWO = make_request("INVITE").encode().replace(b"Content-Length: 0", b"l :  5") + b"hello"


def test_message_per_feed() -> None:
    framer = StreamFramer()
    assert framer.feed(ONE) == [ONE]
    assert framer.feed(TWO) == [TWO]


def test_several_messages_at_once() -> None:
    assert StreamFramer().feed(ONE + TWO + ONE) == [ONE, TWO, ONE]


def test_byte_by_byte_with_keep_alives() -> None:
    framer = StreamFramer()
    stream = b"\r\n\r\n" + ONE + b"\r\n" + TWO + b"\r\n\r\n\r\n\r\n" + ONE
    found = [message for byte in stream for message in framer.feed(bytes([byte]))]
    assert found == [ONE, TWO, ONE]
    assert framer.take_pings() == 3
    assert framer.take_pings() == 0


def test_lone_crlf_is_no_ping() -> None:
    framer = StreamFramer()
    assert framer.feed(b"\r\n" + ONE + b"\r\n") == [ONE]
    assert framer.take_pings() == 0
    assert framer.feed(b"\r\n") == []
    assert framer.take_pings() == 1


def test_tail_waits_for_its_rest() -> None:
    framer = StreamFramer()
    assert framer.feed(ONE + TWO[:-2]) == [ONE]
    assert framer.feed(TWO[-2:]) == [TWO]


def test_body_may_hold_empty_lines() -> None:
    body = b"a\r\n\r\nContent-Length: 9\r\n\r\n"
    message = ONE.replace(b"Content-Length: 0", b"Content-Length: %d" % len(body)) + body
    assert StreamFramer().feed(message + ONE) == [message, ONE]


@pytest.mark.parametrize(
    ("length", "reason"),
    [
        (b"", "0 Content-Length headers on a stream"),
        (b"Content-Length: -1\r\n", "malformed Content-Length: b'-1'"),
        (b"Content-Length: x\r\n", "malformed Content-Length: b'x'"),
        (b"Content-Length: 99999999\r\n", "malformed Content-Length: b'99999999'"),
        (b"Content-Length: 1\r\nl: 2\r\n", "2 Content-Length headers on a stream"),
    ],
)
def test_stream_that_cannot_be_framed(length: bytes, reason: str) -> None:
    data = ONE.replace(b"Content-Length: 0\r\n", length)
    with pytest.raises(RemoteProtocolError) as caught:
        StreamFramer().feed(data)
    assert str(caught.value) == reason


def test_size_limits() -> None:
    with pytest.raises(RemoteProtocolError, match="headers beyond 100 bytes"):
        StreamFramer(100).feed(b"x" * 101)
    with pytest.raises(RemoteProtocolError, match="message of"):
        StreamFramer(1000).feed(ONE.replace(b"Length: 0", b"Length: 5000"))


def test_junk_never_grows_the_buffer() -> None:
    framer = StreamFramer(1000)
    for _ in range(1000):
        framer.feed(b"\r\n\r\n" * 100)
    assert framer.take_pings() == 100_000
    assert len(framer._buffer) <= 4
