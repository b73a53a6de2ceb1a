"""The registrar (RFC 3261 section 10.3): REGISTER requests become contacts."""

from __future__ import annotations

from email.utils import formatdate
from functools import lru_cache
from typing import NamedTuple

from server.base.errors import RemoteProtocolError
from server.sip.contacts import UNREACHABLE, Contact, Contacts
from server.sip.headers import NameAddr
from server.sip.message import Request, Response
from server.sip.nat import rewritten_uri
from server.sip.settings import Aor, Endpoint
from server.sip.transaction import Flow, new_tag
from server.sip.uri import Uri

MAX_CONTACTS_PER_REQUEST = 32  # a phone sends one or two


class Binding(NamedTuple):
    """One Contact of a request.

    :param expires: seconds; 0 removes.
    :param existing: what it refers to, ``None`` for a new one.
    """

    uri: Uri
    expires: int
    existing: Contact | None


class Registrar:
    """Answers REGISTER.

    :param wall_offset: seconds to add to the stack's clock to get the time of day.
    """

    def __init__(self, contacts: Contacts, *, wall_offset: float = 0.0) -> None:
        self._contacts = contacts
        self._wall_offset = wall_offset

    def register(self, request: Request, endpoint: Endpoint, flow: Flow, now: float) -> Response:
        """Take a REGISTER of an endpoint that proved who it is.

        :raises RemoteProtocolError: it is refused as a whole, with this status.
        """
        aor = self._find_aor(request, endpoint)
        if not endpoint.contact_acl.permits(flow.remote[0]):
            raise RemoteProtocolError("address not permitted", 403)
        if request.is_contact_wildcard:
            self._remove_all(request, aor, now)
        elif "Contact" in request.headers:
            bindings = self._read_bindings(request, endpoint, aor, flow)
            room = self._make_room(aor, bindings)
            for contact in room:
                self._contacts.remove(contact, now)
            for binding in bindings:
                self._apply(binding, request, endpoint, aor, flow, now)
        return self._response(request, aor, now)

    def _find_aor(self, request: Request, endpoint: Endpoint) -> Aor:
        uri = request.to.uri
        for name in self._contacts.names_of(uri.user, uri.host):
            if name in endpoint.aors and (aor := self._contacts.aor(name)) is not None:
                if aor.max_contacts == 0:
                    raise RemoteProtocolError(f"aor {name} takes no registrations", 403)
                return aor
        raise RemoteProtocolError(f"{endpoint.name} has no aor {uri.user}", 404)

    def _read_bindings(
        self, request: Request, endpoint: Endpoint, aor: Aor, flow: Flow
    ) -> list[Binding]:
        addresses = request.contacts
        if len(addresses) > MAX_CONTACTS_PER_REQUEST:
            raise RemoteProtocolError("too many contacts in one request", 400)
        existing = [c for c in self._contacts.of(aor.name) if c.expires_at is not None]
        bindings: list[Binding] = []
        for address in addresses:
            uri = address.uri
            if uri.scheme not in ("sip", "sips"):
                raise RemoteProtocolError(f"contact of scheme {uri.scheme}", 400)
            if endpoint.rewrite_contact:
                host, port = flow.remote
                uri = rewritten_uri(uri, host, port, flow.transport)
            match = next((c for c in existing if c.uri.equivalent(uri)), None)
            _check_order(request, match)
            if any(binding.uri.equivalent(uri) for binding in bindings):
                continue
            bindings.append(Binding(uri, _expiry(address, request, aor), match))
        return bindings

    def _make_room(self, aor: Aor, bindings: list[Binding]) -> list[Contact]:
        """Choose what must go so that max_contacts holds.

        :raises RemoteProtocolError: nothing may go (403).
        """
        kept = [binding.existing for binding in bindings if binding.existing is not None]
        dropped = [b.existing for b in bindings if b.existing is not None and not b.expires]
        added = sum(1 for b in bindings if b.existing is None and b.expires)
        registered = [c for c in self._contacts.of(aor.name) if c.expires_at is not None]
        excess = len(registered) - len(dropped) + added - aor.max_contacts
        if excess <= 0:
            return []
        candidates = [c for c in registered if c not in kept]
        candidates.sort(key=lambda c: (c.status != UNREACHABLE, c.expires_at or 0.0))
        if not aor.remove_existing:
            candidates = [c for c in candidates if _is_replaceable(c, aor)]
        if len(candidates) < excess:
            raise RemoteProtocolError(f"aor {aor.name} has its {aor.max_contacts} contacts", 403)
        return candidates[:excess]

    def _apply(
        self,
        binding: Binding,
        request: Request,
        endpoint: Endpoint,
        aor: Aor,
        flow: Flow,
        now: float,
    ) -> None:
        contact = binding.existing
        if not binding.expires:
            if contact is not None:
                self._contacts.remove(contact, now)
            return
        user_agent = request.headers.get("User-Agent") or ""
        # A rewritten contact is the phone's end of this connection: nothing else leads there.
        is_bound = flow.is_reliable and endpoint.rewrite_contact
        if contact is not None:
            contact.call_id, contact.cseq = request.call_id, request.cseq.number
            contact.user_agent = user_agent
            contact.flow = flow if is_bound else None
            self._contacts.refresh(contact, now + binding.expires, now)
            return
        new = Contact(
            aor.name,
            binding.uri,
            now + binding.expires,
            endpoint.name,
            user_agent,
            request.call_id,
            request.cseq.number,
            flow=flow if is_bound else None,
        )
        self._contacts.register(new, now)

    def _remove_all(self, request: Request, aor: Aor, now: float) -> None:
        if request.expires != 0:
            raise RemoteProtocolError("Contact: * needs Expires: 0", 400)
        registered = [c for c in self._contacts.of(aor.name) if c.expires_at is not None]
        for contact in registered:
            _check_order(request, contact)
        for contact in registered:
            self._contacts.remove(contact, now)

    def _response(self, request: Request, aor: Aor, now: float) -> Response:
        response = request.response(200, to_tag=new_tag())
        response.headers.set("Date", _date(int(now + self._wall_offset)))
        response.contacts = [
            NameAddr(contact.uri, "", {"expires": str(max(0, round(contact.expires_at - now)))})
            for contact in self._contacts.of(aor.name)
            if contact.expires_at is not None
        ]
        return response


def _is_replaceable(contact: Contact, aor: Aor) -> bool:
    return contact.is_lost or (aor.remove_unavailable and contact.status == UNREACHABLE)


def _check_order(request: Request, contact: Contact | None) -> None:
    """Refuse an older request that overtook a newer one (section 10.3, step 7)."""
    if contact is None or contact.call_id != request.call_id:
        return
    if request.cseq.number <= contact.cseq:
        raise RemoteProtocolError("an older REGISTER came late", 500)


@lru_cache(maxsize=2)  # many ask within the same second
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _expiry(address: NameAddr, request: Request, aor: Aor) -> int:
    expires = address.expires
    if expires is None:
        expires = request.expires
    if expires is None:
        expires = aor.default_expiration
    if expires == 0:
        return 0
    return min(max(expires, aor.minimum_expiration), aor.maximum_expiration)
