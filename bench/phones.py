"""A crowd of SIP phones on one UDP socket: just enough of RFC 3261 to set up calls, fast."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

RETRANSMIT_S = 0.5
CALL_S = 15.0
BUFFER = 8 << 20
_SDP_PORT = re.compile(rb"^m=audio (\d+)", re.MULTILINE)
_TO_TAG = re.compile(rb"^To:.*?;tag=([^;\r\n]+)", re.MULTILINE | re.IGNORECASE)
_CONTACT = re.compile(rb"^Contact: *<([^>]+)>", re.MULTILINE | re.IGNORECASE)
_COPIED = re.compile(
    rb"^(?:Via|From|To|Call-ID|CSeq|Record-Route):[^\r\n]*\r\n", re.MULTILINE | re.IGNORECASE
)
_CALL_ID = re.compile(rb"^Call-ID: *([^\r\n]+)", re.MULTILINE | re.IGNORECASE)


@dataclass(slots=True)
class Call:
    """A call that a phone made.

    :param port: where the server wants its RTP, once answered.
    :param sent: and *answered*, by the monotonic clock.
    """

    call_id: str
    number: str
    target: str
    sent: float = 0.0
    answered: float = 0.0
    port: int = 0
    to_tag: bytes = b""
    contact: str = ""
    status: int = 0
    final: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Phones(asyncio.DatagramProtocol):
    """The crowd.

    ``on_incoming`` returns the RTP port of the phone whose number is called.
    """

    def __init__(self, server: tuple[str, int]) -> None:
        self.on_incoming: Callable[[str], int] = lambda _: 9
        self.incoming_ports: dict[str, int] = {}
        self._server = server
        self._calls: dict[bytes, Call] = {}
        self._made = 0
        self._port = 0
        self._prefix = f"{time.monotonic_ns():x}"
        self._transport: asyncio.DatagramTransport | None = None

    # what users of phones do

    async def call(self, number: str, rtp_port: int) -> Call:
        """Call, and wait until it is answered.

        :raises RuntimeError: refused, or no answer.
        """
        call = self.start(number, rtp_port)
        request = self._invite(call, rtp_port)
        deadline = time.monotonic() + CALL_S
        while not call.final.is_set():
            self._send(request)
            with_pause = asyncio.timeout(RETRANSMIT_S if not call.status else CALL_S)
            try:
                async with with_pause:
                    await call.final.wait()
            except TimeoutError:
                if time.monotonic() > deadline:
                    break
        if call.status != 200:
            raise RuntimeError(f"{number}: {call.status or 'no answer'}")
        return call

    def start(self, number: str, rtp_port: int) -> Call:
        """Make a call without sending it."""
        self._made += 1
        call = Call(f"{self._prefix}-{self._made}", number, f"sip:{number}@{_text(self._server)}")
        self._calls[call.call_id.encode()] = call
        return call

    async def call_all(
        self, numbers: Sequence[str], ports: Sequence[int], *, at_once: int = 16
    ) -> list[Call]:
        """Make calls, some at a time; return them in order."""
        gate = asyncio.Semaphore(at_once)

        async def one(number: str, port: int) -> Call:
            async with gate:
                return await self.call(number, port)

        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(one(number, port))
                for number, port in zip(numbers, ports, strict=True)
            ]
        return [task.result() for task in tasks]

    def hang_up(self, call: Call) -> None:
        """Send BYE, once."""
        self._send(self._request("BYE", call, 2, call.contact))

    async def hang_up_all(self, calls: Sequence[Call]) -> None:
        """End calls, and wait a moment for the server to be done."""
        for index, call in enumerate(calls):
            self.hang_up(call)
            if index % 8 == 7:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)

    # asyncio.DatagramProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self._port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data.startswith(b"SIP/2.0 "):
            self._handle_response(data)
        elif data.startswith(b"INVITE "):
            self._answer_invite(data)
        elif data.startswith(b"BYE "):
            self._send(_response(data, b"", b""))
            call = self._calls.get(_call_id(data))
            if call:
                call.ended.set()
        elif not data.startswith(b"ACK ") and len(data) > 4:
            self._send(_response(data, b"", b""))

    # private

    def _handle_response(self, data: bytes) -> None:
        call = self._calls.get(_call_id(data))
        status = int(data[8:11])
        if call is None or b"INVITE" not in data:
            return
        call.status = status
        if status < 200:
            return
        tag = _TO_TAG.search(data)
        call.to_tag = tag[1] if tag else b""
        contact = _CONTACT.search(data)
        call.contact = contact[1].decode() if contact else call.target
        self._send(self._request("ACK", call, 1, call.contact if status < 300 else call.target))
        if call.final.is_set():
            return
        port = _SDP_PORT.search(data)
        call.port = int(port[1]) if port else 0
        call.answered = time.monotonic()
        call.final.set()

    def _answer_invite(self, data: bytes) -> None:
        number = data[7 : data.index(b" ", 7)].decode().removeprefix("sip:").partition("@")[0]
        offered = _SDP_PORT.search(data)
        if offered:
            self.incoming_ports[number] = int(offered[1])
        tag = b";tag=p" + _call_id(data)[:16]
        self._send(_response(data, tag, self._sdp(self.on_incoming(number)), self._port))

    def _invite(self, call: Call, rtp_port: int) -> bytes:
        call.sent = time.monotonic()
        return self._request("INVITE", call, 1, call.target, self._sdp(rtp_port))

    def _request(self, method: str, call: Call, number: int, uri: str, body: bytes = b"") -> bytes:
        me = f"127.0.0.1:{self._port}"
        tag = f";tag={call.to_tag.decode()}" if call.to_tag else ""
        branch = (
            f"z9hG4bK{call.call_id}{number}{'a' if method == 'ACK' and call.status < 300 else ''}"
        )
        kind = "Content-Type: application/sdp\r\n" if body else ""
        return (
            f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {me};rport;branch={branch}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:bench@127.0.0.1>;tag={call.call_id}\r\n"
            f"To: <{call.target}>{tag}\r\nCall-ID: {call.call_id}\r\nCSeq: {number} {method}\r\n"
            f"Contact: <sip:bench@{me}>\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def _sdp(self, port: int) -> bytes:
        return (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
        ).encode()

    def _send(self, data: bytes) -> None:
        assert self._transport
        self._transport.sendto(data, self._server)


def _response(request: bytes, tag: bytes, body: bytes, port: int = 0) -> bytes:
    lines = b"".join(
        line.rstrip() + tag + b"\r\n" if tag and line[:3].lower() == b"to:" else line
        for line in _COPIED.findall(request)
    )
    if body:
        lines += b"Contact: <sip:peer@127.0.0.1:%d>\r\nContent-Type: application/sdp\r\n" % port
    return b"SIP/2.0 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (lines, len(body), body)


def _call_id(message: bytes) -> bytes:
    found = _CALL_ID.search(message)
    return found[1] if found else b""


def _text(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"


@asynccontextmanager
async def phones(server: tuple[str, int], port: int = 0) -> AsyncIterator[Phones]:
    """A crowd that calls *server*.

    :param port: its own SIP port.
    """
    sock = socket.socket(type=socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    sock.bind(("127.0.0.1", port))
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: Phones(server), sock=sock)
    try:
        yield protocol
    finally:
        transport.close()
