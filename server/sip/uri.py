"""SIP, SIPS and tel URIs (RFC 3261 section 19.1, RFC 3966)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
        raise NotImplementedError

    def __str__(self) -> str:
        """The URI as on the wire. :raises LocalProtocolError: a part can't be written."""
        raise NotImplementedError

    def equivalent(self, other: Uri) -> bool:
        """Compare as RFC 3261 section 19.1.4 says; parameters and headers count."""
        raise NotImplementedError

    def without_params(self) -> Uri:
        """The same address without URI parameters and headers."""
        raise NotImplementedError
