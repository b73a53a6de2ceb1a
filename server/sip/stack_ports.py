"""The ports of the SIP stack: what it stands on, and what it reports to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from server.sip.message import Request
from server.sip.session_incoming import IncomingSession
from server.sip.settings import Endpoint
from server.sip.transaction import Flow
from server.sip.uri import Uri

FlowFound = Callable[["Flow | None", float], None]
MessageLogger = Callable[[bool, Flow, bytes], None]
"""Called with ``True`` for what we sent, the flow, and the message."""


class FlowProvider(Protocol):
    """The transports, as the stack sees them."""

    def find_flow(self, uri: Uri, transport: str, done: FlowFound, now: float) -> None:
        """Find or make a way to *uri*; ``done`` may be called before this returns.

        :param transport: name of the transport to prefer, or empty.
        """

    def reply_flow(self, flow: Flow, address: tuple[str, int]) -> Flow:
        """The flow from the same socket to another address (RFC 3261 section 18.2.2)."""

    def advertised(self, flow: Flow) -> tuple[str, int]:
        """Our signalling address as a peer on *flow* can reach it."""


class StackUser(Protocol):
    """What the stack reports to: the technology."""

    def on_call(self, session: IncomingSession, request: Request, now: float) -> None:
        """A new call. On return the session has its listener, or is refused.

        :raises RemoteProtocolError: refuse it with this status.
        :raises Unavailable: refuse it with 503.
        """

    def on_message(self, endpoint: Endpoint, request: Request, flow: Flow) -> None:
        """A text outside of calls; on return it is taken.

        :raises RemoteProtocolError: refuse it with this status.
        """

    def has_extension(self, endpoint: Endpoint, user: str) -> bool:
        """Whether an OPTIONS to *user* finds anything."""
