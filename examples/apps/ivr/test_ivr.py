"""The menus, by phone."""

from __future__ import annotations

import asyncio

from arion.testing.plugin import AppRunner, PhoneMaker

from examples.apps.ivr.app import ivr


async def test_a_sound_and_back_to_the_menu(run_app: AppRunner, phone: PhoneMaker) -> None:
    await run_app("ivr", ivr)
    alice = await phone("alice")
    await alice.call("1100")
    await alice.hears("vm-options")
    await alice.press("1")
    await alice.hears("hello-world")
    await alice.hears("vm-options")


async def test_keys_pressed_ahead_need_no_prompt(run_app: AppRunner, phone: PhoneMaker) -> None:
    await run_app("ivr", ivr)
    alice = await phone("alice")
    await alice.call("1100")
    await alice.press("22")
    await alice.hears("vm-instructions")
    await alice.hears("vm-advopts")
    await alice.press("*")
    await alice.hears("vm-options")


async def test_the_operator_is_connected(run_app: AppRunner, phone: PhoneMaker) -> None:
    await run_app("ivr", ivr)
    alice, bob = await phone("alice"), await phone("bob")
    await alice.call("1100")
    await alice.press("0")
    await bob.answer()
    await asyncio.gather(alice.says("hello-world"), bob.hears("hello-world"))
    await bob.hang_up()
    await alice.hears_hangup()


async def test_nobody_at_the_desk(run_app: AppRunner, phone: PhoneMaker) -> None:
    await run_app("ivr", ivr)
    alice, bob = await phone("alice"), await phone("bob")
    await alice.call("1100")
    await alice.press("0")
    await bob.rings()
    bob.reject()
    await alice.hears("vm-nobodyavail")


async def test_three_wrong_keys_end_the_call(run_app: AppRunner, phone: PhoneMaker) -> None:
    await run_app("ivr", ivr)
    alice = await phone("alice")
    await alice.call("1100")
    for _ in range(3):
        await alice.press("9")
        await alice.hears("pbx-invalid")
    await alice.hears("vm-goodbye")
    await alice.hears_hangup()
