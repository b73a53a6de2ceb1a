"""A phone as far as RTP goes: sends tones and digits, measures what it hears."""

from __future__ import annotations

import asyncio
import math
import socket
import struct
import time
from dataclasses import dataclass

from server.media.streams import RtpStream

RATE = 8000
FRAME = 160
FRAME_S = 0.02
DIGITS = "0123456789*#ABCD"
EVENT_PT = 101


def ulaw_encode(sample: int) -> int:
    """ITU-T G.711 mu-law, by the definition (a reference to check the engine's tables with)."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32635) + 132
    exponent = magnitude.bit_length() - 8
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return ~(sign | exponent << 4 | mantissa) & 0xFF


def ulaw_decode(code: int) -> int:
    code = ~code & 0xFF
    exponent, mantissa = code >> 4 & 7, code & 0x0F
    magnitude = ((mantissa << 3) + 132 << exponent) - 132
    return -magnitude if code & 0x80 else magnitude


ENCODE = {sample: ulaw_encode(sample) for sample in range(-32768, 32768, 4)}
DECODE = [ulaw_decode(code) for code in range(256)]


def tone(hz: float, ms: int, peak: int = 8000, rate: int = RATE) -> list[int]:
    """Samples of a sine."""
    count = ms * rate // 1000
    return [round(peak * math.sin(2 * math.pi * hz * i / rate)) for i in range(count)]


def level(samples: list[int], hz: float, rate: int = RATE) -> float:
    """Peak amplitude of the sine of this frequency in the samples (Goertzel)."""
    if not samples:
        return 0.0
    coefficient = 2 * math.cos(2 * math.pi * hz / rate)
    s1 = s2 = 0.0
    for sample in samples:
        s1, s2 = sample + coefficient * s1 - s2, s1
    power = s1 * s1 + s2 * s2 - coefficient * s1 * s2
    return 2 * math.sqrt(max(power, 0.0)) / len(samples)


@dataclass
class Packet:
    at: float
    payload_type: int
    marker: bool
    seq: int
    timestamp: int
    ssrc: int
    payload: bytes


class RtpPhone:
    """One phone on a loopback port.

    :ivar packets: what came, in order.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.setblocking(False)
        self.address = self.socket.getsockname()[:2]
        self.packets: list[Packet] = []
        self.seq = 100
        self.timestamp = 1000
        self.ssrc = 0x1234_0000 + self.address[1]
        self.to: tuple[str, int] = ("", 0)
        asyncio.get_running_loop().add_reader(self.socket.fileno(), self._read)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket.fileno())
        self.socket.close()

    def connect(self, stream: RtpStream, **changes: object) -> None:
        """Configure the stream for this phone, as SDP would."""
        self.to = (stream.host, stream.port)
        options: dict[str, object] = {
            "remote": self.address,
            "codec": "ulaw",
            "payload_type": 0,
            "dtmf_payload_type": EVENT_PT,
            "receive_map": {0: "ulaw", 8: "alaw", 11: "slin16", 10: "slin"},
            "symmetric": True,
        }
        stream.configure(**{**options, **changes})  # type: ignore[arg-type]

    def send(self, payload: bytes, payload_type: int = 0, marker: bool = False) -> None:
        header = struct.pack(
            "!BBHII",
            0x80,
            payload_type | marker << 7,
            self.seq & 0xFFFF,
            self.timestamp & 0xFFFFFFFF,
            self.ssrc,
        )
        self.seq += 1
        self.socket.sendto(header + payload, self.to)

    def send_frame(self, samples: list[int]) -> None:
        """Send 20 ms as mu-law."""
        self.send(bytes(ENCODE[sample // 4 * 4] for sample in samples))
        self.timestamp += len(samples)

    async def talk(self, samples: list[int]) -> None:
        """Send audio in real time."""
        start = time.monotonic()
        for index in range(0, len(samples) - FRAME + 1, FRAME):
            self.send_frame(samples[index : index + FRAME])
            delay = start + (index // FRAME + 1) * FRAME_S - time.monotonic()
            await asyncio.sleep(max(delay, 0))

    async def press(self, digit: str, duration_ms: int = 60, end_packets: int = 3) -> None:
        """Send a digit as RFC 4733 events; the timestamp stays that of its start."""
        event = DIGITS.index(digit)
        steps = duration_ms // 20
        for step in range(1, steps + 1):
            block = struct.pack("!BBH", event, 10, step * FRAME)
            self.send(block, EVENT_PT, marker=step == 1)
            await asyncio.sleep(0.005)
        for _ in range(end_packets):
            self.send(struct.pack("!BBH", event, 0x80 | 10, steps * FRAME), EVENT_PT)
        self.timestamp += (steps + 1) * FRAME

    def audio(self, since: float = 0.0) -> list[int]:
        """What was heard from this moment on, as samples."""
        return [
            DECODE[code]
            for packet in self.packets
            if packet.payload_type == 0 and packet.at >= since
            for code in packet.payload
        ]

    def events(self) -> list[tuple[str, bool, int]]:
        """Received RFC 4733 blocks: digit, end bit, duration."""
        blocks = [p.payload for p in self.packets if p.payload_type == EVENT_PT]
        return [(DIGITS[b[0]], bool(b[1] & 0x80), b[2] << 8 | b[3]) for b in blocks]

    def _read(self) -> None:
        while True:
            try:
                data = self.socket.recv(2048)
            except BlockingIOError:
                return
            _, kind, seq, timestamp, ssrc = struct.unpack("!BBHII", data[:12])
            self.packets.append(
                Packet(
                    time.monotonic(), kind & 0x7F, bool(kind >> 7), seq, timestamp, ssrc, data[12:]
                )
            )


async def until(condition: object, timeout: float = 3.0) -> None:
    """Wait for an event with a deadline."""
    deadline = time.monotonic() + timeout
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen in time")
        await asyncio.sleep(0.005)
