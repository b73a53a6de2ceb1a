"""Shell commands, reloads, the database and what else is outside of a call."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from server.base import suspension
from server.base.errors import Conflict, InvalidArgument, Unavailable
from server.dialplan import processes
from server.dialplan.processes import run_shell
from server.dialplan.scope import Scope
from server.resources.channel import Channel
from server.resources.modules import Module
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle


async def until(channel: Channel, name: str) -> str:
    """Wait until a variable is set."""
    async with asyncio.timeout(5):
        while (value := channel.variables.get(name)) is None:
            await asyncio.sleep(0.005)
    return value


async def gone(path: Path) -> bool:
    """Wait until a process whose id is in a file is gone."""
    async with asyncio.timeout(5):
        while not path.exists() or not path.read_text().strip():
            await asyncio.sleep(0.005)
        process = Path(f"/proc/{path.read_text().strip()}/stat")
        while process.exists() and process.read_text().rpartition(")")[2].split()[0] != "Z":
            await asyncio.sleep(0.005)
    return True


class TestShell:
    async def test_it_is_what_the_command_writes(self, dut: DialplanUnderTest) -> None:
        substitute = Scope(dut.dialplan, None).substitute
        assert await suspension.call(substitute, "[${SHELL(echo a; echo b)}]") == "[a\nb\n]"
        assert await suspension.call(substitute, "[${SHELL(printf x)}]") == "[x]"
        assert await suspension.call(substitute, "[${SHELL(exit 3)}]") == "[]"
        assert await suspension.call(substitute, "[${SHELL()}]") == "[]"

    async def test_it_waits_in_the_middle_of_a_step(self, dut: DialplanUnderTest) -> None:
        channel = await dut.run("Set(X=a${SHELL(printf b)}c)\nWaitDigit()")
        assert await until(channel, "X") == "abc"

    async def test_a_command_ends_with_its_call(
        self, dut: DialplanUnderTest, tmp_path: Path
    ) -> None:
        channel = await dut.run(f"Set(X=${{SHELL(echo $$ > {tmp_path}/pid && sleep 60 & wait)}})")
        async with asyncio.timeout(5):
            while not (tmp_path / "pid").exists():
                await asyncio.sleep(0.005)
        channel.hangup()
        assert await gone(tmp_path / "pid")
        await settle()

    async def test_its_output_is_bounded(self) -> None:
        _status, output = await run_shell("head -c 200000 /dev/zero", keeps_output=True)
        assert len(output) == processes.MAX_OUTPUT

    async def test_it_can_not_take_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(processes, "TIMEOUT", 0.05)
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await run_shell("sleep 60", keeps_output=True)
        assert time.monotonic() - began < 5

    @pytest.mark.parametrize("command", ["", " ", "echo \0"])
    async def test_what_is_no_command_is_refused(self, command: str) -> None:
        with pytest.raises(InvalidArgument):
            await run_shell(command, keeps_output=False)


@pytest.mark.parametrize(
    ("step", "status", "goes_on"),
    [
        ("System(true)", "SUCCESS", True),
        ("System(exit 2)", "APPERROR", True),
        ("System(/no/such/command)", "FAILURE", False),
        ("System()", "FAILURE", False),
        ("TrySystem(true)", "SUCCESS", True),
        ('TrySystem("true")', "SUCCESS", True),
        ("TrySystem(exit 2)", "APPERROR", True),
        ("TrySystem(/no/such/command)", "FAILURE", True),
        ("TrySystem()", "FAILURE", True),
    ],
)
async def test_system_says_how_it_went(
    dut: DialplanUnderTest, step: str, status: str, goes_on: bool
) -> None:
    dut.load(
        f"exten => s,1,{step}\nsame => n,Set(NEXT=1)\nsame => n,WaitDigit()\n"
        "exten => h,1,Set(END=1)"
    )
    channel = await dut.call()
    await until(channel, "NEXT" if goes_on else "END")
    assert channel.variables.get("SYSTEMSTATUS") == status
    assert channel.is_hungup is not goes_on


class TestReload:
    async def run(self, dut: DialplanUnderTest, step: str) -> tuple[list[str], str | None]:
        reloaded: list[str] = []

        async def reload(name: str) -> None:
            if name == "broken.so":
                raise Conflict("no")
            reloaded.append(name)

        modules = dut.dialplan.modules = dut.under.modules
        modules.add(Module("pbx_config.so", "", can_reload=True))
        modules.add(Module("res_x.so", "", can_reload=True))
        modules.add(Module("fixed.so", ""))
        modules.set_reloader(reload)
        channel = await dut.run(f"{step}\nWaitDigit()")
        return reloaded, channel.variables.get("RELOADSTATUS")

    async def test_one_module(self, dut: DialplanUnderTest) -> None:
        assert await self.run(dut, "Reload(pbx_config.so)") == (["pbx_config.so"], "SUCCESS")

    async def test_all_that_can_be(self, dut: DialplanUnderTest) -> None:
        assert await self.run(dut, "Reload()") == (["pbx_config.so", "res_x.so"], "SUCCESS")

    @pytest.mark.parametrize("name", ["none.so", "fixed.so"])
    async def test_a_module_that_can_not(self, dut: DialplanUnderTest, name: str) -> None:
        assert await self.run(dut, f"Reload({name})") == ([], "FAILURE")


async def test_dbdeltree_deletes_a_family_or_what_is_below_a_key(dut: DialplanUnderTest) -> None:
    await dut.run(
        """
        Set(DB(a/k)=1)
        Set(DB(a/t/x)=1)
        Set(DB(a/t)=1)
        Set(DB(a/tt)=1)
        Set(DB(b/k)=1)
        DBdeltree(a/t)
        WaitDigit()
        """
    )
    assert [key for key, _ in dut.store.items()] == ["/a/k", "/a/tt", "/b/k"]
    await dut.run("DBdeltree(a)\nDBdeltree()\nWaitDigit()")
    assert [key for key, _ in dut.store.items()] == ["/b/k"]


async def test_clearhash_removes_every_key(dut: DialplanUnderTest) -> None:
    channel = await dut.run(
        "Set(HASH(h,a)=1)\nSet(HASH(i,b)=2)\nClearHash(h)\nSet(X=${HASHKEYS(h)}${HASHKEYS(i)})"
    )
    assert channel.variables.get("X") == "b"


async def test_hangup_causes_are_forgotten(dut: DialplanUnderTest) -> None:
    channel = await dut.run("WaitDigit()\nHangupCauseClear()\nWaitDigit()")
    causes = dut.dialplan.state_of(channel).peer_causes
    causes["PJSIP/x"] = 17, "SIP 486"
    channel.on_dtmf("1", 100)
    await settle()
    assert causes == {}


class TestQueueLog:
    async def test_a_line_is_written(self, dut: DialplanUnderTest, tmp_path: Path) -> None:
        dut.dialplan.settings = type(dut.dialplan.settings)(queue_log=tmp_path / "queue_log")
        channel = await dut.run(
            "QueueLog(support,${UNIQUEID},PJSIP/a,PAUSEALL,one|two)\nSet(DONE=1)\nWaitDigit()"
        )
        await until(channel, "DONE")
        written = (tmp_path / "queue_log").read_text()
        assert written == f"1700000000|{channel.id}|support|PJSIP/a|PAUSEALL|one|two\n"

    async def test_a_line_is_one_line(self, dut: DialplanUnderTest, tmp_path: Path) -> None:
        dut.dialplan.settings = type(dut.dialplan.settings)(queue_log=tmp_path / "queue_log")
        channel = await dut.run(
            "QueueLog(q,u,a,E,x${URIDECODE(%0a)}y)\nQueueLog(q,u,a)\nSet(DONE=1)\nWaitDigit()"
        )
        await until(channel, "DONE")
        assert (tmp_path / "queue_log").read_text() == "1700000000|u|q|a|E|x y\n"

    async def test_without_a_queue_log_nothing_is_written(self, dut: DialplanUnderTest) -> None:
        channel = await dut.run("QueueLog(q,u,a,E)\nSet(DONE=1)\nWaitDigit()")
        await until(channel, "DONE")


async def test_dumpchan_shows_variables(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    await dut.run("Set(MINE=yes)\nDumpChan()\nWaitDigit()")
    assert "MINE=yes" in caplog.text
    assert "CallerIDNum:            alice" in caplog.text
