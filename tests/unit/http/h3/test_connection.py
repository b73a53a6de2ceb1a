"""REST over HTTP/3: the same answers as over HTTP/1.1, limits, time, the end."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import random
import socket
from contextlib import suppress
from pathlib import Path

import pytest
from aioquic.h3.connection import ErrorCode

from server.http.connection import MAX_HEADERS
from server.http.h3.connection import MAX_SECTION
from server.http.messages import MAX_BODY, MAX_TARGET
from tests.support.h3_client import TIMEOUT, H3Client, h3_client
from tests.support.node import Collector, NodeUnderTest, settle
from tests.support.web import Web

JSON = (b"content-type", b"application/json")


async def test_a_request_is_answered(client: H3Client, web: Web) -> None:
    made = await client.request("POST", "/bridges?bridgeId=b&name=x")
    assert made.status == 200
    assert made.json["id"] == "b"
    assert made.headers["content-type"] == "application/json"
    assert made.headers["content-length"] == str(len(made.body))
    over_tcp = await web.request("GET", "/bridges/b")
    over_quic = await client.request("GET", "/bridges/b")
    assert over_quic.body == over_tcp.body
    gone = await client.request("DELETE", "/bridges/b")
    assert (gone.status, gone.body) == (204, b"")
    assert "content-length" not in gone.headers


async def test_bodies_arrive(client: H3Client) -> None:
    body = json.dumps({"bridgeId": "b", "name": "x" * 5_000}).encode()
    made = await client.request("POST", "/bridges", body, [JSON])
    assert made.json["name"] == "x" * 5_000
    await client.request("DELETE", "/bridges/b")


async def test_refusals_are_as_over_http_1(client: H3Client) -> None:
    assert (await client.request("GET", "/channels", is_authenticated=False)).status == 401
    assert (await client.request("GET", "/nothing")).status == 404
    assert (await client.request("PUT", "/channels")).status == 405
    assert (await client.request("GET", "/events?app=test")).status == 400
    assert (await client.request("CONNECT", "/channels")).status == 501


async def test_head_has_no_body(client: H3Client) -> None:
    answer = await client.request("HEAD", "/channels")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == "2"


async def test_large_answers_are_compressed_for_who_wants_that(client: H3Client) -> None:
    for number in range(20):
        await client.request("POST", f"/bridges?bridgeId=b{number}")
    plain = await client.request("GET", "/bridges")
    assert len(plain.json) == 20
    packed = await client.request("GET", "/bridges", fields=[(b"accept-encoding", b"gzip")])
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    for number in range(20):
        await client.request("DELETE", f"/bridges/b{number}")


async def test_files_are_sent_whole_and_in_part(client: H3Client, tmp_path: Path) -> None:
    content = bytes(range(256)) * 8_192  # two megabytes: more than all windows
    (tmp_path / "long.wav").write_bytes(content)
    (tmp_path / "empty.wav").write_bytes(b"")
    path = "/recordings/stored/long/file"
    assert (await client.request("GET", path)).body == content
    part = await client.request("GET", path, fields=[(b"range", b"bytes=10-19")])
    assert (part.status, part.body) == (206, content[10:20])
    head = await client.request("HEAD", path)
    assert (head.headers["content-length"], head.body) == (str(len(content)), b"")
    assert (await client.request("GET", "/recordings/stored/empty/file")).body == b""


async def test_requests_do_not_wait_for_each_other(client: H3Client) -> None:
    slow = client.begin("POST", "/bridges")
    assert (await client.request("GET", "/channels")).status == 200
    client.send(slow, b"", is_last=True)
    made = await client.exchanges[slow].answer()
    assert made.status == 200
    await client.request("DELETE", f"/bridges/{made.json['id']}")


async def test_many_requests_at_once_are_all_answered(client: H3Client) -> None:
    """More than the streams that there may be at a time."""
    asked = [client.request("GET", "/channels") for _ in range(300)]
    assert {answer.status for answer in await asyncio.gather(*asked)} == {200}


async def test_continue_is_said_to_who_waits_for_it(client: H3Client) -> None:
    stream = client.begin("POST", "/bridges", [(b"expect", b"100-continue"), JSON])
    await asyncio.wait_for(client.ping(), TIMEOUT)
    assert client.exchanges[stream].interim == [100]
    client.send(stream, b'{"bridgeId": "b"}', is_last=True)
    assert (await client.exchanges[stream].answer()).json["id"] == "b"
    await client.request("DELETE", "/bridges/b")


async def test_what_is_too_large_is_refused(client: H3Client) -> None:
    long = await client.request("GET", "/" + "x" * MAX_TARGET)
    assert long.status == 414
    wide = await client.request("GET", "/channels", fields=[(b"x", b"y")] * 200)
    assert wide.status == 431
    announced = (b"content-length", str(MAX_BODY + 1).encode())
    stream = client.begin("POST", "/bridges", [announced])
    assert (await client.exchanges[stream].answer()).status == 413
    stream = client.begin("POST", "/bridges", [JSON])
    client.send(stream, b" " * (MAX_BODY + 1))
    assert (await client.exchanges[stream].answer()).status == 413
    assert (await client.request("GET", "/channels")).status == 200


async def test_endless_headers_end_the_connection(client: H3Client) -> None:
    assert MAX_SECTION > MAX_HEADERS
    stream = client.quic.get_next_available_stream_id()
    client.quic.send_stream_data(stream, b"\x01\xc0\x00\x00\x00\x10\x00\x00\x00")
    client.quic.send_stream_data(stream, b"x" * (MAX_SECTION + 1))
    client.transmit()
    ended = await asyncio.wait_for(client.ended, TIMEOUT)
    assert ended.error_code == ErrorCode.H3_EXCESSIVE_LOAD


async def test_a_request_that_does_not_arrive_is_refused(impatient: Web, certificate: Path) -> None:
    async with h3_client(impatient.http.bound_addresses()[1], certificate) as client:
        stream = client.begin("POST", "/bridges")
        assert (await client.exchanges[stream].answer()).status == 408


async def test_an_idle_connection_ends(impatient: Web, certificate: Path) -> None:
    async with h3_client(impatient.http.bound_addresses()[1], certificate) as client:
        await client.request("GET", "/channels")
        ended = await asyncio.wait_for(client.ended, TIMEOUT)
        assert ended.error_code == ErrorCode.H3_NO_ERROR
        assert impatient.http.session_count == 0


async def test_who_does_not_take_a_file_is_given_up(
    impatient: Web, certificate: Path, tmp_path: Path
) -> None:
    (tmp_path / "long.wav").write_bytes(bytes(2_000_000))
    async with h3_client(impatient.http.bound_addresses()[1], certificate) as client:
        await client.request("GET", "/channels")
        take, client.datagram_received = client.datagram_received, ignore  # type: ignore[method-assign]
        client.begin("GET", "/recordings/stored/long/file", is_complete=True)
        async with asyncio.timeout(TIMEOUT):
            while not len(impatient.http.scope):
                await asyncio.sleep(0.01)
            while len(impatient.http.scope):
                client.quic.send_ping(1)  # it is there, but acknowledges nothing
                client.transmit()
                await asyncio.sleep(0.05)
        assert impatient.http.session_count == 1
        client.datagram_received = take  # type: ignore[method-assign]


def ignore(data: bytes | str, addr: object) -> None:
    """Take a datagram, and do nothing."""


class Witness(Collector):
    """Looks, at each event, whether the reply is at the client already."""

    def __init__(self, client: H3Client) -> None:
        super().__init__()
        self.client = client
        self.asked = 0
        self.was_answered: list[bool] = []

    def deliver(self, frame: bytes) -> None:
        super().deliver(frame)
        is_known = self.client.exchanges[self.asked].headers_arrived.is_set()
        self.was_answered.append(is_known or self.client.waiting_bytes() > 100)


async def test_the_reply_is_sent_before_the_events(node: NodeUnderTest, client: H3Client) -> None:
    witness = Witness(client)
    node.applications.register(["test"], witness, subscribe_all=True)
    await client.request("GET", "/channels")
    for number in range(10):
        for method, path in (
            ("POST", f"/bridges?bridgeId=b{number}"),
            ("DELETE", f"/bridges/b{number}"),
        ):
            witness.asked = client.begin(method, path, is_complete=True)
            await client.exchanges[witness.asked].answer()
            await settle()
    assert witness.was_answered == [True] * 20


async def test_garbage_ends_connections_and_nothing_else(
    web: Web, certificate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chance = random.Random(3)
    address = web.http.bound_addresses()[1]
    with socket.socket(type=socket.SOCK_DGRAM) as stranger:
        for size in range(1, 1_500, 10):
            stranger.sendto(chance.randbytes(size), address)
    for number in range(15):
        async with h3_client(address, certificate) as client:
            session = client.subscribe("app=test")
            for is_unidirectional in (False, True, False):
                stream = client.quic.get_next_available_stream_id(
                    is_unidirectional=is_unidirectional
                )
                kind = bytes([chance.choice([0, 1, 2, 3, 0x54, 0x41])])
                client.quic.send_stream_data(stream, kind + chance.randbytes(200), number % 2 == 0)
            client.quic.send_stream_data(session, chance.randbytes(50))
            client.quic.send_datagram_frame(chance.randbytes(20))
            client.transmit()
            with suppress(ConnectionError, TimeoutError):
                await asyncio.wait_for(client.ping(), 0.5)
    async with h3_client(address, certificate) as client:
        assert (await client.request("GET", "/channels")).status == 200
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
