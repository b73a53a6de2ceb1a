"""Sessions: a call between us and one peer, from INVITE to BYE (RFC 3261 sections 13 to 15).

Rules. Only :meth:`Session._set_state` changes the state, along
:data:`~server.sip.session_ports.TRANSITIONS`. The listener
hears of every change once; after ``hangup`` it hears nothing more, while the session quietly
finishes what the protocol still needs (the ACK that must come before a BYE, the 2xx that crosses a
CANCEL). This class is what both directions share: requests inside the dialog. How a call begins is
in ``session_incoming`` and ``session_outgoing``; re-INVITEs of ours are in ``session_modify``.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

from server.base.causes import Cause, sip_to_cause
from server.base.errors import RemoteProtocolError, Unavailable
from server.sip import dtmf_info
from server.sip.dialog import Dialog
from server.sip.message import Message, Request, Response
from server.sip.nat import rewrite_contact
from server.sip.offer_answer import Direction, Negotiated, OfferAnswer
from server.sip.reason import read_cause, write_cause
from server.sip.requests import Done, OwnRequest, ignore_outcome
from server.sip.scheduler import Timer
from server.sip.sdp import SessionDescription
from server.sip.session_answer import AnswerKeeper
from server.sip.session_modify import Modifier
from server.sip.session_ports import TRANSITIONS, SessionHost, SessionListener, SessionState
from server.sip.session_refer import Referrals
from server.sip.session_timer import SessionTimer
from server.sip.settings import Endpoint
from server.sip.text import check_text
from server.sip.transaction import Flow, ServerTransaction
from server.sip.uri import Uri
from server.tech.base import Party

logger = logging.getLogger(__name__)

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, NOTIFY, REFER, MESSAGE, REGISTER"
SDP = "application/sdp"


class Session:
    """What incoming and outgoing calls share.

    :param media: offer and answer; its capabilities say where our media is.
    """

    def __init__(
        self,
        host: SessionHost,
        endpoint: Endpoint,
        flow: Flow | None,
        state: SessionState,
    ) -> None:
        # configuration
        self.host = host
        self.endpoint = endpoint
        self.listener: SessionListener | None = None
        self._media: OfferAnswer | None = None
        # the call
        self.state = state
        self.dialog: Dialog | None = None
        self.flow = flow
        self.peer_allow: frozenset[str] = frozenset()
        self.direction = Direction.SENDRECV
        self.response: Response | None = None  # the last one to our INVITE
        self._hop: Uri | None = None  # what self.flow leads to
        self.is_held = False  # by the peer
        self._ending_cause: int = Cause.NORMAL_CLEARING  # of the BYE that waits for an ACK
        # helpers
        self.digest = host.digest(endpoint)
        self.timer = SessionTimer(
            endpoint.timers, endpoint.timers_min_se, endpoint.timers_sess_expires
        )
        self._timer_handles: list[Timer] = []
        self.answers = AnswerKeeper(self)
        self.modifier = Modifier(self)
        self.referrals = Referrals(self)

    # The leg's side

    @property
    def media(self) -> OfferAnswer:
        """Offer and answer; the leg sets it before anything else."""
        assert self._media is not None
        return self._media

    @media.setter
    def media(self, media: OfferAnswer) -> None:
        self._media = media

    @property
    def is_over(self) -> bool:
        """``True`` when nothing can be asked of the call any more."""
        return self.state in (SessionState.ENDED, SessionState.ENDING, SessionState.CANCELLING)

    def hold(self, now: float) -> None:
        """Put the peer on hold with a re-INVITE; music may still flow to it."""
        self._redirect_media(Direction.SENDONLY, now)

    def unhold(self, now: float) -> None:
        """Resume it."""
        self._redirect_media(Direction.SENDRECV, now)

    def identify(self, party: Party, now: float) -> None:
        """Tell the peer who it is connected to."""
        self.modifier.request_identity(party, now)

    def change_media(self, now: float) -> None:
        """Offer anew, after :attr:`OfferAnswer.capabilities` were replaced."""
        self.modifier.request_offer(now)

    def send_body(
        self, method: str, content_type: str, body: bytes, done: Done, now: float
    ) -> None:
        """Send an INFO or a MESSAGE; *done* hears how it ended."""

        def prepare(request: Request) -> None:
            request.set_body(content_type, body)

        self.send_in_dialog(method, prepare, done, now)

    # Input from the stack

    def handle_request(
        self, txn: ServerTransaction, request: Request, flow: Flow, now: float
    ) -> None:
        """Take a request inside the dialog, any but ACK and CANCEL."""
        try:
            if self.state is SessionState.ENDED:
                raise RemoteProtocolError("the call is over", 481)
            self._dialog().check_request(request)
            handler = _REQUEST_HANDLERS.get(request.method)
            if handler is None:
                raise RemoteProtocolError(f"no {request.method} in a call", 405)
            handler(self, txn, request, flow, now)
        except RemoteProtocolError as error:
            self.refuse_request(txn, request, error, now)

    def handle_ack(self, request: Request, now: float) -> None:
        """Take the ACK to a 2xx of ours."""
        if not self.answers.acknowledge(request.cseq.number):
            return
        if self.state is SessionState.ENDING:
            self.finish_ending(now)
            return
        is_first = self.state is SessionState.ANSWERED
        if is_first:
            self._set_state(SessionState.CONFIRMED)
        if self.media_waits_for_answer:
            self._take_late_answer(request, now, is_first=is_first)
        self.modifier.poke(now)

    def _take_late_answer(self, request: Request, now: float, *, is_first: bool) -> None:
        """Our offer was in the 2xx: the ACK has the answer."""
        try:
            self.apply_answer(request)
        except RemoteProtocolError as error:
            logger.info("call %s: answer in ACK: %s", request.call_id, error)
            if is_first:
                self.end_by_us(Cause.BEARERCAPABILITY_NOTAVAIL, 488, str(error), now)
            else:
                self.media.cancel_offer()

    # For the parts of a session

    def refuse_request(
        self, txn: ServerTransaction, request: Request, error: RemoteProtocolError, now: float
    ) -> None:
        """Answer a request with the error that it caused."""
        response = request.response(error.status or 400)
        self.timer.explain_refusal(response.status, response)
        if response.status == 405:
            response.headers.set("Allow", ALLOW)
        elif response.status == 500:
            response.retry_after = random.randint(0, 10)  # RFC 3261 section 14.2
        self.host.respond(txn, response, now)

    def read_body(self, message: Message) -> SessionDescription | None:
        """Parse the description in a message.

        :raises RemoteProtocolError: malformed, or a body of another type (415).
        """
        if not message.body:
            return None
        if message.content_type != SDP:
            raise RemoteProtocolError(f"body of type {message.content_type}", 415)
        return SessionDescription.parse(message.body)

    @property
    def media_waits_for_answer(self) -> bool:
        """``True`` while an offer of ours is open."""
        return self.media.state != "stable"

    def apply_answer(self, message: Message) -> None:
        """Take the answer in *message*, and report it.

        :raises RemoteProtocolError: it is missing or does not fit.
        """
        answer = self.read_body(message)
        if answer is None:
            raise RemoteProtocolError("no answer to our offer", 488)
        self.report_media(self.media.apply_answer(answer))

    def report_media(self, negotiated: Negotiated) -> None:
        """Tell the listener what was agreed, and whether that means hold."""
        if self.is_over or self.listener is None:
            return
        self.listener.on_media(negotiated)
        if negotiated.is_held != self.is_held:
            self.is_held = negotiated.is_held
            if negotiated.is_held:
                self.listener.on_hold()
            else:
                self.listener.on_unhold()

    def learn_peer(self, message: Message, flow: Flow) -> None:
        """Take what a dialog message says of the peer: its Contact (rewritten if so configured),
        and the methods it allows."""
        if self.endpoint.rewrite_contact and not message.record_routes:
            rewrite_contact(message, flow)
        allow = message.allow
        if allow:
            self.peer_allow = frozenset(allow)

    def add_contact(self, message: Message, flow: Flow) -> None:
        """Add what every INVITE, UPDATE and 2xx to them carries."""
        message.contact = self.host.contact(flow, self.endpoint)
        headers = message.headers
        headers.set("Allow", ALLOW)
        headers.set("Supported", "replaces, timer" if self.timer.is_supported else "replaces")

    def with_flow(
        self, use: Callable[[Flow, float], None], now: float, dialog: Dialog | None = None
    ) -> None:
        """Call ``use(flow, now)`` with the way to the peer, maybe later; never if there is none.

        :param dialog: of another fork, if not the call's own.
        """
        dialog = dialog or self._dialog()
        hop = dialog.next_hop
        is_own = dialog is self.dialog
        if is_own and self.flow is not None and self._hop is not None and self._hop == hop:
            use(self.flow, now)
            return

        def found(flow: Flow | None, now: float) -> None:
            flow = flow or self.flow
            if flow is None:
                return
            if is_own:
                self.flow, self._hop = flow, hop
            use(flow, now)

        self.host.find_flow(hop, self.endpoint, found, now)

    def send_in_dialog(
        self,
        method: str,
        prepare: Callable[[Request], None],
        done: Done,
        now: float,
        dialog: Dialog | None = None,
    ) -> None:
        """Send a request in the dialog, with credentials if the peer wants some."""
        owner = dialog or self._dialog()

        def use(flow: Flow, now: float) -> None:
            request = owner.create_request(
                method, max_forwards=self.host.settings.global_.max_forwards
            )
            prepare(request)
            try:
                self.own_request(request, flow, done, owner).send(now)
            except Unavailable:
                done(503, None, now)

        self.with_flow(use, now, owner)

    def own_request(
        self, request: Request, flow: Flow, done: Done, dialog: Dialog | None = None
    ) -> OwnRequest:
        """Make a request of a dialog ready to be sent."""
        if self.digest is not None:
            self.digest.apply(request)
        return OwnRequest(
            self.host,
            request,
            flow,
            done,
            next_cseq=(dialog or self._dialog()).next_cseq,
            digest=self.digest,
        )

    def send_ack(self, cseq: int, dialog: Dialog, now: float) -> None:
        """ACK a 2xx to an INVITE of ours."""
        ack = dialog.create_ack(cseq, max_forwards=self.host.settings.global_.max_forwards)
        self.with_flow(lambda flow, _: self.host.send_stateless(ack, flow), now, dialog)

    def arm_timer(self, now: float) -> None:
        """Start the session timer anew, after a 2xx to an INVITE or UPDATE."""
        self._disarm_timer()
        schedule = self.host.scheduler.schedule
        if (after := self.timer.refresh_after) is not None:
            self._timer_handles.append(schedule(now + after, self.modifier.request_refresh))
        if (after := self.timer.expire_after) is not None:
            self._timer_handles.append(schedule(now + after, self._on_expired))

    def end_by_us(self, cause: int, status: int | None, reason: str, now: float) -> None:
        """End the call for a reason that the listener does not know yet."""
        if self.is_over:
            return
        listener = self.listener
        self.hangup(cause, now)
        if listener is not None:
            listener.on_ended(cause, status, reason)

    def end_by_peer(self, cause: int, status: int | None, reason: str) -> None:
        """The call is over: nothing remains to be sent."""
        was_over = self.is_over
        listener, self.listener = self.listener, None
        self._finish()
        if listener is not None and not was_over:
            listener.on_ended(cause, status, reason)

    def hangup(self, cause: int, now: float) -> None:
        """End the call; the listener hears nothing more. May be called again."""
        self.listener = None
        if self.state is SessionState.CONFIRMED and self.referrals.is_open:
            self._end_later(cause)
            self.referrals.await_end(now)
        elif self.state is SessionState.CONFIRMED:
            self.send_bye(self._dialog(), cause, now)
            self._finish()
        elif self.state is SessionState.ANSWERED:
            # RFC 3261 section 15: no BYE before the ACK, or the end of the wait for it.
            self._end_later(cause)

    def send_bye(self, dialog: Dialog, cause: int, now: float) -> None:
        """Send a BYE and forget about it."""

        def prepare(request: Request) -> None:
            if not self.endpoint.suppress_q850_reason_headers:
                write_cause(request, cause)

        self.send_in_dialog("BYE", prepare, ignore_outcome, now, dialog)

    def on_modified(self, status: int, response: Response | None, now: float) -> None:
        """Our re-INVITE or UPDATE has its final response."""
        self.modifier.on_done(status, response, now)

    def on_no_ack(self, now: float) -> None:
        """The ACK to a 2xx of ours never came (RFC 3261 section 13.3.1.4)."""
        if self.state is SessionState.ENDING:
            self.finish_ending(now)
            return
        if self.state is SessionState.ANSWERED:
            self._set_state(SessionState.CONFIRMED)
        self.end_by_us(Cause.NO_USER_RESPONSE, 408, "no ACK", now)

    # Requests of the peer

    def _on_invite(self, txn: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        if self.state in (SessionState.INCOMING, SessionState.CALLING):
            raise RemoteProtocolError("the first INVITE is not answered yet", 500)
        if self.state is SessionState.ENDING:
            raise RemoteProtocolError("the call is ending", 481)
        if self.modifier.is_busy:
            raise RemoteProtocolError("our own INVITE is open", 491)
        response = self._accept_change(request, flow)
        self.answers.send(txn, request, response, flow, now)
        self.arm_timer(now)
        if self.listener is not None:
            self.listener.on_identity(request)

    def _on_update(self, txn: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        if request.body and self.state in (SessionState.INCOMING, SessionState.CALLING):
            raise RemoteProtocolError("the first offer is not settled yet", 500)
        if request.body and self.modifier.is_busy:
            raise RemoteProtocolError("our own offer is open", 491)
        response = self._accept_change(request, flow)
        self.host.respond(txn, response, now)
        if self.state not in (SessionState.INCOMING, SessionState.CALLING):
            self.arm_timer(now)
        if self.listener is not None:
            self.listener.on_identity(request)

    def _accept_change(self, request: Request, flow: Flow) -> Response:
        """Make the 200 to a re-INVITE or UPDATE; nothing has changed if this raises."""
        offer = self.read_body(request)
        response = request.response(200)
        self.timer.accept_request(request, response)
        negotiated = None
        if offer is not None:
            answer, negotiated = self.media.answer(offer, self.direction)
            response.set_body(SDP, answer.encode())
        elif request.method == "INVITE":
            response.set_body(SDP, self.media.build_offer(self.direction).encode())
        self.learn_peer(request, flow)
        self._dialog().refresh_target(request)
        self.add_contact(response, flow)
        if negotiated is not None:
            self.report_media(negotiated)
        return response

    def _on_bye(self, txn: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        if self.state in (SessionState.CALLING, SessionState.CANCELLING):
            raise RemoteProtocolError("no BYE before the answer", 481)  # RFC 3261 section 15
        self.host.respond(txn, request.response(200), now)
        self._abandon_invite(now)
        cause = read_cause(request)
        self.end_by_peer(Cause.NORMAL_CLEARING if cause is None else cause, None, "BYE")

    def _on_info(self, txn: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        if not request.body:
            self.host.respond(txn, request.response(200), now)
            return
        digit = dtmf_info.parse(request.content_type or "", request.body)
        self.host.respond(txn, request.response(200), now)
        if self.listener is not None:
            self.listener.on_dtmf(digit.digit, digit.duration_ms)

    def _on_options(self, txn: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        self.host.respond(txn, self.host.answer_options(request), now)

    def _on_refer(self, txn: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        self.referrals.take(txn, request, now)

    def _on_notify(self, txn: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        self.referrals.take_notify(txn, request, now)

    def _on_message(self, txn: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        check_text(request)
        self.host.respond(txn, request.response(202), now)
        if self.listener is not None:
            self.listener.on_message(request)

    # Helpers

    def _dialog(self) -> Dialog:
        assert self.dialog is not None
        return self.dialog

    def _abandon_invite(self, now: float) -> None:
        """Answer what is still open of the INVITE before the session ends."""

    def _redirect_media(self, direction: Direction, now: float) -> None:
        if self.direction is not direction and not self.is_over:
            self.direction = direction
            self.modifier.request_offer(now)

    def _on_expired(self, now: float) -> None:
        logger.info("call %s: session timer expired", self._dialog().call_id)
        self.end_by_us(sip_to_cause(408), 408, "session timer expired", now)

    def finish_ending(self, now: float) -> None:
        """Send the BYE that :meth:`hangup` has put off."""
        self.send_bye(self._dialog(), self._ending_cause, now)
        self._finish()

    def _end_later(self, cause: int) -> None:
        self._ending_cause = cause
        self._disarm_timer()
        self._set_state(SessionState.ENDING)

    def _finish(self) -> None:
        """Let go of everything that waits."""
        self._disarm_timer()
        self.answers.close()
        self.modifier.close()
        self.referrals.close()
        if self.dialog is not None:
            self.dialog.terminate()
            self.host.remove_session(self.dialog.id, self)
        if self.state is not SessionState.ENDED:
            self._set_state(SessionState.ENDED)

    def _disarm_timer(self) -> None:
        for handle in self._timer_handles:
            handle.cancel()
        self._timer_handles.clear()

    def _set_state(self, state: SessionState) -> None:
        assert state in TRANSITIONS[self.state], f"{self.state} -> {state}"
        logger.debug("session: %s -> %s", self.state, state)
        self.state = state


_RequestHandler = Callable[[Session, ServerTransaction, Request, Flow, float], None]
_REQUEST_HANDLERS: dict[str, _RequestHandler] = {
    "INVITE": Session._on_invite,
    "UPDATE": Session._on_update,
    "BYE": Session._on_bye,
    "INFO": Session._on_info,
    "OPTIONS": Session._on_options,
    "REFER": Session._on_refer,
    "NOTIFY": Session._on_notify,
    "MESSAGE": Session._on_message,
}
