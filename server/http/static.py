"""Static files: ``/static/…`` is the folder ``static-http`` of astdatadir."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from urllib.parse import unquote

from server.base.errors import NotFound
from server.http.files import DEFAULT_TYPE, serve_file
from server.http.messages import Request, Response, error

FOLDER = "static-http"
MAX_PATH = 1024  # characters
_NO_SNIFFING = (b"X-Content-Type-Options", b"nosniff")
_TYPES = {  # beyond what Python knows, from Asterisk's own list
    ".cnf": "text/plain",
    ".cfg": "text/plain",
    ".bin": "application/octet-stream",
    ".sbn": "application/octet-stream",
    ".ld": "application/octet-stream",
}


class StaticFiles:
    """Serves the files of one folder, by GET and HEAD.

    :param folder: nothing outside of it is served, not even by a symbolic link.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def serve(self, request: Request, path: str) -> Response:
        """Answer with a file.

        :param path: what follows ``/static/``, still percent-encoded.
        """
        if request.method not in ("GET", "HEAD"):
            return error(405, "Method not allowed", (b"Allow", b"GET, HEAD"))
        try:
            file = self._find(unquote(path))
        except (NotFound, OSError, ValueError):
            return error(404, "Not Found")
        response = serve_file(file, request)
        if response.status in (200, 206):
            response.content_type = content_type(file)
        response.headers += (_NO_SNIFFING,)
        return response

    def _find(self, path: str) -> Path:
        """Return a file.

        :raises NotFound: there is none, or it is hidden or elsewhere.
        """
        parts = path.split("/")
        if len(path) > MAX_PATH or any(part.startswith(".") or not part for part in parts):
            raise NotFound(path)
        folder = self._folder.resolve()
        file = folder.joinpath(*parts).resolve()
        if not file.is_relative_to(folder) or not file.is_file():
            raise NotFound(path)
        return file


def content_type(file: Path) -> bytes:
    """Return the media type of a file by its name."""
    suffix = file.suffix.lower()
    kind = _TYPES.get(suffix) or mimetypes.guess_type(f"x{suffix}", strict=True)[0]
    if kind is None:
        return DEFAULT_TYPE
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    return kind.encode()
