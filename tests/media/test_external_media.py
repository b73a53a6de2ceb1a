"""Media channels on the real engine: a phone and an application hear each other."""

from __future__ import annotations

import asyncio
import socket
import struct
from random import Random

import pytest

from server.base.tasks import TaskScope
from server.media.sockets import Protocol
from server.tech.audiosocket import AudioSocketTechnology
from server.tech.base import OutgoingCall, Party
from server.tech.external_media import UnicastRtpTechnology
from tests.media.rtp_phone import RtpPhone, level, tone, until


class Listener:
    """Writes down what a leg reports."""

    def __init__(self) -> None:
        self.log: list[tuple[object, ...]] = []

    def on_answered(self) -> None:
        self.log.append(("answered",))

    def on_hangup(self, cause: int, tech_cause: int | None, reason: str) -> None:
        self.log.append(("hangup", cause))


def dialled(leg) -> Listener:
    leg.listener = listener = Listener()
    leg.dial(Party(), Party())
    return listener


async def phone_in(engine, make_phone, bridge) -> RtpPhone:
    phone, stream = make_phone(), engine.open_rtp("127.0.0.1")
    phone.connect(stream)
    bridge.add(stream)
    return phone


async def test_unicast_rtp_carries_sound_both_ways(engine, make_phone):
    application = make_phone()
    bridge = engine.create_bridge()
    phone = await phone_in(engine, make_phone, bridge)
    host, port = application.address
    leg = UnicastRtpTechnology(engine).create_leg(f"{host}:{port}/c(ulaw)", OutgoingCall())
    listener = dialled(leg)
    application.to = (
        leg.variables["UNICASTRTP_LOCAL_ADDRESS"],
        int(leg.variables["UNICASTRTP_LOCAL_PORT"]),
    )
    bridge.add(leg.stream)
    await asyncio.sleep(0.03)
    assert listener.log == [("answered",)]
    await asyncio.gather(phone.talk(tone(500, 500)), application.talk(tone(700, 500)))
    await until(lambda: len(phone.audio()) > 3000 and len(application.audio()) > 3000)
    assert level(application.audio()[-1600:], 500) == pytest.approx(8000, rel=0.1)
    assert level(phone.audio()[-1600:], 700) == pytest.approx(8000, rel=0.1)
    leg.hangup(16)


async def test_unicast_rtp_in_slin16_is_sent_as_118_to_where_it_was_told(engine, make_phone):
    application, elsewhere = make_phone(), make_phone()
    bridge = engine.create_bridge()
    phones = [await phone_in(engine, make_phone, bridge) for _ in range(2)]
    host, port = application.address
    leg = UnicastRtpTechnology(engine).create_leg(
        f"{host}:{port}", OutgoingCall(formats=["slin16"])
    )
    dialled(leg)
    bridge.add(leg.stream)
    elsewhere.to = (leg.stream.host, leg.stream.port)
    wide = tone(900, 500, rate=16000)

    async def say() -> None:
        """Send from another port than the one that listens."""
        for at in range(0, len(wide) - 319, 320):
            elsewhere.send(struct.pack(">320h", *wide[at : at + 320]), 118)
            elsewhere.timestamp += 320
            await asyncio.sleep(0.02)

    await asyncio.gather(say(), phones[0].talk(tone(500, 500)))
    assert not elsewhere.packets
    assert {packet.payload_type for packet in application.packets} == {118}
    pcm = b"".join(packet.payload for packet in application.packets[-15:-5])
    assert level(list(struct.unpack(f">{len(pcm) // 2}h", pcm)), 500, 16000) > 6500
    assert level(phones[1].audio()[-2400:-800], 900) > 6000
    leg.hangup(16)


UUID = "40325ec2-5efd-4bd3-805f-53576e581d13"


class AudioSocketApplication:
    """An application that AudioSocket connects to.

    :ivar frames: kind and payload of what came.
    """

    def __init__(self) -> None:
        self.frames: list[tuple[int, bytes]] = []
        self.is_over = False
        self.writer: asyncio.StreamWriter | None = None

    async def start(self) -> str:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.server.close()
        await self.server.wait_closed()

    def send(self, kind: int, payload: bytes = b"") -> None:
        assert self.writer is not None
        self.writer.write(struct.pack("!BH", kind, len(payload)) + payload)

    def samples(self) -> list[int]:
        audio = b"".join(payload for kind, payload in self.frames if kind == 0x10)
        return list(struct.unpack(f"<{len(audio) // 2}h", audio))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        try:
            while True:
                kind, length = struct.unpack("!BH", await reader.readexactly(3))
                self.frames.append((kind, await reader.readexactly(length)))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.is_over = True
        writer.close()


@pytest.fixture
async def audiosocket():
    application = AudioSocketApplication()
    application.address = await application.start()
    yield application
    await application.close()


@pytest.fixture
async def scope():
    made = TaskScope("test")
    yield made
    assert len(made) == 0
    await made.close()


async def test_audiosocket_says_who_it_is_about_and_carries_sound_both_ways(
    engine, make_phone, audiosocket, scope
):
    bridge = engine.create_bridge()
    phone = await phone_in(engine, make_phone, bridge)
    technology = AudioSocketTechnology(engine, scope)
    leg = technology.create_leg(f"{audiosocket.address}/{UUID}", OutgoingCall())
    assert leg.name == f"AudioSocket/{audiosocket.address}-{UUID}"
    assert leg.variables["AUDIOSOCKET_UUID"] == UUID
    listener = dialled(leg)
    bridge.add(leg.stream)
    await until(lambda: audiosocket.frames)
    assert audiosocket.frames[0] == (1, bytes.fromhex(UUID.replace("-", "")))
    assert listener.log == [("answered",)]
    sound = tone(700, 600)
    for at in range(0, len(sound), 160):
        audiosocket.send(0x10, struct.pack("<160h", *sound[at : at + 160]))
    await phone.talk(tone(500, 500))
    await until(lambda: level(audiosocket.samples()[-1600:], 500) > 7000)
    assert level(phone.audio()[-1600:], 700) == pytest.approx(8000, rel=0.15)
    await leg.send_dtmf("7", before_ms=0, between_ms=0, duration_ms=40, after_ms=0)
    await until(lambda: (3, b"7") in audiosocket.frames)
    leg.hangup(16)
    await until(lambda: audiosocket.is_over)
    assert listener.log == [("answered",)]


async def test_audiosocket_ends_by_the_applications_hangup(engine, audiosocket, scope):
    leg = AudioSocketTechnology(engine, scope).create_leg(
        f"{audiosocket.address}/{UUID}/c(slin16)", OutgoingCall()
    )
    listener = dialled(leg)
    await until(lambda: audiosocket.frames)
    audiosocket.send(0)
    await until(lambda: len(listener.log) == 2)
    assert listener.log == [("answered",), ("hangup", 16)]
    assert leg.stream.is_closed


async def test_audiosocket_that_nobody_takes(engine, audiosocket, scope):
    technology = AudioSocketTechnology(engine, scope)
    leg = technology.create_leg(f"127.0.0.1:1/{UUID}", OutgoingCall())
    listener = dialled(leg)
    await until(lambda: listener.log)
    assert listener.log == [("hangup", 27)]
    early = technology.create_leg(f"{audiosocket.address}/{UUID}", OutgoingCall())
    listener = dialled(early)
    early.hangup(16)
    await asyncio.sleep(0.05)
    assert (listener.log, audiosocket.frames) == ([], [])


@pytest.mark.parametrize("protocol", list(Protocol))
async def test_noise_ends_a_connection_and_nothing_else(engine, protocol):
    random = Random(protocol)
    beginnings = [
        b"\x10\x01\x40",
        b"\x12\0\3",
        b"\x82\xfe\x01\x40abcd",
        b"\x82\x7e\x01\x40",
        b"\x81\5",
    ]
    streams = []
    for _ in range(60):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        stream = engine.open_socket(random.choice(["ulaw", "slin", "slin16"]))
        stream.connect(ours, protocol, start=bytes(16) if protocol is Protocol.AUDIOSOCKET else b"")
        streams.append(stream)
        for _ in range(random.randrange(4)):
            theirs.send(random.choice(beginnings) + random.randbytes(random.randrange(400)))
        theirs.close()
    ended = [asyncio.Event() for _ in streams]
    for stream, event in zip(streams, ended, strict=True):
        stream.on_news = lambda news, error, event=event: event.set()
    async with asyncio.timeout(5):
        for event in ended:
            await event.wait()
