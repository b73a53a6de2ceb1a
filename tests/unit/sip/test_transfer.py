"""Transfers and replacing calls through legs, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.sip.transfer import SipTransfer
from server.tech.base import OutgoingCall, Party
from tests.unit.sip.test_leg import Listener, World, until


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.start()
    yield world
    await world.close()


def replaces(listener: Listener, *, early_only: bool = False) -> str:
    """The Replaces value by which others name a phone's call."""
    dialog = listener.leg._session.dialog  # type: ignore[attr-defined]
    early = ";early-only" if early_only else ""
    return f"{dialog.call_id};to-tag={dialog.remote.tag};from-tag={dialog.local.tag}{early}"


async def test_a_refer_becomes_a_transfer(world: World) -> None:
    caller, called = await world.connect()
    caller.leg.redirect("server/sip:900@example.com")
    await until(lambda: called.transfers)
    transfer = called.transfers[0]
    assert (transfer.exten, transfer.context) == ("900", "default")
    assert (transfer.replaces, transfer.consultation) == (None, None)
    assert "sip:alice@" in transfer.referred_by
    assert transfer.wants_progress
    assert not transfer.is_over
    transfer.report(200)
    await until(lambda: transfer.is_over)  # once the NOTIFY before has been answered
    caller.leg.hangup(16)
    await until(lambda: called.hangup)


async def test_a_refer_that_replaces_names_the_other_leg(world: World) -> None:
    _, called = await world.connect()
    world.server.sink.listeners.clear()
    consultation, second = await world.connect()
    value = replaces(consultation).replace(";", "%3B").replace("=", "%3D")
    (first_caller,) = [leg for leg in world.phone.tech._legs if leg is not consultation.leg]
    first_caller.redirect(f"server/sip:900@example.com?Replaces={value}")
    await until(lambda: called.transfers)
    transfer = called.transfers[0]
    assert isinstance(transfer, SipTransfer)
    assert transfer.consultation is second.leg
    assert transfer.replaces is not None
    assert transfer.replaces.call_id == consultation.leg.protocol_id
    transfer.report(200)


async def dial_replacing(world: World, value: str) -> Listener:
    variables = {"SIPADDHEADER01": f"Replaces: {value}"}
    leg = world.phone.tech.create_leg("999@server", OutgoingCall(variables=variables))
    listener = Listener(leg)
    leg.dial(Party("Alice", "alice"), Party())
    await until(lambda: listener.hangup or len(world.server.sink.listeners) > 1)
    return listener


async def test_an_invite_that_replaces_needs_no_extension(world: World) -> None:
    caller, called = await world.connect()
    await dial_replacing(world, replaces(caller))
    assert world.server.sink.calls[-1].replaces is called.leg


@pytest.mark.parametrize(
    ("value", "status"),
    [("unknown;to-tag=1;from-tag=2", 481), ("unknown;to-tag=1", 400)],
)
async def test_an_invite_that_replaces_nothing_is_refused(
    world: World, value: str, status: int
) -> None:
    await world.connect()
    listener = await dial_replacing(world, value)
    assert listener.hangup is not None
    assert listener.hangup[1] == status


async def test_an_answered_call_is_not_replaced_by_who_wants_a_ringing_one(world: World) -> None:
    caller, _ = await world.connect()
    listener = await dial_replacing(world, replaces(caller, early_only=True))
    assert listener.hangup is not None
    assert listener.hangup[1] == 486


async def test_who_may_not_transfer_may_not_replace() -> None:
    world = World(allow_transfer=False)
    await world.start()
    caller, _ = await world.connect()
    listener = await dial_replacing(world, replaces(caller))
    assert listener.hangup is not None
    assert listener.hangup[1] == 603
    await world.close()


async def test_texts_go_both_ways_in_a_call(world: World) -> None:
    caller, called = await world.connect()
    caller.leg.send_text("hello")
    await until(lambda: "message hello" in called.events)
    called.leg.send_text("grüße")
    await until(lambda: "message grüße" in caller.events)
