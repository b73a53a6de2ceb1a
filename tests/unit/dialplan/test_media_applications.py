"""Applications that play, ask, say and record."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest
from tests.support.fake_engine import FakePlayer, FakeRecorder
from tests.support.node import settle


async def press(channel: Channel, digits: str) -> None:
    for digit in digits:
        channel.on_dtmf(digit, 100)
        await settle()


def player(dut: DialplanUnderTest) -> FakePlayer:
    return dut.under.engine.players[-1]


def played(dut: DialplanUnderTest) -> list[str]:
    """The names of the prompts of the last player."""
    return [
        source.path.removeprefix("/sounds/en/").removesuffix(".wav")
        for source in player(dut).sources
    ]


async def finish(dut: DialplanUnderTest) -> None:
    player(dut).finish()
    await settle()


async def recording(dut: DialplanUnderTest, channel: Channel) -> FakeRecorder:
    """The recorder, once the file's name was looked at in a thread."""
    await until(lambda: bool(dut.under.engine.recorders))
    await settle()
    return dut.under.engine.recorders[-1]


async def until(is_true: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if is_true():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it does not come")


async def status_of(channel: Channel) -> str | None:
    await until(lambda: channel.variables.get("RECORD_STATUS") is not None)
    return channel.variables.get("RECORD_STATUS")


async def test_playback_answers_plays_gap_free_and_says_success(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Playback(hello&beep)\nWaitDigit()")
    assert channel.state == "Up"
    assert played(dut) == ["hello", "beep"]
    await finish(dut)
    assert channel.variables.get("PLAYBACKSTATUS") == "SUCCESS"


async def test_a_missing_file_is_skipped_and_says_failed(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Playback(missing&beep)\nWaitDigit()")
    assert played(dut) == ["beep"]
    await finish(dut)
    assert channel.variables.get("PLAYBACKSTATUS") == "FAILED"


@pytest.mark.parametrize(
    ("options", "said", "count"),
    [("skip", ("hangup", 16), 0), ("noanswer", ("progress",), 1), ("", ("answer",), 1)],
)
async def test_playback_on_an_unanswered_call(
    dut: DialplanUnderTest, options: str, said: tuple[object, ...], count: int
) -> None:
    channel = await dut.run(f"Playback(beep,{options})")
    assert said in dut.leg(channel).said
    assert len(dut.under.engine.players) == count


async def test_digits_during_playback_are_lost(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Playback(beep)\nWaitDigit()\nSet(A=1)")
    await press(channel, "5")
    await finish(dut)
    assert channel.variables.get("A") is None


@pytest.mark.parametrize(
    ("step", "prompts"),
    [
        ("SayDigits(1*2#)", ["digits/1", "digits/star", "digits/2", "digits/pound"]),
        ("SayNumber(1234)", ["digits/1", "digits/thousand", "digits/2", "digits/hundred",
                             "digits/30", "digits/4"]),
        ("SayNumber(-7)", ["digits/minus", "digits/7"]),
        ("SayAlpha(a1@)", ["letters/a", "digits/1", "letters/at"]),
    ],
)  # fmt: skip
async def test_say(dut: DialplanUnderTest, step: str, prompts: list[str]) -> None:
    await dut.run(step)
    assert played(dut) == prompts


async def test_saynumber_of_no_number_is_reported(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    channel = await dut.run("SayNumber(abc)\nSet(A=1)")
    assert "can't be said" in caplog.text
    assert channel.variables.get("A") == "1"


async def test_background_ends_at_a_digit_and_leaves_no_player(dut: DialplanUnderTest) -> None:
    dut.load("exten => s,1,BackGround(menu)\nexten => 5,1,Set(A=five)\nsame => n,WaitDigit()")
    channel = await dut.call()
    await press(channel, "5")
    assert channel.variables.get("A") == "five"
    assert channel.variables.get("BACKGROUNDSTATUS") == "SUCCESS"
    assert not player(dut).is_running


async def test_background_that_is_not_interrupted_goes_on(dut: DialplanUnderTest) -> None:
    channel = await dut.run("BackGround(menu)\nSet(A=1)\nWaitDigit()")
    await finish(dut)
    assert channel.variables.get("A") == "1"


async def test_background_m_hears_extensions_of_one_digit_only(dut: DialplanUnderTest) -> None:
    dut.load("exten => s,1,BackGround(menu,m)\nexten => 5,1,Set(A=five)")
    channel = await dut.call()
    await press(channel, "4")
    assert player(dut).is_running
    await press(channel, "5")
    assert channel.variables.get("A") == "five"


async def test_background_looks_for_digits_in_another_context(dut: DialplanUnderTest) -> None:
    dut.load(
        "[default]\nexten => s,1,BackGround(menu,,,other)\n"
        "[other]\nexten => 55,1,Set(A=${CONTEXT}-${EXTEN})"
    )
    channel = await dut.call()
    await press(channel, "55")
    assert channel.variables.get("A") == "other-55"


@pytest.mark.parametrize(
    ("arguments", "keys", "digits", "status"),
    [
        ("X,ask,3", "123", "123", "OK"),
        ("X,ask,3", "12#", "12", "OK"),
        ("X,ask", "#", "", "OK"),
        ("X,ask,,e", "#", "#", "OK"),
        ("X,ask,,t(*)", "1#*", "1#", "OK"),
        ("X,ask,,t", "1#2", "", "HANGUP"),
    ],
)
async def test_read(
    dut: DialplanUnderTest, arguments: str, keys: str, digits: str, status: str
) -> None:
    channel = await dut.run(f"Read({arguments})\nSet(DONE=1)\nWaitDigit()")
    await press(channel, keys)
    assert (channel.variables.get("X") or "") == digits
    assert channel.variables.get("READSTATUS") == status


async def test_read_asks_again_and_then_gives_up(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Read(X,ask,3,,2,0.001)\nWaitDigit()")
    for _ in range(2):
        await finish(dut)
        await asyncio.sleep(0.005)
        await settle()
    assert len(dut.under.engine.players) == 2
    assert channel.variables.get("READSTATUS") == "TIMEOUT"


async def test_read_skips_an_unanswered_call(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Read(X,,3,s)")
    assert channel.variables.get("READSTATUS") == "SKIPPED"


async def test_read_says_hangup_to_h(dut: DialplanUnderTest) -> None:
    dut.load("exten => s,1,Read(X)\nexten => h,1,Set(A=${READSTATUS})")
    channel = await dut.call()
    dut.leg(channel).far_end_hangs_up()
    await settle()
    assert channel.variables.get("A") == "HANGUP"


@pytest.mark.parametrize(
    ("options", "key", "status"),
    [("", "#", "DTMF"), ("t", "*", "DTMF"), ("o", "0", "OPERATOR"), ("y", "7", "DTMF")],
)
async def test_record_ends_by_a_key(
    dut: DialplanUnderTest, tmp_path: Path, options: str, key: str, status: str
) -> None:
    channel = await dut.run(f"Record(memo.wav,3,60,{options})\nWaitDigit()")
    recorder = await recording(dut, channel)
    assert recorder.path == str(tmp_path / "memo.wav")
    assert recorder.file_format == "wav"
    assert recorder.options["max_silence_ms"] == 3000
    assert recorder.options["max_duration_ms"] == 60_000
    await press(channel, key)
    recorder.finish("stopped")
    await settle()
    assert channel.variables.get("RECORD_STATUS") == status
    assert channel.variables.get("RECORDED_FILE") == str(tmp_path / "memo")


@pytest.mark.parametrize(
    ("reason", "status"), [("silence", "SILENCE"), ("max_duration", "TIMEOUT"), ("failed", "ERROR")]
)
async def test_record_says_why_it_ended(dut: DialplanUnderTest, reason: str, status: str) -> None:
    channel = await dut.run("Record(memo.wav)\nWaitDigit()")
    (await recording(dut, channel)).finish(reason)
    assert await status_of(channel) == status


@pytest.mark.parametrize(("options", "kept_ms"), [("", 3_000), ("u", 5_000)])
async def test_record_keeps_a_second_of_the_silence_that_ended_it(
    dut: DialplanUnderTest, tmp_path: Path, options: str, kept_ms: int
) -> None:
    channel = await dut.run(f"Record(memo.ulaw,3,,{options})\nWaitDigit()")
    recorder = await recording(dut, channel)
    (tmp_path / "memo.ulaw").write_bytes(bytes(5_000 * 8))
    recorder.finish("silence")
    assert await status_of(channel) == "SILENCE"
    assert (tmp_path / "memo.ulaw").stat().st_size == kept_ms * 8


async def test_record_drops_the_file_of_a_caller_who_hangs_up(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    for options, is_kept in (("", False), ("k", True)):
        dut.under.engine.recorders.clear()
        channel = await dut.run(f"Record(memo.wav,,,{options})")
        await recording(dut, channel)
        (tmp_path / "memo.wav").write_bytes(b"RIFF")
        dut.leg(channel).far_end_hangs_up()
        await settle()
        await until(lambda: channel.is_destroyed)  # noqa: B023
        assert channel.variables.get("RECORD_STATUS") == "HANGUP"
        assert (tmp_path / "memo.wav").exists() is is_kept


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.wav", "/etc/x.wav", "noformat", "x.exe", "a/../../b.wav"]
)
async def test_record_writes_nowhere_else(dut: DialplanUnderTest, name: str) -> None:
    channel = await dut.run(f"Record({name})")
    assert await status_of(channel) == "ERROR"
    assert dut.under.engine.recorders == []


async def test_record_numbers_files(dut: DialplanUnderTest, tmp_path: Path) -> None:
    (tmp_path / "memo0.wav").touch()
    channel = await dut.run("Record(memo%d.wav)")
    await recording(dut, channel)
    assert channel.variables.get("RECORDED_FILE") == str(tmp_path / "memo1")


async def test_music_starts_and_stops(dut: DialplanUnderTest) -> None:
    channel = await dut.run("StartMusicOnHold(jazz)\nStopMusicOnHold()\nMusicOnHold()\n")
    backgrounds = [
        call[2] for call in dut.under.engine.calls(channel.leg.stream)
        if call[0] == "STREAM_BACKGROUND"
    ]  # fmt: skip
    assert backgrounds == ["jazz", "", "default"]


async def test_playtones_takes_names_and_lists(dut: DialplanUnderTest) -> None:
    channel = await dut.run("PlayTones(busy)\nPlayTones(350+440)\nPlayTones(nosuch)\nWaitDigit()")
    tones = [
        call[2] for call in dut.under.engine.calls(channel.leg.stream)
        if call[0] == "STREAM_BACKGROUND"
    ]  # fmt: skip
    assert tones == ["480+620/500,0/500", "350+440"]


async def test_waitdigit_waits_for_the_wanted_ones(dut: DialplanUnderTest) -> None:
    channel = await dut.run("WaitDigit(5,12)\nSet(A=1)\nWaitDigit()")
    await press(channel, "3")
    assert channel.variables.get("A") is None
    await press(channel, "2")
    assert channel.variables.get("WAITDIGITSTATUS") == "DTMF"
    assert channel.variables.get("WAITDIGITRESULT") == "2"


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("Ringing()", ("ring",)),
        ("Progress()", ("progress",)),
        ("Busy()", ("hangup", 17)),
        ("Congestion()", ("hangup", 34)),
        ("Hangup()", ("hangup", 16)),
        ("Hangup(USER_BUSY)", ("hangup", 17)),
        ("Hangup(AST_CAUSE_CONGESTION)", ("hangup", 34)),
        ("Hangup(nonsense)", ("hangup", 16)),
    ],
)
async def test_signals(dut: DialplanUnderTest, step: str, said: tuple[object, ...]) -> None:
    channel = await dut.run(step)
    assert said in dut.leg(channel).said


async def test_busy_on_an_answered_call_plays_the_tone_first(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Answer()\nBusy()")
    assert not channel.is_hungup
    assert ("STREAM_BACKGROUND", 3, "480+620/500,0/500") in dut.under.engine.calls(
        channel.leg.stream
    )


class TestStasis:
    async def test_hands_over_and_goes_on_at_the_next_step(self, dut: DialplanUnderTest) -> None:
        collector = dut.under.connect("app")
        channel = await dut.run('Stasis(app,a,"b,c")\nSet(A=${STASISSTATUS})\nWaitDigit()')
        (start,) = collector.of("StasisStart")
        assert start["args"] == ["a", "b,c"]
        dut.under.channels.continue_in_dialplan(channel.id)
        await settle()
        assert channel.variables.get("A") == "SUCCESS"

    async def test_goes_on_where_the_application_says(self, dut: DialplanUnderTest) -> None:
        dut.under.connect("app")
        dut.load("exten => s,1,Stasis(app)\nexten => 7,1,Set(A=seven)\nsame => n,WaitDigit()")
        channel = await dut.call()
        dut.under.channels.continue_in_dialplan(channel.id, extension="7")
        await settle()
        assert channel.variables.get("A") == "seven"

    async def test_can_be_entered_again_at_the_same_place(self, dut: DialplanUnderTest) -> None:
        collector = dut.under.connect("app")
        dut.load("exten => s,1,Stasis(app)")
        channel = await dut.call()
        dut.under.channels.continue_in_dialplan(
            channel.id, context="default", extension="s", priority=1
        )
        await settle()
        assert len(collector.of("StasisStart")) == 2

    async def test_fails_without_the_application(self, dut: DialplanUnderTest) -> None:
        channel = await dut.run("Stasis(nobody)\nSet(A=${STASISSTATUS})")
        assert channel.variables.get("A") == "FAILED"
