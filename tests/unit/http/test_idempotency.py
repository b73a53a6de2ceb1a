"""A request with a key is carried out once, and every repetition gets the first one's answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from server.http.idempotency import KEEP, MAX_KEPT, IdempotentRequests
from server.http.messages import Request, Response
from tests.support.clock import FakeClock


class Work:
    """Counts how often it was done; its answers tell the count."""

    def __init__(self, status: int = 200) -> None:
        self.count = 0
        self.status = status
        self.gate = asyncio.Event()

    def now(self) -> Response:
        self.count += 1
        return Response(self.status, b"%d" % self.count)

    def later(self) -> Coroutine[Any, Any, Response]:
        async def run() -> Response:
            await self.gate.wait()
            return self.now()

        return run()


def request(key: str = "k", query: str = "", body: bytes = b"") -> Request:
    headers = {b"idempotency-key": key.encode("latin-1")}
    return Request("POST", "/ari/channels", query, headers, body, "127.0.0.1")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def requests(clock: FakeClock) -> IdempotentRequests:
    return IdempotentRequests(clock)


def answered(outcome: object) -> Response:
    assert isinstance(outcome, Response)
    return outcome


async def test_a_repetition_gets_the_first_answer(requests: IdempotentRequests) -> None:
    work = Work()
    first = answered(requests.answer("ari", request(), "channels", work.now))
    again = answered(requests.answer("ari", request(), "channels", work.now))
    assert (first.body, again.body, work.count) == (b"1", b"1", 1)
    assert again.headers == ((b"Idempotency-Replayed", b"true"),)
    assert first.headers == ()


async def test_refusals_are_kept_and_failures_are_not(requests: IdempotentRequests) -> None:
    refused, failed = Work(404), Work(503)
    for _ in range(2):
        requests.answer("ari", request("a"), "channels", refused.now)
        requests.answer("ari", request("b"), "channels", failed.now)
    assert (refused.count, failed.count) == (1, 2)


async def test_a_repetition_waits_for_the_first(requests: IdempotentRequests) -> None:
    work = Work()
    first = requests.answer("ari", request(), "channels", work.later)
    assert not isinstance(first, Response)
    task = asyncio.create_task(first)
    again = requests.answer("ari", request(), "channels", work.later)
    assert not isinstance(again, Response)
    work.gate.set()
    assert (await again).body == b"1"
    assert (await task).body == b"1"
    assert work.count == 1


async def test_a_first_that_is_cancelled_leaves_the_key_free(requests: IdempotentRequests) -> None:
    work = Work()
    first = requests.answer("ari", request(), "channels", work.later)
    assert not isinstance(first, Response)
    task = asyncio.create_task(first)
    await asyncio.sleep(0)
    again = requests.answer("ari", request(), "channels", work.later)
    assert not isinstance(again, Response)
    task.cancel()
    assert (await again).status == 503
    assert len(requests) == 0


@pytest.mark.parametrize("other", [{"query": "a=1"}, {"body": b"{}"}])
async def test_a_key_belongs_to_one_request(
    requests: IdempotentRequests, other: dict[str, Any]
) -> None:
    work = Work()
    requests.answer("ari", request(), "channels", work.now)
    refused = answered(requests.answer("ari", request(**other), "channels", work.now))
    assert (refused.status, work.count) == (422, 1)


async def test_users_do_not_share_keys(requests: IdempotentRequests) -> None:
    work = Work()
    for user in ("ari", "other"):
        requests.answer(user, request(), "channels", work.now)
    assert work.count == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "a\x01", "caf\xe9"])
async def test_malformed_keys_are_refused(requests: IdempotentRequests, key: str) -> None:
    work = Work()
    assert answered(requests.answer("ari", request(key), "channels", work.now)).status == 400
    assert work.count == 0


async def test_answers_are_kept_for_a_bounded_time(
    requests: IdempotentRequests, clock: FakeClock
) -> None:
    work = Work()
    requests.answer("ari", request(), "channels", work.now)
    clock.advance(KEEP + 1)
    requests.answer("ari", request(), "channels", work.now)
    assert (work.count, len(requests)) == (2, 1)


async def test_a_bounded_number_of_answers_is_kept(requests: IdempotentRequests) -> None:
    waiting = Work()
    first = requests.answer("ari", request("slow"), "channels", waiting.later)
    assert not isinstance(first, Response)
    for k in range(MAX_KEPT + 10):
        requests.answer("ari", request(f"k{k}"), "channels", Work().now)
    assert len(requests) == MAX_KEPT
    waiting.gate.set()
    assert (await first).status == 200
    again = answered(requests.answer("ari", request("slow"), "channels", waiting.now))
    assert again.body == b"1"


async def test_the_path_below_ari_counts_whatever_stands_before_it(
    requests: IdempotentRequests,
) -> None:
    work = Work()
    other = Request("POST", "channels", "", request().headers, b"", "127.0.0.1")
    answered(requests.answer("ari", request(), "channels", work.now))
    assert answered(requests.answer("ari", other, "channels", work.now)).body == b"1"
    assert answered(requests.answer("ari", other, "bridges", work.now)).status == 422
