"""Two transaction layers over a bad network: every request ends, exactly once."""

from __future__ import annotations

import pytest

from server.sip.message import parse_message
from server.sip.transaction import (
    CancelReceived,
    RequestReceived,
    ResponseReceived,
    TransactionLayer,
    TransactionTerminated,
    TransactionTimeout,
)
from tests.support.netsim import Network, Weather
from tests.support.playbook import T1, TestFlow, own_request

CLEAR = Weather()
ROUGH = Weather(loss=0.3, duplication=0.2, delay=0.03, jitter=0.2)


class Peer:
    """A layer whose user answers every request with one final status."""

    def __init__(self, flow: TestFlow, status: int = 200) -> None:
        self.layer = TransactionLayer()
        self.flow = flow
        self.status = status
        self.finals: list[int] = []
        self.requests: list[str] = []
        self.timeouts = 0
        self.ended = 0

    def receive(self, data: bytes, now: float) -> None:
        self.layer.receive(parse_message(data), self.flow, now)
        self._work(now)

    def get_timer(self) -> float | None:
        return self.layer.get_timer()

    def handle_timer(self, now: float) -> None:
        self.layer.handle_timer(now)
        self._work(now)

    def take_outgoing(self) -> list[bytes]:
        return [data for _, data in self.layer.messages_to_send()]

    def _work(self, now: float) -> None:
        while (event := self.layer.next_event()) is not None:
            match event:
                case RequestReceived():
                    self.requests.append(event.request.method)
                    answer = event.request.response(self.status, to_tag="t")
                    self.layer.respond(event.txn, answer, now)
                case CancelReceived():
                    answer = event.cancel_txn.request.response(200, to_tag="t")
                    self.layer.respond(event.cancel_txn, answer, now)
                case ResponseReceived() if event.response.status >= 200:
                    self.finals.append(event.response.status)
                case TransactionTimeout():
                    self.timeouts += 1
                case TransactionTerminated():
                    self.ended += 1


def peers(status: int = 200) -> tuple[Peer, Peer]:
    here, there = ("192.0.2.1", 5060), ("192.0.2.2", 5060)
    return Peer(TestFlow("UDP", here, there)), Peer(TestFlow("UDP", there, here), status)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("method", "status"), [("OPTIONS", 200), ("INVITE", 486)])
def test_request_is_answered_once_in_any_weather(method: str, status: int, seed: int) -> None:
    caller, callee = peers(status)
    network = Network((caller, callee), ROUGH, seed=seed)
    caller.layer.send_request(own_request(method), caller.flow, 0.0)
    network.run(until=200.0)
    assert caller.finals + [408] * caller.timeouts == [status]
    assert callee.requests == [method]
    assert len(caller.layer) == len(callee.layer) == 0
    assert caller.get_timer() is callee.get_timer() is None


def test_clear_network_carries_a_failed_invite_in_three_messages() -> None:
    caller, callee = peers(486)
    sent: list[bytes] = []
    network = Network((caller, callee), CLEAR, tap=lambda now, end, data: sent.append(data[:11]))
    caller.layer.send_request(own_request(), caller.flow, 0.0)
    network.run(until=60.0)
    assert sent == [b"INVITE sip:", b"SIP/2.0 486", b"ACK sip:bob"]
    assert (caller.ended, callee.ended) == (1, 1)


def test_dead_network_times_out() -> None:
    caller, callee = peers()
    network = Network((caller, callee), Weather(loss=1.0))
    caller.layer.send_request(own_request(), caller.flow, 0.0)
    network.run(until=64 * T1 + 0.1)
    assert caller.timeouts == 1
    assert callee.requests == []
