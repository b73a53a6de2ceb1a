"""Header fields: the ordered multi-map, and the typed values of the headers that SIP acts on.

The typed values of the hot path are named tuples: they cost half of what a frozen dataclass does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from server.sip.grammar import (
    check_line,
    check_token,
    format_params,
    is_token,
    malformed,
    match_quoted,
    parse_number,
    parse_params,
    quote,
    unquote,
)
from server.sip.uri import Uri, format_host, parse_host

# Names as RFCs write them, for everything that is met often.
_NAMES = """
    Accept Accept-Contact Accept-Encoding Accept-Language Alert-Info Allow Allow-Events
    Authentication-Info Authorization Call-ID Call-Info Contact Content-Disposition
    Content-Encoding Content-Language Content-Length Content-Type CSeq Date Diversion
    Error-Info Event Expires From History-Info Identity Identity-Info In-Reply-To Info-Package
    Max-Forwards MIME-Version Min-Expires Min-SE Organization P-Access-Network-Info
    P-Asserted-Identity P-Associated-URI P-Called-Party-ID P-Charging-Vector P-Early-Media
    P-Preferred-Identity Path Priority Privacy Proxy-Authenticate Proxy-Authorization
    Proxy-Require RAck Reason Record-Route Recv-Info Refer-Sub Refer-To Referred-By
    Reject-Contact Remote-Party-ID Replaces Reply-To Request-Disposition Require Retry-After
    Route RSeq Server Service-Route Session-Expires SIP-ETag SIP-If-Match Subject
    Subscription-State Supported Target-Dialog Timestamp To Unsupported User-Agent Via Warning
    WWW-Authenticate
""".split()  # noqa: SIM905 - a list of 90 quoted names reads worse
_COMPACT = {
    "a": "Accept-Contact", "b": "Referred-By", "c": "Content-Type", "d": "Request-Disposition",
    "e": "Content-Encoding", "f": "From", "i": "Call-ID", "j": "Reject-Contact",
    "k": "Supported", "l": "Content-Length", "m": "Contact", "n": "Identity-Info",
    "o": "Event", "r": "Refer-To", "s": "Subject", "t": "To", "u": "Allow-Events",
    "v": "Via", "x": "Session-Expires", "y": "Identity",
}  # fmt: skip
_LOWER = {name.lower(): name for name in _NAMES} | _COMPACT
# Spelling to key, without a call to lower() for the usual spellings.
KEYS = _LOWER | {name: name for name in _NAMES} | {c.upper(): n for c, n in _COMPACT.items()}

_match_via = re.compile(
    r"[ \t]*SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*([A-Za-z0-9\-.!%*_+`'~]+)[ \t]+"
    r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_][A-Za-z0-9_.-]*))[ \t]*"
    r"(?::[ \t]*([0-9]{1,5})[ \t]*)?(?=;|$)",
    re.ASCII | re.IGNORECASE,
).match
_match_cseq = re.compile(r"([0-9]{1,10})[ \t]+([A-Za-z0-9\-.!%*_+`'~]+)", re.ASCII).fullmatch
_unfit_for_display = re.compile(r"[\"<>,;]").search
_unfit_for_addr_spec = re.compile(r"[,?\s]").search
_NO_SPELLINGS: Mapping[str, str] = {}


def header_key(name: str) -> str:
    """The key under which a header is kept: its usual name, or lower case for unknown ones."""
    key = KEYS.get(name)
    if key is not None:
        return key
    lower = name.lower()
    return _LOWER.get(lower, lower)


class Headers:
    """Header fields by case-insensitive name; compact forms mean the long ones.

    Fields of one name keep their order; names keep the order of first appearance.
    Every method that takes a value raises :class:`LocalProtocolError` for CR, LF or NUL in it.

    :attr:`typed` holds parsed values by key; it belongs to the accessors of
    :class:`~server.sip.message.Message`, and an entry goes when its header changes.
    """

    __slots__ = ("_fields", "_spellings", "typed")

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        # A lone value is kept without a list: the garbage collector skips a dict of strings.
        self._fields: dict[str, str | list[str]] = {}
        self._spellings: Mapping[str, str] = _NO_SPELLINGS
        self.typed: dict[str, Any] = {}
        for name, value in items:
            self.add(name, value)

    @classmethod
    def from_fields(
        cls, fields: dict[str, str | list[str]], spellings: Mapping[str, str] = _NO_SPELLINGS
    ) -> Headers:
        """Adopt what a parser collected: values by key, and how unknown names were written."""
        headers = cls.__new__(cls)
        headers._fields = fields
        headers._spellings = spellings
        headers.typed = {}
        return headers

    def get(self, name: str) -> str | None:
        """The first value of *name*, or ``None``."""
        value = self._fields.get(KEYS.get(name) or header_key(name))
        return value if value is None or type(value) is str else value[0]

    def get_all(self, name: str) -> list[str]:
        """All field values of *name*, one per header line (commas are not split)."""
        value = self._fields.get(KEYS.get(name) or header_key(name))
        if value is None:
            return []
        return [value] if type(value) is str else list(value)

    def add(self, name: str, value: str) -> None:
        """Append a field."""
        self.set_all(name, [*self.get_all(name), value])

    def set(self, name: str, value: str) -> None:
        """Replace all fields of *name* by one, in the place of the first."""
        key = self._writable_key(name)
        self._fields[key] = check_line(name, value)
        self.typed.pop(key, None)

    def set_all(self, name: str, values: Iterable[str]) -> None:
        """Replace all fields of *name*; none removes them."""
        checked = [check_line(name, value) for value in values]
        if not checked:
            self.remove(name)
            return
        key = self._writable_key(name)
        self._fields[key] = checked[0] if len(checked) == 1 else checked
        self.typed.pop(key, None)

    def remove(self, name: str) -> None:
        """Drop all fields of *name*, if any."""
        key = header_key(name)
        self._fields.pop(key, None)
        self.typed.pop(key, None)

    def insert_first(self, name: str, value: str) -> None:
        """Put a field before all others of its name (Via, Record-Route, Route)."""
        is_new = name not in self
        self.set_all(name, [value, *self.get_all(name)])
        if is_new:
            key = header_key(name)
            self._fields = {key: self._fields.pop(key), **self._fields}

    def items(self) -> Iterator[tuple[str, str]]:
        """Iterate over (name, value) in wire order."""
        for key, value in self._fields.items():
            name = self._spellings.get(key, key)
            if type(value) is str:
                yield name, value
            else:
                for each in value:
                    yield name, each

    def fields(self) -> Mapping[str, str | list[str]]:
        """Values by key, a lone one without a list: for reading only, without a copy."""
        return self._fields

    def copy(self) -> Headers:
        """A copy that can be changed on its own."""
        fields = {k: v if type(v) is str else list(v) for k, v in self._fields.items()}
        headers = Headers.from_fields(fields, self._spellings)
        headers.typed = self.typed.copy()
        return headers

    def spelling(self, key: str) -> str:
        """How the name with this key is written."""
        return self._spellings.get(key, key)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and header_key(name) in self._fields

    def __repr__(self) -> str:
        return f"Headers({list(self.items())!r})"

    def _writable_key(self, name: str) -> str:
        key = KEYS.get(name) or header_key(name)
        if key not in self._fields and key not in KEYS:
            check_token("header name", name)
            self._spellings = {**self._spellings, key: name}
        return key


class CSeq(NamedTuple):
    """``CSeq: 1 INVITE``."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> CSeq:
        """:raises RemoteProtocolError: malformed, or not below 2**31."""
        match = _match_cseq(text)
        if match is None:
            raise malformed("CSeq", text)
        number = int(match.group(1))
        if number >= 2**31:
            raise malformed("CSeq", text)
        return cls(number, match.group(2))

    def __str__(self) -> str:
        return f"{self.number} {check_token('method', self.method)}"


class Via(NamedTuple):
    """One Via value. Derive another with ``_replace`` or :meth:`with_params`."""

    transport: str
    host: str
    port: int | None
    params: Mapping[str, str | None]

    @classmethod
    def parse(cls, text: str) -> Via:
        """:raises RemoteProtocolError: malformed."""
        match = _match_via(text)
        if match is None:
            raise malformed("Via", text)
        transport, host_v6, host, port_text = match.groups()
        address, port = parse_host(host_v6, host, port_text)
        return cls(transport.upper(), address, port, parse_params(text[match.end() :]))

    @property
    def branch(self) -> str:
        """The branch, or empty."""
        return self.params.get("branch") or ""

    @property
    def received(self) -> str | None:
        """The address a server saw (without brackets), if it noted one."""
        received = self.params.get("received")
        return received.strip("[]") if received else None

    @property
    def rport(self) -> int | None:
        """The port a server saw (RFC 3581); ``None`` if absent or only asked for."""
        rport = self.params.get("rport")
        return None if rport is None else parse_number("rport", rport, 65_535)

    @property
    def wants_rport(self) -> bool:
        """``True`` if the rport parameter is there at all."""
        return "rport" in self.params

    def with_params(self, **params: str | None) -> Via:
        """The same with these parameters set."""
        return self._replace(params={**self.params, **params})

    def __str__(self) -> str:
        host = format_host(self.host, self.port)
        return f"SIP/2.0/{self.transport} {host}{format_params(self.params)}"


@dataclass(frozen=True, slots=True)
class NameAddr:
    """``"Display" <uri>;params``: From, To, Contact, Route, Refer-To, P-Asserted-Identity …"""

    uri: Uri
    display_name: str = ""
    params: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        """:raises RemoteProtocolError: malformed."""
        display, start = "", 0
        if text[:1] == '"':
            match = match_quoted(text)
            if match is None:
                raise malformed("display name", text)
            display, start = unquote(match.group()), match.end()
        left = text.find("<", start)
        if left < 0:
            if start:
                raise malformed("address", text)
            return _parse_addr_spec(cls, text)
        right = text.find(">", left)
        between = text[start:left].strip(" \t")
        if right < 0 or (start and between) or _unfit_for_display(between):
            raise malformed("address", text)
        params = parse_params(text[right + 1 :])
        return cls(Uri.parse(text[left + 1 : right]), display or between, params)

    @property
    def tag(self) -> str:
        """The tag, or empty."""
        return self.params.get("tag") or ""

    @property
    def expires(self) -> int | None:
        """The expires parameter in seconds, if there is a usable one."""
        text = self.params.get("expires") or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None

    def with_params(self, **params: str | None) -> NameAddr:
        """The same with these parameters set."""
        return replace(self, params={**self.params, **params})

    def __str__(self) -> str:
        address = f"<{self.uri}>{format_params(self.params)}"
        return f"{quote(self.display_name)} {address}" if self.display_name else address


def _parse_addr_spec(cls: type[NameAddr], text: str) -> NameAddr:
    """Parse the form without brackets: all parameters are the header's (RFC 3261 section 20)."""
    address, semicolon, params = text.partition(";")
    address = address.strip(" \t")
    if _unfit_for_addr_spec(address):
        raise malformed("address", text)
    return cls(Uri.parse(address), "", parse_params(semicolon + params))


class SessionExpires(NamedTuple):
    """Session-Expires (RFC 4028): seconds, and ``uac``, ``uas`` or empty."""

    delta: int
    refresher: str

    @classmethod
    def parse(cls, text: str) -> SessionExpires:
        """:raises RemoteProtocolError: malformed."""
        delta, semicolon, params = text.partition(";")
        refresher = parse_params(semicolon + params).get("refresher") or ""
        if refresher.lower() not in ("", "uac", "uas"):
            raise malformed("Session-Expires", text)
        return cls(parse_number("Session-Expires", delta.strip(" \t")), refresher.lower())

    def __str__(self) -> str:
        return f"{self.delta};refresher={self.refresher}" if self.refresher else str(self.delta)


class RAck(NamedTuple):
    """RAck (RFC 3262)."""

    rseq: int
    cseq: int
    method: str

    @classmethod
    def parse(cls, text: str) -> RAck:
        """:raises RemoteProtocolError: malformed."""
        parts = text.split()
        if len(parts) != 3 or not is_token(parts[2]):
            raise malformed("RAck", text)
        return cls(parse_number("RAck", parts[0]), parse_number("RAck", parts[1]), parts[2])

    def __str__(self) -> str:
        return f"{self.rseq} {self.cseq} {check_token('method', self.method)}"
