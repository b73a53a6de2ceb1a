"""Compressed requests and responses."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from typing import Any

import pytest

from server.http.coding import MAX_AT_ONCE, MIN_SIZE, accepts_gzip, decode_body
from server.http.messages import MAX_BODY, Request
from tests.support.web import Web

SMALL = json.dumps({"variable": "X", "value": "1"}).encode()


def request(body: bytes, coding: bytes) -> Request:
    return Request("POST", "/", "", {b"content-encoding": coding}, body, "")


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"gzip", gzip.compress(SMALL)),
        (b"X-GZip", gzip.compress(SMALL)),
        (b"deflate", zlib.compress(SMALL)),
        (b"identity", SMALL),
        (b"", SMALL),
    ],
)
def test_bodies_are_decoded(coding: bytes, body: bytes) -> None:
    asked = request(body, coding)
    assert decode_body(asked) is None
    assert asked.body == SMALL


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        (b"br", SMALL, 415),
        (b"gzip, gzip", SMALL, 415),
        (b"gzip", SMALL, 400),
        (b"gzip", gzip.compress(SMALL)[:-4], 400),
        (b"gzip", gzip.compress(SMALL) + b"x", 400),
        (b"deflate", gzip.compress(SMALL), 400),
        (b"gzip", gzip.compress(bytes(MAX_BODY + 1)), 413),
        (b"gzip", gzip.compress(bytes(50_000_000)), 413),
    ],
)
def test_what_cannot_be_decoded_is_refused(coding: bytes, body: bytes, status: int) -> None:
    refusal = decode_body(request(body, coding))
    assert refusal is not None
    assert refusal.status == status


def test_mutants_are_refused_or_decoded() -> None:
    rng = random.Random(1)
    good = bytearray(gzip.compress(SMALL * 50))
    for _ in range(500):
        bad = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        refusal = decode_body(request(bytes(bad), b"gzip"))
        assert refusal is None or refusal.status in (400, 413)


@pytest.mark.parametrize(
    ("accepted", "is_taken"),
    [
        (b"gzip", True),
        (b"deflate, GZIP;q=0.5", True),
        (b"*", True),
        (b"gzip;q=0", False),
        (b"gzip; q=0.000, *", False),
        (b"*;q=0", False),
        (b"br", False),
        (b"", False),
        (b";;,=", False),
    ],
)
def test_the_clients_wish_counts(accepted: bytes, is_taken: bool) -> None:
    assert accepts_gzip(accepted) is is_taken


async def ask(web: Web, path: str, **headers: str) -> tuple[Any, bytes]:
    options: dict[str, Any] = {"headers": {**headers}, "auto_decompress": False}
    async with web.client.get(
        f"{web.url}{path}{'&' if '?' in path else '?'}api_key=ari:secret", **options
    ) as response:
        return response.headers, await response.read()


async def test_large_answers_are_compressed_on_request(web: Web) -> None:
    for number in range(400):
        web.node.bridges.create(bridge_id=f"bridge-{number}")
    plain_headers, plain = await ask(web, "/bridges", **{"Accept-Encoding": "identity"})
    assert len(plain) > MAX_AT_ONCE
    assert "Content-Encoding" not in plain_headers
    assert plain_headers["Vary"] == "Accept-Encoding"
    headers, body = await ask(web, "/bridges", **{"Accept-Encoding": "gzip"})
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body) == plain
    assert len(body) * 5 < len(plain)
    for number in range(400):
        web.node.bridges.destroy(f"bridge-{number}")


async def test_middling_answers_are_compressed_and_small_ones_are_not(web: Web) -> None:
    headers, body = await ask(web, "/openapi.json", **{"Accept-Encoding": "gzip"})
    assert headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(body))["openapi"].startswith("3.1")
    headers, body = await ask(web, "/asterisk/ping", **{"Accept-Encoding": "gzip"})
    assert len(body) < MIN_SIZE
    assert "Content-Encoding" not in headers


async def test_files_are_sent_as_they_are(web: Web) -> None:
    path = web.node.node.settings.recording_dir / "r.wav"
    path.write_bytes(bytes(5000))
    headers, body = await ask(web, "/recordings/stored/r/file", **{"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in headers
    assert body == bytes(5000)


async def test_a_compressed_request_is_understood(web: Web) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = await web.request(
        "POST", "/asterisk/variable", data=gzip.compress(SMALL), headers=headers
    )
    assert answer.status == 204
    assert web.node.dialplan.globals == {"X": "1"}
    answer = await web.request("POST", "/asterisk/variable", data=b"x", headers=headers)
    assert answer.status == 400
