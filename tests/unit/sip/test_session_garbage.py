"""A call that is over and forgotten leaves no reference cycle: memory is free at once."""

from __future__ import annotations

import gc

import pytest

from server.base.causes import Cause
from server.sip.dialog import Dialog
from server.sip.session import Session
from server.sip.transaction import ClientTransaction, ServerTransaction
from tests.support.sip_stacks import Node, SimNet, open_settings

LINGER = 40.0  # seconds; the longest transaction state is 32 s
KINDS = (Session, Dialog, ClientTransaction, ServerTransaction)


def one_call(net: SimNet, alice: Node, bob: Node, *, caller_ends: bool) -> None:
    """Call, answer, change the media, hang up, and wait until all is forgotten."""
    call, _ = alice.call(bob)
    net.run(0.1)
    session = bob.sessions[-1]
    session.ring(net.now)
    session.answer(net.now)
    net.run(0.5)
    call.hold(net.now)
    net.run(0.5)
    session.hold(net.now)
    net.run(0.5)
    (call if caller_ends else session).hangup(Cause.NORMAL_CLEARING, net.now)
    net.run(LINGER)
    bob.sessions.clear()


@pytest.mark.parametrize("caller_ends", [True, False])
def test_a_call_leaves_no_cycle_behind(caller_ends: bool) -> None:
    net = SimNet()
    alice = Node(net, "alice", ("10.0.0.1", 5060))
    bob = Node(net, "bob", ("10.0.0.2", 5060))
    alice.start(open_settings())
    bob.start(open_settings())
    gc.collect()
    gc.disable()
    try:
        one_call(net, alice, bob, caller_ends=caller_ends)
        left = [thing for thing in gc.get_objects() if isinstance(thing, KINDS)]
    finally:
        gc.enable()
    assert left == []
