"""HTTP/3 of the real server: its answers, events over WebTransport, and the order of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.certificate import make_certificate
from tests.support.h3_client import TIMEOUT, H3Client, h3_client
from tests.support.server_process import ServerProcess, free_port

ROUNDS = 20
MIN_ANSWER = 100  # bytes; a datagram without an answer, only acknowledgements, is shorter


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server of the test's own."""
    made = ServerProcess(tmp_path / "var")
    yield made
    if made.process and made.process.returncode is None:
        await made.kill()


@pytest.fixture
async def client(server: ServerProcess, tmp_path: Path) -> AsyncIterator[H3Client]:
    """A client of the server, which is stopped in the end with the client connected."""
    certificate = make_certificate(tmp_path)
    address = ("127.0.0.1", free_port())
    with (server.var / "etc/http.conf").open("a", encoding="utf-8") as settings:
        settings.write(
            f"\ntlsenable = yes\ntlsbindaddr = {address[0]}:{address[1]}\n"
            f"tlscertfile = {certificate}\nhttp3 = yes\n"
        )
    await server.start()
    async with h3_client(address, certificate) as made:
        yield made
        assert await server.stop() == 0
        await asyncio.wait_for(made.ended, TIMEOUT)


async def test_the_answer_is_there_when_an_event_arrives(
    server: ServerProcess, client: H3Client
) -> None:
    key = f"api_key=arion:{server.access.users['arion']}"
    events = await server.connect_app("tests", subscribeAll="true")
    session = client.subscribe(f"app=other&{key}&subscribeAll=true", is_authenticated=False)
    await asyncio.wait_for(client.exchanges[session].headers_arrived.wait(), TIMEOUT)
    await server.post("/bridges/first")
    await events.wait_for("BridgeCreated")
    lines = await client.lines()
    assert (await client.read_line(lines))["type"] == "BridgeCreated"
    for number in range(ROUNDS):
        path = f"/bridges/b{number}?{key}"
        asked = client.begin("POST", path, is_complete=True, is_authenticated=False)
        await events.wait_for("BridgeCreated")
        has_answer = client.exchanges[asked].headers_arrived.is_set()
        assert has_answer or client.waiting_bytes() > MIN_ANSWER
        assert (await client.exchanges[asked].answer()).status == 200
        event = await client.read_line(lines)
        assert (event["type"], event["bridge"]["id"]) == ("BridgeCreated", f"b{number}")
    await events.close()
