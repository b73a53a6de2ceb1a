"""What the transaction layer works with and reports: flows, transactions, events."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Protocol

from server.base.errors import LocalProtocolError
from server.sip.message import Request, Response
from server.sip.transaction_machines import TRANSITIONS, Event, Kind, Machine, State


class Flow(Hashable, Protocol):
    """A way to one peer: a connection, or a socket and a remote address. Equal flows are one."""

    @property
    def is_reliable(self) -> bool:
        """``True`` for all but UDP."""

    @property
    def transport(self) -> str:
        """``UDP``, ``TCP``, ``TLS``, ``WS`` or ``WSS``, as in Via."""

    @property
    def local(self) -> tuple[str, int]:
        """Our address as it goes into Via."""

    @property
    def remote(self) -> tuple[str, int]:
        """The peer's address and port."""


class Transaction:
    """What client and server transactions share. Made by the layer only.

    :attr:`user_data` is the user's own and never touched.
    """

    __slots__ = (
        "flow",
        "interval",
        "key",
        "kind",
        "last_message",
        "machine",
        "method",
        "state",
        "timers",
        "user_data",
    )

    def __init__(self, kind: Kind, key: Hashable, method: str, flow: Flow, state: State) -> None:
        # set at the start, then read-only
        self.kind = kind
        self.machine: Machine = TRANSITIONS[kind]
        self.key = key
        self.method = method
        self.flow = flow
        # changed by the layer only
        self.state = state
        self.last_message = b""  # what a retransmission repeats
        self.interval = 0.0  # seconds until the next retransmission after the one that is due
        self.timers: dict[Event, float] = {}  # deadlines
        # the user's
        self.user_data: Any = None

    @property
    def is_terminated(self) -> bool:
        """``True`` once the layer has forgotten it."""
        return self.state is State.TERMINATED

    def __repr__(self) -> str:
        return f"<{self.kind} {self.method} {self.state}>"


class ClientTransaction(Transaction):
    """One request we sent."""

    __slots__ = ("is_cancelled", "request")

    def __init__(self, kind: Kind, key: Hashable, request: Request, flow: Flow, state: State):
        super().__init__(kind, key, request.method, flow, state)
        self.request = request
        self.is_cancelled = False  # the user asked to CANCEL it


class ServerTransaction(Transaction):
    """One request we received.

    :attr:`request` is let go once a final response was sent, since the transaction lingers for
    32 s: who needs it later keeps it. Reading it then raises LocalProtocolError.
    """

    __slots__ = ("_request", "merge_key", "reply_flow")

    def __init__(
        self,
        kind: Kind,
        key: Hashable,
        request: Request,
        flow: Flow,
        state: State,
        reply_flow: Flow,
    ) -> None:
        super().__init__(kind, key, request.method, flow, state)
        self.reply_flow = reply_flow
        self.merge_key: Hashable = None
        self._request: Request | None = request

    @property
    def request(self) -> Request:
        """The request, until a final response was sent."""
        if self._request is None:
            raise LocalProtocolError(f"{self!r} has let its request go")
        return self._request

    def release_request(self) -> None:
        """Let the request go."""
        self._request = None


@dataclass(slots=True)
class RequestReceived:
    """A new request, any but ACK and CANCEL. Answer it with ``respond(txn, …)``."""

    txn: ServerTransaction
    request: Request
    flow: Flow


@dataclass(slots=True)
class AckReceived:
    """An ACK for a 2xx (those for other responses end inside the layer)."""

    request: Request
    flow: Flow


@dataclass(slots=True)
class CancelReceived:
    """A CANCEL for an INVITE. Always answer *cancel_txn* with 200; if *invite_txn* is still
    without final response, answer that with 487."""

    invite_txn: ServerTransaction
    cancel_txn: ServerTransaction


@dataclass(slots=True)
class ResponseReceived:
    """A response; for an INVITE possibly several 2xx, each to be ACKed."""

    txn: ClientTransaction
    response: Response


@dataclass(slots=True)
class TransactionTimeout:
    """No final response came (client: treat as 408), or no ACK for a 3xx-6xx (server)."""

    txn: ClientTransaction | ServerTransaction


@dataclass(slots=True)
class TransportFailed:
    """The flow broke (client: treat as 503)."""

    txn: ClientTransaction | ServerTransaction


@dataclass(slots=True)
class TransactionTerminated:
    """The transaction is over and forgotten."""

    txn: ClientTransaction | ServerTransaction


TransactionEvent = (
    RequestReceived
    | AckReceived
    | CancelReceived
    | ResponseReceived
    | TransactionTimeout
    | TransportFailed
    | TransactionTerminated
)


@dataclass(slots=True)
class TransactionCounters:
    """What was dropped, refused or repeated; each only grows."""

    malformed: int = 0  # failed validation
    stray_responses: int = 0  # without a transaction, or useless in its state
    stray_requests: int = 0  # an ACK that no state waits for
    retransmissions: int = 0  # requests that came again
    merged: int = 0  # answered with 482
    refused: int = 0  # answered with 503, or our own not sent
    timeouts: int = 0
