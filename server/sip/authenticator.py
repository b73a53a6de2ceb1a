"""Whether a request comes from who it says: digest challenges that tell strangers nothing.

A user who does not exist is challenged exactly like one who does, and any answer is checked at the
same cost and found wrong.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from server.sip.auth import Credentials, DigestClient, DigestServer, Verdict
from server.sip.message import Request, Response
from server.sip.settings import Auth, Endpoint, SipSettings
from server.sip.transaction import new_tag

DEFAULT_ALGORITHMS = ("MD5",)
DEFAULT_AUTH = Auth()


class Authenticator:
    """Checks requests, and makes what answers the challenges of others.

    :param secret: random bytes that sign our nonces.
    """

    def __init__(self, settings: SipSettings, secret: bytes) -> None:
        self._settings = settings
        self._secret = secret
        self._servers: dict[tuple[tuple[str, ...], int], DigestServer] = {}
        used = {name for endpoint in settings.endpoints.values() for name in endpoint.auth}
        # What a stranger may be taken for: each realm that real users are challenged for.
        decoys = {self._realm(a): a for n, a in settings.auths.items() if n in used}
        self._decoys = [decoys[realm] for realm in sorted(decoys)] or [DEFAULT_AUTH]

    def check(self, request: Request, endpoint: Endpoint | None, now: float) -> Response | None:
        """Check the credentials of a request.

        :param endpoint: who it seems to come from, ``None`` for a stranger.
        :returns: the challenge to answer with, ``None`` if all is well.
        """
        if endpoint is not None and not endpoint.auth:
            return None
        own = self._auths_of(endpoint)
        auths = own or self._decoys_for(request)
        is_stale = False
        for auth in auths:
            verdict = self._verify(request, auth, now, is_known=bool(own))
            if verdict is Verdict.OK:
                return None
            is_stale = is_stale or verdict is Verdict.STALE
        first = auths[0]
        challenge = self._server(first).challenge(request, self._realm(first), now, stale=is_stale)
        challenge.to = challenge.to.with_params(tag=new_tag())
        return challenge

    def client(self, endpoint: Endpoint) -> DigestClient | None:
        """Return what answers challenges from *endpoint*, ``None`` without ``outbound_auth``."""
        credentials = [
            _credentials(self._settings.auths[name], self._settings.auths[name].realm)
            for name in endpoint.outbound_auth
            if name in self._settings.auths
        ]
        return DigestClient(credentials) if credentials else None

    def _verify(self, request: Request, auth: Auth, now: float, *, is_known: bool) -> Verdict:
        realm = self._realm(auth)
        credentials = _credentials(auth, realm) if is_known else None
        return self._server(auth).verify(request, realm, credentials, now)

    def _auths_of(self, endpoint: Endpoint | None) -> Sequence[Auth]:
        """Return what an endpoint can log in with: nothing if its auths are not there (yet)."""
        names = endpoint.auth if endpoint is not None else ()
        return [self._settings.auths[name] for name in names if name in self._settings.auths]

    def _decoys_for(self, request: Request) -> Sequence[Auth]:
        if len(self._decoys) == 1:
            return self._decoys
        # The same stranger always meets the same challenge.
        choice = zlib.crc32(self._secret + request.from_.uri.user.encode("utf-8", "replace"))
        return [self._decoys[choice % len(self._decoys)]]

    def _server(self, auth: Auth) -> DigestServer:
        algorithms = (
            auth.supported_algorithms_uas
            or self._settings.global_.default_auth_algorithms_uas
            or DEFAULT_ALGORITHMS
        )
        key = (algorithms, auth.nonce_lifetime)
        server = self._servers.get(key)
        if server is None:
            server = DigestServer(
                self._secret, algorithms=algorithms, nonce_lifetime=float(auth.nonce_lifetime)
            )
            self._servers[key] = server
        return server

    def _realm(self, auth: Auth) -> str:
        return auth.realm or self._settings.global_.default_realm


def _credentials(auth: Auth, realm: str) -> Credentials:
    return Credentials(auth.username, auth.password, realm, auth.md5_cred, auth.password_digests)
