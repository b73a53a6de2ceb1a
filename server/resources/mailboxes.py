"""Mailboxes whose messages are counted by somebody else, and the verbs of ``/mailboxes``.

They are kept in the key-value store. Who shows waiting messages to phones listens to changes.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from server import model
from server.base.errors import InvalidArgument, NotFound
from server.store.kv import KeyValueStore

logger = logging.getLogger(__name__)

FAMILY = "mwi_external/mailboxes"

Listener = Callable[[model.Mailbox], None]


class Mailboxes:
    """How many messages wait where.

    :param store: keeps the counts over a restart.
    """

    def __init__(self, store: KeyValueStore) -> None:
        self._store = store
        self._listeners: list[Listener] = []

    # the API's verbs

    def list(self) -> list[model.Mailbox]:
        """Return every mailbox, by name."""
        found = (_read(name, text) for name, text in self._store.items(FAMILY))
        return [mailbox for mailbox in found if mailbox is not None]

    def get(self, mailbox_name: str) -> model.Mailbox:
        """Return one mailbox.

        :raises NotFound: there is none of this name.
        """
        mailbox = self.find(mailbox_name)
        if mailbox is None:
            raise NotFound("Mailbox not found")
        return mailbox

    def update(self, mailbox_name: str, *, old_messages: int, new_messages: int) -> None:
        """Set the counts of a mailbox, which is made if need be.

        :raises InvalidArgument: a count is negative, or the name can't be stored.
        """
        for field, count in (("oldMessages", old_messages), ("newMessages", new_messages)):
            if count < 0:
                raise InvalidArgument(field, f"{count} is negative")
        text = json.dumps({"msgs_old": old_messages, "msgs_new": new_messages})
        former = self.find(mailbox_name)
        try:
            self._store.put(FAMILY, mailbox_name, text)
        except InvalidArgument as error:
            raise InvalidArgument("mailboxName", error.reason) from None
        mailbox = _mailbox(mailbox_name, old_messages, new_messages)
        if mailbox != former:
            self._tell(mailbox)

    def delete(self, mailbox_name: str) -> None:
        """Forget a mailbox.

        :raises NotFound: there is none of this name.
        """
        if not self._store.delete(FAMILY, mailbox_name):
            raise NotFound("Mailbox not found")
        self._tell(_mailbox(mailbox_name, 0, 0))

    # for other parts of the server

    def find(self, name: str) -> model.Mailbox | None:
        """Return one mailbox, ``None`` if there is none of this name."""
        text = self._store.get(FAMILY, name)
        return None if text is None else _read(name, text)

    def add_listener(self, listener: Listener) -> None:
        """Have *listener* called with every mailbox that changed; a deleted one has no messages."""
        self._listeners.append(listener)

    # private

    def _tell(self, mailbox: model.Mailbox) -> None:
        for listener in self._listeners:
            listener(mailbox)


def _mailbox(name: str, old_messages: int, new_messages: int) -> model.Mailbox:
    return model.Mailbox(name=name, old_messages=old_messages, new_messages=new_messages)


def _read(name: str, text: str) -> model.Mailbox | None:
    try:
        counts = json.loads(text)
        return _mailbox(name, int(counts["msgs_old"]), int(counts["msgs_new"]))
    except (ValueError, TypeError, KeyError):
        logger.warning("the saved mailbox %s can't be read", name)
        return None
