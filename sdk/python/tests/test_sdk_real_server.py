"""The SDK and the real server: a call between two ends of a Local channel, with real media."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import arion
import pytest

from tests.support.server_process import ServerProcess

pytestmark = pytest.mark.interop


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    made = ServerProcess(tmp_path)
    await made.start()
    yield made
    await made.kill()


@pytest.fixture
async def client(server: ServerProcess) -> AsyncIterator[arion.Client]:
    url = f"http://127.0.0.1:{server.access.http_port}/ari"
    async with arion.Client(url, "arion", server.access.users["arion"]) as made:
        yield made


async def test_a_call_with_media_from_start_to_end(
    server: ServerProcess, client: arion.Client
) -> None:
    done: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def program(channel: arion.Channel, args: list[str]) -> None:
        try:
            assert args == ["one", "two"]
            tone = await channel.play("tone:ring")
            await tone.stop()
            recording = await channel.record("memo", if_exists="overwrite")
            await channel.say("sound:beep")
            await recording.stop()
            await recording.finished()
            await channel.hangup()
            await channel.wait_gone()
            done.set_result(channel.id)
        except BaseException as failure:
            done.set_exception(failure)
            raise

    running = asyncio.create_task(client.run("sdk", program))
    async with asyncio.timeout(20):
        while not any(app.name == "sdk" for app in await client.applications.list()):
            await asyncio.sleep(0.01)
        made = await client.channels.originate(
            endpoint="Local/700@phones", app="sdk", app_args="one,two"
        )
        assert await done == made.id
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    stored = await client.recordings.get_stored("memo")
    assert (await stored.download())[:4] == b"RIFF"
    await stored.delete()
    assert await server.stop() == 0
