"""The sockets of http.conf: plain, TLS and QUIC, opened at start and moved by a reload."""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import TYPE_CHECKING

from aioquic.quic.configuration import QuicConfiguration

from server.base.errors import ConfigError
from server.config.sections.http import Http
from server.http.connection import Connection
from server.http.h3.listener import QuicListener, alternative, quic_configuration

if TYPE_CHECKING:
    from server.http.server import HttpServer

logger = logging.getLogger(__name__)

BACKLOG = 256
PLAIN, TLS = "HTTP", "HTTPS"

Address = tuple[str, int]


class Listeners:
    """Every listening socket of one HTTP server. Connections outlive the socket they came by."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._open: dict[str, asyncio.Server] = {}  # in the order in which they are shown
        self._addresses: dict[str, Address] = {}
        self._tls: ssl.SSLContext | None = None
        self._quic: QuicConfiguration | None = None
        self._quic_listeners: list[QuicListener] = []

    async def start(self, settings: Http) -> None:
        """Listen as http.conf says.

        :raises ConfigError: the certificate can't be loaded.
        :raises OSError: an address can't be bound.
        """
        for kind, address in _wanted(settings).items():
            await self._listen(kind, address, settings)
        await self._listen_quic(settings)

    async def reload(self, settings: Http) -> list[str]:
        """Move to other addresses, and read the certificate again.

        :return: what could not be done, and so stays as it was.
        """
        problems: list[str] = []
        wanted = _wanted(settings)
        for kind in [kind for kind in self._open if kind not in wanted]:
            self._close(kind)
        for kind, address in wanted.items():
            try:
                await self._move(kind, address, settings)
            except ConfigError as error:
                problems.append(str(error))
            except OSError as error:
                where = f"{address[0]}:{address[1]}"
                problems.append(f"http.conf: can't listen on {where}: {error.strerror}")
        self._open = {kind: self._open[kind] for kind in (PLAIN, TLS) if kind in self._open}
        return problems

    def close(self) -> None:
        """Stop listening; HTTP/3 goes on until :meth:`close_quic`."""
        for kind in list(self._open):
            self._close(kind, with_quic=False)

    def close_quic(self) -> None:
        """Close the sockets of HTTP/3, whose connections share them."""
        self._server.encoder.alternative = b""
        listeners, self._quic_listeners = self._quic_listeners, []
        for listener in listeners:
            listener.close()

    def bound_addresses(self) -> list[Address]:
        """Return host and port of every listening socket, TLS last."""
        return [
            (str(name[0]), int(name[1]))
            for server in self._open.values()
            for name in (listener.getsockname() for listener in server.sockets)
        ]

    # private

    async def _move(self, kind: str, address: Address, settings: Http) -> None:
        if kind in self._open and self._addresses[kind] == address:
            if kind == TLS:
                self._renew_certificate(settings)
            return
        former = self._open.get(kind)
        await self._listen(kind, address, settings)
        if former is not None:
            former.close()
        if kind == TLS:
            self.close_quic()
            self._quic = None
            await self._listen_quic(settings)

    async def _listen(self, kind: str, address: Address, settings: Http) -> None:
        loop = asyncio.get_running_loop()
        context = tls_context(settings) if kind == TLS else None
        server = await loop.create_server(
            lambda: Connection(self._server),
            address[0] or None,
            address[1],
            ssl=context,
            backlog=BACKLOG,
        )
        self._open[kind], self._addresses[kind] = server, address
        if context is not None:
            self._tls = context
        logger.info("%s listens on %s", kind, _shown(server))

    async def _listen_quic(self, settings: Http) -> None:
        """Serve HTTP/3 wherever TLS listens, and let its clients know."""
        if not settings.http3 or TLS not in self._open:
            return
        # Ours come first; QUIC's own ends connections whose client has vanished.
        longest = max(settings.session_inactivity, settings.session_keep_alive) / 1000
        self._quic = quic_configuration(settings, 2 * longest)
        for name, family in [(s.getsockname(), s.family) for s in self._open[TLS].sockets]:
            listener = QuicListener(self._server, self._quic)
            await listener.listen(family, name)
            self._quic_listeners.append(listener)
            self._server.encoder.alternative = alternative(int(name[1]))
            logger.info("HTTP/3 listens on %s:%d", name[0], name[1])

    def _renew_certificate(self, settings: Http) -> None:
        """Let new handshakes use what the files hold now."""
        assert self._tls is not None
        tls_context(settings)  # fails before anything is changed
        set_up_tls(self._tls, settings)
        if self._quic is not None:
            fresh = quic_configuration(settings, self._quic.idle_timeout)
            self._quic.certificate = fresh.certificate
            self._quic.certificate_chain = fresh.certificate_chain
            self._quic.private_key = fresh.private_key

    def _close(self, kind: str, *, with_quic: bool = True) -> None:
        self._open.pop(kind).close()
        if kind == TLS and with_quic:
            self.close_quic()


def _wanted(settings: Http) -> dict[str, Address]:
    """Return what is to listen where."""
    if not settings.enabled:
        return {}
    wanted = {PLAIN: (settings.bindaddr, settings.bindport)}
    if settings.tlsenable:
        address = settings.tls_address
        wanted[TLS] = (address.host or settings.bindaddr, address.port)
    return wanted


def tls_context(settings: Http) -> ssl.SSLContext:
    """Build the TLS side of http.conf.

    :raises ConfigError: certificate, key or ciphers are unusable.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    set_up_tls(context, settings)
    return context


def set_up_tls(context: ssl.SSLContext, settings: Http) -> None:
    """Give a context what http.conf says; handshakes that follow use it.

    :raises ConfigError: certificate, key or ciphers are unusable.
    """
    # TLS 1.0 and 1.1 are not offered at all, whatever http.conf says (RFC 8996).
    is_13_only = settings.tlsdisablev12
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if is_13_only else ssl.TLSVersion.TLSv1_2
    if settings.tlsservercipherorder:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        context.load_cert_chain(settings.tlscertfile, settings.tlsprivatekey or None)
        if settings.tlscipher:
            context.set_ciphers(settings.tlscipher)
    except (OSError, ssl.SSLError) as failure:
        raise ConfigError("http.conf", 0, f"TLS: {settings.tlscertfile}: {failure}") from None


def _shown(server: asyncio.Server) -> str:
    return ", ".join(
        f"{name[0]}:{name[1]}" for name in (listener.getsockname() for listener in server.sockets)
    )
