"""Every command and its replies."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from server.agi.commands.registry import COMMANDS
from server.tech.base import TextMessage
from tests.support.agi import AgiUnderTest
from tests.support.node import settle

FACTS = json.loads((Path(__file__).parents[2] / "data" / "agi.json").read_text())
NO_ENGINE = "200 result=0"


@pytest.mark.parametrize("row", FACTS["commands"], ids=lambda row: row["command"])
def test_every_published_command_is_there_and_dead_channels_may_use_the_same(row: dict) -> None:  # type: ignore[type-arg]
    command = COMMANDS[tuple(row["command"].split())]
    assert command.runs_dead is row["runs_dead"]
    required = [param for param in row["params"] if param["required"]]
    assert command.least <= len(required)
    assert command.summary


def test_no_command_is_made_up() -> None:
    assert {command.name for command in COMMANDS.values()} == {
        row["command"] for row in FACTS["commands"]
    }


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("ANSWER", "200 result=0"),
        ("answer", "200 result=0"),
        ("NOOP", "200 result=0"),
        ('VERBOSE "hello there" 1', "200 result=1"),
        ("CHANNEL STATUS", "200 result=6"),
        ("CHANNEL STATUS PJSIP/nobody-1", "200 result=-1"),
        ("HANGUP PJSIP/nobody-1", "200 result=-1"),
        ("SET VARIABLE X 1", "200 result=1"),
        ("GET VARIABLE NOTHING", "200 result=0"),
        ("GET VARIABLE EXTEN", "200 result=1 (s)"),
        ("GET VARIABLE NO_SUCH_FUNCTION(x)", "200 result=0"),
        ("SET VARIABLE NO_SUCH_FUNCTION(x) 1", "200 result=1"),
        ("GET VARIABLE CALLERID(num)", "200 result=1 (alice)"),
        ("GET FULL VARIABLE ${EXTEN}-${CHANNEL(state)}", "200 result=1 (s-Up)"),
        ("GET FULL VARIABLE ${NOTHING}", "200 result=0"),
        ("GET FULL VARIABLE x nobody", "200 result=0"),
        ("DATABASE PUT f k v", "200 result=1"),
        ("DATABASE GET f none", "200 result=0"),
        ("DATABASE DEL f none", "200 result=0"),
        ("DATABASE DELTREE none", "200 result=0"),
        ("EXEC NoSuchThing x", "200 result=-2"),
        ("EXEC NoOp x", "200 result=0"),
        ("SET AUTOHANGUP 60", "200 result=0"),
        ("SET MUSIC on default", "200 result=0"),
        ("SET MUSIC off", "200 result=0"),
        ("SEND TEXT hello", "200 result=0"),
        ("SEND IMAGE x", "200 result=0"),
        ("TDD MODE on", "200 result=0"),
        ("ASYNCAGI BREAK", "200 result=0"),
        ("SPEECH CREATE x", NO_ENGINE),
        ("SPEECH SET a b", NO_ENGINE),
        ("SPEECH DESTROY", NO_ENGINE),
        ("SPEECH LOAD GRAMMAR a b", NO_ENGINE),
        ("SPEECH UNLOAD GRAMMAR a", NO_ENGINE),
        ("SPEECH ACTIVATE GRAMMAR a", NO_ENGINE),
        ("SPEECH DEACTIVATE GRAMMAR a", NO_ENGINE),
        ("SPEECH RECOGNIZE a 1", NO_ENGINE),
        ("STREAM FILE missing 1", "200 result=-1 endpos=0"),
        ("CONTROL STREAM FILE missing 1", "200 result=-1 endpos=0"),
        ("GET OPTION missing 1", "200 result=-1 endpos=0"),
        ("WAIT FOR DIGIT 0", "200 result=0"),
        ("SAY NUMBER 999999999999 1", "200 result=0"),
        ("WHAT IS THIS", "510 Invalid or unknown command"),
        ("", "510 Invalid or unknown command"),
    ],
)
async def test_replies(agi: AgiUnderTest, line: str, reply: str) -> None:
    await agi.begin()
    assert await agi.say(line) == reply


@pytest.mark.parametrize(
    "line",
    ["SET VARIABLE X", "GET DATA", "STREAM FILE x", "DATABASE PUT a b", "WAIT FOR DIGIT soon",
     "SAY NUMBER ten 1", "SET AUTOHANGUP soon", "SET MUSIC loud", "TDD MODE x", "RECORD FILE a",
     "GET OPTION x", "SAY DATETIME 0 \"\" x Nowhere/Town", "GOSUB a b", "SET PRIORITY nolabel",
     "RECEIVE CHAR x", "RECORD FILE \"\" wav 1 1", "CHANNEL STATUS a b", "SAY ALPHA a 1 x"],
)  # fmt: skip
async def test_wrong_arguments_are_answered_with_the_usage(agi: AgiUnderTest, line: str) -> None:
    await agi.begin()
    reply = (await agi.say(line)).split("\n")
    assert reply[0] == "520-Invalid command syntax.  Proper usage follows:"
    assert reply[1].startswith(" Usage: ")
    assert reply[-1] == "520 End of proper usage."


async def test_variables_are_written_and_read_with_their_functions(agi: AgiUnderTest) -> None:
    channel = await agi.begin()
    await agi.say('SET VARIABLE CALLERID(name) "Bob B"')
    assert channel.caller.name == "Bob B"
    await agi.say('SET VARIABLE GREETING "say \\"hi\\""')
    assert await agi.say("GET VARIABLE GREETING") == '200 result=1 (say "hi")'


async def test_the_database_keeps_what_is_put(agi: AgiUnderTest) -> None:
    await agi.begin()
    await agi.say("DATABASE PUT fruit apple red")
    assert await agi.say("DATABASE GET fruit apple") == "200 result=1 (red)"
    assert await agi.say("DATABASE DEL fruit apple") == "200 result=1"
    await agi.say("DATABASE PUT fruit sub/pear green")
    assert await agi.say("DATABASE DELTREE fruit sub") == "200 result=1"
    assert await agi.say("DATABASE GET fruit sub/pear") == "200 result=0"


async def test_the_dialplan_goes_on_where_the_script_says(agi: AgiUnderTest) -> None:
    await agi.start_elsewhere()
    await agi.say("SET CONTEXT other")
    await agi.say("SET EXTENSION 42")
    await agi.say("SET PRIORITY 1")
    await agi.script.end()
    assert agi.value(agi.channel, "WHERE") == "other 42"


async def test_a_goto_by_exec_counts_once_the_script_has_ended(agi: AgiUnderTest) -> None:
    await agi.start_elsewhere()
    assert await agi.say("EXEC Goto other,42,1") == "200 result=0"
    assert await agi.say("GET VARIABLE AGISTATUS") == "200 result=0"
    await agi.script.end()
    assert agi.value(agi.channel, "WHERE") == "other 42"


async def test_the_caller_id_is_set_by_number_or_with_a_name(agi: AgiUnderTest) -> None:
    channel = await agi.begin()
    await agi.say("SET CALLERID 555")
    assert (channel.caller.name, channel.caller.number) == ("Alice", "555")
    await agi.say('SET CALLERID "\\"Bob B\\" <666>"')
    assert (channel.caller.name, channel.caller.number) == ("Bob B", "666")


@pytest.mark.parametrize("command", ["STREAM FILE hello 12#", "GET OPTION hello 12# 1000"])
async def test_a_digit_ends_a_file_and_the_position_is_told_in_samples(
    agi: AgiUnderTest, command: str
) -> None:
    await agi.begin()
    await agi.script.begin(command)
    assert agi.played() == ["hello"]
    await agi.press("5")  # is none of those
    assert agi.script.replies == []
    agi.channel.on_dtmf("2", 100)
    await agi.finish("stopped", 1250)
    assert agi.script.replies == ["200 result=50 endpos=10000"]


async def test_a_file_that_ends_says_where(agi: AgiUnderTest) -> None:
    channel = await agi.begin()
    await agi.script.begin('STREAM FILE hello "" 8000')
    assert agi.player.offset_ms == 1000
    await agi.finish("finished", 3000)
    assert agi.script.replies == ["200 result=0 endpos=24000"]
    assert channel.variables.get("PLAYBACKSTATUS") == "SUCCESS"


async def test_get_option_waits_for_the_digit_after_the_file(agi: AgiUnderTest) -> None:
    await agi.begin()
    await agi.script.begin("GET OPTION hello 12 60000")
    await agi.finish("finished", 1000)
    await agi.press("91")
    assert agi.script.replies == ["200 result=49 endpos=8000"]


async def test_control_stream_file_winds_pauses_and_says_how_it_ended(agi: AgiUnderTest) -> None:
    channel = await agi.begin()
    await agi.script.begin("CONTROL STREAM FILE hello 9 2000 6 4 5 500")
    assert agi.player.offset_ms == 500
    await agi.press("64559")
    calls = [call for call in agi.under.engine.calls(agi.player) if call[0].startswith("PLAYER")]
    assert calls == [
        ("PLAYER_SEEK", 2000), ("PLAYER_SEEK", -2000), ("PLAYER_PAUSE", 1), ("PLAYER_PAUSE", 0),
        ("PLAYER_STOP",),
    ]  # fmt: skip
    await settle()
    assert agi.script.replies[0].startswith("200 result=57 endpos=")
    assert channel.variables.get("CPLAYBACKSTATUS") == "USERSTOPPED"
    assert channel.variables.get("CPLAYBACKSTOPKEY") == "9"


@pytest.mark.parametrize(
    ("keys", "reply"), [("42#", "200 result=42"), ("123", "200 result=123"), ("#", "200 result=")]
)
async def test_get_data_reads_up_to_the_hash_or_the_number_of_digits(
    agi: AgiUnderTest, keys: str, reply: str
) -> None:
    await agi.begin()
    await agi.script.begin("GET DATA hello 60000 3")
    await agi.press(keys)
    assert agi.script.replies == [reply]


async def test_get_data_says_what_it_has_at_the_timeout(agi: AgiUnderTest) -> None:
    await agi.begin()
    await agi.script.begin("GET DATA hello 1 3")
    await agi.press("4")
    await until_answered(agi)
    assert agi.script.replies == ["200 result=4 (timeout)"]


async def test_digits_between_commands_are_lost_as_in_asterisk(agi: AgiUnderTest) -> None:
    await agi.begin()
    await agi.press("7")
    assert await agi.say("WAIT FOR DIGIT 0") == "200 result=0"
    await agi.script.begin("WAIT FOR DIGIT -1")
    await agi.press("8")
    assert agi.script.replies[-1] == "200 result=56"


@pytest.mark.parametrize(
    ("command", "prompts"),
    [
        ('SAY DIGITS 12 ""', ["digits/1", "digits/2"]),
        ('SAY NUMBER 21 ""', ["digits/20", "digits/1"]),
        ('SAY ALPHA ab ""', ["letters/a", "letters/b"]),
        ('SAY PHONETIC a ""', ["phonetic/a_p"]),
        ('SAY DATETIME 0 "" A UTC', ["digits/day-4"]),
    ],
)
async def test_saying(agi: AgiUnderTest, command: str, prompts: list[str]) -> None:
    await agi.begin()
    await agi.script.begin(command)
    assert agi.played() == prompts
    await agi.finish()
    assert agi.script.replies == ["200 result=0"]


@pytest.mark.parametrize("command", ["SAY DATE", "SAY TIME", "SAY DATETIME"])
async def test_moments_are_said_and_a_digit_interrupts(agi: AgiUnderTest, command: str) -> None:
    await agi.begin()
    await agi.script.begin(f"{command} 1700000000 5")
    assert len(agi.played()) > 2
    await agi.press("5")
    assert agi.script.replies == ["200 result=53"]


async def test_a_recording_ends_by_a_digit(agi: AgiUnderTest) -> None:
    await agi.begin()
    await agi.script.begin("RECORD FILE said wav #* 10000 0 BEEP s=3")
    recorder = await agi.recorder()
    assert recorder.path.endswith("/said.wav")
    assert recorder.options == {
        "append": False, "overwrite": True, "max_duration_ms": 10000, "max_silence_ms": 3000,
        "beep": True,
    }  # fmt: skip
    agi.channel.on_dtmf("*", 100)
    recorder.finish("stopped", 2000)
    await settle()
    assert agi.script.replies == ["200 result=42 (dtmf) endpos=16000"]


@pytest.mark.parametrize("reason", ["max_duration", "silence"])
async def test_a_recording_ends_by_time_or_silence(agi: AgiUnderTest, reason: str) -> None:
    await agi.begin()
    await agi.script.begin("RECORD FILE said wav # -1")
    recorder = await agi.recorder()
    assert recorder.options["max_duration_ms"] == 0
    recorder.finish(reason, 500)
    await settle()
    assert agi.script.replies == ["200 result=0 (timeout) endpos=4000"]


@pytest.mark.parametrize("name", ["../../etc/x wav", "said exe", "/etc/passwd wav"])
async def test_a_recording_stays_in_its_directories(agi: AgiUnderTest, name: str) -> None:
    await agi.begin()
    await agi.script.begin(f"RECORD FILE {name} # 1000")
    await until_answered(agi)
    assert agi.script.replies == ["200 result=-1"]


async def test_a_file_that_can_not_be_written_is_said(agi: AgiUnderTest) -> None:
    await agi.begin()
    await agi.script.begin("RECORD FILE said wav # 1000")
    (await agi.recorder()).finish("failed", 0, error="disk full")
    await settle()
    assert agi.script.replies == ["200 result=-1 (writefile)"]


async def test_texts_are_received_by_letter_and_whole(agi: AgiUnderTest) -> None:
    channel = await agi.begin()
    text = TextMessage("PJSIP", "alice", "", "", "alice", "us", "hello\nworld")
    await agi.script.begin("RECEIVE CHAR 60000")
    channel.on_message(text)
    await settle()
    await agi.script.begin("RECEIVE TEXT 60000")
    channel.on_message(text)
    await settle()
    assert agi.script.replies == ["200 result=104", "200 result=1 (hello world)"]
    await agi.script.begin("RECEIVE CHAR 1")
    await until_answered(agi, 3)
    await agi.script.begin("RECEIVE TEXT 1")
    await until_answered(agi, 4)
    assert agi.script.replies[2:] == ["200 result=0 (timeout)", "200 result=-1"]


async def test_exec_gives_back_the_digit_that_interrupted(agi: AgiUnderTest) -> None:
    await agi.begin()
    await agi.script.begin("EXEC BackGround hello")
    await agi.press("3")
    assert agi.script.replies == ["200 result=51"]


async def test_exec_of_hangup_ends_the_call(agi: AgiUnderTest) -> None:
    channel = await agi.begin()
    assert await agi.say("EXEC Hangup 21") == "200 result=-1"
    assert channel.is_hungup
    assert channel.hangup_cause == 21


async def test_gosub_runs_a_subroutine_and_the_script_goes_on(agi: AgiUnderTest) -> None:
    await agi.start_elsewhere()
    assert await agi.say("GOSUB sub s 1 one,two") == "200 result=0 Gosub complete"
    assert agi.script.replies == ["100 result=0 Trying...", "200 result=0 Gosub complete"]
    assert agi.value(agi.channel, "GOT") == "one 2"
    assert agi.value(agi.channel, "GOSUB_RETVAL") == "back"
    await agi.script.end()
    assert agi.value(agi.channel, "AFTER") == "yes"


@pytest.mark.parametrize(
    ("arguments", "reply"),
    [
        ("sub s nowhere", "200 result=-1 Gosub label not found"),
        ("sub s fails", "200 result=-1 Gosub failed"),
    ],
)
async def test_gosub_says_what_failed(agi: AgiUnderTest, arguments: str, reply: str) -> None:
    await agi.start_elsewhere()
    assert await agi.say(f"GOSUB {arguments}") == reply


async def until_answered(agi: AgiUnderTest, count: int = 1) -> None:
    for _ in range(1000):
        if len(agi.script.replies) >= count:
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it is not answered")
