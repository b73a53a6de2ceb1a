"""Incoming calls from a peer whose every message the test writes."""

from __future__ import annotations

import pytest

from server.sip.headers import SessionExpires
from server.sip.message import Request, Response
from server.tech.base import Party
from tests.support.sip_stacks import Node, RawPeer, Recorder, SimNet, open_settings


class World:
    """A stack that is called by a raw peer."""

    def __init__(self, **options: object) -> None:
        self.net = SimNet()
        self.stack = Node(self.net, "stack", ("10.0.0.1", 5060)).start(open_settings(**options))
        self.peer = RawPeer(self.net, "peer", ("10.0.0.2", 5060)).begin()
        self.invite = self.peer.invite(self.stack, self.peer.sdp())

    def send(self, request: Request, branch: str = "") -> None:
        self.peer.send_request(request, self.stack, branch)
        self.net.run(0.1)

    def cancel(self, *reasons: str) -> None:
        cancel = self.invite.copy()
        cancel.method = "CANCEL"
        cancel.cseq = cancel.cseq._replace(method="CANCEL")
        cancel.body = b""
        for reason in reasons:
            cancel.headers.add("Reason", reason)
        self.send(cancel, self.invite.via.branch)

    def last(self, status: int) -> Response:
        return [
            m for m in self.peer.raw.received if isinstance(m, Response) and m.status == status
        ][-1]

    @property
    def heard(self) -> Recorder:
        return self.stack.recorders[-1]


def test_a_repeated_invite_makes_one_call() -> None:
    world = World()
    for _ in range(3):
        world.send(world.invite, "z9hG4bK-same")
    assert len(world.stack.sessions) == 1


def test_a_repeated_invite_is_answered_with_the_last_response() -> None:
    world = World()
    world.send(world.invite, "z9hG4bK-same")
    world.stack.sessions[0].ring(world.net.now)
    world.send(world.invite, "z9hG4bK-same")
    assert world.peer.responses() == [180, 180]


def test_an_offer_in_the_200_is_answered_in_the_ack() -> None:
    world = World()
    world.invite = world.peer.invite(world.stack)
    world.send(world.invite)
    world.stack.sessions[0].answer(world.net.now)
    world.net.run(0.1)
    assert b"m=audio" in world.last(200).body
    assert world.heard.events == []
    world.send(world.peer.ack(world.stack, world.invite, world.peer.sdp(33000)))
    assert world.heard.events == ["media ulaw sendrecv"]
    assert world.heard.media[0].remote_port == 33000
    assert world.stack.sessions[0].state == "Confirmed"


@pytest.mark.parametrize("body", [b"", b"nonsense"])
def test_an_ack_without_a_usable_answer_ends_the_call(body: bytes) -> None:
    world = World()
    world.invite = world.peer.invite(world.stack)
    world.send(world.invite)
    world.stack.sessions[0].answer(world.net.now)
    world.net.run(0.1)
    world.send(world.peer.ack(world.stack, world.invite, body))
    assert world.heard.ended is not None
    assert world.heard.ended[:2] == (58, 488)
    assert len(world.peer.requests("BYE")) == 1


@pytest.mark.parametrize(
    ("reasons", "cause"),
    [
        ((), 127),
        (('SIP;cause=200;text="Call completed elsewhere"',), 26),
        (("Q.850;cause=16",), 16),
        (("SIP;cause=486", "Q.850 ; cause = 31 ; text=x"), 31),
        (("Q.850;cause=nonsense",), 127),
    ],
)
def test_cancel_says_why(reasons: tuple[str, ...], cause: int) -> None:
    world = World()
    world.send(world.invite)
    world.cancel(*reasons)
    assert world.heard.ended == (cause, 487, "cancelled")
    assert world.peer.responses() == [200, 487]
    assert world.last(200).to.tag == world.last(487).to.tag


def test_a_bye_before_the_answer_ends_the_invite_too() -> None:
    world = World()
    world.send(world.invite)
    world.stack.sessions[0].ring(world.net.now)
    world.net.run(0.1)
    bye = world.invite.copy()
    bye.method = "BYE"
    bye.cseq = bye.cseq._replace(number=2, method="BYE")
    bye.to = world.last(180).to
    bye.body = b""
    world.send(bye)
    assert world.peer.responses() == [180, 200, 487]
    assert world.heard.ended == (16, None, "BYE")


def test_a_re_invite_before_the_answer_is_500_with_retry_after() -> None:
    world = World()
    world.send(world.invite)
    world.stack.sessions[0].ring(world.net.now)
    world.net.run(0.1)
    again = world.invite.copy()
    again.cseq = again.cseq._replace(number=2)
    again.to = world.last(180).to
    world.send(again)
    assert world.last(500).retry_after is not None
    assert world.heard.ended is None


def test_an_invite_without_contact_is_400() -> None:
    world = World()
    world.invite.headers.remove("Contact")
    world.send(world.invite)
    assert world.peer.responses() == [400]
    assert world.stack.stack.session_count == 0


def test_an_unknown_required_extension_is_420() -> None:
    world = World()
    world.invite.headers.add("Require", "100rel, timer")
    world.send(world.invite)
    assert world.last(420).headers.get("Unsupported") == "100rel"


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("text/plain", b"hello", 415),
        ("application/sdp", b"nonsense", 400),
        ("application/sdp", b"v=0\r\no=- 1 1 IN IP4 1.1.1.1\r\ns=-\r\nt=0 0\r\n", 488),
    ],
)
def test_unusable_bodies_are_refused(content_type: str, body: bytes, status: int) -> None:
    world = World()
    world.invite.set_body(content_type, body)
    world.send(world.invite)
    assert world.peer.responses() == [status]
    assert world.stack.stack.session_count == 0


def test_no_codec_in_common_is_488() -> None:
    world = World()
    world.stack.codecs = ("slin16",)
    world.send(world.invite)
    assert world.peer.responses() == [488]
    assert world.last(488).headers.get("Warning") is not None


def test_an_interval_below_the_minimum_is_422_with_min_se() -> None:
    world = World(timers_min_se=120)
    world.invite.headers.set("Supported", "timer")
    world.invite.session_expires = SessionExpires(90, "")
    world.send(world.invite)
    assert world.last(422).min_se == 120


def test_rewrite_contact_sends_requests_back_where_they_came_from() -> None:
    world = World(rewrite_contact=True)
    world.invite.headers.set("Contact", "<sip:raw@192.168.7.7:1234>")
    world.send(world.invite)
    session = world.stack.sessions[0]
    session.answer(world.net.now)
    world.net.run(0.1)
    world.send(world.peer.ack(world.stack, world.invite))
    session.hangup(16, world.net.now)
    world.net.run(0.1)
    assert [str(r.uri) for r in world.peer.requests("BYE")] == ["sip:raw@10.0.0.2:5060"]


def test_a_call_on_hold_from_the_start_is_reported_as_held() -> None:
    world = World()
    world.invite.set_body("application/sdp", world.peer.sdp(direction="sendonly"))
    world.send(world.invite)
    world.stack.sessions[0].answer(world.net.now)
    assert world.heard.events == ["media ulaw recvonly", "hold"]


def test_the_reason_header_is_sent_unless_suppressed() -> None:
    world = World()
    world.send(world.invite)
    world.stack.sessions[0].hangup(17, world.net.now)
    world.net.run(0.1)
    assert world.last(486).headers.get("Reason") == 'Q.850;cause=17;text="User busy"'
    world = World(suppress_q850_reason_headers=True)
    world.send(world.invite)
    world.stack.sessions[0].hangup(17, world.net.now)
    world.net.run(0.1)
    assert "Reason" not in world.last(486).headers


@pytest.mark.parametrize("is_immediate", [False, True])
def test_the_connected_line_is_told_with_the_answer(is_immediate: bool) -> None:
    world = World(send_pai=True, rpid_immediate=is_immediate)
    world.send(world.invite)
    session = world.stack.sessions[0]
    session.identify(Party("Bob", "200"), world.net.now)
    session.ring(world.net.now)
    session.answer(world.net.now)
    world.net.run(0.1)
    told = '"Bob" <sip:200@10.0.0.1>'
    assert world.last(180).headers.get("P-Asserted-Identity") == (told if is_immediate else None)
    assert world.last(200).headers.get("P-Asserted-Identity") == told
    world.send(world.peer.ack(world.stack, world.invite))
    session.identify(Party("Carol", "300"), world.net.now)
    world.net.run(0.1)
    invite = world.peer.requests("INVITE")[0]
    assert invite.headers.get("P-Asserted-Identity") == '"Carol" <sip:300@10.0.0.1>'
    assert b"m=audio" in invite.body


def test_in_band_dialogs_of_two_peers_do_not_mix() -> None:
    world = World()
    world.send(world.invite)
    session = world.stack.sessions[0]
    session.answer(world.net.now)
    world.net.run(0.1)
    ack = world.peer.ack(world.stack, world.invite)
    ack.from_ = ack.from_.with_params(tag="somebody-else")
    world.send(ack)
    assert session.state == "Answered"
