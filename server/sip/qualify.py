"""Whether contacts can be reached: OPTIONS now and then (pjsip.conf qualify_frequency)."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

from server.base.errors import Unavailable
from server.sip.contacts import REACHABLE, REMOVED, UNREACHABLE, Contact, Contacts
from server.sip.headers import NameAddr
from server.sip.message import Request, Response
from server.sip.requests import OwnRequest
from server.sip.scheduler import Timer
from server.sip.session_ports import SessionHost
from server.sip.settings import Aor, Endpoint
from server.sip.transaction import Flow, new_tag
from server.sip.uri import Uri


class Qualifier:
    """Asks every contact whose aor wants it.

    :param find_endpoint: the endpoint that a contact belongs to, for its transport and secrets.
    """

    def __init__(
        self,
        host: SessionHost,
        contacts: Contacts,
        find_endpoint: Callable[[Contact], Endpoint],
    ) -> None:
        self._host = host
        self._contacts = contacts
        self._find_endpoint = find_endpoint
        self._next: dict[Contact, tuple[float, Timer]] = {}

    def on_contact_added(self, contact: Contact, now: float) -> None:
        aor = self._contacts.aor(contact.aor)
        if aor is None or not aor.qualify_frequency:
            return
        # A permanent contact is there from the start, with all the others: spread them.
        longest = self._host.settings.global_.max_initial_qualify_time or aor.qualify_frequency
        delay = 0.0
        if contact.expires_at is None:
            delay = random.uniform(0.0, min(float(longest), 1.0))
        self._schedule(contact, now + delay)

    def on_contact_refreshed(self, contact: Contact, now: float) -> None: ...

    def on_contact_status(self, contact: Contact, now: float) -> None: ...

    def on_contact_removed(self, contact: Contact, now: float) -> None:
        scheduled = self._next.pop(contact, None)
        if scheduled is not None:
            scheduled[1].cancel()

    def qualify(self, contact: Contact, now: float) -> None:
        """Ask one contact now, and again after its aor's qualify_frequency."""
        aor = self._contacts.aor(contact.aor)
        if aor is None or contact.status == REMOVED:
            return
        if aor.qualify_frequency:
            self._schedule(contact, now + aor.qualify_frequency)
        _Probe(self._host, self._contacts, contact, aor, self._find_endpoint(contact)).start(now)

    def when(self, contact: Contact) -> float | None:
        """When a contact is asked next, ``None`` if it never is."""
        scheduled = self._next.get(contact)
        return None if scheduled is None else scheduled[0]

    def _schedule(self, contact: Contact, when: float) -> None:
        previous = self._next.get(contact)
        if previous is not None:
            previous[1].cancel()

        def fire(now: float) -> None:
            self.qualify(contact, now)

        self._next[contact] = when, self._host.scheduler.schedule(when, fire)


class _Probe:
    """One OPTIONS and its outcome, whichever of answer and timeout comes first."""

    def __init__(
        self,
        host: SessionHost,
        contacts: Contacts,
        contact: Contact,
        aor: Aor,
        endpoint: Endpoint,
    ) -> None:
        self._host = host
        self._contacts = contacts
        self._contact = contact
        self._aor = aor
        self._endpoint = endpoint
        self._started = 0.0
        self._cseq = 0
        self._timeout: Timer | None = None
        self._is_done = False

    def start(self, now: float) -> None:
        self._started = now
        if self._aor.qualify_timeout:
            self._timeout = self._host.scheduler.schedule(
                now + self._aor.qualify_timeout, self._on_timeout
            )
        self._host.find_flow(self._contact.uri, self._endpoint, self._on_flow, now)

    def _on_flow(self, flow: Flow | None, now: float) -> None:
        if flow is None:
            self._finish(is_reachable=False, now=now)
            return
        settings = self._host.settings.global_
        own = self._host.contact(flow, self._endpoint)
        user = self._endpoint.from_user or settings.default_from_user
        domain = self._endpoint.from_domain or own.uri.host
        request = Request.create(
            "OPTIONS",
            self._contact.uri,
            from_=NameAddr(Uri("sip", user, domain), "", {"tag": new_tag()}),
            to=NameAddr(self._contact.uri.without_params()),
            call_id=os.urandom(16).hex(),
            cseq=self._next_cseq(),
            max_forwards=settings.max_forwards,
        )
        request.contact = own
        digest = self._host.digest(self._endpoint) if self._aor.authenticate_qualify else None
        own_request = OwnRequest(
            self._host, request, flow, self._on_done, next_cseq=self._next_cseq, digest=digest
        )
        try:
            own_request.send(now)
        except Unavailable:
            self._finish(is_reachable=False, now=now)

    def _next_cseq(self) -> int:
        self._cseq += 1
        return self._cseq

    def _on_done(self, status: int, response: Response | None, now: float) -> None:
        is_good = response is not None and (status < 300 or not self._aor.qualify_2xx_only)
        self._finish(is_reachable=is_good, now=now)

    def _on_timeout(self, now: float) -> None:
        self._finish(is_reachable=False, now=now)

    def _finish(self, *, is_reachable: bool, now: float) -> None:
        if self._is_done:
            return
        self._is_done = True
        if self._timeout is not None:
            self._timeout.cancel()
        if is_reachable:
            roundtrip_usec = round((now - self._started) * 1_000_000)
            self._contacts.set_status(self._contact, REACHABLE, roundtrip_usec, now)
        else:
            self._contacts.set_status(self._contact, UNREACHABLE, None, now)
