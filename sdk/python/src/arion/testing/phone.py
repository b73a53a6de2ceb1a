"""A scripted phone: SIP over UDP and G.711, nothing but the standard library.

It registers, calls, takes calls, presses keys, speaks and keeps what it hears::

    async with Phone("alice", password, server=("127.0.0.1", 5060), sounds=folder) as phone:
        await phone.call("1000")
        await phone.hears("vm-press")
        await phone.press("2")
        await phone.says(Path("message.wav"))
        await phone.hang_up()

Each call is a :class:`Call` of its own; the phone's verbs act on the latest one.
"""

from __future__ import annotations

import array
import asyncio
import secrets
from collections import deque
from pathlib import Path

from arion.testing.call import HEAR_S, QUIET_S, Call
from arion.testing.hearing import NotHeard
from arion.testing.sip import T1, T2, TIMER_B, Message, authorization, parameter, parse, uri_of

DEFAULT_CODECS = (0, 8)


class Phone(asyncio.DatagramProtocol):
    """A SIP user agent on one UDP socket.

    :param user: the account; also its authentication user.
    :param server: host and port of the registrar.
    :param codecs: RTP payload types in order of preference: 0 is G.711 µ-law, 8 A-law.
    :param sounds: the server's folder of sounds, with a folder for each language.
    :ivar current: the latest call, which the verbs of a script act on.
    """

    def __init__(
        self,
        user: str,
        password: str,
        *,
        server: tuple[str, int],
        host: str = "127.0.0.1",
        codecs: tuple[int, ...] = DEFAULT_CODECS,
        sounds: Path | None = None,
    ) -> None:
        self.user = user
        self.host = host
        self.codecs = codecs
        self.sounds = sounds
        self.current: Call | None = None
        self.port = 0
        self.calls: dict[str, Call] = {}
        self.trace: deque[tuple[str, bytes]] = deque(maxlen=1000)
        self._password = password
        self._server = server
        self._incoming: asyncio.Queue[Call] = asyncio.Queue()
        self._responses: dict[tuple[str, str], asyncio.Queue[Message]] = {}
        self._repeats: dict[str, asyncio.TimerHandle] = {}
        self._answers: dict[tuple[str, str], bytes] = {}  # for requests that come again
        self._register_id = secrets.token_hex(8)
        self._register_sequence = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Phone:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(self.host, 0)
        )
        self.port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for call in list(self.calls.values()):
            if call.answered.is_set():
                await call.hangup()
            call.finish("phone closed")
        self.vanish()

    def vanish(self) -> None:
        """Fall silent at once, as a phone whose plug was pulled."""
        for call in list(self.calls.values()):
            call.finish("phone vanished")
        for timer in self._repeats.values():
            timer.cancel()
        self._repeats.clear()
        if self._transport:
            self._transport.close()

    async def register(self, expires: int = 300) -> int:
        """Register, or unregister with ``expires=0``; return the final status."""
        return (await self._with_credentials(lambda: self._make_register(expires))).status

    async def call(self, number: str, timeout: float = TIMER_B) -> Call:
        """Dial, and return when the far end answered.

        :raises CallFailed: it refused, or did not answer in time.
        """
        call = await self.prepare(number)
        await call.dial(timeout)
        return call

    async def prepare(self, number: str) -> Call:
        """Make a call that :meth:`Call.dial` will start."""
        target = f"sip:{number}@{self._server[0]}:{self._server[1]}"
        call = Call(self, secrets.token_hex(12), self._local(), f"<{target}>", target)
        await call.open()
        self.calls[call.call_id] = self.current = call
        return call

    async def wait_call(self, timeout: float = 10) -> Call:
        """Return the next call that comes in."""
        self.current = await asyncio.wait_for(self._incoming.get(), timeout)
        return self.current

    # A script

    async def rings(self, *, timeout: float = HEAR_S) -> Call:
        """Wait for a call and let it ring.

        :raises NotHeard: none came.
        """
        try:
            call = await self.wait_call(timeout)
        except TimeoutError:
            raise NotHeard(f"{self.user} was not called within {timeout} s") from None
        call.ring()
        return call

    async def answer(self, *, timeout: float = HEAR_S) -> Call:
        """Take the call that rings, or the next one that comes in.

        :raises NotHeard: none came.
        """
        call = self.current
        if call is None or call.ended.is_set() or call.answered.is_set() or not call.is_incoming:
            call = await self.rings(timeout=timeout)
        call.accept()
        return call

    def reject(self, status: int = 486, reason: str = "Busy Here") -> None:
        """Refuse the call that rings."""
        self._call().reject(status, reason)

    async def press(self, keys: str) -> None:
        """Press keys; returns when the last one was sent."""
        await self._call().press(keys)

    async def says(self, sound: str | Path | array.array[int]) -> None:
        """Speak a sound of the server, a wav file, or samples; returns when it was said."""
        await self._call().says(sound)

    async def hears(
        self, prompt: str | Path, *, timeout: float = HEAR_S, whole: bool = True
    ) -> None:
        """Listen until a prompt was heard: see :meth:`Call.hears`."""
        await self._call().hears(prompt, timeout=timeout, whole=whole)

    async def hears_tone(self, hz: float, *, timeout: float = HEAR_S) -> None:
        """Listen until a tone was heard."""
        await self._call().hears_tone(hz, timeout=timeout)

    async def hears_silence(self, seconds: float = QUIET_S, *, timeout: float = HEAR_S) -> None:
        """Listen until nothing was heard for so long."""
        await self._call().hears_silence(seconds, timeout=timeout)

    async def hears_hangup(self, *, timeout: float = HEAR_S) -> str:
        """Wait until the far end hung up; return how the call ended."""
        return await self._call().hears_hangup(timeout=timeout)

    async def hang_up(self) -> None:
        """End the call; one that is not answered yet is given up."""
        call = self._call()
        if call.answered.is_set():
            await call.hangup()
        elif not call.is_incoming and not call.ended.is_set():
            await call.cancel()

    def _call(self) -> Call:
        if self.current is None:
            raise RuntimeError(f"{self.user} has no call")
        return self.current

    # Messages out

    def make(self, method: str, call: Call, body: str = "", sequence: int = 0) -> Message:
        """Make a request of a call."""
        if not sequence:
            call.sequence += 1
            sequence = call.sequence
        return self._make(
            method, call.target, call.local, call.remote, call.call_id, sequence, body, call.routes
        )

    async def invite(self, call: Call, body: str, timeout: float) -> Message:
        """Send INVITE or re-INVITE with credentials when asked; return the final response."""

        def attempt() -> Message:
            call.invite = self.make("INVITE", call, body)
            return call.invite

        final = await self._with_credentials(attempt, call.on_provisional, timeout)
        if final.status < 300:
            call.on_accepted(final)
        return final

    def respond(
        self, request: Message, status: int, reason: str, call: Call | None = None, body: str = ""
    ) -> None:
        """Answer a request."""
        response = Message(f"SIP/2.0 {status} {reason}")
        for name in ("Via", "Record-Route", "From", "To", "Call-ID", "CSeq"):
            for value in request.all(name):
                if name == "To" and call and not parameter(value, "tag"):
                    value = call.local
                response.headers.append((name, value))
        response.headers.append(("Contact", self._contact()))
        if body:
            response.headers.append(("Content-Type", "application/sdp"))
            response.body = body
        data = response.encode()
        self._answers[request.branch, request.method] = data
        self._send_bytes(data)
        if call and request.method == "INVITE" and status < 300 <= status + 100:
            self._repeat(call.call_id, data, T1)

    def stop_repeating(self, call_id: str) -> None:
        """The far end acknowledged our 200."""
        if timer := self._repeats.pop(call_id, None):
            timer.cancel()

    async def transact(
        self,
        request: Message,
        on_provisional: object = None,
        timeout: float = TIMER_B,
    ) -> Message:
        """Send a request until a response comes; return the final one, 408 if none came."""
        key = (request.branch, request.method)
        queue = self._responses[key] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        interval = T1
        self.send(request)
        try:
            while (left := deadline - loop.time()) > 0:
                try:
                    response = await asyncio.wait_for(queue.get(), min(interval, left))
                except TimeoutError:
                    if interval < left:
                        self.send(request)
                    interval = min(2 * interval, T2)
                    continue
                if response.status >= 200:
                    self._acknowledge_failure(request, response)
                    return response
                interval = timeout
                if callable(on_provisional):
                    on_provisional(response)
        finally:
            del self._responses[key]
        return Message("SIP/2.0 408 Request Timeout")

    def send(self, message: Message) -> None:
        """Send a message as it is."""
        self._send_bytes(message.encode())

    async def _with_credentials(
        self, make: object, on_provisional: object = None, timeout: float = TIMER_B
    ) -> Message:
        assert callable(make)
        request = make()
        response = await self.transact(request, on_provisional, timeout)
        if response.status not in (401, 407):
            return response
        is_proxy = response.status == 407
        uri = request.start.split(" ")[1]
        answer = authorization(
            response.all("Proxy-Authenticate" if is_proxy else "WWW-Authenticate"),
            request.method, uri, self.user, self._password,
        )  # fmt: skip
        request = make()
        request.headers.append(("Proxy-Authorization" if is_proxy else "Authorization", answer))
        return await self.transact(request, on_provisional, timeout)

    def _acknowledge_failure(self, request: Message, response: Message) -> None:
        if request.method != "INVITE" or response.status < 300:
            return
        ack = Message(request.start.replace("INVITE", "ACK", 1))
        for name in ("Via", "Max-Forwards", "From", "Call-ID", "Route"):
            ack.headers.extend((name, value) for value in request.all(name))
        ack.headers.append(("To", response.get("To")))
        ack.headers.append(("CSeq", f"{request.get('CSeq').split()[0]} ACK"))
        self.send(ack)

    def _make_register(self, expires: int) -> Message:
        self._register_sequence += 1
        uri = f"sip:{self._server[0]}:{self._server[1]}"
        request = self._make(
            "REGISTER", uri, self._local(), f"<sip:{self.user}@{self._server[0]}>",
            self._register_id, self._register_sequence, "", [],
        )  # fmt: skip
        request.headers.append(("Expires", str(expires)))
        return request

    def _make(
        self, method: str, target: str, local: str, remote: str, call_id: str, sequence: int,
        body: str, routes: list[str],
    ) -> Message:  # fmt: skip
        branch = "z9hG4bK" + secrets.token_hex(8)
        request = Message(f"{method} {target} SIP/2.0")
        request.headers = [
            ("Via", f"SIP/2.0/UDP {self.host}:{self.port};branch={branch};rport"),
            ("Max-Forwards", "70"),
            ("From", local),
            ("To", remote),
            ("Call-ID", call_id),
            ("CSeq", f"{sequence} {method}"),
            ("Contact", self._contact()),
            *(("Route", route) for route in routes),
        ]
        if body:
            request.headers.append(("Content-Type", "application/sdp"))
            request.body = body
        return request

    def _local(self) -> str:
        return f"<sip:{self.user}@{self._server[0]}>;tag={secrets.token_hex(6)}"

    def _contact(self) -> str:
        return f"<sip:{self.user}@{self.host}:{self.port}>"

    def _send_bytes(self, data: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self.trace.append((">", data))
            self._transport.sendto(data, self._server)

    def _repeat(self, call_id: str, data: bytes, interval: float) -> None:
        """Send our 200 again until it is acknowledged (RFC 3261 section 13.3.1.4)."""

        def again() -> None:
            self._send_bytes(data)
            self._repeat(call_id, data, min(2 * interval, T2))

        self.stop_repeating(call_id)
        self._repeats[call_id] = asyncio.get_running_loop().call_later(interval, again)

    # Messages in

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Sort what comes in: responses to their transaction, requests to their call."""
        self.trace.append(("<", data))
        try:
            message = parse(data)
        except ValueError:
            return
        if message.is_request:
            self._on_request(message)
        elif queue := self._responses.get((message.branch, message.method)):
            queue.put_nowait(message)
        elif message.method == "INVITE" and (call := self.calls.get(message.get("Call-ID"))):
            call.acknowledge()  # our ACK was lost, or the answer came twice

    def _on_request(self, request: Message) -> None:
        if known := self._answers.get((request.branch, request.method)):
            self._send_bytes(known)
        elif call := self.calls.get(request.get("Call-ID")):
            call.on_request(request)
        elif request.method == "INVITE":
            task = asyncio.get_running_loop().create_task(self._take(request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif request.method == "OPTIONS":
            self.respond(request, 200, "OK")
        elif request.method != "ACK":
            self.respond(request, 481, "Call/Transaction Does Not Exist")

    async def _take(self, request: Message) -> None:
        local = f"{request.get('To')};tag={secrets.token_hex(6)}"
        target = uri_of(request.get("Contact"))
        call = Call(self, request.get("Call-ID"), local, request.get("From"), target)
        call.invite = request
        call.is_incoming = True
        call.routes = request.all("Record-Route")
        self.calls[call.call_id] = call
        await call.open()
        self._incoming.put_nowait(call)
