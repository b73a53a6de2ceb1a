"""The SIP stack without its sockets: transactions, sessions, registrar and qualification together.

Give :class:`SipStack` what arrives and the time; after every call, send
:meth:`~SipStack.messages_to_send` and arm one timer for :meth:`~SipStack.get_timer`. What comes of
it reaches the :class:`StackUser`, during the call.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable

from server.base.errors import LocalProtocolError, RemoteProtocolError, Unavailable
from server.sip.access import check_address
from server.sip.auth import DigestClient
from server.sip.authenticator import Authenticator
from server.sip.contacts import Contact, Contacts, ContactStore
from server.sip.dialog import DialogId
from server.sip.headers import NameAddr
from server.sip.identify import EndpointIdentifier
from server.sip.maintenance import Maintenance
from server.sip.message import Request, Response, parse_message
from server.sip.outside import Referrals
from server.sip.qualify import Qualifier
from server.sip.refer import SIPFRAG
from server.sip.refusal import refuse_unparsed
from server.sip.registrar import Registrar
from server.sip.requests import OwnRequest, TransactionUser
from server.sip.scheduler import Scheduler
from server.sip.session import ALLOW, SDP, Session
from server.sip.session_incoming import IncomingSession
from server.sip.session_outgoing import OutgoingSession
from server.sip.settings import Endpoint, SipSettings
from server.sip.stack_ports import FlowFound, FlowProvider, MessageLogger, StackUser
from server.sip.strangers import StrangerWatch
from server.sip.timers import Timers
from server.sip.traffic import Traffic
from server.sip.transaction import (
    RETRY_AFTER,
    AckReceived,
    CancelReceived,
    ClientTransaction,
    Flow,
    RequestReceived,
    ResponseReceived,
    ServerTransaction,
    TransactionEvent,
    TransactionLayer,
    TransactionTerminated,
    TransactionTimeout,
    TransportFailed,
    new_tag,
    response_address,
)
from server.sip.uri import Uri

logger = logging.getLogger(__name__)

SUPPORTED_EXTENSIONS = frozenset({"replaces", "timer"})
DTMF_TYPES = "application/dtmf-relay, application/dtmf"
UNKNOWN_ENDPOINT = Endpoint()


class SipStack:
    """Everything of SIP but I/O.

    :param secret: random bytes for nonces; a fresh one makes old nonces stale.
    :param wall_offset: seconds to add to the stack's clock to get the time of day.
    :param maintenance: says which endpoints make no new requests.
    """

    def __init__(
        self,
        settings: SipSettings,
        user: StackUser,
        flows: FlowProvider,
        *,
        contact_store: ContactStore | None = None,
        secret: bytes | None = None,
        wall_offset: float = 0.0,
        max_transactions: int = 100_000,
        maintenance: Maintenance | None = None,
    ) -> None:
        # configuration
        self._settings = settings
        self._user = user
        self._flows = flows
        self._secret = secret or os.urandom(32)
        self._identifier = EndpointIdentifier(settings)
        self._authenticator = Authenticator(settings, self._secret)
        self._strangers = _watch(settings)
        system = settings.system
        self.timers = Timers(t1=system.timer_t1 / 1000, timer_b=system.timer_b / 1000)
        # state
        self.scheduler = Scheduler()
        self.contacts = Contacts(self.scheduler, contact_store, wall_offset=wall_offset)
        self._registrar = Registrar(self.contacts, wall_offset=wall_offset)
        self._qualifier = Qualifier(self, self.contacts, self.endpoint_of)
        self.contacts.observers.append(self._qualifier)
        self._transactions = TransactionLayer(
            self.timers, max_transactions=max_transactions, reply_flow=self._reply_flow
        )
        self._sessions: dict[DialogId, Session] = {}
        self.referrals = Referrals(self)
        self.maintenance = maintenance or Maintenance()
        self._message_logger: MessageLogger | None = None
        self.counters: Counter[str] = Counter()
        self.traffic = Traffic()

    # The technology's side

    def start(self, now: float) -> None:
        """Take up the contacts, those that were saved included. Call once."""
        self.contacts.configure(self._settings, now)
        self.contacts.load(now)

    def reload(self, settings: SipSettings, now: float) -> None:
        """Replace the settings; calls keep those that they began with."""
        self._settings = settings
        self._identifier = EndpointIdentifier(settings)
        self._authenticator = Authenticator(settings, self._secret)
        self._strangers = _watch(settings)
        self.contacts.configure(settings, now)

    def create_call(self, endpoint: Endpoint) -> OutgoingSession:
        """Prepare a call to *endpoint*."""
        return OutgoingSession(self, endpoint)

    def qualify(self, contact: Contact, now: float) -> None:
        """Send an OPTIONS to a contact now."""
        self._qualifier.qualify(contact, now)

    def next_qualify(self, contact: Contact) -> float | None:
        """When a contact is asked next whether it is there, ``None`` if it never is."""
        return self._qualifier.when(contact)

    def set_logger(self, message_logger: MessageLogger | None) -> None:
        """Show every message to *message_logger*, or stop doing so."""
        self._message_logger = message_logger

    @property
    def settings(self) -> SipSettings:
        """What the stack is configured with."""
        return self._settings

    @property
    def identifier(self) -> EndpointIdentifier:
        """How requests are matched to endpoints."""
        return self._identifier

    @property
    def transactions(self) -> TransactionLayer:
        """The transactions, to be counted."""
        return self._transactions

    @property
    def session_count(self) -> int:
        """How many dialogs there are, early ones included."""
        return len(self._sessions)

    def find_session(self, dialog_id: DialogId) -> Session | None:
        """Return the call that a dialog belongs to, early ones included."""
        return self._sessions.get(dialog_id)

    # I/O

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """Take a message. Never raises for what a peer can send."""
        if self._message_logger is not None:
            self._message_logger(False, flow, data)
        try:
            message = parse_message(data)
        except RemoteProtocolError as error:
            self.counters["malformed"] += 1
            logger.debug("from %s:%s: %s", *flow.remote, error)
            refusal = refuse_unparsed(data, error.status)
            if refusal is not None:
                self._transactions.send_stateless(refusal, flow)
            return
        self.traffic.note_received(data)
        self._transactions.receive(message, flow, now)
        self._drain(now)

    def transport_failed(self, flow: Flow, now: float) -> None:
        """A flow broke."""
        self._transactions.transport_failed(flow, now)
        self._drain(now)
        self.contacts.flow_lost(flow, now)

    def get_timer(self) -> float | None:
        """When :meth:`handle_timer` is due, ``None`` if no timer runs."""
        ours, theirs = self.scheduler.get_timer(), self._transactions.get_timer()
        if ours is None or theirs is None:
            return theirs if ours is None else ours
        return min(ours, theirs)

    def handle_timer(self, now: float) -> None:
        """Let all timers fire that are due."""
        self._transactions.handle_timer(now)
        self._drain(now)
        self.scheduler.handle_timer(now)
        self._drain(now)

    def messages_to_send(self) -> list[tuple[Flow, bytes]]:
        """What is to be sent now, in order; each is given once."""
        messages = self._transactions.messages_to_send()
        self.traffic.note_sent(data for _, data in messages)
        if self._message_logger is not None:
            for flow, data in messages:
                self._message_logger(True, flow, data)
        return messages

    # For sessions and their like (SessionHost)

    def send_request(
        self, request: Request, flow: Flow, now: float, user: TransactionUser
    ) -> ClientTransaction:
        request.headers.set("User-Agent", self._settings.global_.user_agent)
        try:
            return self._transactions.send_request(request, flow, now, user)
        except LocalProtocolError as error:
            raise Unavailable(f"{request.method} can't be sent: {error}") from error

    def respond(self, txn: ServerTransaction, response: Response, now: float) -> None:
        response.headers.set("Server", self._settings.global_.user_agent)
        try:
            self._transactions.respond(txn, response, now)
        except LocalProtocolError as error:
            # The flow broke under the transaction, or a value can't be written: nothing is sent.
            logger.warning("response %s is not sent: %s", response.status, error)

    def send_stateless(self, message: Request | Response, flow: Flow) -> None:
        try:
            self._transactions.send_stateless(message, flow)
        except LocalProtocolError as error:
            logger.warning("message is not sent: %s", error)

    def cancel(self, txn: ClientTransaction, now: float) -> None:
        self._transactions.cancel(txn, now)

    def find_flow(self, uri: Uri, endpoint: Endpoint, done: FlowFound, now: float) -> None:
        self._flows.find_flow(uri, endpoint.transport, done, now)

    def contact(self, flow: Flow, endpoint: Endpoint) -> NameAddr:
        host, port = self._flows.advertised(flow)
        params: dict[str, str | None] = {}
        if flow.transport != "UDP":
            params["transport"] = flow.transport.lower()
        user = endpoint.contact_user or self._settings.global_.default_from_user
        return NameAddr(Uri("sip", user, host, port, params))

    def digest(self, endpoint: Endpoint) -> DigestClient | None:
        return self._authenticator.client(endpoint) if endpoint.outbound_auth else None

    def add_session(self, dialog_id: DialogId, session: Session) -> None:
        self._sessions[dialog_id] = session

    def remove_session(self, dialog_id: DialogId, session: Session) -> None:
        if self._sessions.get(dialog_id) is session:
            del self._sessions[dialog_id]

    def answer_options(self, request: Request) -> Response:
        response = request.response(200, to_tag=new_tag())
        headers = response.headers
        headers.set("Allow", ALLOW)
        headers.set("Accept", f"{SDP}, {SIPFRAG}, text/plain, {DTMF_TYPES}")
        headers.set("Supported", ", ".join(sorted(SUPPORTED_EXTENSIONS)))
        return response

    def endpoint_of(self, contact: Contact) -> Endpoint:
        """Return the endpoint that a contact is of."""
        endpoint = self._settings.endpoints.get(contact.endpoint)
        if endpoint is not None:
            return endpoint
        for endpoint in self._settings.endpoints.values():
            if contact.aor in endpoint.aors:
                return endpoint
        return UNKNOWN_ENDPOINT

    # Events of the transactions

    def _drain(self, now: float) -> None:
        next_event = self._transactions.next_event
        while (event := next_event()) is not None:
            try:
                self._handle(event, now)
            except RemoteProtocolError as error:
                self.counters["unusable"] += 1
                logger.debug("%s: %s", type(event).__name__, error)

    def _handle(self, event: TransactionEvent, now: float) -> None:
        match event:
            case RequestReceived(txn, request, flow):
                self._on_request(txn, request, flow, now)
            case ResponseReceived(txn, response):
                self._on_response(txn, response, now)
            case AckReceived(request, _):
                session = self._find_session(request)
                if session is not None:
                    session.handle_ack(request, now)
            case CancelReceived(invite_txn, cancel_txn):
                self._on_cancel(invite_txn, cancel_txn, now)
            case TransactionTimeout(txn):
                self._on_failure(txn, 408, now)
            case TransportFailed(txn):
                self._on_failure(txn, 503, now)
            case TransactionTerminated(txn):
                user, txn.user_data = txn.user_data, None  # who may have it: leave no cycle
                if isinstance(user, OwnRequest):
                    user.release(txn)

    def _on_response(self, txn: ClientTransaction, response: Response, now: float) -> None:
        user: TransactionUser | None = txn.user_data
        if user is None:
            return
        try:
            user.handle_response(txn, response, now)
        except RemoteProtocolError as error:
            logger.info("response %s can't be used: %s", response.status, error)
            if response.status >= 200:
                user.handle_failure(txn, 400, now)

    def _on_failure(
        self, txn: ClientTransaction | ServerTransaction, status: int, now: float
    ) -> None:
        user = txn.user_data
        if isinstance(txn, ClientTransaction):
            if user is not None:
                user.handle_failure(txn, status, now)
        elif isinstance(user, IncomingSession):
            user.handle_failure(status)

    def _on_cancel(
        self, invite_txn: ServerTransaction, cancel_txn: ServerTransaction, now: float
    ) -> None:
        session = invite_txn.user_data
        if isinstance(session, IncomingSession):
            session.handle_cancel(cancel_txn, now)
        else:  # a re-INVITE, which is answered at once
            self.respond(cancel_txn, cancel_txn.request.response(200, to_tag=new_tag()), now)

    def _on_request(self, txn: ServerTransaction, request: Request, flow: Flow, now: float) -> None:
        try:
            check_address(self._settings.acls, request, flow, self._strangers, now)
            if request.to.tag:
                self._on_request_in_dialog(txn, request, flow, now)
            else:
                self._on_new_request(txn, request, flow, now)
        except RemoteProtocolError as error:
            self._refuse(txn, request, error.status or 400, now)
        except Unavailable as error:
            logger.warning("%s refused: %s", request.method, error)
            self._refuse(txn, request, 503, now)

    def _on_request_in_dialog(
        self, txn: ServerTransaction, request: Request, flow: Flow, now: float
    ) -> None:
        session = self._find_session(request)
        if session is not None:
            session.handle_request(txn, request, flow, now)
        elif request.method == "OPTIONS":
            self.respond(txn, self.answer_options(request), now)
        elif request.method == "NOTIFY":
            self.referrals.take_notify(txn, request, now)
        else:
            raise RemoteProtocolError("no such dialog", 481)

    def _on_new_request(
        self, txn: ServerTransaction, request: Request, flow: Flow, now: float
    ) -> None:
        self._check_support(request)
        handler = _NEW_REQUEST_HANDLERS.get(request.method)
        if handler is None:
            raise RemoteProtocolError(f"no {request.method} here", 405)
        endpoint = self._identifier.identify(request, flow)
        if endpoint is not None and not endpoint.acl.permits(flow.remote[0]):
            endpoint = None
        is_free = (
            request.method == "OPTIONS"
            and endpoint is not None
            and endpoint.allow_unauthenticated_options
        )
        if not is_free:
            challenge = self._authenticator.check(request, endpoint, now)
            if challenge is not None:
                self._note_refusal(request, endpoint, flow, now)
                self.respond(txn, challenge, now)
                return
        assert endpoint is not None
        refusal = self.maintenance.refuse(endpoint.name, request)
        if refusal is not None:
            self.respond(txn, refusal, now)
            return
        handler(self, txn, request, endpoint, flow, now)

    def _check_support(self, request: Request) -> None:
        if request.uri.scheme not in ("sip", "sips", "tel"):
            raise RemoteProtocolError(f"scheme {request.uri.scheme}", 416)
        for extension in request.require:
            if extension.lower() not in SUPPORTED_EXTENSIONS:
                raise RemoteProtocolError(f"extension {extension}", 420)

    def _on_invite(
        self,
        txn: ServerTransaction,
        request: Request,
        endpoint: Endpoint,
        flow: Flow,
        now: float,
    ) -> None:
        session = IncomingSession(self, endpoint, txn, request, flow)
        txn.user_data = session
        try:
            self._user.on_call(session, request, now)
        except RemoteProtocolError as error:
            session.refuse(error.status or 400, now, error=error)
        except Unavailable as error:
            logger.warning("call from %s refused: %s", endpoint.name, error)
            session.refuse(503, now, retry_after=RETRY_AFTER)
        except Exception:
            session.refuse(500, now)  # a bug here; who calls shall not wait for us
            raise

    def _on_register(
        self,
        txn: ServerTransaction,
        request: Request,
        endpoint: Endpoint,
        flow: Flow,
        now: float,
    ) -> None:
        response = self._registrar.register(request, endpoint, flow, now)
        self.respond(txn, response, now)

    def _on_options(
        self,
        txn: ServerTransaction,
        request: Request,
        endpoint: Endpoint,
        flow: Flow,
        now: float,
    ) -> None:
        user = request.uri.user
        if user and not self._user.has_extension(endpoint, user):
            raise RemoteProtocolError(f"no extension {user}", 404)
        self.respond(txn, self.answer_options(request), now)

    def _on_message(
        self,
        txn: ServerTransaction,
        request: Request,
        endpoint: Endpoint,
        flow: Flow,
        now: float,
    ) -> None:
        self._user.on_message(endpoint, request, flow)
        self.respond(txn, request.response(202, to_tag=new_tag()), now)

    def _refuse(self, txn: ServerTransaction, request: Request, status: int, now: float) -> None:
        response = request.response(status, to_tag=new_tag())
        if status == 405:
            response.headers.set("Allow", ALLOW)
        elif status == 415:
            response.headers.set("Accept", "text/plain")
        elif status == 420:
            unknown = [e for e in request.require if e.lower() not in SUPPORTED_EXTENSIONS]
            response.headers.set("Unsupported", ", ".join(unknown))
        self.respond(txn, response, now)

    def _note_refusal(
        self, request: Request, endpoint: Endpoint | None, flow: Flow, now: float
    ) -> None:
        """Count and log who did not prove who he is; a first request never does."""
        if "Authorization" not in request.headers:
            return
        self.counters["failed_authentications"] += 1
        who = "unknown user" if endpoint is None else "wrong credentials"
        user = request.from_.uri.user
        is_notable = endpoint is not None or self._strangers.note(flow.remote[0], now)
        level = logging.WARNING if is_notable else logging.DEBUG
        logger.log(level, "%s of %r from %s:%s: %s", request.method, user, *flow.remote, who)

    def _find_session(self, request: Request) -> Session | None:
        return self.find_session(DialogId(request.call_id, request.to.tag, request.from_.tag))

    def _reply_flow(self, request: Request, flow: Flow) -> Flow:
        """Where responses go: back where the request came from, or where its Via says."""
        if flow.is_reliable or request.via.wants_rport:
            return flow
        endpoint = self._settings.endpoints.get(request.from_.uri.user)
        if endpoint is None or endpoint.force_rport:
            return flow
        return self._flows.reply_flow(flow, response_address(request))


def _watch(settings: SipSettings) -> StrangerWatch:
    options = settings.global_
    return StrangerWatch(
        options.unidentified_request_count, float(options.unidentified_request_period)
    )


_NewRequestHandler = Callable[[SipStack, ServerTransaction, Request, Endpoint, Flow, float], None]
_NEW_REQUEST_HANDLERS: dict[str, _NewRequestHandler] = {
    "INVITE": SipStack._on_invite,
    "REGISTER": SipStack._on_register,
    "OPTIONS": SipStack._on_options,
    "MESSAGE": SipStack._on_message,
}
