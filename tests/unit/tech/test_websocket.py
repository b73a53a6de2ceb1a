"""Dial strings of media WebSockets, and the handshake of our client."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import Conflict, InvalidArgument, NotFound, NotSupported
from server.config.sections.websocket_client import WebsocketClient
from server.tech.base import OutgoingCall
from server.tech.websocket import parse_options, plain
from server.tech.websocket_client import check_answer, handshake
from tests.support.node import NodeUnderTest

CLIENT = WebsocketClient(name="robot", uri="ws://robot.example:8000/talk?a=1")
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455, 1.3
GOOD = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)


def test_options() -> None:
    options = parse_options("c(slin16)npf(json)d(in)", OutgoingCall(), is_incoming=True)
    assert (options.codec, options.is_json, options.direction) == ("slin16", True, "in")
    assert (options.answers, options.is_passthrough, options.frame_size) == (False, True, 0)
    options = parse_options("v(a=1,b=%20)f(morse)", OutgoingCall(), is_incoming=False)
    assert (options.uri_query, options.is_json, options.answers) == ("a=1&b=%20", False, True)


@pytest.mark.parametrize(
    ("codec", "size"), [("ulaw", 160), ("alaw", 160), ("slin", 320), ("slin16", 640)]
)
def test_a_frame_is_20_ms(codec: str, size: int) -> None:
    options = parse_options("", OutgoingCall(formats=[codec]), is_incoming=True)
    assert options.frame_size == size


@pytest.mark.parametrize("text", ["d(up)", "v(a=1)", "x", "c(opium)", "c(ulaw"])
def test_options_that_make_no_sense(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_options(text, OutgoingCall(), is_incoming=True)


@pytest.mark.parametrize("value", ["a b", "a\r\nb", "a#b", "ä"])
def test_what_goes_into_the_uri_is_encoded_already(value: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_options(f"v(a={value})", OutgoingCall(), is_incoming=False)


def test_plain_texts_hold_no_spaces() -> None:
    assert plain("a b\r\nc") == "a_b__c"


async def test_a_connection_id_is_claimed_once(node: NodeUnderTest) -> None:
    leg = node.media.create_leg("INCOMING", OutgoingCall())
    assert node.media.claim(leg.connection_id) is leg
    with pytest.raises(Conflict):
        node.media.claim(leg.connection_id)
    leg.release()
    assert node.media.claim(leg.connection_id) is leg
    leg.hangup(16)
    with pytest.raises(NotFound):
        node.media.claim(leg.connection_id)


async def test_sections_that_can_not_be_used(node: NodeUnderTest) -> None:
    node.websocket_clients["hidden"] = WebsocketClient(
        name="hidden", uri="ws://robot.example/", proxy_host="proxy:3128"
    )
    with pytest.raises(NotSupported, match="proxy"):
        node.media.create_leg("hidden", OutgoingCall())
    with pytest.raises(InvalidArgument, match="nobody"):
        node.media.create_leg("nobody", OutgoingCall())


def test_the_request() -> None:
    lines = handshake(CLIENT, "b=2", KEY).decode().split("\r\n")
    assert lines[0] == "GET /talk?a=1&b=2 HTTP/1.1"
    assert "Host: robot.example:8000" in lines
    assert "Sec-WebSocket-Protocol: media" in lines
    assert not any(line.startswith("Authorization") for line in lines)


def test_the_answer() -> None:
    check_answer(GOOD, KEY, CLIENT)
    check_answer(GOOD + b"\r\nSec-WebSocket-Protocol: media", KEY, CLIENT)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 403 Forbidden", "403"),
        (b"SSH-2.0-x", "SSH"),
        (GOOD.replace(b"WebSocket\r", b"h2c\r"), "switch"),
        (GOOD.replace(b"s3p", b"xxx"), "Accept"),
        (GOOD + b"\r\nSec-WebSocket-Protocol: chat", "chat"),
        (GOOD + b"\r\nSec-WebSocket-Extensions: permessage-deflate", "extensions"),
    ],
)
def test_answers_that_are_not_taken(answer: bytes, reason: str) -> None:
    with pytest.raises(ConnectionError, match=reason):
        check_answer(answer, KEY, CLIENT)


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda tail: GOOD[:-20] + tail))
def test_no_answer_does_more_than_be_refused(answer: bytes) -> None:
    try:
        check_answer(answer, KEY, CLIENT)
    except ConnectionError:
        return
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
