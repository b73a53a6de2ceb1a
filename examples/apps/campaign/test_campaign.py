"""People are told, machines are not, and the list goes on."""

from __future__ import annotations

import asyncio

import arion
import pytest
from arion.testing.plugin import PhoneMaker
from arion.testing.prompts import tones

from examples.apps.campaign import app as campaign
from examples.apps.campaign.app import Campaign, Outcome


async def is_never_machine(channel: arion.Channel) -> bool:
    return False


async def test_a_list_is_called(phone: PhoneMaker, arion_client: arion.Client) -> None:
    alice, bob, carol = await phone("alice"), await phone("bob"), await phone("carol")
    async with arion_client.events("campaign"):
        made = Campaign(arion_client, detect=is_never_machine, at_once=2)
        running = asyncio.create_task(made.run(["PJSIP/alice", "PJSIP/bob", "PJSIP/carol"]))
        await alice.answer()
        await bob.rings()
        assert carol.current is None  # two at a time
        bob.reject()
        await alice.hears("vm-tocallback")
        await alice.press("1")
        await alice.hears("auth-thankyou")
        await carol.answer()
        await carol.hang_up()
        assert await asyncio.wait_for(running, 10) == {
            "PJSIP/alice": Outcome.ACCEPTED,
            "PJSIP/bob": Outcome.NOT_ANSWERED,
            "PJSIP/carol": Outcome.TOLD,
        }


@pytest.mark.parametrize(("seconds", "expected"), [(0.6, "told"), (4.0, "machine")])
async def test_a_long_greeting_is_a_machines(
    phone: PhoneMaker, arion_client: arion.Client, seconds: float, expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(campaign, "LONGEST_HELLO_S", 2)
    alice = await phone("alice")
    async with arion_client.events("campaign"):
        running = asyncio.create_task(Campaign(arion_client).call("PJSIP/alice"))
        await alice.answer()
        await alice.says(tones("hello", seconds))
        if expected == "told":
            await alice.hears("vm-tocallback")
            await alice.hang_up()
        assert await asyncio.wait_for(running, 15) == expected
