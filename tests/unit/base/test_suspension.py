"""Plain functions that wait."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import weakref

import pytest

from server.base.errors import InvalidState
from server.base.suspension import attempt, call, suspendable, wait


def add_slowly(left: int, right: int) -> int:
    return wait(asyncio.sleep(0, left)) + wait(asyncio.sleep(0.001, right))


async def test_a_plain_function_waits_while_the_loop_goes_on() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counter = asyncio.get_running_loop().create_task(count())
    assert await call(add_slowly, 2, 3) == 5
    assert turns > 2
    counter.cancel()


async def test_what_does_not_wait_returns_at_once() -> None:
    assert attempt(max, 2, 3) == 3
    waiting = attempt(add_slowly, 2, right=3)
    assert not isinstance(waiting, int)
    assert await waiting == 5


async def test_a_coroutine_may_wait_both_ways() -> None:
    async def work() -> int:
        first = add_slowly(1, 2)
        second = await asyncio.sleep(0.001, 3)
        return first + second + add_slowly(4, 5)

    assert await suspendable(work()) == 15


async def test_errors_go_both_ways() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise KeyError("x")

    def catch() -> str:
        try:
            wait(fail())
        except KeyError as error:
            raise ValueError("seen") from error
        return "not reached"

    with pytest.raises(ValueError, match="seen"):
        await call(catch)

    async def raise_it() -> None:
        await asyncio.sleep(0)
        catch()

    with pytest.raises(ValueError, match="seen"):
        await suspendable(raise_it())


async def test_where_nobody_can_wait_it_is_an_error() -> None:
    with pytest.raises(InvalidState):
        wait(asyncio.sleep(0))


@pytest.mark.parametrize("is_plain", [True, False])
async def test_a_cancelled_wait_cleans_up(*, is_plain: bool) -> None:
    cleaned: list[str] = []

    def plain() -> None:
        try:
            wait(asyncio.sleep(60))
        finally:
            cleaned.append("plain")

    async def both() -> None:
        try:
            await asyncio.sleep(0)
            plain() if is_plain else await asyncio.sleep(60)
        finally:
            cleaned.append("coroutine")

    task = asyncio.get_running_loop().create_task(suspendable(both()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned == (["plain"] if is_plain else []) + ["coroutine"]


async def test_context_variables_are_those_of_the_task() -> None:
    name = contextvars.ContextVar("name", default="")
    name.set("outer")
    seen: list[str] = []

    async def work() -> None:
        seen.append(name.get())
        wait(asyncio.sleep(0))
        name.set("inner")
        await asyncio.sleep(0)
        seen.append(name.get())

    await suspendable(work())
    assert seen == ["outer", "inner"]


async def test_nothing_is_kept() -> None:
    class Thing:
        pass

    async def work() -> weakref.ref[Thing]:
        thing = Thing()
        wait(asyncio.sleep(0))
        return weakref.ref(thing)

    reference = await suspendable(work())
    gc.collect()
    assert reference() is None


async def test_a_thousand_wait_at_the_same_time() -> None:
    results = await asyncio.gather(*(call(add_slowly, each, 1) for each in range(1000)))
    assert results == [each + 1 for each in range(1000)]
