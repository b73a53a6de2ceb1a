"""Transactions as the layer's user sees them."""

from __future__ import annotations

import pytest

from server.base.errors import LocalProtocolError
from server.sip.transaction import RequestReceived, State, TransactionLayer
from tests.support.playbook import UDP, make_request, own_request


def test_client_transaction_tells_what_it_is() -> None:
    layer = TransactionLayer()
    request = own_request()
    txn = layer.send_request(request, UDP, 0.0, user_data="mine")
    assert repr(txn) == "<INVITE client INVITE Calling>"
    assert (txn.method, txn.flow, txn.state, txn.user_data) == (
        "INVITE",
        UDP,
        State.CALLING,
        "mine",
    )
    assert txn.request is request
    assert not txn.is_terminated
    layer.transport_failed(UDP, 0.0)
    assert txn.is_terminated


def test_server_transaction_lets_its_request_go() -> None:
    layer = TransactionLayer()
    request = make_request("OPTIONS")
    layer.receive(request, UDP, 0.0)
    event = layer.next_event()
    assert isinstance(event, RequestReceived)
    txn = event.txn
    assert repr(txn) == "<non-INVITE server OPTIONS Trying>"
    layer.respond(txn, request.response(100), 0.0)
    assert txn.request is request
    layer.respond(txn, request.response(200), 0.0)
    with pytest.raises(LocalProtocolError, match="let its request go"):
        _ = txn.request
