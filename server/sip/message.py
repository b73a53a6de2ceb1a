"""SIP messages: parsed lazily, encoded safely.

Only the start line is understood at once and the header lines split; typed values are parsed when
asked for and kept until their header changes. A typed accessor raises
:class:`RemoteProtocolError` (status 400) when the header is malformed, and, for those marked
*required*, when it is absent. :meth:`Message.validate` asks for all that routing needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NoReturn, TypeVar, overload

from server.base.errors import LocalProtocolError, RemoteProtocolError
from server.sip.grammar import check_token, is_token, malformed, parse_number, split_commas
from server.sip.headers import KEYS, CSeq, Headers, NameAddr, RAck, SessionExpires, Via, header_key
from server.sip.reasons import REASONS
from server.sip.uri import Uri

MAX_MESSAGE_SIZE = 65_535  # bytes, the most a datagram can carry
MAX_HEADER_LINES = 256  # nginx and Apache stop at 100 or so; long routes deserve some more

# Requests whose 101-299 responses copy Record-Route (RFC 3261 section 12.1.1, RFC 6665).
_DIALOG_FORMING = frozenset(("INVITE", "SUBSCRIBE", "REFER", "NOTIFY"))
_unfold = re.compile(r"\r\n[ \t]+").sub
_match_version = re.compile(r"SIP/[0-9]+\.[0-9]+", re.ASCII | re.IGNORECASE).fullmatch
_match_status_line = re.compile(
    r"(SIP/[0-9]+\.[0-9]+) ([1-6][0-9]{2})(?: (.*))?", re.ASCII | re.IGNORECASE
).fullmatch

T = TypeVar("T")


def _missing(name: str) -> NoReturn:
    raise RemoteProtocolError(f"no {name} header", 400)


class _Accessor(Generic[T]):
    """A typed view of one header, cached in :attr:`Headers.typed`."""

    def __init__(self, name: str, parse: Callable[[str], T], doc: str) -> None:
        self._name = name
        self._parse = parse
        self.__doc__ = doc

    def _read(self, message: Message) -> Any:
        value = message.headers.fields().get(self._name)
        if value is None:
            return None
        if type(value) is not str:
            raise RemoteProtocolError(f"{self._name} given more than once", 400)
        typed = self._parse(value)
        message.headers.typed[self._name] = typed
        return typed

    def _write(self, message: Message, typed: Any) -> None:
        message.headers.set(self._name, str(typed))
        message.headers.typed[self._name] = typed


class _Required(_Accessor[T]):
    @overload
    def __get__(self, message: None, owner: type) -> _Required[T]: ...
    @overload
    def __get__(self, message: Message, owner: type) -> T: ...
    def __get__(self, message: Message | None, owner: type) -> T | _Required[T]:
        if message is None:
            return self
        typed: T | None = message.headers.typed.get(self._name)
        if typed is None:
            typed = self._read(message)
            if typed is None:
                _missing(self._name)
        return typed

    def __set__(self, message: Message, typed: T) -> None:
        self._write(message, typed)


class _Optional(_Accessor[T]):
    @overload
    def __get__(self, message: None, owner: type) -> _Optional[T]: ...
    @overload
    def __get__(self, message: Message, owner: type) -> T | None: ...
    def __get__(self, message: Message | None, owner: type) -> T | _Optional[T] | None:
        if message is None:
            return self
        typed: T | None = message.headers.typed.get(self._name)
        return self._read(message) if typed is None else typed

    def __set__(self, message: Message, typed: T | None) -> None:
        if typed is None:
            message.headers.remove(self._name)
        else:
            self._write(message, typed)


class _List(_Accessor[T]):
    @overload
    def __get__(self, message: None, owner: type) -> _List[T]: ...
    @overload
    def __get__(self, message: Message, owner: type) -> tuple[T, ...]: ...
    def __get__(self, message: Message | None, owner: type) -> tuple[T, ...] | _List[T]:
        if message is None:
            return self
        typed: tuple[T, ...] | None = message.headers.typed.get(self._name)
        return self._read_all(message) if typed is None else typed

    def __set__(self, message: Message, typed: Sequence[T]) -> None:
        message.headers.set_all(self._name, [str(each) for each in typed])
        message.headers.typed[self._name] = tuple(typed)

    def _read_all(self, message: Message) -> tuple[T, ...]:
        value = message.headers.fields().get(self._name)
        if value is None:
            return ()
        typed: tuple[T, ...]
        if type(value) is str and "," not in value:
            typed = (self._parse(value),) if value else ()
        else:
            lines = [value] if type(value) is str else value
            typed = tuple(self._parse(part) for line in lines for part in _split(line))
        message.headers.typed[self._name] = typed
        return typed


def _split(line: str) -> list[str]:
    return split_commas(line) if line else []


def _number(name: str) -> Callable[[str], int]:
    return lambda text: parse_number(name, text)


def _delta_seconds(name: str) -> Callable[[str], int]:
    """Parse ``1*DIGIT`` and ignore a comment or parameters behind it (Retry-After)."""
    return lambda text: parse_number(name, re.split(r"[;( \t]", text, maxsplit=1)[0])


def _call_id(text: str) -> str:
    if not text or " " in text:
        raise malformed("Call-ID", text)
    return text


class _Contacts(_List[NameAddr]):
    def _read_all(self, message: Message) -> tuple[NameAddr, ...]:
        return () if message.is_contact_wildcard else super()._read_all(message)


class Message:
    """What requests and responses share."""

    __slots__ = ()

    headers: Headers
    body: bytes
    version: str

    from_ = _Required("From", NameAddr.parse, "Required.")
    to = _Required("To", NameAddr.parse, "Required.")
    call_id = _Required("Call-ID", _call_id, "Required.")
    cseq = _Required("CSeq", CSeq.parse, "Required.")

    vias = _List("Via", Via.parse, "All Via values, the top one first.")
    contacts = _Contacts("Contact", NameAddr.parse, "`*` gives none: see is_contact_wildcard.")
    record_routes = _List("Record-Route", NameAddr.parse, "In wire order.")
    routes = _List("Route", NameAddr.parse, "In wire order.")
    paths = _List("Path", NameAddr.parse, "RFC 3327.")
    asserted_identities = _List("P-Asserted-Identity", NameAddr.parse, "RFC 3325.")
    diversions = _List("Diversion", NameAddr.parse, "RFC 5806.")
    allow = _List("Allow", str, "Methods.")
    supported = _List("Supported", str, "Option tags.")
    require = _List("Require", str, "Option tags.")

    max_forwards = _Optional("Max-Forwards", _number("Max-Forwards"), "Hops left.")
    expires = _Optional("Expires", _number("Expires"), "Seconds.")
    min_expires = _Optional("Min-Expires", _number("Min-Expires"), "Seconds.")
    session_expires = _Optional("Session-Expires", SessionExpires.parse, "RFC 4028.")
    min_se = _Optional("Min-SE", _delta_seconds("Min-SE"), "Seconds (RFC 4028).")
    rseq = _Optional("RSeq", _number("RSeq"), "RFC 3262.")
    rack = _Optional("RAck", RAck.parse, "RFC 3262.")
    refer_to = _Optional("Refer-To", NameAddr.parse, "RFC 3515.")
    referred_by = _Optional("Referred-By", NameAddr.parse, "RFC 3892.")
    remote_party_id = _Optional("Remote-Party-ID", NameAddr.parse, "Expired draft, in wide use.")
    retry_after = _Optional("Retry-After", _delta_seconds("Retry-After"), "Seconds.")

    @property
    def via(self) -> Via:
        """The top Via. Required. Setting it replaces the top one, or adds the first."""
        vias = self.vias
        if not vias:
            _missing("Via")
        return vias[0]

    @via.setter
    def via(self, via: Via) -> None:
        self.vias = (via, *self.vias[1:])

    def push_via(self, via: Via) -> None:
        """Put a Via on top."""
        self.headers.insert_first("Via", str(via))

    @property
    def contact(self) -> NameAddr | None:
        """The first Contact that is an address. Setting it replaces all."""
        contacts = self.contacts
        return contacts[0] if contacts else None

    @contact.setter
    def contact(self, contact: NameAddr | None) -> None:
        self.contacts = () if contact is None else (contact,)

    @property
    def is_contact_wildcard(self) -> bool:
        """``True`` for ``Contact: *``."""
        return self.headers.fields().get("Contact") == "*"

    @property
    def content_type(self) -> str | None:
        """The media type of the body in lower case, without parameters."""
        value = self.headers.get("Content-Type")
        return None if value is None else value.partition(";")[0].strip(" \t").lower()

    def set_body(self, content_type: str, body: bytes) -> None:
        """Set the body and its Content-Type."""
        self.headers.set("Content-Type", content_type)
        self.body = body  # type: ignore[misc]  # the slot is in the subclasses

    def validate(self) -> None:
        """Check the headers that every message needs.

        :raises RemoteProtocolError: one is missing or malformed (400), or the version is not
            SIP/2.0 (505).
        """
        if self.version != "SIP/2.0":
            raise RemoteProtocolError(f"version {self.version} is not SIP/2.0", 505)
        if not self.vias:
            _missing("Via")
        _ = self.from_, self.to, self.call_id, self.cseq

    def encode(self) -> bytes:
        """The message as on the wire, with its Content-Length.

        :raises LocalProtocolError: a part holds what would break out of its line.
        """
        lines = [self._start_line()]
        spelling = self.headers.spelling
        for key, value in self.headers.fields().items():
            name = key if key in KEYS else spelling(key)
            if type(value) is str:
                lines.append(f"{name}: {value}")
            else:
                lines.extend([f"{name}: {each}" for each in value])
        lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
        head = "\r\n".join(lines)
        # The guard against injection: there are exactly the line ends that were just put there.
        if not head.count("\n") == head.count("\r") == len(lines) + 1 or "\0" in head:
            raise LocalProtocolError(f"a value would break out of its line: {head[:200]!r}")
        try:
            return head.encode() + self.body
        except UnicodeError:
            raise LocalProtocolError("a value can't be written as UTF-8") from None

    def _start_line(self) -> str:
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
        request = cls(method, uri)
        request.max_forwards = max_forwards
        request.from_ = from_
        request.to = to
        request.call_id = call_id
        request.cseq = CSeq(cseq, method)
        return request

    def validate(self) -> None:
        """Check as for every message, and that CSeq names the same method.

        :raises RemoteProtocolError: status 400 or 505.
        """
        Message.validate(self)
        if self.cseq.method != self.method:
            raise RemoteProtocolError(f"CSeq is for {self.cseq.method}, not {self.method}", 400)

    def response(self, status: int, reason: str | None = None, *, to_tag: str = "") -> Response:
        """Make a response: Via, From, To, Call-ID, CSeq copied, Record-Route where it matters.

        :param reason: the RFC's phrase if ``None``.
        :param to_tag: added to To if that has no tag yet and *status* is above 100.
        """
        fields = self.headers.fields()
        copied = {key: fields[key] for key in _COPIED if key in fields}
        if 100 < status < 300 and self.method in _DIALOG_FORMING and "Record-Route" in fields:
            copied["Record-Route"] = fields["Record-Route"]
        # Value lists are shared: Headers replaces a list, it never changes one.
        headers = Headers.from_fields(copied)
        typed = self.headers.typed
        headers.typed = {key: typed[key] for key in _COPIED if key in typed}
        response = Response(status, REASONS.get(status, "") if reason is None else reason, headers)
        if to_tag and status > 100 and not self.to.tag:
            tag = check_token("tag", to_tag)
            headers.typed["To"] = self.to.with_params(tag=tag)
            copied["To"] = _with_tag(self.headers.get("To") or "", tag)
        return response

    def copy(self) -> Request:
        """A copy whose headers can be changed on their own (a retry with credentials)."""
        return Request(self.method, self.uri, self.headers.copy(), self.body, self.version)

    def _start_line(self) -> str:
        return f"{check_token('method', self.method)} {self.uri} {self.version}"


@dataclass(slots=True, eq=False)
class Response(Message):
    """A response."""

    status: int
    reason: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    version: str = "SIP/2.0"

    @property
    def is_provisional(self) -> bool:
        """``True`` for 1xx."""
        return self.status < 200

    @property
    def is_success(self) -> bool:
        """``True`` for 2xx."""
        return 200 <= self.status < 300

    def _start_line(self) -> str:
        if not 100 <= self.status <= 699:
            raise LocalProtocolError(f"status {self.status} does not exist")
        return f"{self.version} {self.status} {self.reason}"


_COPIED = ("Via", "From", "To", "Call-ID", "CSeq")


def _with_tag(value: str, tag: str) -> str:
    """Append a tag, with brackets around an address that has none."""
    if "<" in value:
        return f"{value};tag={tag}"
    address, semicolon, params = value.partition(";")
    return f"<{address.strip()}>{semicolon}{params};tag={tag}"


def parse_message(data: bytes) -> Request | Response:
    """Parse one whole message, a datagram or what :class:`StreamFramer` gave.

    :raises RemoteProtocolError: it is none; nothing else is raised.
    """
    if len(data) > MAX_MESSAGE_SIZE:
        raise RemoteProtocolError(f"message of {len(data)} bytes", 513)
    if data[:1] == b"\r" or data[:1] == b"\n":
        data = data.lstrip(b"\r\n")  # RFC 3261 section 7.5
    end = data.find(b"\r\n\r\n")
    if end < 0:
        raise RemoteProtocolError("no empty line after the headers", 400)
    lines = _split_lines(data[:end])
    message = _parse_start_line(lines[0])
    fields, spellings = _parse_fields(lines)
    body = data[end + 4 :]
    length_text = fields.pop("Content-Length", None)
    if length_text is not None:
        body = _cut_body(body, length_text)
    elif len(lines) > MAX_HEADER_LINES:  # with the Content-Length that we write it is too long
        raise RemoteProtocolError(f"{len(lines)} header lines", 400)
    message.headers = Headers.from_fields(fields, spellings)
    message.body = body
    return message


def _split_lines(head: bytes) -> list[str]:
    try:
        text = head.decode()
    except UnicodeDecodeError:
        text = head.decode("latin-1")  # display names of phones that predate RFC 3261's UTF-8
    if "\r\n " in text or "\r\n\t" in text:
        text = _unfold(" ", text)
    lines = text.split("\r\n")
    breaks = len(lines) - 1
    if breaks > MAX_HEADER_LINES:
        raise RemoteProtocolError(f"{breaks} header lines", 400)
    if text.count("\n") != breaks or text.count("\r") != breaks or "\0" in text:
        raise RemoteProtocolError("CR, LF or NUL inside a line", 400)
    return lines


def _parse_start_line(line: str) -> Request | Response:
    if line[:4] == "SIP/":
        match = _match_status_line(line)
        if match is None:
            raise malformed("status line", line)
        version, status, reason = match.groups()
        return Response(int(status), reason or "", _NO_HEADERS, b"", version.upper())
    method, _, rest = line.partition(" ")
    uri, _, version = rest.partition(" ")
    if version != "SIP/2.0":
        if not _match_version(version):
            raise malformed("request line", line)
        version = version.upper()
    if not is_token(method):
        raise malformed("method", method)
    return Request(method, Uri.parse(uri), _NO_HEADERS, b"", version)


_NO_HEADERS = Headers()  # stands in until the real ones are parsed


def _parse_fields(lines: list[str]) -> tuple[dict[str, str | list[str]], dict[str, str]]:
    fields: dict[str, str | list[str]] = {}
    spellings: dict[str, str] = {}
    known = KEYS.get
    for index in range(1, len(lines)):
        name, colon, value = lines[index].partition(":")
        key = known(name)
        if key is None:
            key = _unusual_key(name, colon, spellings)
        elif not colon:
            raise malformed("header", name)
        value = value.strip(" \t")
        if key in fields:
            _append(fields, key, value)
        else:
            fields[key] = value
    return fields, spellings


def _append(fields: dict[str, str | list[str]], key: str, value: str) -> None:
    present = fields[key]
    if isinstance(present, str):
        fields[key] = [present, value]
    else:
        present.append(value)


def _unusual_key(name: str, colon: str, spellings: dict[str, str]) -> str:
    stripped = name.rstrip(" \t")
    if not colon or not is_token(stripped):
        raise malformed("header", name)
    key = header_key(stripped)
    if key not in KEYS:
        spellings.setdefault(key, stripped)
    return key


def _cut_body(body: bytes, length_text: str | list[str]) -> bytes:
    if type(length_text) is not str:
        raise RemoteProtocolError("Content-Length given more than once", 400)
    length = parse_number("Content-Length", length_text)
    if length > len(body):
        raise RemoteProtocolError(f"body has {len(body)} of {length} bytes", 400)
    return body if length == len(body) else body[:length]
