"""Content codings (RFC 9110, 8.4): compressed bodies of requests and responses."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Coroutine
from concurrent.futures import Executor
from typing import Any

from server.http.messages import JSON, MAX_BODY, PARTIAL_JSON, YAML, Request, Response, error

MIN_SIZE = 1_400  # bytes of a body that fits into one packet: not worth the CPU time
MAX_AT_ONCE = 65_536  # bytes that are compressed in under a millisecond; larger bodies in a thread
LEVEL = 1  # JSON shrinks to a tenth; the higher levels cost more than they gain

_COMPRESSIBLE = frozenset({JSON, PARTIAL_JSON, YAML})
_GZIP = 16 + zlib.MAX_WBITS
_WINDOWS = {b"gzip": _GZIP, b"x-gzip": _GZIP, b"deflate": zlib.MAX_WBITS}
_ACCEPTED = (b"Accept-Encoding", b"gzip, deflate")


def decode_body(request: Request) -> Response | None:
    """Undo the content coding of a request's body; return what is wrong with it."""
    coding = request.headers.get(b"content-encoding", b"").strip().lower()
    if not coding or coding == b"identity" or not request.body:
        return None
    window = _WINDOWS.get(coding)
    if window is None:
        return error(415, "Content-Encoding: expected gzip or deflate", _ACCEPTED)
    decompressor = zlib.decompressobj(window)
    try:
        body = decompressor.decompress(request.body, MAX_BODY + 1)
    except zlib.error:
        return error(400, f"the body is no {coding.decode()}")
    if len(body) > MAX_BODY:
        return error(413, f"the body is longer than {MAX_BODY} bytes")
    if not decompressor.eof or decompressor.unused_data:
        return error(400, f"the body is no complete {coding.decode()}")
    request.body = body
    return None


def encode_response(
    request: Request, outcome: Response | Coroutine[Any, Any, Response], executor: Executor
) -> Response | Coroutine[Any, Any, Response]:
    """Compress a response if the client takes that and it is worth it.

    :param executor: compresses what would hold up the loop, so only what causes no event.
    """
    if b"accept-encoding" not in request.headers:
        return outcome
    if not isinstance(outcome, Response):
        return _encode_later(request, outcome, executor)
    if len(outcome.body) > MAX_AT_ONCE and request.method == "GET":
        return _encode_elsewhere(request, outcome, executor)
    return _encode(request, outcome)


async def _encode_later(
    request: Request, outcome: Coroutine[Any, Any, Response], executor: Executor
) -> Response:
    response = await outcome
    if len(response.body) > MAX_AT_ONCE and request.method == "GET":
        return await _encode_elsewhere(request, response, executor)
    return _encode(request, response)


async def _encode_elsewhere(request: Request, response: Response, executor: Executor) -> Response:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(executor, _encode, request, response)


def _encode(request: Request, response: Response) -> Response:
    if len(response.body) < MIN_SIZE or response.content_type not in _COMPRESSIBLE:
        return response
    response.headers += ((b"Vary", b"Accept-Encoding"),)
    if accepts_gzip(request.headers[b"accept-encoding"]):
        response.body = zlib.compress(response.body, LEVEL, _GZIP)
        response.headers += ((b"Content-Encoding", b"gzip"),)
    return response


def accepts_gzip(accepted: bytes) -> bool:
    """Tell whether an Accept-Encoding lets us send gzip (RFC 9110, 12.5.3)."""
    weights: dict[bytes, bool] = {}
    for item in accepted.lower().split(b","):
        coding, *parameters = (part.strip() for part in item.split(b";"))
        weights[coding] = not any(_is_zero(parameter) for parameter in parameters)
    return weights.get(b"gzip", weights.get(b"x-gzip", weights.get(b"*", False)))


def _is_zero(parameter: bytes) -> bool:
    name, _, value = parameter.partition(b"=")
    return name.strip() == b"q" and not value.strip(b" 0.")
