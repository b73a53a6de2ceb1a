"""Registered contacts in a database: Asterisk's table ``ps_contacts``.

They are read once, when the server starts. After that every change is written behind, in order, by
one task; a database that can't be reached loses what :data:`MAX_PENDING` can't hold.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from server.base.errors import ServerError
from server.base.tasks import TaskScope
from server.realtime.realtime import Realtime, Row
from server.sip.contacts import StoredContact
from server.store.sql.rows import Criterion

logger = logging.getLogger(__name__)

MAX_PENDING = 50_000  # contacts that changed and are not written yet
RETRY_S = 2.0  # seconds until a change is tried again


class RealtimeContactStore:
    """A :class:`~server.sip.contacts.ContactStore` on a family.

    :param server_name: goes to ``reg_server``; contacts of other servers are left alone.
    """

    def __init__(
        self, realtime: Realtime, family: str, scope: TaskScope, server_name: str = ""
    ) -> None:
        self._realtime = realtime
        self._family = family
        self._scope = scope
        self._server_name = server_name
        self._loaded: list[StoredContact] = []
        self._pending: dict[str, Mapping[str, str] | None] = {}  # by id; None: delete
        self._writer: asyncio.Task[None] | None = None

    async def preload(self) -> None:
        """Read all contacts; a database that can't be asked is reported."""
        try:
            rows = await self._realtime.find(self._family)
        except ServerError as error:
            logger.warning("registered contacts are not loaded: %s", error)
            return
        for row in rows:
            contact = _read(row)
            if contact is not None and self._is_ours(row):
                self._loaded.append(contact)

    def load(self) -> Iterator[StoredContact]:
        """Iterate over what :meth:`preload` read."""
        loaded, self._loaded = self._loaded, []
        return iter(loaded)

    def save(self, contact: StoredContact) -> None:
        """Keep a contact."""
        fields = {
            "uri": contact.uri,
            "expiration_time": str(round(contact.expires)),
            "endpoint": contact.endpoint,
            "user_agent": contact.user_agent,
            "call_id": contact.call_id,
            "reg_server": self._server_name,
        }
        self._change(contact_id(contact.aor, contact.uri), fields)

    def delete(self, aor: str, uri: str) -> None:
        """Forget a contact, if it is there."""
        self._change(contact_id(aor, uri), None)

    async def flush(self) -> None:
        """Wait until everything is written, or can't be now."""
        if self._writer is not None:
            await asyncio.wait([self._writer], timeout=RETRY_S)

    def _is_ours(self, row: Row) -> bool:
        server = dict(row).get("reg_server", "")
        return not server or server == self._server_name

    def _change(self, key: str, fields: Mapping[str, str] | None) -> None:
        if key not in self._pending and len(self._pending) >= MAX_PENDING:
            logger.error("contact %s is not saved: too many wait", key)
            return
        self._pending.pop(key, None)
        self._pending[key] = fields
        if self._writer is None or self._writer.done():
            self._writer = self._scope.spawn(self._write(), "contacts")

    async def _write(self) -> None:
        while self._pending:
            key = next(iter(self._pending))
            fields = self._pending.pop(key)
            try:
                await self._write_one(key, fields)
            except ServerError as error:
                logger.warning("contact %s is not saved yet: %s", key, error)
                self._pending.setdefault(key, fields)
                await asyncio.sleep(RETRY_S)

    async def _write_one(self, key: str, fields: Mapping[str, str] | None) -> None:
        criteria = [Criterion("id", "=", key)]
        if fields is None:
            await self._realtime.destroy(self._family, criteria)
        elif not await self._realtime.find(self._family, criteria, limit=1):
            await self._realtime.store(self._family, {"id": key, **fields})
        else:
            await self._realtime.update(self._family, criteria, fields)


def contact_id(aor: str, uri: str) -> str:
    """Return a contact's id, as Asterisk makes it."""
    digest = hashlib.md5(uri.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
    return f"{aor};@{digest}"


def _read(row: Row) -> StoredContact | None:
    fields: dict[str, Any] = {}
    for column, value in row:  # a value with semicolons comes in parts
        fields[column] = f"{fields[column]};{value}" if column in fields else value
    try:
        return StoredContact(
            aor=str(fields["id"]).rpartition(";@")[0],
            uri=fields["uri"],
            expires=float(fields["expiration_time"]),
            endpoint=fields.get("endpoint", ""),
            user_agent=fields.get("user_agent", ""),
            call_id=fields.get("call_id", ""),
        )
    except (KeyError, ValueError):
        logger.warning("the saved contact %s can't be read", fields.get("id"))
        return None
