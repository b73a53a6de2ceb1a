"""A REFER of the peer and the subscription that it implies (RFC 3515): our side of a transfer.

The REFER is taken with 202 or refused; once taken, NOTIFYs with a status line tell the peer how
the call fares that it asked for. One NOTIFY is in flight at a time; what happens meanwhile is
told by the next one, and only the last of it counts. The subscription ends with a final status,
when its time is over, or when the peer no longer knows of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from server.sip.message import Request, Response
from server.sip.refer import SIPFRAG_TYPE, ReferTarget, format_sipfrag
from server.sip.scheduler import Timer
from server.sip.transaction import ServerTransaction

if TYPE_CHECKING:
    from server.sip.session import Session

logger = logging.getLogger(__name__)

EXPIRES = 600  # seconds that a transfer may take; PJSIP's default for this event package
TRYING = 100
GONE = frozenset({408, 481})  # RFC 6665 section 4.2.2: these end the subscription


class ReferState(StrEnum):
    """How far a peer's REFER is."""

    PENDING = "Pending"  # not answered yet
    ACTIVE = "Active"
    TERMINATED = "Terminated"


TRANSITIONS: dict[ReferState, frozenset[ReferState]] = {
    ReferState.PENDING: frozenset({ReferState.ACTIVE, ReferState.TERMINATED}),
    ReferState.ACTIVE: frozenset({ReferState.TERMINATED}),
    ReferState.TERMINATED: frozenset(),
}


class IncomingRefer:
    """One REFER of the peer, in the dialog of a call.

    :param target: where the peer wants its other party to go.
    :param needs_id: whether the peer sent a REFER in this call before: the event then has an id.
    """

    __slots__ = (
        "_id", "_is_in_flight", "_is_told", "_on_end", "_session", "_status", "_timer", "_txn",
        "request", "state", "target",
    )  # fmt: skip

    def __init__(
        self,
        session: Session,
        txn: ServerTransaction,
        request: Request,
        target: ReferTarget,
        *,
        needs_id: bool,
        on_end: Callable[[IncomingRefer, float], None],
    ) -> None:
        self.request = request
        self.target = target
        self.state = ReferState.PENDING
        self._session = session
        self._txn = txn
        self._id = f";id={request.cseq.number}" if needs_id else ""
        self._is_told = (request.headers.get("Refer-Sub") or "").strip().lower() != "false"
        self._on_end = on_end
        self._status = TRYING  # the last one, told or still to be told
        self._is_in_flight = False
        self._timer: Timer | None = None

    def accept(self, now: float) -> None:
        """Answer 202, and begin to tell how it goes."""
        if self.state is not ReferState.PENDING:
            return
        host = self._session.host
        response = self.request.response(202)
        if self._session.flow is not None:
            response.contact = host.contact(self._session.flow, self._session.endpoint)
        if not self._is_told:  # RFC 4488
            response.headers.set("Refer-Sub", "false")
        host.respond(self._txn, response, now)
        self._set_state(ReferState.ACTIVE)
        self._timer = host.scheduler.schedule(now + EXPIRES, self._on_expired)
        self._notify(now)

    def refuse(self, status: int, now: float) -> None:
        """Answer with a final status; nothing comes of this transfer."""
        if self.state is not ReferState.PENDING:
            return
        self._session.host.respond(self._txn, self.request.response(status), now)
        self._terminate(now)

    def report(self, status: int, now: float) -> None:
        """Tell how the referred call fares; a final status ends the subscription."""
        if self.state is not ReferState.ACTIVE or self._status >= 200 or status == self._status:
            return
        self._status = status
        self._notify(now)

    # private

    def _notify(self, now: float) -> None:
        if self._is_in_flight:
            return
        status = self._status
        if self._is_told:
            state = "terminated;reason=noresource" if status >= 200 else f"active;expires={EXPIRES}"
            self._send(status, state, now)
        if status >= 200:
            self._terminate(now)

    def _send(self, status: int, state: str, now: float) -> None:
        session = self._session

        def prepare(request: Request) -> None:
            request.headers.set("Event", f"refer{self._id}")
            request.headers.set("Subscription-State", state)
            if session.flow is not None:
                request.contact = session.host.contact(session.flow, session.endpoint)
            request.set_body(SIPFRAG_TYPE, format_sipfrag(status))

        def on_done(final: int, response: Response | None, now: float) -> None:
            self._on_notified(status, final, now)

        self._is_in_flight = True
        session.send_in_dialog("NOTIFY", prepare, on_done, now)

    def _on_notified(self, told: int, final: int, now: float) -> None:
        self._is_in_flight = False
        if self.state is not ReferState.ACTIVE:
            return
        if final in GONE:
            logger.info(
                "%s: the peer no longer waits for its transfer", self._session.endpoint.name
            )
            self._terminate(now)
        elif told != self._status:
            self._notify(now)

    def _on_expired(self, now: float) -> None:
        self._timer = None
        if self._is_told:
            self._send(self._status, "terminated;reason=timeout", now)
        self._terminate(now)

    def _terminate(self, now: float) -> None:
        self._set_state(ReferState.TERMINATED)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._on_end(self, now)

    def _set_state(self, state: ReferState) -> None:
        assert state in TRANSITIONS[self.state], f"{self.state} -> {state}"
        logger.debug("refer: %s -> %s", self.state, state)
        self.state = state
