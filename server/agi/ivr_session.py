"""The conversation of ExternalIVR: commands, events, and the list of what is to be played."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from server.agi.peer import Peer
from server.agi.protocol import one_line
from server.base.errors import ChannelHungUp, ServerError
from server.dialplan.executor import Call
from server.dialplan.media import find_prompts
from server.dialplan.numbers import parse_integer
from server.media.players import Player, PlayResult
from server.resources.controlled import EndedBy

logger = logging.getLogger(__name__)

MAX_COMMAND = 1024  # bytes of a line, as in Asterisk
MAX_QUEUED = 1000  # files
DTMF_INTERVAL_MS = 250
DTMF_DURATION_MS = 100
MAX_DTMF_MS = 8000


class IvrSession:
    """One program at one call.

    :param stays: the hang-up is told, and the program goes on until it ends itself.
    """

    def __init__(self, call: Call, peer: Peer, arguments: Sequence[str], *, stays: bool) -> None:
        self._call = call
        self._peer = peer
        self._arguments = arguments
        self._stays = stays
        self._is_over = False
        self._is_dead = call.channel.is_hungup
        self._is_autoclearing = False
        self._queue: deque[str] = deque()
        self._current = ""
        self._player: Player | None = None
        self._commands: dict[str, Callable[[str], None]] = {
            "A": self._append,
            "D": self._send_dtmf,
            "E": self._exit,
            "G": self._get_variables,
            "H": self._hang_up,
            "I": self._interrupt,
            "L": self._log,
            "O": self._set_option,
            "P": self._parameters,
            "S": self._set_queue,
            "T": self._answer,
            "V": self._set_variables,
            "X": self._leave,
        }

    async def run(self) -> None:
        """Carry out commands until the program ends or says that it is done.

        :raises ChannelHungUp: the call has ended.
        """
        channel = self._call.channel
        if not self._is_dead:
            channel.digit_observers.append(self._on_digit)
            if channel.state == "Up":
                channel.set_background("silence")
        while not self._is_over and (line := await self._next_line()) is not None:
            self._carry_out(line)
        if channel.is_hungup:
            raise ChannelHungUp(channel.hangup_cause)

    def close(self) -> None:
        """Let the call be."""
        channel = self._call.channel
        if self._on_digit in channel.digit_observers:
            channel.digit_observers.remove(self._on_digit)
        self._is_over = True
        self._queue.clear()
        self._stop()
        if not channel.is_hungup:
            channel.flush_digits()
            channel.set_background(None)

    # commands

    def _carry_out(self, line: str) -> None:
        letter, data = line[:1].upper(), line[2:]
        command = self._commands.get(letter)
        if command is None:
            self._call.report(f"ExternalIVR: unknown command {line[:40]!r}")
            return
        try:
            command(data)
        except ServerError as error:
            self._call.report(f"ExternalIVR: {letter}: {error}")
            self._tell("Z")

    def _append(self, data: str) -> None:
        if self._may_play() and self._is_there(data):
            self._queue.append(data)
            self._play_next()

    def _set_queue(self, data: str) -> None:
        if self._may_play() and self._is_there(data):
            self._clear()
            self._queue.append(data)
            self._play_next()

    def _interrupt(self, _data: str) -> None:
        if self._may_play():
            self._clear()

    def _set_option(self, data: str) -> None:
        if not self._may_play():
            return
        for word in data.split(","):
            if word.strip().lower() in ("autoclear", "noautoclear"):
                self._is_autoclearing = word.strip().lower() == "autoclear"
            else:
                self._call.report(f"ExternalIVR: unknown option {word!r}")

    def _answer(self, _data: str) -> None:
        channel = self._call.channel
        if channel.is_hungup:
            self._tell("Z", "ANSWER_FAILURE")
            return
        channel.answer()
        channel.set_background("silence")

    def _exit(self, data: str) -> None:
        logger.info("%s: ExternalIVR exits: %s", self._call.where, data)
        self._tell("E")
        self._is_over = True

    def _leave(self, _data: str) -> None:
        self._is_over = True

    def _hang_up(self, data: str) -> None:
        logger.info("%s: ExternalIVR hangs up: %s", self._call.where, data)
        self._tell("H")
        self._is_over = True
        self._call.channel.hangup(ended_by=EndedBy.COMMAND)

    def _log(self, data: str) -> None:
        logger.info("%s: ExternalIVR: %s", self._call.where, data)

    def _parameters(self, _data: str) -> None:
        self._tell("P", ",".join(self._arguments))

    def _get_variables(self, data: str) -> None:
        names = [name.strip() for name in data.split(",") if name.strip()]
        pairs = [f"{name}={self._call.get(name) or ''}" for name in names]
        self._tell("G", ",".join(pairs))

    def _set_variables(self, data: str) -> None:
        for pair in data.split(","):
            name, _, value = pair.partition("=")
            if name.strip():
                self._call.set(name.strip(), value.strip())

    def _send_dtmf(self, data: str) -> None:
        digits, interval, duration = [*data.split(","), "", "", ""][:3]
        self._call.channel.leg.send_dtmf(
            digits.strip().upper(),
            before_ms=0,
            between_ms=min(max(0, parse_integer(interval, DTMF_INTERVAL_MS)), MAX_DTMF_MS),
            duration_ms=min(max(20, parse_integer(duration, DTMF_DURATION_MS)), MAX_DTMF_MS),
            after_ms=0,
        )

    # playing

    def _may_play(self) -> bool:
        channel = self._call.channel
        if channel.is_hungup or channel.state != "Up":
            self._call.report("ExternalIVR: a command that needs an answered call")
            self._tell("Z")
            return False
        return True

    def _is_there(self, name: str) -> bool:
        if len(self._queue) < MAX_QUEUED and find_prompts(self._call, [name])[0]:
            return True
        self._tell("Z", name)
        return False

    def _play_next(self) -> None:
        if self._player is not None or not self._queue or self._is_over:
            return
        self._current = self._queue.popleft()
        sources, _ = find_prompts(self._call, [self._current])
        player = self._call.channel.play(sources)
        self._player = player
        player.done.add_done_callback(lambda done: self._on_played(player, done))

    def _on_played(self, player: Player, done: asyncio.Future[PlayResult]) -> None:
        if player is not self._player or done.cancelled():
            return
        self._player = None
        if done.result().reason == "failed":
            self._tell("Z", self._current)
        else:
            self._tell("F", self._current)
        if not self._call.channel.is_hungup:
            self._play_next()

    def _clear(self) -> None:
        """Interrupt what plays and drop what waits, and tell of both."""
        if self._player is not None:
            self._tell("T", self._current)
        self._stop()
        while self._queue:
            self._tell("D", self._queue.popleft())

    def _stop(self) -> None:
        player, self._player = self._player, None
        if player is not None:
            player.stop()

    # events

    def _on_digit(self, digit: str) -> None:
        self._tell(digit)
        if self._is_autoclearing:
            self._clear()

    def _tell(self, letter: str, data: str = "") -> None:
        seconds = int(self._call.dialplan.node.clock.wall())
        text = f"{letter},{seconds:10d}"
        self._peer.send(f"{text},{one_line(data)}" if data else text)

    # waiting

    async def _next_line(self) -> str | None:
        """Return the next command, ``None`` when there will be no more."""
        peer = self._peer
        while True:
            if not self._is_dead and self._call.channel.is_hungup:
                self._is_dead = True
                self._tell(*(("I", "HANGUP") if self._stays else ("H",)))
                if not self._stays:
                    return None
            if peer.is_over or self._is_over:
                return None
            if not peer.is_full:
                try:
                    line = peer.take()
                except IndexError:
                    pass
                else:
                    if line:
                        return line
                    continue
            await self._wait(peer.changed())

    async def _wait(self, news: asyncio.Future[None]) -> None:
        if self._is_dead:
            await news
            return
        try:
            await self._call.channel.wait(news)
        except ChannelHungUp:
            if not self._call.channel.is_hungup:
                raise
