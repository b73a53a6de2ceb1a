"""Endpoints under maintenance: calls that are on go on, new ones are refused both ways.

What an operator sets lasts until the server ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from server.base.errors import Unavailable
from server.sip.message import Request, Response
from server.sip.transaction_matching import new_tag

RETRY_AFTER = 300  # seconds, as Asterisk says
_MAY_END = frozenset({"REGISTER", "SUBSCRIBE"})  # with Expires: 0 they end something


class Maintenance:
    """Which endpoints are under maintenance.

    :ivar observers: called with an endpoint's name and its state when that changed.
    """

    def __init__(self) -> None:
        self._endpoints: set[str] = set()
        self.observers: list[Callable[[str, bool], None]] = []

    def __contains__(self, endpoint: str) -> bool:
        return endpoint in self._endpoints

    def list(self) -> list[str]:
        """Return the endpoints that are, by name."""
        return sorted(self._endpoints)

    def set(self, endpoints: Iterable[str], is_on: bool) -> None:
        """Put endpoints under maintenance, or end it."""
        for endpoint in endpoints:
            if (endpoint in self._endpoints) == is_on:
                continue
            if is_on:
                self._endpoints.add(endpoint)
            else:
                self._endpoints.discard(endpoint)
            for observer in self.observers:
                observer(endpoint, is_on)

    def check(self, endpoint: str) -> None:
        """Make sure that an endpoint may be called.

        :raises Unavailable: it is under maintenance.
        """
        if endpoint in self._endpoints:
            raise Unavailable(f"endpoint {endpoint} is under maintenance")

    def refuse(self, endpoint: str, request: Request) -> Response | None:
        """Return the refusal of a new request of an endpoint, ``None`` if it is welcome."""
        if endpoint not in self._endpoints:
            return None
        if request.method in _MAY_END and (request.headers.get("Expires") or "").strip() == "0":
            return None
        response = request.response(503, to_tag=new_tag())
        response.retry_after = RETRY_AFTER
        return response
