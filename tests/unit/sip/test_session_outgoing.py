"""Outgoing calls against a peer whose every message the test writes."""

from __future__ import annotations

import pytest

from server.base.causes import Cause
from server.sip.session_outgoing import OutgoingSession
from server.sip.session_ports import TRANSITIONS, SessionState
from tests.support.sip_stacks import Node, RawPeer, Recorder, SimNet, open_settings


class World:
    """A stack that calls a raw peer."""

    def __init__(self, **options: object) -> None:
        self.net = SimNet()
        self.stack = Node(self.net, "stack", ("10.0.0.1", 5060)).start(open_settings(**options))
        self.peer = RawPeer(self.net, "peer", ("10.0.0.2", 5060)).begin()

    def dial(self) -> tuple[OutgoingSession, Recorder]:
        call, recorder = self.stack.call(self.peer)
        self.net.run(0.1)
        return call, recorder

    def answer(self, status: int, tag: str = "", body: bytes = b"") -> None:
        self.peer.answer(self.stack, self.peer.requests("INVITE")[-1], status, tag, body)
        self.net.run(0.1)


def test_forks_ring_once_and_the_first_2xx_wins() -> None:
    world = World()
    call, recorder = world.dial()
    world.answer(180, "one")
    world.answer(180, "two")
    assert recorder.events == ["ringing"]
    world.answer(200, "two", world.peer.sdp(30000))
    assert recorder.events == ["ringing", "media ulaw sendrecv", "answered"]
    assert recorder.media[-1].remote_port == 30000
    assert call.dialog.id.remote_tag == "two"
    world.answer(200, "one", world.peer.sdp(40000))
    assert [r.to.tag for r in world.peer.requests("ACK")] == ["two", "one"]
    assert [r.to.tag for r in world.peer.requests("BYE")] == ["one"]
    assert str(world.peer.requests("BYE")[0].uri) == "sip:one@10.0.0.2:5060"
    assert len(recorder.media) == 1
    assert call.state == "Confirmed"


def test_a_fork_without_early_dialog_may_answer_late() -> None:
    world = World()
    call, _ = world.dial()
    world.answer(200, "one", world.peer.sdp())
    world.answer(200, "stranger", world.peer.sdp())
    world.answer(200, "stranger", world.peer.sdp())
    assert [r.to.tag for r in world.peer.requests("ACK")] == ["one", "stranger", "stranger"]
    assert [r.to.tag for r in world.peer.requests("BYE")] == ["stranger"]
    assert call.state == "Confirmed"


def test_a_repeated_2xx_is_acked_again() -> None:
    world = World()
    _, recorder = world.dial()
    for _ in range(3):
        world.answer(200, "one", world.peer.sdp())
    assert len(world.peer.requests("ACK")) == 3
    assert recorder.events.count("answered") == 1


def test_early_media_of_a_second_fork_is_followed() -> None:
    world = World()
    _, recorder = world.dial()
    world.answer(183, "one", world.peer.sdp(30000))
    world.answer(183, "two", world.peer.sdp(40000))
    assert [media.remote_port for media in recorder.media] == [30000, 40000]
    world.answer(200, "two", world.peer.sdp(40000))
    assert recorder.events[-1] == "answered"
    assert recorder.media[-1].remote_port == 40000


def test_a_183_without_sdp_counts_unless_configured_otherwise() -> None:
    world = World()
    _, recorder = world.dial()
    world.answer(183, "one")
    assert recorder.events == ["progress"]
    world = World(ignore_183_without_sdp=True)
    _, recorder = world.dial()
    world.answer(183, "one")
    assert recorder.events == []


def test_a_2xx_without_answer_is_ended() -> None:
    world = World()
    _, recorder = world.dial()
    world.answer(200, "one")
    assert recorder.ended == (Cause.BEARERCAPABILITY_NOTAVAIL, 488, "no answer to our offer")
    assert len(world.peer.requests("ACK")) == 1
    assert len(world.peer.requests("BYE")) == 1


@pytest.mark.parametrize("body", [b"garbage", b"v=0\r\n", b"\xff\xfe"])
def test_a_2xx_with_an_unusable_answer_is_ended(body: bytes) -> None:
    world = World()
    _, recorder = world.dial()
    world.answer(200, "one", body)
    assert recorder.ended is not None
    assert recorder.ended[0] == Cause.BEARERCAPABILITY_NOTAVAIL
    assert len(world.peer.requests("BYE")) == 1


def test_the_answer_of_the_183_serves_a_2xx_without_body() -> None:
    world = World()
    _, recorder = world.dial()
    world.answer(183, "one", world.peer.sdp())
    world.answer(200, "one")
    assert recorder.events[-1] == "answered"


def test_a_2xx_without_contact_is_a_protocol_error() -> None:
    world = World()
    _, recorder = world.dial()
    response = world.peer.requests("INVITE")[0].response(200, to_tag="one")
    world.peer.send(response, world.stack)
    world.net.run(0.1)
    assert recorder.ended is not None
    assert recorder.ended[0] == Cause.PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("status", "cause"),
    [(404, 1), (408, 18), (480, 19), (484, 28), (486, 17), (488, 58), (500, 38), (503, 34),
     (599, 34), (600, 17), (603, 21), (699, 127)],
)  # fmt: skip
def test_final_statuses_become_causes(status: int, cause: int) -> None:
    world = World()
    _, recorder = world.dial()
    world.answer(status, "one")
    assert recorder.ended is not None
    assert recorder.ended[:2] == (cause, status)
    assert len(world.peer.requests("ACK")) == 1


def test_a_q850_reason_wins_over_the_status() -> None:
    world = World()
    _, recorder = world.dial()
    response = world.peer.requests("INVITE")[0].response(480, to_tag="one")
    response.headers.add("Reason", "SIP;cause=486")
    response.headers.add("Reason", 'Q.850;cause=20;text="away"')
    world.peer.send(response, world.stack)
    world.net.run(0.1)
    assert recorder.ended is not None
    assert recorder.ended[0] == 20


def test_a_target_that_cant_be_reached_ends_the_call() -> None:
    world = World()
    world.peer.address = ("unknown.example", 5060)
    _, recorder = world.stack.call(world.peer)
    assert recorder.ended == (Cause.NO_ROUTE_DESTINATION, None, "no way to the target")


def test_a_broken_flow_ends_a_call_that_is_being_set_up() -> None:
    world = World()
    call, recorder = world.dial()
    world.stack.stack.transport_failed(call.flow, world.net.now)
    assert recorder.ended == (34, 503, "transport failed")


def test_a_bye_before_the_answer_is_refused() -> None:
    world = World()
    call, recorder = world.dial()
    world.answer(180, "one")
    invite = world.peer.requests("INVITE")[0]
    world.peer.send_request(world.peer.in_dialog("BYE", world.stack, invite, "one"), world.stack)
    world.net.run(0.1)
    assert world.peer.responses() == [481]
    assert call.state == "Calling"
    assert recorder.ended is None


def test_outgoing_calls_cancelled_before_they_are_sent_end_at_once() -> None:
    world = World()
    call = world.stack.stack.create_call(world.stack.stack.settings.endpoints["peer"])
    call.hangup(16, world.net.now)
    assert call.state == "Ended"


@pytest.mark.parametrize("source", SessionState)
@pytest.mark.parametrize("target", SessionState)
def test_only_listed_transitions_happen(source: SessionState, target: SessionState) -> None:
    world = World()
    call = world.stack.stack.create_call(world.stack.stack.settings.endpoints["peer"])
    call.state = source
    if target in TRANSITIONS[source]:
        call._set_state(target)
        assert call.state is target
    else:
        with pytest.raises(AssertionError):
            call._set_state(target)
        assert call.state is source
