"""A server that speaks HTTP/3, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from server.config.sections.http import Http
from server.config.types import SocketAddress
from tests.support.h3_client import H3Client, h3_client
from tests.support.node import NodeUnderTest
from tests.support.web import Web, serve


@pytest.fixture
def settings(certificate: Path) -> Http:
    return Http(
        enabled=True,
        bindport=0,
        tlsenable=True,
        tlsbindaddr=SocketAddress("127.0.0.1", 0),
        tlscertfile=str(certificate),
        http3=True,
    )


@pytest.fixture
async def web(node: NodeUnderTest, settings: Http) -> AsyncIterator[Web]:
    async with serve(node, settings) as made:
        yield made


@pytest.fixture
async def impatient(node: NodeUnderTest, settings: Http) -> AsyncIterator[Web]:
    """Return a server that waits for nobody longer than 200 ms."""
    hasty = replace(settings, session_inactivity=200, session_keep_alive=200)
    async with serve(node, hasty) as made:
        yield made


@pytest.fixture
async def client(web: Web, certificate: Path) -> AsyncIterator[H3Client]:
    async with h3_client(web.http.bound_addresses()[1], certificate) as made:
        yield made
