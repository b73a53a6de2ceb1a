"""dashboard: a page that shows all calls as they are. It only listens. See README.md."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from dataclasses import asdict, dataclass, field

import arion
from aiohttp import web

APP = "dashboard"
PORT = 8091

PAGE = """<!doctype html>
<meta charset="utf-8"><title>Calls</title>
<h1>Calls</h1><table id="calls"></table>
<script>
async function show() {
  const calls = await (await fetch('/calls.json')).json();
  const table = document.getElementById('calls');
  table.replaceChildren(...calls.map((call) => {
    const row = document.createElement('tr');
    for (const text of [call.name, call.state, call.caller, call.bridge ?? '', call.keys]) {
      row.insertCell().textContent = text;
    }
    return row;
  }));
}
setInterval(show, 1000); show();
</script>
"""

logger = logging.getLogger(APP)


@dataclass
class Call:
    """A row of the page.

    :param bridge: the bridge that it is in.
    :param keys: what was pressed.
    """

    name: str
    state: str
    caller: str
    bridge: str | None = None
    keys: str = field(default="")


class Dashboard:
    """All channels of a server, kept up to date by its events."""

    def __init__(self, client: arion.Client) -> None:
        self._client = client
        self.calls: dict[str, Call] = {}

    async def follow(self) -> None:
        """Listen until cancelled."""
        async with self._client.events(APP, subscribe_all=True) as events:
            await self.read_all()
            async for event in events:
                if event.type == "Reconnected":
                    await self.read_all()  # what happened meanwhile was missed
                else:
                    self.take(event)

    async def read_all(self) -> None:
        """Begin anew with what the server says is there."""
        channels = await self._client.channels.list()
        self.calls = {channel.id: _row(channel) for channel in channels}
        for bridge in await self._client.bridges.list():
            for channel_id in bridge.channels:
                if channel_id in self.calls:
                    self.calls[channel_id].bridge = bridge.id

    def take(self, event: arion.AnyEvent) -> None:
        """Take an event in."""
        match event:
            case arion.ChannelCreated() | arion.ChannelStateChange() as change:
                known = self.calls.setdefault(change.channel.id, _row(change.channel))
                known.state = change.channel.state
            case arion.ChannelDestroyed(channel=channel):
                self.calls.pop(channel.id, None)
            case arion.ChannelEnteredBridge(channel=arion.Channel() as channel, bridge=bridge):
                self.calls.setdefault(channel.id, _row(channel)).bridge = bridge.id
            case arion.ChannelLeftBridge(channel=channel):
                self.calls.setdefault(channel.id, _row(channel)).bridge = None
            case arion.ChannelDtmfReceived(channel=channel, digit=digit):
                self.calls.setdefault(channel.id, _row(channel)).keys += digit

    def routes(self) -> list[web.RouteDef]:
        """Return what the web server serves."""
        return [web.get("/", self._on_page), web.get("/calls.json", self._on_calls)]

    async def _on_page(self, request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def _on_calls(self, request: web.Request) -> web.Response:
        return web.json_response([asdict(call) for call in self.calls.values()])


def _row(channel: arion.Channel) -> Call:
    return Call(channel.name, channel.state, channel.caller.number)


async def main() -> None:
    """Serve the page until Ctrl-C."""
    logging.basicConfig(level=logging.INFO)
    async with arion.Client() as client:
        dashboard = Dashboard(client)
        web_app = web.Application()
        web_app.add_routes(dashboard.routes())
        runner = web.AppRunner(web_app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", int(os.environ.get("PORT", PORT))).start()
        try:
            await dashboard.follow()
        finally:
            await runner.cleanup()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
