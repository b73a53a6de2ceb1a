"""Scans on the real engine: what a phone says, as the applications of the dialplan hear it."""

from __future__ import annotations

import asyncio
import random

import pytest

from server.base.errors import InvalidArgument, Unavailable
from server.config.sections.amd import AmdConf
from server.config.sections.indications import DEFAULT_COUNTRY, Indications, builtin_zones
from server.dialplan.answering_machine import FRAME_MS, AnsweringMachineDetector, Verdict
from server.dialplan.call_progress import ProgressDetector, ProgressTones
from server.dialplan.hearing import Frames
from server.dialplan.trunk_digits import (
    MF_HZ,
    MF_TONES,
    SF_HZ,
    SF_OFF_MS,
    SF_ON_MS,
    MfReceiver,
    SfReceiver,
)
from server.media.scans import LOUD, Heard, ScanSettings
from server.media.streams import MAX_SCANS, SilenceSource, ToneSource
from tests.media.rtp_phone import tone, until


def mixed(ms, *frequencies):
    return [sum(parts) for parts in zip(*(tone(hz, ms, 4000) for hz in frequencies), strict=True)]


def speech(ms):
    """Noise as loud as speech, the same each time."""
    draw = random.Random(ms)
    return [draw.randrange(-6000, 6000) for _ in range(ms * 8)]


def silence(ms):
    return [0] * (ms * 8)


async def open_line(engine, make_phone):
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    phone.connect(stream)
    await asyncio.sleep(0.03)
    return phone, stream


async def test_loudness_is_reported_when_it_changes(engine, make_phone):
    phone, stream = await open_line(engine, make_phone)
    heard: list[Heard] = []
    scan = stream.scan(ScanSettings(), heard.append)
    await phone.talk(tone(440, 200) + silence(300) + tone(440, 200))
    await until(lambda: len(heard) >= 4)
    first = next(index for index, each in enumerate(heard) if each.is_loud)
    loud, quiet, loud_again = heard[first : first + 3]
    assert (loud.mask, quiet.mask, loud_again.mask) == (LOUD, 0, LOUD)
    assert abs(quiet.since_ms - loud.since_ms - 200) <= 40
    assert abs(loud_again.since_ms - quiet.since_ms - 300) <= 40
    scan.stop()
    count = len(heard)
    await phone.talk(silence(100) + tone(440, 100))
    assert len(heard) == count


@pytest.mark.parametrize(
    ("country", "sound", "status"),
    [("us", mixed(400, 480, 620), "BUSY"), ("us", mixed(400, 440, 480), "RINGING"),
     ("us", mixed(900, 350, 440), "DIALTONE"), ("de", tone(425, 480) + silence(300), "BUSY"),
     ("us", tone(950, 330) + tone(1400, 330) + tone(1800, 330), "SIT"),
     ("us", speech(600), "VOICE"), ("us", tone(2100, 600), "FAX")],
    ids=["busy", "ring", "dial", "busy of one tone", "sit", "voice", "fax"],
)  # fmt: skip
async def test_call_progress_is_recognised(engine, make_phone, country, sound, status):
    phone, stream = await open_line(engine, make_phone)
    tones = ProgressTones(Indications(DEFAULT_COUNTRY, builtin_zones()), country)
    detector = ProgressDetector(tones, finds_fax=True, finds_voice=True)
    found: list[str] = []

    def on_heard(heard: Heard) -> None:
        if (signal := detector.hear(heard)) is not None:
            found.append(signal)

    stream.scan(tones.settings(hears_voice=True), on_heard)
    await phone.talk(silence(100) + sound + silence(100))
    await until(lambda: bool(found))
    assert set(found) == {status}


@pytest.mark.parametrize(
    ("sound", "limits", "status"),
    [
        (silence(200) + speech(400) + silence(500), {"after_greeting_silence": 400}, "HUMAN"),
        (silence(200) + speech(900), {"greeting": 700}, "MACHINE"),
        (silence(600), {"initial_silence": 400}, "MACHINE"),
    ],
    ids=["a person", "a long greeting", "nobody"],
)
async def test_people_are_told_from_machines(engine, make_phone, sound, limits, status):
    phone, stream = await open_line(engine, make_phone)
    detector = AnsweringMachineDetector(AmdConf(**limits))
    found: list[Verdict] = []

    frames = Frames(FRAME_MS)

    def on_heard(heard: Heard) -> None:
        verdicts = (detector.hear(is_loud=is_loud) for is_loud in frames.of(heard))
        found.extend(verdict for verdict in verdicts if verdict is not None)

    stream.scan(ScanSettings(interval_ms=100), on_heard)
    await phone.talk(sound)
    await until(lambda: bool(found))
    assert found[0].status == status


async def test_several_listen_at_a_time_and_a_closed_stream_is_silent(engine, make_phone):
    phone, stream = await open_line(engine, make_phone)
    low: list[Heard] = []
    high: list[Heard] = []
    stream.scan(ScanSettings((500,)), low.append)
    other = stream.scan(ScanSettings((1500,)), high.append)
    for _ in range(MAX_SCANS - 2):
        stream.scan(ScanSettings(), lambda _heard: None)
    with pytest.raises(Unavailable):
        stream.scan(ScanSettings(), lambda _heard: None)
    await phone.talk(tone(1500, 200))
    await until(lambda: any(each.tones for each in high))
    assert not any(each.tones for each in low)
    stream.close()
    other.stop()
    other.stop()
    await asyncio.sleep(0.05)


async def test_a_scan_follows_its_stream_into_a_bridge(engine, make_phone):
    phone, stream = await open_line(engine, make_phone)
    heard: list[Heard] = []
    stream.scan(ScanSettings((700,)), heard.append)
    await phone.talk(silence(60))
    bridge = engine.create_bridge()
    bridge.add(stream)
    bridge.add(engine.open_null())
    await phone.talk(tone(700, 300))
    await until(lambda: any(each.tones for each in heard))


@pytest.mark.parametrize(
    "wrong",
    [{"tones": (0,)}, {"tones": range(1, 18)}, {"threshold": 0}, {"window_ms": 10}, {"share": 0}],
)
def test_settings_are_checked(wrong):
    with pytest.raises(InvalidArgument):
        ScanSettings(**wrong)


@pytest.mark.parametrize("offset_ms", [0, 7, 13])
async def test_mf_digits_that_are_sent_are_received(engine, offset_ms):
    sender, receiver = engine.open_local_pair()
    digits = "*1234567890CBA#"
    mf, found = MfReceiver(), []
    settings = ScanSettings(MF_HZ, share=0.25, interval_ms=FRAME_MS)
    receiver.scan(settings, lambda heard: found.append(mf.hear(heard)))
    tones = [f"!{low}+{high}/55,!0/50" for low, high in (MF_TONES[digit] for digit in digits)]
    player = sender.play([SilenceSource(100 + offset_ms), *map(ToneSource, tones)])
    await asyncio.wait_for(player.done, 10)
    await until(lambda: "".join(found) == digits)


async def test_sf_digits_that_are_sent_are_received(engine):
    sender, receiver = engine.open_local_pair()
    sf, found = SfReceiver(), []
    settings = ScanSettings((SF_HZ,), share=0.3, interval_ms=FRAME_MS)
    receiver.scan(settings, lambda heard: found.append(sf.hear(heard)))
    pulse = f"!{SF_HZ}/{SF_ON_MS},!0/{SF_OFF_MS}"
    digits = {"3": 3, "0": 10, "1": 1}
    sources = []
    for count in digits.values():
        sources += [ToneSource(",".join([pulse] * count)), SilenceSource(300)]
    player = sender.play(sources)
    await asyncio.wait_for(player.done, 10)
    await until(lambda: "".join(found) == "301")
