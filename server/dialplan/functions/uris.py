"""Functions that encode for URIs."""

from __future__ import annotations

from urllib.parse import quote, unquote

from server.dialplan.registry import function
from server.dialplan.scope import Scope

UNRESERVED_MARKS = "-_.!~*'()"  # RFC 2396, section 2.3


@function("URIENCODE")
def encode(scope: Scope, data: str) -> str:
    """URIENCODE(text): percent-encode all but unreserved characters."""
    return quote(data, safe=UNRESERVED_MARKS, errors="surrogatepass")


@function("URIDECODE")
def decode(scope: Scope, data: str) -> str:
    """URIDECODE(text)."""
    return unquote(data)
