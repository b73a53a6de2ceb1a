"""CURL(): what an HTTP server answers, in a value or in a file."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, unquote_plus

import aiohttp

from server.base.errors import InvalidArgument, Unavailable
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.encoding import decode_text, encode_text
from server.dialplan.functions.curl_options import options_of
from server.dialplan.functions.files import check_path
from server.dialplan.functions.hashes import COLUMNS
from server.dialplan.port import Dialplan
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.dialplan.variables import MAX_VALUE

MAX_SAVED = 1 << 30  # bytes of an answer that goes to a file
CHUNK = 65_536  # bytes
FORM = "application/x-www-form-urlencoded"
MAX_PARALLEL = 512  # requests at a time; more wait


class Requests:
    """Bounds how many there are."""

    def __init__(self, _dialplan: Dialplan) -> None:
        self.slots = asyncio.Semaphore(MAX_PARALLEL)


@function("CURL")
async def read_url(scope: Scope, data: str) -> str:
    """CURL(url,post data): what the server answers, without the blanks at its end."""
    arguments = split_arguments(data, 2)
    options = options_of(scope)
    async with _ask(scope, argument(arguments, 0), argument(arguments, 1)) as response:
        body = bytearray()
        while len(body) < MAX_VALUE and (chunk := await response.content.read(CHUNK)):
            body += chunk
    text = decode_text(bytes(body[:MAX_VALUE])).replace("\0", "")
    if options.is_on("header"):
        text = _head(response) + text
    text = text.rstrip()
    mode = options.get("hashcompat")
    if mode == "no":
        return text
    return _row(scope, text, unquote_plus if mode == "legacy" else unquote)


def _row(scope: Scope, text: str, decode: Callable[[str], str]) -> str:
    """Take the answer for a form: keep its names for HASH(), and be its values."""
    pairs = [part.partition("=") for part in text.split("&")]
    scope.set(COLUMNS, ",".join(decode(name) for name, _, _ in pairs))
    return ",".join(decode(value) for _, _, value in pairs)


@function_write("CURL", escalates=True)
async def save_url(scope: Scope, data: str, value: str) -> None:
    """CURL(url)=filename: keep the answer in a file."""
    path = check_path(value)
    url = argument(split_arguments(data, 2), 0)
    async with _ask(scope, url, "") as response:
        file = await asyncio.to_thread(_create, path)
        try:
            size = 0
            while chunk := await response.content.read(CHUNK):
                size += len(chunk)
                if size > MAX_SAVED:
                    raise Unavailable(f"{url} has more than {MAX_SAVED} bytes")
                await asyncio.to_thread(file.write, chunk)
        finally:
            await asyncio.to_thread(file.close)


def _create(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        raise InvalidArgument("filename", f"{path}: {error.strerror}") from None


@contextlib.asynccontextmanager
async def _ask(scope: Scope, url: str, form: str) -> AsyncIterator[aiohttp.ClientResponse]:
    """Send a request and be its answer.

    :raises InvalidArgument: it is no URL of HTTP, or an option can't be used.
    :raises Unavailable: there is no answer, or one that counts as a failure.
    """
    if not url.lower().startswith(("http://", "https://")) or not url.isprintable():
        raise InvalidArgument("url", f"{url!r} is not a URL of HTTP")
    options = options_of(scope)
    request = options.request()
    if form:
        request["data"] = encode_text(form)
        request["headers"] = [("Content-Type", FORM), *request["headers"]]
        if any(name.lower() == "content-type" for name, _ in request["headers"][1:]):
            del request["headers"][0]
    try:
        async with (
            scope.dialplan.part(Requests).slots,
            aiohttp.ClientSession(timeout=options.timeouts()) as session,
            session.request("POST" if form else "GET", url, **request) as response,
        ):
            if options.fails_with(response.status):
                raise Unavailable(f"{url} answered {response.status}")
            yield response
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Unavailable(f"{url}: {error or type(error).__name__}") from None


def _head(response: aiohttp.ClientResponse) -> str:
    lines = [f"HTTP/1.1 {response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    return "\r\n".join(lines) + "\r\n\r\n"
