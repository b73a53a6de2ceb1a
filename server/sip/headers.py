"""Header fields: the ordered multi-map, and the typed values of the headers that SIP acts on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from server.sip.uri import Uri


class Headers:
    """Header fields by case-insensitive name; compact forms mean the long ones.

    Fields of one name keep their order; names keep the order of first appearance.
    Every method that takes a value raises :class:`LocalProtocolError` for CR, LF or NUL in it.
    """

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None: ...
    def get(self, name: str) -> str | None:
        """The first value of *name*, or ``None``."""
        raise NotImplementedError

    def get_all(self, name: str) -> list[str]:
        """All field values of *name*, one per header line (commas are not split)."""
        raise NotImplementedError

    def add(self, name: str, value: str) -> None:
        """Append a field."""

    def set(self, name: str, value: str) -> None:
        """Replace all fields of *name* by one, in the place of the first."""

    def set_all(self, name: str, values: Iterable[str]) -> None:
        """Replace all fields of *name*; none removes them."""

    def remove(self, name: str) -> None:
        """Drop all fields of *name*, if any."""

    def insert_first(self, name: str, value: str) -> None:
        """Put a field before all others of its name (Via, Record-Route, Route)."""

    def items(self) -> Iterator[tuple[str, str]]:
        """Iterate over (name, value) in wire order."""
        raise NotImplementedError

    def copy(self) -> Headers:
        """A copy that can be changed on its own."""
        raise NotImplementedError

    def __contains__(self, name: object) -> bool:
        raise NotImplementedError


class CSeq(NamedTuple):
    """``CSeq: 1 INVITE``."""

    number: int
    method: str


class Via(NamedTuple):
    """One Via value. Derive another with ``_replace`` or :meth:`with_params`."""

    transport: str
    host: str
    port: int | None
    params: Mapping[str, str | None]

    @property
    def branch(self) -> str:
        """The branch, or empty."""
        raise NotImplementedError

    @property
    def received(self) -> str | None:
        """The address a server saw (without brackets), if it noted one."""
        raise NotImplementedError

    @property
    def rport(self) -> int | None:
        """The port a server saw (RFC 3581); ``None`` if absent or only asked for."""
        raise NotImplementedError

    @property
    def wants_rport(self) -> bool:
        """``True`` if the rport parameter is there at all."""
        raise NotImplementedError

    def with_params(self, **params: str | None) -> Via:
        """The same with these parameters set."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class NameAddr:
    """``"Display" <uri>;params``: From, To, Contact, Route, Refer-To, P-Asserted-Identity …"""

    uri: Uri
    display_name: str = ""
    params: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        """:raises RemoteProtocolError: malformed."""
        raise NotImplementedError

    @property
    def tag(self) -> str:
        """The tag, or empty."""
        raise NotImplementedError

    @property
    def expires(self) -> int | None:
        """The expires parameter in seconds, if there is a usable one."""
        raise NotImplementedError

    def with_params(self, **params: str | None) -> NameAddr:
        """The same with these parameters set."""
        raise NotImplementedError


class SessionExpires(NamedTuple):
    """Session-Expires (RFC 4028): seconds, and ``uac``, ``uas`` or empty."""

    delta: int
    refresher: str


class RAck(NamedTuple):
    """RAck (RFC 3262)."""

    rseq: int
    cseq: int
    method: str
