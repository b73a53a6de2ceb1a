"""A node per test, and the check that nothing of it is left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.dialplan import DialplanUnderTest
from tests.support.node import NodeUnderTest


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[NodeUnderTest]:
    made = NodeUnderTest(tmp_path)
    await made.start()
    yield made
    await made.close()
    assert len(made.registry) == 0
    assert len(made.node.scope) == 0


@pytest.fixture
async def dut(tmp_path: Path) -> AsyncIterator[DialplanUnderTest]:
    made = DialplanUnderTest(tmp_path)
    await made.start()
    yield made
    await made.close()
    assert len(made.under.registry) == 0
