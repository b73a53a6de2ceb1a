"""Where the phones of each address of record are: permanent and registered contacts.

Registered ones expire, and are kept in a store so that they survive a restart.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from server.base.errors import RemoteProtocolError, ServerError
from server.sip.scheduler import Scheduler, Timer
from server.sip.settings import Aor, SipSettings
from server.sip.transaction import Flow
from server.sip.uri import Uri

logger = logging.getLogger(__name__)

# Contact statuses, ARI's words
REACHABLE = "Reachable"
UNREACHABLE = "Unreachable"
UNKNOWN = "Unknown"
NON_QUALIFIED = "NonQualified"
REMOVED = "Removed"


@dataclass(frozen=True, slots=True)
class StoredContact:
    """What a store keeps of a registered contact.

    :param expires: seconds since the Unix epoch.
    """

    aor: str
    uri: str
    expires: float
    endpoint: str = ""
    user_agent: str = ""
    call_id: str = ""
    cseq: int = 0


class ContactStore(Protocol):
    """Where registered contacts survive a restart."""

    def load(self) -> Iterable[StoredContact]:
        """Return what was saved and not deleted."""

    def save(self, contact: StoredContact) -> None:
        """Keep a contact; one of the same aor and URI is replaced."""

    def delete(self, aor: str, uri: str) -> None:
        """Forget a contact, if it is there."""


@dataclass(slots=True, eq=False)
class Contact:
    """One place where an address of record can be reached.

    :param expires_at: on the stack's clock; ``None`` for a permanent contact.
    :param roundtrip_usec: of the last OPTIONS, ``None`` before.
    :param flow: the connection that is the only way to it, ``None`` if there are others.
    :param is_lost: that connection broke.
    """

    aor: str
    uri: Uri
    expires_at: float | None = None
    endpoint: str = ""
    user_agent: str = ""
    call_id: str = ""
    cseq: int = 0
    status: str = UNKNOWN
    roundtrip_usec: int | None = None
    flow: Flow | None = None
    is_lost: bool = False
    uri_text: str = field(init=False, default="")
    timer: Timer | None = None

    def __post_init__(self) -> None:
        self.uri_text = str(self.uri)


class ContactObserver(Protocol):
    """Who hears of contacts."""

    def on_contact_added(self, contact: Contact, now: float) -> None: ...

    def on_contact_refreshed(self, contact: Contact, now: float) -> None: ...

    def on_contact_removed(self, contact: Contact, now: float) -> None: ...

    def on_contact_status(self, contact: Contact, now: float) -> None: ...


class Contacts:
    """All contacts, by address of record.

    :param wall_offset: seconds to add to the stack's clock to get the time of day.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        store: ContactStore | None = None,
        *,
        wall_offset: float = 0.0,
    ) -> None:
        self._scheduler = scheduler
        self._store = store
        self._wall_offset = wall_offset
        self._settings = SipSettings()
        self._aors: dict[str, Aor] = {}
        self._contacts: dict[str, list[Contact]] = {}
        self._by_flow: dict[Flow, set[Contact]] = {}
        self.observers: list[ContactObserver] = []

    def __len__(self) -> int:
        return sum(len(contacts) for contacts in self._contacts.values())

    def configure(self, settings: SipSettings, now: float) -> None:
        """Take (new) settings: permanent contacts come and go, those of lost aors go."""
        self._settings = settings
        self._aors = dict(settings.aors)
        for contact in self.all():
            aor = self._aors.get(contact.aor)
            is_permanent = contact.expires_at is None
            if aor is None or (is_permanent and contact.uri_text not in _permanent(aor)):
                self.remove(contact, now)
        for aor in self._aors.values():
            known = {contact.uri_text for contact in self.of(aor.name)}
            for text, uri in _permanent(aor).items():
                if text not in known:
                    self.add(Contact(aor.name, uri), now)

    def load(self, now: float) -> None:
        """Take the contacts that the store kept; once, after :meth:`configure`."""
        if self._store is None:
            return
        for stored in list(self._store.load()):
            expires_at = stored.expires - self._wall_offset
            try:
                uri = Uri.parse(stored.uri)
            except RemoteProtocolError:
                uri = None
            if uri is None or expires_at <= now or stored.aor not in self._aors:
                self._store.delete(stored.aor, stored.uri)
                continue
            contact = Contact(
                stored.aor, uri, expires_at, stored.endpoint, stored.user_agent,
                stored.call_id, stored.cseq,
            )  # fmt: skip
            self._arm(contact)
            self.add(contact, now)

    def all(self) -> list[Contact]:
        """List every contact."""
        return [contact for contacts in self._contacts.values() for contact in contacts]

    def of(self, aor: str) -> list[Contact]:
        """List the contacts of one address of record, the oldest first."""
        return list(self._contacts.get(aor, ()))

    def aor(self, name: str) -> Aor | None:
        """Return an address of record's settings."""
        return self._aors.get(name)

    def names_of(self, user: str, host: str) -> tuple[str, ...]:
        """Return under which names the aor of a user may be found, the first choice first."""
        return self._settings.names_of(user, host)

    def best(self, aors: Iterable[str]) -> Contact | None:
        """Choose whom to call: of the first aor with any contact the latest that is reachable."""
        for name in aors:
            contacts = self._contacts.get(name)
            if contacts:
                usable = [c for c in contacts if c.status != UNREACHABLE]
                return usable[-1] if usable else contacts[-1]
        return None

    def add(self, contact: Contact, now: float) -> None:
        """Add a contact."""
        contact.status = self._initial_status(contact)
        self._contacts.setdefault(contact.aor, []).append(contact)
        self._note_flow(contact)
        self._save(contact)
        for observer in self.observers:
            observer.on_contact_added(contact, now)

    def refresh(self, contact: Contact, expires_at: float, now: float) -> None:
        """Let a contact live longer."""
        contact.expires_at = expires_at
        if contact.is_lost:
            contact.is_lost = False
            self.set_status(contact, self._initial_status(contact), None, now)
        if contact.timer is not None:
            contact.timer.cancel()
        self._arm(contact)
        self._note_flow(contact)
        self._save(contact)
        for observer in self.observers:
            observer.on_contact_refreshed(contact, now)

    def register(self, contact: Contact, now: float) -> None:
        """Add a contact that expires."""
        self._arm(contact)
        self.add(contact, now)

    def remove(self, contact: Contact, now: float) -> None:
        """Remove a contact."""
        contacts = self._contacts.get(contact.aor)
        if contacts is None or contact not in contacts:
            return
        contacts.remove(contact)
        if not contacts:
            del self._contacts[contact.aor]
        if contact.flow is not None:
            self._by_flow.get(contact.flow, set()).discard(contact)
        if contact.timer is not None:
            contact.timer.cancel()
        contact.status = REMOVED
        if contact.expires_at is not None and self._store is not None:
            self._store.delete(contact.aor, contact.uri_text)
        for observer in self.observers:
            observer.on_contact_removed(contact, now)

    def flow_lost(self, flow: Flow, now: float) -> None:
        """A connection broke: the contacts that nothing else leads to are out of reach.

        They stay until they expire, or until a new registration needs their place.
        """
        for contact in self._by_flow.pop(flow, ()):
            if contact.flow == flow:
                logger.info("contact %s of %s lost its connection", contact.uri_text, contact.aor)
                contact.is_lost = True
                self.set_status(contact, UNREACHABLE, None, now)

    def set_status(
        self, contact: Contact, status: str, roundtrip_usec: int | None, now: float
    ) -> None:
        """Note what a qualification found."""
        if contact.status == REMOVED:
            return
        has_changed = contact.status != status
        contact.status = status
        contact.roundtrip_usec = roundtrip_usec
        if has_changed:
            for observer in self.observers:
                observer.on_contact_status(contact, now)

    def _initial_status(self, contact: Contact) -> str:
        aor = self._aors.get(contact.aor)
        return UNKNOWN if aor is not None and aor.qualify_frequency else NON_QUALIFIED

    def _note_flow(self, contact: Contact) -> None:
        if contact.flow is not None:
            self._by_flow.setdefault(contact.flow, set()).add(contact)

    def _arm(self, contact: Contact) -> None:
        assert contact.expires_at is not None

        def expire(now: float) -> None:
            logger.info("contact %s of %s expired", contact.uri_text, contact.aor)
            self.remove(contact, now)

        contact.timer = self._scheduler.schedule(contact.expires_at, expire)

    def _save(self, contact: Contact) -> None:
        if self._store is None or contact.expires_at is None:
            return
        stored = StoredContact(
            contact.aor, contact.uri_text, contact.expires_at + self._wall_offset,
            contact.endpoint, contact.user_agent, contact.call_id, contact.cseq,
        )  # fmt: skip
        try:
            self._store.save(stored)
        except ServerError as error:
            logger.warning("contact %s is not saved: %s", contact.uri_text, error)


def _permanent(aor: Aor) -> dict[str, Uri]:
    uris = [Uri.parse(text) for text in aor.contacts]
    return {str(uri): uri for uri in uris}
