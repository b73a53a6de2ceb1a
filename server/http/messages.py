"""HTTP requests and responses as the interface sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

import orjson

JSON = b"application/json"
YAML = b"application/yaml"  # RFC 9512
PARTIAL_JSON = b"application/vnd.arion.partial+json"  # objects cut to the members asked for
FORM = b"application/x-www-form-urlencoded"
MAX_TARGET = 16_384  # bytes of path and query
MAX_BODY = 262_144  # bytes
NO_STORE = b"no-cache, no-store"
MAX_PAIRS = 1000  # of a query string or form

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


@dataclass(slots=True)
class Request:
    """A request, complete with its body.

    :param method: such as ``GET``.
    :param path: still percent-encoded, without the query.
    :param query: still percent-encoded.
    :param headers: by lower-case name; of a repeated header the values are joined by commas.
    :param peer: IP address of the client.
    :param scheme: ``https`` if it came over TLS.
    """

    method: str
    path: str
    query: str
    headers: Mapping[bytes, bytes]
    body: bytes
    peer: str
    peer_port: int = 0
    scheme: str = "http"

    def header(self, name: bytes) -> str:
        """Return a header as text, or an empty string."""
        return self.headers.get(name, b"").decode("latin-1")


@dataclass(slots=True)
class Response:
    """An answer.

    :param file: sent as the body instead of *body*: its path, the first byte and the length.
    :param is_closing: whether the connection ends after it.
    :param cache_control: what caches may do with it.
    """

    status: int
    body: bytes = b""
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    file: FileRange | None = None
    is_closing: bool = False
    cache_control: bytes = NO_STORE


@dataclass(frozen=True, slots=True)
class FileRange:
    """A part of a file."""

    path: Path
    offset: int
    length: int


def error(status: int, message: str, *headers: tuple[bytes, bytes]) -> Response:
    """Return a response that says what is wrong, as ARI's ``{"message": …}``."""
    return Response(status, orjson.dumps({"message": message}), headers=headers)


def parse_pairs(text: str) -> list[tuple[str, str]]:
    """Split a query string or form into decoded names and values, in order.

    :raises ValueError: there are more than :data:`MAX_PAIRS`.
    """
    if not text:
        return []
    items = text.split("&")
    if len(items) > MAX_PAIRS:
        raise ValueError(f"more than {MAX_PAIRS} parameters")
    pairs = []
    for item in items:
        if item:
            name, _, value = item.partition("=")
            pairs.append((decode_component(name), decode_component(value)))
    return pairs


def decode_component(text: str) -> str:
    """Undo percent-encoding and ``+`` for a space; what is no UTF-8 becomes U+FFFD."""
    if "%" not in text and "+" not in text and text.isascii():
        return text
    raw = unquote_to_bytes(text.replace("+", " "))
    return raw.decode("utf-8", "replace")


def next_link(request: Request, after: str) -> tuple[bytes, bytes]:
    """Return the header that leads to the next page of a list (RFC 8288, section 3).

    :param after: where that page goes on.
    """
    pairs = [pair for pair in parse_pairs(request.query) if pair[0] not in ("after", "api_key")]
    query = urlencode([*pairs, ("after", after)])
    return b"Link", f'<{request.path}?{query}>; rel="next"'.encode("latin-1", "replace")


class Dates:
    """The ``Date`` header, made once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._line = b""

    def line(self, wall: float) -> bytes:
        """Return the whole header line for a time in seconds since the epoch."""
        second = int(wall)
        if second != self._second:
            self._second = second
            self._line = f"Date: {formatdate(second, usegmt=True)}\r\n".encode()
        return self._line


@dataclass(slots=True)
class ResponseEncoder:
    """Writes response heads.

    :param server: value of the ``Server`` header.
    :param alternative: value of the ``Alt-Svc`` header over TLS (RFC 7838), or empty.
    """

    server: str
    alternative: bytes = b""
    _dates: Dates = field(default_factory=Dates)
    _common: bytes = b""

    def __post_init__(self) -> None:
        self._common = f"Server: {self.server}\r\n".encode("latin-1", "replace")

    def head(
        self, response: Response, wall: float, *, is_closing: bool, is_tls: bool = False
    ) -> bytes:
        """Return status line and headers with the empty line that ends them."""
        status = response.status
        length = response.file.length if response.file is not None else len(response.body)
        parts = [_STATUS_LINES[status], self._common, self._dates.line(wall)]
        parts.append(b"Cache-Control: %b\r\n" % response.cache_control)
        if length and response.content_type:
            parts.append(b"Content-Type: %b\r\n" % response.content_type)
        parts += [b"%b: %b\r\n" % header for header in response.headers]
        if status not in (101, 204, 304):
            parts.append(b"Content-Length: %d\r\n" % length)
        if is_closing:
            parts.append(b"Connection: close\r\n")
        if is_tls and self.alternative:
            parts.append(b"Alt-Svc: %b\r\n" % self.alternative)
        parts.append(b"\r\n")
        return b"".join(parts)

    def fields(self, response: Response, wall: float) -> list[tuple[bytes, bytes]]:
        """Return status and headers as HTTP/3 has them (RFC 9114, 4.2 and 4.3.2)."""
        lines = self.head(response, wall, is_closing=False).split(b"\r\n")
        fields = [(b":status", lines[0].split(b" ", 2)[1])]
        for line in lines[1:-2]:
            name, _, value = line.partition(b":")
            fields.append((name.lower(), value.strip()))
        return fields


def encode_json(value: Any) -> bytes:
    """Encode a result of a resource: snapshots are spliced, model objects asked for their form."""
    return orjson.dumps(value, default=_to_wire, option=orjson.OPT_PASSTHROUGH_DATACLASS)


def prettify(body: bytes) -> bytes:
    """Indent JSON."""
    return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2)


def _to_wire(value: Any) -> Any:
    return value.to_wire()
