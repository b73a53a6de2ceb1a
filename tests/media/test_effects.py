"""What changes a stream's audio: measured on tones, in calls and alone."""

import asyncio
from itertools import pairwise

import pytest

from server.base.errors import InvalidArgument
from server.media.effects import MAX_GAIN, Tap
from tests.media.rtp_phone import level, tone, until

HEARD = pytest.approx(8000, rel=0.2)
MS = 450


async def call(engine, make_phone, bridge):
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    phone.connect(stream)
    bridge.add(stream)
    return phone, stream


async def two(engine, make_phone):
    bridge = engine.create_bridge()
    alice, stream = await call(engine, make_phone, bridge)
    bob, _ = await call(engine, make_phone, bridge)
    return alice, stream, bob


async def talk(alice, bob, peak=8000, ms=MS):
    await asyncio.sleep(0.05)
    await asyncio.gather(alice.talk(tone(500, ms, peak)), bob.talk(tone(1100, ms, peak)))


def tail(phone, ms=400):
    return phone.audio()[-ms * 8 :]


def heard(phone, hz):
    """The level of a tone where it is loudest: a busy machine leaves gaps."""
    samples, step = tail(phone), 800
    return max(level(samples[at : at + step], hz) for at in range(0, len(samples) - step + 1, 400))


async def test_volume_changes_one_direction_and_leaves_the_other(engine, make_phone):
    alice, stream, bob = await two(engine, make_phone)
    stream.effects.set_gain(Tap.IN, 3)
    stream.effects.set_gain(Tap.OUT, 0.25)
    await talk(alice, bob, peak=2000)
    assert heard(bob, 500) == pytest.approx(6000, rel=0.2)
    assert heard(alice, 1100) == pytest.approx(500, rel=0.25)


async def test_pitch_is_shifted_in_a_call(engine, make_phone):
    alice, stream, bob = await two(engine, make_phone)
    stream.effects.set_pitch(Tap.IN, 2)
    await talk(alice, bob, ms=700)
    assert heard(bob, 1000) == pytest.approx(8000, rel=0.3)
    assert level(tail(bob), 500) < 800


async def test_a_scrambled_voice_is_understood_by_who_unscrambles(engine, make_phone):
    alice, stream, bob = await two(engine, make_phone)
    stream.effects.set_scramble(Tap.IN, True)
    await talk(alice, bob)
    assert heard(bob, 2800) == pytest.approx(8000, rel=0.3)
    assert level(tail(bob), 500) < 400


async def test_a_call_without_effects_is_a_relay_again(engine, make_phone):
    alice, stream, bob = await two(engine, make_phone)
    stream.effects.set_agc(Tap.IN, 8000)
    stream.effects.set_denoise(Tap.OUT, True)
    stream.effects.set_jitter_buffer((60, 60))
    await talk(alice, bob, ms=200)
    assert engine.counters()["ticks"] > 0
    stream.effects.set_agc(Tap.IN, 0)
    stream.effects.set_denoise(Tap.OUT, False)
    stream.effects.set_jitter_buffer(None)
    await asyncio.sleep(0.06)
    before = engine.counters()["ticks"]
    await talk(alice, bob, ms=200)
    assert engine.counters()["ticks"] == before
    assert heard(bob, 500) == HEARD


async def test_dropped_voice_is_silence_and_dropped_digits_are_not_heard(engine, make_phone):
    alice, stream, bob = await two(engine, make_phone)
    stream.effects.drop(Tap.IN, ["voice", "dtmf"])
    await talk(alice, bob)
    assert heard(alice, 1100) == HEARD
    assert not bob.audio()
    await alice.press("5")
    stream.effects.drop(Tap.IN, [])
    await alice.press("6")
    await until(lambda: any(digit == "6" for digit, _, _ in bob.events()))
    assert not any(digit == "5" for digit, _, _ in bob.events())


async def test_a_snoop_changes_volumes_and_sides_while_it_runs(engine, make_phone):
    alice, stream, bob = await two(engine, make_phone)
    snoop = engine.open_snoop(stream)
    ear = engine.create_bridge()
    ear.add(snoop)
    spy, _ = await call(engine, make_phone, ear)
    await talk(alice, bob)
    assert level(tail(spy), 500) < 100
    snoop.tune_snoop(spy="both", whisper="out", gain_in=0.5, gain_out=0)
    await asyncio.gather(talk(alice, bob), spy.talk(tone(770, MS)))
    assert heard(spy, 500) == pytest.approx(4000, rel=0.2)
    assert level(tail(spy), 1100) < 100
    assert heard(alice, 770) == HEARD
    assert level(tail(bob), 770) < 100


async def test_both_directions_are_recorded_in_step_and_only_while_bridged(
    engine, make_phone, tmp_path
):
    bridge = engine.create_bridge()
    alice, stream = await call(engine, make_phone, bridge)
    snoop = engine.open_snoop(stream, spy="both")
    snoop.tune_snoop(spy="both", whisper="none", bridged_only=True)
    recorder = snoop.record(str(tmp_path / "both.sln"), "sln")
    await asyncio.wait_for(recorder.opened, 3)
    await alice.talk(tone(500, 300))
    bob, _ = await call(engine, make_phone, bridge)
    await talk(alice, bob)
    recorder.stop()
    await asyncio.wait_for(recorder.done, 3)
    data = (tmp_path / "both.sln").read_bytes()
    samples = [
        int.from_bytes(data[i : i + 2], "little", signed=True) for i in range(0, len(data), 2)
    ]
    assert 0.35 * 8000 < len(samples) < 0.75 * 8000
    middle = samples[len(samples) // 2 - 800 : len(samples) // 2 + 800]
    assert level(middle, 500) == HEARD
    assert level(middle, 1100) == HEARD


async def test_a_jitter_buffer_makes_bursts_into_a_steady_flow(engine, make_phone):
    alice, stream, bob = await two(engine, make_phone)

    async def bursts():
        """Three frames at a time, and how often more than 45 ms pass between two of them."""
        start = len(bob.packets)
        sound = tone(500, 60)
        for _ in range(20):
            for at in range(0, 480, 160):
                alice.send_frame(sound[at : at + 160])
            await asyncio.sleep(0.06)
        times = [packet.at for packet in bob.packets[start + 10 :]]
        return sum(b - a > 0.045 for a, b in pairwise(times))

    await asyncio.sleep(0.05)
    assert await bursts() >= 12  # a relay passes them on as they come
    stream.effects.set_jitter_buffer((120, 120))
    assert await bursts() <= 4


async def test_what_the_engine_can_not_do_is_refused(engine, make_phone):
    _alice, stream, _bob = await two(engine, make_phone)
    effects = stream.effects
    for wrong in (
        lambda: effects.set_gain(Tap.IN, -1),
        lambda: effects.set_gain(Tap.IN, MAX_GAIN + 1),
        lambda: effects.set_gain(Tap.IN, float("nan")),
        lambda: effects.set_agc(Tap.IN, 40_000),
        lambda: effects.set_pitch(Tap.IN, 5),
        lambda: effects.set_jitter_buffer((200, 100)),
    ):
        with pytest.raises(InvalidArgument):
            wrong()
