"""A proxy between a client and a server: keeps what the client sends, and cuts connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

CHUNK = 1 << 16


@dataclass(frozen=True)
class Request:
    """A request as the client sent it.

    :param body: decoded JSON, if it had any.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class _Connection:
    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    sent: bytearray = field(default_factory=bytearray)

    def abort(self) -> None:
        self.client.transport.abort()
        self.server.transport.abort()

    @property
    def is_websocket(self) -> bool:
        return b"upgrade: websocket" in bytes(self.sent[:4096]).lower()


class Tap:
    """Listens on a port of loopback and passes everything on to a server.

    :param budget: called for each WebSocket; says after how many bytes of the server it is cut.
    """

    def __init__(self, port: int, budget: Callable[[], int] | None = None) -> None:
        self._target = port
        self._budget = budget
        self._connections: list[_Connection] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.cuts = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """Where ARI is for the client."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/ari"

    def cut(self) -> None:
        """Cut all WebSockets without a word."""
        for connection in self._connections:
            if connection.is_websocket:
                connection.abort()

    def requests(self) -> list[Request]:
        """Return all requests so far."""
        return [r for connection in self._connections for r in _parse(bytes(connection.sent))]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        connection = _Connection(writer, far_writer)
        self._connections.append(connection)
        pumps = (
            self._pump(reader, connection, far_writer, connection.sent),
            self._pump(far_reader, connection, writer, None),
        )
        await asyncio.gather(*pumps, return_exceptions=True)
        connection.abort()

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        connection: _Connection,
        writer: asyncio.StreamWriter,
        kept: bytearray | None,
    ) -> None:
        left: int | None = None
        while data := await reader.read(CHUNK):
            if kept is not None:
                kept += data
            elif self._budget is not None and connection.is_websocket:
                left = self._budget() if left is None else left
                if len(data) >= left:
                    self.cuts += 1
                    writer.write(data[:left])
                    await writer.drain()
                    connection.abort()
                    return
                left -= len(data)
            writer.write(data)
            await writer.drain()
        connection.abort()


def _parse(data: bytes) -> list[Request]:
    """Read the requests of a connection; what follows an upgrade is not HTTP."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {
            name.lower(): value.strip() for name, _, value in (ln.partition(":") for ln in lines)
        }
        length = int(headers.get("content-length", 0))
        body = json.loads(rest[:length]) if length else None
        url = urlsplit(target)
        found.append(Request(method, url.path, dict(parse_qsl(url.query)), headers, body))
        data = b"" if "upgrade" in headers else rest[length:]
    return found
