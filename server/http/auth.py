"""Who may use the REST interface.

Users of ari.conf come with Basic credentials or ``api_key``. Tokens come as ``Authorization:
Bearer`` or, where a browser can't set headers, as ``access_token`` (RFC 6750, section 2).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from server.base.clock import Clock
from server.base.log import SECURITY
from server.base.passwords import matches_crypt
from server.config.sections.ari import AriToken, AriUser
from server.http.messages import Request, parse_pairs

logger = logging.getLogger(__name__)

FIRST_DELAY = 0.25  # seconds before a wrong password is refused; doubles with each failure
LONGEST_DELAY = 4.0
FORGET_AFTER = 60.0  # seconds without a failure
MAX_PEERS = 1024  # addresses whose failures are remembered
MAX_VERIFIED = 1024  # credentials known to be right


@dataclass(frozen=True, slots=True)
class Authentication:
    """The outcome of a log-in.

    :param user: ``None`` if it failed.
    :param delay: seconds to wait before the refusal; 0 when no credentials were given.
    """

    user: AriUser | None
    delay: float = 0.0


NOT_GIVEN = Authentication(None)


class Authenticator:
    """Checks credentials.

    :param users: by name.
    :param tokens: by name.
    """

    def __init__(
        self,
        users: Mapping[str, AriUser],
        clock: Clock,
        tokens: Mapping[str, AriToken] | None = None,
    ) -> None:
        self._users = users
        # by digest: how long finding one takes tells nothing of the secret
        self._tokens = {token.digest: token for token in (tokens or {}).values()}
        self._clock = clock
        # Right credentials are remembered by a keyed digest: a crypted password costs
        # milliseconds to check, and every request brings it again.
        self._key = secrets.token_bytes(32)
        self._verified: dict[bytes, AriUser] = {}
        self._failures = FailureDelays(clock)

    def authenticate(self, request: Request) -> Authentication:
        """Check the credentials of a request."""
        bearer = _bearer(request)
        if bearer is not None:
            return self._by_token(bearer, request)
        given = _credentials(request)
        if given is None:
            return NOT_GIVEN
        digest = hashlib.blake2b(given, key=self._key, digest_size=32).digest()
        user = self._verified.get(digest)
        if user is None:
            user = self._verify(given)
            if user is None:
                return self._refuse(given, request)
            if len(self._verified) >= MAX_VERIFIED:
                self._verified.clear()
            self._verified[digest] = user
            self._failures.forget(request.peer)
        return Authentication(user)

    def _by_token(self, secret: bytes, request: Request) -> Authentication:
        token = self._tokens.get(hashlib.sha256(secret).digest())
        if token is None:
            return self._refuse(b"", request)
        if token.is_expired(self._clock.wall()):
            return self._refuse(token.name.encode(), request)
        return Authentication(token.user)

    def _verify(self, given: bytes) -> AriUser | None:
        name, colon, password = given.partition(b":")
        user = self._users.get(name.decode("utf-8", "replace"))
        if user is None or not colon:
            hmac.compare_digest(b"nobody", password)
            return None
        if user.password_format == "crypt":
            is_right = matches_crypt(password, user.password)
        else:
            is_right = hmac.compare_digest(password, user.password.encode())
        return user if is_right else None

    def _refuse(self, given: bytes, request: Request) -> Authentication:
        name = given.partition(b":")[0].decode("utf-8", "replace")[:80]
        logger.log(
            SECURITY,
            'SecurityEvent="%s",Service="ARI",AccountID=%r,RemoteAddress="TCP/%s/%d"',
            "InvalidPassword" if name in self._users else "InvalidAccountID",
            name,
            request.peer,
            request.peer_port,
        )
        return Authentication(None, self._failures.add(request.peer))


class FailureDelays:
    """How long to let an address wait after wrong credentials."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._peers: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def add(self, peer: str) -> float:
        """Count a failure and return the seconds to wait."""
        now = self._clock.now()
        count, last = self._peers.pop(peer, (0, now))
        count = 1 if now - last > FORGET_AFTER else count + 1
        if len(self._peers) >= MAX_PEERS:
            self._peers.popitem(last=False)
        self._peers[peer] = (count, now)
        return float(min(FIRST_DELAY * 2 ** min(count - 1, 16), LONGEST_DELAY))

    def forget(self, peer: str) -> None:
        """The address knows a password after all."""
        self._peers.pop(peer, None)


def _bearer(request: Request) -> bytes | None:
    """Return the token of a request, ``None`` if it brings none."""
    header = request.headers.get(b"authorization")
    if header is not None:
        scheme, _, value = header.partition(b" ")
        return value.strip() if scheme.lower() == b"bearer" else None
    return _query_value(request, "access_token")


def _query_value(request: Request, name: str) -> bytes | None:
    """Return a parameter of the query; empty if the query can't be read."""
    if f"{name}=" not in request.query:
        return None
    try:
        value = dict(parse_pairs(request.query)).get(name)
    except ValueError:
        return b""
    return value.encode() if value is not None else None


def _credentials(request: Request) -> bytes | None:
    """Return ``user:password`` of the Authorization header, else of ``api_key``."""
    header = request.headers.get(b"authorization")
    if header is not None:
        scheme, _, value = header.partition(b" ")
        if scheme.lower() != b"basic":
            return b""
        try:
            return base64.b64decode(value.strip(), validate=True)
        except binascii.Error:
            return b""
    return _query_value(request, "api_key")
