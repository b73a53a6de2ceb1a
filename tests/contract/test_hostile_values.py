"""Every parameter and body member of every operation, with values that nobody should send.

The answer is success or a refusal that is documented, never a failure of ours; afterwards no call,
task or descriptor is left, and no file lies outside of its folder.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.node import NodeUnderTest, settle
from tests.support.scene import (
    ARI,
    BEFORE,
    as_text,
    operations,
    request_of,
    send,
    set_the_scene,
)
from tests.support.web import AUTH, Web, serve

# Percent-encoded texts, for paths, queries and forms.
TEXTS = {
    "nothing": "",
    "not UTF-8": "%FF%FE",
    "a cut UTF-8 sequence": "%C3",
    "NUL": "a%00b",
    "slashes": "%2F%2F",
    "the way up": "..%2F..%2Fetc%2Fpasswd",
    "a header of its own": "x%0D%0AX-Evil:%20y",
    "format directives": "%25n%25s%25n",
    "an expression": "%24%7BSHELL(id)%7D",
    "commas": ",,,,",
    "a huge integer": "9" * 60,
    "a negative integer": "-9223372036854775809",
    "not a number": "NaN",
    "right to left": "%E2%80%AE",
    "blanks": "%20%09%20",
}
LONG = "a" * 70_000
# JSON texts, for members of a body.
VALUES = {
    "null": "null",
    "true": "true",
    "zero": "0",
    "a huge integer": "9" * 60,
    "an integer of 64 bits": "18446744073709551615",
    "a number beyond all": "1e999",
    "a fraction": "0.1",
    "an empty text": '""',
    "NUL": r'"a\u0000b"',
    "half a character": r'"\ud800"',
    "a header of its own": r'"x\r\nX-Evil: y"',
    "the way up": '"../../etc/passwd"',
    "a long text": json.dumps(LONG),
    "an empty list": "[]",
    "a list of all sorts": '[1, null, {}, [], "x"]',
    "a long list": json.dumps(["x"] * 2000),
    "an empty object": "{}",
    "an object of all sorts": '{"": 1, "value": null, "a": {}, "b": [], "c": true}',
    "a name with NUL": r'{"a\u0000b": "x", "\n": "y"}',
    "a deep list": "[" * 900 + "]" * 900,
    "a list too deep": "[" * 100_000,
    "a deep object": '{"a":' * 900 + "1" + "}" * 900,
}
ALWAYS = {400, 404, 413, 414}  # a request that is none; what is below no known path; sizes

Probe = tuple[str, str, bytes, bytes]  # what is wrong, target, content type, body


class Connection:
    """One connection on which requests follow each other, as they are."""

    def __init__(self, web: Web) -> None:
        self._host, _, port = web.origin.partition(":")
        self._port = int(port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, target: str, kind: bytes, body: bytes) -> tuple[int, bytes]:
        """Return status and body of the answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        fields = {**AUTH, "Host": "x", "Content-Length": len(body)}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        content_type = b"Content-Type: %b\r\n" % kind if kind else b""
        line = f"{method} /ari{target} HTTP/1.1\r\n"
        writer.write(f"{line}{head}".encode() + content_type + b"\r\n" + body)
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        headers = dict(row.lower().split(b": ", 1) for row in answer.split(b"\r\n")[1:-2])
        content = await reader.readexactly(int(headers.get(b"content-length", 0)))
        assert b"x-evil" not in headers
        if headers.get(b"connection") == b"close":
            self.close()
        return int(answer[9:12]), content

    def close(self) -> None:
        """Close it; the next request opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def probes(operation_id: str) -> Iterator[Probe]:
    """Yield the documented request with one value after the other replaced."""
    described = operations()[operation_id]
    parameters, body = request_of(operation_id)
    kind, content = (b"application/json", json.dumps(body).encode()) if body else (b"", b"")
    for item in described.get("parameters", ()):
        if item["in"] == "header":
            continue
        name = item["name"]
        for what, text in TEXTS.items():
            yield f"{name}: {what}", target(described, parameters, {name: text}), kind, content
        if item["in"] == "query":
            rest = target(described, {k: v for k, v in parameters.items() if k != name}, {})
            form = f"{name}={LONG}".encode()
            yield f"{name}: long", rest, b"application/x-www-form-urlencoded", form
            for what, value in VALUES.items():
                yield (
                    f"{name}: {what}",
                    rest,
                    b"application/json",
                    f'{{"{name}": {value}}}'.encode(),
                )
    for name in body or ():
        for what, value in VALUES.items():
            plain = target(described, parameters, {})
            yield f"{name}: {what}", plain, b"application/json", f'{{"{name}": {value}}}'.encode()
    plain = target(described, parameters, {})
    for what, raw in (("no UTF-8", b'{"\xff": 1}'), ("no object", b"[1]"), ("cut", b'{"a"')):
        yield what, plain, b"application/json", raw
    yield "a strange coding", plain, b"text/\xff", b"\x00\xff"


def target(described: dict[str, Any], parameters: dict[str, Any], replaced: dict[str, str]) -> str:
    """Return path and query, with some values that are encoded already."""
    encoded = {name: quote(as_text(value), safe="") for name, value in parameters.items()}
    encoded |= replaced
    path: str = described["path"]
    query = []
    for name, value in encoded.items():
        if f"{{{name}}}" in path:
            path = path.replace(f"{{{name}}}", value)
        else:
            query.append(f"{name}={value}")
    return f"{path}?{'&'.join(query)}" if query else path


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    files = open_files()
    node = NodeUnderTest(recordings)
    await node.start()
    async with serve(node, ari=ARI) as made:
        await set_the_scene(node, recordings)
        yield made
        for bridge in list(node.bridges):
            node.bridges.destroy(bridge.id)
    await node.close()
    assert len(node.registry) == 0
    assert len(node.playbacks) == 0
    assert len(node.node.scope) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["recordings"]
    assert open_files() <= files


@pytest.mark.parametrize("operation_id", sorted(operations()))
async def test_the_answer_is_documented(web: Web, operation_id: str) -> None:
    described = operations()[operation_id]
    for step in BEFORE.get(operation_id, ()):
        if isinstance(step, str):
            await send(web, step)
        else:
            await step(web)
        await settle()
    documented = {int(code) for code in described["responses"] if code.isdigit()} | ALWAYS
    connection = Connection(web)
    problems = []
    for what, path, kind, body in probes(operation_id):
        status, answer = await connection.ask(described["method"].upper(), path, kind, body)
        if status not in documented or status >= 500:
            problems.append(f"{what}: {status} {answer[:200]!r}")
        elif status >= 400 and not json.loads(answer)["message"]:
            problems.append(f"{what}: {status} without a reason")
    connection.close()
    assert problems == []
