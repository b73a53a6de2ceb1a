"""ExternalIVR: commands, events and the list of what is to be played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.agi.external_ivr import ExternalIvr, split_target
from server.agi.ivr_session import IvrSession
from server.dialplan.executor import Call
from server.resources.channel import Channel
from tests.support.agi import Script
from tests.support.dialplan import DialplanUnderTest
from tests.support.fake_engine import FakePlayer
from tests.support.node import settle

NOW = "1700000000"


class IvrUnderTest(DialplanUnderTest):
    """The application ``Ivr(i)`` runs a session with :attr:`script`."""

    channel: Channel

    def __init__(self, tmp_path: Path) -> None:
        super().__init__(tmp_path)
        self.script = Script()
        self.dialplan.registry.add_application("Ivr", self._run_ivr)

    async def begin(self, before: str = "Answer()", options: str = "") -> None:
        self.channel = await self.run(f"{before}\nIvr({options})\nSet(AFTER=yes)\nWait(60)")

    async def say(self, *lines: str) -> None:
        for line in lines:
            await self.script.begin(line)

    @property
    def events(self) -> list[str]:
        return [line.replace(NOW, "TIME") for line in self.script.replies]

    @property
    def player(self) -> FakePlayer:
        return self.under.engine.players[-1]

    async def finish(self, reason: str = "finished") -> None:
        self.player.finish(reason)
        await settle()

    async def _run_ivr(self, call: Call, data: str) -> None:
        session = IvrSession(call, self.script, ["one", "two"], stays="i" in data)
        try:
            await session.run()
        finally:
            session.close()


@pytest.fixture
async def ivr(tmp_path: Path) -> AsyncIterator[IvrUnderTest]:
    made = IvrUnderTest(tmp_path)
    await made.start()
    yield made
    await made.script.end()
    await made.close()
    assert len(made.under.registry) == 0


async def test_files_are_played_one_after_the_other(ivr: IvrUnderTest) -> None:
    await ivr.begin()
    await ivr.say("A,one", "A,two")
    assert len(ivr.under.engine.players) == 1
    await ivr.finish()
    assert len(ivr.under.engine.players) == 2
    await ivr.finish()
    assert ivr.events == ["F,TIME,one", "F,TIME,two"]


async def test_a_new_list_interrupts_what_plays_and_drops_what_waits(ivr: IvrUnderTest) -> None:
    await ivr.begin()
    await ivr.say("A,one", "A,two", "A,three", "S,four")
    assert ivr.events == ["T,TIME,one", "D,TIME,two", "D,TIME,three"]
    assert ivr.player.sources[0].path.endswith("/four.wav")


async def test_a_digit_is_told_and_clears_the_list_only_if_wanted(ivr: IvrUnderTest) -> None:
    await ivr.begin()
    await ivr.say("A,one")
    ivr.channel.on_dtmf("5", 100)
    await ivr.say("O,autoclear", "A,two")
    ivr.channel.on_dtmf("6", 100)
    assert ivr.events == ["5,TIME", "6,TIME", "T,TIME,one", "D,TIME,two"]


async def test_interrupt_clears_without_a_new_list(ivr: IvrUnderTest) -> None:
    await ivr.begin()
    await ivr.say("A,one", "I")
    assert ivr.events == ["T,TIME,one"]
    await ivr.say("A,two")
    assert ivr.player.sources[0].path.endswith("/two.wav")


async def test_what_is_not_there_is_an_error(ivr: IvrUnderTest) -> None:
    await ivr.begin()
    await ivr.say("A,missing", "S,missing")
    assert ivr.events == ["Z,TIME,missing", "Z,TIME,missing"]


@pytest.mark.parametrize("command", ["A,one", "S,one", "I", "O,autoclear"])
async def test_an_unanswered_call_plays_nothing_until_it_is_answered(
    ivr: IvrUnderTest, command: str
) -> None:
    await ivr.begin("NoOp()")
    await ivr.say(command)
    assert ivr.events == ["Z,TIME"]
    await ivr.say("T")
    assert ivr.channel.state == "Up"
    await ivr.say(command)
    assert ivr.events == ["Z,TIME"]


async def test_variables_and_parameters(ivr: IvrUnderTest) -> None:
    await ivr.begin()
    await ivr.say("V,X=1,Y=two", "G,X,Y,NONE", "P", "L,a note")
    assert ivr.events == ["G,TIME,X=1,Y=two,NONE=", "P,TIME,one,two"]


async def test_digits_are_sent(ivr: IvrUnderTest) -> None:
    await ivr.begin()
    await ivr.say("D,12#,300,150", "D,9")
    sent = [said for said in ivr.leg(ivr.channel).said if said[0] == "dtmf"]
    times = {"before_ms": 0, "between_ms": 300, "duration_ms": 150, "after_ms": 0}
    assert sent[0] == ("dtmf", "12#", times)
    assert sent[1] == ("dtmf", "9", times | {"between_ms": 250, "duration_ms": 100})


@pytest.mark.parametrize(("command", "events"), [("E,done", ["E,TIME"]), ("X", [])])
async def test_the_program_lets_the_dialplan_go_on(
    ivr: IvrUnderTest, command: str, events: list[str]
) -> None:
    await ivr.begin()
    await ivr.say("A,one", command)
    assert ivr.events == events
    assert ivr.value(ivr.channel, "AFTER") == "yes"


async def test_the_program_hangs_up(ivr: IvrUnderTest) -> None:
    await ivr.begin()
    await ivr.say("H,bye")
    assert ivr.events == ["H,TIME"]
    assert ivr.channel.is_destroyed


async def test_a_hangup_is_told_and_ends_it(ivr: IvrUnderTest) -> None:
    await ivr.begin()
    ivr.leg(ivr.channel).far_end_hangs_up()
    await settle()
    assert ivr.events == ["H,TIME"]
    assert ivr.channel.is_destroyed


async def test_with_option_i_the_program_ends_when_it_likes(ivr: IvrUnderTest) -> None:
    await ivr.begin(options="i")
    ivr.leg(ivr.channel).far_end_hangs_up()
    await settle()
    assert ivr.events == ["I,TIME,HANGUP"]
    assert not ivr.channel.is_destroyed
    await ivr.say("G,EXTEN", "A,one", "X")
    assert ivr.events[1:] == ["G,TIME,EXTEN=s", "Z,TIME"]
    assert ivr.channel.is_destroyed


async def test_nonsense_is_passed_over(ivr: IvrUnderTest) -> None:
    await ivr.begin()
    await ivr.say("?", "", "D,xyz", "O,loud", "G,")
    assert ivr.events == ["G,TIME"]


@pytest.mark.parametrize(
    ("text", "target", "arguments"),
    [
        ("/bin/x", "/bin/x", []),
        ("/bin/x(a,b)", "/bin/x", ["a", "b"]),
        ("ivr://h:1(a)", "ivr://h:1", ["a"]),
        ("x()", "x", []),
        ("", "", []),
    ],
)
def test_the_program_and_its_arguments(text: str, target: str, arguments: list[str]) -> None:
    assert split_target(text) == (target, arguments)


async def test_a_program_and_a_server_are_spoken_to_alike(tmp_path: Path) -> None:
    made = DialplanUnderTest(tmp_path)
    ExternalIvr(tmp_path).install(made.dialplan.registry)
    await made.start()
    program = tmp_path / "ivr.sh"
    program.write_text(
        '#!/bin/sh\necho P; read -r e; echo "V,GOT=${e##*,}$1"; echo oops >&2; echo X\n'
    )
    program.chmod(0o755)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"P\n")
        params = (await reader.readline()).decode().strip()
        writer.write(f"V,GOT={params.rpartition(',')[2]}\nX\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        for target, expected in (("ivr.sh(a,b)", "ba"), (f"ivr://127.0.0.1:{port}(a,b)", "b")):
            channel = await made.run(f"ExternalIVR({target})\nSet(AFTER=yes)\nWait(60)")
            for _ in range(2000):
                if made.value(channel, "AFTER"):
                    break
                await asyncio.sleep(0.001)
            assert made.value(channel, "GOT") == expected
            assert channel.state == "Up"
    for target in ("none.sh", "ivr://127.0.0.1:1", "ivr://", ""):
        channel = await made.run(f"ExternalIVR({target})\nSet(AFTER=yes)\nWait(60)")
        for _ in range(2000):
            if channel.is_destroyed:
                break
            await asyncio.sleep(0.001)
        assert made.value(channel, "AFTER") is None
    await made.close()
