"""Outgoing calls: our INVITE, its forks, its cancellation and its late answers."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence

from server.base.causes import Cause, sip_to_cause
from server.base.errors import LocalProtocolError, RemoteProtocolError, Unavailable
from server.sip.dialog import Dialog
from server.sip.headers import NameAddr
from server.sip.message import Request, Response
from server.sip.offer_answer import OfferAnswer
from server.sip.reason import read_cause
from server.sip.requests import OwnRequest
from server.sip.scheduler import Timer
from server.sip.session import SDP, Session
from server.sip.session_ports import SessionHost, SessionState
from server.sip.settings import Endpoint
from server.sip.transaction import Flow, new_tag
from server.sip.uri import Uri

logger = logging.getLogger(__name__)

MAX_FORKS = 16  # early dialogs of one INVITE that are kept


class OutgoingSession(Session):
    """A call to a peer."""

    def __init__(self, host: SessionHost, endpoint: Endpoint) -> None:
        super().__init__(host, endpoint, None, SessionState.IDLE)
        self.call_id = os.urandom(16).hex()
        self._local_tag = new_tag()
        self._cseq = 0
        self._own: OwnRequest | None = None
        self._forks: dict[str, Dialog] = {}  # early, by the peer's tag
        self._acknowledged: dict[str, Dialog] = {}  # those that answered with 2xx
        self._is_ringing = False
        self._give_up: Timer | None = None
        self._make_request: Callable[[Flow], Request] | None = None

    def start(
        self,
        *,
        target: Uri,
        from_: Callable[[Flow], NameAddr],
        media: OfferAnswer,
        routes: Sequence[Uri] = (),
        prepare: Callable[[Request, Flow], None],
        now: float,
    ) -> None:
        """Send the INVITE.

        :param from_: makes From, without tag, once it is known where we send from.
        :param routes: proxies to pass, in order.
        :param prepare: adds headers before the request goes out.
        """
        self.media = media

        def make(flow: Flow) -> Request:
            self._cseq += 1
            request = Request.create(
                "INVITE",
                target,
                from_=from_(flow).with_params(tag=self._local_tag),
                to=NameAddr(target.without_params()),
                call_id=self.call_id,
                cseq=self._cseq,
                max_forwards=self.host.settings.global_.max_forwards,
            )
            if routes:
                request.routes = [NameAddr(route) for route in routes]
            self.add_contact(request, flow)
            self.timer.add_to_request(request)
            prepare(request, flow)
            if not self.media_waits_for_answer:
                media.build_offer(self.direction)
            assert media.local is not None
            request.set_body(SDP, media.local.encode())
            return request

        self._make_request = make
        self._set_state(SessionState.CALLING)
        self.host.find_flow(routes[0] if routes else target, self.endpoint, self._on_flow, now)

    def hangup(self, cause: int, now: float) -> None:
        if self.state is SessionState.IDLE:
            self.listener = None
            self._finish()
        elif self.state is SessionState.CALLING:
            self._cancel(now)
        else:
            super().hangup(cause, now)

    def _cancel(self, now: float) -> None:
        self.listener = None
        if self._own is None or self._own.txn is None:
            self._finish()  # still looking for the way
            return
        self._set_state(SessionState.CANCELLING)
        self.host.cancel(self._own.txn, now)
        # RFC 3261 section 9.1: some peers never answer a cancelled INVITE.
        self._give_up = self.host.scheduler.schedule(
            now + 64 * self.host.timers.t1, self._on_give_up
        )

    def _on_flow(self, flow: Flow | None, now: float) -> None:
        if self.state is not SessionState.CALLING:
            return
        if flow is None:
            self.end_by_peer(Cause.NO_ROUTE_DESTINATION, None, "no way to the target")
            return
        self.flow = flow
        self._send(now)

    def _send(self, now: float) -> None:
        assert self.flow is not None
        assert self._make_request is not None
        try:
            request = self._make_request(self.flow)
        except LocalProtocolError as error:  # a name or number that no header can carry
            self.end_by_peer(Cause.INVALID_NUMBER_FORMAT, None, str(error))
            return
        own = OwnRequest(
            self.host,
            request,
            self.flow,
            self._on_final,
            next_cseq=self._next_cseq,
            digest=self.digest,
            provisional=self._on_provisional,
        )
        self._own = own
        try:
            own.send(now)
        except Unavailable as error:
            self.end_by_peer(Cause.SWITCH_CONGESTION, 503, str(error))

    def _next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq

    # Responses

    def _on_provisional(self, response: Response, now: float) -> None:
        if self.state is not SessionState.CALLING or response.status == 100:
            return
        self.response = response
        try:
            self._learn_fork(response)
            self._take_early_media(response)
        except RemoteProtocolError as error:
            logger.info("call %s: %s ignored: %s", self.call_id, response.status, error)
            return
        listener = self.listener
        if listener is None:
            return
        listener.on_identity(response)
        if response.status == 180 and not self._is_ringing:
            self._is_ringing = True
            listener.on_ringing()
        elif response.status == 183 and (response.body or not self.endpoint.ignore_183_without_sdp):
            listener.on_progress()

    def _learn_fork(self, response: Response) -> None:
        """Keep an early dialog for each fork, so that its requests are understood."""
        assert self.flow is not None
        self.learn_peer(response, self.flow)
        tag = response.to.tag
        if not tag or tag in self._forks or len(self._forks) >= MAX_FORKS:
            return
        if response.contact is None:
            return  # no dialog can be made of it (it should have one, RFC 3261 section 12.1)
        dialog = Dialog.from_response(self._request(), response)
        self._forks[tag] = dialog
        self.dialog = self.dialog or dialog
        self.host.add_session(dialog.id, self)

    def _take_early_media(self, response: Response) -> None:
        description = self.read_body(response)
        if description is not None:
            self.report_media(self.media.apply_answer(description))

    def _on_final(self, status: int, response: Response | None, now: float) -> None:
        if self.state is SessionState.CALLING and response is not None:
            self.response = response
        if response is not None and status < 300:
            self._on_2xx(response, now)
        elif self.state is SessionState.CANCELLING:
            self._finish()
        elif self.state is SessionState.CALLING:
            self._on_refused(status, response, now)

    def _on_2xx(self, response: Response, now: float) -> None:
        tag = response.to.tag
        if (dialog := self._acknowledged.get(tag)) is not None:
            self.send_ack(self._cseq, dialog, now)  # its ACK was lost
            return
        if self.flow is not None:
            self.learn_peer(response, self.flow)
        try:
            dialog = self._forks.get(tag) or Dialog.from_response(self._request(), response)
        except RemoteProtocolError as error:
            # Without Contact there is no way to ACK it; the peer will give up.
            self.end_by_peer(Cause.PROTOCOL_ERROR, response.status, str(error))
            return
        self._acknowledged[tag] = dialog
        if self.state is SessionState.CALLING:
            self._choose(dialog)
            dialog.confirm(response)
            self.send_ack(self._cseq, dialog, now)
            self._establish(response, now)
        else:
            self._refuse_late(dialog, response, now)

    def _refuse_late(self, dialog: Dialog, response: Response, now: float) -> None:
        """End what nobody waits for: the answer to a cancelled call, or of a further fork."""
        dialog.refresh_target(response)
        self.send_ack(self._cseq, dialog, now)
        self.send_bye(dialog, Cause.NORMAL_CLEARING, now)
        if self.state is SessionState.CANCELLING:
            self._finish()

    def _choose(self, dialog: Dialog) -> None:
        """This fork answered: the others are left to the proxy that made them."""
        for other in self._forks.values():
            if other is not dialog:
                self.host.remove_session(other.id, self)
        self.dialog = dialog
        self.host.add_session(dialog.id, self)

    def _establish(self, response: Response, now: float) -> None:
        self._set_state(SessionState.CONFIRMED)
        listener = self.listener
        try:
            self.timer.accept_response(response)
            if response.body:
                self.apply_answer(response)
            elif self.media_waits_for_answer:
                raise RemoteProtocolError("no answer to our offer", 488)
        except RemoteProtocolError as error:
            self.end_by_us(Cause.BEARERCAPABILITY_NOTAVAIL, 488, str(error), now)
            return
        self.arm_timer(now)
        if listener is not None:
            listener.on_identity(response)
            listener.on_answered()
        self.modifier.poke(now)

    def _on_refused(self, status: int, response: Response | None, now: float) -> None:
        if response is None:
            reason = "no response" if status == 408 else "transport failed"
            self.end_by_peer(sip_to_cause(status), status, reason)
            return
        if status == 422 and self.timer.accept_refusal(response):
            self._send(now)
            return
        if 300 <= status <= 399 and self.listener is not None:
            self.listener.on_redirected(response.contacts)
        cause = read_cause(response)
        self.end_by_peer(sip_to_cause(status) if cause is None else cause, status, response.reason)

    def _on_give_up(self, now: float) -> None:
        if self.state is SessionState.CANCELLING:
            self._finish()

    def _request(self) -> Request:
        assert self._own is not None
        return self._own.request

    def _finish(self) -> None:
        if self._give_up is not None:
            self._give_up.cancel()
        for dialog in self._forks.values():
            self.host.remove_session(dialog.id, self)
        self._make_request = None
        super()._finish()
