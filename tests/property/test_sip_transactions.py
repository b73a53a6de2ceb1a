"""A stateful machine drives a transaction layer with all that can happen, in any order."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from server.base.errors import LocalProtocolError
from server.sip.message import parse_message
from server.sip.transaction import (
    CancelReceived,
    ClientTransaction,
    RequestReceived,
    ServerTransaction,
    TransactionLayer,
    TransactionTerminated,
)
from server.sip.transaction_machines import TRANSITIONS
from tests.support.playbook import TCP, UDP, make_request, own_request

STATUSES = st.sampled_from([100, 180, 183, 200, 302, 401, 486, 503, 603])
METHODS = st.sampled_from(["INVITE", "OPTIONS", "BYE"])
CALLS = st.integers(0, 3)


class Transactions(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.layer = TransactionLayer(max_transactions=40)
        self.now = 0.0
        self.clients: list[ClientTransaction] = []
        self.servers: list[tuple[ServerTransaction, Any]] = []
        self.live: set[Any] = set()
        self.ended: set[Any] = set()

    def drain(self) -> None:
        while (event := self.layer.next_event()) is not None:
            if isinstance(event, RequestReceived):
                self.servers.append((event.txn, event.request))
                self.live.add(event.txn)
            elif isinstance(event, CancelReceived):
                assert event.invite_txn in self.live
                self.servers.append((event.cancel_txn, event.cancel_txn.request))
                self.live.add(event.cancel_txn)
            elif isinstance(event, TransactionTerminated):
                assert event.txn not in self.ended, "terminated twice"
                self.ended.add(event.txn)
            elif hasattr(event, "txn"):
                assert event.txn not in self.ended, "reported after its end"

    @rule(method=METHODS, reliable=st.booleans())
    def send(self, method: str, reliable: bool) -> None:
        if len(self.layer) < 40:
            flow = TCP if reliable else UDP
            self.clients.append(self.layer.send_request(own_request(method), flow, self.now))

    @rule(method=st.sampled_from(["INVITE", "OPTIONS", "ACK", "CANCEL"]), call=CALLS,
          branch=st.integers(0, 1), cookie=st.booleans(), reliable=st.booleans())  # fmt: skip
    def receive(self, method: str, call: int, branch: int, cookie: bool, reliable: bool) -> None:
        name = f"{'z9hG4bK' if cookie else 'old'}{call}-{branch}"
        request = make_request(method, branch=name, call_id=f"call-{call}")
        self.layer.receive(request, TCP if reliable else UDP, self.now)
        self.drain()

    @precondition(lambda self: self.clients)
    @rule(which=st.integers(0, 1000), status=STATUSES)
    def reply(self, which: int, status: int) -> None:
        txn = self.clients[which % len(self.clients)]
        data = txn.request.response(status, to_tag="t").encode()
        self.layer.receive(parse_message(data), txn.flow, self.now)
        self.drain()

    @precondition(lambda self: self.servers)
    @rule(which=st.integers(0, 1000), status=STATUSES)
    def respond(self, which: int, status: int) -> None:
        txn, request = self.servers[which % len(self.servers)]
        state = txn.state
        try:
            self.layer.respond(txn, request.response(status, to_tag="t"), self.now)
        except LocalProtocolError:
            assert txn.state is state
        self.drain()

    @precondition(lambda self: self.clients)
    @rule(which=st.integers(0, 1000))
    def cancel(self, which: int) -> None:
        txn = self.clients[which % len(self.clients)]
        if (cancel := self.layer.cancel(txn, self.now)) is not None:
            self.clients.append(cancel)

    @rule(seconds=st.sampled_from([0.0, 0.1, 0.5, 4.0, 31.0, 40.0]))
    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.layer.handle_timer(self.now)
        self.drain()
        deadline = self.layer.get_timer()
        assert deadline is None or deadline > self.now

    @rule(reliable=st.booleans())
    def break_flow(self, reliable: bool) -> None:
        self.layer.transport_failed(TCP if reliable else UDP, self.now)
        self.drain()

    @invariant()
    def everything_sent_is_a_message(self) -> None:
        for _, data in self.layer.messages_to_send():
            parse_message(data).validate()

    @invariant()
    def no_state_has_a_timer_it_does_not_know(self) -> None:
        layer = self.layer
        for txn in [*layer._clients.values(), *layer._servers.values()]:
            assert txn.timers.keys() <= TRANSITIONS[txn.kind][txn.state].keys()
            assert not txn.is_terminated

    @invariant()
    def indexes_agree(self) -> None:
        layer = self.layer
        members = {txn for each in layer._by_flow.values() for txn in each}
        assert members == {*layer._clients.values(), *layer._servers.values()}
        assert set(layer._merge_keys.values()) <= set(layer._servers.values())

    def teardown(self) -> None:
        """Whoever is answered in the end leaves nothing behind."""
        for txn, request in self.servers:
            try:
                self.layer.respond(txn, request.response(500, to_tag="t"), self.now)
            except LocalProtocolError:
                pass
        for txn in self.clients:
            self.layer.cancel(txn, self.now)
            self.layer.transport_failed(txn.flow, self.now)
        for _ in range(3):
            self.now += 100.0
            self.layer.handle_timer(self.now)
        assert len(self.layer) == 0
        assert self.layer.get_timer() is None


TestTransactions = Transactions.TestCase
