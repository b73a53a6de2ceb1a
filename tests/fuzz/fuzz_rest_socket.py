"""Invariant: whatever text comes over an event consumer's WebSocket, it gets one RESTResponse that
fits its schema, in order, with the ids that were sent; nothing is raised.

Run as ``python -m tests.fuzz.fuzz_rest_socket [seconds]``.
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import cache

import orjson
from jsonschema import Draft202012Validator

from server.http.rest_socket import Caller, RestSocket
from tests.fuzz.fuzz_http import FakeHost, make_host
from tests.fuzz.mutation import run
from tests.support.web import document

CALLER = Caller("fuzz", "192.0.2.1", 4000, ["a"])
HEAD = b'{"type":"RESTRequest","transaction_id":"t","request_id":"r",'
CORPUS = [
    HEAD + b'"method":"GET","uri":"channels?app=a&timeout=5"}',
    HEAD + b'"method":"POST","uri":"/slow","query_strings":[{"name":"app","value":"x"}]}',
    HEAD + b'"method":"PUT","uri":"x","content_type":"application/json","message_body":"{}"}',
    HEAD + b'"method":"PUT","uri":"ws","content_type":"application/x-www-form-urlencoded",'
    b'"message_body":"timeout=1"}',
    b'{"type":"RESTRequest","transaction_id":"\\u00fc\\ud83d\\ude00","method":"GET","uri":"/ari/x#"}',
]
TOKENS = [b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\\u0000", b"\\ud800", b"\xff", b"\0"]
TOKENS += [b"null", b"7", b"1e999", b'"request_id":', b'"uri":""', b"?", b"%zz", b"[" * 2000]


class FakeWire:
    """Collects what is sent."""

    is_writable = True

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def deliver(self, frame: bytes) -> None:
        self.sent.append(frame)

    def set_reading(self, is_reading: bool) -> None: ...


async def exercise_once(host: FakeHost, data: bytes) -> None:
    """Send a mutant between two good requests."""
    wire = FakeWire()
    socket = RestSocket(host, CALLER, wire)
    for message in (CORPUS[1], data, CORPUS[0]):
        socket.message_received(message)
    while len(host.scope):
        await asyncio.sleep(0)
    first, answer, last = (json.loads(message) for message in wire.sent)
    assert (first["uri"], last["uri"]) == ("/slow", "channels?app=a&timeout=5")
    validator().validate(answer)
    sent = _sent(data)
    for name in ("transaction_id", "request_id", "uri"):
        value = sent.get(name, "")
        assert answer[name] == (value if isinstance(value, str) else ""), name


@cache
def validator() -> Draft202012Validator:
    """Return the schema of RESTResponse."""
    schema = {"$ref": "#/components/schemas/RESTResponse", "components": document()["components"]}
    return Draft202012Validator(schema)


def _sent(data: bytes) -> dict[str, object]:
    try:
        sent = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return sent if isinstance(sent, dict) else {}


def main(seconds: float, seed: int = 0) -> int:
    """Fuzz for some seconds; returns the number of inputs."""
    with asyncio.Runner() as runner:
        host = runner.run(make_host())
        try:
            return run(
                seconds, lambda data: runner.run(exercise_once(host, data)), CORPUS, TOKENS, seed
            )
        finally:
            host.executor.shutdown()


if __name__ == "__main__":
    print(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))
