"""Requests that may be repeated: the ``Idempotency-Key`` header.

A client that got no answer, because the connection broke or a proxy gave up, does not know whether
its request was carried out. With a key of its own choice it may send it again, on any connection:
it is carried out once, and every repetition is answered as the first one was or will be. Failures
of the server (5xx) are not kept, so that a repetition tries again.

The header is that of the IETF draft draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from server.base.clock import Clock
from server.http.messages import Request, Response, error

IDEMPOTENCY_KEY = b"idempotency-key"
REPLAYED = (b"Idempotency-Replayed", b"true")

MAX_KEY = 255  # characters
MAX_KEPT = 10_000  # answers of all users; the oldest go first
KEEP = 3600.0  # seconds that an answer is kept


@dataclass(slots=True)
class _Attempt:
    """The first request with a key.

    :param outcome: its answer, once there is one.
    """

    fingerprint: bytes
    begun: float
    outcome: asyncio.Future[Response]


class IdempotentRequests:
    """The answers that repeated requests get."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._attempts: OrderedDict[tuple[str, str], _Attempt] = OrderedDict()

    def __len__(self) -> int:
        return len(self._attempts)

    def answer(
        self,
        user: str,
        request: Request,
        path: str,
        carry_out: Callable[[], Response | Coroutine[Any, Any, Response]],
    ) -> Response | Coroutine[Any, Any, Response]:
        """Carry a request out, unless it was before.

        :param user: whose key it is; users can't meet each other's.
        :param path: what follows ``/ari/``, the same whatever the request came by.
        """
        key = request.header(IDEMPOTENCY_KEY).strip()
        if not 1 <= len(key) <= MAX_KEY or not key.isprintable() or not key.isascii():
            return error(400, f"Idempotency-Key: 1 to {MAX_KEY} printable characters are needed")
        self._expire()
        fingerprint = _fingerprint(request, path)
        attempt = self._attempts.get((user, key))
        if attempt is None:
            return self._begin((user, key), fingerprint, carry_out)
        if attempt.fingerprint != fingerprint:
            return error(422, "Idempotency-Key: it was used for another request")
        if attempt.outcome.done():
            return _again(attempt.outcome.result())
        return _later(attempt.outcome)

    def _begin(
        self,
        key: tuple[str, str],
        fingerprint: bytes,
        carry_out: Callable[[], Response | Coroutine[Any, Any, Response]],
    ) -> Response | Coroutine[Any, Any, Response]:
        outcome = carry_out()
        promise: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._attempts[key] = _Attempt(fingerprint, self._clock.now(), promise)
        if isinstance(outcome, Response):
            self._settle(key, promise, outcome)
            return outcome
        return self._follow(key, promise, outcome)

    async def _follow(
        self,
        key: tuple[str, str],
        promise: asyncio.Future[Response],
        outcome: Coroutine[Any, Any, Response],
    ) -> Response:
        response = error(503, "The request was not finished")
        try:
            response = await outcome
        finally:
            self._settle(key, promise, response)
        return response

    def _settle(
        self, key: tuple[str, str], promise: asyncio.Future[Response], response: Response
    ) -> None:
        # A copy: who writes the response may still add headers to it.
        promise.set_result(replace(response))
        if response.status >= 500:
            self._attempts.pop(key, None)

    def _expire(self) -> None:
        """Forget what is too old or too much; what is not answered yet stays."""
        oldest = self._clock.now() - KEEP
        for _ in range(len(self._attempts)):
            key, attempt = next(iter(self._attempts.items()))
            if attempt.begun >= oldest and len(self._attempts) < MAX_KEPT:
                return
            if attempt.outcome.done():
                del self._attempts[key]
            else:
                self._attempts.move_to_end(key)


def _fingerprint(request: Request, path: str) -> bytes:
    digest = hashlib.blake2b(digest_size=32)
    for part in (
        request.method.encode(),
        path.encode("utf-8", "surrogateescape"),
        request.query.encode("utf-8", "surrogateescape"),
        request.body,
    ):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def _again(response: Response) -> Response:
    return replace(response, headers=(*response.headers, REPLAYED))


async def _later(outcome: asyncio.Future[Response]) -> Response:
    return _again(await asyncio.shield(outcome))
