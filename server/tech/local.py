"""Local channels: a call into our own dialplan, ``Local/exten@context[/n]``.

A Local channel is a pair. The half that was asked for (``;1``) looks like any outgoing leg; the
other (``;2``) comes into the dialplan like any incoming call. What one half is told by
signalling, the other reports; their streams are the two ends of a local pair in the media engine.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Sequence

from server.base.causes import Cause
from server.base.errors import InvalidArgument, ServerError, Unprocessable
from server.media.engine import MediaEngine
from server.media.streams import Stream
from server.tech.base import (
    CallSink,
    EndpointInfo,
    ExtensionMatch,
    IncomingCall,
    LegListener,
    OutgoingCall,
    Party,
    Redirecting,
    TextMessage,
    Traits,
)

OPTIONS = frozenset("njmb")  # Asterisk's; j and m change nothing here, b needs no reformatting


class LocalLeg:
    """One half of a pair; see :class:`server.tech.base.Leg`."""

    def __init__(self, pair: LocalPair, name: str, stream: Stream) -> None:
        self.pair = pair
        self.name = name
        self.stream = stream
        self.listener: LegListener | None = None
        self.other: LocalLeg | None = None
        self.is_over = False

    @property
    def peer(self) -> LocalLeg:
        """The other half; once both are over, this one, which does nothing any more."""
        return self.other if self.other is not None else self

    @property
    def protocol_id(self) -> str:
        """Empty: there is no protocol."""
        return ""

    def dial(self, caller: Party, connected: Party) -> None:
        """Send the other half into the dialplan."""
        asyncio.get_running_loop().call_soon(self.pair.enter_dialplan, caller)

    def set_redirecting(self, redirecting: Redirecting) -> None:
        """Let the other half know who redirected the call."""
        self.pair.redirecting = redirecting

    def set_traits(self, traits: Traits) -> None:
        """Let the other half have them; the accounts change places, as in a bridge."""
        self.pair.traits = traits

    def ring(self) -> None:
        """Let the other half report ringing."""
        if self.peer.listener is not None:
            self.peer.listener.on_ringing()

    def progress(self) -> None:
        """Let the other half report early media."""
        if self.peer.listener is not None:
            self.peer.listener.on_progress()

    def answer(self) -> None:
        """Let the other half report the answer, once."""
        if not self.pair.is_answered and self.peer.listener is not None:
            self.pair.is_answered = True
            self.peer.listener.on_answered()

    def hangup(self, cause: int) -> None:
        """End both halves."""
        if self.is_over:
            return
        self.is_over = True
        self.listener = None
        self.stream.close()
        asyncio.get_running_loop().call_soon(self.peer.end, cause)
        self.pair.part_if_over()

    def end(self, cause: int) -> None:
        """Report that the other half has ended."""
        if self.is_over:
            return
        self.is_over = True
        listener, self.listener = self.listener, None
        if listener is not None:
            listener.on_hangup(cause, None, "the other half of the Local channel ended")
        self.stream.close()
        self.pair.part_if_over()

    def hold(self) -> None:
        """Let the other half report hold."""
        if self.peer.listener is not None:
            self.peer.listener.on_hold(None)

    def unhold(self) -> None:
        """Let the other half report the end of hold."""
        if self.peer.listener is not None:
            self.peer.listener.on_unhold()

    def send_dtmf(
        self, digits: str, *, before_ms: int, between_ms: int, duration_ms: int, after_ms: int
    ) -> Awaitable[None]:
        """Send digits through the media pair."""
        return self.stream.send_dtmf(
            digits,
            before_ms=before_ms,
            between_ms=between_ms,
            duration_ms=duration_ms,
            after_ms=after_ms,
        )

    def set_connected_line(self, party: Party) -> None:
        """Tell the other half who it talks to."""
        if self.peer.listener is not None:
            self.peer.listener.on_connected_line(party)

    def redirect(self, target: str) -> None:
        """Refuse: there is no far end that could be sent elsewhere."""
        raise Unprocessable("endpoint", "a Local channel can't be redirected")

    def send_text(self, text: str) -> None:
        """Let the other half report the text."""
        if self.peer.listener is not None:
            endpoint = self.name.removeprefix("Local/").rpartition("-")[0]
            self.peer.listener.on_message(TextMessage("Local", endpoint, "", "", "", "", text))

    def info(self, item: str) -> str | None:
        """Return nothing: a Local channel has no facts of its own."""
        return None


class LocalPair:
    """Both halves, and the way into the dialplan."""

    def __init__(
        self,
        sink: CallSink,
        engine: MediaEngine,
        exten: str,
        context: str,
        options: str,
        number: int,
        call: OutgoingCall,
    ) -> None:
        first_stream, second_stream = engine.open_local_pair()
        base = f"Local/{exten}@{context}-{number:08x}"
        self.first = LocalLeg(self, f"{base};1", first_stream)
        self.second = LocalLeg(self, f"{base};2", second_stream)
        self.first.other, self.second.other = self.second, self.first
        self.may_optimize = "n" not in options
        self.is_answered = False
        self.redirecting = Redirecting()
        self.traits = Traits(language="en", music_class="default", account_code="", peer_account="")
        self._is_parted = False
        self._sink = sink
        self._exten = exten
        self._context = context
        self._call = call

    def enter_dialplan(self, caller: Party) -> None:
        """Make a call of the second half, or end the first with the reason why not."""
        if self._is_parted:
            return
        if self.first.is_over:
            self._close_second()
            self.part_if_over()
            return
        match = self._sink.match_extension(self._context, self._exten, caller.number)
        if match is not ExtensionMatch.EXACT:
            self._refuse(Cause.NO_ROUTE_DESTINATION)
            return
        incoming = IncomingCall(
            endpoint=f"{self._exten}@{self._context}",
            context=self._context,
            exten=self._exten,
            caller=caller,
            redirecting=self.redirecting,
            language=self.traits.language,
            music_class=self.traits.music_class,
            account_code=self.traits.peer_account,
            peer_account=self.traits.account_code,
            variables=self._call.variables,
            channel_id=self._call.other_channel_id,
        )
        try:
            self._sink.incoming(self.second, incoming)
        except ServerError:
            self._refuse(Cause.SWITCH_CONGESTION)

    def part_if_over(self) -> None:
        """Take a pair apart whose halves are both over, so that no reference cycle is left."""
        if self._is_parted or not (self.first.is_over and self.second.is_over):
            return
        self._is_parted = True
        self.may_optimize = False
        self.first.other = self.second.other = None
        del self.first, self.second

    def _refuse(self, cause: int) -> None:
        first = self.first
        self._close_second()
        first.end(cause)

    def _close_second(self) -> None:
        self.second.is_over = True
        self.second.stream.close()


class LocalTechnology:
    """Makes Local channels; see :class:`server.tech.base.Technology`."""

    name = "Local"

    def __init__(self, sink: CallSink, engine: MediaEngine) -> None:
        self._sink = sink
        self._engine = engine
        self._numbers = itertools.count()

    def create_leg(self, resource: str, call: OutgoingCall) -> LocalLeg:
        """Prepare a pair and return its first half.

        :param resource: ``exten@context[/options]``; the context defaults to ``default``.
        :raises InvalidArgument: no extension, or an unknown option.
        """
        target, _, options = resource.partition("/")
        exten, _, context = target.partition("@")
        if not exten:
            raise InvalidArgument("endpoint", f"Local/{resource} names no extension")
        unknown = set(options) - OPTIONS
        if unknown:
            raise InvalidArgument("endpoint", f"unknown Local options {''.join(sorted(unknown))}")
        pair = LocalPair(
            self._sink,
            self._engine,
            exten,
            context or "default",
            options,
            next(self._numbers),
            call,
        )
        return pair.first

    def endpoints(self) -> Sequence[EndpointInfo]:
        """Return nothing: any extension can be called, none is configured."""
        return ()

    def endpoint(self, resource: str) -> EndpointInfo | None:
        """Return nothing; see :meth:`endpoints`."""
        return None
