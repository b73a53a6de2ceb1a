"""A request that arrives on a stream of HTTP/3, and the limits for it."""

from __future__ import annotations

from collections.abc import Sequence

from server.http.connection import MAX_HEADER_COUNT, MAX_HEADERS
from server.http.messages import MAX_BODY, MAX_TARGET, Request, Response, error

Fields = Sequence[tuple[bytes, bytes]]


class IncomingRequest:
    """What has arrived of a request.

    :param deadline: loop time by which it has to be complete.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.method = ""
        self.protocol = b""  # of an extended CONNECT (RFC 9220)
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._body_size = 0

    def take_headers(self, fields: Fields) -> Response | None:
        """Take the header section; return what is wrong with it."""
        size = 0
        for name, value in fields:
            size += len(name) + len(value)
            if name == b":method":
                self.method = value.decode("latin-1")
            elif name == b":path":
                self._target = value
            elif name == b":protocol":
                self.protocol = value
            elif name == b":authority":
                self._headers[b"host"] = value
            elif not name.startswith(b":"):
                known = self._headers.get(name)
                separator = b"; " if name == b"cookie" else b", "
                self._headers[name] = value if known is None else known + separator + value
        if len(self._target) > MAX_TARGET:
            return error(414, f"the URI is longer than {MAX_TARGET} bytes")
        if size > MAX_HEADERS + MAX_TARGET or len(fields) > MAX_HEADER_COUNT:
            return error(431, f"the headers are longer than {MAX_HEADERS} bytes")
        length = self._headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > MAX_BODY:
            return self._too_large()
        return None

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for our word before it sends the body."""
        return self._headers.get(b"expect", b"").lower() == b"100-continue"

    def take_body(self, data: bytes) -> Response | None:
        """Take a piece of the body; return what is wrong with it."""
        self._body_size += len(data)
        if self._body_size > MAX_BODY:
            return self._too_large()
        self._body.append(data)
        return None

    def complete(self, peer: tuple[str, int]) -> Request:
        """Return the whole request. An extended CONNECT is the GET that it stands for."""
        target, _, _ = self._target.decode("utf-8", "replace").partition("#")
        path, _, query = target.partition("?")
        return Request(
            method="GET" if self.protocol else self.method,
            path=path,
            query=query,
            headers=self._headers,
            body=b"".join(self._body),
            peer=peer[0],
            peer_port=peer[1],
            scheme="https",
        )

    @staticmethod
    def _too_large() -> Response:
        return error(413, f"the body is longer than {MAX_BODY} bytes")
