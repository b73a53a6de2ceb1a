"""What a scripted phone says and hears: G.711, RTP, telephone events (RFC 3550, 3551, 4733)."""

from __future__ import annotations

import array
import asyncio
import random
import struct
import sys
import wave
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

RATE = 8000  # Hz
FRAME_MS = 20
FRAME = RATE * FRAME_MS // 1000  # samples
DIGITS = "0123456789*#ABCD"  # RFC 4733 section 3.2: event codes 0-15
DIGIT_FRAMES = 5  # 100 ms of a digit
DIGIT_GAP_FRAMES = 3
DIGIT_ENDS = 3  # RFC 4733 section 2.5.1.4: the end is sent three times
DIGIT_VOLUME = 10  # -dBm0
EVENT_TYPE = 101
CODECS = {0: "PCMU", 8: "PCMA"}
_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One received RTP packet.

    :param time: of arrival, seconds on the loop's clock.
    """

    time: float
    sequence: int
    timestamp: int
    ssrc: int
    payload_type: int
    samples: int


@cache
def decode_table(payload_type: int) -> array.array[int]:
    """Return what each G.711 octet decodes to."""
    decode = _decode_ulaw if payload_type == 0 else _decode_alaw
    return array.array("h", (decode(octet) for octet in range(256)))


@cache
def encode_table(payload_type: int) -> bytes:
    """Return the octet of each 16-bit sample, by ``sample + 32768 >> 2``."""
    table = decode_table(payload_type)
    order = sorted(range(256), key=lambda octet: table[octet])
    codes = bytearray()
    index = 0
    for value in range(-32768, 32768, 4):
        while index < 255 and abs(table[order[index + 1]] - value) <= abs(
            table[order[index]] - value
        ):
            index += 1
        codes.append(order[index])
    return bytes(codes)


def _decode_ulaw(octet: int) -> int:
    octet = ~octet & 0xFF
    magnitude = (((octet & 0x0F) << 3) + 0x84 << (octet >> 4 & 7)) - 0x84
    return -magnitude if octet & 0x80 else magnitude


def _decode_alaw(octet: int) -> int:
    octet ^= 0x55
    segment = octet >> 4 & 7
    magnitude = (octet & 0x0F) << 4 | 8
    if segment:
        magnitude = magnitude + 0x100 << segment - 1
    return magnitude if octet & 0x80 else -magnitude


def encode(samples: Iterable[int], payload_type: int) -> bytes:
    """Encode samples as G.711."""
    table = encode_table(payload_type)
    return bytes(table[sample + 32768 >> 2] for sample in samples)


def decode(payload: bytes, payload_type: int) -> array.array[int]:
    """Decode G.711."""
    table = decode_table(payload_type)
    return array.array("h", (table[octet] for octet in payload))


def read_wav(path: Path) -> array.array[int]:
    """Read a wav file of 16-bit mono samples at 8 kHz.

    :raises ValueError: it is of another form.
    """
    with wave.open(str(path), "rb") as file:
        form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
        if form != (1, 2, RATE):
            raise ValueError(f"{path}: expected mono, 16 bits, {RATE} Hz")
        samples = array.array("h", file.readframes(file.getnframes()))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def write_wav(path: Path, samples: array.array[int]) -> None:
    """Write samples as a mono 16-bit wav file at 8 kHz."""
    data = array.array("h", samples)
    if sys.byteorder == "big":
        data.byteswap()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(data.tobytes())


class Audio(asyncio.DatagramProtocol):
    """One RTP session: a frame goes out every 20 ms, and all that comes in is kept.

    :ivar heard: what came in, placed by RTP timestamp; what never came is silence.
    :ivar arrivals: every audio packet that came in.
    :ivar digits: the telephone events that came in, once each.
    """

    def __init__(self) -> None:
        self.heard: array.array[int] = array.array("h")
        self.arrivals: list[Arrival] = []
        self.digits = ""
        self.payload_type = 0
        self.sends = True
        # what is to be sent
        self._speech: array.array[int] = array.array("h")
        self._events: deque[bytes] = deque()  # payload of each event packet, b"" for a pause
        self._spoken = asyncio.Event()
        self._pressed = asyncio.Event()
        # RTP
        self._remote: tuple[str, int] | None = None
        self._sequence = random.getrandbits(16)
        self._timestamp = random.getrandbits(32)
        self._event_timestamp = 0
        self._ssrc = random.getrandbits(32)
        self._seen_event: tuple[int, int] | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._next_frame = 0.0
        self._is_closed = False
        self._changed = asyncio.Event()

    async def open(self, host: str) -> int:
        """Bind a port and return it."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    def start(self, remote: tuple[str, int], payload_type: int) -> None:
        """Send to *remote*; may be called again when the far end moves."""
        self._remote = remote
        self.payload_type = payload_type
        if self._timer is None:
            self._next_frame = asyncio.get_running_loop().time()
            self._send_frame()

    def close(self) -> None:
        """Stop. What was heard stays."""
        self._is_closed = True
        if self._timer:
            self._timer.cancel()
        if self._transport:
            self._transport.close()
        self._spoken.set()
        self._pressed.set()
        self._changed.set()

    @property
    def is_closed(self) -> bool:
        """Whether nothing more will be heard."""
        return self._is_closed

    async def wait_more(self) -> None:
        """Wait until more was heard, or the session closed."""
        self._changed.clear()
        if not self._is_closed:
            await self._changed.wait()

    async def say(self, samples: array.array[int]) -> None:
        """Speak; returns when the last sample was sent, or the session closed."""
        if self._is_closed:
            return
        self._speech.extend(samples)
        self._spoken.clear()
        await self._spoken.wait()

    async def press(self, digits: str) -> None:
        """Press keys; returns when the last one was sent, or the session closed."""
        if self._is_closed:
            return
        for digit in digits:
            self._events.extend(_event_payloads(DIGITS.index(digit.upper())))
        self._pressed.clear()
        await self._pressed.wait()

    def _send_frame(self) -> None:
        if self._events:
            self._send_event(self._events.popleft())
        elif self.sends:
            self._send_speech()
        if not self._speech:
            self._spoken.set()
        if not self._events:
            self._pressed.set()
        self._timestamp = self._timestamp + FRAME & 0xFFFFFFFF
        self._next_frame += FRAME_MS / 1000
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(self._next_frame, self._send_frame)

    def _send_speech(self) -> None:
        frame = self._speech[:FRAME]
        del self._speech[:FRAME]
        frame.extend([0] * (FRAME - len(frame)))
        self._send(self.payload_type, self._timestamp, encode(frame, self.payload_type))

    def _send_event(self, payload: bytes) -> None:
        if not payload:
            return
        _, flags, duration = _EVENT.unpack(payload)
        is_first = duration == FRAME and not flags & 0x80
        if is_first:
            self._event_timestamp = self._timestamp
        self._send(EVENT_TYPE, self._event_timestamp, payload, marker=is_first)

    def _send(
        self, payload_type: int, timestamp: int, payload: bytes, marker: bool = False
    ) -> None:
        assert self._transport
        assert self._remote
        second = payload_type | (0x80 if marker else 0)
        header = _HEADER.pack(0x80, second, self._sequence, timestamp, self._ssrc)
        self._sequence = self._sequence + 1 & 0xFFFF
        self._transport.sendto(header + payload, self._remote)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Keep what came; anything but RTP is left alone."""
        if len(data) < _HEADER.size or data[0] >> 6 != 2:
            return
        _, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
        payload = data[_HEADER.size + 4 * (data[0] & 0x0F) :]
        payload_type = second & 0x7F
        if payload_type == EVENT_TYPE and len(payload) >= _EVENT.size:
            self._on_event(payload, timestamp, ssrc)
        elif payload_type in CODECS:
            self._on_audio(
                payload,
                Arrival(
                    asyncio.get_running_loop().time(),
                    sequence,
                    timestamp,
                    ssrc,
                    payload_type,
                    len(payload),
                ),
            )

    def _on_audio(self, payload: bytes, arrival: Arrival) -> None:
        if self.arrivals:
            last = self.arrivals[-1]
            skipped = (arrival.timestamp - last.timestamp - last.samples) & 0xFFFFFFFF
            if arrival.ssrc == last.ssrc and 0 < skipped < 60 * RATE:
                self.heard.extend([0] * skipped)
        self.arrivals.append(arrival)
        self.heard.extend(decode(payload, arrival.payload_type))
        self._changed.set()

    def _on_event(self, payload: bytes, timestamp: int, ssrc: int) -> None:
        code, flags, _ = _EVENT.unpack_from(payload)
        if flags & 0x80 and code < len(DIGITS) and self._seen_event != (timestamp, ssrc):
            self._seen_event = (timestamp, ssrc)
            self.digits += DIGITS[code]


def _event_payloads(code: int) -> list[bytes]:
    """Return the packets of one key press, 20 ms each; an empty one is a pause."""
    pressed = [_EVENT.pack(code, DIGIT_VOLUME, FRAME * n) for n in range(1, DIGIT_FRAMES + 1)]
    end = _EVENT.pack(code, 0x80 | DIGIT_VOLUME, FRAME * (DIGIT_FRAMES + 1))
    return pressed + [end] * DIGIT_ENDS + [b""] * DIGIT_GAP_FRAMES
