"""Call files on the real server: crashes, floods, and files that are broken.

Calls go to Local channels, whose first half is answered by the dialplan.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.server_process import ServerProcess

DIALPLAN = """
[calls]
exten => answers,1,Answer()
 same => n,Wait(${SECONDS})
exten => rings,1,Wait(60)
exten => busy,1,Busy()
exten => work,1,System(echo ${WHICH} >> {marks})
 same => n,Wait(${SECONDS})
exten => failed,1,System(echo failed ${REASON} >> {marks})
"""
CALL = """Channel: Local/{number}@calls
Context: calls
Extension: work
Setvar: WHICH={which}
Setvar: __SECONDS={seconds}
RetryTime: 1
{more}
"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    made = ServerProcess(tmp_path / "var")
    with (made.var / "etc/extensions.conf").open("a", encoding="utf-8") as dialplan:
        dialplan.write(DIALPLAN.replace("{marks}", str(tmp_path / "marks")))
    await made.start()
    try:
        yield made
        if made.process and made.process.returncode is None:
            assert await made.stop() == 0
        assert "Traceback" not in made.log
    finally:
        if made.process and made.process.returncode is None:
            await made.kill()


class Calls:
    """The spool of a server, and what the dialplan did."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.outgoing = server.var / "spool/outgoing"
        self.done = server.var / "spool/outgoing_done"

    def put(self, which: str, number: str, seconds: float = 0.1, more: str = "") -> None:
        temporary = self.outgoing.parent / which
        temporary.write_text(CALL.format(number=number, which=which, seconds=seconds, more=more))
        temporary.rename(self.outgoing / which)

    def marks(self) -> Counter[str]:
        path = self.server.var.parent / "marks"
        return Counter(path.read_text().splitlines() if path.exists() else ())

    async def until(self, test: object, seconds: float, what: str) -> None:
        async def holds() -> bool:
            return bool(test())  # type: ignore[operator]

        await self.server.until(holds, seconds, what)

    async def until_gone(self, seconds: float = 20) -> None:
        await self.until(lambda: not list(self.outgoing.iterdir()), seconds, "the spool to empty")


async def test_a_crash_neither_loses_a_call_nor_makes_it_twice(server: ServerProcess) -> None:
    calls = Calls(server)
    for index in range(20):
        calls.put(f"talks{index}", "answers", 30, "Archive: yes")
        calls.put(f"rings{index}", "rings", 0.1, "WaitTime: 30")
    calls.put("later", "answers")
    later = os.stat(calls.outgoing / "later").st_mtime + 3600  # noqa: PTH116
    os.utime(calls.outgoing / "later", (later, later))
    await calls.until(lambda: len(calls.marks()) >= 20, 20, "the calls to be answered")
    await server.kill()
    answered = calls.marks()
    assert all(count == 1 for count in answered.values())
    # those that rang are answered now, and those that talked are over
    path = server.var / "etc/extensions.conf"
    text = path.read_text("utf-8")
    answer = "exten => rings,1,Answer()\n same => n,Wait(1)"
    path.write_text(text.replace("exten => rings,1,Wait(60)", answer), "utf-8")
    await server.start()
    await calls.until(
        lambda: [each.name for each in calls.outgoing.iterdir()] == ["later"], 30, "all to be done"
    )
    expected = {f"{kind}{index}" for kind in ("talks", "rings") for index in range(20)}
    marks = calls.marks()
    assert set(marks) - {mark for mark in marks if mark.startswith("failed")} == expected
    assert all(marks[name] == 1 for name in expected)
    assert {each.name for each in calls.done.iterdir()} == {f"talks{index}" for index in range(20)}


async def test_a_flood_is_paced_and_each_call_is_made_once(server: ServerProcess) -> None:
    calls = Calls(server)
    for index in range(300):
        calls.put(str(index), "answers", 3)
    await calls.until_gone(40)
    assert calls.marks() == Counter({str(index): 1 for index in range(300)})


async def test_a_failure_reaches_the_extension_failed_and_is_tried_again(
    server: ServerProcess,
) -> None:
    calls = Calls(server)
    calls.put("engaged", "busy", more="MaxRetries: 1\nArchive: yes")
    await calls.until_gone()
    await calls.until(lambda: calls.marks()["failed 5"] == 2, 5, "both attempts to be told")
    text = (calls.done / "engaged").read_text()
    assert re.findall(r"^(\w+): \d+ (\d)", text, re.MULTILINE) == [
        ("StartRetry", "1"), ("EndRetry", "1"), ("StartRetry", "2"),
    ]  # fmt: skip
    assert text.endswith("Status: Expired\n")


async def test_a_broken_file_is_named_in_the_log_and_removed(server: ServerProcess) -> None:
    calls = Calls(server)
    (calls.outgoing / "broken").write_text("Channel: Local/x@calls\nWhat is this\n")
    await calls.until_gone()
    text = f"{calls.outgoing / 'broken'}:2: syntax error: 'What is this'"
    await calls.until(lambda: text in server.log, 5, "the log to name it")
