"""One server for the tests of all example applications."""

from __future__ import annotations

import pytest
from arion.testing import ServerConfig
from arion.testing.plugin import *  # noqa: F403 - pytest_plugins is for the topmost conftest.py

PROMPTS = (
    "hello-world",
    "pbx-invalid",
    "vm-advopts",
    "vm-changeto",
    "vm-goodbye",
    "vm-instructions",
    "vm-nobodyavail",
    "vm-options",
)


@pytest.fixture(scope="session")
def arion_config() -> ServerConfig:
    """What can be dialled, and the prompts that are played."""
    return ServerConfig(dialplan={"1100": "Stasis(ivr)"}, prompts=PROMPTS)
