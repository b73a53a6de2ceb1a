"""Call files on a node with a real spool directory."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from textwrap import dedent

import pytest

from server.callfiles import service
from server.callfiles.attempt import Attempts
from server.callfiles.service import CallFiles
from server.callfiles.spool import Spool
from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest
from tests.support.fake_tech import FakeLeg
from tests.support.node import settle

DIALPLAN = """
[default]
exten => 100,1,Set(GLOBAL(GOT)=${A} ${CALLERID(num)})
same => n,Wait(60)
exten => 200,1,Set(GLOBAL(GOT)=early)
same => n,Wait(60)
exten => failed,1,Set(GLOBAL(WHY)=${REASON} ${A})
"""
BASIC = "Channel: PJSIP/alice\nContext: default\nExtension: 100\nSetvar: A=1\nCallerID: <55>\n"


class Wall:
    """The machine's clock, which a test can put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return time.time() + self.ahead


class Spooling(DialplanUnderTest):
    def __init__(self, tmp_path: Path) -> None:
        super().__init__(tmp_path)
        self.load(dedent(DIALPLAN))
        self.clock = Wall()
        self.spool = Spool(tmp_path)
        self.outgoing, self.done = tmp_path / "outgoing", tmp_path / "outgoing_done"
        self.files = self.make()

    def make(self) -> CallFiles:
        attempts = Attempts(self.dialplan, self.under.dialer)
        return CallFiles(self.spool, attempts, self.clock, is_watched=False)

    async def restart(self) -> None:
        """End as a crash does: nothing is tidied up; then begin again."""
        await self.files.close()
        for channel in self.under.registry:
            channel.hangup()
        await settle()
        self.files = self.make()
        await self.files.start()

    def put(self, name: str, text: str, *, ahead: float = 0.0) -> Path:
        temporary = self.outgoing.parent / name
        temporary.write_text(text, "utf-8")
        when = time.time() + ahead
        os.utime(temporary, (when, when))
        path = self.outgoing / name
        temporary.rename(path)
        self.look()
        return path

    def look(self) -> None:
        self.files._look_again()

    async def dialled(self, number: int) -> FakeLeg:
        """Wait until so many calls have been dialled; return the last."""
        await until(lambda: len(self.legs) >= number)
        return self.legs[-1]

    async def why(self) -> str:
        """What the extension ``failed`` was told."""
        await until(lambda: "WHY" in self.dialplan.globals)
        return self.dialplan.globals["WHY"]

    @property
    def legs(self) -> list[FakeLeg]:
        return [leg for leg in self.under.phones.legs if leg.said]

    def channel(self, leg: FakeLeg) -> Channel:
        channel = self.under.registry.find(leg.name)
        assert channel is not None
        return channel


async def until(is_true: Callable[[], bool]) -> None:
    for _ in range(3000):
        if is_true():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it does not come")


@pytest.fixture
async def dut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Spooling]:
    monkeypatch.setattr(service, "POLL", 0.01)
    monkeypatch.setattr(service, "FULL_WAIT", 0.01)
    made = Spooling(tmp_path)
    await made.start()
    await made.files.start()
    await until(made.outgoing.exists)
    yield made
    await made.files.close()
    await made.close()
    assert len(made.under.registry) == 0
    assert len(made.under.node.scope) == 0


async def test_a_file_becomes_a_call_and_is_gone_when_it_ends(dut: Spooling) -> None:
    path = dut.put("a.call", BASIC)
    leg = await dut.dialled(1)
    assert path.exists()
    leg.listener.on_answered()  # type: ignore[union-attr]
    await until(lambda: dut.dialplan.globals.get("GOT") == "1 55")
    assert path.exists()
    leg.far_end_hangs_up()
    await until(lambda: not path.exists())
    assert list(dut.done.iterdir()) == []


async def test_an_application_runs_and_the_call_ends(dut: Spooling) -> None:
    text = "Channel: PJSIP/alice\nApplication: Set\nData: GLOBAL(GOT)=${NOT_SUBSTITUTED}\n"
    path = dut.put("a.call", text + "Archive: yes\nAccount: sales\n")
    leg = await dut.dialled(1)
    channel = dut.channel(leg)
    assert (channel.account_code, channel.peer_account) == ("sales", "sales")
    leg.listener.on_answered()  # type: ignore[union-attr]
    await until(lambda: (dut.done / "a.call").exists())
    assert dut.dialplan.globals["GOT"] == "${NOT_SUBSTITUTED}"
    assert (dut.done / "a.call").read_text().endswith("\nStatus: Completed\n")
    assert not path.exists()
    assert ("hangup", 16) in leg.said


async def test_a_file_of_the_future_waits(dut: Spooling) -> None:
    dut.put("a.call", BASIC, ahead=100)
    await asyncio.sleep(0.05)
    assert dut.legs == []
    dut.clock.ahead = 101
    dut.look()
    await dut.dialled(1)


@pytest.mark.parametrize(("cause", "reason"), [(17, 5), (34, 8), (19, 3), (1, 0)])
async def test_a_failed_call_is_told_and_expires(dut: Spooling, cause: int, reason: int) -> None:
    path = dut.put("a.call", BASIC + "Archive: yes\n")
    leg = await dut.dialled(1)
    leg.far_end_hangs_up(cause)
    await until(lambda: (dut.done / "a.call").exists())
    assert await dut.why() == f"{reason} 1"
    text = (dut.done / "a.call").read_text()
    assert f"StartRetry: {os.getpid()} 1 (" in text
    assert text.endswith("Status: Expired\n")
    assert not path.exists()


async def test_it_is_tried_again_after_the_retry_time_and_no_more_than_said(dut: Spooling) -> None:
    path = dut.put("a.call", BASIC + "MaxRetries: 1\nRetryTime: 50\n")
    (await dut.dialled(1)).far_end_hangs_up(17)
    await until(lambda: "EndRetry" in path.read_text() and path.stat().st_mtime > time.time() + 1)
    assert 45 < path.stat().st_mtime - time.time() < 55
    await asyncio.sleep(0.03)
    assert len(dut.legs) == 1
    dut.clock.ahead = 60
    dut.look()
    (await dut.dialled(2)).far_end_hangs_up(17)
    await until(lambda: not path.exists())


async def test_one_that_nobody_answers_is_given_up_after_the_wait_time(dut: Spooling) -> None:
    path = dut.put("a.call", BASIC + "WaitTime: 1\n")
    leg = await dut.dialled(1)
    await until(lambda: not path.exists())
    assert any(said[0] == "hangup" for said in leg.said)
    assert await dut.why() == "3 1"


async def test_early_media_is_enough_if_wanted(dut: Spooling) -> None:
    dut.put("a.call", BASIC.replace("100", "200") + "Early_Media: yes\n")
    leg = await dut.dialled(1)
    leg.listener.on_progress()  # type: ignore[union-attr]
    await until(lambda: dut.dialplan.globals.get("GOT") == "early")


async def test_a_destination_that_does_not_exist_expires(dut: Spooling) -> None:
    path = dut.put("a.call", BASIC.replace("alice", "nobody"))
    await until(lambda: not path.exists())
    assert await dut.why() == "0 1"


async def test_a_broken_file_is_reported_and_deleted(
    dut: Spooling, caplog: pytest.LogCaptureFixture
) -> None:
    path = dut.put("a.call", "Channel: PJSIP/alice\nnonsense\n", ahead=-10)
    await until(lambda: not path.exists())
    assert f"{path}: at least one of Application and Extension" in caplog.text
    assert f"{path}:2: syntax error: 'nonsense'" in caplog.text


async def test_a_file_that_is_still_written_gets_another_chance(
    dut: Spooling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "YOUNG", 0.2)
    path = dut.put("a.call", "Channel: PJS")
    await asyncio.sleep(0.05)
    assert path.exists()
    path.write_text(BASIC)
    await dut.dialled(1)


async def test_a_crash_while_it_rings_does_not_lose_the_call(dut: Spooling) -> None:
    path = dut.put("a.call", BASIC + "RetryTime: 50\n")
    await dut.dialled(1)
    await dut.restart()
    assert path.exists()
    dut.clock.ahead = 60
    dut.look()
    (await dut.dialled(2)).far_end_hangs_up(17)
    await until(lambda: not path.exists())


async def test_a_crash_in_the_call_does_not_repeat_it(dut: Spooling) -> None:
    path = dut.put("a.call", BASIC + "MaxRetries: 5\nArchive: yes\n")
    leg = await dut.dialled(1)
    leg.listener.on_answered()  # type: ignore[union-attr]
    await until(lambda: dut.dialplan.globals.get("GOT") is not None)
    await dut.restart()
    await until(lambda: not path.exists())
    assert len(dut.legs) == 1
    assert (dut.done / "a.call").read_text().endswith("Status: Completed\n")


async def test_without_alwaysdelete_a_file_with_a_new_time_is_called_again(dut: Spooling) -> None:
    path = dut.put("a.call", BASIC + "AlwaysDelete: no\n")
    leg = await dut.dialled(1)
    leg.listener.on_answered()  # type: ignore[union-attr]
    await until(lambda: dut.dialplan.globals.get("GOT") is not None)
    later = time.time() + 500
    os.utime(path, (later, later))
    leg.far_end_hangs_up()
    await until(lambda: "Retry" not in path.read_text())
    assert path.stat().st_mtime == pytest.approx(later)
    dut.clock.ahead = 501
    dut.look()
    await dut.dialled(2)


async def test_many_files_ring_a_bounded_number_at_a_time(
    dut: Spooling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_DIALLING", 5)
    for number in range(40):
        dut.put(f"{number}.call", BASIC)
    most = 0
    ended = 0
    while ended < 40:
        live = [leg for leg in dut.legs if leg.listener is not None]
        most = max(most, len(live))
        for leg in live:
            leg.far_end_hangs_up(17)
            ended += 1
        await asyncio.sleep(0.001)
    await until(lambda: not list(dut.outgoing.iterdir()))
    assert len(dut.legs) == 40
    assert most <= 5


async def test_a_full_server_lets_them_wait_and_makes_every_call_once(dut: Spooling) -> None:
    dut.under.node.settings = type(dut.under.node.settings)(recording_dir=dut.outgoing, max_calls=3)
    for number in range(12):
        dut.put(f"{number}.call", BASIC)
    ended = 0
    while ended < 12:
        live = [leg for leg in dut.legs if leg.listener is not None]
        assert len(dut.under.registry) <= 3
        for leg in live:
            leg.far_end_hangs_up(17)
            ended += 1
        await asyncio.sleep(0.001)
    await until(lambda: not list(dut.outgoing.iterdir()))
    assert len(dut.legs) == 12


async def test_what_is_no_file_is_left_alone(dut: Spooling) -> None:
    (dut.outgoing / "folder").mkdir()
    (dut.outgoing / ".hidden").write_text(BASIC)
    dut.look()
    await asyncio.sleep(0.05)
    assert dut.legs == []
    assert (dut.outgoing / ".hidden").exists()


async def test_new_files_are_noticed_by_the_system(tmp_path: Path) -> None:
    made = Spooling(tmp_path)
    made.files = CallFiles(
        made.spool, Attempts(made.dialplan, made.under.dialer), made.clock, is_watched=True
    )
    await made.start()
    await made.files.start()
    await until(made.outgoing.exists)
    await asyncio.sleep(0.3)
    (tmp_path / "x").write_text(BASIC)
    (tmp_path / "x").rename(made.outgoing / "x.call")
    (await made.dialled(1)).far_end_hangs_up(17)
    await until(lambda: not list(made.outgoing.iterdir()))
    await made.files.close()
    await made.close()
