"""Our own requests: one request to its end, with a second try when credentials are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from server.sip.auth import DigestClient
from server.sip.headers import CSeq
from server.sip.message import Request, Response
from server.sip.transaction import ClientTransaction, Flow, ServerTransaction

Done = Callable[[int, "Response | None", float], None]
"""Called with the final status, the response (``None``: timeout or broken flow), and the time."""

Provisional = Callable[[Response, float], None]


class RequestSender(Protocol):
    """What sends: the stack."""

    def send_request(
        self, request: Request, flow: Flow, now: float, user: TransactionUser
    ) -> ClientTransaction: ...


class TransactionUser(Protocol):
    """Who hears of a client transaction."""

    def handle_response(self, txn: ClientTransaction, response: Response, now: float) -> None: ...

    def handle_failure(self, txn: ClientTransaction, status: int, now: float) -> None: ...


class OwnRequest:
    """A request of ours, from its first try to its final response.

    :param next_cseq: numbers a further try.
    :param digest: answers challenges; ``None`` passes them on as final.
    :param done: called once; for an INVITE once for every 2xx that comes.
    """

    __slots__ = ("_digest", "_done", "_next_cseq", "_provisional", "_sender", "flow", "request",
                 "txn")  # fmt: skip

    def __init__(
        self,
        sender: RequestSender,
        request: Request,
        flow: Flow,
        done: Done,
        *,
        next_cseq: Callable[[], int],
        digest: DigestClient | None = None,
        provisional: Provisional | None = None,
    ) -> None:
        self._sender = sender
        self._done = done
        self._next_cseq = next_cseq
        self._digest = digest
        self._provisional = provisional
        self.request = request
        self.flow = flow
        self.txn: ClientTransaction | None = None

    def send(self, now: float) -> None:
        """Send the first try.

        :raises Unavailable: too many transactions.
        """
        self.txn = self._sender.send_request(self.request, self.flow, now, self)

    def handle_response(self, txn: ClientTransaction, response: Response, now: float) -> None:
        if txn is not self.txn:
            return  # the end of a try that was given up
        if response.status < 200:
            if self._provisional is not None:
                self._provisional(response, now)
        elif response.status not in (401, 407) or not self._retry(response, now):
            self._done(response.status, response, now)

    def handle_failure(self, txn: ClientTransaction, status: int, now: float) -> None:
        if txn is self.txn:
            self._done(status, None, now)

    def release(self, txn: ClientTransaction | ServerTransaction) -> None:
        """Let go of who waits for the outcome: *txn* is forgotten, and no more will come of it."""
        if txn is self.txn:
            self._done = ignore_outcome
            self._provisional = None
            del self._next_cseq

    def _retry(self, response: Response, now: float) -> bool:
        if self._digest is None:
            return False
        request = self.request.copy()
        request.headers.remove("Via")
        request.cseq = CSeq(self._next_cseq(), request.method)
        if not self._digest.authorize(request, response):
            return False
        self.request = request
        self.send(now)
        return True


def ignore_outcome(status: int, response: Response | None, now: float) -> None:
    """For requests whose end changes nothing."""
