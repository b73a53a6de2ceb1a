"""Sends one POST at a time to a webhook, by aiohttp's client."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import aiohttp
from aiohttp.connector import Connection

from server import __version__
from server.config.sections.webhook import Webhook
from server.http.outbound_connection import describe
from server.http.webhooks.commands import MAX_REPLY


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a POST.

    :param status: 0 if there was no reply.
    :param failure: why it is no success, or empty.
    :param peer: IP address of the receiver.
    :param is_too_long: it has a body of more than :data:`MAX_REPLY` bytes, which was not read.
    """

    status: int = 0
    body: bytes = b""
    failure: str = ""
    peer: str = ""
    peer_port: int = 0
    is_too_long: bool = False


class _Response(aiohttp.ClientResponse):
    """A response that knows from where it came, also when it has been read."""

    peername: tuple[str, int] = ("", 0)

    async def start(self, connection: Connection) -> Self:
        if connection.transport is not None:
            host, port, *_ = connection.transport.get_extra_info("peername") or ("", 0)
            self.peername = str(host), int(port)
        await super().start(connection)
        return self


class Sender:
    """The client side of a webhook; keeps its connection."""

    def __init__(self) -> None:
        self._settings: Webhook | None = None
        self._session: aiohttp.ClientSession | None = None

    async def post(self, settings: Webhook, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send *body* and read the reply. Never raises for what the other side does."""
        try:
            session = await self._session_for(settings)
            timeout = aiohttp.ClientTimeout(total=settings.timeout / 1000)
            # A redirect isn't followed: the events go where ari.conf says, and nowhere else.
            async with session.post(
                settings.url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                return await _read(response)
        except TimeoutError:
            return Reply(failure=f"no reply within {settings.timeout} ms")
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            return Reply(failure=describe(failure))

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _session_for(self, settings: Webhook) -> aiohttp.ClientSession:
        if self._session is None or self._settings != settings:
            await self.close()
            context: ssl.SSLContext | bool = True
            if settings.url.startswith("https:"):
                context = await asyncio.to_thread(tls_context, settings)
            self._settings = settings
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=context, limit=1),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"Arion/{__version__}"},
                response_class=_Response,
            )
        return self._session


async def _read(response: aiohttp.ClientResponse) -> Reply:
    assert isinstance(response, _Response)
    host, port = response.peername
    status = response.status
    if not 200 <= status < 300:
        return Reply(status, failure=f"status {status}", peer=host, peer_port=port)
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_REPLY:
            response.close()
            return Reply(status, peer=host, peer_port=port, is_too_long=True)
    return Reply(status, bytes(body), peer=host, peer_port=port)


def tls_context(settings: Webhook) -> ssl.SSLContext:
    """Return the TLS side of a section.

    :raises OSError: the authorities can't be loaded.
    """
    context = ssl.create_default_context(cafile=settings.ca_list_file or None)
    if not (settings.verify_server_cert and settings.verify_server_hostname):
        context.check_hostname = False
    if not settings.verify_server_cert:
        context.verify_mode = ssl.CERT_NONE
    return context
