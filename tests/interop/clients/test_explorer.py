"""The page at /ari/docs, in a browser that reaches nothing but loopback."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.interop.clients.conftest import run_tool
from tests.support.server_process import ServerProcess
from tests.support.web import document

OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--virtual-time-budget=20000",
    "--dump-dom",
)
SHOWN = "bridges"


@pytest.mark.skipif(
    shutil.which("chromium") is None and not os.environ.get("CI"), reason="Chromium is missing"
)
async def test_the_explorer_shows_tags_and_operations(
    server: ServerProcess, tmp_path: Path
) -> None:
    origin = server.access.ari_url.removeprefix("http://")
    page = f"http://arion:{server.access.users['arion']}@{origin}/docs#/{SHOWN}"
    dom = await run_tool("chromium", *OPTIONS, f"--user-data-dir={tmp_path / 'browser'}", page)
    ids = {item["operationId"] for path in document()["paths"].values() for item in path.values()}
    assert set(re.findall(r'data-tag="(\w+)"', dom)) >= {name.partition(".")[0] for name in ids}
    shown = set(re.findall(rf'id="operations-{SHOWN}-{SHOWN}\\?\.(\w+)"', dom))
    assert shown == {name.partition(".")[2] for name in ids if name.startswith(f"{SHOWN}.")}
    assert "errors-wrapper" not in dom
