"""MESSAGE and REFER outside of calls, to a peer whose every message the test writes."""

from __future__ import annotations

import pytest

from server.sip.dialstring import Target
from server.sip.message import Request
from server.sip.outside import TRANSITIONS, OutsideRequest, Referral, ReferralState
from server.sip.refer import format_sipfrag
from server.sip.settings import Auth, Endpoint, SipSettings
from server.sip.transaction import Flow
from server.sip.uri import Uri
from tests.support.sip_stacks import Node, RawPeer, SimNet, open_settings


class World:
    """A stack that sends to a raw peer."""

    def __init__(self, settings: SipSettings | None = None) -> None:
        self.net = SimNet()
        self.stack = Node(self.net, "stack", ("10.0.0.1", 5060))
        self.stack.start(settings or open_settings())
        self.peer = RawPeer(self.net, "peer", ("10.0.0.2", 5060)).begin()
        endpoint = self.stack.stack.settings.endpoints["peer"]
        self.target = Target(endpoint, Uri("sip", "bob", *self.peer.address))
        self.statuses: list[int] = []

    def refer(self) -> Referral:
        def prepare(request: Request, flow: Flow) -> None:
            request.headers.set("Refer-To", "<sip:200@example.com>")

        referral = self.stack.stack.referrals.send(self.target, prepare, [], self.net.now)
        self.net.run(0.1)
        return referral

    def answer(self, status: int, tag: str = "bob") -> None:
        self.peer.answer(self.stack, self.peer.requests("REFER")[-1], status, tag)
        self.net.run(0.1)

    def notify(
        self,
        status: int,
        state: str = "active;expires=60",
        *,
        cseq: int = 1,
        event: str = "refer",
        to_tag: str = "",
        body: bytes = b"",
    ) -> int:
        """Send a NOTIFY; return what it was answered with."""
        refer = self.peer.requests("REFER")[-1]
        request = self.peer.in_dialog("NOTIFY", self.stack, refer, "bob", cseq)
        if to_tag:
            request.to = request.to.with_params(tag=to_tag)
        request.headers.set("Event", event)
        request.headers.set("Subscription-State", state)
        request.set_body("message/sipfrag", body or format_sipfrag(status))
        self.peer.send_request(request, self.stack)
        self.net.run(0.1)
        return self.peer.responses()[-1]

    @property
    def open(self) -> int:
        return len(self.stack.stack.referrals)


def test_a_referral_is_followed_to_its_end() -> None:
    world = World()
    referral = world.refer()
    request = world.peer.requests("REFER")[0]
    assert request.contact is not None
    assert request.from_.tag
    world.answer(202)
    assert referral.state is ReferralState.ACTIVE
    assert world.notify(100) == 200
    assert world.notify(180, cseq=2) == 200
    assert (referral.status, world.open) == (180, 1)
    assert world.notify(200, "terminated;reason=noresource", cseq=3) == 200
    assert (referral.status, referral.state, world.open) == (200, ReferralState.TERMINATED, 0)
    assert world.notify(200, cseq=4) == 481


def test_a_notify_may_be_faster_than_the_response() -> None:
    world = World()
    referral = world.refer()
    assert world.notify(100) == 200
    assert referral.state is ReferralState.ACTIVE
    world.answer(202)
    world.notify(200, "terminated", cseq=2)
    assert world.open == 0


def test_a_refused_referral_is_over() -> None:
    world = World()
    referral = world.refer()
    world.answer(403)
    assert (referral.state, world.open) == (ReferralState.TERMINATED, 0)


def test_a_referral_without_answer_is_over() -> None:
    world = World()
    world.refer()
    world.net.run(40.0)
    assert world.open == 0


@pytest.mark.parametrize(("state", "seconds"), [("active;expires=60", 60), ("active", 600)])
def test_a_referral_ends_when_nothing_more_is_heard(state: str, seconds: float) -> None:
    world = World()
    world.refer()
    world.answer(202)
    world.notify(180, state)
    world.net.run(seconds - 1)
    assert world.open == 1
    world.net.run(2)
    assert world.open == 0


def test_a_referral_without_any_notify_ends() -> None:
    world = World()
    world.refer()
    world.answer(202)
    world.net.run(31.0)
    assert world.open == 1
    world.net.run(2.0)
    assert world.open == 0


def test_a_notify_that_is_not_ours_is_refused() -> None:
    world = World()
    world.refer()
    world.answer(202)
    assert world.notify(200, to_tag="other") == 481
    assert world.notify(200, event="presence") == 481
    assert world.notify(0, body=b"nonsense") == 400
    assert world.open == 1


def test_only_listed_transitions_are_possible() -> None:
    world = World()
    referral = world.refer()
    for state in ReferralState:
        for wanted in ReferralState:
            referral.state = state
            if wanted in TRANSITIONS[state]:
                referral._set_state(wanted)
            else:
                with pytest.raises(AssertionError):
                    referral._set_state(wanted)


def message(world: World, target: Target | None = None) -> OutsideRequest:
    def prepare(request: Request, flow: Flow) -> None:
        request.contact = None
        request.set_body("text/plain", b"hello")

    request = OutsideRequest(
        world.stack.stack,
        "MESSAGE",
        target or world.target,
        prepare,
        lambda status, *_: world.statuses.append(status),
        [],
    )
    request.send(world.net.now)
    world.net.run(0.1)
    return request


def test_a_text_is_sent_without_contact() -> None:
    world = World()
    message(world)
    (received,) = world.peer.requests("MESSAGE")
    assert (received.body, received.contact) == (b"hello", None)
    assert str(received.uri) == "sip:bob@10.0.0.2:5060"
    world.peer.answer(world.stack, received, 200, "bob")
    world.net.run(0.1)
    assert world.statuses == [200]


def test_a_text_without_a_way_is_not_sent() -> None:
    world = World()
    message(world, Target(world.target.endpoint, Uri("sip", "bob", "nowhere")))
    assert world.statuses == [503]


def test_a_challenge_is_answered() -> None:
    endpoint = Endpoint(name="peer", outbound_auth=("peer",))
    auth = Auth(username="me", password="secret")
    world = World(SipSettings(endpoints={"peer": endpoint}, auths={"peer": auth}))
    message(world)
    first = world.peer.requests("MESSAGE")[0]
    response = first.response(401, to_tag="bob")
    response.headers.set("WWW-Authenticate", 'Digest realm="r", nonce="n", algorithm=MD5')
    world.peer.send(response, world.stack)
    world.net.run(0.1)
    second = world.peer.requests("MESSAGE")[1]
    assert 'username="me"' in (second.headers.get("Authorization") or "")
    assert second.cseq.number == first.cseq.number + 1
    assert second.body == b"hello"
