"""Every cell of every transition table, the absent ones included."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from server.base.errors import LocalProtocolError
from server.sip.message import Response
from server.sip.transaction import ClientTransaction, TransactionLayer
from server.sip.transaction_machines import START, TRANSITIONS, Action, Event, Kind, State, Step
from tests.support.playbook import TCP, UDP, make_request, own_request

CLIENTS = (Kind.CLIENT_INVITE, Kind.CLIENT_OTHER)
CELLS = [
    pytest.param(kind, state, event, id=f"{kind}-{state}-{event}")
    for kind in Kind
    for state, event in product(TRANSITIONS[kind], Event)
]
TU_EVENTS = {Event.SEND_1XX: 180, Event.SEND_2XX: 200, Event.SEND_300_699: 486}
RESPONSES = {Event.RESPONSE_1XX: 180, Event.RESPONSE_2XX: 200, Event.RESPONSE_300_699: 486}


def transaction_in(kind: Kind, state: State) -> tuple[TransactionLayer, Any]:
    """A transaction of this kind, put into this state."""
    layer = TransactionLayer()
    method = "INVITE" if kind in (Kind.CLIENT_INVITE, Kind.SERVER_INVITE) else "OPTIONS"
    if kind in CLIENTS:
        txn: Any = layer.send_request(own_request(method), UDP, 0.0)
    else:
        layer.receive(make_request(method), UDP, 0.0)
        event: Any = layer.next_event()
        txn = event.txn
    layer._set_state(txn, state)
    layer.messages_to_send()
    while layer.next_event():
        pass
    return layer, txn


def argument_for(txn: Any, event: Event) -> Any:
    if isinstance(txn, ClientTransaction):
        return txn.request.response(RESPONSES.get(event, 200), to_tag="t")
    if event is Event.ACK:
        return make_request("ACK"), UDP
    return Response(200, "OK").encode()


@pytest.mark.parametrize(("kind", "state", "event"), CELLS)
def test_cell(kind: Kind, state: State, event: Event) -> None:
    layer, txn = transaction_in(kind, state)
    step = TRANSITIONS[kind][state].get(event)
    took = layer._handle(txn, event, 1.0, argument_for(txn, event))
    assert took is (step is not None)
    assert txn.state is (state if step is None else step.state)
    if step is None:
        assert layer.messages_to_send() == []
        assert layer.next_event() is None
    else:
        assert set(step.start) <= txn.timers.keys() or step.state is State.TERMINATED
    # No timer runs that the state knows nothing of.
    assert txn.timers.keys() <= TRANSITIONS[kind][txn.state].keys()


@pytest.mark.parametrize(
    ("state", "event"), list(product((*TRANSITIONS[Kind.SERVER_INVITE],), TU_EVENTS))
)
def test_illegal_response_of_the_user_raises(state: State, event: Event) -> None:
    layer, txn = transaction_in(Kind.SERVER_INVITE, state)
    response = make_request().response(TU_EVENTS[event], to_tag="t")
    if event in TRANSITIONS[Kind.SERVER_INVITE][state]:
        layer.respond(txn, response, 1.0)
    else:
        with pytest.raises(LocalProtocolError):
            layer.respond(txn, response, 1.0)
        assert txn.state is state


@pytest.mark.parametrize("kind", Kind)
def test_every_state_can_be_reached_and_left(kind: Kind) -> None:
    machine = TRANSITIONS[kind]
    reached = {START[kind].state}
    while True:
        more = {step.state for state in reached for step in machine[state].values()} | reached
        if more == reached:
            break
        reached = more
    assert reached == set(machine)
    for state, row in machine.items():
        if state is not State.TERMINATED:
            assert any(step.state is not state for step in row.values())
    assert machine[State.TERMINATED] == {}


@pytest.mark.parametrize("kind", Kind)
def test_every_started_timer_has_a_cell_where_it_runs(kind: Kind) -> None:
    steps: list[Step] = [START[kind]]
    steps += [step for row in TRANSITIONS[kind].values() for step in row.values()]
    for step in steps:
        assert set(step.start) <= TRANSITIONS[kind][step.state].keys()


def test_every_action_is_used_and_done_by_the_layer() -> None:
    used = {
        action
        for machine in TRANSITIONS.values()
        for row in machine.values()
        for step in row.values()
        for action in step.actions
    }
    assert used == set(Action) == set(TransactionLayer()._actions)


def test_reliable_transport_starts_no_retransmission_timer() -> None:
    layer = TransactionLayer()
    txn = layer.send_request(own_request(), TCP, 0.0)
    assert txn.timers.keys() == {Event.TIMER_B}
