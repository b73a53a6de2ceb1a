"""Digest authentication (RFC 7616, RFC 8760, RFC 3261 section 22), both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from server.sip.message import Request, Response


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's secret: pjsip.conf's ``auth`` section.

    :param realm: empty matches every realm (client side).
    :param ha1: algorithm name to H(user:realm:password) in hex (``md5_cred``); used before
        *password*.
    """

    username: str
    password: str = ""
    realm: str = ""
    md5_cred: str = ""


class Verdict(Enum):
    """What the check of a request's credentials gave."""

    OK = "ok"
    NONE = "none"  # no credentials for our realm: challenge
    STALE = "stale"  # right, but for an old nonce: challenge with stale=true
    WRONG = "wrong"  # wrong user, password or nonce: challenge (or 403)


class DigestServer:
    """Challenges and verifies; keeps no state per challenge.

    :param secret: random bytes that sign nonces.
    :param algorithms: offered, in this order: ``MD5``, ``SHA-256``, ``SHA-512-256``.
    :param nonce_lifetime: seconds until a nonce is stale.
    """

    def __init__(
        self,
        secret: bytes,
        *,
        algorithms: Sequence[str] = ("MD5",),
        nonce_lifetime: float = 32.0,
    ) -> None: ...

    def challenge(
        self, request: Request, realm: str, now: float, *, stale: bool = False, proxy: bool = False
    ) -> Response:
        """A 401 (or 407) with one challenge per algorithm; S2 adds the To tag."""
        raise NotImplementedError

    def username(self, request: Request, realm: str, *, proxy: bool = False) -> str | None:
        """The user that the request claims to be for *realm*, unverified."""
        raise NotImplementedError

    def verify(
        self,
        request: Request,
        realm: str,
        credentials: Credentials | None,
        now: float,
        *,
        proxy: bool = False,
    ) -> Verdict:
        """Check a request. ``None`` as credentials (unknown user) takes the same time, and fails.

        :param now: seconds on the clock that :meth:`challenge` was given.
        """
        raise NotImplementedError


class DigestClient:
    """Answers challenges, and counts the uses of each nonce."""

    def __init__(self, credentials: Sequence[Credentials]) -> None: ...

    def authorize(self, request: Request, response: Response) -> bool:
        """Put an answer to a 401/407 on *request* (a copy, with its new CSeq), the strongest
        algorithm that is offered and known.

        :returns: ``False`` if there are no credentials for it, or they were refused before.
        """
        raise NotImplementedError

    def apply(self, request: Request) -> None:
        """Put an answer to the last challenge on a new request, to spare a round trip."""
