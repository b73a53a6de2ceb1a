"""Mixing, roles, local pairs, and moves between workers."""

import asyncio
import itertools
import time

import pytest

from server.base.errors import Conflict
from server.media.engine import EngineSettings, MediaEngine
from server.media.streams import ToneSource
from tests.media.conftest import leaks
from tests.media.rtp_phone import FRAME, level, tone, until


async def call(engine, make_phone, bridge=None, **changes):
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    phone.connect(stream, **changes)
    if bridge is not None:
        bridge.add(stream)
    return phone, stream


async def talk_all(phones, hz, ms=700):
    await asyncio.sleep(0.03)
    await asyncio.gather(*(p.talk(tone(f, ms)) for p, f in zip(phones, hz, strict=True)))


async def test_three_hear_the_others_and_not_themselves(engine, make_phone):
    bridge = engine.create_bridge()
    phones = [(await call(engine, make_phone, bridge))[0] for _ in range(3)]
    hz = (500, 700, 1100)
    await talk_all(phones, hz)
    for index, phone in enumerate(phones):
        audio = phone.audio()[-3200:]
        for other, frequency in enumerate(hz):
            if other == index:
                assert level(audio, frequency) < 150
            else:
                assert level(audio, frequency) == pytest.approx(8000, rel=0.15)


async def test_frames_come_every_20_ms_with_one_clock(engine, make_phone):
    bridge = engine.create_bridge()
    phones = [(await call(engine, make_phone, bridge))[0] for _ in range(3)]
    await talk_all(phones, (500, 700, 1100), 500)
    packets = phones[0].packets
    assert {b.timestamp - a.timestamp for a, b in itertools.pairwise(packets)} == {160}
    span = packets[-1].at - packets[0].at
    assert span / (len(packets) - 1) == pytest.approx(0.02, rel=0.02)


async def test_two_of_different_rates_are_mixed(engine, make_phone):
    bridge = engine.create_bridge()
    narrow, _ = await call(engine, make_phone, bridge)
    wide, _ = await call(engine, make_phone, bridge, codec="slin16", payload_type=11)
    await asyncio.sleep(0.03)
    await narrow.talk(tone(600, 500))
    pcm = b"".join(packet.payload for packet in wide.packets[-10:])
    samples = [int.from_bytes(pcm[i : i + 2], "big", signed=True) for i in range(0, len(pcm), 2)]
    assert {len(packet.payload) for packet in wide.packets} == {640}
    assert level(samples, 600, 16000) == pytest.approx(8000, rel=0.08)


async def test_a_silent_phone_is_a_listener_of_the_shared_mix(engine, make_phone):
    bridge = engine.create_bridge()
    talker, _ = await call(engine, make_phone, bridge)
    silent = [(await call(engine, make_phone, bridge))[0] for _ in range(3)]
    await asyncio.sleep(0.03)
    await talker.talk(tone(800, 400))
    for phone in silent:
        assert level(phone.audio()[-1600:], 800) == pytest.approx(8000, rel=0.15)
    assert level(talker.audio()[-1600:], 800) < 100


async def test_loss_is_concealed(engine, make_phone):
    bridge = engine.create_bridge()
    talker, _ = await call(engine, make_phone, bridge)
    listener, _ = await call(engine, make_phone, bridge)
    await call(engine, make_phone, bridge)
    await asyncio.sleep(0.03)
    samples = tone(400, 800)
    for index in range(40):
        if index % 10 == 7:
            talker.seq += 1
            talker.timestamp += FRAME
        else:
            talker.send_frame(samples[index * FRAME : (index + 1) * FRAME])
        await asyncio.sleep(0.02)
    audio = listener.audio()[-5600:-1600]
    blocks = [level(audio[i : i + 400], 400) for i in range(0, len(audio), 400)]
    assert min(blocks) > 3000
    assert engine.counters()["jbuf_lost"] >= 3


async def test_muted_members_and_listeners_are_not_heard(engine, make_phone):
    bridge = engine.create_bridge()
    phones, streams = zip(*[await call(engine, make_phone) for _ in range(3)], strict=True)
    bridge.add(streams[0], mute=True)
    bridge.add(streams[1], role="listener")
    bridge.add(streams[2])
    await talk_all(phones, (500, 700, 1100), 400)
    audio = phones[2].audio()[-1600:]
    assert level(audio, 500) < 100
    assert level(audio, 700) < 100
    assert level(phones[0].audio()[-1600:], 1100) == pytest.approx(8000, rel=0.15)


async def test_a_holding_bridge_lets_only_announcers_and_music_be_heard(engine, make_phone):
    bridge = engine.create_bridge()
    bridge.set_holding(True)
    phones, streams = zip(*[await call(engine, make_phone) for _ in range(3)], strict=True)
    bridge.add(streams[0], role="announcer")
    bridge.add(streams[1])
    bridge.add(streams[2])
    await talk_all(phones, (500, 700, 1100), 400)
    audio = phones[1].audio()[-1600:]
    assert level(audio, 500) == pytest.approx(8000, rel=0.15)
    assert level(audio, 1100) < 100
    assert not phones[0].packets


async def test_a_player_of_the_bridge_is_heard_by_all_beside_the_talkers(engine, make_phone):
    bridge = engine.create_bridge()
    phones = [(await call(engine, make_phone, bridge))[0] for _ in range(2)]
    await asyncio.sleep(0.02)
    player = bridge.play([ToneSource("1400", 400)])
    await talk_all(phones, (500, 700), 360)
    assert (await player.done).reason == "finished"
    assert level(phones[0].audio()[-2400:], 700) > 5000
    for phone in phones:
        assert level(phone.audio()[800:2400], 1400) > 1000
    await asyncio.sleep(0.05)
    count = len(phones[0].packets)
    await phones[1].talk(tone(500, 100))  # relayed again
    await until(lambda: len(phones[0].packets) == count + 5)


async def test_a_player_of_a_member_replaces_what_it_hears(engine, make_phone):
    bridge = engine.create_bridge()
    (alice, a), (bob, _) = [await call(engine, make_phone, bridge) for _ in range(2)]
    await asyncio.sleep(0.02)
    player = a.play([ToneSource("1400", 300)])
    await asyncio.sleep(0.01)
    await bob.talk(tone(500, 260))
    await player.done
    assert level(alice.audio(), 500) < 300
    assert level(alice.audio()[:1600], 1400) > 1000
    since = time.monotonic()
    await bob.talk(tone(500, 100))
    await until(lambda: level(alice.audio(since), 500) > 7000)


async def test_one_bridge_at_a_time(engine, make_phone):
    first, second = engine.create_bridge(), engine.create_bridge()
    _, stream = await call(engine, make_phone, first)
    with pytest.raises(Conflict):
        second.add(stream)
    first.remove(stream)
    second.add(stream)
    assert first.members == []
    assert second.members == [stream]


async def test_digits_reach_all_members_of_a_mix(engine, make_phone, heard):
    bridge = engine.create_bridge()
    phones = [(await call(engine, make_phone, bridge))[0] for _ in range(3)]
    await asyncio.sleep(0.03)
    await phones[0].press("4", 80)
    for phone in phones[1:]:
        await until(lambda phone=phone: sum(end for _, end, _ in phone.events()) == 3)
    assert not phones[0].events()


async def test_local_pairs_carry_audio_and_digits_between_bridges(engine, make_phone, heard):
    left, right = engine.create_bridge(), engine.create_bridge()
    one, two = engine.open_local_pair()
    two.listener = heard
    alice, _ = await call(engine, make_phone, left)
    bob, _ = await call(engine, make_phone, right)
    left.add(one)
    right.add(two)
    await asyncio.sleep(0.03)
    await alice.talk(tone(500, 200))
    await until(lambda: len(bob.packets) == 10)
    assert level(bob.audio(), 500) == pytest.approx(8000, rel=0.02)
    await bob.talk(tone(900, 200))
    await until(lambda: len(alice.packets) == 10)
    await alice.press("3", 60)
    await until(lambda: sum(end for _, end, _ in bob.events()) == 3)
    assert [entry[0] for entry in heard.log] == ["begin", "dtmf"]


async def test_a_player_on_one_end_comes_out_of_the_other(engine, make_phone):
    bridge = engine.create_bridge()
    one, two = engine.open_local_pair()
    phone, _ = await call(engine, make_phone, bridge)
    bridge.add(two)
    player = one.play([ToneSource("440", 300)])
    assert (await player.done).reason == "finished"
    await until(lambda: len(phone.packets) >= 14)
    assert level(phone.audio()[400:1600], 440) > 1000


async def test_a_loop_of_local_pairs_is_harmless(engine, make_phone):
    bridge = engine.create_bridge()
    one, two = engine.open_local_pair()
    bridge.add(one)
    bridge.add(two)
    phone, stream = await call(engine, make_phone)
    assert (await one.play([ToneSource("440", 100)]).done).reason == "finished"
    bridge.add(stream)
    await phone.talk(tone(500, 200))
    one.receive_dtmf("5")
    bridge.remove(stream)
    two.close()
    assert (await stream.play([ToneSource("440", 100)]).done).reason == "finished"


@pytest.mark.parametrize("engine", [3], indirect=True)
async def test_members_from_several_workers_hear_each_other(engine, make_phone):
    bridges = [engine.create_bridge() for _ in range(2)]
    phones = [(await call(engine, make_phone, bridges[i % 2]))[0] for i in range(6)]
    one, two = engine.open_local_pair()
    bridges[0].add(one)
    bridges[1].add(two)
    assert len({bridge.worker for bridge in bridges}) == 1
    await asyncio.sleep(0.05)
    await phones[0].talk(tone(500, 500))
    for phone in phones[1:]:
        assert level(phone.audio()[-800:], 500) > 6000


async def test_moves_under_traffic_lose_nothing_alive(make_phone):
    engine = MediaEngine(EngineSettings(rtp_start=32000, rtp_end=33999, workers=4))
    await engine.start()
    bridges = [engine.create_bridge() for _ in range(6)]
    pairs = [await call(engine, make_phone) for _ in range(6)]
    streams = [stream for _, stream in pairs]
    players = []
    talk = asyncio.gather(*(phone.talk(tone(500, 600)) for phone, _ in pairs))
    for turn in range(120):
        stream, bridge = streams[turn % 6], bridges[turn * 5 % 6]
        if stream.bridge is not None:
            stream.bridge.remove(stream)
        bridge.add(stream)
        if turn % 7 == 0:
            if players:
                players[-1].stop()
            players.append(stream.play([ToneSource("440", 200)]) if not stream.is_playing else None)
            players = [player for player in players if player is not None]
        await asyncio.sleep(0.004)
    await talk
    for stream in streams:
        stream.close()
    for bridge in bridges:
        bridge.close()
    results = await asyncio.wait_for(asyncio.gather(*(p.done for p in players)), 3)
    assert {result.reason for result in results} <= {"finished", "stopped"}
    await until(lambda: not leaks(engine))
    await engine.close()


async def test_a_digit_cut_off_by_leaving_is_ended_at_the_far_end(engine, make_phone):
    bridge = engine.create_bridge()
    (alice, a), (bob, b) = [await call(engine, make_phone, bridge) for _ in range(2)]
    await asyncio.sleep(0.02)
    await alice.press("8", 80, end_packets=0)
    await until(lambda: bob.events())
    bridge.remove(a)
    await b.play([ToneSource("440", 60)]).done
    assert sum(end for _, end, _ in bob.events()) == 3
    assert len({packet.timestamp for packet in bob.packets if packet.payload_type == 101}) == 1
