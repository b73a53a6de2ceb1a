from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.ami import AmiUnderTest, Client


@pytest.fixture
async def ami(tmp_path: Path) -> AsyncIterator[AmiUnderTest]:
    under = AmiUnderTest(tmp_path)
    await under.start()
    yield under
    await under.close()


@pytest.fixture
async def client(ami: AmiUnderTest) -> Client:
    return await ami.client()
