"""The page shows what the calls do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import arion
import pytest
from aiohttp import web
from arion.testing.plugin import PhoneMaker
from pytest_aiohttp import AiohttpClient

from examples.apps.dashboard.app import PAGE, Dashboard


@pytest.fixture
async def dashboard(arion_client: arion.Client) -> AsyncIterator[Dashboard]:
    made = Dashboard(arion_client)
    following = asyncio.create_task(made.follow())
    async with asyncio.timeout(5):
        while not any(app.name == "dashboard" for app in await arion_client.applications.list()):
            await asyncio.sleep(0.01)
    yield made
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_true():
            await asyncio.sleep(0.01)


async def test_calls_come_change_and_go(dashboard: Dashboard, phone: PhoneMaker) -> None:
    alice, bob = await phone("alice"), await phone("bob")
    dialling = asyncio.create_task(alice.call("bob"))
    await bob.answer()
    await dialling
    await until(lambda: sum(call.bridge is not None for call in dashboard.calls.values()) == 2)
    assert {call.state for call in dashboard.calls.values()} == {"Up"}
    await alice.press("42")
    await until(lambda: any(call.keys == "42" for call in dashboard.calls.values()))
    await alice.hang_up()
    await until(lambda: not dashboard.calls)


async def test_calls_that_were_there_before(phone: PhoneMaker, arion_client: arion.Client) -> None:
    alice, bob = await phone("alice"), await phone("bob")
    dialling = asyncio.create_task(alice.call("bob"))
    await bob.answer()
    await dialling
    late = Dashboard(arion_client)
    await late.read_all()
    assert len(late.calls) == 2


async def test_the_page_and_its_data(dashboard: Dashboard, aiohttp_client: AiohttpClient) -> None:
    app = web.Application()
    app.add_routes(dashboard.routes())
    browser = await aiohttp_client(app)
    assert await (await browser.get("/")).text() == PAGE
    assert await (await browser.get("/calls.json")).json() == []
