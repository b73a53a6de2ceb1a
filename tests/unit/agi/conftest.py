"""A call whose dialplan runs a script that the test plays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.agi import AgiUnderTest


@pytest.fixture
async def agi(tmp_path: Path) -> AsyncIterator[AgiUnderTest]:
    made = AgiUnderTest(tmp_path)
    await made.start()
    yield made
    await made.script.end()
    await made.close()
    assert len(made.under.registry) == 0
    assert len(made.under.node.scope) == 0
