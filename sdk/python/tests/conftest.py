"""A node of fakes behind the real HTTP server, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import arion
import pytest

from tests.support.node import NodeUnderTest
from tests.support.web import Web, serve


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    made = NodeUnderTest(tmp_path)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node) as made:
        yield made


@pytest.fixture
async def client(web: Web) -> AsyncIterator[arion.Client]:
    async with arion.Client(web.url, "ari", "secret") as made:
        yield made
