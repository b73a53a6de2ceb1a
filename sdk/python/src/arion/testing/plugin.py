"""Fixtures for pytest. In the topmost conftest.py::

    pytest_plugins = ["arion.testing.plugin"]

    @pytest.fixture(scope="session")
    def arion_config() -> ServerConfig:
        return ServerConfig(dialplan={"1000": "Stasis(hello)"}, prompts=["hello-world"])

or, in one further down, import the fixtures by name. Needs pytest and pytest-asyncio:
``pip install arion[testing]``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

import arion
from arion.testing.apps import running
from arion.testing.phone import Phone
from arion.testing.server import Server, ServerConfig

__all__ = [
    "arion_client",
    "arion_config",
    "arion_server",
    "phone",
    "pytest_runtest_makereport",
    "run_app",
]

LOG_TAIL = 4000  # characters of the server's log that a failed test shows

PhoneMaker = Callable[[str], Awaitable[Phone]]
AppRunner = Callable[[str, arion.CallHandler], Awaitable[arion.Client]]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Show the end of the server's log with a failed test."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    server = getattr(item, "funcargs", {}).get("arion_server")
    if report.failed and isinstance(server, Server):
        report.sections.append(("server log", server.log[-LOG_TAIL:]))


@pytest.fixture(scope="session")
def arion_config() -> ServerConfig:
    """What the server is like; define it anew where that does not fit."""
    return ServerConfig()


@pytest.fixture(scope="session")
def arion_server(
    arion_config: ServerConfig, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server for all tests of the session."""
    with Server(arion_config, tmp_path_factory.mktemp("arion")) as server:
        yield server


@pytest_asyncio.fixture
async def arion_client(arion_server: Server) -> AsyncIterator[arion.Client]:
    """A client of the server."""
    async with arion_server.client() as client:
        yield client


@pytest_asyncio.fixture
async def phone(arion_server: Server) -> AsyncIterator[PhoneMaker]:
    """Makes phones: ``alice = await phone("alice")``; they hang up when the test ends."""
    async with AsyncExitStack() as stack:

        async def make(name: str) -> Phone:
            return await stack.enter_async_context(arion_server.phone(name))

        yield make


@pytest_asyncio.fixture
async def run_app(arion_server: Server) -> AsyncIterator[AppRunner]:
    """Runs applications until the test ends: ``client = await run_app("hello", handler)``."""
    async with AsyncExitStack() as stack:

        async def run(app: str, handler: arion.CallHandler) -> arion.Client:
            return await stack.enter_async_context(running(arion_server, app, handler))

        yield run
