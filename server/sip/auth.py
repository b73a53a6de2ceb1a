"""Digest authentication (RFC 7616, RFC 8760, RFC 3261 section 22), both sides."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from server.base.errors import InvalidArgument, RemoteProtocolError
from server.sip.grammar import malformed, quote, unquote
from server.sip.message import Request, Response
from server.sip.transaction_matching import new_tag

MAX_REALMS = 16  # remembered per client, against a server that invents realms

# hashlib's names by RFC 8760's, the strongest first.
_HASHES = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
ALGORITHMS = tuple(name for name in _HASHES if _HASHES[name] in hashlib.algorithms_available)

# auth-param = token EQUAL ( token / quoted-string ); values wider for what phones leave unquoted
_match_param = re.compile(
    r"[ \t,]*([A-Za-z0-9\-.!%*_+`'~]+)[ \t]*=[ \t]*"
    r"(\"(?:[^\"\\]++|\\.)*+\"|[^\s,\"]+)[ \t]*(?=,|$)",
    re.ASCII | re.DOTALL,
).match
_is_nonce_count = re.compile(r"[0-9A-Fa-f]{8}").fullmatch
_QUOTED_PARAMS = frozenset(("username", "realm", "nonce", "uri", "response", "cnonce", "opaque"))


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's secret: pjsip.conf's ``auth`` section.

    :param realm: empty matches every realm (client side).
    :param md5_cred: H(user:realm:password) in hex, for MD5; used before *password*.
    :param digests: the same for other algorithms: (algorithm, hex) pairs (``password_digest``).
    """

    username: str
    password: str = ""
    realm: str = ""
    md5_cred: str = ""
    digests: tuple[tuple[str, str], ...] = ()

    def ha1(self, algorithm: str, realm: str) -> str | None:
        """H(A1) in hex, ``None`` if neither stored nor computable."""
        for name, digest in self.digests:
            if name == algorithm:
                return digest.lower()
        if self.md5_cred:
            return self.md5_cred.lower() if algorithm == "MD5" else None
        if self.digests and not self.password:
            return None
        return _hash(algorithm, f"{self.username}:{realm}:{self.password}")


class Verdict(Enum):
    """What the check of a request's credentials gave."""

    OK = "ok"
    NONE = "none"  # no credentials for our realm: challenge
    STALE = "stale"  # right, but for an old nonce: challenge with stale=true
    WRONG = "wrong"  # wrong user, password or nonce: challenge (or 403)


class DigestServer:
    """Challenges and verifies; keeps no state per challenge, so a nonce serves until it is stale.

    :param secret: random bytes that sign nonces.
    :param algorithms: offered, in this order: ``MD5``, ``SHA-256``, ``SHA-512-256``.
    :param nonce_lifetime: seconds until a nonce is stale.
    :raises InvalidArgument: an algorithm is unknown.
    """

    def __init__(
        self,
        secret: bytes,
        *,
        algorithms: Sequence[str] = ("MD5",),
        nonce_lifetime: float = 32.0,
    ) -> None:
        for name in algorithms:
            if name not in ALGORITHMS:
                raise InvalidArgument("algorithms", f"{name} is none of {', '.join(ALGORITHMS)}")
        self._secret = secret
        self._algorithms = tuple(algorithms)
        self._nonce_lifetime = nonce_lifetime
        self._nobody = Credentials("", os.urandom(16).hex())

    def challenge(
        self, request: Request, realm: str, now: float, *, stale: bool = False, proxy: bool = False
    ) -> Response:
        """A 401 (or 407) with one challenge per algorithm, and a To tag."""
        response = request.response(407 if proxy else 401, to_tag=new_tag())
        name = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
        tail = ',qop="auth"' + (",stale=true" if stale else "")
        start = f'Digest realm={quote(realm)},nonce="{self._make_nonce(realm, now)}"'
        response.headers.set_all(
            name,
            [f"{start},algorithm={algorithm}{tail}" for algorithm in self._algorithms],
        )
        return response

    def username(self, request: Request, realm: str, *, proxy: bool = False) -> str | None:
        """The user that the request claims to be for *realm*, unverified."""
        params = self._find(request, realm, proxy)
        return None if params is None else params.get("username")

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

        A right answer to a nonce that we did not make (before a restart) counts as stale.

        :param now: seconds on the clock that :meth:`challenge` was given.
        """
        params = self._find(request, realm, proxy)
        if params is None:
            return Verdict.NONE
        algorithm = params.get("algorithm", "MD5").upper()
        expected = self._expected(request.method, realm, algorithm, params, credentials)
        given = params.get("response", "").lower()
        is_right = hmac.compare_digest(expected.encode(), given.encode())
        is_user = credentials is not None and hmac.compare_digest(
            credentials.username.encode(), params.get("username", "").encode()
        )
        if not (is_right and is_user and algorithm in self._algorithms):
            return Verdict.WRONG
        return Verdict.OK if self._is_fresh(params.get("nonce", ""), realm, now) else Verdict.STALE

    def _find(self, request: Request, realm: str, proxy: bool) -> dict[str, str] | None:
        name = "Proxy-Authorization" if proxy else "Authorization"
        for params in _parse_all(request.headers.get_all(name)):
            if params.get("realm") == realm:
                return params
        return None

    def _expected(
        self,
        method: str,
        realm: str,
        algorithm: str,
        params: Mapping[str, str],
        credentials: Credentials | None,
    ) -> str:
        """The right answer; something unguessable if there can be none."""
        qop, count = params.get("qop", "").lower(), params.get("nc", "")
        known = algorithm if algorithm in self._algorithms else self._algorithms[0]
        nobody = self._nobody.ha1(known, realm) or ""
        ha1 = (credentials or self._nobody).ha1(known, realm) or nobody
        if qop not in ("", "auth") or (qop and not _is_nonce_count(count)):
            ha1 = nobody
        answer = _Answer(qop, params.get("nonce", ""), count, params.get("cnonce", ""))
        return answer.compute(known, ha1, method, params.get("uri", ""))

    def _make_nonce(self, realm: str, now: float) -> str:
        stamp = f"{int(now):010x}"
        return stamp + self._sign(stamp, realm)

    def _sign(self, stamp: str, realm: str) -> str:
        return hmac.digest(self._secret, f"{stamp}:{realm}".encode(), "sha256")[:16].hex()

    def _is_fresh(self, nonce: str, realm: str, now: float) -> bool:
        stamp, signature = nonce[:10], nonce[10:]
        if not hmac.compare_digest(self._sign(stamp, realm).encode(), signature.encode()):
            return False
        return now - int(stamp, 16) <= self._nonce_lifetime


class _Answer(NamedTuple):
    """What goes into a response besides secret, method and URI."""

    qop: str
    nonce: str
    nc: str
    cnonce: str

    def compute(self, algorithm: str, ha1: str, method: str, uri: str, body: bytes = b"") -> str:
        """RFC 7616 section 3.4.1; without qop as RFC 2069 had it."""
        a2 = f"{method}:{uri}"
        if self.qop == "auth-int":
            a2 += f":{hashlib.new(_HASHES[algorithm], body).hexdigest()}"
        ha2 = _hash(algorithm, a2)
        if not self.qop:
            return _hash(algorithm, f"{ha1}:{self.nonce}:{ha2}")
        middle = f"{self.nonce}:{self.nc}:{self.cnonce}:{self.qop}"
        return _hash(algorithm, f"{ha1}:{middle}:{ha2}")


@dataclass(slots=True)
class _Challenge:
    """A challenge that we can answer, and how often we did."""

    is_proxy: bool
    realm: str
    nonce: str
    opaque: str | None
    algorithm: str
    names_algorithm: bool
    qop: str
    credentials: Credentials
    uses: int = 0


class DigestClient:
    """Answers challenges, and counts the uses of each nonce.

    :param credentials: tried by realm; those without a realm fit any.
    :param make_cnonce: for tests.
    """

    def __init__(
        self,
        credentials: Sequence[Credentials],
        *,
        make_cnonce: Callable[[], str] = lambda: os.urandom(8).hex(),
    ) -> None:
        self._credentials = tuple(credentials)
        self._make_cnonce = make_cnonce
        self._challenges: dict[tuple[bool, str], _Challenge] = {}

    def authorize(self, request: Request, response: Response) -> bool:
        """Put answers to a 401 or 407 on *request* (a copy, with its new CSeq).

        Of several algorithms for a realm, the strongest that is known is taken.

        :returns: ``False`` if there are no credentials for it, or they were refused before.
        """
        is_proxy = response.status == 407
        name = "Proxy-Authenticate" if is_proxy else "WWW-Authenticate"
        chosen: dict[str, _Challenge] = {}
        for params in _parse_all(response.headers.get_all(name)):
            challenge = self._usable(params, is_proxy)
            if challenge is None or self._was_refused(request, challenge, params):
                continue
            rival = chosen.get(challenge.realm)
            if rival is None or _strength(challenge) < _strength(rival):
                chosen[challenge.realm] = challenge
        for realm, challenge in chosen.items():
            self._remember(is_proxy, realm, challenge)
            self._answer(request, challenge)
        return bool(chosen)

    def apply(self, request: Request) -> None:
        """Put an answer to the last challenge on a new request, to spare a round trip."""
        for challenge in self._challenges.values():
            self._answer(request, challenge)

    def _usable(self, params: Mapping[str, str], is_proxy: bool) -> _Challenge | None:
        realm, nonce = params.get("realm"), params.get("nonce")
        algorithm = params.get("algorithm", "MD5").upper()
        qops = [qop.strip().lower() for qop in params.get("qop", "").split(",") if qop.strip()]
        qop = next((known for known in ("auth", "auth-int") if known in qops), "")
        if realm is None or nonce is None or algorithm not in ALGORITHMS or (qops and not qop):
            return None
        for credentials in sorted(self._credentials, key=lambda each: not each.realm):
            if credentials.realm in ("", realm) and credentials.ha1(algorithm, realm):
                names = "algorithm" in params
                return _Challenge(
                    is_proxy, realm, nonce, params.get("opaque"), algorithm, names, qop, credentials
                )
        return None

    def _was_refused(
        self, request: Request, challenge: _Challenge, params: Mapping[str, str]
    ) -> bool:
        """An answer for this realm came back, and not because its nonce was old."""
        if params.get("stale", "").lower() == "true":
            return False
        name = _answer_name(challenge.is_proxy)
        answers = _parse_all(request.headers.get_all(name))
        known = self._challenges.get((challenge.is_proxy, challenge.realm))
        # One sent ahead by apply() may simply be too old for a server that never says "stale".
        was_ahead = known is not None and known.uses > 1 and known.nonce != challenge.nonce
        return not was_ahead and any(each.get("realm") == challenge.realm for each in answers)

    def _remember(self, is_proxy: bool, realm: str, challenge: _Challenge) -> None:
        key = (is_proxy, realm)
        self._challenges.pop(key, None)
        while len(self._challenges) >= MAX_REALMS:
            del self._challenges[next(iter(self._challenges))]
        self._challenges[key] = challenge

    def _answer(self, request: Request, challenge: _Challenge) -> None:
        challenge.uses += 1
        algorithm, realm, qop = challenge.algorithm, challenge.realm, challenge.qop
        count = f"{challenge.uses:08x}"
        answer = _Answer(qop, challenge.nonce, count, self._make_cnonce())
        ha1 = challenge.credentials.ha1(algorithm, realm) or ""
        uri = str(request.uri)
        params = {
            "username": challenge.credentials.username,
            "realm": realm,
            "nonce": challenge.nonce,
            "uri": uri,
            "response": answer.compute(algorithm, ha1, request.method, uri, request.body),
        }
        if challenge.names_algorithm:
            params["algorithm"] = algorithm
        if qop:
            params |= {"cnonce": answer.cnonce, "qop": qop, "nc": count}
        if challenge.opaque is not None:
            params["opaque"] = challenge.opaque
        _replace_answer(request, _answer_name(challenge.is_proxy), realm, _format(params))


def _answer_name(is_proxy: bool) -> str:
    return "Proxy-Authorization" if is_proxy else "Authorization"


def _strength(challenge: _Challenge) -> int:
    return ALGORITHMS.index(challenge.algorithm)


def _replace_answer(request: Request, name: str, realm: str, value: str) -> None:
    others = [
        line
        for line in request.headers.get_all(name)
        if not any(params.get("realm") == realm for params in _parse_all([line]))
    ]
    request.headers.set_all(name, [*others, value])


def _format(params: Mapping[str, str]) -> str:
    return "Digest " + ", ".join(
        f"{name}={quote(value) if name in _QUOTED_PARAMS else value}"
        for name, value in params.items()
    )


def _hash(algorithm: str, text: str) -> str:
    return hashlib.new(_HASHES[algorithm], text.encode(errors="replace")).hexdigest()


def _parse_all(values: Sequence[str]) -> Iterator[dict[str, str]]:
    """The parameters of each Digest line; lines of other schemes or malformed ones are skipped."""
    for value in values:
        try:
            scheme, params = parse_auth(value)
        except RemoteProtocolError:
            continue
        if scheme == "digest":
            yield params


def parse_auth(value: str) -> tuple[str, dict[str, str]]:
    """Parse a challenge or credentials: the scheme in lower case, parameters unquoted.

    :raises RemoteProtocolError: malformed.
    """
    scheme, _, rest = value.strip(" \t").partition(" ")
    params: dict[str, str] = {}
    position = 0
    while position < len(rest):
        match = _match_param(rest, position)
        if match is None:
            if rest[position:].strip(" \t,"):
                raise malformed("auth-param", rest[position:])
            break
        name, text = match.group(1).lower(), match.group(2)
        if name in params:
            raise malformed("auth-param (given twice)", rest)
        params[name] = unquote(text) if text[0] == '"' else text
        position = match.end()
    return scheme.lower(), params
