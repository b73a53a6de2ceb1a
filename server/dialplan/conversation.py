"""Two who talk after Dial(): until one leaves, a limit is reached, or one transfers the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum

from server.base.causes import Cause
from server.base.errors import ChannelHungUp
from server.dialplan.arguments import Options
from server.dialplan.executor import Call
from server.dialplan.numbers import parse_integer, parse_seconds
from server.dialplan.transfer import TRANSFER_DIGIT, ask_target
from server.resources.channel import Channel, EndedBy

DISCONNECT_DIGIT = "*"  # features.conf's default "disconnect"


class Outcome(Enum):
    """How a conversation ended."""

    ENDED = "ended"
    CALLER_TRANSFERRED = "caller transferred"
    PEER_TRANSFERRED = "peer transferred"


class Conversation:
    """The connection of a call with the *peer* that answered it.

    Options: ``h`` and ``H`` let the peer or the caller end it by ``*``, ``t`` and ``T`` let them
    transfer the other by ``#``; ``L(ms)`` and ``S(s)`` limit it.
    """

    def __init__(self, call: Call, peer: Channel, options: Options) -> None:
        self._call = call
        self._channel = call.channel
        self._peer = peer
        self._options = options
        self._transferer: Channel | None = None
        self._ends: list[Callable[[], None]] = []

    async def run(self) -> Outcome:
        """Connect both until it is over.

        :raises ChannelHungUp: the caller hung up.
        """
        channel, peer = self._channel, self._peer
        self._watch(channel, DISCONNECT_DIGIT, "H", self._disconnect)
        self._watch(peer, DISCONNECT_DIGIT, "h", self._disconnect)
        self._watch(channel, TRANSFER_DIGIT, "T", lambda: self._begin_transfer(channel))
        self._watch(peer, TRANSFER_DIGIT, "t", lambda: self._begin_transfer(peer))
        self._limit()
        try:
            while not peer.is_hungup:
                await self._call.dialplan.bridges.connect(channel, peer)
                if self._transferer is None:
                    break
                outcome = await self._transfer(self._transferer)
                if outcome is not None:
                    return outcome
                self._transferer = None
            return Outcome.ENDED
        finally:
            for end in self._ends:
                end()
            channel.flush_digits()

    def _watch(self, channel: Channel, wanted: str, option: str, act: Callable[[], None]) -> None:
        """Let *channel* do something by a digit, if the option says so."""
        if option not in self._options:
            return

        def on_digit(digit: str) -> None:
            if digit == wanted and self._transferer is None:
                act()

        channel.digit_observers.append(on_digit)
        self._ends.append(lambda: channel.digit_observers.remove(on_digit))

    def _disconnect(self) -> None:
        self._peer.hangup(Cause.NORMAL_CLEARING, EndedBy.DIALPLAN)

    def _limit(self) -> None:
        seconds = parse_seconds(self._options.get("S"))
        limit, _, warnings = self._options.get("L").partition(":")
        if warnings:
            self._call.report("Dial: L's warnings are not supported; its limit is")
        for value in (seconds, parse_integer(limit) / 1000):
            if value > 0:
                loop = asyncio.get_running_loop()
                self._ends.append(loop.call_later(value, self._disconnect).cancel)

    # transfers

    def _begin_transfer(self, transferer: Channel) -> None:
        if transferer.bridge is not None:
            self._transferer = transferer
            transferer.bridge.remove(transferer)

    async def _transfer(self, transferer: Channel) -> Outcome | None:
        """Ask where to, and send the other there; ``None`` if they are to talk on."""
        channel, peer = self._channel, self._peer
        other = peer if transferer is channel else channel
        try:
            target = await ask_target(self._call, transferer, other)
        except ChannelHungUp:
            if channel.is_hungup:
                raise
            return Outcome.ENDED
        if target is None:
            return None
        context, exten = target
        other.variables.set("BLINDTRANSFER", transferer.name)
        if other is channel:
            self._call.jump(context, exten, 1)
            return Outcome.CALLER_TRANSFERRED
        peer.set_position(context, exten, 1)
        self._call.dialplan.start(peer)
        return Outcome.PEER_TRANSFERRED
