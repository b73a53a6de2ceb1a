"""Calls between two whole stacks, in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from server.base.causes import Cause
from server.sip import session as session_module
from server.sip.message import Request
from server.sip.offer_answer import Capabilities
from server.sip.session_incoming import IncomingSession
from server.sip.session_outgoing import OutgoingSession
from server.sip.settings import Auth, Endpoint, SipSettings
from tests.support.sip_stacks import Node, Policy, Recorder, SimNet, open_settings, perfect

ALICE = ("10.0.0.1", 5060)
BOB = ("10.0.0.2", 5060)


class World:
    """Alice calls, Bob is called."""

    def __init__(
        self,
        policy: Policy = perfect,
        alice: dict[str, object] | None = None,
        bob: dict[str, object] | None = None,
        transport: str = "UDP",
    ) -> None:
        self.net = SimNet(policy)
        self.alice = Node(self.net, "alice", ALICE, transport=transport)
        self.bob = Node(self.net, "bob", BOB, transport=transport)
        self.alice.start(open_settings(**(alice or {})))
        self.bob.start(open_settings(**(bob or {})))

    def dial(self, **arguments: object) -> tuple[OutgoingSession, Recorder]:
        return self.alice.call(self.bob, **arguments)  # type: ignore[arg-type]

    @property
    def session(self) -> IncomingSession:
        return self.bob.sessions[-1]

    @property
    def heard(self) -> Recorder:
        return self.bob.recorders[-1]

    def connect(self) -> tuple[OutgoingSession, Recorder]:
        """Set up a call."""
        call, recorder = self.dial()
        self.net.run(0.1)
        self.session.answer(self.net.now)
        self.net.run(0.1)
        assert recorder.events[-1] == "answered"
        assert self.session.state == "Confirmed"
        return call, recorder

    def act(self, action: Callable[[float], None], seconds: float = 1.0) -> None:
        action(self.net.now)
        self.net.run(seconds)

    def count(self, what: str) -> int:
        return sum(1 for line in self.net.trace if line.startswith(what))

    def assert_clean(self) -> None:
        """After a call nothing remains but transactions that linger."""
        self.net.run(70.0)
        for node in (self.alice, self.bob):
            assert node.stack.session_count == 0
            assert len(node.stack.scheduler) == 0
            assert len(node.stack._transactions) == 0


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_call_rings_is_answered_and_ends(transport: str) -> None:
    world = World(transport=transport)
    call, recorder = world.dial()
    world.net.run(0.1)
    world.act(world.session.ring, 0.1)
    world.act(world.session.answer, 0.1)
    world.act(lambda now: call.hangup(Cause.NORMAL_CLEARING, now), 0.1)
    assert recorder.events == ["ringing", "media ulaw sendrecv", "answered"]
    assert world.heard.events == ["media ulaw sendrecv", "ended 16 None"]
    suffix = ";transport=tcp" if transport == "TCP" else ""
    assert world.net.trace == [
        f"alice INVITE sip:100@10.0.0.2:5060{suffix} SIP/2.0",
        "bob SIP/2.0 180 Ringing",
        "bob SIP/2.0 200 OK",
        world.net.trace[3],
        world.net.trace[4],
        "bob SIP/2.0 200 OK",
    ]
    assert world.net.trace[3].startswith("alice ACK sip:asterisk@10.0.0.2:5060")
    assert world.net.trace[4].startswith("alice BYE sip:asterisk@10.0.0.2:5060")
    world.assert_clean()


def test_the_called_side_may_hang_up() -> None:
    world = World()
    _, recorder = world.connect()
    world.act(lambda now: world.session.hangup(Cause.NORMAL_CLEARING, now))
    assert recorder.ended == (16, None, "BYE")
    assert world.heard.ended is None
    world.assert_clean()


def test_early_media_is_configured_before_the_answer() -> None:
    world = World()
    _, recorder = world.dial()
    world.net.run(0.1)
    world.act(world.session.progress, 0.1)
    assert recorder.events == ["media ulaw sendrecv", "progress"]
    assert world.heard.events == ["media ulaw sendrecv"]
    world.act(world.session.answer, 0.1)
    assert recorder.events[-1] == "answered"
    assert world.heard.events == ["media ulaw sendrecv"]


def test_ringing_after_early_media_is_not_sent() -> None:
    world = World()
    world.dial()
    world.net.run(0.1)
    world.act(world.session.progress, 0.1)
    world.act(world.session.ring, 0.1)
    assert world.count("bob SIP/2.0 180") == 0


def test_100_trying_is_sent_when_the_answer_takes_time() -> None:
    world = World()
    world.dial()
    world.net.run(0.3)
    assert world.count("bob SIP/2.0 100") == 1
    assert world.count("alice INVITE") == 1


def test_a_long_ringing_is_repeated_each_minute() -> None:
    world = World()
    world.dial()
    world.net.run(0.1)
    world.act(world.session.ring, 130.0)
    assert world.count("bob SIP/2.0 180") == 3


@pytest.mark.parametrize(
    ("cause", "status", "heard_cause"),
    [
        (Cause.USER_BUSY, 486, 17),
        (Cause.NO_ANSWER, 480, 19),
        (Cause.NORMAL_CLEARING, 603, 16),
        (Cause.CALL_REJECTED, 403, 21),
        (Cause.NORMAL_CIRCUIT_CONGESTION, 503, 34),
        (Cause.UNALLOCATED, 404, 1),
    ],
)
def test_causes_go_through_status_and_reason(cause: int, status: int, heard_cause: int) -> None:
    world = World()
    _, recorder = world.dial()
    world.net.run(0.1)
    world.act(lambda now: world.session.hangup(cause, now))
    assert recorder.ended is not None
    assert recorder.ended[:2] == (heard_cause, status)
    world.assert_clean()


def test_without_reason_header_the_status_decides_the_cause() -> None:
    world = World(bob={"suppress_q850_reason_headers": True})
    _, recorder = world.dial()
    world.net.run(0.1)
    world.act(lambda now: world.session.hangup(Cause.NORMAL_CLEARING, now))
    assert recorder.ended == (21, 603, "Decline")


def test_a_bye_carries_its_cause() -> None:
    world = World()
    _, recorder = world.connect()
    world.act(lambda now: world.session.hangup(Cause.USER_BUSY, now))
    assert recorder.ended == (17, None, "BYE")


def test_an_unknown_extension_is_404() -> None:
    world = World()
    _, recorder = world.dial(user="999")
    world.net.run(1.0)
    assert recorder.ended is not None
    assert recorder.ended[:2] == (1, 404)
    world.assert_clean()


def test_302_redirects() -> None:
    world = World()
    _, recorder = world.dial()
    world.net.run(0.1)
    target = world.session.dialog.remote.with_params()
    world.act(lambda now: world.session.redirect([target], now))
    assert recorder.redirected == ["sip:alice@10.0.0.1"]
    assert recorder.ended is not None
    assert recorder.ended[:2] == (23, 302)


# CANCEL


def test_cancel_ends_a_ringing_call() -> None:
    world = World()
    call, recorder = world.dial()
    world.net.run(0.1)
    world.act(world.session.ring, 0.1)
    world.act(lambda now: call.hangup(Cause.NORMAL_CLEARING, now))
    assert world.heard.ended == (127, 487, "cancelled")
    assert recorder.ended is None
    assert call.state == "Ended"
    world.assert_clean()


def test_cancel_waits_for_a_provisional_response() -> None:
    world = World()
    call, _ = world.dial()
    call.hangup(Cause.NORMAL_CLEARING, world.net.now)
    world.net.run(0.1)
    assert world.count("alice CANCEL") == 0
    world.net.run(1.0)  # 100 Trying came after 200 ms
    assert world.count("alice CANCEL") == 1
    assert world.heard.ended == (127, 487, "cancelled")
    world.assert_clean()


def test_cancel_without_any_response_ends_by_timeout() -> None:
    world = World(policy=lambda number, data: ())
    call, recorder = world.dial()
    call.hangup(Cause.NORMAL_CLEARING, world.net.now)
    world.net.run(40.0)
    assert call.state == "Ended"
    assert recorder.events == []
    world.net.policy = perfect
    world.assert_clean()


def test_a_2xx_that_crosses_cancel_is_acked_and_ended() -> None:
    world = World()
    call, recorder = world.dial()
    world.net.run(0.1)
    world.act(world.session.ring, 0.1)
    world.session.answer(world.net.now)
    call.hangup(Cause.NORMAL_CLEARING, world.net.now)
    world.net.run(1.0)
    assert world.count("alice ACK") == 1
    assert world.count("alice BYE") == 1
    assert world.heard.ended == (16, None, "BYE")
    assert recorder.events == ["ringing"]
    world.assert_clean()


def test_cancel_after_the_answer_is_answered_and_means_nothing() -> None:
    world = World()
    drop_200 = {"on": True}

    def policy(number: int, data: bytes) -> Sequence[float]:
        is_200 = data.startswith(b"SIP/2.0 200") and b"CSeq: 1 INVITE" in data
        return () if is_200 and drop_200["on"] else (0.01,)

    call, _ = world.dial()
    world.net.run(0.1)
    world.act(world.session.ring, 0.1)
    world.net.policy = policy
    world.act(world.session.answer, 0.1)
    call.hangup(Cause.NORMAL_CLEARING, world.net.now)
    world.net.run(0.1)
    assert world.session.state == "Answered"
    drop_200["on"] = False
    world.net.run(10.0)
    assert world.heard.ended == (16, None, "BYE")
    world.assert_clean()


def test_a_cancelled_invite_that_is_never_answered_is_given_up() -> None:
    world = World()
    call, _ = world.dial()
    world.net.run(0.1)
    world.act(world.session.ring, 0.1)
    world.bob.is_dead = True
    call.hangup(Cause.NORMAL_CLEARING, world.net.now)
    world.net.run(33.0)
    assert call.state == "Ended"


# Loss


def test_the_2xx_is_repeated_until_its_ack() -> None:
    world = World()
    call, recorder = world.dial()
    world.net.run(0.1)
    world.net.policy = lambda number, data: () if data.startswith(b"ACK") else (0.01,)
    world.act(world.session.answer, 3.0)
    assert world.session.state == "Answered"
    assert world.count("bob SIP/2.0 200") == 3  # at 0, 0.5 and 1.5 s
    assert world.count("alice ACK") == 3
    world.net.policy = perfect
    world.net.run(4.0)
    assert world.session.state == "Confirmed"
    assert recorder.events.count("answered") == 1
    call.hangup(16, world.net.now)
    world.assert_clean()


def test_a_call_without_ack_is_ended_with_bye() -> None:
    world = World()
    world.dial()
    world.net.run(0.1)
    world.net.policy = lambda number, data: () if data.startswith(b"ACK") else (0.01,)
    world.act(world.session.answer, 33.0)
    assert world.heard.ended == (Cause.NO_USER_RESPONSE, 408, "no ACK")
    assert world.count("bob BYE") == 1
    world.assert_clean()


def test_hangup_before_the_ack_sends_bye_after_it() -> None:
    world = World()
    _, recorder = world.dial()
    world.net.run(0.1)
    now = world.net.now
    world.session.answer(now)
    world.session.hangup(Cause.NORMAL_CLEARING, now)
    assert world.session.state == "Ending"
    world.net.run(1.0)
    assert [line.split()[1] for line in world.net.trace[-3:]] == ["ACK", "BYE", "SIP/2.0"]
    assert recorder.ended == (16, None, "BYE")
    world.assert_clean()


@pytest.mark.parametrize("seed", range(6))
def test_calls_survive_loss_doubling_and_reordering(seed: int) -> None:
    patterns: list[Sequence[float]] = [
        (0.01,),
        (),
        (0.01, 0.02),
        (0.3,),
        (0.01,),
        (0.05, 0.6),
        (0.01,),
    ]

    def policy(number: int, data: bytes) -> Sequence[float]:
        return patterns[(number * (seed + 2) + seed) % len(patterns)]

    world = World(policy)
    call, recorder = world.dial()
    world.net.run(20.0)
    world.act(world.session.answer, 20.0)
    assert recorder.events.count("answered") == 1
    assert world.session.state == "Confirmed"
    assert len(world.bob.sessions) == 1
    world.act(lambda now: call.hangup(16, now), 30.0)
    assert world.heard.ended == (16, None, "BYE")
    world.net.policy = perfect
    world.assert_clean()


def test_no_answer_at_all_is_a_timeout() -> None:
    world = World(policy=lambda number, data: ())
    _, recorder = world.dial()
    world.net.run(33.0)
    assert recorder.ended == (18, 408, "no response")


# Authentication


def auth_world(password: str) -> World:
    world = World()
    settings = SipSettings(
        endpoints={"alice": Endpoint(name="alice", auth=("alice",))},
        auths={"alice": Auth(name="alice", username="alice", password="secret",
                             supported_algorithms_uas=("SHA-256", "MD5"))},
    )  # fmt: skip
    world.bob.stack.reload(settings, world.net.now)
    peer = replace(world.alice.stack.settings.endpoints["peer"], outbound_auth=("mine",))
    mine = Auth(name="mine", username="alice", password=password)
    world.alice.stack.reload(
        SipSettings(endpoints={"peer": peer}, auths={"mine": mine}), world.net.now
    )
    return world


def test_an_invite_is_repeated_with_credentials() -> None:
    world = auth_world("secret")
    call, recorder = world.dial()
    world.net.run(0.2)
    assert world.count("bob SIP/2.0 401") == 1
    assert world.count("alice ACK") == 1
    world.act(world.session.answer)
    assert recorder.events[-1] == "answered"
    world.act(lambda now: call.hangup(16, now))
    assert world.heard.ended == (16, None, "BYE")
    world.assert_clean()


def test_an_invite_with_a_wrong_password_fails_once() -> None:
    world = auth_world("wrong")
    _, recorder = world.dial()
    world.net.run(1.0)
    assert recorder.ended is not None
    assert recorder.ended[:2] == (Cause.CALL_REJECTED, 401)
    assert world.count("alice INVITE") == 2
    world.assert_clean()


# Requests inside the call


def test_hold_and_resume_are_reported() -> None:
    world = World()
    call, recorder = world.connect()
    world.act(call.hold)
    assert world.heard.events[-2:] == ["media ulaw recvonly", "hold"]
    assert recorder.events[-1] == "media ulaw sendonly"
    world.act(call.unhold)
    assert world.heard.events[-2:] == ["media ulaw sendrecv", "unhold"]
    world.act(world.session.hold)
    assert recorder.events[-2:] == ["media ulaw recvonly", "hold"]
    world.act(lambda now: call.hangup(16, now))
    world.assert_clean()


def test_the_codec_changes_with_a_re_invite() -> None:
    world = World()
    call, recorder = world.connect()
    call.media.capabilities = Capabilities(("alaw",), ALICE[0], 12000)
    world.act(call.change_media)
    assert recorder.events[-1] == "media alaw sendrecv"
    assert world.heard.events[-1] == "media alaw sendrecv"
    assert world.heard.media[-1].remote_port == 12000


def test_glare_is_resolved() -> None:
    world = World()
    call, recorder = world.connect()
    now = world.net.now
    call.hold(now)
    world.session.hold(now)
    world.net.run(10.0)
    assert world.count("bob SIP/2.0 491") + world.count("alice SIP/2.0 491") >= 1
    assert recorder.media[-1].direction == "inactive"
    assert world.heard.media[-1].direction == "inactive"
    assert "hold" in recorder.events
    assert "hold" in world.heard.events
    world.act(lambda now: call.hangup(16, now))
    world.assert_clean()


def test_a_refused_re_invite_leaves_the_call_as_it_was() -> None:
    world = World()
    call, recorder = world.connect()
    before = len(world.heard.media)
    call.media.capabilities = Capabilities(("slin16",), ALICE[0], 12000)
    world.act(call.change_media)
    assert world.count("bob SIP/2.0 488") == 1
    assert len(world.heard.media) == before
    call.media.capabilities = Capabilities(("ulaw",), ALICE[0], 12000)
    world.act(call.hold)
    assert world.heard.events[-1] == "hold"
    assert recorder.ended is None


def test_a_target_refresh_moves_the_following_requests() -> None:
    world = World()
    call, _ = world.connect()
    elsewhere = ("10.0.0.9", 5070)
    world.net.nodes[elsewhere] = world.alice
    world.alice.address = elsewhere
    world.act(call.hold)
    world.act(lambda now: world.session.hangup(16, now))
    assert f"bob BYE sip:asterisk@{elsewhere[0]}:{elsewhere[1]} SIP/2.0" in world.net.trace


def test_a_re_invite_without_offer_is_answered_with_one() -> None:
    world = World()
    call, _ = world.connect()
    answers: list[int] = []

    def prepare(request: Request) -> None:
        call.add_contact(request, call.flow)

    def done(status: int, response: object, now: float) -> None:
        answers.append(status)
        offer = call.read_body(response)
        answer, _ = call.media.answer(offer)
        ack = call.dialog.create_ack(response.cseq.number)
        ack.set_body("application/sdp", answer.encode())
        world.alice.stack.send_stateless(ack, call.flow)

    call.send_in_dialog("INVITE", prepare, done, world.net.now)
    world.net.run(1.0)
    assert answers == [200]
    assert world.session.media.state == "stable"
    assert not world.session.answers.is_waiting
    assert len(world.heard.media) == 2


@pytest.mark.parametrize(
    ("content_type", "body", "digit", "duration_ms"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", "5", 160),
        ("application/dtmf-relay", b"Signal= *\r\nDuration= 250", "*", 250),
        ("application/dtmf-relay", b"Signal=11\n", "#", 100),
        ("application/dtmf", b"7", "7", 100),
        ("application/dtmf", b"a\r\n", "A", 100),
    ],
)
def test_digits_come_by_info(content_type: str, body: bytes, digit: str, duration_ms: int) -> None:
    world = World()
    call, _ = world.connect()
    answers: list[int] = []
    call.send_body(
        "INFO", content_type, body, lambda status, *_: answers.append(status), world.net.now
    )
    world.net.run(1.0)
    assert answers == [200]
    assert world.heard.events[-1] == f"dtmf {digit} {duration_ms}"


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/dtmf-relay", b"Signal=x", 400),
        ("application/dtmf", b"99", 400),
        ("text/plain", b"hello", 415),
    ],
)
def test_unusable_info_is_refused_and_the_call_goes_on(
    content_type: str, body: bytes, status: int
) -> None:
    world = World()
    call, _ = world.connect()
    answers: list[int] = []
    call.send_body(
        "INFO", content_type, body, lambda status, *_: answers.append(status), world.net.now
    )
    world.net.run(1.0)
    assert answers == [status]
    assert world.heard.ended is None


@pytest.mark.parametrize(
    ("method", "status"),
    [("OPTIONS", 200), ("MESSAGE", 202), ("REFER", 400), ("NOTIFY", 481), ("PUBLISH", 405)],
)
def test_other_requests_in_the_call_are_answered(method: str, status: int) -> None:
    world = World()
    call, _ = world.connect()
    answers: list[int] = []
    call.send_in_dialog(
        method, lambda request: None, lambda status, *_: answers.append(status), world.net.now
    )
    world.net.run(1.0)
    assert answers == [status]


def test_requests_out_of_order_are_refused() -> None:
    world = World()
    call, _ = world.connect()
    call.dialog.local_cseq = 0
    answers: list[int] = []
    call.send_body("INFO", "application/dtmf", b"1", lambda s, *_: answers.append(s), world.net.now)
    world.net.run(1.0)
    assert answers == [500]


def test_requests_of_no_call_are_481() -> None:
    world = World()
    call, _ = world.connect()
    world.session._finish()
    answers: list[int] = []
    call.send_body("INFO", "application/dtmf", b"1", lambda s, *_: answers.append(s), world.net.now)
    world.net.run(1.0)
    assert answers == [481]


# Session timers


@pytest.mark.parametrize("refresher", ["alice", "bob"])
def test_the_session_is_refreshed_by_either_side(refresher: str) -> None:
    world = World(
        alice={"timers_sess_expires": 90},
        bob={"timers": "always" if refresher == "bob" else "yes"},
    )
    call, recorder = world.dial()
    world.net.run(0.1)
    if refresher == "bob":
        world.session.timer.is_refresher = True
        final = world.session._final
        final.session_expires = final.session_expires._replace(refresher="uas")
    world.act(world.session.answer)
    assert call.timer.interval == world.session.timer.interval == 90
    assert call.timer.is_refresher == (refresher == "alice")
    world.net.run(400.0)
    assert world.count(f"{refresher} UPDATE") == 8
    assert recorder.ended is None
    assert world.heard.ended is None
    world.act(lambda now: call.hangup(16, now))
    world.assert_clean()


def test_a_peer_without_update_is_refreshed_by_re_invite() -> None:
    world = World(alice={"timers_sess_expires": 90})
    call, recorder = world.connect()
    call.peer_allow = frozenset({"INVITE", "BYE"})
    world.net.run(50.0)
    assert world.count("alice INVITE") == 2
    assert recorder.ended is None


def test_a_peer_that_refuses_update_is_refreshed_by_re_invite(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(alice={"timers_sess_expires": 90})
    _, recorder = world.connect()
    monkeypatch.delitem(session_module._REQUEST_HANDLERS, "UPDATE")
    world.net.run(200.0)
    assert world.count("alice UPDATE") == 4
    assert world.count("bob SIP/2.0 405") == 4
    assert world.count("alice INVITE") == 5
    assert recorder.ended is None


def test_a_dead_peer_is_noticed_by_the_waiting_side() -> None:
    world = World(alice={"timers_sess_expires": 90})
    world.connect()
    world.alice.is_dead = True
    world.net.run(55.0)
    assert world.heard.ended is None
    world.net.run(10.0)
    assert world.heard.ended == (18, 408, "session timer expired")
    assert world.count("bob BYE") >= 1


def test_a_dead_peer_is_noticed_by_the_refresher() -> None:
    world = World(alice={"timers_sess_expires": 90})
    _, recorder = world.connect()
    world.bob.is_dead = True
    world.net.run(91.0)
    assert recorder.ended is not None
    assert recorder.ended[:2] == (18, 408)


def test_too_short_an_interval_is_422_and_tried_again() -> None:
    world = World(
        alice={"timers_sess_expires": 90}, bob={"timers_min_se": 300, "timers_sess_expires": 600}
    )
    call, recorder = world.dial()
    world.net.run(0.5)
    assert world.count("bob SIP/2.0 422") == 1
    world.act(world.session.answer)
    assert recorder.events[-1] == "answered"
    assert call.timer.interval == 300


def test_required_timers_refuse_peers_without() -> None:
    world = World(alice={"timers": "no"}, bob={"timers": "required"})
    _, recorder = world.dial()
    world.net.run(1.0)
    assert recorder.ended is not None
    assert recorder.ended[1] == 421


def test_without_timers_nothing_runs() -> None:
    world = World(alice={"timers": "no"})
    call, _ = world.connect()
    assert call.timer.interval == world.session.timer.interval == 0
    world.net.run(4000.0)
    assert world.heard.ended is None


def test_always_runs_a_timer_without_the_peers_help() -> None:
    world = World(alice={"timers": "no"}, bob={"timers": "always", "timers_sess_expires": 100})
    world.connect()
    assert world.session.timer.interval == 100
    assert world.session.timer.is_refresher
    world.net.run(120.0)
    assert world.count("bob UPDATE") == 2
    world.alice.is_dead = True
    world.net.run(100.0)
    assert world.heard.ended is not None
    assert world.heard.ended[0] == 18
