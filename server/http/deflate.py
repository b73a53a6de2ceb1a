"""Compression of WebSocket messages: permessage-deflate (RFC 7692), where a client offers it."""

from __future__ import annotations

from websockets.exceptions import InvalidHeader, NegotiationError
from websockets.extensions.base import Extension
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.headers import build_extension, parse_extension

from server.http.messages import Request

WINDOW_BITS = 12  # 4 KiB: an event or two, which is where the repetition is
MEMORY_LEVEL = 5  # with the window, 32 KiB for a connection

_FACTORY = ServerPerMessageDeflateFactory(
    server_max_window_bits=WINDOW_BITS,
    client_max_window_bits=WINDOW_BITS,
    compress_settings={"memLevel": MEMORY_LEVEL},
)


def negotiate(request: Request) -> tuple[bytes, Extension] | None:
    """Return the answer's ``Sec-WebSocket-Extensions`` and the extension, as the client offers it.

    :returns: ``None`` if it offers nothing that can be used: messages go uncompressed then.
    """
    offered = request.header(b"sec-websocket-extensions")
    if not offered:
        return None
    try:
        for name, parameters in parse_extension(offered):
            if name != _FACTORY.name:
                continue
            try:
                agreed, extension = _FACTORY.process_request_params(parameters, [])
            except NegotiationError:
                continue  # the client's next offer may fit
            return build_extension([(name, agreed)]).encode(), extension
    except InvalidHeader:
        pass
    return None
