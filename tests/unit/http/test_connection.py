"""HTTP/1.1 on the wire: limits, pipelining, broken input."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
from pathlib import Path

import pytest

from server.config.sections.http import Http
from server.http.connection import MAX_BODY, MAX_HEADERS, MAX_TARGET, Connection
from tests.support.node import NodeUnderTest
from tests.support.web import AUTH, Web, serve

AUTHORIZATION = f"Authorization: {AUTH['Authorization']}\r\n".encode()
PING = b"GET /ari/asterisk/ping HTTP/1.1\r\nHost: x\r\n" + AUTHORIZATION
LAST = b"Connection: close\r\n"


def statuses(received: bytes) -> list[int]:
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


async def test_pipelined_requests_are_answered_in_order(web: Web) -> None:
    listing = PING.replace(b"/asterisk/ping", b"/recordings/stored")  # answered by a coroutine
    received = await web.raw(listing + b"\r\n" + PING + b"\r\n" + listing + LAST + b"\r\n")
    assert statuses(received) == [200, 200, 200]
    assert received.index(b"[]") < received.index(b"pong") < received.rindex(b"[]")


async def test_many_pipelined_requests_are_all_answered(web: Web) -> None:
    received = await web.raw((PING + b"\r\n") * 500 + PING + LAST + b"\r\n")
    assert statuses(received) == [200] * 501


async def test_http_1_0_closes(web: Web) -> None:
    received = await web.raw(PING.replace(b"1.1", b"1.0") + b"\r\n")
    assert b"Connection: close" in received


async def test_a_connection_leaves_no_cycle_behind(web: Web) -> None:
    gc.collect()
    gc.disable()
    try:
        await web.raw(PING + LAST + b"\r\n")
        async with asyncio.timeout(5):
            while web.http.session_count:
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        left = [thing for thing in gc.get_objects() if isinstance(thing, Connection)]
    finally:
        gc.enable()
    assert left == []


async def test_bytes_may_come_one_by_one(web: Web) -> None:
    host, _, port = web.origin.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for position in range(len(PING)):
        writer.write(PING[position : position + 1])
        await asyncio.sleep(0)
    writer.write(LAST + b"\r\n")
    assert statuses(await reader.read()) == [200]
    writer.close()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET /" + b"a" * MAX_TARGET + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * MAX_HEADERS + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 404),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: y\r\n" % i for i in range(200)) + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1), 413),
        (
            b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
    ],
)
async def test_bad_requests_are_refused(web: Web, data: bytes, status: int) -> None:
    received = await web.raw(data + (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"))
    assert statuses(received)[0] == status


async def test_a_chunked_body_is_read_and_limited(web: Web) -> None:
    head = PING.replace(b"GET", b"POST").replace(b"asterisk/ping", b"asterisk/variable")
    head += b"Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n" + LAST + b"\r\n"
    body = b'{"variable":"A","value":"1"}'
    received = await web.raw(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    assert statuses(received) == [204]
    assert web.node.dialplan.globals["A"] == "1"
    huge = b"%x\r\n%b\r\n" % (65_536, b"x" * 65_536)
    assert statuses(await web.raw(head + huge * 5)) == [413]


async def test_expect_continue(web: Web) -> None:
    head = PING.replace(b"GET", b"POST").replace(b"asterisk/ping", b"bridges")
    received = await web.raw(head + b"Expect: 100-continue\r\n" + LAST + b"\r\n")
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


async def test_upgrades_to_other_protocols_are_ignored(web: Web) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
    received = await web.raw(PING + upgrade + PING + LAST + b"\r\n")
    assert statuses(received) == [200, 200]


async def test_absolute_targets(web: Web) -> None:
    data = PING.replace(b"GET /ari", b"GET http://x/ari") + LAST + b"\r\n"
    assert statuses(await web.raw(data)) == [200]


async def test_idle_connections_are_closed(node: NodeUnderTest) -> None:
    settings = Http(enabled=True, bindport=0, session_inactivity=30, session_keep_alive=30)
    async with serve(node, settings) as web:
        assert await web.raw(b"") == b""
        assert statuses(await web.raw(PING + b"\r\n")) == [200]


async def test_who_sends_slowly_is_told_so(node: NodeUnderTest) -> None:
    settings = Http(enabled=True, bindport=0, session_inactivity=30, session_keep_alive=30)
    async with serve(node, settings) as web:
        for part in (b"GET / HTTP/1.1\r\nHost:", PING + b"Content-Length: 9\r\n\r\nhalf"):
            received = await web.raw(part)
            assert statuses(received) == [408]
            assert b"Connection: close" in received


async def test_dripping_does_not_prolong_the_time_for_a_request(node: NodeUnderTest) -> None:
    settings = Http(enabled=True, bindport=0, session_inactivity=60, session_keep_alive=30)
    async with serve(node, settings) as web:
        host, _, port = web.origin.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /")
        reading = asyncio.ensure_future(reader.read())
        while not reading.done():
            writer.write(b"x")
            await asyncio.sleep(0.005)
        assert statuses(reading.result()) == [408]
        writer.close()


async def test_who_does_not_take_a_file_is_cut_off(node: NodeUnderTest, tmp_path: Path) -> None:
    settings = Http(enabled=True, bindport=0, session_inactivity=100)
    with (tmp_path / "long.wav").open("wb") as file:
        file.truncate(50_000_000)
    async with serve(node, settings) as web:
        host, _, port = web.origin.partition(":")
        _reader, writer = await asyncio.open_connection(host, int(port), limit=1000)
        path = b"/recordings/stored/long/file"
        writer.write(PING.replace(b"/asterisk/ping", path) + b"\r\n")
        async with asyncio.timeout(5):
            while web.http.session_count == 0 or len(web.http.scope) == 0:
                await asyncio.sleep(0.002)
            while web.http.session_count:
                await asyncio.sleep(0.01)
        writer.close()


async def test_no_keep_alive_closes_after_each_response(node: NodeUnderTest) -> None:
    settings = Http(enabled=True, bindport=0, session_keep_alive=0)
    async with serve(node, settings) as web:
        assert statuses(await web.raw((PING + b"\r\n") * 2)) == [200]


async def test_sessions_beyond_the_limit_are_refused(node: NodeUnderTest) -> None:
    async with serve(node, Http(enabled=True, bindport=0, sessionlimit=1)) as web:
        assert (await web.request("GET", "/channels")).status == 200
        with contextlib.suppress(ConnectionResetError):
            assert await web.raw(PING + b"\r\n") == b""
        assert web.http.counters.refused_connections == 1


async def test_a_large_file_is_sent_whole_and_in_parts(web: Web, tmp_path: Path) -> None:
    content = random.Random(1).randbytes(3_000_000)
    (tmp_path / "long.wav").write_bytes(content)
    whole = await web.request("GET", "/recordings/stored/long/file")
    assert whole.body == content
    assert whole.headers["Accept-Ranges"] == "bytes"
    headers = {"Range": "bytes=1000-2000999"}
    part = await web.request("GET", "/recordings/stored/long/file", headers=headers)
    assert (part.status, part.body) == (206, content[1000:2_001_000])
    head = await web.request("HEAD", "/recordings/stored/long/file")
    assert (head.headers["Content-Length"], head.body) == ("3000000", b"")


async def test_a_client_that_leaves_during_a_download_harms_nothing(
    web: Web, tmp_path: Path
) -> None:
    (tmp_path / "long.wav").write_bytes(bytes(20_000_000))
    host, _, port = web.origin.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    request = PING.replace(b"asterisk/ping", b"recordings/stored/long/file")
    writer.write(request + b"\r\n")
    await reader.readexactly(1000)
    writer.transport.abort()
    assert (await web.request("GET", "/channels")).status == 200


async def test_broken_input_never_harms_others(web: Web) -> None:
    generator = random.Random(7)
    for _ in range(60):
        data = bytearray(PING + b"Content-Length: 4\r\n\r\nabcd" + PING + LAST + b"\r\n")
        for _ in range(generator.randrange(1, 6)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        host, _, port = web.origin.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(data)
        writer.write_eof()
        with contextlib.suppress(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert (await web.request("GET", "/channels")).status == 200
