"""A database in memory, without SQL."""

from __future__ import annotations

import pytest

from tests.support.families import Families


@pytest.fixture
def families() -> Families:
    return Families()
