"""RTP streams: ports, sources, relaying, digits, statistics."""

import asyncio
import itertools
import socket
import struct
import time

import pytest

from server.base.errors import Conflict, InvalidArgument, Unavailable
from server.media.engine import EngineSettings, MediaEngine
from server.media.streams import FileSource, SilenceSource, ToneSource
from server.media.trace import Tracer
from tests.media.conftest import leaks
from tests.media.rtp_phone import EVENT_PT, RtpPhone, level, tone, until


async def two_in_a_bridge(engine, make_phone):
    phones = make_phone(), make_phone()
    streams = engine.open_rtp("127.0.0.1"), engine.open_rtp("127.0.0.1")
    bridge = engine.create_bridge()
    for phone, stream in zip(phones, streams, strict=True):
        phone.connect(stream)
        bridge.add(stream)
    await asyncio.sleep(0.03)
    return phones, streams, bridge


async def test_ports_are_an_even_one_and_the_next(engine):
    stream = engine.open_rtp("127.0.0.1")
    assert stream.port % 2 == 0
    assert stream.rtcp_port == stream.port + 1
    for port in (stream.port, stream.rtcp_port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken, pytest.raises(OSError):
            taken.bind(("127.0.0.1", port))


async def test_ipv6_works(engine, make_phone):
    phone = make_phone("::1")
    stream = engine.open_rtp("::1")
    phone.connect(stream)
    stream.set_background("silence")
    await until(lambda: len(phone.packets) > 2)


async def test_no_free_port_is_unavailable_and_ports_come_back():
    engine = MediaEngine(EngineSettings(rtp_start=31000, rtp_end=31003, workers=1))
    await engine.start()
    streams = [engine.open_rtp("127.0.0.1") for _ in range(2)]
    with pytest.raises(Unavailable):
        engine.open_rtp("127.0.0.1")
    streams[0].close()
    await until(lambda: engine.counters()["streams_live"] == 1)
    engine.open_rtp("127.0.0.1")
    await engine.close()


async def test_bad_arguments_are_named(engine):
    with pytest.raises(InvalidArgument, match="host"):
        engine.open_rtp("localhost")
    stream = engine.open_rtp("127.0.0.1")
    with pytest.raises(InvalidArgument, match="dtmf"):
        stream.send_dtmf("12x")
    with pytest.raises(InvalidArgument, match="tone"):
        stream.set_background("tone", "nonsense")


async def test_relay_keeps_the_audio_and_rewrites_the_header(engine, make_phone):
    (alice, bob), _, _ = await two_in_a_bridge(engine, make_phone)
    await alice.talk(tone(1000, 400))
    await until(lambda: len(bob.packets) == 20)
    seqs = [packet.seq for packet in bob.packets]
    assert [(b - a) & 0xFFFF for a, b in itertools.pairwise(seqs)] == [1] * 19
    assert {packet.ssrc for packet in bob.packets} != {alice.ssrc}
    assert len({packet.ssrc for packet in bob.packets}) == 1
    assert level(bob.audio(), 1000) == pytest.approx(8000, rel=0.02)
    assert not alice.packets


async def test_sequence_and_ssrc_continue_when_the_source_changes(engine, make_phone):
    (alice, bob), (a, b), bridge = await two_in_a_bridge(engine, make_phone)
    carol, c = make_phone(), engine.open_rtp("127.0.0.1")
    carol.connect(c)
    await alice.talk(tone(500, 100))
    bridge.remove(a)
    bridge.add(c)
    await asyncio.sleep(0.02)
    await carol.talk(tone(700, 100))
    bridge.remove(c)
    await b.play([SilenceSource(60)]).done
    await asyncio.sleep(0.02)
    seqs = [packet.seq for packet in bob.packets]
    assert {(y - x) & 0xFFFF for x, y in itertools.pairwise(seqs)} == {1}
    assert len({packet.ssrc for packet in bob.packets}) == 1
    times = [packet.timestamp for packet in bob.packets]
    assert all(0 < (y - x) & 0xFFFFFFFF < 8000 for x, y in itertools.pairwise(times))
    assert [packet.marker for packet in bob.packets].count(True) == 2


async def test_codecs_of_a_pair_are_converted(engine, make_phone):
    alice, bob = make_phone(), make_phone()
    a, b = engine.open_rtp("127.0.0.1"), engine.open_rtp("127.0.0.1")
    alice.connect(a)
    bob.connect(b, codec="alaw", payload_type=8)
    bridge = engine.create_bridge()
    bridge.add(a)
    bridge.add(b)
    await asyncio.sleep(0.02)
    await alice.talk(tone(1000, 100))
    await until(lambda: len(bob.packets) >= 5)
    assert {packet.payload_type for packet in bob.packets} == {8}
    assert {len(packet.payload) for packet in bob.packets} == {160}


async def test_strangers_are_not_believed(engine, make_phone):
    (alice, bob), (a, _), _ = await two_in_a_bridge(engine, make_phone)
    await alice.talk(tone(500, 200))
    count = len(bob.packets)
    stranger = make_phone()
    stranger.to = (a.host, a.port)
    for _ in range(10):
        stranger.send_frame(tone(900, 20))
    await until(lambda: engine.counters()["rx_bad_source"] >= 10)
    assert len(bob.packets) == count


async def test_symmetric_rtp_follows_a_phone_behind_nat(engine, make_phone):
    nat, stream = make_phone(), engine.open_rtp("127.0.0.1")
    nat.connect(stream, remote=("127.0.0.1", 9))  # what SDP says is not where it comes from
    stream.set_background("silence")
    await nat.talk(tone(500, 120))
    await until(lambda: len(nat.packets) > 3)


async def test_malformed_packets_are_counted(engine, make_phone):
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    phone.connect(stream)
    await asyncio.sleep(0.02)
    for data in (b"", b"\x80", b"\x00" * 40, b"\x9f" + bytes(20), b"\xa0" + bytes(11) + b"\xff"):
        phone.socket.sendto(data, phone.to)
        phone.socket.sendto(data, (stream.host, stream.rtcp_port))
    await until(lambda: engine.counters()["rx_bad"] == 5)
    await until(lambda: engine.counters()["rtcp_bad"] == 5)


async def test_each_digit_is_reported_once(engine, make_phone, heard):
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    stream.listener = heard
    phone.connect(stream)
    await asyncio.sleep(0.02)
    for digit in "12#":
        await phone.press(digit, 60)
        await asyncio.sleep(0.01)
    await until(lambda: len(heard.log) == 6)
    assert [entry for entry in heard.log if entry[0] == "dtmf"] == [
        ("dtmf", "1", 60),
        ("dtmf", "2", 60),
        ("dtmf", "#", 60),
    ]


async def test_a_digit_without_end_times_out(engine, make_phone, heard):
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    stream.listener = heard
    phone.connect(stream)
    await asyncio.sleep(0.02)
    await phone.press("5", 60, end_packets=0)
    await until(lambda: ("dtmf", "5", 60) in heard.log)


async def test_digits_pass_through_a_relay(engine, make_phone, heard):
    (alice, bob), (a, _), _ = await two_in_a_bridge(engine, make_phone)
    a.listener = heard
    await alice.talk(tone(500, 60))
    await alice.press("7", 80)
    await until(lambda: sum(end for _, end, _ in bob.events()) == 3)
    assert {digit for digit, _, _ in bob.events()} == {"7"}
    events = [packet for packet in bob.packets if packet.payload_type == EVENT_PT]
    assert len({packet.timestamp for packet in events}) == 1
    assert [entry[0] for entry in heard.log] == ["begin", "dtmf"]


async def test_absorbed_digits_do_not_pass(engine, make_phone, heard):
    (alice, bob), (a, _), bridge = await two_in_a_bridge(engine, make_phone)
    a.listener = heard
    bridge.set_dtmf_passthrough(a, False)
    await asyncio.sleep(0.02)
    await alice.press("7", 60)
    await until(lambda: len(heard.log) == 2)
    assert not bob.events()


async def test_a_digit_from_signalling_reaches_the_peer(engine, make_phone):
    (_, bob), (a, _), _ = await two_in_a_bridge(engine, make_phone)
    a.receive_dtmf("9", 100)
    await until(lambda: sum(end for _, end, _ in bob.events()) == 3)
    assert bob.events()[-1] == ("9", True, 800)


async def test_sent_digits_have_their_length_and_three_ends(engine, make_phone):
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    phone.connect(stream)
    await stream.send_dtmf("12", duration_ms=60, between_ms=40)
    await until(lambda: len(phone.events()) == 10)
    assert [event for event in phone.events() if event[1]] == [("1", True, 480)] * 3 + [
        ("2", True, 480)
    ] * 3
    first, second = sorted({packet.timestamp for packet in phone.packets})
    assert 700 < second - first < 2000


async def test_digits_become_tones_without_telephone_event(engine, make_phone):
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    phone.connect(stream, dtmf_payload_type=None)
    await stream.send_dtmf("5", duration_ms=100)
    await until(lambda: len(phone.packets) == 5)
    audio = phone.audio()
    assert level(audio, 770) > 1000
    assert level(audio, 1336) > 1000


async def test_pending_digits_fail_when_the_stream_closes(engine, make_phone):
    stream = engine.open_rtp("127.0.0.1")
    make_phone().connect(stream)
    future = stream.send_dtmf("123456", duration_ms=1000)
    stream.close()
    with pytest.raises(Exception, match="ancel"):
        await asyncio.wait_for(future, 2)


async def test_in_band_digits_are_detected_on_request(engine, make_phone, heard):
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    stream.listener = heard
    phone.connect(stream, dtmf_payload_type=None)
    stream.set_dtmf_detect(True)
    pair = zip(tone(770, 160, 6000), tone(1336, 160, 6000), strict=True)
    await phone.talk([low + high for low, high in pair] + [0] * 1600)
    await until(lambda: [e[:2] for e in heard.log] == [("begin", "5"), ("dtmf", "5")])


async def test_talk_is_detected(engine, make_phone, heard):
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    stream.listener = heard
    phone.connect(stream)
    stream.set_talk_detect(True, silence_ms=200, threshold=256)
    await asyncio.sleep(0.02)
    await phone.talk([0] * 800 + tone(400, 300) + [0] * 3200)
    await until(lambda: len(heard.log) == 2)
    assert heard.log[0] == ("talking",)
    assert heard.log[1][1] == pytest.approx(300, abs=60)


async def test_silence_of_the_phone_is_reported_once(engine, make_phone, heard):
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    stream.listener = heard
    phone.connect(stream, timeout_ms=300)
    await until(lambda: heard.log == [("timeout",)], 2)
    await asyncio.sleep(0.5)
    assert heard.log == [("timeout",)]


async def test_mute(engine, make_phone):
    (alice, bob), (a, b), _ = await two_in_a_bridge(engine, make_phone)
    a.set_mute(inbound=True)
    await asyncio.sleep(0.02)
    await alice.talk(tone(500, 60))
    assert not bob.packets
    a.set_mute(inbound=False)
    b.set_mute(outbound=True)
    await asyncio.sleep(0.02)
    await alice.talk(tone(500, 60))
    assert not bob.packets
    b.set_mute(outbound=False)
    await asyncio.sleep(0.02)
    await alice.talk(tone(500, 60))
    await until(lambda: len(bob.packets) == 3)


@pytest.mark.parametrize(("direction", "heard_by"), [("recvonly", 0), ("sendonly", 3)])
async def test_direction_is_from_our_point_of_view(engine, make_phone, direction, heard_by):
    (alice, bob), (_, b), _ = await two_in_a_bridge(engine, make_phone)
    bob.connect(b, direction=direction)
    await asyncio.sleep(0.02)
    await alice.talk(tone(500, 60))
    await bob.talk(tone(500, 60))
    await asyncio.sleep(0.03)
    assert len(bob.packets) == heard_by
    assert len(alice.packets) == 3 - heard_by


async def test_ptime_of_the_peer_is_kept(engine, make_phone):
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    phone.connect(stream, ptime_ms=40)
    await stream.play([SilenceSource(400)]).done
    await until(lambda: len(phone.packets) == 10)
    times = [packet.timestamp for packet in phone.packets]
    assert {y - x for x, y in itertools.pairwise(times)} == {320}
    assert {len(packet.payload) for packet in phone.packets} == {320}


async def test_backgrounds(engine, make_phone):
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    phone.connect(stream)
    stream.set_background("tone", "440+480")
    await until(lambda: len(phone.packets) >= 10)
    audio = phone.audio()
    assert level(audio, 440) > 1000
    assert level(audio, 480) > 1000
    stream.set_background("silence")
    await asyncio.sleep(0.05)
    since = time.monotonic()
    await asyncio.sleep(0.1)
    assert set(phone.audio(since)) == {0}
    stream.set_background(None)
    await asyncio.sleep(0.05)
    count = len(phone.packets)
    await asyncio.sleep(0.06)
    assert len(phone.packets) == count


async def test_nothing_is_sent_after_close(engine, make_phone):
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    phone.connect(stream)
    player = stream.play([ToneSource("440")])
    await until(lambda: phone.packets)
    stream.close()
    stream.close()
    assert (await player.done).reason == "stopped"
    count = len(phone.packets)
    await asyncio.sleep(0.06)
    assert len(phone.packets) - count <= 1
    await until(lambda: not leaks(engine))


async def test_rtcp_reports_loss(engine, make_phone):
    (alice, _bob), (a, b), _ = await two_in_a_bridge(engine, make_phone)
    rtcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    rtcp.setblocking(False)
    rtcp.bind(("127.0.0.1", 0))
    alice.connect(a, rtcp_remote=rtcp.getsockname())
    for index in range(40):
        if index % 10 == 5:
            alice.seq += 1  # lost on the way
        alice.send_frame(tone(500, 20))
        await asyncio.sleep(0.02)
    report = await asyncio.get_running_loop().sock_recv(rtcp, 500)
    assert report[1] == 201  # alice got nothing, so it is a receiver report
    assert struct.unpack("!I", report[8:12])[0] == alice.ssrc
    stats = a.stats()
    assert stats.rx_packets == 40
    assert stats.rx_lost == 4
    assert stats.remote_ssrc == alice.ssrc
    assert stats.local_ssrc == struct.unpack("!I", report[4:8])[0]
    assert stats.local_loss.maximum >= 1
    assert b.stats().tx_packets == 40
    rtcp.close()


async def test_a_second_player_needs_the_first_to_be_stopped(engine, make_phone):
    stream = engine.open_rtp("127.0.0.1")
    make_phone().connect(stream)
    first = stream.play([SilenceSource(5000)])
    with pytest.raises(Conflict):
        stream.play([SilenceSource(100)])
    first.stop()
    second = stream.play([SilenceSource(40)])
    assert (await first.done).reason == "stopped"
    assert (await second.done).reason == "finished"


async def test_closing_the_engine_settles_everything(tmp_path):
    engine = MediaEngine(EngineSettings(rtp_start=30000, rtp_end=30999, workers=1))
    await engine.start()
    stream, bridge = engine.open_rtp("127.0.0.1"), engine.create_bridge()
    player = stream.play([SilenceSource(60000)])
    bridge_player = bridge.play([ToneSource("440")])
    recorder = stream.record(str(tmp_path / "x.wav"), "wav")
    digits = stream.send_dtmf("123")
    await recorder.opened
    await engine.close()
    assert (await player.done).reason == "stopped"
    assert (await bridge_player.done).reason == "stopped"
    assert (await recorder.done).reason == "stream_closed"
    with pytest.raises(Exception, match=r"cancel|closed"):
        await digits
    with pytest.raises(Unavailable):
        engine.open_rtp("127.0.0.1")


async def test_a_missing_file_fails_with_its_reason(engine, make_phone):
    stream = engine.open_rtp("127.0.0.1")
    make_phone().connect(stream)
    result = await stream.play([FileSource("/nonexistent/x.wav")]).done
    assert result.reason == "failed"
    assert result.error == "No such file or directory"


def test_phone_reference_codec_is_an_inverse():
    assert RtpPhone is not None
    for sample in (0, 100, -100, 8000, -32000):
        from tests.media.rtp_phone import DECODE, ulaw_encode

        assert DECODE[ulaw_encode(sample)] == pytest.approx(sample, rel=0.04, abs=8)


async def test_an_echo_gives_back_what_was_said(engine, make_phone):
    phone = make_phone()
    stream = engine.open_rtp("127.0.0.1")
    phone.connect(stream)
    stream.set_background("echo")
    await asyncio.sleep(0.03)
    await phone.talk(tone(1000, 200))
    await until(lambda: len(phone.packets) == 10)
    assert level(phone.audio(), 1000) == pytest.approx(8000, rel=0.02)
    stream.set_background(None)
    await asyncio.sleep(0.03)
    await phone.talk(tone(1000, 60))
    assert len(phone.packets) == 10


async def test_packets_are_reported_while_they_are_traced(engine, make_phone):
    (alice, bob), (first, _), _ = await two_in_a_bridge(engine, make_phone)
    reported = []
    tracer = Tracer(lambda peer, packet: reported.append((peer, packet)), *first.remote)
    engine.set_tracer(tracer)
    await asyncio.sleep(0.03)
    await alice.talk(tone(1000, 60))
    await bob.talk(tone(1000, 40))
    await until(lambda: len(reported) == 5)
    assert {peer for peer, _ in reported} == {first.remote}
    assert [packet.is_sent for _, packet in reported] == [False] * 3 + [True] * 2
    assert {(packet.payload_type, packet.length) for _, packet in reported} == {(0, 160)}
    engine.set_tracer(None)
    await asyncio.sleep(0.03)
    await alice.talk(tone(1000, 60))
    await asyncio.sleep(0.05)
    assert len(reported) == 5


async def test_streams_that_come_later_are_traced_too(engine, make_phone):
    reported = []
    engine.set_tracer(Tracer(lambda peer, packet: reported.append(packet.sequence)))
    phone = make_phone()
    stream = engine.open_rtp("127.0.0.1")
    phone.connect(stream)
    stream.set_background("silence")
    await until(lambda: len(reported) >= 3)
    assert [b - a for a, b in itertools.pairwise(reported[:3])] == [1, 1]
