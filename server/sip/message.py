"""SIP messages: parsed lazily, encoded safely.

Only the start line is understood at once and the header lines split; typed values are parsed when
asked for and kept until their header changes. A typed accessor raises
:class:`RemoteProtocolError` (status 400) when the header is malformed, and, for those marked
*required*, when it is absent. :meth:`Message.validate` asks for all that routing needs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from server.sip.headers import CSeq, Headers, NameAddr, RAck, SessionExpires, Via
from server.sip.uri import Uri

MAX_MESSAGE_SIZE = 65_535  # bytes, the most a datagram can carry


class Message:
    """What requests and responses share."""

    headers: Headers
    body: bytes

    # required
    via: Via  # the top one; setting it replaces the top one
    from_: NameAddr
    to: NameAddr
    call_id: str
    cseq: CSeq
    # lists, empty if absent; settable
    vias: list[Via]
    contacts: list[NameAddr]  # `Contact: *` gives none: see is_contact_wildcard
    record_routes: list[NameAddr]
    routes: list[NameAddr]
    asserted_identities: list[NameAddr]  # P-Asserted-Identity
    allow: list[str]
    supported: list[str]
    require: list[str]
    # optional, None if absent; settable, None removes
    contact: NameAddr | None  # the first
    max_forwards: int | None
    expires: int | None
    min_expires: int | None
    content_type: str | None  # media type in lower case, without parameters
    session_expires: SessionExpires | None
    min_se: int | None
    rseq: int | None
    rack: RAck | None
    refer_to: NameAddr | None
    remote_party_id: NameAddr | None
    retry_after: int | None

    @property
    def is_contact_wildcard(self) -> bool:
        """``True`` for ``Contact: *``."""
        raise NotImplementedError

    def validate(self) -> None:
        """Check the headers that every message needs.

        :raises RemoteProtocolError: one is missing or malformed (400), or the version is not
            SIP/2.0 (505).
        """

    def set_body(self, content_type: str, body: bytes) -> None:
        """Set the body and its Content-Type."""

    def encode(self) -> bytes:
        """The message as on the wire, with its Content-Length.

        :raises LocalProtocolError: a part holds what would break out of its line.
        """
        raise NotImplementedError


@dataclass(slots=True, eq=False)
class Request(Message):
    """A request."""

    method: str
    uri: Uri
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    version: str = "SIP/2.0"

    @classmethod
    def create(
        cls,
        method: str,
        uri: Uri,
        *,
        from_: NameAddr,
        to: NameAddr,
        call_id: str,
        cseq: int,
        max_forwards: int = 70,
    ) -> Request:
        """Make a request with the headers every one needs; Via is added when it is sent."""
        raise NotImplementedError

    def response(self, status: int, reason: str | None = None, *, to_tag: str = "") -> Response:
        """Make a response: Via, From, To, Call-ID, CSeq copied, Record-Route where it matters.

        :param reason: the RFC's phrase if ``None``.
        :param to_tag: added to To if that has no tag yet and *status* is above 100.
        """
        raise NotImplementedError

    def copy(self) -> Request:
        """A copy whose headers can be changed on their own (a retry with credentials)."""
        raise NotImplementedError


@dataclass(slots=True, eq=False)
class Response(Message):
    """A response."""

    status: int
    reason: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    version: str = "SIP/2.0"


def parse_message(data: bytes) -> Request | Response:
    """Parse one whole message, a datagram or what :class:`StreamFramer` gave.

    :raises RemoteProtocolError: it is none; nothing else is raised.
    """
    raise NotImplementedError
