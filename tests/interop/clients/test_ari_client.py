"""npm's ari-client: it reads the api-docs when it starts, and dies of any event it can't find."""

from __future__ import annotations

from pathlib import Path

from arion.testing import Phone

from tests.interop.clients.conftest import Runner
from tests.support.server_process import ServerProcess

PROGRAMS = Path(__file__).parent / "node"


async def test_a_call_with_promises(server: ServerProcess, alice: Phone, client: Runner) -> None:
    async with client(server, "node", PROGRAMS / "ari_promises.cjs") as app:
        assert "entity_id" in await app.step("ready")
        call = await alice.call("710")
        started = await app.step("started")
        assert started == {"state": "Ring", "caller": "101", "args": []}
        assert await app.step("answered") == "blue & green"
        [[name, members]] = await app.step("bridged")
        assert name == "with ari-client"
        assert len(members) == 1
        assert await app.step("played") == "done"
        await app.step("press")
        await call.audio.press("5")
        assert await app.step("digit") == "5"
        assert await app.step("recorded") == {"format": "wav", "head": "RIFF"}
        assert await app.step("refused") == "Channel not found"
        await app.step("ended")


async def test_a_call_with_callbacks(server: ServerProcess, alice: Phone, client: Runner) -> None:
    await alice.register()
    endpoint = "PJSIP/alice"
    async with client(server, "node", PROGRAMS / "ari_callbacks.cjs", ENDPOINT=endpoint) as app:
        assert await app.step("originated") is True
        call = await alice.wait_call()
        call.accept()
        await app.step("up")
        assert await app.step("started") == ["one", "two"]
        assert await app.step("variable") == "Clara"
        await app.step("played")
        assert await app.step("destroyed") == 16
