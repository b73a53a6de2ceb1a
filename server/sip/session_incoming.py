"""Incoming calls: an INVITE of the peer, from its arrival to our final response."""

from __future__ import annotations

from collections.abc import Sequence

from server.base.causes import Cause, cause_to_sip, sip_to_cause
from server.base.errors import RemoteProtocolError
from server.sip.dialog import Dialog
from server.sip.headers import NameAddr
from server.sip.identity import add_identity
from server.sip.message import Request, Response
from server.sip.offer_answer import Negotiated, OfferAnswer
from server.sip.reason import read_cause, write_cause
from server.sip.scheduler import Timer
from server.sip.session import SDP, Session
from server.sip.session_ports import SessionHost, SessionState
from server.sip.settings import Endpoint
from server.sip.transaction import Flow, ServerTransaction, new_tag
from server.tech.base import Party

REPEAT_PROVISIONAL = 60.0  # seconds, RFC 3261 section 13.3.1.1
DECLINE = 603  # what a call is refused with when its cause maps to no status


class IncomingSession(Session):
    """A call from a peer.

    :raises RemoteProtocolError: the INVITE can't make a dialog.
    """

    def __init__(
        self,
        host: SessionHost,
        endpoint: Endpoint,
        txn: ServerTransaction,
        request: Request,
        flow: Flow,
    ) -> None:
        super().__init__(host, endpoint, flow, SessionState.INCOMING)
        self.request = request
        self._txn = txn
        self.learn_peer(request, flow)
        self.dialog = Dialog.from_request(request, new_tag())
        self._final: Response | None = request.response(200, to_tag=self.dialog.local.tag)
        self._negotiated: Negotiated | None = None
        self._has_offer = False
        self._provisional: Response | None = None
        self._repeat: Timer | None = None
        self._connected: Party | None = None
        host.add_session(self.dialog.id, self)

    def start(self, media: OfferAnswer) -> None:
        """Settle the media and the session timer; nothing is sent.

        :raises RemoteProtocolError: the call can't be taken; refuse it with its status.
        """
        assert self._final is not None
        self.media = media
        self.timer.accept_request(self.request, self._final)
        offer = self.read_body(self.request)
        if offer is not None:
            answer, self._negotiated = media.answer(offer)
            self._final.set_body(SDP, answer.encode())
            self._has_offer = True

    def ring(self, now: float) -> None:
        """Send 180, unless early media was opened before."""
        after_183 = self.host.settings.global_.allow_sending_180_after_183
        if self._provisional is None or (self._provisional.status == 183 and after_183):
            self._send_provisional(180, now)

    def progress(self, now: float) -> None:
        """Send 183, with our answer if the peer made an offer."""
        if self._provisional is None or self._provisional.status != 183:
            self._send_provisional(183, now)

    def answer(self, now: float) -> None:
        """Send 200. A second call does nothing."""
        response = self._final
        if self.state is not SessionState.INCOMING or response is None:
            return
        self._stop_repeating()
        self._final = self._provisional = None  # a call may last for hours
        self.add_contact(response, self._flow())
        self._add_connected(response)
        if not self._has_offer:
            response.set_body(SDP, self.media.build_offer(self.direction).encode())
        self._set_state(SessionState.ANSWERED)
        self._dialog().confirm()
        self.answers.send(self._txn, self.request, response, self._flow(), now)
        self.arm_timer(now)
        self._report_negotiated()

    def identify(self, party: Party, now: float) -> None:
        """Tell the caller who it is connected to: in our answer, or anew after it."""
        if self.state is SessionState.INCOMING:
            self._connected = party
        else:
            super().identify(party, now)

    def hangup(self, cause: int, now: float) -> None:
        if self.state is SessionState.INCOMING:
            self.refuse(cause_to_sip(cause) or DECLINE, now, cause=cause)
        else:
            super().hangup(cause, now)

    def refuse(
        self,
        status: int,
        now: float,
        *,
        cause: int = 0,
        error: RemoteProtocolError | None = None,
        retry_after: str = "",
    ) -> None:
        """Send a final response that ends the call. The listener hears nothing more.

        :param cause: what the Reason header says, 0 for none.
        :param error: why, where its wording or headers matter.
        :param retry_after: seconds until the caller may try again, if that is known.
        """
        self.listener = None
        if self.state is not SessionState.INCOMING:
            return
        if status == 302:
            status = DECLINE  # a redirection without a target would say nothing
        response = self._refusal(status)
        self.timer.explain_refusal(status, response)
        if not self.endpoint.suppress_q850_reason_headers:
            write_cause(response, cause)
        if status == 415:
            response.headers.set("Accept", SDP)
        if retry_after:
            response.headers.set("Retry-After", retry_after)
        if error is not None:
            response.headers.set("Warning", f'399 arion "{_quotable(str(error))}"')
        self._send_final(response, now)

    def redirect(self, targets: Sequence[NameAddr], now: float) -> None:
        """Send 302 to *targets*."""
        self.listener = None
        if self.state is SessionState.INCOMING:
            response = self._refusal(302)
            response.contacts = list(targets)
            self._send_final(response, now)

    def handle_cancel(self, cancel_txn: ServerTransaction, now: float) -> None:
        """Take a CANCEL; too late after our final response (RFC 3261 section 9.2)."""
        request = cancel_txn.request
        tag = self._dialog().local.tag
        self.host.respond(cancel_txn, request.response(200, to_tag=tag), now)
        if self.state is not SessionState.INCOMING:
            return
        self._abandon_invite(now)
        cause = read_cause(request)
        self.end_by_peer(sip_to_cause(487) if cause is None else cause, 487, "cancelled")

    def handle_failure(self, status: int) -> None:
        """The transport of our response broke, before the call was up."""
        if self.state is SessionState.INCOMING:
            self.end_by_peer(Cause.NETWORK_OUT_OF_ORDER, status, "transport failed")

    def _abandon_invite(self, now: float) -> None:
        if self.state is SessionState.INCOMING:
            self.host.respond(self._txn, self._refusal(487), now)

    def _send_provisional(self, status: int, now: float) -> None:
        if self.state is not SessionState.INCOMING:
            return
        response = self.request.response(status, to_tag=self._dialog().local.tag)
        self.add_contact(response, self._flow())
        if self.endpoint.rpid_immediate:
            self._add_connected(response)
        if status == 183 and self._has_offer and self._final is not None:
            response.set_body(SDP, self._final.body)
        self._provisional = response
        self.host.respond(self._txn, response, now)
        self._stop_repeating()
        self._repeat = self.host.scheduler.schedule(now + REPEAT_PROVISIONAL, self._on_repeat)
        if response.body:
            self._report_negotiated()

    def _add_connected(self, response: Response) -> None:
        if self._connected is not None:
            add_identity(response, self.endpoint, self._connected, self._flow().local[0])

    def _on_repeat(self, now: float) -> None:
        """Keep proxies from giving up on a call that rings for long."""
        if self.state is SessionState.INCOMING and self._provisional is not None:
            self.host.respond(self._txn, self._provisional, now)
            self._repeat = self.host.scheduler.schedule(now + REPEAT_PROVISIONAL, self._on_repeat)

    def _report_negotiated(self) -> None:
        negotiated, self._negotiated = self._negotiated, None
        if negotiated is not None:
            self.report_media(negotiated)

    def _send_final(self, response: Response, now: float) -> None:
        self.host.respond(self._txn, response, now)
        self._finish()

    def _refusal(self, status: int) -> Response:
        return self.request.response(status, to_tag=self._dialog().local.tag)

    def _finish(self) -> None:
        self._stop_repeating()
        super()._finish()

    def _stop_repeating(self) -> None:
        if self._repeat is not None:
            self._repeat.cancel()
            self._repeat = None

    def _flow(self) -> Flow:
        return self._txn.flow


def _quotable(text: str) -> str:
    return "".join(c for c in text if c.isprintable() and c not in '"\\')[:120]
