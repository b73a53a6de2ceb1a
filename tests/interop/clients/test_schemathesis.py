"""schemathesis: requests made from the whole OpenAPI document find no answer that it lacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.clients.conftest import run_tool
from tests.support.server_process import ServerProcess

SECONDS = 40
SETTINGS = Path(__file__).parent / "schemathesis.toml"
SEED = "1"  # the same requests in each run: what it finds can be repeated


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 80)
async def test_no_request_gets_an_answer_that_the_document_lacks(
    python: Path, tmp_path: Path
) -> None:
    server = ServerProcess(tmp_path / "var")
    await server.start()
    try:
        await _attack(server, python, tmp_path)
        assert "Traceback" not in server.log
        assert await server.stop() == 0
    finally:
        await server.kill()


async def _attack(server: ServerProcess, python: Path, tmp_path: Path) -> None:
    stream = await server.connect_app("tests")
    await run_tool(
        python.with_name("schemathesis"),
        *("--config-file", SETTINGS),
        *("run", f"{server.access.ari_url}/openapi.json"),
        *("--auth", f"arion:{server.access.users['arion']}"),
        *("--max-time", str(SECONDS), "--request-timeout", "10"),
        *("--continue-on-failure", "--warnings", "off", "--seed", SEED),
        seconds=SECONDS + 60,
        cwd=tmp_path,
    )
    await stream.close()
