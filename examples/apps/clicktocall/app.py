"""clicktocall: a web page asks for two people to be connected. See README.md.

curl -X POST 'http://127.0.0.1:8090/call?from=PJSIP/alice&to=PJSIP/bob'
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os

import arion
from aiohttp import web

APP = "clicktocall"
PORT = 8090

logger = logging.getLogger(APP)


class ClickToCall:
    """Calls the one who clicked, then the other, and connects them."""

    def __init__(self, client: arion.Client) -> None:
        self._client = client
        self._calls: set[asyncio.Task[None]] = set()

    def routes(self) -> list[web.RouteDef]:
        """Return what the web server serves."""
        return [web.post("/call", self._on_click)]

    async def _on_click(self, request: web.Request) -> web.Response:
        try:
            first, second = request.query["from"], request.query["to"]
        except KeyError as missing:
            raise web.HTTPBadRequest(text=f"{missing} is missing") from None
        call = asyncio.create_task(self.connect(first, second))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        return web.Response(status=202)

    async def connect(self, first: str, second: str) -> None:
        """Connect two endpoints until one hangs up."""
        try:
            one = await self._client.dial(first, app=APP, caller_id=f"<{second.split('/')[-1]}>")
        except (arion.NotAnswered, arion.ApiError) as failure:
            logger.info("%s: %s", first, failure)
            return
        await one.ring()
        try:
            other = await self._client.dial(second, app=APP, caller=one)
        except arion.NotAnswered:
            await one.ring_stop()
            await one.say("sound:vm-nobodyavail")
            await one.hangup()
            return
        await one.ring_stop()
        async with self._client.bridge() as bridge:
            await bridge.add(one, other)
            await self._client.first_gone(one, other)
        await one.hangup()
        await other.hangup()


async def nobody_calls(channel: arion.Channel, args: list[str]) -> None:
    """Turn away who dials the application itself."""
    await channel.hangup("congestion")


async def main() -> None:
    """Serve clicks until Ctrl-C."""
    logging.basicConfig(level=logging.INFO)
    async with arion.Client() as client:
        web_app = web.Application()
        web_app.add_routes(ClickToCall(client).routes())
        runner = web.AppRunner(web_app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", int(os.environ.get("PORT", PORT))).start()
        try:
            await client.run(APP, nobody_calls)
        finally:
            await runner.cleanup()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
