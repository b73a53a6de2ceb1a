"""A node with a dialplan per test, and the check that nothing of it is left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.dialplan import DialplanUnderTest


@pytest.fixture
async def dut(tmp_path: Path) -> AsyncIterator[DialplanUnderTest]:
    made = DialplanUnderTest(tmp_path)
    await made.start()
    yield made
    await made.close()
    assert len(made.under.registry) == 0
    assert len(made.under.node.scope) == 0
