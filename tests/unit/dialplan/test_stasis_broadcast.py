"""StasisBroadcast(): a call is offered, and the first application that claims it has it."""

from __future__ import annotations

import asyncio

import pytest

from server.base.errors import Conflict, NotFound
from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle


async def finished(channel: Channel) -> str | None:
    """Return STASISSTATUS once the step that copies it has run."""
    async with asyncio.timeout(5):
        while channel.variables.get("A") is None:
            await asyncio.sleep(0.002)
    return channel.variables.get("A")


async def offer(dut: DialplanUnderTest, arguments: str) -> Channel:
    return await dut.run(f"StasisBroadcast({arguments})\nSet(A=${{STASISSTATUS}})\nWaitDigit()")


async def test_the_first_claim_wins_and_gets_the_call(dut: DialplanUnderTest) -> None:
    first, second = dut.under.connect("one"), dut.under.connect("two")
    channel = await offer(dut, "5000,,sales:high")
    for app in (first, second):
        (event,) = app.of("CallBroadcast")
        assert event["channel"]["id"] == channel.id
        assert event["called"] == "s"
        assert event["caller"] == channel.caller.number
    claim = dut.under.events.claim_channel
    claim(channel.id, application="two")
    with pytest.raises(Conflict):
        claim(channel.id, application="one")
    await settle()
    with pytest.raises(Conflict):
        claim(channel.id, application="one")
    (start,) = second.of("StasisStart")
    assert start["args"] == ["sales", "high"]
    assert first.types == ["CallBroadcast"]
    dut.under.channels.continue_in_dialplan(channel.id)
    assert await finished(channel) == "SUCCESS"
    with pytest.raises(NotFound):
        claim(channel.id, application="one")


async def test_nobody_claims_in_time(dut: DialplanUnderTest) -> None:
    app = dut.under.connect("one")
    channel = await offer(dut, "20")
    assert await finished(channel) == "TIMEOUT"
    assert app.types == ["CallBroadcast"]
    with pytest.raises(NotFound):
        dut.under.events.claim_channel(channel.id, application="one")


async def test_only_applications_that_match_are_asked(dut: DialplanUnderTest) -> None:
    sales, billing = dut.under.connect("sales_1"), dut.under.connect("billing_1")
    channel = await offer(dut, "5000,^billing_,,yes")
    assert sales.types == []
    with pytest.raises(NotFound):
        dut.under.events.claim_channel(channel.id, application="sales_1")
    with pytest.raises(NotFound):
        dut.under.events.claim_channel(channel.id, application="nobody")
    dut.under.events.claim_channel(channel.id, application="billing_1")
    await settle()
    assert billing.types == ["CallBroadcast", "CallClaimed", "StasisStart"]
    assert billing.of("CallClaimed")[0]["winner_app"] == "billing_1"


@pytest.mark.parametrize(
    ("arguments", "status"), [("5000", "TIMEOUT"), ("x", "TIMEOUT"), ("5000,(", "FAILED")]
)
async def test_there_is_nobody_to_ask(dut: DialplanUnderTest, arguments: str, status: str) -> None:
    channel = await offer(dut, arguments)
    assert await finished(channel) == status


async def test_a_caller_that_gives_up_is_offered_no_more(dut: DialplanUnderTest) -> None:
    dut.under.connect("one")
    channel = await offer(dut, "5000")
    dut.leg(channel).far_end_hangs_up()
    await settle()
    assert dut.under.node.offers == {}


async def test_an_application_that_is_gone_again_fails(dut: DialplanUnderTest) -> None:
    app = dut.under.connect("one")
    channel = await offer(dut, "5000")
    dut.under.events.claim_channel(channel.id, application="one")
    dut.under.applications.unregister(app)
    assert await finished(channel) == "FAILED"
