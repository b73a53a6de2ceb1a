"""A receiver of webhooks: an HTTP server of aiohttp that remembers what it got."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web as aioweb

from tests.support.web import validate_event


@dataclass
class Post:
    """What the receiver got."""

    headers: dict[str, str]
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        return json.loads(self.body)

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


class Receiver:
    """An application: answers with what the test lays down, else with 204."""

    def __init__(self) -> None:
        self.posts: asyncio.Queue[Post] = asyncio.Queue()
        self.answers: deque[tuple[int, bytes]] = deque()
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.concurrent = self.most_concurrent = 0
        self.url = ""

    async def take(self, request: aioweb.Request) -> aioweb.Response:
        self.concurrent += 1
        self.most_concurrent = max(self.concurrent, self.most_concurrent)
        try:
            self.posts.put_nowait(Post(dict(request.headers), await request.read()))
            await self.is_open.wait()
            status, body = self.answers.popleft() if self.answers else (204, b"")
            return aioweb.Response(status=status, body=body, headers={"Location": "/other"})
        finally:
            self.concurrent -= 1

    def command(self, *commands: Any) -> None:
        """Answer the next POST with commands."""
        self.answers.append((200, json.dumps({"commands": commands}).encode()))

    async def next(self) -> Post:
        return await asyncio.wait_for(self.posts.get(), 5)

    async def until(self, kind: str) -> dict[str, Any]:
        while True:
            for event in (await self.next()).events:
                validate_event(event)
                if event["type"] == kind:
                    return event


@asynccontextmanager
async def running_receiver(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    made = Receiver()
    app = aioweb.Application(client_max_size=2**26)
    app.router.add_post("/hook", made.take)
    runner = aioweb.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.01)
    await runner.setup()
    site = aioweb.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    made.url = f"https://localhost:{port}/hook" if tls else f"http://127.0.0.1:{port}/hook"
    try:
        yield made
    finally:
        await runner.cleanup()
