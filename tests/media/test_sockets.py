"""Socket media on the real engine: frames, the play queue, control, peers that misbehave."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time

import pytest

from server.base.errors import Conflict, InvalidArgument
from server.media.sockets import Protocol, SocketNews
from tests.media.conftest import leaks
from tests.media.rtp_phone import DECODE, ENCODE, RtpPhone, level, tone, until

FRAME_BYTES = 160  # 20 ms of ulaw


class Peer:
    """The application's end of a media WebSocket.

    :ivar texts: control texts that came, in order, JSON decoded.
    :ivar audio: bytes of all binary messages.
    :ivar closed: the status of the close frame.
    """

    def __init__(self, ours: socket.socket, *, is_json: bool = True, is_client: bool = True):
        ours.setblocking(False)
        self.socket = ours
        self.is_json = is_json
        self.is_client = is_client
        self.texts: list = []
        self.at: list[float] = []
        self.audio = b""
        self.frames: list[int] = []
        self.pongs: list[bytes] = []
        self.pings = 0
        self.closed: int | None = None
        self.is_eof = False
        self._data = b""
        self.resume()

    def stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket.fileno())

    def resume(self) -> None:
        asyncio.get_running_loop().add_reader(self.socket.fileno(), self._read)

    def close(self) -> None:
        if self.socket.fileno() >= 0:
            self.stop()
            self.socket.close()

    def frame(self, opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
        mask_bit = 0x80 if self.is_client else 0
        if len(payload) < 126:
            head = bytes((fin << 7 | opcode, mask_bit | len(payload)))
        elif len(payload) < 65536:
            head = struct.pack("!BBH", fin << 7 | opcode, mask_bit | 126, len(payload))
        else:
            head = struct.pack("!BBQ", fin << 7 | opcode, mask_bit | 127, len(payload))
        if not self.is_client:
            return head + payload
        mask = b"\x11\x22\x33\x44"
        pattern = mask * (len(payload) // 4 + 1)
        masked = int.from_bytes(payload) ^ int.from_bytes(pattern[: len(payload)])
        return head + mask + masked.to_bytes(len(payload))

    async def send(self, opcode: int, payload: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.socket, self.frame(opcode, payload))

    async def play(self, audio: bytes) -> None:
        await self.send(2, audio)

    async def command(self, name: str, **fields: str) -> None:
        text = json.dumps({"command": name, **fields})
        await self.send(1, (text if self.is_json else " ".join([name, *fields.values()])).encode())

    def events(self, name: str) -> list:
        if self.is_json:
            return [text for text in self.texts if text["event"] == name]
        return [text for text in self.texts if text.split(" ")[0] == name]

    async def event(self, name: str, count: int = 1, timeout: float = 5.0):
        await until(lambda: len(self.events(name)) >= count, timeout)
        return self.events(name)[count - 1]

    def _read(self) -> None:
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self.is_eof = True
            self.stop()
        self._data += data
        while self._take_frame():
            pass

    def _take_frame(self) -> bool:
        if len(self._data) < 2:
            return False
        opcode, length, at = self._data[0] & 15, self._data[1] & 127, 2
        is_masked = bool(self._data[1] & 128)
        assert is_masked is not self.is_client
        if length == 126:
            length, at = struct.unpack("!H", self._data[2:4])[0], 4
        mask = self._data[at : at + 4] if is_masked else b"\0\0\0\0"
        at += 4 * is_masked
        if len(self._data) < at + length:
            return False
        payload = bytes(b ^ mask[i & 3] for i, b in enumerate(self._data[at : at + length]))
        self._data = self._data[at + length :]
        self._take(opcode, payload)
        return True

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == 1:
            self.texts.append(json.loads(payload) if self.is_json else payload.decode())
            self.at.append(time.monotonic())
        elif opcode == 2:
            self.audio += payload
            self.frames.append(len(payload))
        elif opcode == 8:
            self.closed = int.from_bytes(payload[:2])
        elif opcode == 9:
            self.pings += 1
        elif opcode == 10:
            self.pongs.append(payload)


def connected(buffer: int = 0) -> tuple[socket.socket, socket.socket]:
    """Return both ends of a TCP connection.

    :param buffer: bytes that the kernel may hold in each end, 0 for its own choice.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.socket()
        if buffer:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        theirs.connect(listener.getsockname())
        ours, _ = listener.accept()
    if buffer:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
    ours.setblocking(False)
    return ours, theirs


@pytest.fixture
async def connect(engine):
    """Make a stream with a peer: ``connect(codec, **options) -> (stream, peer, news)``."""
    peers: list[Peer] = []

    def make(codec: str = "ulaw", protocol=Protocol.WEBSOCKET_SERVER, buffer=0, **options):
        ours, theirs = connected(buffer)
        stream = engine.open_socket(codec)
        news: list[tuple[SocketNews, int]] = []
        stream.on_news = lambda what, error: news.append((what, error))
        options.setdefault("channel_id", "c1")
        options.setdefault("is_json", True)
        stream.connect(ours, protocol, **options)
        is_client = protocol is Protocol.WEBSOCKET_SERVER
        peers.append(Peer(theirs, is_json=options["is_json"], is_client=is_client))
        return stream, peers[-1], news

    yield make
    for peer in peers:
        peer.close()


def ulaw(samples: list[int]) -> bytes:
    return bytes(ENCODE[sample // 4 * 4] for sample in samples)


def linear(samples: list[int]) -> bytes:
    return struct.pack(f"<{len(samples)}h", *samples)


def from_linear(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 2}h", data[: len(data) // 2 * 2]))


async def call(engine, make_phone, bridge, **changes) -> RtpPhone:
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    phone.connect(stream, **changes)
    bridge.add(stream)
    return phone


# the way of audio


async def test_a_phone_and_a_peer_of_one_codec_hear_each_other(engine, make_phone, connect):
    stream, peer, _ = connect("ulaw")
    bridge = engine.create_bridge()
    phone = await call(engine, make_phone, bridge)
    bridge.add(stream)
    await asyncio.sleep(0.03)
    await peer.play(ulaw(tone(700, 600)))
    await phone.talk(tone(500, 500))
    await until(lambda: len(peer.audio) >= 4000)
    assert level([DECODE[b] for b in peer.audio[:4000]], 500) == pytest.approx(8000, rel=0.1)
    assert level(phone.audio()[-3200:], 700) == pytest.approx(8000, rel=0.1)
    assert set(peer.frames) == {FRAME_BYTES}
    assert {
        b.timestamp - a.timestamp for a, b in zip(phone.packets, phone.packets[1:], strict=False)
    } == {160}


@pytest.mark.parametrize(("codec", "rate"), [("slin", 8000), ("slin16", 16000)])
async def test_linear_audio_is_little_endian_in_a_mix(engine, make_phone, connect, codec, rate):
    stream, peer, _ = connect(codec)
    bridge = engine.create_bridge()
    phones = [await call(engine, make_phone, bridge) for _ in range(2)]
    bridge.add(stream)
    await asyncio.sleep(0.03)
    await peer.play(linear(tone(700, 700, rate=rate)))
    await asyncio.gather(phones[0].talk(tone(500, 600)), phones[1].talk(tone(1100, 600)))
    heard = from_linear(peer.audio)[-rate // 4 :]
    assert level(heard, 500, rate) == pytest.approx(8000, rel=0.15)
    assert level(heard, 1100, rate) == pytest.approx(8000, rel=0.15)
    assert level(heard, 700, rate) < 150
    assert level(phones[0].audio()[-1600:], 700) == pytest.approx(8000, rel=0.15)
    assert set(peer.frames) == {rate // 50 * 2}


async def test_blobs_of_any_size_are_cut_into_frames_and_gaps_are_silent(
    engine, make_phone, connect
):
    stream, peer, _ = connect("ulaw")
    bridge = engine.create_bridge()
    phone = await call(engine, make_phone, bridge)
    bridge.add(stream)
    await until(lambda: len(phone.packets) > 3)  # silence flows before any media
    audio = ulaw(tone(600, 500))
    for start in range(0, len(audio), 333):
        await peer.play(audio[start : start + 333])
    await until(lambda: level(phone.audio()[-1600:], 600) > 7000)
    await until(lambda: not any(phone.audio()[-320:]))
    assert {len(packet.payload) for packet in phone.packets} == {160}
    loud = [i for i, sample in enumerate(phone.audio()) if abs(sample) > 500]
    span = phone.audio()[loud[0] : loud[0] + 4000]
    assert level(span, 600) == pytest.approx(8000, rel=0.05)  # no silence inside


async def test_a_client_masks_and_takes_unmasked_frames(engine, make_phone, connect):
    stream, peer, _ = connect("ulaw", Protocol.WEBSOCKET_CLIENT, hello='{"event":"MEDIA_START"}')
    bridge = engine.create_bridge()
    phone = await call(engine, make_phone, bridge)
    bridge.add(stream)
    await peer.event("MEDIA_START")
    await peer.play(ulaw(tone(700, 400)))
    await phone.talk(tone(500, 300))
    await until(lambda: len(peer.audio) >= 2000)
    assert level([DECODE[b] for b in peer.audio[-1600:]], 500) == pytest.approx(8000, rel=0.1)
    assert level(phone.audio()[-1600:], 700) == pytest.approx(8000, rel=0.1)


async def test_what_python_read_already_comes_first(connect):
    stream, peer, _ = connect(start=b"", head="HTTP/1.1 101 x\r\n\r\n")
    peer.stop()
    loop = asyncio.get_running_loop()
    assert await loop.sock_recv(peer.socket, 18) == b"HTTP/1.1 101 x\r\n\r\n"
    ours, theirs = connected()
    second = stream._engine.open_socket("ulaw")
    other = Peer(theirs)
    asked = other.frame(1, b'{"command":"GET_STATUS"}')
    second.connect(ours, Protocol.WEBSOCKET_SERVER, channel_id="c", is_json=True, start=asked)
    await other.event("STATUS")
    other.close()


# control


async def test_marks_are_reported_when_they_are_reached(connect):
    _, peer, _ = connect()
    await peer.play(bytes(FRAME_BYTES * 10))
    await peer.command("MARK_MEDIA", correlation_id='ten "é"')
    await peer.play(bytes(FRAME_BYTES * 10))
    await peer.command("MARK_MEDIA")
    sent = time.monotonic()
    first = await peer.event("MEDIA_MARK_PROCESSED")
    second = await peer.event("MEDIA_MARK_PROCESSED", 2)
    assert first == {
        "event": "MEDIA_MARK_PROCESSED",
        "channel_id": "c1",
        "correlation_id": 'ten "é"',
    }
    assert second["correlation_id"] == ""
    assert peer.at[-2] - sent == pytest.approx(0.2, abs=0.06)
    assert peer.at[-1] - sent == pytest.approx(0.4, abs=0.06)


async def test_plain_text_events(connect):
    stream, peer, _ = connect(is_json=False, channel_id="chan-7")
    await peer.command("GET_STATUS")
    assert await peer.event("STATUS") == (
        "STATUS channel_id:chan-7 queue_length:0 xon_level:800 xoff_level:900 queue_full:false "
        "bulk_media:false media_paused:false"
    )
    await peer.command("MARK_MEDIA", id="a b")
    assert await peer.event("MEDIA_MARK_PROCESSED") == "MEDIA_MARK_PROCESSED a b"
    await peer.command("START_MEDIA_BUFFERING")
    await peer.command("STOP_MEDIA_BUFFERING")
    assert await peer.event("MEDIA_BUFFERING_COMPLETED") == "MEDIA_BUFFERING_COMPLETED"
    await peer.command("REPORT_QUEUE_DRAINED")
    assert await peer.event("QUEUE_DRAINED") == "QUEUE_DRAINED"
    await stream.send_dtmf("5")
    assert await peer.event("DTMF_END") == "DTMF_END digit:5 channel_id:chan-7"
    await peer.command("SET_MEDIA_DIRECTION", direction="in")
    error = await peer.event("ERROR")
    assert error.startswith("ERROR channel_id:chan-7 error_text:SET_MEDIA_DIRECTION needs")


async def test_buffered_media_is_not_padded_inside_and_its_end_is_reported(
    engine, make_phone, connect
):
    stream, peer, _ = connect()
    bridge = engine.create_bridge()
    phone = await call(engine, make_phone, bridge)
    bridge.add(stream)
    audio = ulaw(tone(600, 310))
    await peer.command("START_MEDIA_BUFFERING")
    for start in range(0, len(audio), 100):
        await peer.play(audio[start : start + 100])
        await asyncio.sleep(0.001)
    await peer.command("GET_STATUS")
    assert (await peer.event("STATUS"))["bulk_media"] is True
    await peer.command("STOP_MEDIA_BUFFERING", correlation_id="x")
    assert (await peer.event("MEDIA_BUFFERING_COMPLETED"))["correlation_id"] == "x"
    await until(lambda: not any(phone.audio()[-320:]))
    heard = phone.audio()
    first = next(i for i, sample in enumerate(heard) if abs(sample) > 500)
    assert level(heard[first : first + 2400], 600) == pytest.approx(8000, rel=0.05)


async def test_the_queue_says_xoff_and_xon_and_takes_no_more_than_it_can(engine, connect):
    _stream, peer, _ = connect()
    await peer.command("PAUSE_MEDIA")
    await peer.play(bytes(FRAME_BYTES * 899))
    await peer.command("GET_STATUS")
    status = await peer.event("STATUS")
    assert (status["queue_length"], status["queue_full"]) == (899, False)
    assert not peer.events("MEDIA_XOFF")
    await peer.play(bytes(FRAME_BYTES * 101))
    await peer.event("MEDIA_XOFF")
    await peer.play(bytes(FRAME_BYTES * 50))  # the queue holds 1,000: dropped
    await peer.command("GET_STATUS")
    status = await peer.event("STATUS", 2)
    assert (status["queue_length"], status["queue_full"]) == (1000, True)
    assert status["media_paused"] is True
    assert engine.counters()["socket_rx_full"] == 1
    assert not peer.events("MEDIA_XON")
    await peer.command("FLUSH_MEDIA")
    await peer.event("MEDIA_XON")


async def test_a_flush_is_heard_at_once(engine, make_phone, connect):
    stream, peer, _ = connect()
    bridge = engine.create_bridge()
    phone = await call(engine, make_phone, bridge)
    bridge.add(stream)
    await peer.play(ulaw(tone(600, 10_000)))
    await peer.command("MARK_MEDIA", correlation_id="never")
    await until(lambda: level(phone.audio()[-800:], 600) > 7000)
    flushed = time.monotonic()
    await peer.command("FLUSH_MEDIA")
    await peer.command("REPORT_QUEUE_DRAINED")
    await peer.event("QUEUE_DRAINED")
    await until(lambda: not any(phone.audio()[-320:]))
    last = max(p.at for p in phone.packets if any(DECODE[b] for b in p.payload))
    assert last - flushed < 0.06
    assert not peer.events("MEDIA_MARK_PROCESSED")
    await peer.command("GET_STATUS")
    assert (await peer.event("STATUS"))["queue_length"] == 0


async def test_pause_and_continue(connect):
    _, peer, _ = connect()
    await peer.command("PAUSE_MEDIA")
    await peer.play(bytes(FRAME_BYTES * 2))
    await peer.command("MARK_MEDIA")
    await peer.command("REPORT_QUEUE_DRAINED")
    await asyncio.sleep(0.15)
    assert peer.texts == []
    await peer.command("CONTINUE_MEDIA")
    await peer.event("QUEUE_DRAINED")
    assert [text["event"] for text in peer.texts] == ["MEDIA_MARK_PROCESSED", "QUEUE_DRAINED"]
    await asyncio.sleep(0.1)
    assert len(peer.events("QUEUE_DRAINED")) == 1  # asked for once


async def test_directions_are_the_applications(engine, make_phone, connect):
    stream, peer, _ = connect(direction="in")
    bridge = engine.create_bridge()
    phone = await call(engine, make_phone, bridge)
    bridge.add(stream)
    await asyncio.sleep(0.03)
    await peer.play(ulaw(tone(700, 200)))
    await phone.talk(tone(500, 100))
    await until(lambda: len(peer.audio) >= 800)
    assert phone.packets == []
    for name in ("MARK_MEDIA", "START_MEDIA_BUFFERING", "PAUSE_MEDIA"):
        await peer.command(name)
    assert "direction is in" in (await peer.event("ERROR", 3))["error_text"]
    await peer.command("SET_MEDIA_DIRECTION", direction="out")
    await peer.play(ulaw(tone(700, 300)))
    await until(lambda: level(phone.audio()[-800:], 700) > 7000)
    count = len(peer.audio)
    await phone.talk(tone(500, 100))
    assert len(peer.audio) == count
    await peer.command("SET_MEDIA_DIRECTION", direction="sideways")
    await peer.event("ERROR", 4)


async def test_passthrough_is_not_queued_and_has_no_queue_commands(engine, make_phone, connect):
    stream, peer, _ = connect(is_passthrough=True)
    bridge = engine.create_bridge()
    phone = await call(engine, make_phone, bridge)
    bridge.add(stream)
    await asyncio.sleep(0.05)
    assert phone.packets == []  # no silence of ours
    await peer.play(ulaw(tone(700, 10)))
    await until(lambda: len(phone.packets) == 1)
    assert len(phone.packets[0].payload) == 80
    names = ("START_MEDIA_BUFFERING", "STOP_MEDIA_BUFFERING", "MARK_MEDIA", "FLUSH_MEDIA")
    others = ("REPORT_QUEUE_DRAINED", "PAUSE_MEDIA", "CONTINUE_MEDIA", "SET_MEDIA_DIRECTION")
    for name in names + others:
        await peer.command(name)
    await peer.event("ERROR", 8)
    assert [text["error_text"].split()[0] for text in peer.texts] == [*names, *others]


async def test_unknown_and_malformed_commands_are_errors(connect):
    _, peer, _ = connect()
    for text in (
        b'{"command":"NO"}',
        b"GET_STATUS",
        b'{"command":"MARK_MEDIA","correlation_id":1}',
    ):
        await peer.send(1, text)
    await peer.send(
        1, b'{"command":"MARK_MEDIA","correlation_id":"' + b"x" * 90 + b'"}' + b" " * 90
    )
    await peer.event("ERROR", 4)
    assert [text["error_text"] for text in peer.texts] == [
        "Control message names an unknown command",
        "Control message is no JSON object",
        "Control message lacks a field, or one has the wrong type",
        "Control message is longer than 128 bytes",
    ]


# the connection


async def test_fragments_are_put_together_and_pings_answered_in_between(connect):
    _, peer, _ = connect()
    whole = b'{"command":"MARK_MEDIA","correlation_id":"parts"}'
    data = b"".join(
        (
            peer.frame(1, whole[:10], fin=False),
            peer.frame(9, b"are you there"),
            peer.frame(0, whole[10:], fin=True),
            peer.frame(2, bytes(100), fin=False),
            peer.frame(0, bytes(60), fin=True),
            peer.frame(10, b"unasked"),
        )
    )
    for byte in data:  # and byte by byte
        await asyncio.get_running_loop().sock_sendall(peer.socket, bytes((byte,)))
    assert (await peer.event("MEDIA_MARK_PROCESSED"))["correlation_id"] == "parts"
    assert peer.pongs == [b"are you there"]


@pytest.mark.parametrize(
    ("data", "news", "status"),
    [
        (b"\x88\x82\0\0\0\0\x03\xe8", SocketNews.CLOSED, 1001),
        (b"\x83\x80\0\0\0\0", SocketNews.REFUSED, 1003),
        (b"\x82\x01x", SocketNews.FAILED, 1002),  # not masked
        (b"\xc2\x80\0\0\0\0", SocketNews.FAILED, 1002),
        (b"\x80\x80\0\0\0\0", SocketNews.FAILED, 1002),  # continues nothing
        (b"\x81\x81\0\0\0\0\xff", SocketNews.FAILED, 1007),
    ],
    ids=["close", "opcode", "unmasked", "reserved", "continuation", "utf8"],
)
async def test_how_a_connection_ends(connect, data, news, status):
    _, peer, heard = connect()
    await asyncio.get_running_loop().sock_sendall(peer.socket, data)
    await until(lambda: peer.is_eof)
    assert peer.closed == status
    assert [what for what, _ in heard] == [news]


async def test_commands_answer_and_hangup_are_reported_once(connect):
    _, peer, news = connect()
    await peer.command("ANSWER")
    await peer.command("ANSWER")
    await peer.command("HANGUP")
    await until(lambda: peer.is_eof)
    assert peer.closed == 1000
    assert news == [(SocketNews.ANSWERED, 0), (SocketNews.HUNG_UP, 0)]


async def test_a_closed_stream_says_goodbye_behind_its_last_words(engine, connect):
    stream, peer, news = connect()
    await peer.play(bytes(FRAME_BYTES * 500))
    stream.close()
    await until(lambda: peer.is_eof)
    assert peer.closed == 1000
    assert news == []
    await until(lambda: not leaks(engine))


async def test_a_connection_that_breaks_is_reported(connect):
    _, peer, news = connect()
    peer.close()
    await until(lambda: news)
    assert news[0][0] is SocketNews.FAILED


async def test_a_peer_that_does_not_answer_pings_is_given_up(connect):
    _stream, peer, news = connect(ping_interval=1, ping_probes=1)
    await until(lambda: news, 4)
    assert news[0][0] is SocketNews.FAILED
    assert peer.pings == 1


async def test_a_peer_that_stops_reading_delays_nobody(engine, make_phone, connect):
    stream, peer, news = connect("slin16", buffer=2048)
    bridge = engine.create_bridge()
    phones = [await call(engine, make_phone, bridge) for _ in range(2)]
    bridge.add(stream)
    peer.stop()
    await asyncio.sleep(0.03)
    await asyncio.gather(*(phone.talk(tone(500, 1500)) for phone in phones))
    assert level(phones[1].audio()[-1600:], 500) == pytest.approx(8000, rel=0.15)
    assert engine.counters()["socket_tx_dropped"] > 5
    assert news == []
    peer.resume()  # it is still there, and what it gets is whole
    await until(lambda: len(peer.frames) > 20)
    assert set(peer.frames) == {640}


async def test_one_connection_per_stream(connect):
    stream, _, _ = connect()
    left, right = socket.socketpair()
    with pytest.raises(Conflict):
        stream.connect(left, Protocol.WEBSOCKET_SERVER)
    right.close()


async def test_unknown_codecs_are_refused(engine):
    with pytest.raises(InvalidArgument):
        engine.open_socket("speex")


async def test_digits_of_the_bridge_reach_the_peer_once(engine, make_phone, connect):
    stream, peer, _ = connect()
    bridge = engine.create_bridge()
    phone = await call(engine, make_phone, bridge)
    bridge.add(stream)
    await asyncio.sleep(0.03)
    await phone.press("7", 80)
    await phone.press("8", 80)
    await peer.event("DTMF_END", 2)
    assert [text["digit"] for text in peer.events("DTMF_END")] == ["7", "8"]


@pytest.mark.parametrize("engine", [2], indirect=True)
async def test_a_connection_moves_with_its_stream(engine, make_phone, connect):
    pairs = [connect() for _ in range(3)]
    bridge = engine.create_bridge()
    phone = await call(engine, make_phone, bridge)
    for stream, _, _ in pairs:
        bridge.add(stream)
    await asyncio.gather(*(peer.play(ulaw(tone(700, 500))) for _, peer, _ in pairs))
    await phone.talk(tone(500, 400))
    for _, peer, _ in pairs:
        assert level([DECODE[b] for b in peer.audio[-1600:]], 500) > 7000


# AudioSocket


class AudioPeer:
    """An AudioSocket server's end of one connection."""

    def __init__(self, ours: socket.socket) -> None:
        ours.setblocking(False)
        self.socket = ours
        self.frames: list[tuple[int, bytes]] = []
        self.is_eof = False
        self._data = b""
        asyncio.get_running_loop().add_reader(ours.fileno(), self._read)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket.fileno())
        self.socket.close()

    async def send(self, kind: int, payload: bytes = b"") -> None:
        data = struct.pack("!BH", kind, len(payload)) + payload
        await asyncio.get_running_loop().sock_sendall(self.socket, data)

    def audio(self, kind: int = 0x10) -> list[int]:
        return from_linear(b"".join(data for what, data in self.frames if what == kind))

    def _read(self) -> None:
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self.is_eof = True
            asyncio.get_running_loop().remove_reader(self.socket.fileno())
        self._data += data
        while len(self._data) >= 3:
            kind, length = struct.unpack("!BH", self._data[:3])
            if len(self._data) < 3 + length:
                return
            self.frames.append((kind, self._data[3 : 3 + length]))
            self._data = self._data[3 + length :]


@pytest.fixture
async def audiosocket(engine):
    """Make a stream with an AudioSocket server: ``audiosocket(codec)``."""
    peers: list[AudioPeer] = []

    def make(codec: str = "slin"):
        ours, theirs = connected()
        stream = engine.open_socket(codec)
        news: list[SocketNews] = []
        stream.on_news = lambda what, _error: news.append(what)
        stream.connect(ours, Protocol.AUDIOSOCKET, start=bytes(range(16)))
        peers.append(AudioPeer(theirs))
        return stream, peers[-1], news

    yield make
    for peer in peers:
        peer.close()


async def test_a_script_hears_bare_samples_and_what_it_writes_is_passed_over(engine, make_phone):
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    stream = engine.open_socket("slin")
    stream.connect(ours, Protocol.RAW, direction="in")
    bridge = engine.create_bridge()
    phone = await call(engine, make_phone, bridge)
    bridge.add(stream)
    theirs.send(b"nonsense" * 100)
    heard = bytearray()
    loop = asyncio.get_running_loop()
    loop.add_reader(theirs, lambda: heard.extend(theirs.recv(65536)))
    await phone.talk(tone(500, 500))
    await until(lambda: len(heard) >= 7000)
    loop.remove_reader(theirs)
    samples = memoryview(bytes(heard[: len(heard) // 2 * 2])).cast("h")
    assert max(level(list(samples)[at : at + 1600], 500) for at in range(0, 1600, 400)) > 7000
    theirs.close()


@pytest.mark.parametrize(("codec", "rate", "kind"), [("slin", 8000, 16), ("slin16", 16000, 18)])
async def test_audiosocket_both_ways(engine, make_phone, audiosocket, codec, rate, kind):
    stream, peer, _ = audiosocket(codec)
    bridge = engine.create_bridge()
    phone = await call(engine, make_phone, bridge)
    bridge.add(stream)
    await until(lambda: peer.frames)
    assert peer.frames[0] == (1, bytes(range(16)))
    audio = linear(tone(700, 600, rate=rate))
    for start in range(0, len(audio), rate // 50 * 2):
        await peer.send(kind, audio[start : start + rate // 50 * 2])
    await phone.talk(tone(500, 500))
    await until(lambda: len(peer.audio(kind)) >= rate // 4)
    assert level(peer.audio(kind)[-rate // 5 :], 500, rate) == pytest.approx(8000, rel=0.15)
    assert level(phone.audio()[-1600:], 700) == pytest.approx(8000, rel=0.15)
    assert {len(data) for what, data in peer.frames if what == kind} == {rate // 50 * 2}


async def test_audiosocket_takes_every_rate(engine, make_phone, audiosocket):
    stream, peer, news = audiosocket("slin")
    bridge = engine.create_bridge()
    phone = await call(engine, make_phone, bridge)
    bridge.add(stream)
    rates = (12000, 16000, 24000, 32000, 44100, 48000, 96000, 192000)
    for index, rate in enumerate(rates):
        since = time.monotonic()
        audio = linear(tone(400 + 100 * index, 300, rate=rate))
        for start in range(0, len(audio), 40_000):  # half a sample at the end is left out
            await peer.send(0x11 + index, audio[start : start + 40_000] + b"x")
        hz = 400 + 100 * index
        await until(lambda since=since, hz=hz: level(phone.audio(since)[-1200:], hz) > 6500)
    assert news == []


async def test_audiosocket_digits_and_hangup(audiosocket):
    stream, peer, news = audiosocket()
    await stream.send_dtmf("1#")
    await until(lambda: [data for kind, data in peer.frames if kind == 3] == [b"1", b"#"])
    await peer.send(0)
    await until(lambda: peer.is_eof)
    assert news == [SocketNews.HUNG_UP]


@pytest.mark.parametrize(("kind", "payload"), [(0x10, b""), (0x01, bytes(16)), (0xFF, b"x")])
async def test_audiosocket_ends_with_what_is_not_expected(audiosocket, kind, payload):
    _, peer, news = audiosocket()
    await peer.send(kind, payload)
    await until(lambda: peer.is_eof)
    assert news == [SocketNews.FAILED]
