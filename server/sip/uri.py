"""SIP, SIPS and tel URIs (RFC 3261 section 19.1, RFC 3966)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import IPv6Address

from server.base.errors import LocalProtocolError
from server.sip.grammar import (
    PASSWORD_SAFE,
    escape,
    malformed,
    parse_number,
    unescape,
)

CACHED_LENGTH = 256  # characters; longer URIs are parsed anew each time
CACHE_SIZE = 4096  # URIs, at most about 2 MB

# scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
_match_scheme = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):").match
# hostport, then parameters and headers. Underscores: seen in host names of provisioning systems.
_match_host = re.compile(
    r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_](?:[A-Za-z0-9_.-]*)))(?::([0-9]{1,5}))?"
    r"((?:;[^;?\s<>\"]+)*)(?:\?([^\s<>\"]*))?",
    re.ASCII,
).fullmatch
_match_tel = re.compile(r"([^;?\s<>\"@]+)((?:;[^;?\s<>\"]+)*)", re.ASCII).fullmatch
_unfit_for_uri = re.compile(r"[\x00-\x20\x7f<>\"]").search
_is_host = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*|[0-9A-Fa-f:.]+", re.ASCII).fullmatch
_is_plain_user = re.compile(r"[A-Za-z0-9\-_.!~*'()&=+$,;?/]*", re.ASCII).fullmatch
_visual_separator = re.compile(r"[-.()]")

# Compared even if only one side has them (RFC 3261 section 19.1.4).
_STRICT_PARAMS = ("user", "ttl", "method", "maddr", "transport")


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI, unescaped. Immutable: derive another with :func:`dataclasses.replace`.

    :param scheme: ``sip``, ``sips``, ``tel`` or whatever else came, in lower case.
    :param user: the user part without escapes; the number of a tel URI; the opaque part of others.
    :param host: name or address, an IPv6 address without brackets; empty for tel.
    :param port: ``None`` when not given.
    :param params: names in lower case, escapes kept; ``None`` as value for a bare name.
    :param headers: the part after ``?`` as it came.
    """

    scheme: str = "sip"
    user: str = ""
    host: str = ""
    port: int | None = None
    params: Mapping[str, str | None] = field(default_factory=dict)
    password: str | None = None
    headers: str = ""

    @classmethod
    def parse(cls, text: str) -> Uri:
        """Parse a URI without angle brackets.

        :raises RemoteProtocolError: it is none (status 400).
        """
        return _parse_cached(text) if len(text) <= CACHED_LENGTH else _parse(text)

    def __str__(self) -> str:
        """The URI as on the wire. :raises LocalProtocolError: a part can't be written."""
        if self.scheme in ("sip", "sips"):
            text = f"{self.scheme}:{self._userinfo()}{self._hostport()}"
        elif self.scheme == "tel":
            text = f"tel:{self.user}"
        else:
            text = f"{self.scheme}:{self.user}"
        for name, value in self.params.items():
            text += f";{name}" if value is None else f";{name}={value}"
        if self.headers:
            text += f"?{self.headers}"
        if _unfit_for_uri(text):
            raise LocalProtocolError(f"URI can't be written: {text[:80]!r}")
        return text

    def __hash__(self) -> int:
        return hash((self.scheme, self.user, self.host, self.port))

    def equivalent(self, other: Uri) -> bool:
        """Compare as RFC 3261 section 19.1.4 says; parameters and headers count."""
        if self.scheme == "tel" == other.scheme:
            return _bare_number(self) == _bare_number(other) and _same_params(self, other)
        return (
            self.scheme == other.scheme
            and self.user == other.user
            and self.password == other.password
            and _normal_host(self.host) == _normal_host(other.host)
            and self.port == other.port
            and _same_params(self, other)
            and _header_set(self.headers) == _header_set(other.headers)
        )

    def without_params(self) -> Uri:
        """The same address without URI parameters and headers."""
        return replace(self, params={}, headers="") if self.params or self.headers else self

    def _userinfo(self) -> str:
        user = self.user if _is_plain_user(self.user) else escape(self.user)
        if self.password is not None:
            return f"{user}:{escape(self.password, PASSWORD_SAFE)}@"
        return f"{user}@" if user else ""

    def _hostport(self) -> str:
        host = self.host
        if not _is_host(host):
            raise LocalProtocolError(f"host can't be written: {host[:80]!r}")
        if ":" in host:
            host = f"[{host}]"
        return host if self.port is None else f"{host}:{self.port}"


def format_host(host: str, port: int | None) -> str:
    """Write ``host[:port]``, with brackets around an IPv6 address."""
    host = f"[{host}]" if ":" in host else host
    return host if port is None else f"{host}:{port}"


def parse_host(host_v6: str | None, host: str | None, port: str | None) -> tuple[str, int | None]:
    """Check what a grammar matched as hostport."""
    if host_v6 is not None:
        try:
            IPv6Address(host_v6)
        except ValueError:
            raise malformed("IPv6 address", host_v6) from None
    number = None if port is None else parse_number("port", port, 65_535)
    return host_v6 or host or "", number


def _parse(text: str) -> Uri:
    match = _match_scheme(text)
    if match is None or _unfit_for_uri(text):
        raise malformed("URI", text)
    scheme = match.group(1).lower()
    rest = text[match.end() :]
    if scheme in ("sip", "sips"):
        return _parse_sip(scheme, rest)
    if scheme == "tel":
        return _parse_tel(rest)
    if not rest:
        raise malformed("URI", text)
    return Uri(scheme, rest)


_parse_cached = lru_cache(CACHE_SIZE)(_parse)


def _parse_sip(scheme: str, rest: str) -> Uri:
    userinfo, at, hostpart = rest.rpartition("@")
    match = _match_host(hostpart)
    if match is None or "@" in userinfo:
        raise malformed("URI", rest)
    user, colon, password = userinfo.partition(":")
    if at and not user:
        raise malformed("URI", rest)
    host_v6, host, port_text, params, headers = match.groups()
    address, port = parse_host(host_v6, host, port_text)
    return Uri(
        scheme,
        unescape("user", user),
        address,
        port,
        _parse_uri_params(params) if params else {},
        unescape("password", password) if colon else None,
        headers or "",
    )


def _parse_tel(rest: str) -> Uri:
    match = _match_tel(rest)
    if match is None:
        raise malformed("tel URI", rest)
    return Uri("tel", match.group(1), params=_parse_uri_params(match.group(2)))


def _parse_uri_params(text: str) -> dict[str, str | None]:
    params: dict[str, str | None] = {}
    for part in text.split(";")[1:]:
        name, equals, value = part.partition("=")
        name = name.lower()
        if not name or name in params:
            raise malformed("URI parameter", text)
        params[name] = value if equals else None
    return params


def _bare_number(uri: Uri) -> str:
    return _visual_separator.sub("", uri.user).lower()


def _normal_host(host: str) -> str:
    if ":" in host:
        try:
            return IPv6Address(host).compressed
        except ValueError:
            return host
    return host.lower()


def _same_params(one: Uri, other: Uri) -> bool:
    mine, theirs = one.params, other.params
    for name in mine.keys() | theirs.keys():
        if name in mine and name in theirs:
            if (mine[name] or "").lower() != (theirs[name] or "").lower():
                return False
        elif name in _STRICT_PARAMS:
            return False
    return True


def _header_set(headers: str) -> list[tuple[str, str]]:
    pairs = (part.partition("=") for part in headers.split("&") if part)
    return sorted((name.lower(), value) for name, _, value in pairs)
