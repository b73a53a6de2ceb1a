"""PyPI's asyncari, whose loader has swaggerpy's rules and wants the listing's version to be 1.1."""

from __future__ import annotations

from pathlib import Path

from arion.testing import Phone

from tests.interop.clients.conftest import Runner
from tests.support.server_process import ServerProcess

PROGRAM = Path(__file__).parent / "python/ari_async.py"


async def test_a_call(server: ServerProcess, alice: Phone, client: Runner, python: Path) -> None:
    async with client(server, python, PROGRAM) as app:
        assert "deviceStates" in await app.step("ready")
        call = await alice.call("710")
        assert await app.step("started") == "101"
        assert len(await app.step("bridged")) == 1
        await app.step("hung up")
        await call.ended.wait()
