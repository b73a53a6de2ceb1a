"""re-INVITE and UPDATE of ours: hold, resume, codecs, refresh, connected line; and glare.

Wishes are collected; one request at a time carries all that are open. A 491 puts it off by the
random time of RFC 3261 section 14.1.
"""

from __future__ import annotations

import logging
import random
import weakref
from typing import TYPE_CHECKING

from server.base.causes import Cause
from server.base.errors import RemoteProtocolError, Unavailable
from server.sip.identity import add_identity
from server.sip.message import Request, Response
from server.sip.requests import OwnRequest
from server.sip.scheduler import Timer
from server.sip.transaction import Flow
from server.tech.base import Party

if TYPE_CHECKING:
    from server.sip.session import Session

logger = logging.getLogger(__name__)

MAX_RETRY_AFTER = 32  # seconds that a peer may make us wait


class Modifier:
    """What one session still wants to tell its peer."""

    __slots__ = (
        "_carries_offer", "_own", "_owner", "_party", "_retry", "_wants_identity",
        "_wants_offer", "_wants_refresh",
    )  # fmt: skip

    def __init__(self, session: Session) -> None:
        self._owner = weakref.ref(session)  # it has us: no cycle is to be left of each call
        self._own: OwnRequest | None = None  # in flight
        self._carries_offer = False
        self._retry: Timer | None = None
        self._wants_offer = False
        self._wants_refresh = False
        self._wants_identity = False
        self._party = Party()

    @property
    def _session(self) -> Session:
        """The session: requests in flight keep it, and it closes this before it goes."""
        session = self._owner()
        assert session is not None
        return session

    @property
    def is_busy(self) -> bool:
        """``True`` while an offer of ours is in flight: a peer's offer now is glare."""
        return self._own is not None and self._carries_offer

    def request_offer(self, now: float) -> None:
        """Offer anew as soon as possible."""
        self._wants_offer = True
        self.poke(now)

    def request_refresh(self, now: float) -> None:
        """Refresh the session as soon as possible."""
        self._wants_refresh = True
        self.poke(now)

    def request_identity(self, party: Party, now: float) -> None:
        """Tell the peer who it is connected to."""
        self._wants_identity = True
        self._party = party
        self.poke(now)

    def poke(self, now: float) -> None:
        """Go on, if there is something to do and nothing in the way."""
        session = self._session
        wanted = self._wants_offer or self._wants_refresh or self._wants_identity
        is_free = self._own is None and self._retry is None and not session.answers.is_waiting
        if not wanted or not is_free or session.state != "Confirmed":
            return
        if not session.media_waits_for_answer:
            session.with_flow(self._send, now)

    def close(self) -> None:
        """Forget all wishes."""
        self._wants_offer = self._wants_refresh = self._wants_identity = False
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def _send(self, flow: Flow, now: float) -> None:
        session = self._session
        dialog = session.dialog
        if self._own is not None or dialog is None or session.state != "Confirmed":
            return  # finding the way took its time
        method = "UPDATE" if self._can_update() else "INVITE"
        request = dialog.create_request(
            method, max_forwards=session.host.settings.global_.max_forwards
        )
        self._carries_offer = method == "INVITE"
        self._fill(request, flow)
        own = session.own_request(request, flow, session.on_modified)
        self._own = own
        self._wants_offer = self._wants_refresh = self._wants_identity = False
        try:
            own.send(now)
        except Unavailable:
            self.on_done(503, None, now)

    def _can_update(self) -> bool:
        if self._wants_offer or "UPDATE" not in self._session.peer_allow:
            return False
        wants_invite = self._session.endpoint.connected_line_method == "invite"
        return not (self._wants_identity and wants_invite)

    def _fill(self, request: Request, flow: Flow) -> None:
        session = self._session
        session.add_contact(request, flow)
        session.timer.add_to_request(request)
        if self._wants_identity:
            add_identity(request, session.endpoint, self._party, flow.local[0])
        if self._carries_offer:
            offer = session.media.build_offer(session.direction)
            request.set_body("application/sdp", offer.encode())

    def on_done(self, status: int, response: Response | None, now: float) -> None:
        """Take the outcome of our request."""
        own, session = self._own, self._session
        if own is None or response is None or response.cseq != own.request.cseq:
            self._on_late(status, response, now)
            if own is None or response is not None:
                return
        self._own = None
        if response is not None and status < 300:
            self._on_success(response, now)
        else:
            if self._carries_offer and session.media_waits_for_answer:
                session.media.cancel_offer()
            self._on_failure(status, response, now)
        self.poke(now)

    def _on_late(self, status: int, response: Response | None, now: float) -> None:
        """A 2xx came again: its ACK was lost, or the call ended meanwhile."""
        dialog = self._session.dialog
        if response is None or dialog is None or status >= 300:
            return
        if response.cseq.method == "INVITE":
            self._session.send_ack(response.cseq.number, dialog, now)

    def _on_success(self, response: Response, now: float) -> None:
        session = self._session
        dialog = session.dialog
        assert dialog is not None
        is_invite = response.cseq.method == "INVITE"
        if session.is_over:
            if is_invite:
                session.send_ack(response.cseq.number, dialog, now)
            return
        if session.flow is not None:
            session.learn_peer(response, session.flow)
        dialog.refresh_target(response)
        if is_invite:
            session.send_ack(response.cseq.number, dialog, now)
        try:
            session.timer.accept_response(response)
            if is_invite:
                session.apply_answer(response)
        except RemoteProtocolError as error:
            session.end_by_us(Cause.BEARERCAPABILITY_NOTAVAIL, 488, str(error), now)
            return
        session.arm_timer(now)

    def _on_failure(self, status: int, response: Response | None, now: float) -> None:
        session = self._session
        if session.is_over:
            return
        logger.info("session: our re-INVITE or UPDATE was refused: %s", status)
        retry_after = response.retry_after if response is not None else None
        if status in (408, 481):
            # RFC 3261 section 12.2.1.2: the peer is gone, or knows nothing of this call.
            session.end_by_us(Cause.INTERWORKING if status == 481 else Cause.NO_USER_RESPONSE,
                              status, "the peer lost the call", now)  # fmt: skip
        elif status in (405, 501) and not self._carries_offer:
            session.peer_allow -= {"UPDATE"}  # whatever its Allow said
            self._again(0.0, now)
        elif status == 491:
            self._again(self._glare_delay(), now)
        elif status == 500 and retry_after is not None and retry_after <= MAX_RETRY_AFTER:
            self._again(retry_after, now)
        elif status == 422 and response is not None and session.timer.accept_refusal(response):
            self._again(0.0, now)

    def _again(self, delay: float, now: float) -> None:
        """Ask once more after *delay* seconds: for media if the last request did."""
        self._wants_offer |= self._carries_offer
        self._wants_refresh |= not self._carries_offer
        self._retry = self._session.host.scheduler.schedule(now + delay, self._on_retry)

    def _on_retry(self, now: float) -> None:
        self._retry = None
        self.poke(now)

    def _glare_delay(self) -> float:
        """Seconds; who owns the Call-ID waits longer (RFC 3261 section 14.1)."""
        dialog = self._session.dialog
        if dialog is not None and dialog.is_initiator:
            return random.randint(210, 400) / 100
        return random.randint(0, 200) / 100
