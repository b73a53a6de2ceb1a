"""One phone after the other, two at once, and the question before the call."""

from __future__ import annotations

import asyncio

from arion.testing.plugin import AppRunner, PhoneMaker

from examples.apps.followme.app import followme


async def test_the_second_place_accepts(run_app: AppRunner, phone: PhoneMaker) -> None:
    await run_app("followme", followme)
    alice, bob, carol = await phone("alice"), await phone("bob"), await phone("carol")
    await alice.call("1500")
    await bob.rings()
    bob.reject()
    await carol.answer()
    await carol.hears("followme/options")
    await carol.press("1")
    await asyncio.gather(alice.says("hello-world"), carol.hears("hello-world"))
    await carol.hang_up()
    await alice.hears_hangup()


async def test_the_first_to_accept_gets_the_call(run_app: AppRunner, phone: PhoneMaker) -> None:
    await run_app("followme", followme)
    alice, bob, carol = await phone("alice"), await phone("bob"), await phone("carol")
    await alice.call("1501")
    await asyncio.gather(bob.rings(), carol.rings())
    await bob.answer()
    await bob.press("1")
    assert await carol.hears_hangup() == "cancelled"
    await asyncio.gather(alice.says("hello-world"), bob.hears("hello-world"))


async def test_nobody_accepts(run_app: AppRunner, phone: PhoneMaker) -> None:
    await run_app("followme", followme)
    alice, bob, carol = await phone("alice"), await phone("bob"), await phone("carol")
    await alice.call("1501")
    await asyncio.gather(bob.rings(), carol.rings())
    carol.reject()
    await bob.answer()
    await bob.press("2")
    await bob.hears_hangup()
    await alice.hears("vm-nobodyavail")
    await alice.hears_hangup()
