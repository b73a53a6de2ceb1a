"""A node whose channels are counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.metrics.figures import CallFigures
from tests.support.node import NodeUnderTest


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    made = NodeUnderTest(tmp_path)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def figures(node: NodeUnderTest) -> CallFigures:
    made = CallFigures()
    node.registry.observers.append(made)
    return made
