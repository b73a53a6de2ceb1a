"""2xx responses to INVITE, kept and repeated until their ACK (RFC 3261 section 13.3.1.4)."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from server.sip.message import Request, Response
from server.sip.scheduler import Timer
from server.sip.transaction import Flow, ServerTransaction

if TYPE_CHECKING:
    from server.sip.session import Session


class AnswerKeeper:
    """The 2xx of one session that waits for its ACK. There is never more than one: while it
    waits, a further INVITE of the peer replaces it, since a peer that goes on has seen it."""

    __slots__ = ("_cseq", "_deadline", "_flow", "_interval", "_owner", "_response", "_timer")

    def __init__(self, session: Session) -> None:
        self._owner = weakref.ref(session)  # it has us: no cycle is to be left of each call
        self._cseq = -1
        self._response: Response | None = None
        self._flow: Flow | None = None
        self._interval = 0.0
        self._deadline = 0.0
        self._timer: Timer | None = None

    @property
    def _session(self) -> Session:
        """The session; it closes this before it goes."""
        session = self._owner()
        assert session is not None
        return session

    @property
    def is_waiting(self) -> bool:
        """``True`` while an ACK is missing."""
        return self._response is not None

    def send(
        self, txn: ServerTransaction, request: Request, response: Response, flow: Flow, now: float
    ) -> None:
        """Send a 2xx and repeat it until :meth:`acknowledge`."""
        self.close()
        host = self._session.host
        host.respond(txn, response, now)
        self._cseq = request.cseq.number
        self._response = response
        self._flow = txn.flow
        self._interval = host.timers.t1
        self._deadline = now + 64 * host.timers.t1
        self._timer = host.scheduler.schedule(now + self._interval, self._on_timer)

    def acknowledge(self, cseq: int) -> bool:
        """Take an ACK.

        :returns: ``True`` if it was waited for.
        """
        if self._response is None or cseq != self._cseq:
            return False
        self.close()
        return True

    def close(self) -> None:
        """Stop waiting."""
        self._response = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self, now: float) -> None:
        assert self._response is not None
        assert self._flow is not None
        if now >= self._deadline:
            self.close()
            self._session.on_no_ack(now)
            return
        host = self._session.host
        host.send_stateless(self._response, self._flow)
        self._interval = min(2 * self._interval, host.timers.t2)
        when = min(now + self._interval, self._deadline)
        self._timer = host.scheduler.schedule(when, self._on_timer)
