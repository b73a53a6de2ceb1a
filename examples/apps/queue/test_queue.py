"""Callers wait, agents take them in turn."""

from __future__ import annotations

import asyncio

import pytest
from arion.testing.plugin import AppRunner, PhoneMaker

from examples.apps.queue import app as queue


async def test_callers_are_served_in_turn(run_app: AppRunner, phone: PhoneMaker) -> None:
    await run_app("queue", queue.Queue().handle)
    alice, bob, carol = await phone("alice"), await phone("bob"), await phone("carol")
    await bob.call("1301")
    await bob.hears("agent-loginok")
    await bob.hears_hangup()

    await alice.call("1300")
    await bob.answer()
    await carol.call("1300")
    await asyncio.gather(alice.says("hello-world"), bob.hears("hello-world"))
    await alice.hang_up()  # frees the agent for carol
    await bob.hears_hangup()
    await bob.answer()
    await asyncio.gather(bob.says("hello-world"), carol.hears("hello-world"))
    await bob.hang_up()
    await carol.hears_hangup()


async def test_an_agent_who_does_not_answer_rests(
    run_app: AppRunner, phone: PhoneMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "REST_S", 0.1)
    await run_app("queue", queue.Queue().handle)
    alice, bob = await phone("alice"), await phone("bob")
    await bob.call("1301")
    await bob.hears_hangup()
    await alice.call("1300")
    await bob.rings()
    bob.reject()
    await bob.answer()
    await alice.hang_up()
    await bob.hears_hangup()


async def test_a_caller_who_gives_up_frees_the_agent(run_app: AppRunner, phone: PhoneMaker) -> None:
    await run_app("queue", queue.Queue().handle)
    alice, bob, carol = await phone("alice"), await phone("bob"), await phone("carol")
    await bob.call("1301")
    await bob.hears_hangup()
    await alice.call("1300")
    await bob.rings()
    await alice.hang_up()
    assert await bob.hears_hangup() == "cancelled"
    await carol.call("1300")
    await bob.answer()
    await asyncio.gather(bob.says("hello-world"), carol.hears("hello-world"))


async def test_who_logged_out_is_not_rung(run_app: AppRunner, phone: PhoneMaker) -> None:
    await run_app("queue", queue.Queue().handle)
    alice, bob = await phone("alice"), await phone("bob")
    for number, prompt in (("1301", "agent-loginok"), ("1302", "agent-loggedoff")):
        await bob.call(number)
        await bob.hears(prompt)
        await bob.hears_hangup()
    await alice.call("1300")
    with pytest.raises(AssertionError, match="was not called"):
        await bob.rings(timeout=0.5)
