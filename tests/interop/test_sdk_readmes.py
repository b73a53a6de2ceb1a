"""The first application of both SDKs' READMEs, and its test, as whoever copies them has them."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from pathlib import Path

import pytest
from arion.testing import Server, ServerConfig
from first_config import ROOT

from tests.support.js_project import KIT, finish, run, start

SDKS = {"python": ROOT / "sdk/python/README.md", "javascript": ROOT / "sdk/js/README.md"}
BLOCK = re.compile(r"^```\w+\n(?:#|//) (\w+(?:\.test)?\.(?:py|mjs))\n(.*?)^```", re.M | re.S)


@pytest.fixture(params=SDKS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Has the files that a README names."""
    text = SDKS[request.param].read_text("utf-8")
    for name, program in BLOCK.findall(text):
        (tmp_path / name).write_text(program)
    if request.param == "javascript":
        project: Path = request.getfixturevalue("js_project")
        (tmp_path / "node_modules").symlink_to(project / "node_modules")
    return tmp_path


def test_its_own_test_passes(folder: Path) -> None:
    if (folder / "hello.py").exists():
        command = (sys.executable, "-m", "pytest", "-q", "-o", "asyncio_mode=auto", ".")
        assert "1 passed" in run(*command, cwd=folder, **KIT)
    else:
        assert "# pass 1" in run("node", "--test", "hello.test.mjs", cwd=folder, **KIT)


async def test_it_is_a_program_that_takes_calls(folder: Path, tmp_path: Path) -> None:
    prompts = ("hello-world", "vm-press", "digits/4", "digits/2")
    config = ServerConfig(dialplan={"1000": "Stasis(hello)"}, prompts=prompts)
    is_python = (folder / "hello.py").exists()
    command = (sys.executable, "hello.py") if is_python else ("node", "hello.mjs")
    with Server(config, tmp_path / "server") as server:
        program = start(*command, cwd=folder, **server.environment, **KIT)
        async with server.client() as client, asyncio.timeout(20):
            while not await client.applications.list():
                await asyncio.sleep(0.05)
            async with server.phone("alice") as alice:
                await alice.call("1000")
                await alice.hears("vm-press")
                await alice.press("42#")
                for key in "42":
                    await alice.hears(f"digits/{key}")
                await alice.hears_hangup()
        program.send_signal(signal.SIGINT)
        finish(program, 10)
