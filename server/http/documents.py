"""The interface's documents, and the page that shows them.

All are derived from api-spec and say where the server is as the one who asks reached it: by the
``Host`` header, or by what a proxy says in ``X-Forwarded-Proto`` and ``X-Forwarded-Host``.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from pathlib import Path

import orjson

from server.http.files import serve_file
from server.http.messages import JSON, YAML, Request, Response, error
from server.http.spec import load_bundle

API_DOCS = "api-docs/"
LISTING = "api-docs/resources.json"
LISTING_VERSION = b'"apiVersion": "12.0.0"'  # as tools/emit_swagger.py writes it
EXPLORER = "docs"
EXPLORER_PAGE = "index.html"
BASE = b"http://localhost:8088/ari"  # what the documents say as they are in the files
BASE_PARTS = (b'"localhost:8088"', b'"/ari"', b'"protocol": "ws"')  # the same in AsyncAPI

CONTENT_TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
}
POLICY = (
    b"Content-Security-Policy",
    b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:",
)

# RFC 3986, 3.2: names, IPv4 and IPv6 addresses with a port; nothing that JSON or YAML would escape.
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z")


def is_document(path: str) -> bool:
    """Return whether a path below ``/ari/`` belongs to the documents and to no resource."""
    return path in _documents() or path.startswith(API_DOCS) or _is_explorer(path)


def serve_document(request: Request, path: str, listing_version: str) -> Response:
    """Answer with a document, or with the page that shows them.

    :param path: what follows ``/ari/``.
    :param listing_version: ``apiVersion`` of the listing of the Swagger 1.1 documents.
    """
    if request.method == "OPTIONS":
        return Response(204, headers=((b"Allow", b"OPTIONS,GET"),))
    if request.method not in ("GET", "HEAD"):
        return error(405, "Method not allowed", (b"Allow", b"OPTIONS,GET"))
    if _is_explorer(path):
        return _explorer(request, path.removeprefix(EXPLORER).removeprefix("/"))
    body = _documents().get(path)
    if body is None:
        return error(404, "Resource not found")
    if path == LISTING:
        version = orjson.dumps(listing_version)
        body = body.replace(LISTING_VERSION, b'"apiVersion": %b' % version)
    scheme, host = _origin(request)
    if host:
        prefix = request.path.removesuffix(path).rstrip("/")
        body = _relocate(body, path, scheme, host.encode(), prefix.encode())
    return Response(200, body, content_type=YAML if path.endswith(".yaml") else JSON)


def _origin(request: Request) -> tuple[str, str]:
    """Return scheme and host by which the client reached us; no host if it names none."""
    forwarded = request.header(b"x-forwarded-proto").partition(",")[0].strip().lower()
    scheme = forwarded if forwarded in ("http", "https") else request.scheme
    for name in (b"x-forwarded-host", b"host"):
        host = request.header(name).partition(",")[0].strip()
        if _HOST.match(host):
            return scheme, host
    return scheme, ""


def _relocate(body: bytes, path: str, scheme: str, host: bytes, prefix: bytes) -> bytes:
    """Write the place of the server into a document."""
    if path == "asyncapi.json":
        protocol = b'"protocol": "%b"' % (b"wss" if scheme == "https" else b"ws")
        replacements = (b'"%b"' % host, b'"%b"' % prefix, protocol)
        for old, new in zip(BASE_PARTS, replacements, strict=True):
            body = body.replace(old, new, 1)
        return body
    return body.replace(BASE, b"%b://%b%b" % (scheme.encode(), host, prefix))


# the explorer


def _is_explorer(path: str) -> bool:
    return path == EXPLORER or path.startswith(f"{EXPLORER}/")


def _explorer(request: Request, name: str) -> Response:
    file = _explorer_files().get(name or EXPLORER_PAGE)
    if file is None:
        return error(404, "Resource not found")
    response = serve_file(file, request)
    response.content_type = CONTENT_TYPES.get(file.suffix, b"text/plain; charset=utf-8")
    response.headers += (POLICY, (b"X-Content-Type-Options", b"nosniff"))
    return response


@cache
def _explorer_files() -> dict[str, Path]:
    folder = _data() / "explorer"
    return {file.name: file for file in folder.iterdir()}


@cache
def _documents() -> dict[str, bytes]:
    """Return every document by its path below ``/ari/``."""
    data = _data()
    found = {"openapi.json": load_bundle()}
    for name in ("openapi.yaml", "asyncapi.json", "events.schema.json"):
        found[name] = (data / name).read_bytes()
    for file in (data / "api-docs").iterdir():
        found[f"{API_DOCS}{file.name}"] = file.read_bytes()
    return found


def _data() -> Path:
    return Path(str(resources.files("server.http").joinpath("data")))
