"""The test kit steered by lines of JSON, as other languages do it."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
PATIENCE_S = 20


class Steering:
    """The remote kit as a child process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._ids = itertools.count(1)

    async def ask(
        self, do: str, phone: str | None = None, **arguments: object
    ) -> dict[str, object]:
        """Send a request and return its answer."""
        number = self.send(do, phone, **arguments)
        answer = await self.read()
        assert answer.pop("id") == number
        return answer

    def send(self, do: str, phone: str | None = None, **arguments: object) -> int:
        """Send a request; return its id."""
        request: dict[str, object] = {"id": next(self._ids), "do": do, "with": arguments}
        if phone:
            request["phone"] = phone
        assert self.process.stdin
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        return request["id"]  # type: ignore[return-value]

    async def read(self) -> dict[str, object]:
        """Return the next answer."""
        assert self.process.stdout
        line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE_S)
        answer: dict[str, object] = json.loads(line)
        return answer

    async def end(self) -> int:
        """End the input; return the exit code."""
        assert self.process.stdin
        self.process.stdin.close()
        return await asyncio.wait_for(self.process.wait(), PATIENCE_S)


@asynccontextmanager
async def steering() -> AsyncIterator[Steering]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "arion.testing.remote",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )  # fmt: skip
    try:
        yield Steering(process)
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), PATIENCE_S)


def kind(answer: dict[str, object]) -> object:
    error = answer["error"]
    assert isinstance(error, dict)
    return error["kind"]


async def test_phones_call_and_hear_and_all_goes_with_the_input() -> None:
    async with steering() as kit:
        answer = await kit.ask(
            "start", dialplan={"1000": "Playback(hello-world)"}, prompts=["hello-world"],
            phones=["alice", "bob"],
        )  # fmt: skip
        made = answer["result"]
        assert isinstance(made, dict)
        folder = Path(made["folder"])
        for name in ("alice", "bob"):
            assert await kit.ask("phone", name=name) == {"result": None}
        assert await kit.ask("call", "alice", number="1000") == {"result": None}
        assert await kit.ask("hears", "alice", prompt="hello-world") == {"result": None}
        assert await kit.ask("hears_hangup", "alice") == {"result": "hung up there"}
        # several at once: the caller waits while the other phone is told to refuse
        calling = kit.send("call", "alice", number="bob")
        assert await kit.ask("rings", "bob") == {"result": None}
        assert await kit.ask("reject", "bob") == {"result": None}
        refused = await kit.read()
        assert refused["id"] == calling
        assert refused["error"] == {
            "kind": "CallFailed", "message": "486 Busy Here", "status": 486,
        }  # fmt: skip
        assert kind(await kit.ask("hears", "alice", prompt="no-such")) == "FileNotFoundError"
        assert kind(await kit.ask("rings", "bob", timeout=0.05)) == "NotHeard"
        assert (await asyncio.to_thread(os.listdir, folder)) != []
        assert await kit.end() == 0
        assert not await asyncio.to_thread(folder.exists)


async def test_what_is_not_understood_is_answered() -> None:
    async with steering() as kit:
        assert kind(await kit.ask("start", no_such_member=1)) == "TypeError"
        assert await kit.end() == 2
    async with steering() as kit:
        await kit.ask("start", phones=["alice"])
        assert kind(await kit.ask("phone", name="nobody")) == "ValueError"
        assert kind(await kit.ask("dance")) == "ValueError"
        assert kit.process.stdin
        kit.process.stdin.write(b"no JSON\n")
        assert kind(await kit.read()) == "JSONDecodeError"
        assert kind(await kit.ask("press", "alice", keys="1")) == "ValueError"  # not asked for yet
        await kit.ask("phone", name="alice")
        assert kind(await kit.ask("vanish", "alice")) == "ValueError"
        assert kind(await kit.ask("press", "alice", keys="1")) == "RuntimeError"  # no call
        kit.process.terminate()
        assert await asyncio.wait_for(kit.process.wait(), PATIENCE_S) == 0


@pytest.mark.parametrize("line", [b"\xff", b"[]", b'{"do": "start", "with": 1}', b'{"do": "log"}'])
async def test_it_has_to_begin_with_start(line: bytes) -> None:
    async with steering() as kit:
        assert kit.process.stdin
        kit.process.stdin.write(line + b"\n")
        assert kind(await kit.read()) in {"UnicodeDecodeError", "ValueError"}
        assert await kit.end() == 2


async def test_no_server_to_start_is_said(tmp_path: Path) -> None:
    nowhere = tmp_path / "arion"
    nowhere.write_text("#!/bin/sh\nexit 3\n")
    nowhere.chmod(0o755)
    async with steering() as kit:
        assert kind(await kit.ask("start", executable=str(nowhere))) == "RuntimeError"
        assert await kit.end() == 1
