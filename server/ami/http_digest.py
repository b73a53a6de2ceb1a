"""HTTP digest authentication (RFC 7616 with MD5, as Asterisk's ``/arawman`` asks for it)."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass

REALM = "asterisk"
MAX_NONCES = 10_000
_PART = re.compile(r'\s*([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*))\s*(?:,|$)')


@dataclass(slots=True)
class Credentials:
    """What an ``Authorization: Digest`` header says."""

    username: str
    nonce: str
    uri: str
    response: str
    qop: str = ""
    nc: str = ""
    cnonce: str = ""

    @property
    def count(self) -> int:
        """The number of this request with the nonce, 0 if it can't be read."""
        is_hex = bool(re.fullmatch(r"[0-9a-fA-F]{1,8}", self.nc))
        return int(self.nc, 16) if is_hex else 0

    def expected(self, secret: str, method: str) -> str:
        """Return the response that somebody with the secret would send."""
        first = _md5(f"{self.username}:{REALM}:{secret}")
        second = _md5(f"{method}:{self.uri}")
        if self.qop == "auth":
            return _md5(f"{first}:{self.nonce}:{self.nc}:{self.cnonce}:{self.qop}:{second}")
        return _md5(f"{first}:{self.nonce}:{second}")

    def proves(self, secret: str, method: str) -> bool:
        """Tell whether the sender knows the secret."""
        expected = self.expected(secret, method)
        return bool(secret) and hmac.compare_digest(expected.encode(), self.response.encode())


def read_credentials(header: str) -> Credentials | None:
    """Read an Authorization header; ``None`` if it is none of this scheme."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "digest":
        return None
    parts = {match[1].lower(): match[2] or match[3] or "" for match in _PART.finditer(rest)}
    try:
        return Credentials(
            parts["username"],
            parts["nonce"],
            parts["uri"],
            parts["response"].lower(),
            parts.get("qop", ""),
            parts.get("nc", ""),
            parts.get("cnonce", ""),
        )
    except KeyError:
        return None


class Nonces:
    """The nonces that were given out, and how often each was used."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, int] = OrderedDict()

    def challenge(self, *, is_stale: bool = False) -> str:
        """Return a WWW-Authenticate header with a new nonce."""
        nonce = secrets.token_hex(16)
        self._counts[nonce] = 0
        if len(self._counts) > MAX_NONCES:
            self._counts.popitem(last=False)
        stale = ", stale=true" if is_stale else ""
        return f'Digest algorithm=MD5, realm="{REALM}", nonce="{nonce}", qop="auth"{stale}'

    def is_known(self, nonce: str) -> bool:
        """Tell whether a nonce is ours."""
        return nonce in self._counts

    def use(self, credentials: Credentials) -> bool:
        """Note a use; ``False`` if it was used like this before, or is not ours."""
        last = self._counts.get(credentials.nonce)
        if last is None or credentials.qop != "auth" or credentials.count <= last:
            return False
        self._counts[credentials.nonce] = credentials.count
        return True


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
