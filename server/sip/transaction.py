"""Transactions (RFC 3261 section 17, RFC 6026): matching, retransmission, timeouts.

Give :class:`TransactionLayer` messages and the time; after every call, send
:meth:`~TransactionLayer.messages_to_send`, take events with
:meth:`~TransactionLayer.next_event` until there is none, and arm one timer for
:meth:`~TransactionLayer.get_timer`.

What the layer does by itself: ACK for 3xx-6xx; 100 Trying if an INVITE is not answered within
200 ms; 400/505 for requests it can't validate, 481 for a CANCEL without its INVITE, 482 for merged
requests, 503 when full; Via ``received`` and ``rport`` (RFC 3581).
What the user of the layer does: ACK for 2xx (:meth:`~TransactionLayer.send_stateless`, for every
ResponseReceived with a 2xx), repeating a 2xx until its ACK comes, 200 to a CANCEL and 487 to the
INVITE that it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from server.sip.message import Request, Response
from server.sip.timers import Timers


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


class State(StrEnum):
    """The states of all four machines, named as in the RFC."""

    CALLING = "Calling"
    TRYING = "Trying"
    PROCEEDING = "Proceeding"
    COMPLETED = "Completed"
    CONFIRMED = "Confirmed"
    ACCEPTED = "Accepted"
    TERMINATED = "Terminated"


class Transaction:
    """What client and server transactions share. Made by the layer only."""

    state: State
    flow: Flow
    method: str
    user_data: Any  # the user's own, never touched


class ClientTransaction(Transaction):
    """One request we sent."""

    request: Request


class ServerTransaction(Transaction):
    """One request we received.

    :attr:`request` is let go once a final response was sent, since the transaction lingers for
    32 s: who needs it later keeps it. Reading it then raises LocalProtocolError.
    """

    request: Request


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


class TransactionLayer:
    """All transactions of a stack.

    :param max_transactions: more requests are answered with 503; our own raise Unavailable.
    :param reply_flow: which flow responses to a request take, by default the one it came on;
        the place for RFC 3261 section 18.2.2 and force_rport (see :func:`response_address`).
    """

    def __init__(
        self,
        timers: Timers | None = None,
        *,
        max_transactions: int = 100_000,
        reply_flow: Callable[[Request, Flow], Flow] | None = None,
    ) -> None: ...

    def receive(self, message: Request | Response, flow: Flow, now: float) -> None:
        """Take a message. Never raises for what a peer can send."""

    def send_request(
        self, request: Request, flow: Flow, now: float, user_data: Any = None
    ) -> ClientTransaction:
        """Send a request (not ACK, not CANCEL). A Via is added if it has none.

        :raises Unavailable: too many transactions.
        :raises LocalProtocolError: the request can't be encoded.
        """
        raise NotImplementedError

    def respond(self, txn: ServerTransaction, response: Response, now: float) -> None:
        """Send a response; a 2xx to an INVITE may be sent again while in ACCEPTED.

        :raises LocalProtocolError: the state forbids it (a final response was sent before), or
            the response can't be encoded. Nothing changes then.
        """

    def cancel(self, client_txn: ClientTransaction, now: float) -> ClientTransaction | None:
        """CANCEL an INVITE of ours, once it has a provisional response (deferred until then).

        :returns: the CANCEL's transaction, ``None`` if it is deferred or no longer makes sense.
        """
        raise NotImplementedError

    def send_stateless(self, message: Request | Response, flow: Flow) -> None:
        """Send outside any transaction: ACK to a 2xx (Via added if it has none), a 2xx again."""

    def next_event(self) -> TransactionEvent | None:
        """The next event in order, ``None`` when there is none."""
        raise NotImplementedError

    def messages_to_send(self) -> list[tuple[Flow, bytes]]:
        """What is to be sent now, in order; each is given once."""
        raise NotImplementedError

    def get_timer(self) -> float | None:
        """When :meth:`handle_timer` is due, ``None`` if no timer runs."""
        raise NotImplementedError

    def handle_timer(self, now: float) -> None:
        """Let all timers fire that are due."""

    def transport_failed(self, flow: Flow, now: float) -> None:
        """All transactions on *flow* fail."""


def response_address(request: Request) -> tuple[str, int]:
    """Where RFC 3261 section 18.2.2 and RFC 3581 send responses over UDP: from the top Via."""
    raise NotImplementedError


def new_branch() -> str:
    """A branch with RFC 3261's magic cookie."""
    raise NotImplementedError


def new_tag() -> str:
    """A From or To tag."""
    raise NotImplementedError
