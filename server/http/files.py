"""Files as responses: type, conditions and byte ranges (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
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
CACHING = b"private, no-cache"  # may be kept, but has to be asked about each time

_RANGE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))\Z")


@dataclass(frozen=True, slots=True)
class Version:
    """What tells one content of a file from another.

    :param tag: a strong entity tag, with its quotes.
    :param modified: seconds since the epoch.
    """

    tag: str
    modified: int

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Return the validators as header fields."""
        last_modified = formatdate(self.modified, usegmt=True)
        return ((b"ETag", self.tag.encode()), (b"Last-Modified", last_modified.encode()))

    def is_in(self, tags: str, *, is_weak: bool) -> bool:
        """Tell whether it is among the tags of If-Match or If-None-Match.

        :param is_weak: a tag may be marked as weak, as none of ours is.
        """
        if tags.strip() == "*":
            return True
        given = [tag.strip() for tag in tags.split(",")]
        return self.tag in given or (is_weak and f"W/{self.tag}" in given)

    def is_newer_than(self, date: str) -> bool | None:
        """Compare with a date; ``None`` if that can't be read."""
        moment = _parse_date(date)
        return None if moment is None else self.modified > moment


def serve_file(path: Path, request: Request) -> Response:
    """Answer with a file, the range of it that the request asks for, or that it did not change."""
    try:
        found = path.stat()
    except OSError:
        return error(404, f"{path.name} is gone")
    size = found.st_size
    version = Version(f'"{found.st_mtime_ns:x}-{size:x}"', int(found.st_mtime))
    if (short := _check_conditions(request, version)) is not None:
        return short
    headers = ((b"Accept-Ranges", b"bytes"), *version.headers())
    content_type = CONTENT_TYPES.get(path.suffix.lower(), DEFAULT_TYPE)
    wanted = _wanted_range(request, size, version)
    if wanted is None:
        part = FileRange(path, 0, size)
        return Response(200, b"", content_type, headers, part, cache_control=CACHING)
    first, last = wanted
    if first >= size or last < first:
        return error(
            416,
            f"the range lies outside the {size} bytes of the file",
            (b"Content-Range", f"bytes */{size}".encode()),
        )
    headers += ((b"Content-Range", f"bytes {first}-{last}/{size}".encode()),)
    part = FileRange(path, first, last - first + 1)
    return Response(206, b"", content_type, headers, part, cache_control=CACHING)


def _check_conditions(request: Request, version: Version) -> Response | None:
    """Return what the preconditions lead to, in the order of RFC 9110, 13.2.2."""
    match = request.header(b"if-match")
    since = request.header(b"if-unmodified-since")
    if match and not version.is_in(match, is_weak=False):
        return error(412, "If-Match: the file has another entity tag")
    if not match and since and version.is_newer_than(since):
        return error(412, "If-Unmodified-Since: the file was modified")
    none_match = request.header(b"if-none-match")
    since = request.header(b"if-modified-since")
    if none_match:
        is_known = version.is_in(none_match, is_weak=True)
    else:
        is_known = bool(since) and version.is_newer_than(since) is False
    if is_known:
        return Response(304, headers=version.headers(), cache_control=CACHING)
    return None


def _wanted_range(request: Request, size: int, version: Version) -> tuple[int, int] | None:
    """Return the first and last byte of a range that is to be honoured.

    What is no single range of bytes is ignored, as RFC 9110 allows.
    """
    match = _RANGE.match(request.header(b"range").strip())
    if match is None or request.method != "GET" or not _is_same(request, version):
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        length = int(suffix)
        return (size, size) if not length else (max(0, size - length), size - 1)
    return int(first), min(int(last), size - 1) if last else size - 1


def _is_same(request: Request, version: Version) -> bool:
    """Tell whether If-Range, a tag or a date, names this version (RFC 9110, 13.1.5)."""
    condition = request.header(b"if-range").strip()
    if not condition or condition == version.tag:
        return True
    return _parse_date(condition) == version.modified


def _parse_date(text: str) -> int | None:
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (ValueError, TypeError, OverflowError):
        return None
