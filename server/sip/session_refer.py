"""Transfers in a call (RFC 3515): the REFERs of the peer and ours, and the NOTIFYs that follow."""

from __future__ import annotations

import logging
import weakref
from typing import TYPE_CHECKING

from server.base.errors import RemoteProtocolError
from server.sip.headers import NameAddr
from server.sip.message import Request
from server.sip.refer import ReferTarget, parse_sipfrag
from server.sip.refer_notifier import IncomingRefer, ReferState
from server.sip.requests import Done
from server.sip.scheduler import Timer
from server.sip.session_ports import SessionState
from server.sip.transaction import ServerTransaction
from server.sip.uri import Uri

if TYPE_CHECKING:
    from server.sip.session import Session

logger = logging.getLogger(__name__)

MAX_OPEN = 4  # transfers of one call at a time; a phone has one


class Referrals:
    """The transfers of one session."""

    __slots__ = ("_has_sent", "_has_taken", "_open", "_owner", "_patience")

    def __init__(self, session: Session) -> None:
        self._owner = weakref.ref(session)  # it has us: no cycle is to be left of each call
        self._has_sent = False
        self._has_taken = False
        self._open: list[IncomingRefer] = []
        self._patience: Timer | None = None

    @property
    def is_open(self) -> bool:
        """``True`` while the peer waits to hear how a transfer goes."""
        return bool(self._open)

    def send(self, target: Uri, done: Done, now: float) -> None:
        """Send the peer elsewhere; *done* hears whether it will go."""
        session = self._session
        self._has_sent = True

        def prepare(request: Request) -> None:
            assert session.dialog is not None
            request.refer_to = NameAddr(target)
            request.headers.set("Referred-By", f"<{session.dialog.local.uri}>")

        session.send_in_dialog("REFER", prepare, done, now)

    def take(self, txn: ServerTransaction, request: Request, now: float) -> None:
        """Take a REFER of the peer: the listener decides before this returns.

        :raises RemoteProtocolError: refuse it with this status.
        """
        session = self._session
        if not session.endpoint.allow_transfer:
            raise RemoteProtocolError("transfers are not allowed", 603)
        listener = session.listener
        if listener is None or session.state not in (SessionState.CONFIRMED, SessionState.ANSWERED):
            raise RemoteProtocolError("there is no call that could be transferred", 481)
        if len(self._open) >= MAX_OPEN:
            raise RemoteProtocolError("too many transfers at a time", 486)
        refer = IncomingRefer(
            session,
            txn,
            request,
            ReferTarget.of_request(request),
            needs_id=self._has_taken,
            on_end=self._on_end,
        )
        self._has_taken = True
        self._open.append(refer)
        try:
            listener.on_refer(refer)
        finally:
            if refer.state is ReferState.PENDING:
                refer.refuse(503, now)

    def take_notify(self, txn: ServerTransaction, request: Request, now: float) -> None:
        """Take what the peer tells of a REFER of ours.

        :raises RemoteProtocolError: refuse it with this status.
        """
        event = (request.headers.get("Event") or "").partition(";")[0].strip().lower()
        if event != "refer" or not self._has_sent:
            raise RemoteProtocolError("no such subscription", 481)
        status = parse_sipfrag(request.content_type, request.body)
        self._session.host.respond(txn, request.response(200), now)
        logger.debug("call %s: the REFER has come to %s", request.call_id, status)

    def await_end(self, now: float) -> None:
        """The call is over for us: let the open transfers come to their end before the BYE.

        Not for longer than a transaction may take, so that no call outlives its channel for long.
        """
        host = self._session.host
        self._patience = host.scheduler.schedule(now + 64 * host.timers.t1, self._give_up)

    def close(self) -> None:
        """The call is over, by a BYE. What was promised by NOTIFY is still told."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    @property
    def _session(self) -> Session:
        session = self._owner()
        assert session is not None
        return session

    def _on_end(self, refer: IncomingRefer, now: float) -> None:
        self._open.remove(refer)
        if not self._open and self._patience is not None:
            self._give_up(now)

    def _give_up(self, now: float) -> None:
        self.close()
        self._session.finish_ending(now)
