"""Applications that run inside a test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import arion
from arion.testing.server import Server

REGISTER_S = 10.0
POLL_S = 0.01


@contextlib.asynccontextmanager
async def running(
    server: Server, app: str, handler: arion.CallHandler
) -> AsyncIterator[arion.Client]:
    """Be an application for the time of a block; what its handler raises fails the test.

    The block begins when the application can be called; it is given the application's client.
    """
    failures: list[Exception] = []

    async def watched(channel: arion.Channel, args: list[str]) -> None:
        try:
            await handler(channel, args)
        except (arion.ChannelGone, arion.NotFound):
            raise
        except Exception as failure:
            failures.append(failure)
            raise

    async with server.client() as client:
        task = asyncio.create_task(client.run(app, watched))  # noqa: TID251 - ended below
        try:
            await _until_registered(client, app, task)
            yield client
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    if failures:
        raise failures[0]


async def _until_registered(client: arion.Client, app: str, task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(REGISTER_S):
        while not task.done():
            with contextlib.suppress(arion.NotFound):
                await client.applications.get(app)
                return
            await asyncio.sleep(POLL_S)
    await task
