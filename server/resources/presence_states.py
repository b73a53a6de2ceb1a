"""Presence states: what a person, rather than a device, says about being reachable.

``CustomPresence:alice`` is set by hand and kept in the key-value store as Asterisk keeps it:
``state,subtype,message,options``. Other parts of the server may answer for prefixes of their own.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.base.errors import InvalidArgument
from server.store.kv import KeyValueStore

logger = logging.getLogger(__name__)

CUSTOM = "CustomPresence"
FAMILY = "CustomPresence"
NOT_SET = "not_set"
STATES = (NOT_SET, "unavailable", "available", "away", "xa", "chat", "dnd")
MAX_TEXT = 1_300  # characters of one stored state, as in Asterisk


@dataclass(frozen=True, slots=True)
class Presence:
    """One presence state; *subtype* and *message* are free text."""

    state: str = NOT_SET
    subtype: str = ""
    message: str = ""


Provider = Callable[[str], Presence | None]
"""Tells the presence of what follows its prefix, ``None`` if it does not know it."""

Observer = Callable[[str, Presence], None]


@dataclass(frozen=True, slots=True)
class StoredPresence:
    """A custom state as it is kept.

    :param is_encoded: subtype and message are Base64, for texts with commas or line ends.
    """

    state: str
    subtype: str = ""
    message: str = ""
    is_encoded: bool = False

    @classmethod
    def parse(cls, text: str) -> StoredPresence:
        """Read ``state[,subtype[,message[,options]]]``; option ``e`` means encoded.

        :raises InvalidArgument: there is no such state, or it is not Base64 as it says.
        """
        fields = [field.strip() for field in text.split(",", 3)]
        fields += [""] * (4 - len(fields))
        if fields[0].lower() not in STATES:
            raise InvalidArgument("presence", f"{fields[0]!r} is none of {', '.join(STATES)}")
        stored = cls(fields[0].lower(), fields[1], fields[2], "e" in fields[3])
        stored.decoded()
        return stored

    def decoded(self) -> Presence:
        """Return it with plain texts.

        :raises InvalidArgument: it is not Base64.
        """
        if not self.is_encoded:
            return Presence(self.state, self.subtype, self.message)
        return Presence(self.state, _decode(self.subtype), _decode(self.message))

    def __str__(self) -> str:
        return f"{self.state},{self.subtype},{self.message},{'e' if self.is_encoded else ''}"


class PresenceStates:
    """The presence of everybody.

    :ivar observers: told of every change: what changed, such as ``CustomPresence:alice``.
    """

    def __init__(self, store: KeyValueStore) -> None:
        self._store = store
        self._providers: dict[str, Provider] = {CUSTOM.lower(): self._stored}
        self.observers: list[Observer] = []

    def add_provider(self, name: str, provider: Provider) -> None:
        """Let *provider* answer for what is named ``<name>:…``."""
        self._providers[name.lower()] = provider

    def get(self, entity: str) -> Presence | None:
        """Return a presence, such as that of ``CustomPresence:alice``; ``None``: nobody knows."""
        prefix, _, name = entity.partition(":")
        provider = self._providers.get(prefix.lower())
        return None if provider is None else provider(name)

    def set_custom(self, name: str, text: str) -> None:
        """Set ``CustomPresence:<name>``.

        :param text: see :meth:`StoredPresence.parse`.
        :raises InvalidArgument: of this, or the name can't be stored.
        """
        stored = StoredPresence.parse(text)
        if not name or len(text) > MAX_TEXT:
            raise InvalidArgument("presence", f"a name, and at most {MAX_TEXT} characters")
        former = self._stored(name)
        self._store.put(FAMILY, name, str(stored))
        presence = stored.decoded()
        if presence != former:
            self.report(f"{CUSTOM}:{name}", presence)

    def report(self, entity: str, presence: Presence) -> None:
        """Tell those who follow that *entity* is now as *presence* says."""
        for observer in self.observers:
            observer(entity, presence)

    def stored(self) -> Sequence[tuple[str, StoredPresence]]:
        """Return the custom states, by name."""
        found = []
        for name, text in self._store.items(FAMILY):
            try:
                found.append((name, StoredPresence.parse(text)))
            except InvalidArgument as error:
                logger.warning("%s/%s: %s", FAMILY, name, error)
        return found

    def _stored(self, name: str) -> Presence:
        text = self._store.get(FAMILY, name)
        try:
            return StoredPresence.parse(text).decoded() if text else Presence()
        except InvalidArgument as error:
            logger.warning("%s/%s: %s", FAMILY, name, error)
            return Presence()


def _decode(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise InvalidArgument("presence", f"{text[:40]!r} is not Base64") from None
