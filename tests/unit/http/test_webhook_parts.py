"""What webhooks are made of: the backlog, replies, and the dead-letter log."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.tasks import TaskScope
from server.http.messages import Request, Response
from server.http.rest_socket import Caller
from server.http.webhooks.backlog import MAX_BATCH_BYTES, Backlog
from server.http.webhooks.commands import MAX_COMMANDS, Commands, parse_reply
from server.http.webhooks.dead_letters import MAX_PENDING, DeadLetters
from server.http.webhooks.signature import sign
from tests.support.node import FixedClock

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["commands", "type", "uri"]), inner)
    ),
)


def test_the_signature_is_the_documented_one() -> None:
    # computed with: printf '%s' '1700000000.[]' | openssl dgst -sha256 -hmac key
    digest = "2afce10b4f37880815b715635811bcfa4d5334e7213eea5bc2e130e1008055c3"
    assert sign("key", 1_700_000_000, b"[]") == f"t=1700000000,v1={digest}"


@asynccontextmanager
async def dead_letters(path: Path, max_bytes: int = 1000) -> AsyncIterator[DeadLetters]:
    scope = TaskScope("test")
    made = DeadLetters(path, max_bytes, FixedClock(), scope)
    yield made
    await made.drained()
    await scope.close()


async def test_the_log_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "x.dead"
    async with dead_letters(path) as log:
        for number in range(100):
            log.add([b'{"n":%d}' % number], "r", delivery="d", attempts=1)
    newest = [json.loads(line) for line in path.read_text().splitlines()]
    former = [json.loads(line) for line in (tmp_path / "x.dead.1").read_text().splitlines()]
    kept = [letter["events"][0]["n"] for letter in former + newest]
    assert kept == list(range(100 - len(kept), 100))
    assert path.stat().st_size <= 1000
    assert len(list(tmp_path.iterdir())) == 2


async def test_a_link_is_not_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "x.dead").symlink_to(tmp_path / "elsewhere")
    async with dead_letters(tmp_path / "x.dead") as log:
        log.add([b"{}", b"{}"], "r", delivery="d", attempts=1)
    assert log.lost == 2
    assert "can't be written" in caplog.text
    assert not (tmp_path / "elsewhere").exists()


async def test_what_the_disk_is_too_slow_for_is_counted(tmp_path: Path) -> None:
    async with dead_letters(tmp_path / "x.dead", 2**30) as log:
        big = b'"%b"' % (b"x" * (MAX_PENDING // 2))
        for _ in range(3):
            log.add([big], "r", delivery="", attempts=0)
    assert log.lost == 2


def test_the_documented_receiver_knows_what_is_genuine() -> None:
    text = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text()
    code = text.partition("```python\n")[2].partition("```")[0]
    documented: dict[str, Any] = {"__name__": "receiver"}
    exec(code, documented)
    now = int(time.time())
    secret = documented["SECRET"].decode()
    assert documented["is_genuine"](sign(secret, now, b"[1]"), b"[1]")
    assert not documented["is_genuine"](sign(secret, now, b"[1]"), b"[2]")
    assert not documented["is_genuine"](sign("other", now, b"[1]"), b"[1]")
    assert not documented["is_genuine"](sign(secret, now - 400, b"[1]"), b"[1]")


class SlowHost:
    """Answers a request when the test says so."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.scope = TaskScope("test")
        self.asterisk_id = "x"
        self.asked: list[str] = []
        self.may_answer = asyncio.Semaphore(0)

    def hold(self) -> AbstractContextManager[None]:
        return nullcontext()

    def handle_as(self, user: str, request: Request, path: str, *, is_token: bool = False) -> Any:
        self.asked.append(path)
        return self._answer()

    async def _answer(self) -> Response:
        await self.may_answer.acquire()
        return Response(204)


async def test_commands_wait_for_the_one_before_them_and_only_so_many() -> None:
    host = SlowHost()
    sent: list[bytes] = []
    commands = Commands(host, sent.append)
    uris = [f"c{number}" for number in range(MAX_COMMANDS + 1)]
    asked = [b'{"type":"RESTRequest","method":"POST","uri":"%b"}' % uri.encode() for uri in uris]
    here = Caller("ari", "192.0.2.1", 1, ("a",))
    commands.add(here, asked[:1])
    commands.add(replace(here, peer="192.0.2.2"), asked[1:])
    assert host.asked == ["c0"]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(commands.wait_for_room(), 0.01)
    host.may_answer.release()
    await asyncio.wait_for(commands.wait_for_room(), 5)
    assert host.asked == ["c0", "c1"]
    assert [json.loads(frame)["uri"] for frame in sent] == ["c0"]
    commands.close()
    host.may_answer.release()
    async with asyncio.timeout(5):
        while len(sent) < 2:
            await asyncio.sleep(0)
    assert host.asked == ["c0", "c1"]
    await host.scope.close()


@given(JSON)
def test_any_json_is_read_or_refused(reply: object) -> None:
    wanted = reply.get("commands") if isinstance(reply, dict) else None
    body = json.dumps(reply).encode()
    if wanted is None or isinstance(wanted, list):
        assert len(parse_reply(body)) == len(wanted or [])
    else:
        with pytest.raises(ValueError, match="commands:"):
            parse_reply(body)


@given(st.binary(max_size=64))
def test_what_is_no_json_object_has_no_commands(body: bytes) -> None:
    assert parse_reply(b"[" + body) == []


def test_a_type_is_added_and_too_many_are_refused() -> None:
    assert parse_reply(b'{"commands":[{"uri":"x"}]}') == [b'{"type":"RESTRequest","uri":"x"}']
    with pytest.raises(ValueError, match="more than 100"):
        parse_reply(json.dumps({"commands": [0] * (MAX_COMMANDS + 1)}).encode())


@given(st.lists(st.integers(0, MAX_BATCH_BYTES * 2), max_size=8))
def test_batches_keep_order_and_size(sizes: list[int]) -> None:
    backlog = Backlog()
    put = [b"x" * size for size in sizes]
    assert all(backlog.put(event, 8, 2**40) for event in put)
    taken: list[bytes] = []
    while backlog:
        delivery = backlog.take()
        assert len(delivery.events) == 1 or sum(map(len, delivery.events)) <= MAX_BATCH_BYTES
        taken += delivery.events
    assert taken == put
    assert backlog.put(b"xx", 1, 2)
    assert not backlog.put(b"x", 1, 100)
    assert not backlog.put(b"x", 100, 2)
