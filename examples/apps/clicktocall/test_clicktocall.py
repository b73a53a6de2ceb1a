"""A click connects two phones."""

from __future__ import annotations

import asyncio

import aiohttp
from aiohttp import web
from arion.testing.plugin import AppRunner, PhoneMaker

from examples.apps.clicktocall.app import ClickToCall, nobody_calls


async def click(calls: ClickToCall, port: int, query: dict[str, str]) -> int:
    app = web.Application()
    app.add_routes(calls.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        url = f"http://127.0.0.1:{port}/call"
        async with aiohttp.ClientSession() as session, session.post(url, params=query) as response:
            return response.status
    finally:
        await runner.cleanup()


async def test_a_click_connects_two_phones(
    run_app: AppRunner, phone: PhoneMaker, unused_tcp_port: int
) -> None:
    calls = ClickToCall(await run_app("clicktocall", nobody_calls))
    alice, bob = await phone("alice"), await phone("bob")
    query = {"from": "PJSIP/alice", "to": "PJSIP/bob"}
    assert await click(calls, unused_tcp_port, query) == 202
    await alice.answer()
    await bob.answer()
    await asyncio.gather(bob.says("hello-world"), alice.hears("hello-world"))
    await alice.hang_up()
    await bob.hears_hangup()


async def test_who_clicked_is_told_that_nobody_is_there(
    run_app: AppRunner, phone: PhoneMaker
) -> None:
    calls = ClickToCall(await run_app("clicktocall", nobody_calls))
    alice, bob = await phone("alice"), await phone("bob")
    connecting = asyncio.create_task(calls.connect("PJSIP/alice", "PJSIP/bob"))
    await alice.answer()
    await bob.rings()
    bob.reject()
    await alice.hears("vm-nobodyavail")
    await alice.hears_hangup()
    await connecting


async def test_a_click_must_say_whom(run_app: AppRunner, unused_tcp_port: int) -> None:
    calls = ClickToCall(await run_app("clicktocall", nobody_calls))
    assert await click(calls, unused_tcp_port, {"from": "PJSIP/alice"}) == 400
