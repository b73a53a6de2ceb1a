"""How a session lives with its call and its script."""

from __future__ import annotations

import random
import re

import pytest

from server.agi.commands.registry import COMMANDS
from server.agi.protocol import DEAD, UNKNOWN
from tests.support.agi import AgiUnderTest
from tests.support.node import settle


def status(agi: AgiUnderTest) -> str | None:
    return agi.channel.variables.get("AGISTATUS")


async def test_the_call_goes_on_when_the_script_has_ended(agi: AgiUnderTest) -> None:
    await agi.begin(after="Set(AFTER=${AGISTATUS})\nWait(60)")
    await agi.script.end()
    assert agi.channel.variables.get("AFTER") == "SUCCESS"
    assert agi.script.is_closed
    assert agi.script.hangups == 0


async def test_a_hangup_is_told_and_ends_with_the_status_hangup(agi: AgiUnderTest) -> None:
    await agi.begin()
    agi.leg(agi.channel).far_end_hangs_up()
    await settle()
    assert agi.script.hangups == 1
    assert not agi.channel.is_destroyed
    await agi.script.end()
    assert status(agi) == "HANGUP"
    assert agi.channel.is_destroyed


async def test_a_dead_channel_permits_what_needs_no_call(agi: AgiUnderTest) -> None:
    await agi.begin()
    agi.leg(agi.channel).far_end_hangs_up()
    await settle()
    assert await agi.say("STREAM FILE hello 1") == DEAD
    assert await agi.say("GET VARIABLE EXTEN") == "200 result=1 (s)"
    assert await agi.say("EXEC NoOp") == "200 result=0"
    assert await agi.say("NONSENSE") == UNKNOWN


async def test_agisighup_no_keeps_it_from_being_told(agi: AgiUnderTest) -> None:
    await agi.begin("Answer()\nSet(AGISIGHUP=no)")
    agi.leg(agi.channel).far_end_hangs_up()
    await agi.script.end()
    assert agi.script.hangups == 0


async def test_agiexitonhangup_ends_the_session_with_the_call(agi: AgiUnderTest) -> None:
    await agi.begin("Answer()\nSet(AGIEXITONHANGUP=yes)")
    agi.leg(agi.channel).far_end_hangs_up()
    await settle()
    assert agi.script.is_closed
    assert agi.script.hangups == 1
    assert agi.channel.is_destroyed


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("STREAM FILE hello 1", "200 result=-1 endpos=0"),
        ("GET DATA hello", "200 result=-1"),
        ("WAIT FOR DIGIT -1", "200 result=-1"),
        ("SAY DIGITS 12 1", "200 result=-1"),
        ("RECEIVE CHAR 0", "200 result=-1 (hangup)"),
        ("EXEC Wait 60", "200 result=-1"),
        ("CONTROL STREAM FILE hello 1", "200 result=-1 endpos=0"),
    ],
)
async def test_a_hangup_in_the_middle_of_a_command_is_its_result(
    agi: AgiUnderTest, command: str, reply: str
) -> None:
    await agi.begin()
    await agi.script.begin(command)
    assert agi.script.replies == []
    agi.leg(agi.channel).far_end_hangs_up()
    await settle()
    assert agi.script.replies == [reply]
    await agi.script.end()
    assert status(agi) == "HANGUP"


async def test_a_hangup_while_it_records_tells_how_much_there_is(agi: AgiUnderTest) -> None:
    await agi.begin()
    await agi.script.begin("RECORD FILE said wav # 10000")
    recorder = await agi.recorder()
    agi.leg(agi.channel).far_end_hangs_up()
    await settle()
    if not recorder.done.done():
        recorder.finish("stream_closed", 250)
        await settle()
    assert agi.script.replies[0].startswith("200 result=-1 (hangup) endpos=")


async def test_the_command_hangup_ends_the_call_and_the_script_may_tidy_up(
    agi: AgiUnderTest,
) -> None:
    await agi.begin()
    assert await agi.say("HANGUP") == "200 result=1"
    assert agi.channel.is_hungup
    assert await agi.say("SET VARIABLE X 1") == "200 result=1"
    await agi.script.end()
    assert status(agi) == "HANGUP"


async def test_a_command_that_failed_makes_the_session_a_failure(agi: AgiUnderTest) -> None:
    await agi.begin(after="Set(AFTER=${AGISTATUS})\nWait(60)")
    await agi.say("STREAM FILE missing 1")
    await agi.script.end()
    assert agi.channel.variables.get("AFTER") == "FAILURE"


async def test_a_line_that_is_too_long_is_answered_as_unknown(agi: AgiUnderTest) -> None:
    await agi.begin()
    await agi.script.begin(None)
    assert agi.script.replies == [UNKNOWN]
    assert await agi.say("NOOP") == "200 result=0"


async def test_a_script_that_does_not_read_is_not_served_until_it_does(agi: AgiUnderTest) -> None:
    await agi.begin()
    agi.script.is_full = True
    await agi.script.begin("NOOP")
    assert agi.script.replies == []
    agi.script.is_full = False
    await agi.script.begin("NOOP")
    assert len(agi.script.replies) == 2


async def test_in_the_extension_h_a_script_is_dead_from_the_start(agi: AgiUnderTest) -> None:
    agi.load("exten => s,1,Answer()\nsame => n,Wait(60)\nexten => h,1,Script()")
    agi.channel = await agi.call("s")
    agi.leg(agi.channel).far_end_hangs_up()
    await settle()
    assert await agi.say("ANSWER") == DEAD
    assert await agi.say("GET VARIABLE HANGUPCAUSE") == "200 result=1 (16)"
    await agi.script.end()
    assert agi.channel.is_destroyed


async def test_whoever_takes_the_call_over_ends_the_session_and_the_script_is_told(
    agi: AgiUnderTest,
) -> None:
    await agi.begin()
    agi.channel.set_position("default", "nowhere", 1)
    agi.dialplan.start(agi.channel)
    await settle()
    assert agi.script.is_closed
    assert agi.script.hangups == 1


async def test_whatever_a_dead_call_is_asked_is_answered_once(agi: AgiUnderTest) -> None:
    await agi.begin()
    agi.leg(agi.channel).far_end_hangs_up()
    await settle()
    chance = random.Random(7)
    words = [word for command in COMMANDS.values() for word in command.name.split()]
    words += [
        "",
        '"',
        "\\",
        "${X}",
        "-1",
        "9" * 30,
        "x" * 500,
        "\0",
        "é",
        "NoOp",
        "$[1/0]",
        "(",
        ")",
    ]
    for count in range(1, 1500):
        line = " ".join(chance.choices(words, k=chance.randrange(8)))
        reply = await agi.session.execute(line)
        assert re.match(r"(200 result=|510 |511 |520-)", reply), (count, line, reply)


async def test_a_burst_of_commands_leaves_turns_to_others(agi: AgiUnderTest) -> None:
    await agi.begin()
    for _ in range(500):
        agi.script.lines.append("NOOP")
    await agi.script.begin("NOOP")
    assert len(agi.script.replies) > 50
    await settle()
    assert set(agi.script.replies) == {"200 result=0"}
