"""Media channels on the real engine: a phone and an application hear each other."""

from __future__ import annotations

import asyncio
import struct

import pytest

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
