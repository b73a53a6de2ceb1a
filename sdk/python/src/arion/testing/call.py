"""A call of a scripted phone: its dialog, and what a script says and hears in it."""

from __future__ import annotations

import array
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from arion.testing.audio import Audio, read_wav
from arion.testing.hearing import Ear, NotHeard
from arion.testing.prompts import find_sound
from arion.testing.sip import TIMER_B, Message, offer_sdp, read_sdp, uri_of

if TYPE_CHECKING:
    from arion.testing.phone import Phone

HEAR_S = 10.0  # seconds to listen for something
QUIET_S = 0.2


class CallFailed(Exception):
    """The far end refused.

    :param status: of the final response; 408 when none came.
    """

    def __init__(self, status: int, reason: str = "") -> None:
        super().__init__(f"{status} {reason}")
        self.status = status


class Call:
    """One call, in either direction.

    :ivar audio: what is said and heard.
    :ivar ringing: set by 180 and 183.
    :ivar answered: set when either side took the call.
    :ivar ended: set when the call is over, whoever ended it; ``end_reason`` says how.
    """

    def __init__(self, phone: Phone, call_id: str, local: str, remote: str, target: str) -> None:
        self.audio = Audio()
        self.ringing = asyncio.Event()
        self.answered = asyncio.Event()
        self.ended = asyncio.Event()
        self.end_reason = ""
        self.is_held_by_peer = False
        self.is_incoming = False
        # dialog
        self.call_id = call_id
        self.local = local
        self.remote = remote
        self.target = target
        self.sequence = 0
        self.invite: Message | None = None
        self.routes: list[str] = []
        self._phone = phone
        self._port = 0
        self._sdp_version = 1
        self._ack: Message | None = None
        self._ear = Ear(self.audio)

    async def open(self) -> None:
        """Bind the RTP port."""
        self._port = await self.audio.open(self._phone.host)

    # What a script does

    async def hears(
        self, prompt: str | Path, *, timeout: float = HEAR_S, whole: bool = True
    ) -> None:
        """Listen until a prompt was heard; the next one is looked for after it.

        :param prompt: name of a sound of the server, or a wav file.
        :param timeout: seconds.
        :param whole: to its end; ``False``: its first half second is enough.
        :raises NotHeard: it was not, in time or before the call ended.
        """
        path = prompt if isinstance(prompt, Path) else find_sound(self._phone.sounds, prompt)
        await self._ear.hears(str(prompt), read_wav(path), timeout, whole)

    async def hears_tone(self, hz: float, *, timeout: float = HEAR_S) -> None:
        """Listen until a tone was heard for a tenth of a second.

        :raises NotHeard: it was not.
        """
        await self._ear.hears_tone(hz, timeout)

    async def hears_silence(self, seconds: float = QUIET_S, *, timeout: float = HEAR_S) -> None:
        """Listen until nothing was heard for so long: the end of a prompt or tone.

        :raises NotHeard: it did not get quiet.
        """
        await self._ear.hears_silence(seconds, timeout)

    async def says(self, sound: str | Path | array.array[int]) -> None:
        """Speak; returns when it was said.

        :param sound: name of a sound of the server, a wav file, or samples at 8 kHz.
        """
        if isinstance(sound, str):
            sound = find_sound(self._phone.sounds, sound)
        await self.audio.say(read_wav(sound) if isinstance(sound, Path) else sound)

    async def press(self, keys: str) -> None:
        """Press keys; returns when the last one was sent."""
        await self.audio.press(keys)

    async def hears_hangup(self, *, timeout: float = HEAR_S) -> str:
        """Wait until the far end hung up; return how the call ended.

        :raises NotHeard: it did not.
        """
        try:
            await asyncio.wait_for(self.ended.wait(), timeout)
        except TimeoutError:
            raise NotHeard(f"the far end did not hang up within {timeout} s") from None
        return self.end_reason

    # An incoming call

    def ring(self) -> None:
        """Say that the phone rings (180)."""
        assert self.invite
        self._phone.respond(self.invite, 180, "Ringing", self)

    def accept(self) -> None:
        """Take the call (200)."""
        assert self.invite
        self._apply(self.invite.body)
        self._phone.respond(self.invite, 200, "OK", self, self._sdp())
        self.answered.set()

    def reject(self, status: int = 486, reason: str = "Busy Here") -> None:
        """Refuse the call."""
        assert self.invite
        self._phone.respond(self.invite, status, reason, self)
        self.finish(f"rejected with {status}")

    # An outgoing call

    async def dial(self, timeout: float) -> None:
        """Send INVITE and wait for the answer.

        :raises CallFailed: the call was refused.
        """
        final = await self._phone.invite(self, self._sdp(), timeout)
        if final.status >= 300:
            self.finish(final.start)
            raise CallFailed(final.status, final.start.split(" ", 2)[2])
        self.answered.set()

    def on_provisional(self, response: Message) -> None:
        """The far end rings, perhaps with early media."""
        if response.status > 100:
            self.ringing.set()
            if response.body:
                self._apply(response.body)

    def on_accepted(self, response: Message) -> None:
        """The far end answered: complete the dialog and acknowledge."""
        self.remote = response.get("To")
        self.target = uri_of(response.get("Contact"))
        self.routes = list(reversed(response.all("Record-Route")))
        self._ack = self._phone.make("ACK", self, sequence=int(response.get("CSeq").split()[0]))
        self.acknowledge()
        if response.body:
            self._apply(response.body)

    def acknowledge(self) -> None:
        """Send the ACK, again if the answer came again."""
        if self._ack:
            self._phone.send(self._ack)

    async def cancel(self) -> None:
        """Give up before the answer."""
        assert self.invite
        cancel = Message(self.invite.start.replace("INVITE", "CANCEL", 1))
        for name in ("Via", "Max-Forwards", "From", "To", "Call-ID"):
            cancel.headers.append((name, self.invite.get(name)))
        cancel.headers.append(("CSeq", f"{self.invite.get('CSeq').split()[0]} CANCEL"))
        await self._phone.transact(cancel)

    # Inside a call

    async def hold(self) -> None:
        """Put the far end on hold with a re-INVITE."""
        await self._reinvite("sendonly")

    async def resume(self) -> None:
        """Take it back."""
        await self._reinvite("sendrecv")

    async def hangup(self) -> None:
        """Send BYE. Does nothing when the call is over."""
        if not self.ended.is_set():
            self.finish("hung up here")
            await self._phone.transact(self._phone.make("BYE", self))

    async def _reinvite(self, direction: str) -> None:
        self._sdp_version += 1
        final = await self._phone.invite(self, self._sdp(direction), TIMER_B)
        if final.status >= 300:
            raise CallFailed(final.status)

    def on_request(self, request: Message) -> None:
        """The far end asks for something inside the call."""
        if request.method == "BYE":
            self._phone.respond(request, 200, "OK", self)
            self.finish("hung up there")
        elif request.method in ("INVITE", "UPDATE"):
            if request.body:
                self._apply(request.body)
            self._phone.respond(request, 200, "OK", self, self._sdp())
        elif request.method == "CANCEL":
            self._phone.respond(request, 200, "OK", self)
            if self.invite and not self.answered.is_set():
                self._phone.respond(self.invite, 487, "Request Terminated", self)
                self.finish("cancelled")
        elif request.method == "ACK":
            self._phone.stop_repeating(self.call_id)
        else:
            self._phone.respond(request, 200, "OK", self)

    def finish(self, reason: str) -> None:
        """End the call here: no more audio."""
        self.end_reason = self.end_reason or reason
        self.ended.set()
        self.audio.close()
        self._phone.calls.pop(self.call_id, None)

    def _sdp(self, direction: str = "sendrecv") -> str:
        codecs = list(self._phone.codecs)
        return offer_sdp(self._phone.host, self._port, codecs, direction, self._sdp_version)

    def _apply(self, body: str) -> None:
        remote, types, direction = read_sdp(body)
        self.is_held_by_peer = direction in ("sendonly", "inactive") or remote[0] == "0.0.0.0"
        codec = next((t for t in types if t in self._phone.codecs), None)
        if codec is None:
            raise CallFailed(488, "no codec in common")
        self.audio.start(remote, codec)
