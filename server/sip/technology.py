"""PJSIP as a :class:`server.tech.base.Technology`: the stack with sockets, timers and media."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from server.base.clock import Clock
from server.base.errors import InvalidArgument, NotFound, RemoteProtocolError
from server.base.tasks import TaskScope
from server.media.engine import MediaEngine
from server.media.streams import RtpStream
from server.sip.contacts import REACHABLE, UNREACHABLE, Contact, ContactStore
from server.sip.dialstring import as_phone, find_target
from server.sip.fetching import Gate, ObjectFetcher
from server.sip.identity import read_caller, read_redirecting, user_of
from server.sip.leg import OutgoingLeg, SipLeg, make_media
from server.sip.maintenance import Maintenance
from server.sip.message import Request
from server.sip.messaging import Messaging
from server.sip.notify import Notify
from server.sip.refer import Replaces
from server.sip.session_incoming import IncomingSession
from server.sip.settings import Endpoint, SipSettings
from server.sip.stack import SipStack
from server.sip.stack_ports import MessageLogger
from server.sip.text import TECHNOLOGY, check_text, read_message
from server.sip.transaction import Flow
from server.sip.transfer import leg_of, replaced_leg
from server.sip.transport import BoundAddress, Transports
from server.sip.uri import Uri
from server.tech.base import (
    CallSink,
    ContactInfo,
    EndpointInfo,
    ExtensionMatch,
    IncomingCall,
    Leg,
    OutgoingCall,
    Party,
)

logger = logging.getLogger(__name__)

KNOWN_CODECS = ("ulaw", "alaw", "slin", "slin16")


class PjsipTechnology:
    """SIP calls.

    :param sink: takes new calls and hears of endpoints.
    :param contact_store: keeps registered contacts over a restart.
    :ivar maintenance: which endpoints take no new calls.
    """

    def __init__(
        self,
        settings: SipSettings,
        engine: MediaEngine,
        sink: CallSink,
        contact_store: ContactStore | None = None,
        clock: Clock | None = None,
    ) -> None:
        # configuration
        self._settings = settings
        self._engine = engine
        self._sink = sink
        self._contact_store = contact_store
        self._clock = clock
        # state, made by start()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._transports: Transports | None = None
        self._stack: SipStack | None = None
        self._messaging: Messaging | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._counter = itertools.count()
        self._legs: set[SipLeg] = set()
        self._states: dict[str, str] = {}
        self._by_aor = _endpoints_by_aor(settings)
        self._is_busy = False
        self.maintenance = Maintenance()
        self._gate: Gate | None = None
        self.scope = TaskScope("sip")

    # Start and stop

    async def start(self) -> None:
        """Bind the transports and take up the contacts.

        :raises Unavailable: a transport can't be bound; names it.
        """
        self._loop = asyncio.get_running_loop()
        wall_offset = self._clock.wall() - self.now() if self._clock is not None else 0.0
        transports = Transports(
            self._settings.transports.values(), self._settings.global_, self, self.now
        )
        self._transports = transports
        self._stack = SipStack(
            self._settings,
            self,
            transports,
            contact_store=self._contact_store,
            wall_offset=wall_offset,
            maintenance=self.maintenance,
        )
        self._messaging = Messaging(self, self._stack)
        await transports.start()
        for address in transports.bound_addresses():
            logger.info("%s listens on %s port %s", *address[1:])
        self._stack.contacts.observers.append(self)
        self._stack.start(self.now())
        self._resolve_identifies()
        self._states = {name: self._state(e) for name, e in self._settings.endpoints.items()}
        self.flush()

    async def close(self) -> None:
        """End what is left of calls, and close the transports. May be called again."""
        for leg in list(self._legs):
            leg.hangup(16)
        await self.scope.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transports is not None:
            await self._transports.close()
            self._transports = None

    def reload(self, settings: SipSettings) -> None:
        """Replace endpoints, aors, auths and identifies at once; calls go on as they began.

        Transports stay as they are, but for those with ``allow_reload``; what needs a restart, or
        can't be bound now, is reported.
        """
        if settings.transports != self._settings.transports and self._transports is not None:
            self.scope.spawn(
                self._transports.reload(settings.transports.values()), "reload transports"
            )
        self._settings = settings
        self._by_aor = _endpoints_by_aor(settings)
        if self._stack is not None:
            self._stack.reload(settings, self.now())
            self._resolve_identifies()
            self._states = {n: s for n, s in self._states.items() if n in settings.endpoints}
            for endpoint in settings.endpoints.values():
                self._report_endpoint(endpoint)
            self.flush()

    def set_fetcher(self, fetcher: ObjectFetcher) -> None:
        """Ask *fetcher* for endpoints that are in a database."""
        self._gate = Gate(fetcher, self.scope, lambda: self._running()[0].identifier, self._receive)

    def transports_needing_restart(self) -> list[str]:
        """Return the names of transports whose sections changed without ``allow_reload``."""
        wanted = self._settings.transports
        return [] if self._transports is None else self._transports.needing_restart(wanted)

    # Technology

    @property
    def name(self) -> str:
        return TECHNOLOGY

    def create_leg(self, resource: str, call: OutgoingCall) -> Leg:
        stack, transports = self._running()
        if self._gate is not None:
            self._gate.refresh(resource)
        target = find_target(resource, self._settings, stack.contacts)
        self.maintenance.check(target.endpoint.name)
        codecs = choose_codecs(target.endpoint, call.formats)
        host = self._rtp_host(
            target.endpoint, transports.media_host(target.uri, target.endpoint.transport)
        )
        stream = self._engine.open_rtp(host, tos=target.endpoint.tos_audio)
        try:
            leg = OutgoingLeg(
                self,
                self._new_name(target.endpoint),
                stack.create_call(target.endpoint),
                stream,
                target=as_phone(target.uri) if target.endpoint.user_eq_phone else target.uri,
                codecs=codecs,
                variables=call.variables,
            )
        except InvalidArgument:
            stream.close()
            raise
        self._legs.add(leg)
        return leg

    def endpoints(self) -> Sequence[EndpointInfo]:
        return [self._info(endpoint) for endpoint in self._settings.endpoints.values()]

    def endpoint(self, resource: str) -> EndpointInfo | None:
        endpoint = self._settings.endpoints.get(resource)
        return None if endpoint is None else self._info(endpoint)

    # Messenger

    def send_message(self, to: str, sender: str, body: str, variables: Mapping[str, str]) -> None:
        """See :class:`~server.tech.base.Messenger`."""
        self._running_messaging().send_message(to, sender, body, variables)

    def refer(
        self,
        to: str,
        sender: str,
        refer_to: str,
        variables: Mapping[str, str],
        *,
        to_self: bool,
    ) -> None:
        """See :class:`~server.tech.base.Messenger`."""
        self._running_messaging().refer(to, sender, refer_to, variables, to_self=to_self)

    def notify(self, to: str, notify: Notify) -> None:
        """Send a NOTIFY outside of calls; see :meth:`Messaging.notify`."""
        self._running_messaging().notify(to, notify)

    # For the CLI

    @property
    def settings(self) -> SipSettings:
        """What is configured now."""
        return self._settings

    def bound_addresses(self) -> list[BoundAddress]:
        """List what listens: (transport name, ``UDP``/``TCP``, host, port)."""
        return [] if self._transports is None else self._transports.bound_addresses()

    def contacts(self) -> list[Contact]:
        """List all contacts."""
        return [] if self._stack is None else self._stack.contacts.all()

    def endpoint_details(self, name: str) -> dict[str, Any]:
        """Describe an endpoint: its options, state, aors, contacts and channels.

        :raises NotFound: there is none of this name.
        """
        endpoint = self._settings.endpoints.get(name)
        if endpoint is None:
            raise NotFound(f"no endpoint PJSIP/{name}")
        return {
            "endpoint": endpoint,
            "state": self._state(endpoint),
            "aors": [self._settings.aors[a] for a in endpoint.aors if a in self._settings.aors],
            "contacts": [c for c in self.contacts() if c.aor in endpoint.aors],
            "channels": sorted(leg.name for leg in self._legs if leg.endpoint.name == name),
        }

    def set_logger(self, message_logger: MessageLogger | None) -> None:
        """Show every SIP message to *message_logger*, or stop doing so."""
        self._running()[0].set_logger(message_logger)

    def qualify(self, aor: str) -> None:
        """Send an OPTIONS to each contact of an address of record now."""
        stack, _ = self._running()
        for contact in stack.contacts.of(aor):
            stack.qualify(contact, self.now())
        self.flush()

    def next_qualify(self, contact: Contact) -> float | None:
        """In how many seconds a contact is asked next, ``None`` if it never is."""
        when = None if self._stack is None else self._stack.next_qualify(contact)
        return None if when is None else max(0.0, when - self.now())

    def remove_contact(self, contact: Contact) -> None:
        """Forget a contact that a phone registered."""
        self._running()[0].contacts.remove(contact, self.now())
        self.flush()

    def counters(self) -> dict[str, int]:
        """Count what happened, and what lives."""
        counters = {"legs_live": len(self._legs)}
        if self._stack is not None:
            counters |= self._stack.counters
            counters["dialogs_live"] = self._stack.session_count
            counters["referrals_live"] = len(self._stack.referrals)
        return counters

    # For legs

    @property
    def stack(self) -> SipStack | None:
        """What counts messages and transactions; ``None`` before the start."""
        return self._stack

    def now(self) -> float:
        """The time on the stack's clock."""
        assert self._loop is not None
        return self._loop.time()

    def flush(self) -> None:
        """Send what there is to send, and arm the timer. Does nothing inside the stack's calls."""
        stack, transports = self._stack, self._transports
        if self._is_busy or stack is None or transports is None:
            return
        for flow, data in stack.messages_to_send():
            transports.send(flow, data)
        self._arm(stack.get_timer())

    def forget(self, leg: SipLeg) -> None:
        """A leg is over."""
        self._legs.discard(leg)

    def media_address(self, endpoint: Endpoint, flow: Flow) -> str:
        """The address that the media of *endpoint* is offered at."""
        _, transports = self._running()
        return endpoint.media_address or transports.external_media_address(flow) or flow.local[0]

    def signalling_host(self, flow: Flow) -> str:
        """Our host as a peer on *flow* sees it."""
        return self._running()[1].advertised(flow)[0]

    def proxies(self, endpoint: Endpoint) -> list[Uri]:
        """The configured outbound proxy, if any that can be read."""
        if not endpoint.outbound_proxy:
            return []
        try:
            return [Uri.parse(endpoint.outbound_proxy)]
        except RemoteProtocolError as error:
            logger.warning("endpoint %s: outbound_proxy: %s", endpoint.name, error)
            return []

    def redirect_uri(self, target: str) -> Uri:
        """Turn a dial string into the URI to send a peer to.

        :raises NotFound: no such endpoint or contact.
        :raises InvalidArgument: it can't be read.
        """
        return find_target(target, self._settings, self._running()[0].contacts).uri

    def leg_of(self, replaces: Replaces) -> SipLeg | None:
        """The leg of the call that Replaces names, ``None`` if there is none that lives."""
        return leg_of(self._running()[0], replaces)

    # For the stack (StackUser)

    def on_call(self, session: IncomingSession, request: Request, now: float) -> None:
        """Take a new call.

        :raises RemoteProtocolError: it is refused.
        :raises Unavailable: nothing is left for it.
        """
        endpoint = session.endpoint
        strip = self._settings.global_.ignore_uri_user_options
        exten = user_of(request.uri, strip_options=strip) or "s"
        caller = read_caller(request, endpoint, strip_options=strip)
        replaced = replaced_leg(self._running()[0], endpoint, request)
        if replaced is None:
            self._check_extension(endpoint, exten, caller)
        stream = self._open_stream(session, endpoint)
        leg: SipLeg | None = None
        try:
            assert session.flow is not None
            address = self.media_address(endpoint, session.flow)
            session.start(make_media(endpoint, endpoint.codecs, stream, address))
            leg = SipLeg(self, self._new_name(endpoint), session, stream, request.call_id)
            self._legs.add(leg)
            self._sink.incoming(
                leg,
                IncomingCall(
                    endpoint=endpoint.name,
                    context=endpoint.context,
                    exten=exten,
                    caller=caller,
                    redirecting=read_redirecting(request),
                    language=endpoint.language or self._settings.default_language,
                    account_code=endpoint.accountcode,
                    music_class=endpoint.moh_suggest,
                    variables=dict(endpoint.variables),
                    replaces=replaced,
                ),
            )
        except BaseException:
            session.listener = None
            stream.close()
            if leg is not None:
                self.forget(leg)
            raise

    def _check_extension(self, endpoint: Endpoint, exten: str, caller: Party) -> None:
        match self._sink.match_extension(endpoint.context, exten, caller.number):
            case ExtensionMatch.NONE:
                raise RemoteProtocolError(f"no extension {exten}", 404)
            case ExtensionMatch.PARTIAL:
                status = 484 if endpoint.allow_overlap else 404
                raise RemoteProtocolError(f"extension {exten} is incomplete", status)

    def on_message(self, endpoint: Endpoint, request: Request, flow: Flow) -> None:
        """Take a text outside of calls.

        :raises RemoteProtocolError: it is no text (415), or nobody wants it (404).
        """
        check_text(request)
        if not self._sink.on_message(read_message(request, endpoint, flow)):
            raise RemoteProtocolError("nobody takes this text", 404)

    def has_extension(self, endpoint: Endpoint, user: str) -> bool:
        """Whether an OPTIONS to *user* finds anything."""
        found = self._sink.match_extension(endpoint.context, user, "")
        return found is not ExtensionMatch.NONE

    # For the transports (TransportsUser)

    def received(self, data: bytes, flow: Flow) -> None:
        """A message came."""
        if self._gate is None or not self._gate.holds(data, flow):
            self._receive(data, flow)

    def _receive(self, data: bytes, flow: Flow) -> None:
        stack = self._stack
        if stack is None:
            return
        self._is_busy = True
        try:
            stack.receive(data, flow, self.now())
        except Exception:
            # One message must not stop the others; this is a bug here, whatever it held.
            logger.exception("a message from %s:%s could not be handled", *flow.remote)
        finally:
            self._is_busy = False
        self.flush()

    def flow_lost(self, flow: Flow) -> None:
        """A connection broke."""
        if self._stack is not None and self._transports is not None:
            self._stack.transport_failed(flow, self.now())
            self.flush()

    # ContactObserver

    def on_contact_added(self, contact: Contact, now: float) -> None:
        self._report_contact(contact)

    def on_contact_refreshed(self, contact: Contact, now: float) -> None:
        if self._settings.global_.send_contact_status_on_update_registration:
            self._report_contact(contact)

    def on_contact_removed(self, contact: Contact, now: float) -> None:
        self._report_contact(contact)

    def on_contact_status(self, contact: Contact, now: float) -> None:
        self._report_contact(contact)

    # Helpers

    def _running(self) -> tuple[SipStack, Transports]:
        if self._stack is None or self._transports is None:
            raise NotFound("the SIP stack is not running")
        return self._stack, self._transports

    def _running_messaging(self) -> Messaging:
        if self._messaging is None:
            raise NotFound("the SIP stack is not running")
        return self._messaging

    def _arm(self, when: float | None) -> None:
        """Keep one timer of the loop, for the earliest deadline.

        A timer that has become too early is left alone: waking once for nothing costs less than
        moving it with every message.
        """
        if when is None or (self._timer is not None and self._timer_at <= when):
            return
        if self._timer is not None:
            self._timer.cancel()
        assert self._loop is not None
        self._timer_at = when
        self._timer = self._loop.call_at(when, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        stack = self._stack
        if stack is None or self._transports is None:
            return
        self._is_busy = True
        try:
            stack.handle_timer(self.now())
        except Exception:
            logger.exception("a SIP timer failed")
        finally:
            self._is_busy = False
        self.flush()

    def _open_stream(self, session: IncomingSession, endpoint: Endpoint) -> RtpStream:
        assert session.flow is not None
        host = self._rtp_host(endpoint, session.flow.local[0])
        return self._engine.open_rtp(host, tos=endpoint.tos_audio)

    def _rtp_host(self, endpoint: Endpoint, host: str) -> str:
        if endpoint.bind_rtp_to_media_address and endpoint.media_address:
            return endpoint.media_address
        return host

    def _new_name(self, endpoint: Endpoint) -> str:
        return f"{TECHNOLOGY}/{endpoint.name}-{next(self._counter) & 0xFFFFFFFF:08x}"

    def _resolve_identifies(self) -> None:
        stack, transports = self._running()
        identifier = stack.identifier
        for host_name in identifier.host_names:

            def found(addresses: list[str], name: str = host_name) -> None:
                identifier.set_addresses(name, addresses)

            transports.look_up(host_name, found)

    def _info(self, endpoint: Endpoint) -> EndpointInfo:
        busy_at = endpoint.device_state_busy_at
        return EndpointInfo(TECHNOLOGY, endpoint.name, self._state(endpoint), busy_at)

    def _state(self, endpoint: Endpoint) -> str:
        """``online`` if a contact may be reached, ``unknown`` if none can ever be."""
        if not endpoint.aors or self._stack is None:
            return "unknown"
        statuses = [c.status for aor in endpoint.aors for c in self._stack.contacts.of(aor)]
        return "online" if any(status != UNREACHABLE for status in statuses) else "offline"

    def _report_contact(self, contact: Contact) -> None:
        rtt = contact.roundtrip_usec if contact.status == REACHABLE else None
        info = ContactInfo(contact.uri_text, contact.aor, contact.status, rtt)
        for endpoint in self._by_aor.get(contact.aor, ()):
            self._sink.on_contact_changed(self._info(endpoint), info)
            self._report_endpoint(endpoint)

    def _report_endpoint(self, endpoint: Endpoint) -> None:
        state = self._state(endpoint)
        if self._states.get(endpoint.name) != state:
            self._states[endpoint.name] = state
            self._sink.on_endpoint_changed(self._info(endpoint))


def _endpoints_by_aor(settings: SipSettings) -> dict[str, list[Endpoint]]:
    index: dict[str, list[Endpoint]] = {}
    for endpoint in settings.endpoints.values():
        for aor in endpoint.aors:
            index.setdefault(aor, []).append(endpoint)
    return index


def choose_codecs(endpoint: Endpoint, formats: Sequence[str]) -> tuple[str, ...]:
    """Choose what to offer: the asked formats that the endpoint allows, else all it allows.

    :raises InvalidArgument: a format is unknown.
    """
    for name in formats:
        if name not in KNOWN_CODECS:
            raise InvalidArgument("formats", f"unknown format {name[:40]!r}")
    return tuple(name for name in formats if name in endpoint.codecs) or endpoint.codecs
