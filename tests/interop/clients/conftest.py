"""Clients made by others, unmodified, against the real server.

`make interop` installs them below build/clients by their lock files. A client is a program that
gets the server's address in its environment, prints a line for each step (``@`` and JSON: the
libraries print too), and exits with 0.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from first_config import ROOT

from tests.support.server_process import ServerProcess

CLIENTS = ROOT / "build/clients"
NODE_MODULES = CLIENTS / "node/node_modules"
PYTHON = CLIENTS / "python/bin/python"
ENVIRONMENT = {**os.environ, "NODE_PATH": str(NODE_MODULES)}
STEP_S = 20.0  # that a client may take for a step


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Missing clients skip on a desk and fail in CI."""
    if (NODE_MODULES.is_dir() and PYTHON.exists()) or os.environ.get("CI"):
        return
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            reason = "the clients are not installed; make interop installs them"
            item.add_marker(pytest.mark.skipif(True, reason=reason))


class Client:
    """A running client program."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._noise: list[str] = []

    async def step(self, name: str) -> Any:
        """Return what the client says of its next step, which must have this name."""
        async with asyncio.timeout(STEP_S):
            said = await self._read(name)
        assert said["step"] == name, said
        return said.get("value")

    async def _read(self, name: str) -> Any:
        assert self._process.stdout
        while line := (await self._process.stdout.readline()).decode():
            if line.startswith("@"):
                return json.loads(line[1:])
            self._noise.append(line)
        raise AssertionError(f"the client ended before {name}: {await self.errors()}")

    async def errors(self) -> str:
        """Return what it wrote that is no step, once it ended."""
        assert self._process.stderr
        return "".join(self._noise) + (await self._process.stderr.read()).decode()

    async def ended(self) -> None:
        """Wait for its end, which must be a good one."""
        errors = await asyncio.wait_for(self.errors(), STEP_S)
        assert await self._process.wait() == 0, errors


@asynccontextmanager
async def run(server: ServerProcess, *command: str | Path, **extra: str) -> AsyncIterator[Client]:
    """Run a client program; it must end by itself, and well."""
    user = "arion"
    environment = {
        "ARI_URL": server.access.ari_url,
        "ARI_USER": user,
        "ARI_PASSWORD": server.access.users[user],
        **extra,
    }
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**ENVIRONMENT, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        client = Client(process)
        yield client
        await client.ended()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def run_tool(*command: str | Path, seconds: float = 60, cwd: Path | None = None) -> str:
    """Run a program to its end, which must be a good one; return what it says."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=ENVIRONMENT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), seconds)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, output.decode()
    return output.decode()


Runner = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def client() -> Runner:
    """Runs a client program: ``client(server, "node", path)``."""
    return run


@pytest.fixture
def node_modules() -> Path:
    """Where the packages of npm are."""
    return NODE_MODULES


@pytest.fixture
def python() -> Path:
    """The interpreter that has the packages of PyPI."""
    return PYTHON
