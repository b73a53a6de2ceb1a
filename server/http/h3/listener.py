"""The UDP sockets of HTTP/3, and the certificate for them."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path
from typing import Any

from aioquic.asyncio.server import QuicServer
from aioquic.h3.connection import H3_ALPN
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.tls import load_pem_private_key, load_pem_x509_certificates

from server.base.errors import ConfigError
from server.config.sections.http import Http
from server.http.h3.connection import Host, QuicClient

MAX_AGE = 86_400  # seconds that clients may remember where HTTP/3 is
STREAM_WINDOW = 262_144  # bytes that a client may send ahead on one stream
CONNECTION_WINDOW = 1_048_576  # bytes that a client may send ahead on all of them
DATAGRAM_FRAME = 65_536  # bytes; WebTransport asks for datagrams, though nobody sends any here

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----\r?\n?", re.DOTALL)


def quic_configuration(settings: Http, idle_timeout: float) -> QuicConfiguration:
    """Build the QUIC side of http.conf.

    :param idle_timeout: seconds without a packet that end a connection.
    :raises ConfigError: certificate or key are unusable.
    """
    configuration = QuicConfiguration(
        is_client=False,
        alpn_protocols=H3_ALPN,
        idle_timeout=idle_timeout,
        max_data=CONNECTION_WINDOW,
        max_stream_data=STREAM_WINDOW,
        max_datagram_frame_size=DATAGRAM_FRAME,
    )
    try:
        certificates, keys = _read_pem(settings.tlscertfile)
        if settings.tlsprivatekey:
            keys = _read_pem(settings.tlsprivatekey)[1]
        chain = load_pem_x509_certificates(certificates)
        configuration.certificate, configuration.certificate_chain = chain[0], chain[1:]
        configuration.private_key = load_pem_private_key(keys)
    except (OSError, ValueError, TypeError, IndexError) as failure:
        raise ConfigError("http.conf", 0, f"HTTP/3: {settings.tlscertfile}: {failure}") from None
    return configuration


def _read_pem(path: str) -> tuple[bytes, bytes]:
    """Return the certificates and the first private key of a file, in whatever order they are."""
    certificates, keys = b"", b""
    for block in _BLOCK.finditer(Path(path).read_bytes()):
        if block[1] == b"CERTIFICATE":
            certificates += block[0]
        elif block[1].endswith(b"PRIVATE KEY"):
            keys = keys or block[0]
    return certificates, keys


def alternative(port: int) -> bytes:
    """Return the ``Alt-Svc`` header that leads clients here (RFC 7838, section 3)."""
    return b'h3=":%d"; ma=%d' % (port, MAX_AGE)


class QuicListener:
    """Accepts HTTP/3 on one address.

    A client has to prove its address before anything is kept for it (RFC 9000, 8.1.2): the round
    trip that it costs keeps forged senders from filling the memory.
    """

    def __init__(self, host: Host, configuration: QuicConfiguration) -> None:
        self._host = host
        self._configuration = configuration
        self._server: QuicServer | None = None

    async def listen(self, family: socket.AddressFamily, address: tuple[Any, ...]) -> None:
        """Bind.

        :param address: as the TCP socket of TLS has it.
        :raises OSError: it can't be bound.
        """
        listener = socket.socket(family, socket.SOCK_DGRAM)
        try:
            listener.setblocking(False)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
        loop = asyncio.get_running_loop()
        _, self._server = await loop.create_datagram_endpoint(
            lambda: QuicServer(
                configuration=self._configuration, create_protocol=self._accept, retry=True
            ),
            sock=listener,
        )

    def close(self) -> None:
        """Close the socket; the connections have been ended before."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _accept(self, quic: QuicConnection, **_: object) -> QuicClient:
        return QuicClient(quic, self._host)
