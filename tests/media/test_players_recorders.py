"""Playing and recording, measured."""

import asyncio
import math
import struct
import time
import wave

import pytest

from server.base.errors import InvalidArgument, MediaError
from server.media.streams import FileSource, SilenceSource, ToneSource
from tests.media.rtp_phone import FRAME, level, tone, until


def write_wav(path, samples, rate=8000):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return str(path)


def read_wav(path):
    with wave.open(str(path), "rb") as file:
        data = file.readframes(file.getnframes())
    return list(struct.unpack(f"<{len(data) // 2}h", data))


def call(engine, make_phone, **changes):
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    phone.connect(stream, **changes)
    return phone, stream


async def test_items_follow_each_other_without_a_gap(engine, make_phone, tmp_path):
    phone, stream = call(engine, make_phone)
    # 250 ms is no multiple of a frame: the next file begins inside the same packet
    one = write_wav(tmp_path / "one.wav", tone(400, 250))
    two = write_wav(tmp_path / "two.wav", tone(400, 250))
    items = []
    player = stream.play([FileSource(one), FileSource(two)], on_item=items.append)
    assert (await player.done).reason == "finished"
    await until(lambda: len(phone.packets) == 25)
    assert items == [0, 1]
    audio = phone.audio()
    for at in range(0, 3800, 200):
        assert level(audio[at : at + 200], 400) == pytest.approx(8000, rel=0.05)


async def test_offset_seek_and_restart(engine, make_phone, tmp_path):
    phone, stream = call(engine, make_phone)
    path = write_wav(tmp_path / "x.wav", tone(400, 1000) + tone(900, 1000) + tone(1300, 1000))
    player = stream.play([FileSource(path)], offset_ms=1000)
    await until(lambda: len(phone.packets) >= 5)
    assert level(phone.audio()[:800], 900) > 7000
    player.seek(1000)
    await until(lambda: level(phone.audio()[-400:], 1300) > 7000)
    player.restart()
    await until(lambda: level(phone.audio()[-400:], 400) > 7000)
    player.stop()
    result = await player.done
    assert result.reason == "stopped"
    assert 40 <= result.position_ms <= 600


async def test_pause_sends_silence_and_keeps_the_position(engine, make_phone, tmp_path):
    phone, stream = call(engine, make_phone)
    path = write_wav(tmp_path / "x.wav", tone(400, 300))
    player = stream.play([FileSource(path)])
    await until(lambda: len(phone.packets) >= 4)
    player.pause()
    await asyncio.sleep(0.1)
    since = time.monotonic()
    await asyncio.sleep(0.1)
    assert set(phone.audio(since)) == {0}
    player.unpause()
    assert (await player.done).reason == "finished"
    loud = sum(1 for sample in phone.audio() if sample)
    assert loud == pytest.approx(2160, abs=20)  # of 2400: the tone has a zero in ten samples


async def test_tones_and_silence_have_their_length(engine, make_phone):
    phone, stream = call(engine, make_phone)
    player = stream.play(
        [ToneSource("!440/100,!0/100"), SilenceSource(100), ToneSource("500", 100)]
    )
    assert (await player.done).reason == "finished"
    await until(lambda: len(phone.packets) == 20)
    audio = phone.audio()
    assert level(audio[:800], 440) > 1000
    assert not any(audio[810:2390])
    assert level(audio[2400:], 500) > 1000


async def test_music_is_one_encoding_for_all_at_one_tick(engine, make_phone, tmp_path):
    path = write_wav(tmp_path / "moh.wav", tone(600, 330))
    engine.define_music("default", [path])
    phones = []
    for _ in range(3):
        phone, stream = call(engine, make_phone)
        stream.set_background("music", "unknown class")
        phones.append(phone)
    await asyncio.sleep(0.8)
    audio = phones[0].audio()[800:4000]
    assert level(audio, 600) > 5000
    last = [phone.packets[-5].payload for phone in phones]
    assert last[1] in [p.payload for p in phones[0].packets]
    assert last[2] in [p.payload for p in phones[0].packets]


async def test_music_overrides_the_bridge_until_it_ends(engine, make_phone, tmp_path):
    engine.define_music("default", [write_wav(tmp_path / "moh.wav", tone(600, 1000))])
    (alice, a), (bob, b) = call(engine, make_phone), call(engine, make_phone)
    bridge = engine.create_bridge()
    bridge.add(a)
    bridge.add(b)
    a.set_background("music")
    await asyncio.sleep(0.05)
    await bob.talk(tone(1000, 300))
    assert level(alice.audio()[-1600:], 1000) < 200
    assert level(alice.audio()[-1600:], 600) > 5000
    a.set_background(None)
    await asyncio.sleep(0.02)
    since = time.monotonic()
    await bob.talk(tone(1000, 200))
    assert level(alice.audio(since + 0.04), 1000) > 7000


async def test_a_recording_holds_what_was_said(engine, make_phone, tmp_path):
    phone, stream = call(engine, make_phone)
    path = tmp_path / "said.wav"
    recorder = stream.record(str(path), "wav")
    await recorder.opened
    await phone.talk([0] * 1600 + tone(500, 600) + [0] * 1600)
    await asyncio.sleep(0.1)
    recorder.stop()
    recorder.stop()
    result = await recorder.done
    assert result.reason == "stopped"
    assert result.talking_ms == pytest.approx(600, abs=60)
    assert result.duration_ms == pytest.approx(1100, abs=150)
    samples = read_wav(path)
    assert len(samples) == result.duration_ms * 8
    middle = len(samples) // 2
    assert level(samples[middle - 800 : middle + 800], 500) == pytest.approx(8000, rel=0.03)


async def test_a_recording_of_a_bridge_holds_all_members(engine, make_phone, tmp_path):
    (alice, a), (bob, b) = call(engine, make_phone), call(engine, make_phone)
    bridge = engine.create_bridge()
    bridge.add(a)
    bridge.add(b)
    recorder = bridge.record(str(tmp_path / "both.wav"), "wav")
    await recorder.opened
    await asyncio.gather(alice.talk(tone(500, 500)), bob.talk(tone(900, 500)))
    recorder.stop()
    await recorder.done
    samples = read_wav(tmp_path / "both.wav")
    middle = samples[1600:3200]
    assert level(middle, 500) == pytest.approx(8000, rel=0.15)
    assert level(middle, 900) == pytest.approx(8000, rel=0.15)
    count = len(bob.packets)
    await alice.talk(tone(500, 100))
    await until(lambda: len(bob.packets) >= count + 5)


async def test_limits_of_duration_and_silence(engine, make_phone, tmp_path):
    phone, stream = call(engine, make_phone)
    first = stream.record(str(tmp_path / "a.wav"), "wav", max_duration_ms=200)
    second = stream.record(str(tmp_path / "b.wav"), "wav", max_silence_ms=300)
    await phone.talk(tone(500, 300) + [0] * 3200)
    one, two = await first.done, await second.done
    assert (one.reason, one.duration_ms) == ("max_duration", 200)
    assert two.reason == "silence"
    assert two.duration_ms == pytest.approx(600, abs=120)


async def test_pause_and_mute_of_a_recording(engine, make_phone, tmp_path):
    phone, stream = call(engine, make_phone)
    recorder = stream.record(str(tmp_path / "x.wav"), "wav")
    await phone.talk(tone(500, 200))
    recorder.pause()
    await phone.talk(tone(900, 200))
    recorder.unpause()
    recorder.mute()
    await phone.talk(tone(1300, 200))
    recorder.stop()
    result = await recorder.done
    assert result.duration_ms == pytest.approx(400, abs=60)
    samples = read_wav(tmp_path / "x.wav")
    assert level(samples, 1300) < 300


async def test_an_existing_file_is_an_error_unless_told_otherwise(engine, make_phone, tmp_path):
    _, stream = call(engine, make_phone)
    path = write_wav(tmp_path / "x.wav", tone(500, 100))
    recorder = stream.record(path, "wav")
    with pytest.raises(MediaError, match="exists"):
        await recorder.opened
    assert (await recorder.done).reason == "failed"
    again = stream.record(path, "wav", append=True)
    await again.opened
    await asyncio.sleep(0.1)
    again.stop()
    await again.done
    assert len(read_wav(path)) > 800
    with pytest.raises(InvalidArgument):
        stream.record(path, "mp3")


async def test_beep_comes_before_the_recording(engine, make_phone, tmp_path):
    phone, stream = call(engine, make_phone)
    recorder = stream.record(str(tmp_path / "x.wav"), "wav", beep=True)
    await until(lambda: len(phone.packets) >= 10)
    assert level(phone.audio(), 1000) > 4000
    recorder.stop()
    await recorder.done


async def test_a_stream_that_closes_completes_its_recording(engine, make_phone, tmp_path):
    phone, stream = call(engine, make_phone)
    recorder = stream.record(str(tmp_path / "x.wav"), "wav")
    await phone.talk(tone(500, 200))
    stream.close()
    result = await recorder.done
    assert result.reason == "stream_closed"
    assert len(read_wav(tmp_path / "x.wav")) == result.duration_ms * 8


async def test_wide_files_play_on_narrow_streams(engine, make_phone, tmp_path):
    phone, stream = call(engine, make_phone)
    samples = [round(8000 * math.sin(2 * math.pi * 700 * i / 16000)) for i in range(16000)]
    player = stream.play([FileSource(write_wav(tmp_path / "wide.wav", samples, 16000))])
    assert (await player.done).reason == "finished"
    await asyncio.sleep(0.02)
    audio = phone.audio()
    assert len(audio) == pytest.approx(8000, abs=2 * FRAME)
    assert level(audio[800:4000], 700) == pytest.approx(8000, rel=0.05)
