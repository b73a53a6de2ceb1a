"""Events over WebTransport: the same events, requests on the same stream, how sessions end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aioquic.h3.connection import ErrorCode

from server.http.h3.webtransport import close_capsule
from server.http.websocket import MAX_QUEUED_BYTES, SLOW_CONSUMER
from tests.support.h3_client import TIMEOUT, H3Client, h3_client
from tests.support.node import NodeUnderTest, settle
from tests.support.web import Web, validate_event

QUERY = "app=test&subscribeAll=true"


def ask(number: int, method: str, uri: str) -> dict[str, str]:
    request_id = str(number)
    return {
        "type": "RESTRequest",
        "transaction_id": "t",
        "request_id": request_id,
        "method": method,
        "uri": uri,
    }


async def open_session(
    client: H3Client, node: NodeUnderTest, query: str = QUERY
) -> tuple[int, int]:
    """Open a session, and return the streams of its CONNECT and of its lines."""
    session = client.subscribe(query)
    await asyncio.wait_for(client.exchanges[session].headers_arrived.wait(), TIMEOUT)
    assert client.exchanges[session].fields[":status"] == "200"
    node.bridges.create(bridge_id="first")
    lines = await client.lines()
    assert (await client.read_line(lines))["type"] == "BridgeCreated"
    node.bridges.destroy("first")
    assert (await client.read_line(lines))["type"] == "BridgeDestroyed"
    return session, lines


async def test_events_arrive_as_over_a_websocket(
    node: NodeUnderTest, web: Web, client: H3Client
) -> None:
    _, lines = await open_session(client, node)
    other = node.connect("other", subscribe_all=True)
    channel = await node.call()
    for _ in range(3):
        event = await client.read_line(lines)
        validate_event(event)
        assert event["application"] == "test"
    assert web.http.websocket_count == 1
    assert other.types
    channel.hangup()


async def test_requests_are_answered_before_their_events(
    node: NodeUnderTest, client: H3Client
) -> None:
    _, lines = await open_session(client, node)
    for number in range(20):
        client.write_line(lines, ask(number, "POST", f"bridges?bridgeId=b{number}"))
    for number in range(20):
        client.write_line(lines, ask(number, "DELETE", f"/ari/bridges/b{number}"))
    seen = [await client.read_line(lines) for _ in range(80)]
    for kind, status in ("BridgeCreated", 200), ("BridgeDestroyed", 204):
        for number in range(20):
            answer = next(
                index
                for index, message in enumerate(seen)
                if message["type"] == "RESTResponse"
                and message["request_id"] == str(number)
                and message["status_code"] == status
            )
            event = next(
                index
                for index, message in enumerate(seen)
                if message["type"] == kind and message["bridge"]["id"] == f"b{number}"
            )
            assert answer < event


async def test_who_may_not_have_events_is_refused(client: H3Client) -> None:
    stranger = client.subscribe(QUERY, is_authenticated=False)
    assert (await client.exchanges[stranger].answer()).status == 401
    nameless = client.subscribe("app=")
    assert (await client.exchanges[nameless].answer()).status == 400
    assert (await client.request("GET", "/channels")).status == 200


async def test_a_session_ends_with_its_stream(
    node: NodeUnderTest, web: Web, client: H3Client
) -> None:
    session, lines = await open_session(client, node)
    client.send(session, b"", is_last=True)
    await client.exchanges[session].answer()
    assert web.http.websocket_count == 0
    with pytest.raises((RuntimeError, ValueError)):  # we asked the client to stop
        client.write_line(lines, ask(1, "GET", "channels"))
    assert (await client.request("GET", "/channels")).status == 200


async def test_a_session_that_is_reset_ends(
    node: NodeUnderTest, web: Web, client: H3Client
) -> None:
    session, _ = await open_session(client, node)
    client.quic.reset_stream(session, ErrorCode.H3_REQUEST_CANCELLED)
    client.transmit()
    await client.exchanges[session].ended.wait()
    assert web.http.websocket_count == 0


async def test_the_operator_can_end_a_session(
    node: NodeUnderTest, web: Web, client: H3Client
) -> None:
    session, _ = await open_session(client, node)
    (found,) = web.http.sessions
    found.close(1000, "closed by the operator")
    answer = await client.exchanges[session].answer()
    assert answer.body == close_capsule(1000, "closed by the operator")
    assert web.http.websocket_count == 0


async def test_a_client_that_takes_nothing_is_disconnected(
    node: NodeUnderTest, web: Web, client: H3Client
) -> None:
    """It can take nothing, since the loop is not left here."""
    session, _ = await open_session(client, node)
    (found,) = web.http.sessions
    for _ in range(2 * MAX_QUEUED_BYTES // 100_000):
        found.deliver(b'"%b"' % (b"x" * 100_000))
    assert web.http.counters.slow_consumers == 1
    assert web.http.websocket_count == 0
    reason = "too slow: events were queued beyond the limit"
    answer = await client.exchanges[session].answer()
    assert answer.body == close_capsule(SLOW_CONSUMER, reason)
    assert (await client.request("GET", "/channels")).status == 200


async def test_a_silent_session_lives_and_a_lost_one_ends(
    node: NodeUnderTest, impatient: Web, certificate: Path
) -> None:
    async with h3_client(impatient.http.bound_addresses()[1], certificate) as client:
        _, lines = await open_session(client, node)
        await asyncio.sleep(0.6)  # thrice the time after which an idle connection ends
        node.bridges.create(bridge_id="b")
        assert (await client.read_line(lines))["type"] == "BridgeCreated"
        node.bridges.destroy("b")
        assert (await client.read_line(lines))["type"] == "BridgeDestroyed"
    await settle()
    assert impatient.http.websocket_count == 0


async def test_the_end_of_the_server_is_told(
    node: NodeUnderTest, web: Web, client: H3Client
) -> None:
    session, _ = await open_session(client, node)
    await web.http.close()
    await asyncio.wait_for(client.ended, TIMEOUT)
    assert client.exchanges[session].body == close_capsule(1001, "server is stopping")
