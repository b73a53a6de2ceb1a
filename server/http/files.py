"""Files as responses: type, validators and byte ranges (RFC 9110, section 14)."""

from __future__ import annotations

import re
from pathlib import Path

from server.http.messages import FileRange, Request, Response, error

CHUNK = 65_536  # bytes read at a time

CONTENT_TYPES = {
    ".wav": b"audio/wav",
    ".wav49": b"audio/wav",
    ".gsm": b"audio/gsm",
    ".ulaw": b"audio/basic",
    ".g722": b"audio/G722",
    ".ogg": b"audio/ogg",
}
DEFAULT_TYPE = b"application/octet-stream"

_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))\Z")


def serve_file(path: Path, request: Request) -> Response:
    """Answer with a file, or with the range of it that the request asks for."""
    try:
        found = path.stat()
    except OSError:
        return error(404, f"{path.name} is gone")
    size = found.st_size
    tag = f'"{found.st_mtime_ns:x}-{size:x}"'
    headers = ((b"Accept-Ranges", b"bytes"), (b"ETag", tag.encode()))
    content_type = CONTENT_TYPES.get(path.suffix.lower(), DEFAULT_TYPE)
    wanted = _wanted_range(request, size, tag)
    if wanted is None:
        whole = FileRange(path, 0, size)
        return Response(200, content_type=content_type, headers=headers, file=whole)
    first, last = wanted
    if first >= size or last < first:
        return error(
            416,
            f"the range lies outside the {size} bytes of the file",
            (b"Content-Range", f"bytes */{size}".encode()),
        )
    part = (b"Content-Range", f"bytes {first}-{last}/{size}".encode())
    return Response(
        206,
        content_type=content_type,
        headers=(*headers, part),
        file=FileRange(path, first, last - first + 1),
    )


def _wanted_range(request: Request, size: int, tag: str) -> tuple[int, int] | None:
    """Return the first and last byte of a range that is to be honoured.

    What is no single range of bytes is ignored, as RFC 9110 allows.
    """
    condition = request.header(b"if-range")
    match = _RANGE.match(request.header(b"range").strip())
    if match is None or request.method != "GET" or (condition and condition != tag):
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        length = int(suffix)
        return (size, size) if not length else (max(0, size - length), size - 1)
    return int(first), min(int(last), size - 1) if last else size - 1
