"""Transfers between two whole stacks: REFER, its NOTIFYs, and the BYE that waits for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from server.sip.message import Request, parse_message
from server.sip.refer import Replaces, parse_sipfrag
from server.sip.refer_notifier import IncomingRefer
from server.sip.session_outgoing import OutgoingSession
from server.sip.uri import Uri
from tests.support.sip_stacks import DELAY, Policy, perfect
from tests.unit.sip.test_session import World as Calls

TARGET = Uri.parse("sip:200@example.com")


class World(Calls):
    """Alice, who called Bob, asks him for transfers; what she hears is kept."""

    def __init__(self, policy: Policy = perfect, bob: dict[str, object] | None = None) -> None:
        super().__init__(policy, bob=bob)
        self.notified: list[Request] = []
        self.answers: list[int] = []
        self.alice.stack.set_logger(self._on_message)
        self.call: OutgoingSession
        self.call, self.recorder = self.connect()
        self.heard.on_transfer = lambda refer: refer.accept(self.net.now)

    def _on_message(self, is_sent: bool, flow: object, data: bytes) -> None:
        message = parse_message(data)
        if not is_sent and isinstance(message, Request) and message.method == "NOTIFY":
            self.notified.append(message)

    def refer(self, target: Uri = TARGET) -> None:
        self.call.referrals.send(target, lambda s, *_: self.answers.append(s), self.net.now)
        self.net.run(1.0)

    @property
    def taken(self) -> IncomingRefer:
        return self.heard.refers[-1]

    def report(self, *statuses: int) -> None:
        for status in statuses:
            self.taken.report(status, self.net.now)
        self.net.run(1.0)

    @property
    def told(self) -> list[tuple[int, str]]:
        return [
            (
                parse_sipfrag(notify.content_type, notify.body),
                notify.headers.get("Subscription-State") or "",
            )
            for notify in self.notified
        ]


def test_a_transfer_is_accepted_and_told_of_until_it_is_final() -> None:
    world = World()
    world.refer()
    assert world.answers == [202]
    assert str(world.taken.target.uri) == "sip:200@example.com"
    assert world.taken.request.headers.get("Referred-By")
    assert world.told == [(100, "active;expires=600")]
    assert world.notified[0].headers.get("Event") == "refer"
    assert world.notified[0].contact is not None
    world.report(180)
    world.report(180)
    world.report(200)
    world.report(486)
    assert world.told[1:] == [(180, "active;expires=600"), (200, "terminated;reason=noresource")]
    world.act(lambda now: world.call.hangup(16, now))
    world.assert_clean()


def test_what_happens_while_a_notify_is_under_way_is_told_once() -> None:
    world = World()
    world.call.referrals.send(TARGET, lambda *_: None, world.net.now)
    world.net.run(1.5 * DELAY)
    world.report(180, 183, 200)
    assert [status for status, _ in world.told] == [100, 200]


def test_a_lost_notify_comes_again() -> None:
    lost = set[int]()

    def lose(number: int, data: bytes) -> Sequence[float]:
        if data.startswith(b"NOTIFY") and len(lost) < 2:
            lost.add(number)
            return ()
        return (DELAY,)

    world = World(lose)
    world.refer()
    world.net.run(5.0)
    world.report(200)
    world.net.run(5.0)
    assert [status for status, _ in world.told] == [100, 200]


def test_the_target_may_name_a_call_to_be_replaced() -> None:
    world = World()
    value = "Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2"
    world.refer(Uri.parse(f"sip:200@example.com?{value}"))
    assert world.taken.target.replaces == Replaces("a@b", "1", "2")


def test_a_second_transfer_has_an_event_of_its_own() -> None:
    world = World()
    world.refer()
    world.report(503)
    world.refer()
    cseq = world.taken.request.cseq.number
    assert world.notified[-1].headers.get("Event") == f"refer;id={cseq}"


@pytest.mark.parametrize(
    ("decide", "status"),
    [(lambda refer, now: refer.refuse(404, now), 404), (lambda refer, now: None, 503)],
)
def test_a_refused_transfer_is_not_told_of(
    decide: Callable[[IncomingRefer, float], None], status: int
) -> None:
    world = World()
    world.heard.on_transfer = lambda refer: decide(refer, world.net.now)
    world.refer()
    assert world.answers == [status]
    assert world.told == []
    world.report(200)
    assert world.told == []


def test_an_endpoint_may_be_forbidden_to_transfer() -> None:
    world = World(bob={"allow_transfer": False})
    world.refer()
    assert world.answers == [603]
    assert world.heard.refers == []


def test_a_call_that_is_over_can_not_be_transferred() -> None:
    world = World()
    world.session.listener = None
    world.refer()
    assert world.answers == [481]


def test_too_many_transfers_at_a_time_are_refused() -> None:
    world = World()
    for _ in range(5):
        world.refer()
    assert world.answers == [202] * 4 + [486]


def test_a_peer_who_wants_no_subscription_gets_none() -> None:
    world = World()

    def prepare(request: Request) -> None:
        request.headers.set("Refer-To", f"<{TARGET}>")
        request.headers.set("Refer-Sub", "false")

    world.call.send_in_dialog(
        "REFER", prepare, lambda s, *_: world.answers.append(s), world.net.now
    )
    world.net.run(1.0)
    world.report(200)
    assert world.answers == [202]
    assert world.told == []


def test_a_bye_of_ours_waits_for_the_last_notify() -> None:
    world = World()
    world.refer()
    world.act(lambda now: world.session.hangup(16, now))
    assert world.session.state == "Ending"
    assert world.count("bob BYE") == 0
    world.report(200)
    assert world.told[-1][0] == 200
    assert world.count("bob BYE") == 1
    assert world.recorder.ended is not None
    world.assert_clean()


def test_a_bye_of_ours_does_not_wait_for_ever() -> None:
    world = World()
    world.refer()
    world.act(lambda now: world.session.hangup(16, now), 30.0)
    assert world.count("bob BYE") == 0
    world.net.run(5.0)
    assert world.count("bob BYE") == 1
    assert world.session.state == "Ended"
    world.report(200)  # told nevertheless
    assert world.told[-1][0] == 200
    world.assert_clean()


def test_a_bye_of_the_peer_leaves_the_transfer_alone() -> None:
    world = World()
    world.refer()
    world.act(lambda now: world.call.hangup(16, now))
    assert world.session.state == "Ended"
    assert world.heard.ended is not None
    world.report(200)
    assert world.taken.state == "Terminated"
    world.assert_clean()


def test_a_subscription_times_out() -> None:
    world = World(bob={"timers": "no"})
    world.refer()
    world.report(180)
    world.net.run(610.0)
    assert world.told[-1] == (180, "terminated;reason=timeout")
    assert world.taken.state == "Terminated"
    world.report(200)
    assert len(world.told) == 3


def test_a_peer_that_has_forgotten_its_transfer_ends_it() -> None:
    world = World()
    world.call.referrals._has_sent = False
    world.heard.on_transfer = lambda refer: refer.accept(world.net.now)
    world.call.send_in_dialog(
        "REFER", lambda r: r.headers.set("Refer-To", f"<{TARGET}>"), lambda *_: None, world.net.now
    )
    world.net.run(1.0)
    assert world.taken.state == "Terminated"


@pytest.mark.parametrize(
    ("event", "content_type", "body", "status"),
    [
        ("refer", "message/sipfrag", b"SIP/2.0 200 OK", 200),
        ("Refer;id=1", "message/sipfrag;version=2.0", b"SIP/2.0 180 Ringing\r\n", 200),
        ("presence", "message/sipfrag", b"SIP/2.0 200 OK", 481),
        ("refer", "text/plain", b"SIP/2.0 200 OK", 415),
        ("refer", "message/sipfrag", b"nonsense", 400),
    ],
)
def test_a_notify_of_our_own_refer_is_answered(
    event: str, content_type: str, body: bytes, status: int
) -> None:
    world = World()
    world.refer()
    answers: list[int] = []

    def prepare(request: Request) -> None:
        request.headers.set("Event", event)
        request.set_body(content_type, body)

    world.session.send_in_dialog("NOTIFY", prepare, lambda s, *_: answers.append(s), world.net.now)
    world.net.run(1.0)
    assert answers == [status]


@pytest.mark.parametrize(
    ("content_type", "status"), [("text/plain", 202), ("text/html", 202), ("image/png", 415)]
)
def test_a_text_in_a_call_reaches_the_listener(content_type: str, status: int) -> None:
    world = World()
    answers: list[int] = []
    world.call.send_body(
        "MESSAGE", content_type, b"hello", lambda s, *_: answers.append(s), world.net.now
    )
    world.net.run(1.0)
    assert answers == [status]
    assert ("message hello" in world.heard.events) == (status == 202)
