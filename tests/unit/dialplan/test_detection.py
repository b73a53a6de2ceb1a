"""Applications that decide by what they hear."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config.sections.amd import AmdConf
from server.config.sections.indications import DEFAULT_COUNTRY, Indications, builtin_zones
from server.dialplan.answering_machine import FRAME_MS, AnsweringMachineDetector, Verdict
from server.dialplan.apps.amd import read_limits
from server.dialplan.call_progress import ProgressDetector, ProgressTones
from server.dialplan.hearing import Frames
from server.media.scans import Heard
from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest
from tests.support.listening import Voice
from tests.support.node import settle

INDICATIONS = Indications(DEFAULT_COUNTRY, builtin_zones())


def voice(dut: DialplanUnderTest, channel: Channel) -> Voice:
    return Voice(dut.leg(channel).stream)


def value(channel: Channel, name: str) -> str | None:
    return channel.variables.get(name)


# WaitForSilence, WaitForNoise


async def test_silence_has_to_be_in_one_piece(dut: DialplanUnderTest) -> None:
    channel = await dut.run("WaitForSilence(500)\nWaitDigit()")
    assert channel.state == "Up"
    caller = voice(dut, channel)
    for _ in range(3):
        await caller.silence(480)
        await caller.speak(40)
    assert value(channel, "WAITSTATUS") is None
    await caller.silence(500)
    assert value(channel, "WAITSTATUS") == "SILENCE"


async def test_silence_is_awaited_so_many_times(dut: DialplanUnderTest) -> None:
    channel = await dut.run("WaitForSilence(200,2)\nWaitDigit()")
    caller = voice(dut, channel)
    await caller.silence(380)
    assert value(channel, "WAITSTATUS") is None
    await caller.silence(20)
    assert value(channel, "WAITSTATUS") == "SILENCE"


async def test_noise_is_awaited_for_a_second_by_default(dut: DialplanUnderTest) -> None:
    channel = await dut.run("WaitForNoise()\nWaitDigit()")
    caller = voice(dut, channel)
    await caller.silence(2_000)
    await caller.speak(980)
    assert value(channel, "WAITSTATUS") is None
    await caller.speak(20)
    assert value(channel, "WAITSTATUS") == "NOISE"


@pytest.mark.parametrize("name", ["WaitForSilence", "WaitForNoise"])
async def test_waiting_ends_at_the_timeout(dut: DialplanUnderTest, name: str) -> None:
    channel = await dut.run(f"{name}(1000,1,0.005)\nWaitDigit()")
    await asyncio.sleep(0.01)
    await settle()
    assert value(channel, "WAITSTATUS") == "TIMEOUT"
    assert not dut.leg(channel).stream._scans


async def test_who_hangs_up_is_not_waited_for(dut: DialplanUnderTest) -> None:
    dut.load("exten => s,1,WaitForSilence()\nexten => h,1,Set(A=${WAITSTATUS})")
    channel = await dut.call()
    dut.leg(channel).far_end_hangs_up()
    await settle()
    assert value(channel, "A") == "HANGUP"


# BackgroundDetect


async def test_talk_ends_the_prompt_and_goes_to_talk(dut: DialplanUnderTest) -> None:
    dut.load(
        "exten => s,1,BackgroundDetect(menu,400,100,2000)\n"
        "exten => talk,1,Set(A=${TALK_DETECTED})\nsame => n,WaitDigit()"
    )
    channel = await dut.call()
    caller = voice(dut, channel)
    await caller.speak(300)
    await caller.silence(200)
    await caller.speak(100)
    await caller.silence(400)
    assert value(channel, "A") == "600"
    assert not dut.under.engine.players[-1].is_running


@pytest.mark.parametrize(("talk_ms", "arguments"), [(60, "400"), (700, "400,100,600"),
                                                    (300, "400,100,2000,500")])  # fmt: skip
async def test_talk_of_another_length_or_too_late_is_not_meant(
    dut: DialplanUnderTest, talk_ms: int, arguments: str
) -> None:
    channel = await dut.run(f"BackgroundDetect(menu,{arguments})\nSet(A=end)\nWaitDigit()")
    caller = voice(dut, channel)
    await caller.speak(talk_ms)
    await caller.silence(800)
    assert dut.under.engine.players[-1].is_running
    dut.under.engine.players[-1].finish()
    await settle()
    assert (value(channel, "A"), value(channel, "TALK_DETECTED")) == ("end", "")


async def test_a_digit_during_backgrounddetect_begins_an_extension(dut: DialplanUnderTest) -> None:
    dut.load("exten => s,1,BackgroundDetect(menu)\nexten => 5,1,Set(A=five)\nsame => n,WaitDigit()")
    channel = await dut.call()
    for digit in "75":
        channel.on_dtmf(digit, 100)
        await settle()
    assert value(channel, "A") == "five"


# AMD


def hear(pattern: str, **limits: int) -> Verdict | None:
    """Let a detector hear ``v300 s500 …``: voice and silence, in milliseconds."""
    detector = AnsweringMachineDetector(AmdConf(**limits))
    for part in pattern.split():
        for _ in range(int(part[1:]) // FRAME_MS):
            verdict = detector.hear(is_loud=part[0] == "v")
            if verdict is not None:
                return verdict
    return None


@pytest.mark.parametrize(
    ("pattern", "limits", "status", "cause"),
    [
        ("s3000", {}, "MACHINE", "INITIALSILENCE-2500-2500"),
        ("s400 v600 s1000", {}, "HUMAN", "HUMAN-800-800"),
        ("s400 v1600", {}, "MACHINE", "LONGGREETING-1500-1500"),
        ("s200 v200 s100 v200 s900", {}, "MACHINE", "MAXWORDS-2-2"),
        ("s200 v200 s40 v200 s900", {}, "HUMAN", "HUMAN-800-800"),
        ("s200 v60 s2600", {}, "MACHINE", "INITIALSILENCE-2500-2500"),
        ("v900", {"maximum_word_length": 800, "greeting": 5000}, "MACHINE", "MAXWORDLENGTH-800"),
        ("s2000 v400 s700 v60 s700 v60 s1500", {"maximum_number_of_words": 9},
         "HUMAN", "HUMAN-800-800"),
        ("s500", {"total_analysis_time": 400}, "NOTSURE", "TOOLONG-400"),
    ],
)  # fmt: skip
def test_amd_decides(pattern: str, limits: dict[str, int], status: str, cause: str) -> None:
    assert hear(pattern, **limits) == Verdict(status, cause)


@given(st.binary(min_size=32, max_size=32))
def test_amd_decides_in_the_time_it_has(frames: bytes) -> None:
    detector = AnsweringMachineDetector(AmdConf())
    verdicts = [detector.hear(is_loud=bool(byte >> bit & 1)) for byte in frames for bit in range(8)]
    assert any(verdicts)


def test_amd_takes_what_it_is_not_told_from_the_file() -> None:
    limits = read_limits(AmdConf(greeting=77), ["100", "", "300", "", "", "", "4", "0", "", "hi"])
    assert limits == AmdConf(
        initial_silence=100,
        greeting=77,
        after_greeting_silence=300,
        maximum_number_of_words=4,
        silence_threshold=1,
        playback_file="hi",
    )


async def test_amd_says_what_it_is_and_stops_the_file(dut: DialplanUnderTest) -> None:
    channel = await dut.run("AMD(,,300,,,,,,,menu)\nWaitDigit()")
    caller = voice(dut, channel)
    await caller.speak(400)
    await caller.silence(300)
    assert value(channel, "AMDSTATUS") == "HUMAN"
    assert value(channel, "AMDCAUSE") == "HUMAN-300-300"
    assert not dut.under.engine.players[-1].is_running


async def test_amd_says_hangup(dut: DialplanUnderTest) -> None:
    dut.load("exten => s,1,AMD()\nexten => h,1,Set(A=${AMDSTATUS})")
    channel = await dut.call()
    dut.leg(channel).far_end_hangs_up()
    await settle()
    assert value(channel, "A") == "HANGUP"


# WaitForTone, ToneScan


async def test_a_tone_has_to_last_and_counts_once(dut: DialplanUnderTest) -> None:
    channel = await dut.run("WaitForTone(2600,200,0,2)\nWaitDigit()")
    caller = voice(dut, channel)
    await caller.tones(160, 1)
    await caller.tones(40, 0)
    await caller.tones(1_000, 1)
    assert value(channel, "WAITFORTONESTATUS") is None
    await caller.tones(40, 0)
    await caller.tones(200, 1)
    assert value(channel, "WAITFORTONESTATUS") == "SUCCESS"


@pytest.mark.parametrize("arguments", ["0", "x", "9000", "440,-1", "440,500,0,0", ""])
async def test_waitfortone_checks_what_it_is_told(dut: DialplanUnderTest, arguments: str) -> None:
    channel = await dut.run(f"WaitForTone({arguments})\nSet(A=1)")
    assert value(channel, "WAITFORTONESTATUS") == "ERROR"


async def test_waitfortone_gives_up(dut: DialplanUnderTest) -> None:
    channel = await dut.run("WaitForTone(440,500,0.005)\nWaitDigit()")
    await asyncio.sleep(0.01)
    await settle()
    assert value(channel, "WAITFORTONESTATUS") == "TIMEOUT"


def scan(country: str, sounds: str, *, effort: int = 1, options: str = "") -> str | None:
    """Let a detector hear ``440+480/2000 0/4000 …``; ``v`` is a voice."""
    tones = ProgressTones(INDICATIONS, country)
    detector = ProgressDetector(
        tones, effort=effort, finds_fax="f" in options, finds_voice="v" in options
    )
    now = 0
    for sound in sounds.split():
        name, _, length = sound.partition("/")
        bits = 0 if name in ("0", "v") else tones.bits(*(int(hz) for hz in name.split("+")))
        mask = bits << 1 | (name != "0")
        for _ in range(int(length) // 40):
            now += 40
            found = detector.hear(Heard(mask, now - 40, now))
            if found is not None:
                return found
    return None


@pytest.mark.parametrize(
    ("country", "sounds", "options", "status"),
    [
        ("us", "350+440/1000", "", "DIALTONE"),
        ("us", "440+480/200", "", "RINGING"),
        ("us", "480+620/200", "", "BUSY"),
        ("us", "440+480/80 0/400", "", None),
        ("de", "425/1000 0/200", "", "RINGING"),
        ("de", "425/480 0/480", "", "BUSY"),
        ("de", "425/6000", "", "DIALTONE"),
        ("de", "425/2000", "", None),
        ("uk", "400/6000", "", "NUT"),
        ("uk", "400+450/400 0/200", "", "RINGING"),
        ("us", "950/320 1400/320 1800/320", "", "SIT"),
        ("us", "914/280 1371/280 1777/360", "", "SIT"),
        ("us", "1400/320 950/320 1800/320", "", None),
        ("us", "2100/1000", "f", "FAX"),
        ("us", "2100/1000", "", None),
        ("us", "2225/1000", "", "MODEM"),
        ("us", "v/400", "v", "VOICE"),
        ("us", "v/4000", "", None),
        ("us", "0/4000", "v", None),
    ],
)
def test_call_progress(country: str, sounds: str, options: str, status: str | None) -> None:
    assert scan(country, sounds, options=options) == status


def test_a_higher_threshold_takes_longer() -> None:
    assert scan("us", "440+480/200", effort=3) is None
    assert scan("us", "440+480/400", effort=3) == "RINGING"


@given(st.sampled_from(sorted(builtin_zones())), st.lists(st.integers(0, 0x1FFFF)))
def test_no_sound_is_too_strange(country: str, masks: list[int]) -> None:
    detector = ProgressDetector(
        ProgressTones(INDICATIONS, country), finds_fax=True, finds_voice=True
    )
    for index, mask in enumerate(masks):
        detector.hear(Heard(mask, index * 40, index * 40 + 40))


@pytest.mark.parametrize("country", sorted(builtin_zones()))
def test_every_country_has_its_tones_among_those_heard(country: str) -> None:
    tones = ProgressTones(INDICATIONS, country)
    assert all(signal.tones for signal in tones.signals)
    assert {signal.status for signal in tones.signals} >= {"BUSY"}


async def test_tonescan_says_what_it_hears(dut: DialplanUnderTest) -> None:
    channel = await dut.run("ToneScan(us)\nWaitDigit()")
    bits = ProgressTones(INDICATIONS, "us").bits(480, 620)
    await voice(dut, channel).tones(400, bits)
    assert value(channel, "TONESCANSTATUS") == "BUSY"


async def test_tonescan_ends_at_a_digit_or_the_timeout(dut: DialplanUnderTest) -> None:
    channel = await dut.run("ToneScan()\nSet(A=${TONESCANSTATUS})\nToneScan(,0.005)\nWaitDigit()")
    channel.on_dtmf("1", 100)
    await settle()
    assert value(channel, "A") == "DTMF"
    await asyncio.sleep(0.01)
    await settle()
    assert value(channel, "TONESCANSTATUS") == "TIMEOUT"


# frames


def test_frames_between_reports_are_as_before() -> None:
    frames = Frames(20)
    reports = [Heard(0, 0, 20), Heard(0, 20, 120), Heard(1, 160, 180), Heard(0, 200, 220)]
    heard = [list(frames.of(report)) for report in reports]
    assert heard == [[False], [False] * 5, [False, False, True], [True, False]]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9), st.integers(0, 9))))
def test_no_frame_is_left_out(runs: list[tuple[bool, int, int]]) -> None:
    frames, now, count = Frames(20), 0, 0
    for is_loud, length, gap in runs:
        since = now + gap * 20
        now = since + length * 20
        count += len(list(frames.of(Heard(int(is_loud), since, now))))
    assert count * 20 == now
