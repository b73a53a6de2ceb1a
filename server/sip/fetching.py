"""Requests of endpoints that have to be fetched first wait here, outside of the SIP core.

The core knows the settings that it was given and nothing else. Before it sees a request that
begins something, whoever has objects elsewhere is asked whether what it knows of the sender is
good; if not, the message and all that follow of the same Call-ID wait until that was fetched, or
for :data:`FETCH_TIMEOUT`. Other messages go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from server.base import suspension
from server.base.errors import InvalidState, RemoteProtocolError
from server.base.tasks import TaskScope
from server.sip.dialstring import endpoint_names
from server.sip.identify import EndpointIdentifier, digest_user
from server.sip.message import Request, parse_message
from server.sip.transaction import Flow

logger = logging.getLogger(__name__)

FETCH_TIMEOUT = 2.0  # seconds; a phone repeats its request for 32
MAX_WAITING = 2_000  # messages; one more is dropped, and comes again
MAX_PER_CALL = 8  # messages: a request, its repetitions, CANCEL
RESPONSE = b"SIP/2.0 "


class ObjectFetcher(Protocol):
    """Knows objects that are not in the settings (yet)."""

    def wants(self, names: Sequence[str]) -> bool:
        """Tell whether any of these endpoints has to be fetched before it is used."""
        ...

    async def fetch(self, names: Sequence[str]) -> None:
        """Bring the settings up to date about these endpoints. Never raises for a database."""
        ...

    def fetch_soon(self, names: Sequence[str]) -> None:
        """Do so meanwhile."""
        ...


class Gate:
    """Lets messages through, some of them later.

    :param identifier: returns how requests are matched to endpoints now.
    :param deliver: takes a message.
    """

    def __init__(
        self,
        fetcher: ObjectFetcher,
        scope: TaskScope,
        identifier: Callable[[], EndpointIdentifier],
        deliver: Callable[[bytes, Flow], None],
    ) -> None:
        self._fetcher = fetcher
        self._scope = scope
        self._identifier = identifier
        self._deliver = deliver
        self._waiting: dict[str, list[tuple[bytes, Flow]]] = {}  # by Call-ID
        self.dropped = 0

    def holds(self, data: bytes, flow: Flow) -> bool:
        """Take a message that has to wait; ``False``: it need not."""
        if data.startswith(RESPONSE):
            return False
        try:
            message = parse_message(data)
            if not isinstance(message, Request):
                return False
            call_id = message.call_id
            waiting = self._waiting.get(call_id)
            if waiting is None:
                names = self._senders(message, flow)
                if not names or not self._fetcher.wants(names):
                    return False
        except RemoteProtocolError:
            return False
        if waiting is not None:
            self._join(waiting, data, flow)
            return True
        if len(self._waiting) >= MAX_WAITING:
            self.dropped += 1
            return True
        self._waiting[call_id] = [(data, flow)]
        self._scope.spawn(self._fetch(call_id, names), "fetch endpoint")
        return True

    def refresh(self, resource: str) -> None:
        """Fetch the endpoint of a dial string before it is called.

        Who calls waits if that is possible there, and else gets what is known.
        """
        names = endpoint_names(resource)
        if not self._fetcher.wants(names):
            return
        try:
            suspension.wait(self._fetch_in_time(names))
        except InvalidState:
            self._fetcher.fetch_soon(names)

    def _join(self, waiting: list[tuple[bytes, Flow]], data: bytes, flow: Flow) -> None:
        if len(waiting) < MAX_PER_CALL:
            waiting.append((data, flow))
        else:
            self.dropped += 1

    def _senders(self, request: Request, flow: Flow) -> list[str]:
        """Return the endpoints that a request outside of dialogs could be from."""
        if request.method in ("ACK", "CANCEL", "BYE") or request.to.tag:
            return []
        uri = request.from_.uri
        identifier = self._identifier()
        names = [*identifier.names_of(uri.user, uri.host), digest_user(request) or ""]
        known = identifier.identify(request, flow)
        names += [known.name] if known is not None else []
        return [name for name in dict.fromkeys(names) if name]

    async def _fetch(self, call_id: str, names: Sequence[str]) -> None:
        try:
            await self._fetch_in_time(names)
        finally:
            for data, flow in self._waiting.pop(call_id):
                self._deliver(data, flow)

    async def _fetch_in_time(self, names: Sequence[str]) -> None:
        try:
            async with asyncio.timeout(FETCH_TIMEOUT):
                await self._fetcher.fetch(names)
        except TimeoutError:
            logger.warning("no answer about endpoint %s in time", names[-1])
