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

import logging
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import Any

from server.base.errors import LocalProtocolError, RemoteProtocolError, Unavailable
from server.sip.message import Request, Response
from server.sip.timers import Timers
from server.sip.transaction_events import (
    AckReceived,
    CancelReceived,
    ClientTransaction,
    Flow,
    RequestReceived,
    ResponseReceived,
    ServerTransaction,
    Transaction,
    TransactionCounters,
    TransactionEvent,
    TransactionTerminated,
    TransactionTimeout,
    TransportFailed,
)
from server.sip.transaction_machines import START, Action, Event, Kind, State, Step
from server.sip.transaction_matching import (
    MAGIC_COOKIE,
    Key,
    hop_by_hop,
    make_via,
    new_branch,
    new_tag,
    note_source,
    response_address,
    server_key,
)

__all__ = [
    "AckReceived",
    "CancelReceived",
    "ClientTransaction",
    "Flow",
    "RequestReceived",
    "ResponseReceived",
    "ServerTransaction",
    "State",
    "Transaction",
    "TransactionCounters",
    "TransactionEvent",
    "TransactionLayer",
    "TransactionTerminated",
    "TransactionTimeout",
    "TransportFailed",
    "new_branch",
    "new_tag",
    "response_address",
]

logger = logging.getLogger(__name__)

RETRY_AFTER = "5"  # seconds, in a 503 when full


class TransactionLayer:
    """All transactions of a stack.

    :param max_transactions: more requests are answered with 503; our own raise Unavailable.
        Each call leaves a few behind for 32 s: 100,000 suit 800 calls per second.
    :param reply_flow: which flow responses to a request take, by default the one it came on;
        the place for RFC 3261 section 18.2.2 and force_rport (see :func:`response_address`).
    """

    def __init__(
        self,
        timers: Timers | None = None,
        *,
        max_transactions: int = 100_000,
        reply_flow: Callable[[Request, Flow], Flow] | None = None,
    ) -> None:
        # configuration
        self._timers = timers or Timers()
        self._durations = (self._timers.durations(False), self._timers.durations(True))
        self._max_transactions = max_transactions
        self._choose_reply_flow = reply_flow
        # transactions
        self._clients: dict[Hashable, ClientTransaction] = {}
        self._servers: dict[Hashable, ServerTransaction] = {}
        self._merge_keys: dict[Hashable, ServerTransaction] = {}
        self._by_flow: dict[Flow, set[Transaction]] = {}
        # timers: (deadline, tie-breaker, transaction, event); stopped ones stay until they are due
        self._heap: list[tuple[float, int, Transaction, Event]] = []
        self._sequence = count()
        # things to send and to report
        self._outgoing: list[tuple[Flow, bytes]] = []
        self._events: deque[TransactionEvent] = deque()
        self.counters = TransactionCounters()
        self._actions: dict[Action, Callable[[Any, float, Any], None]] = {
            Action.DELIVER: self._on_deliver,
            Action.SEND: self._on_send,
            Action.RESEND: self._on_resend,
            Action.RETRANSMIT: self._on_retransmit,
            Action.SEND_ACK: self._on_send_ack,
            Action.SEND_TRYING: self._on_send_trying,
            Action.SEND_CANCEL: self._on_send_cancel,
            Action.STOP_100: self._on_stop_100,
            Action.TIMEOUT: self._on_timeout,
            Action.FAIL: self._on_fail,
        }

    def __len__(self) -> int:
        """How many transactions live."""
        return len(self._clients) + len(self._servers)

    # input from the network

    def receive(self, message: Request | Response, flow: Flow, now: float) -> None:
        """Take a message. Never raises for what a peer can send."""
        if isinstance(message, Request):
            self._receive_request(message, flow, now)
        else:
            self._receive_response(message, now)

    def transport_failed(self, flow: Flow, now: float) -> None:
        """All transactions on *flow* fail."""
        for txn in list(self._by_flow.get(flow, ())):
            self._handle(txn, Event.TRANSPORT_ERROR, now)

    # input from the transaction user

    def send_request(
        self, request: Request, flow: Flow, now: float, user_data: Any = None
    ) -> ClientTransaction:
        """Send a request (not ACK, not CANCEL). A Via is added to it if it has none.

        :raises Unavailable: too many transactions.
        :raises LocalProtocolError: the request can't be encoded.
        """
        if request.method in ("ACK", "CANCEL"):
            raise LocalProtocolError(f"{request.method} is not for send_request")
        if len(self) >= self._max_transactions:
            self.counters.refused += 1
            raise Unavailable(f"{len(self)} SIP transactions live")
        txn = self._start_client(request, flow, now)
        txn.user_data = user_data
        return txn

    def respond(self, txn: ServerTransaction, response: Response, now: float) -> None:
        """Send a response; a 2xx to an INVITE may be sent again while in ACCEPTED.

        :raises LocalProtocolError: the state forbids it (a final response was sent before), or
            the response can't be encoded. Nothing changes then.
        """
        status = response.status
        event = _SEND_1XX if status < 200 else _SEND_2XX if status < 300 else _SEND_300_699
        if event not in txn.machine[txn.state]:
            raise LocalProtocolError(f"{txn!r} can't send {status}")
        data = response.encode()
        self._handle(txn, event, now, data)
        if status >= 200:
            txn.release_request()

    def cancel(self, client_txn: ClientTransaction, now: float) -> ClientTransaction | None:
        """CANCEL an INVITE of ours, once it has a provisional response (deferred until then).

        The CANCEL's own transaction reports like any other, without user data.

        :returns: the CANCEL's transaction, ``None`` if it is deferred or no longer makes sense.
        """
        if client_txn.kind is not Kind.CLIENT_INVITE or client_txn.is_cancelled:
            return None
        client_txn.is_cancelled = True
        is_due = client_txn.state is State.PROCEEDING
        return self._send_cancel(client_txn, now) if is_due else None

    def send_stateless(self, message: Request | Response, flow: Flow) -> None:
        """Send outside any transaction: ACK to a 2xx (Via added if it has none), a 2xx again.

        :raises LocalProtocolError: the message can't be encoded.
        """
        if isinstance(message, Request) and "Via" not in message.headers:
            message.push_via(make_via(flow))
        self._outgoing.append((flow, message.encode()))

    # output

    def next_event(self) -> TransactionEvent | None:
        """The next event in order, ``None`` when there is none."""
        return self._events.popleft() if self._events else None

    def messages_to_send(self) -> list[tuple[Flow, bytes]]:
        """What is to be sent now, in order; each is given once."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def get_timer(self) -> float | None:
        """When :meth:`handle_timer` is due, ``None`` if no timer runs."""
        heap = self._heap
        while heap:
            deadline, _, txn, event = heap[0]
            if txn.timers.get(event) == deadline:
                return deadline
            heappop(heap)
        return None

    def handle_timer(self, now: float) -> None:
        """Let all timers fire that are due."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            deadline, _, txn, event = heappop(heap)
            if txn.timers.get(event) == deadline:
                del txn.timers[event]
                self._handle(txn, event, now)

    # requests

    def _receive_request(self, request: Request, flow: Flow, now: float) -> None:
        try:
            request.validate()
        except RemoteProtocolError as error:
            self._refuse_malformed(request, flow, error)
            return
        key = server_key(request)
        note_source(request, flow)
        if request.method == "ACK":
            self._receive_ack(request, key, flow, now)
            return
        known = self._servers.get(key)
        if known is not None:
            self.counters.retransmissions += 1
            self._handle(known, Event.REQUEST, now)
        elif len(self) >= self._max_transactions:
            self.counters.refused += 1
            self._reply(request, flow, 503, (("Retry-After", RETRY_AFTER),))
        elif request.method == "CANCEL":
            self._receive_cancel(request, key, flow, now)
        else:
            self._receive_new(request, key, flow, now)

    def _receive_new(self, request: Request, key: Key, flow: Flow, now: float) -> None:
        merge_key: Hashable = None
        if not request.to.tag:  # RFC 3261 section 8.2.2.2
            merge_key = (request.from_.tag, request.call_id, request.cseq)
            if merge_key in self._merge_keys:
                self.counters.merged += 1
                self._reply(request, flow, 482)
                return
        txn = self._start_server(request, key, flow, now)
        if merge_key is not None:
            txn.merge_key = merge_key
            self._merge_keys[merge_key] = txn
        self._events.append(RequestReceived(txn, request, flow))

    def _receive_ack(self, request: Request, key: Key, flow: Flow, now: float) -> None:
        txn = self._servers.get(key)
        if txn is None:
            self._events.append(AckReceived(request, flow))
        elif not self._handle(txn, Event.ACK, now, (request, flow)):
            self.counters.stray_requests += 1

    def _receive_cancel(self, request: Request, key: Key, flow: Flow, now: float) -> None:
        invite_txn = self._servers.get((*key[:-1], "INVITE"))
        if invite_txn is None:
            self._reply(request, flow, 481)
            return
        cancel_txn = self._start_server(request, key, flow, now)
        self._events.append(CancelReceived(invite_txn, cancel_txn))

    def _refuse_malformed(self, request: Request, flow: Flow, error: RemoteProtocolError) -> None:
        """Answer what can be answered; without a usable Via that is nothing."""
        self.counters.malformed += 1
        logger.debug("malformed %s from %s: %s", request.method, flow.remote, error)
        if request.method == "ACK":
            return
        try:
            note_source(request, flow)
            reply_flow = self._reply_flow(request, flow)
        except RemoteProtocolError:
            return
        data = request.response(error.status or 400).encode()
        self._outgoing.append((reply_flow, data))

    def _reply(
        self,
        request: Request,
        flow: Flow,
        status: int,
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Answer without a transaction (RFC 3261 section 8.2.7)."""
        response = request.response(status, to_tag=new_tag())
        for name, value in headers:
            response.headers.set(name, value)
        self._outgoing.append((self._reply_flow(request, flow), response.encode()))

    def _reply_flow(self, request: Request, flow: Flow) -> Flow:
        choose = self._choose_reply_flow
        return flow if choose is None else choose(request, flow)

    def _start_server(
        self, request: Request, key: Key, flow: Flow, now: float
    ) -> ServerTransaction:
        kind = Kind.SERVER_INVITE if request.method == "INVITE" else Kind.SERVER_OTHER
        reply_flow = self._reply_flow(request, flow)
        begin = START[kind]
        txn = ServerTransaction(kind, key, request, flow, begin.state, reply_flow)
        self._servers[key] = txn
        self._begin(txn, begin, now)
        return txn

    # responses

    def _receive_response(self, response: Response, now: float) -> None:
        try:
            vias = response.vias
            txn = self._clients.get((vias[0].branch, response.cseq.method)) if vias else None
            if txn is None:
                self.counters.stray_responses += 1
                return
            response.validate()
        except RemoteProtocolError as error:
            self.counters.malformed += 1
            logger.debug("malformed response: %s", error)
            return
        status = response.status
        event = _RECEIVE_1XX if status < 200 else _RECEIVE_2XX if status < 300 else _RECEIVE_FINAL
        # More than one Via: on its way to somebody else (RFC 3261 section 8.1.3.3).
        if len(vias) > 1 or not self._handle(txn, event, now, response):
            self.counters.stray_responses += 1

    def _start_client(self, request: Request, flow: Flow, now: float) -> ClientTransaction:
        if "Via" not in request.headers:
            request.push_via(make_via(flow))
        branch = request.via.branch
        key = (branch, request.method)
        if not branch.startswith(MAGIC_COOKIE) or key in self._clients:
            raise LocalProtocolError(f"branch {branch!r} is in use or lacks the magic cookie")
        data = request.encode()
        kind = Kind.CLIENT_INVITE if request.method == "INVITE" else Kind.CLIENT_OTHER
        begin = START[kind]
        txn = ClientTransaction(kind, key, request, flow, begin.state)
        txn.last_message = data
        self._clients[key] = txn
        self._outgoing.append((flow, data))
        self._begin(txn, begin, now)
        return txn

    def _send_cancel(self, txn: ClientTransaction, now: float) -> ClientTransaction:
        # Stop waiting some time after the CANCEL (RFC 3261 section 9.1).
        self._start_timer(txn, Event.TIMER_CANCEL, self._timers.timeout, now)
        return self._start_client(hop_by_hop("CANCEL", txn.request), txn.flow, now)

    # the machines

    def _begin(self, txn: Transaction, begin: Step, now: float) -> None:
        members = self._by_flow.get(txn.flow)
        if members is None:
            members = self._by_flow[txn.flow] = set()
        members.add(txn)
        for timer in begin.start:
            self._start_timer(txn, timer, None, now)

    def _handle(self, txn: Transaction, event: Event, now: float, argument: Any = None) -> bool:
        """Make one step. ``False`` if the event means nothing in this state."""
        step = txn.machine[txn.state].get(event)
        if step is None:
            return False
        state, actions, start = step
        for action in actions:
            self._actions[action](txn, now, argument)
        for timer in start:
            self._start_timer(txn, timer, None, now)
        if state is not txn.state:
            self._set_state(txn, state)
        return True

    def _set_state(self, txn: Transaction, state: State) -> None:
        logger.debug("%s %s: %s -> %s", txn.method, txn.key, txn.state, state)
        txn.state = state
        row = txn.machine[state]
        for timer in [timer for timer in txn.timers if timer not in row]:
            del txn.timers[timer]
        if state is State.TERMINATED:
            self._forget(txn)

    def _forget(self, txn: Transaction) -> None:
        if isinstance(txn, ServerTransaction):
            del self._servers[txn.key]
            if txn.merge_key is not None:
                del self._merge_keys[txn.merge_key]
        else:
            del self._clients[txn.key]
        members = self._by_flow[txn.flow]
        members.discard(txn)
        if not members:
            del self._by_flow[txn.flow]
        self._events.append(TransactionTerminated(txn))  # type: ignore[arg-type]

    def _start_timer(
        self, txn: Transaction, timer: Event, duration: float | None, now: float
    ) -> None:
        """Start a timer, with its first duration if *duration* is ``None``."""
        if duration is None:
            duration = self._durations[txn.flow.is_reliable][timer]
            if duration is None:
                return
            if timer in _RETRANSMISSION_TIMERS:
                txn.interval = duration
        deadline = now + duration
        txn.timers[timer] = deadline
        heappush(self._heap, (deadline, next(self._sequence), txn, timer))

    # actions

    def _on_deliver(self, txn: Transaction, now: float, argument: Any) -> None:
        if isinstance(txn, ClientTransaction):
            self._events.append(ResponseReceived(txn, argument))
        else:
            request, flow = argument
            self._events.append(AckReceived(request, flow))

    def _on_send(self, txn: ServerTransaction, now: float, data: bytes) -> None:
        txn.last_message = data
        self._outgoing.append((txn.reply_flow, data))

    def _on_resend(self, txn: Transaction, now: float, argument: Any) -> None:
        if txn.last_message:
            flow = txn.reply_flow if isinstance(txn, ServerTransaction) else txn.flow
            self._outgoing.append((flow, txn.last_message))

    def _on_retransmit(self, txn: Transaction, now: float, argument: Any) -> None:
        """Timers A (doubles without end), E and G (up to T2; E at T2 in PROCEEDING)."""
        self._on_resend(txn, now, argument)
        t2 = self._timers.t2
        if txn.kind is Kind.CLIENT_INVITE:
            txn.interval *= 2
        elif txn.state is State.PROCEEDING:
            txn.interval = t2
        else:
            txn.interval = min(txn.interval * 2, t2)
        self._start_timer(txn, _RETRANSMISSION_TIMER[txn.kind], txn.interval, now)

    def _on_send_ack(self, txn: ClientTransaction, now: float, response: Response) -> None:
        ack = hop_by_hop("ACK", txn.request)
        ack.headers.set("To", response.headers.get("To") or "")
        self._outgoing.append((txn.flow, ack.encode()))

    def _on_send_trying(self, txn: ServerTransaction, now: float, argument: Any) -> None:
        self._on_send(txn, now, txn.request.response(100).encode())

    def _on_send_cancel(self, txn: ClientTransaction, now: float, argument: Any) -> None:
        if txn.is_cancelled:
            self._send_cancel(txn, now)

    def _on_stop_100(self, txn: Transaction, now: float, argument: Any) -> None:
        txn.timers.pop(Event.TIMER_100, None)

    def _on_timeout(self, txn: Any, now: float, argument: Any) -> None:
        self.counters.timeouts += 1
        self._events.append(TransactionTimeout(txn))

    def _on_fail(self, txn: Any, now: float, argument: Any) -> None:
        self._events.append(TransportFailed(txn))


# Members of StrEnum are looked up once here: attribute access on the class is slow in 3.11.
_SEND_1XX, _SEND_2XX, _SEND_300_699 = Event.SEND_1XX, Event.SEND_2XX, Event.SEND_300_699
_RECEIVE_1XX, _RECEIVE_2XX = Event.RESPONSE_1XX, Event.RESPONSE_2XX
_RECEIVE_FINAL = Event.RESPONSE_300_699
_RETRANSMISSION_TIMER = {
    Kind.CLIENT_INVITE: Event.TIMER_A,
    Kind.CLIENT_OTHER: Event.TIMER_E,
    Kind.SERVER_INVITE: Event.TIMER_G,
}
_RETRANSMISSION_TIMERS = frozenset(_RETRANSMISSION_TIMER.values())
