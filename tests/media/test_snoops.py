"""Snoop streams: spies hear what their target says or hears, whispers reach the right side."""

import asyncio
import time

import pytest

from server.base.errors import InvalidArgument, InvalidState
from server.media.engine import EngineSettings, MediaEngine
from server.media.streams import ToneSource
from tests.media.conftest import leaks
from tests.media.rtp_phone import level, tone, until

HEARD = pytest.approx(8000, rel=0.2)
WHISPER = 770  # Hz of the whispered tone
MS = 450


async def call(engine, make_phone, bridge=None, **changes):
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    phone.connect(stream, **changes)
    if bridge is not None:
        bridge.add(stream)
    return phone, stream


async def monitor(engine, make_phone, snoop):
    """A phone in a bridge with the snoop: the supervisor."""
    bridge = engine.create_bridge()
    bridge.add(snoop)
    return (await call(engine, make_phone, bridge))[0]


async def talk_all(*pairs, ms=MS):
    await asyncio.sleep(0.05)
    await asyncio.gather(*(phone.talk(tone(hz, ms)) for phone, hz in pairs))


def tail(phone, ms=300):
    return phone.audio()[-ms * 8 :]


@pytest.mark.parametrize(
    ("spy", "says", "hears"), [("in", True, False), ("out", False, True), ("both", True, True)]
)
async def test_the_spy_hears_the_directions_it_asked_for(engine, make_phone, spy, says, hears):
    bridge = engine.create_bridge()
    alice, target = await call(engine, make_phone, bridge)
    bob, _ = await call(engine, make_phone, bridge)
    supervisor = await monitor(engine, make_phone, engine.open_snoop(target, spy=spy))
    await talk_all((alice, 500), (bob, 1100))
    audio = tail(supervisor)
    assert level(audio, 500) == HEARD if says else level(audio, 500) < 200
    assert level(audio, 1100) == HEARD if hears else level(audio, 1100) < 200
    assert level(tail(bob), 500) == HEARD  # the call itself goes on
    assert level(tail(alice), 1100) == HEARD


@pytest.mark.parametrize(
    ("whisper", "to_alice", "to_bob"),
    [("out", True, False), ("in", False, True), ("both", True, True)],
)
async def test_the_whisper_is_heard_on_the_side_that_was_asked_for(
    engine, make_phone, whisper, to_alice, to_bob
):
    bridge = engine.create_bridge()
    alice, target = await call(engine, make_phone, bridge)
    bob, _ = await call(engine, make_phone, bridge)
    snoop = engine.open_snoop(target, spy="both", whisper=whisper)
    supervisor = await monitor(engine, make_phone, snoop)
    await talk_all((alice, 500), (bob, 1100), (supervisor, WHISPER))
    for phone, is_heard, other in ((alice, to_alice, 1100), (bob, to_bob, 500)):
        audio = tail(phone)
        assert level(audio, WHISPER) == HEARD if is_heard else level(audio, WHISPER) < 200
        assert level(audio, other) == HEARD
    audio = tail(supervisor)
    assert level(audio, 500) == HEARD
    assert level(audio, 1100) == HEARD
    assert level(audio, WHISPER) < 200  # a spy does not hear what is whispered


async def test_a_relay_is_decoded_while_tapped_and_is_a_relay_again_afterwards(engine, make_phone):
    bridge = engine.create_bridge()
    alice, target = await call(engine, make_phone, bridge)
    bob, _ = await call(engine, make_phone, bridge)
    await asyncio.sleep(0.05)
    start = engine.counters()["ticks"]
    await alice.talk(tone(500, 200))
    assert engine.counters()["ticks"] == start
    snoop = engine.open_snoop(target, spy="in")
    await alice.talk(tone(500, 300))
    assert engine.counters()["ticks"] > start
    snoop.close()
    await until(lambda: engine.counters()["streams_live"] == 2)
    await asyncio.sleep(0.06)
    start, since = engine.counters()["ticks"], time.monotonic()
    await alice.talk(tone(500, 200))
    assert engine.counters()["ticks"] == start
    await until(lambda: len(bob.audio(since)) >= 1600 - 160)
    gaps = {b.seq - a.seq & 0xFFFF for a, b in zip(bob.packets, bob.packets[1:], strict=False)}
    assert gaps == {1}


async def test_a_channel_alone_is_spied_and_whispered_to(engine, make_phone):
    alice, target = await call(engine, make_phone)
    snoop = engine.open_snoop(target, spy="in", whisper="out")
    supervisor = await monitor(engine, make_phone, snoop)
    await talk_all((alice, 500), (supervisor, WHISPER))
    assert level(tail(supervisor), 500) == HEARD
    assert level(tail(alice), WHISPER) == HEARD


async def test_what_is_played_to_the_target_is_spied_and_to_the_snoop_whispered(engine, make_phone):
    alice, target = await call(engine, make_phone)
    snoop = engine.open_snoop(target, spy="out", whisper="out")
    supervisor = await monitor(engine, make_phone, snoop)
    target.play([ToneSource("440")])
    snoop.play([ToneSource("770")])
    await asyncio.sleep(0.5)
    heard = level(tail(alice, 200), 440)
    assert heard > 3000
    assert level(tail(alice, 200), WHISPER) == pytest.approx(heard, rel=0.2)
    assert level(tail(supervisor, 200), 440) == pytest.approx(heard, rel=0.2)


async def test_a_target_in_a_mixer_is_spied(engine, make_phone):
    bridge = engine.create_bridge()
    alice, target = await call(engine, make_phone, bridge)
    bob, _ = await call(engine, make_phone, bridge)
    carol, _ = await call(engine, make_phone, bridge)
    snoop = engine.open_snoop(target, spy="out", whisper="in")
    supervisor = await monitor(engine, make_phone, snoop)
    await talk_all((bob, 500), (carol, 1100), (supervisor, WHISPER))
    audio = tail(supervisor)
    assert level(audio, 500) == HEARD
    assert level(audio, 1100) == HEARD
    assert level(tail(bob), WHISPER) == HEARD
    assert level(tail(carol), WHISPER) == HEARD
    assert level(tail(alice), WHISPER) < 200


async def test_echo_goes_on_while_tapped(engine, make_phone):
    alice, target = await call(engine, make_phone)
    target.set_background("echo")
    snoop = engine.open_snoop(target, spy="out", whisper="out")
    supervisor = await monitor(engine, make_phone, snoop)
    await talk_all((alice, 500), (supervisor, WHISPER))
    assert level(tail(alice), 500) == HEARD
    assert level(tail(alice), WHISPER) == HEARD
    assert level(tail(supervisor), 500) == HEARD
    snoop.close()
    since = time.monotonic()
    await talk_all((alice, 900), ms=300)
    assert level(alice.audio(since)[-800:], 900) == HEARD


async def test_two_spies_hear_the_same_and_not_each_other(engine, make_phone):
    alice, target = await call(engine, make_phone)
    snoops = [engine.open_snoop(target, spy="both", whisper="out") for _ in range(2)]
    first, second = [await monitor(engine, make_phone, snoop) for snoop in snoops]
    await talk_all((alice, 500), (first, 770), (second, 1300))
    for spy in (first, second):
        assert level(tail(spy), 500) == HEARD
        assert level(tail(spy), 770) < 200
        assert level(tail(spy), 1300) < 200
    assert level(tail(alice), 770) == HEARD
    assert level(tail(alice), 1300) == HEARD


async def test_a_muted_target_is_silent_for_the_spy_and_hears_the_whisper(engine, make_phone):
    bridge = engine.create_bridge()
    alice, target = await call(engine, make_phone, bridge)
    bob, _ = await call(engine, make_phone, bridge)
    target.set_mute(inbound=True, outbound=True)
    snoop = engine.open_snoop(target, spy="both", whisper="out")
    supervisor = await monitor(engine, make_phone, snoop)
    await talk_all((alice, 500), (bob, 1100), (supervisor, WHISPER))
    assert level(tail(supervisor), 500) < 200
    assert level(tail(supervisor), 1100) < 200
    assert level(tail(alice), 1100) < 200
    assert level(tail(alice), WHISPER) == HEARD


async def test_a_wide_band_target_is_spied_at_its_own_rate(engine, make_phone):
    alice, target = await call(engine, make_phone, codec="slin16", payload_type=11)
    snoop = engine.open_snoop(target, spy="in", whisper="out")
    supervisor = await monitor(engine, make_phone, snoop)
    await asyncio.sleep(0.05)
    wide = tone(900, MS, rate=16000)

    async def say():
        for at in range(0, len(wide), 320):
            alice.send(b"".join(v.to_bytes(2, "big", signed=True) for v in wide[at : at + 320]), 11)
            alice.timestamp += 320
            await asyncio.sleep(0.02)

    await asyncio.gather(say(), supervisor.talk(tone(WHISPER, MS)))
    assert level(tail(supervisor, 200), 900) == HEARD
    pcm = b"".join(packet.payload for packet in alice.packets[-10:])
    heard = [int.from_bytes(pcm[i : i + 2], "big", signed=True) for i in range(0, len(pcm), 2)]
    assert level(heard, WHISPER, 16000) == HEARD


async def test_a_target_that_changes_its_rate_takes_its_snoops_along(engine, make_phone):
    alice, target = await call(engine, make_phone, codec="slin16", payload_type=11)
    supervisor = await monitor(engine, make_phone, engine.open_snoop(target, spy="in"))
    await asyncio.sleep(0.1)
    alice.connect(target)  # a re-INVITE to mu-law
    await talk_all((alice, 500))
    assert level(tail(supervisor), 500) == HEARD


async def test_a_snoop_is_recorded_and_reports_talk(engine, make_phone, heard, tmp_path):
    alice, target = await call(engine, make_phone)
    snoop = engine.open_snoop(target, spy="in")
    snoop.listener = heard
    snoop.set_talk_detect(True, silence_ms=200)
    recorder = snoop.record(str(tmp_path / "spy.sln"), "sln")
    await recorder.opened
    await talk_all((alice, 500))
    await until(lambda: ("talking",) in heard.log)
    recorder.stop()
    result = await recorder.done
    assert result.duration_ms >= MS - 60
    raw = (tmp_path / "spy.sln").read_bytes()
    pcm = [int.from_bytes(raw[i : i + 2], "little", signed=True) for i in range(0, len(raw), 2)]
    assert level(pcm[-3200:-800], 500) == HEARD


async def test_digits_pass_a_tapped_bridge(engine, make_phone, heard):
    bridge = engine.create_bridge()
    alice, target = await call(engine, make_phone, bridge)
    bob, _ = await call(engine, make_phone, bridge)
    target.listener = heard
    engine.open_snoop(target, spy="both")
    await asyncio.sleep(0.05)
    await alice.press("5")
    await until(lambda: ("5", True) in {(digit, end) for digit, end, _ in bob.events()})
    assert [entry[:2] for entry in heard.log if entry[0] == "dtmf"] == [("dtmf", "5")]


async def test_the_snoop_outlives_its_target_in_silence(engine, make_phone):
    _, target = await call(engine, make_phone)
    snoop = engine.open_snoop(target, spy="in", whisper="out")
    supervisor = await monitor(engine, make_phone, snoop)
    target.close()
    await talk_all((supervisor, WHISPER), ms=100)
    assert snoop.target is None
    assert not snoop.is_closed


async def test_a_snoop_of_a_snoop_hears_what_it_says(engine, make_phone):
    alice, target = await call(engine, make_phone)
    inner = engine.open_snoop(target, spy="in")
    supervisor = await monitor(engine, make_phone, engine.open_snoop(inner, spy="in"))
    await talk_all((alice, 500))
    assert level(tail(supervisor), 500) == HEARD


async def test_a_snoop_needs_an_open_target_and_known_directions(engine):
    target = engine.open_null()
    with pytest.raises(InvalidArgument, match="whisper"):
        engine.open_snoop(target, whisper="up")
    target.close()
    with pytest.raises(InvalidState):
        engine.open_snoop(target, spy="in")


async def test_snoop_target_and_both_bridges_move_together_between_workers(make_phone):
    engine = MediaEngine(EngineSettings(rtp_start=20000, rtp_end=29999, workers=3))
    await engine.start()
    for _ in range(12):
        bridge, other = engine.create_bridge(), engine.create_bridge()
        alice, target = await call(engine, make_phone, bridge)
        snoop = engine.open_snoop(target, spy="in", whisper="out")
        other.add(snoop)
        supervisor, _ = await call(engine, make_phone, other)
        bob, peer = await call(engine, make_phone)
        bridge.add(peer)
        workers = {thing.worker for thing in (bridge, other, target, snoop, peer)}
        assert len(workers) == 1
    await talk_all((alice, 500), (supervisor, WHISPER))
    assert level(tail(supervisor), 500) == HEARD
    assert level(tail(alice), WHISPER) == HEARD
    assert level(tail(bob), 500) == HEARD
    for thing in list(engine._objects.values()):
        thing.close()
    await until(lambda: not leaks(engine))
    await engine.close()
