"""Keeps registered contacts in the key-value store, where Asterisk keeps them in its AstDB."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator

from server.sip.contacts import StoredContact
from server.store.kv import KeyValueStore

logger = logging.getLogger(__name__)

FAMILY = "registrar/contact"


class KeyValueContactStore:
    """A :class:`~server.sip.contacts.ContactStore` on a :class:`KeyValueStore`."""

    def __init__(self, store: KeyValueStore) -> None:
        self._store = store

    def load(self) -> Iterator[StoredContact]:
        """Iterate over what was saved; what can't be read is reported and left out."""
        for key, text in self._store.items(FAMILY):
            try:
                yield _read(key, json.loads(text))
            except (ValueError, TypeError, KeyError, AttributeError):
                logger.warning("the saved contact %s can't be read", key)

    def save(self, contact: StoredContact) -> None:
        """Keep a contact.

        :raises ServerError: the store refuses it.
        """
        fields = {
            "uri": contact.uri,
            "expiration_time": str(contact.expires),
            "endpoint": contact.endpoint,
            "user_agent": contact.user_agent,
            "call_id": contact.call_id,
            "cseq": str(contact.cseq),
        }
        self._store.put(FAMILY, _key(contact.aor, contact.uri), json.dumps(fields))

    def delete(self, aor: str, uri: str) -> None:
        """Forget a contact, if it is there."""
        self._store.delete(FAMILY, _key(aor, uri))


def _key(aor: str, uri: str) -> str:
    digest = hashlib.sha256(uri.encode("utf-8", "replace")).hexdigest()[:32]
    return f"{aor};@{digest}"


def _read(key: str, fields: dict[str, str]) -> StoredContact:
    return StoredContact(
        aor=key.rpartition(";@")[0],
        uri=fields["uri"],
        expires=float(fields["expiration_time"]),
        endpoint=fields.get("endpoint", ""),
        user_agent=fields.get("user_agent", ""),
        call_id=fields.get("call_id", ""),
        cseq=int(fields.get("cseq", "0")),
    )
