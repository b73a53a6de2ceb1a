"""SIP calls as :class:`server.tech.base.Leg`: a session and a stream, and what joins them."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from server.base.causes import Cause
from server.base.errors import InvalidArgument, ServerError, Unprocessable
from server.media.streams import RtpStream
from server.sip import dtmf_info
from server.sip.grammar import is_token
from server.sip.header_list import HeaderList, extra_headers
from server.sip.headers import NameAddr
from server.sip.identity import (
    add_diversion,
    add_identity,
    from_address,
    read_asserted,
    user_of,
)
from server.sip.leg_info import read_info
from server.sip.message import Message, Request, Response
from server.sip.offer_answer import Capabilities, Negotiated, OfferAnswer
from server.sip.refer_notifier import IncomingRefer
from server.sip.requests import ignore_outcome
from server.sip.resolver import is_address
from server.sip.session import Session
from server.sip.session_incoming import IncomingSession
from server.sip.session_outgoing import OutgoingSession
from server.sip.settings import Endpoint
from server.sip.text import TEXT_PLAIN, read_message
from server.sip.transaction import Flow
from server.sip.transfer import SipTransfer
from server.sip.uri import Uri
from server.tech.base import LegListener, Party, Redirecting

if TYPE_CHECKING:
    from server.sip.technology import PjsipTechnology

logger = logging.getLogger(__name__)

DEFAULT_RING_TONE = "440+480/2000,0/4000"  # inband_progress without an early answer


class SipLeg:
    """One SIP call. Made by :class:`~server.sip.technology.PjsipTechnology`."""

    def __init__(
        self,
        technology: PjsipTechnology,
        name: str,
        session: Session,
        stream: RtpStream,
        call_id: str,
    ) -> None:
        self._technology = technology
        self._name = name
        self._session = session
        self._stream = stream
        self._call_id = call_id
        self._listener: LegListener | None = None
        self._negotiated: Negotiated | None = None
        self._dtmf_task: asyncio.Future[None] | None = None
        self._is_over = False
        self._headers: HeaderList | None = None
        self._dtmf_mode = ""  # empty: the endpoint's
        self.contact: str = ""  # whom we called
        self.aor: str = ""  # by which address of record
        session.listener = self

    def __repr__(self) -> str:
        return f"<SipLeg {self._name}>"

    # Leg: what it is

    @property
    def name(self) -> str:
        return self._name

    @property
    def protocol_id(self) -> str:
        return self._call_id

    @property
    def stream(self) -> RtpStream:
        return self._stream

    @property
    def listener(self) -> LegListener | None:
        return self._listener

    @listener.setter
    def listener(self, listener: LegListener | None) -> None:
        self._listener = listener

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint at the other end."""
        return self._session.endpoint

    # Leg: what can be done

    def dial(self, caller: Party, connected: Party) -> None:
        raise Unprocessable("channel", "this call came in; it can't be dialled")

    def ring(self) -> None:
        if not isinstance(self._session, IncomingSession):
            return
        if self.endpoint.inband_progress:
            self._session.progress(self._now())
            self._stream.set_background("tone", DEFAULT_RING_TONE)
        else:
            self._session.ring(self._now())
        self._flush()

    def progress(self) -> None:
        if isinstance(self._session, IncomingSession):
            self._session.progress(self._now())
            self._flush()

    def answer(self) -> None:
        if isinstance(self._session, IncomingSession):
            if self.endpoint.inband_progress:
                self._stream.set_background(None)
            self._session.answer(self._now())
            self._flush()

    def hangup(self, cause: int) -> None:
        if self._is_over:
            return
        self._session.hangup(cause, self._now())
        self._close()
        self._flush()

    def hold(self) -> None:
        self._session.hold(self._now())
        self._flush()

    def unhold(self) -> None:
        self._session.unhold(self._now())
        self._flush()

    def send_dtmf(
        self, digits: str, *, before_ms: int, between_ms: int, duration_ms: int, after_ms: int
    ) -> Awaitable[None]:
        if not self._uses_info:
            return self._stream.send_dtmf(
                digits,
                before_ms=before_ms,
                between_ms=between_ms,
                duration_ms=duration_ms,
                after_ms=after_ms,
            )
        for digit in digits.upper():
            if digit not in dtmf_info.DIGITS:
                raise InvalidArgument("dtmf", f"expected 0-9, A-D, * and #, not {digit!r}")
        sending = self._send_info(digits.upper(), before_ms, between_ms, duration_ms, after_ms)
        return self._technology.scope.spawn(sending, f"{self._name} dtmf")

    def set_connected_line(self, party: Party) -> None:
        endpoint = self.endpoint
        if endpoint.send_connected_line and (endpoint.send_pai or endpoint.send_rpid):
            self._session.identify(party, self._now())
            self._flush()

    def redirect(self, target: str) -> None:
        uri = self._technology.redirect_uri(target)
        if isinstance(self._session, IncomingSession) and self._session.state == "Incoming":
            self._session.redirect([NameAddr(uri)], self._now())
            self._end(Cause.REDIRECTED_TO_NEW_DESTINATION, 302, "redirected")
        elif self._session.state == "Confirmed":
            self._session.referrals.send(uri, self._on_referred, self._now())
        else:
            raise Unprocessable("endpoint", "the call can't be redirected now")
        self._flush()

    def send_text(self, text: str) -> None:
        if self._session.state == "Confirmed":
            self._session.send_body(
                "MESSAGE", TEXT_PLAIN, text.encode(), ignore_outcome, self._now()
            )
            self._flush()

    def info(self, item: str) -> str | None:
        return read_info(self, item)

    # For the dialplan's functions

    @property
    def passes_hold(self) -> bool:
        """Whether the phone is put on hold itself instead of hearing music."""
        return self.endpoint.moh_passthrough

    @property
    def session(self) -> Session:
        """The call as the protocol sees it."""
        return self._session

    @property
    def technology(self) -> PjsipTechnology:
        """Whose call it is."""
        return self._technology

    @property
    def headers(self) -> HeaderList:
        """The headers of the INVITE that came, or what is to be added to the one that goes."""
        if self._headers is None:
            session = self._session
            request = session.request if isinstance(session, IncomingSession) else None
            self._headers = HeaderList(request.headers.items() if request is not None else ())
        return self._headers

    @property
    def codecs(self) -> Sequence[str]:
        """What is offered, or would be."""
        return self._session.media.capabilities.codecs

    @codecs.setter
    def codecs(self, codecs: Sequence[str]) -> None:
        media = self._session.media
        media.capabilities = replace(media.capabilities, codecs=tuple(codecs))

    @property
    def dtmf_mode(self) -> str:
        """How digits are sent and heard: as the endpoint's option has it, or as was set."""
        return self._dtmf_mode or self.endpoint.dtmf_mode

    @dtmf_mode.setter
    def dtmf_mode(self, mode: str) -> None:
        self._dtmf_mode = mode
        self._stream.set_dtmf_detect(mode == "inband")
        if self._negotiated is not None:
            self._configure(self._negotiated)

    # SessionListener

    def on_ringing(self) -> None:
        if self._listener is not None:
            self._listener.on_ringing()

    def on_progress(self) -> None:
        if self._listener is not None:
            self._listener.on_progress()

    def on_answered(self) -> None:
        if self._listener is not None:
            self._listener.on_answered()

    def on_media(self, negotiated: Negotiated) -> None:
        self._negotiated = negotiated
        self._configure(negotiated)

    def _configure(self, negotiated: Negotiated) -> None:
        endpoint = self.endpoint
        timeout = endpoint.rtp_timeout_hold if negotiated.is_held else endpoint.rtp_timeout
        # A name instead of an address is legal, and as good as none: RTP is then sent to where it
        # comes from.
        has_address = bool(negotiated.remote_port) and is_address(negotiated.remote_address)
        codecs = {
            number: name
            for number, name in negotiated.receive_map.items()
            if name != "telephone-event"
        }
        self._stream.configure(
            remote=(negotiated.remote_address, negotiated.remote_port) if has_address else None,
            codec=negotiated.codec,
            payload_type=negotiated.payload_type,
            ptime_ms=negotiated.ptime_ms if endpoint.use_ptime else 20,
            dtmf_payload_type=(
                negotiated.dtmf_payload_type if self._dtmf_mode != "inband" else None
            ),
            receive_map=codecs,
            symmetric=endpoint.rtp_symmetric or not has_address,
            direction=negotiated.direction.value,
            timeout_ms=timeout * 1000,
            rtcp_remote=negotiated.remote_rtcp if has_address else None,
            rtcp_mux=negotiated.rtcp_mux,
        )

    def on_hold(self) -> None:
        if self._listener is not None:
            self._listener.on_hold(self.endpoint.moh_suggest or None)

    def on_unhold(self) -> None:
        if self._listener is not None:
            self._listener.on_unhold()

    def on_dtmf(self, digit: str, duration_ms: int) -> None:
        if self._listener is not None:
            self._listener.on_dtmf(digit, duration_ms)

    def on_identity(self, message: Message) -> None:
        endpoint = self.endpoint
        if self._listener is None or not endpoint.trust_id_inbound:
            return
        party = read_asserted(message) if endpoint.trust_connected_line else None
        if party is not None:
            self._listener.on_connected_line(party)

    def on_redirected(self, targets: Sequence[NameAddr]) -> None:
        if self._listener is None or not targets:
            return
        uri = targets[0].uri
        if self.endpoint.redirect_method == "user":
            self._listener.on_redirected(user_of(uri))
        else:
            self._listener.on_redirected(f"{self.endpoint.name}/{uri}")

    def on_refer(self, refer: IncomingRefer) -> None:
        if self._listener is None:
            refer.refuse(481, self._now())
        else:
            self._listener.on_transfer(SipTransfer(self._technology, self.endpoint, refer))

    def on_message(self, request: Request) -> None:
        if self._listener is not None and self._session.flow is not None:
            message = read_message(request, self.endpoint, self._session.flow)
            self._listener.on_message(replace(message, context="", exten=""))

    def on_ended(self, cause: int, status: int | None, reason: str) -> None:
        self._end(cause, status, reason)

    # Helpers

    @property
    def _uses_info(self) -> bool:
        mode = self.dtmf_mode
        if mode == "auto_info":
            return self._negotiated is None or self._negotiated.dtmf_payload_type is None
        return mode == "info"

    async def _send_info(
        self, digits: str, before_ms: int, between_ms: int, duration_ms: int, after_ms: int
    ) -> None:
        await asyncio.sleep(before_ms / 1000)
        for digit in digits:
            if self._is_over:
                return
            body = dtmf_info.relay_body(digit, duration_ms)
            self._session.send_body(
                "INFO", "application/dtmf-relay", body, ignore_outcome, self._now()
            )
            self._flush()
            await asyncio.sleep((duration_ms + between_ms) / 1000)
        await asyncio.sleep(after_ms / 1000)

    def _on_referred(self, status: int, response: Response | None, now: float) -> None:
        if status >= 300:
            logger.info("%s: REFER was refused: %s", self._name, status)

    def _end(self, cause: int, status: int | None, reason: str) -> None:
        if self._is_over:
            return
        listener, self._listener = self._listener, None
        self._is_over = True
        if listener is not None:
            listener.on_hangup(cause, status, reason)
        self._stream.close()
        self._technology.forget(self)

    def _close(self) -> None:
        self._is_over = True
        self._listener = None
        self._stream.close()
        self._technology.forget(self)

    def _now(self) -> float:
        return self._technology.now()

    def _flush(self) -> None:
        self._technology.flush()


class OutgoingLeg(SipLeg):
    """A call to an endpoint, before and after it is dialled."""

    def __init__(
        self,
        technology: PjsipTechnology,
        name: str,
        session: OutgoingSession,
        stream: RtpStream,
        *,
        target: Uri,
        codecs: Sequence[str],
        variables: Mapping[str, str],
    ) -> None:
        super().__init__(technology, name, session, stream, session.call_id)
        self._outgoing = session
        self._target = target
        self._codecs = codecs
        self._headers = HeaderList(extra_headers(variables))
        self.contact = str(target)
        self.aor = self.endpoint.aors[0] if self.endpoint.aors else ""
        self.from_params: dict[tuple[str, str], str] = {}  # by "header" or "uri", and name
        self._redirecting = Redirecting()

    def set_redirecting(self, redirecting: Redirecting) -> None:
        self._redirecting = redirecting

    def dial(self, caller: Party, connected: Party) -> None:
        endpoint = self.endpoint
        party = caller
        if not caller.number and endpoint.callerid.number:
            party = endpoint.callerid
        routes = self._technology.proxies(endpoint)

        def address(flow: Flow) -> NameAddr:
            default_user = self._technology.settings.global_.default_from_user
            host = self._technology.signalling_host(flow)
            return self._with_params(from_address(endpoint, party, default_user, host))

        def prepare(request: Request, flow: Flow) -> None:
            host = self._technology.signalling_host(flow)
            add_identity(request, endpoint, party, host)
            add_diversion(request, endpoint, self._redirecting, host)
            for name, value in self.headers:
                request.headers.add(name, value)
            media.capabilities = replace(
                media.capabilities, address=self._technology.media_address(endpoint, flow)
            )

        media = make_media(endpoint, self._codecs, self._stream, self._stream.host)
        try:
            self._outgoing.start(
                target=self._target,
                from_=address,
                media=media,
                routes=routes,
                prepare=prepare,
                now=self._now(),
            )
        except ServerError as error:
            logger.warning("%s: can't be dialled: %s", self._name, error)
            self._end(Cause.NETWORK_OUT_OF_ORDER, None, str(error))
        self._flush()

    @property
    def codecs(self) -> Sequence[str]:
        return self._codecs if self._session.state == "Idle" else super().codecs

    @codecs.setter
    def codecs(self, codecs: Sequence[str]) -> None:
        self._codecs = tuple(codecs)
        if self._session.state != "Idle":
            media = self._session.media
            media.capabilities = replace(media.capabilities, codecs=self._codecs)

    def set_from_param(self, kind: str, name: str, value: str) -> None:
        """Have From carry a parameter, of its URI or of itself.

        :param kind: ``uri`` or ``header``.
        :raises InvalidArgument: no parameter can be named or hold this.
        """
        if not is_token(name) or not is_token(value) or name.lower() == "tag":
            raise InvalidArgument("parameter", f"{name[:40]}={value[:40]} can't be one")
        self.from_params[kind, name] = value

    def _with_params(self, address: NameAddr) -> NameAddr:
        """Add what the dialplan asked for to From."""
        for (kind, name), value in self.from_params.items():
            if kind == "uri":
                params = {**address.uri.params, name: value}
                address = replace(address, uri=replace(address.uri, params=params))
            else:
                address = address.with_params(**{name: value})
        return address


def make_media(
    endpoint: Endpoint, codecs: Sequence[str], stream: RtpStream, address: str
) -> OfferAnswer:
    """Make the offer/answer side of a stream.

    :param address: where the peer shall send its media.
    """
    capabilities = Capabilities(
        codecs=tuple(codecs),
        address=address,
        port=stream.port,
        dtmf=endpoint.dtmf_mode in ("rfc4733", "auto", "auto_info"),
        rtcp_mux=endpoint.rtcp_mux,
    )
    return OfferAnswer(
        capabilities,
        session_id=random.getrandbits(31),
        username=endpoint.sdp_owner,
        session_name=endpoint.sdp_session,
    )
