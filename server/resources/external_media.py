"""``POST /channels/externalMedia``: a channel whose media an application sends and takes itself."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Mapping
from typing import Any

from server.base.errors import InvalidArgument, NotSupported
from server.media.codecs import CODECS
from server.resources.channel import Channel
from server.resources.originate import Originator
from server.tech.audiosocket import linear_codec, read_uuid
from server.tech.external_media import is_address, split_host_port

FOREVER = -1  # no timeout: the technology has its own
RESOLVE_TIMEOUT = 5.0  # seconds

ENCAPSULATIONS = ("rtp", "audiosocket", "none")
TRANSPORTS = ("udp", "tcp", "websocket")
CONNECTION_TYPES = ("client", "server")


class ExternalMedia:
    """Makes channels of external media.

    :param offers: whether there is a technology of this name.
    """

    def __init__(self, originator: Originator, offers: Callable[[str], bool]) -> None:
        self._originator = originator
        self._offers = offers

    async def create(
        self,
        *,
        app: str,
        format: str,  # noqa: A002 - the parameter's published name
        external_host: str | None = None,
        encapsulation: str | None = None,
        transport: str | None = None,
        connection_type: str | None = None,
        direction: str | None = None,
        data: str | None = None,
        transport_data: str | None = None,
        channel_id: str | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> Channel:
        """Make a channel, connect its media, and hand it to an application.

        :param format: the codec, an Asterisk name.
        :param external_host: ``host:port`` of the application, or a section of
            websocket_client.conf; none if it connects to us.
        :param data: for AudioSocket the UUID that the peer is told.
        :param transport_data: options of the WebSocket technology.
        :raises InvalidArgument: a value is missing or wrong, or does not go with the others.
        :raises NotSupported: this combination is not offered.
        :raises Conflict: the id is in use.
        """
        if not app:
            raise InvalidArgument("app", "an application is needed")
        _check("encapsulation", encapsulation := encapsulation or "rtp", ENCAPSULATIONS)
        _check("transport", transport := transport or "udp", TRANSPORTS)
        _check("connection_type", kind := connection_type or "client", CONNECTION_TYPES)
        _check("direction", direction or "both", ("both",))
        _check_combination(encapsulation, transport, kind)
        if not external_host and kind == "client":
            raise InvalidArgument("external_host", "is needed for a client")
        codec = format.strip()
        if codec not in CODECS:
            names = ", ".join(CODECS)
            raise InvalidArgument("format", f"unknown format {codec!r}; there is {names}")
        if encapsulation == "rtp":
            endpoint = f"UnicastRTP/{await _address_of(external_host or '')}/c({codec})"
        elif encapsulation == "audiosocket":
            split_host_port("external_host", external_host or "")
            read_uuid(data or "", "data")
            linear_codec(codec)
            endpoint = f"AudioSocket/{external_host}/{data or ''}/c({codec})"
        else:
            target = "INCOMING" if kind == "server" else external_host
            endpoint = f"WebSocket/{target}/c({codec}){transport_data or ''}"
        if not self._offers(endpoint.partition("/")[0]):
            raise NotSupported("encapsulation", f"{encapsulation} is not supported")
        return self._originator.originate(
            endpoint=endpoint,
            app=app,
            formats=codec,
            timeout=FOREVER,
            variables=variables,
            channel_id=channel_id,
        )


def _check(field: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InvalidArgument(field, f"{value!r} is none of {', '.join(known)}")


def _check_combination(encapsulation: str, transport: str, connection_type: str) -> None:
    if transport == "websocket" and encapsulation != "none":
        raise InvalidArgument("encapsulation", "must be none with the transport websocket")
    if encapsulation == "rtp" and transport != "udp":
        raise InvalidArgument("transport", "must be udp with the encapsulation rtp")
    if encapsulation == "audiosocket" and transport != "tcp":
        raise InvalidArgument("transport", "must be tcp with the encapsulation audiosocket")
    if connection_type == "server" and transport != "websocket":
        raise InvalidArgument("connection_type", "server needs the transport websocket")
    if encapsulation == "none" and transport != "websocket":
        raise NotSupported("transport", f"{transport} with the encapsulation none")


async def _address_of(external_host: str) -> str:
    """Return ``host:port`` with the name looked up, so that what is wrong with it is told.

    :raises InvalidArgument: it is not ``host:port``, or the name is unknown.
    """
    host, port = split_host_port("external_host", external_host)
    if is_address(host):
        return external_host
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        raise InvalidArgument("external_host", f"the name {host} can't be resolved") from None
    address = str(found[0][4][0])
    return (
        f"[{address}]:{port}" if ipaddress.ip_address(address).version == 6 else f"{address}:{port}"
    )
