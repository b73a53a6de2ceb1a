"""A node per test, and the check that nothing of it is left."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.databases import Servers, all_servers
from tests.support.node import NodeUnderTest


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    made = NodeUnderTest(tmp_path)
    await made.start()
    yield made
    await made.close()
    assert len(made.registry) == 0
    assert len(made.playbacks) == 0
    assert len(made.node.scope) == 0


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """PostgreSQL and MariaDB, for all tests that need them."""
    with all_servers() as made:
        yield made
