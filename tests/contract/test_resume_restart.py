"""Event logs outlive the server: what a restart ends is told, what a crash took is admitted."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.event_client import EventClient, check_chain, seen
from tests.support.server_process import ServerProcess

CALL = {"endpoint": "Local/700@phones/n", "app": "tests"}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server of the test's own."""
    made = ServerProcess(tmp_path / "var")
    await made.start()
    try:
        yield made
    finally:
        if made.process and made.process.returncode is None:
            await made.kill()


async def connect(server: ServerProcess, client: EventClient | None = None) -> EventClient:
    """Connect as ``tests``, to go on where *client* was cut."""
    events = client.events if client is not None else []
    return await EventClient.connect(
        f"127.0.0.1:{server.access.http_port}",
        f"app=tests&resume={seen(events)}",
        events,
        authorization=aiohttp.encode_basic_auth("arion", server.access.users["arion"]),
    )


async def is_written(server: ServerProcess) -> bool:
    """Tell whether the log of some application is on disk."""
    (path,) = server.var.rglob("events.sqlite3")
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("SELECT COUNT(*) FROM logs").fetchone()[0])


def of(client: EventClient, channel: str) -> list[str]:
    return [e["type"] for e in client.events if e.get("channel", {}).get("id") == channel]


async def test_a_restart_tells_how_the_calls_ended(server: ServerProcess) -> None:
    client = await connect(server)
    await client.wait_for("Resync")
    await server.post("/channels", channelId="old", **CALL)
    await client.wait_for("StasisStart")
    client.cut()
    await client.lost
    assert await server.stop() == 0
    await server.start()
    await server.post("/channels", channelId="new", **CALL)  # the application is expected back
    client = await connect(server, client)
    await client.wait_for("StasisStart", 2)
    assert of(client, "old")[-2:] == ["StasisEnd", "ChannelDestroyed"]
    assert "StasisStart" in of(client, "new")
    assert client.types.count("Resync") == 1
    check_chain(client.events)
    client.cut()
    assert await server.stop() == 0


async def test_a_crash_is_followed_by_a_resync(server: ServerProcess) -> None:
    client = await connect(server)
    await client.wait_for("Resync")
    await server.post("/channels", channelId="old", **CALL)
    await client.wait_for("StasisStart")
    await server.until(lambda: is_written(server), 5, "the log to be begun")
    await server.kill()
    await client.lost
    await server.start()
    await server.post("/channels", channelId="new", **CALL)
    client = await connect(server, client)
    resync = await client.wait_for("Resync", 2)
    assert resync["reason"] == "restarted"
    assert [channel["id"] for channel in resync["channels"]] == ["new"]
    check_chain(client.events)
    client.cut()
    await client.lost
    count = len(client.events)
    client = await connect(server, client)  # what has been told once need not be told again
    await server.delete("/channels/new")
    await client.wait_for("ChannelDestroyed")
    assert "Resync" not in client.types[count:]
    check_chain(client.events)
    client.cut()
    assert await server.stop() == 0
