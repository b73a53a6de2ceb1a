"""The page that a Prometheus server fetches (prometheus.conf)."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from server.config.sections.prometheus import Prometheus
from server.http.messages import Request, Response, error

Render = Callable[[str], Awaitable[tuple[bytes, str]]]


class MetricsPage:
    """Answers GET with the figures, to who knows the password if there is one.

    :param render: makes text and content type for a value of ``Accept``.
    """

    def __init__(self, settings: Prometheus, render: Render) -> None:
        self._settings = settings
        self._render = render

    def __call__(self, request: Request) -> Response | Coroutine[Any, Any, Response]:
        """Answer a request."""
        if request.method not in ("GET", "HEAD"):
            return error(405, "Method not allowed", (b"Allow", b"GET"))
        if not self._is_admitted(request):
            realm = self._settings.auth_realm.replace('"', "'").encode("latin-1", "replace")
            challenge = (b"WWW-Authenticate", b'Basic realm="%b"' % realm)
            return error(401, "Authentication required", challenge)
        return self._respond(request)

    async def _respond(self, request: Request) -> Response:
        text, content_type = await self._render(request.header(b"accept"))
        return Response(200, text, content_type.encode())

    def _is_admitted(self, request: Request) -> bool:
        settings = self._settings
        if not settings.auth_username or not settings.auth_password:
            return True
        scheme, _, value = request.header(b"authorization").partition(" ")
        try:
            given = base64.b64decode(value.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        wanted = f"{settings.auth_username}:{settings.auth_password}".encode()
        return scheme.lower() == "basic" and hmac.compare_digest(given, wanted)
