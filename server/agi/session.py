"""A session: a script's commands are carried out one after the other until either side ends.

The session is part of the channel's controller: it waits through the channel until the call is
over. The script is told then, and may go on with the commands that need no call; the channel is
kept until it ends, as in Asterisk.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from enum import StrEnum
from typing import TYPE_CHECKING

from server.agi.commands.registry import UsageError, find_command
from server.agi.peer import Peer
from server.agi.ports import Monitor
from server.agi.protocol import DEAD, UNKNOWN, Failure, split_command, usage_reply
from server.base.errors import ChannelHungUp, ServerError
from server.dialplan.executor import Call
from server.dialplan.speech import Speech

if TYPE_CHECKING:
    from server.resources.channel import Channel

logger = logging.getLogger(__name__)

MAX_TEXTS = 32  # that wait for RECEIVE TEXT
COMMANDS_PER_TURN = 50  # without waiting, before other calls get their turn


class Status(StrEnum):
    """AGISTATUS."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    NOTFOUND = "NOTFOUND"
    HANGUP = "HANGUP"


class Session:
    """One script at one call.

    :param name: the script, for logs.
    :param is_dead: the call was over before anything began, so that its end is no news.
    :param monitor: who follows it.
    :ivar is_dead: the call is over; only some commands are left.
    :ivar has_ended_itself: the script has, before the server ended its session.
    :ivar speech: what SPEECH CREATE has made.
    :ivar is_breaking: the next command is not waited for.
    """

    def __init__(
        self,
        call: Call,
        peer: Peer,
        name: str,
        *,
        monitor: Monitor | None = None,
        is_async: bool = False,
        is_dead: bool = False,
    ) -> None:
        self.call = call
        self.name = name
        self.is_async = is_async
        self.is_dead = is_dead
        self.is_breaking = False
        self.status = Status.SUCCESS
        self.speech: Speech | None = None
        self.has_ended_itself = False
        self._peer = peer
        self._was_told = False
        self._monitor = monitor or Monitor()
        self._tells_hangup = is_true_unless_set(call.get("AGISIGHUP"), default=True)
        self._exits_on_hangup = is_async or is_true_unless_set(
            call.get("AGIEXITONHANGUP"), default=False
        )

    @property
    def channel(self) -> Channel:
        """The channel."""
        return self.call.channel

    async def run(self) -> Status:
        """Carry out commands until the script ends, or the call where that ends the script."""
        turn = 0
        while not self.is_breaking and (line := await self._next_line()) is not None:
            await self._carry_out(line)
            turn += 1
            if turn % COMMANDS_PER_TURN == 0:
                await asyncio.sleep(0)
        return self.status

    def close(self) -> None:
        """Part with the script; one that was not at its end is told so."""
        if self.speech is not None:
            self.speech.close()
        if not self.has_ended_itself:
            self._tell_hangup()
        self._peer.close()

    def reply(self, text: str) -> None:
        """Send a line to the script."""
        self._trace("Tx >>", text)
        self._peer.send(text)

    async def execute(self, line: str) -> str:
        """Carry out a command and return the reply to it."""
        found = find_command(split_command(line))
        if found is None:
            return UNKNOWN
        command, arguments = found
        if self.is_dead and not command.runs_dead:
            return DEAD
        if len(arguments) < command.least or len(arguments) > (command.most or len(arguments)):
            return usage_reply(command.usage)
        try:
            result = command.run(self, arguments)
            return result if isinstance(result, str) else await result
        except UsageError:
            return usage_reply(command.usage)
        except ChannelHungUp:
            return Failure("200 result=-1")
        except ServerError as error:
            self.call.report(f"{command.name}: {error}")
            return Failure("200 result=-1")

    async def receive_text(self, seconds: float) -> str | None:
        """Wait for a text of the caller, 0 for as long as it takes; ``None`` if none came.

        :raises ChannelHungUp: the call is over.
        """
        texts: asyncio.Queue[str] = asyncio.Queue(MAX_TEXTS)

        def on_text(text: str) -> None:
            if not texts.full():
                texts.put_nowait(text)

        observers = self.channel.text_observers
        observers.append(on_text)
        try:
            async with asyncio.timeout(seconds or None):
                return await self.channel.wait(texts.get())
        except TimeoutError:
            return None
        finally:
            observers.remove(on_text)

    # private

    def _trace(self, direction: str, text: str) -> None:
        level = logging.INFO if self._monitor.is_debugging else logging.DEBUG
        logger.log(level, "<%s>AGI %s %s", self.channel.name, direction, text)

    async def _carry_out(self, line: str) -> None:
        self._trace("Rx <<", line)
        channel = self.channel
        if not self.is_dead:
            channel.flush_digits()  # what came while no command asked for it
        listener, number = self._monitor.listener, ""
        if listener is not None:
            number = str(secrets.randbelow(1 << 31))
            listener.on_command_begun(channel, line, number)
        reply = await self.execute(line)
        if isinstance(reply, Failure) and (self.is_dead or not channel.is_hungup):
            self.status = Status.FAILURE
        self.reply(reply)
        if listener is not None:
            listener.on_command_ended(channel, line, number, reply)

    async def _next_line(self) -> str | None:
        """Return the next command, ``None`` when there will be no more."""
        peer = self._peer
        while True:
            if not self.is_dead and self.channel.is_hungup:
                self._on_hangup()
                if self._exits_on_hangup:
                    return None
            if not peer.is_full:
                if peer.is_over:
                    self.has_ended_itself = True
                    return None
                try:
                    line = peer.take()
                except IndexError:
                    pass
                else:
                    if line is not None:
                        return line
                    self.reply(UNKNOWN)
                    continue
            await self._wait(peer.changed())

    async def _wait(self, news: asyncio.Future[None]) -> None:
        if self.is_dead:
            await news
            return
        try:
            await self.channel.wait(news)
        except ChannelHungUp:
            if not self.channel.is_hungup:
                raise

    def _on_hangup(self) -> None:
        self.is_dead = True
        if self.status is Status.SUCCESS:
            self.status = Status.HANGUP
        self._tell_hangup()

    def _tell_hangup(self) -> None:
        if self._tells_hangup and not self._was_told:
            self._was_told = True
            self._peer.notify_hangup()


def is_true_unless_set(text: str | None, *, default: bool) -> bool:
    """Read a switch of the dialplan: what is not a word for the contrary leaves the default."""
    if text is None or not text.strip():
        return default
    word = text.strip().lower()
    if default:
        return word not in ("no", "false", "n", "f", "0", "off")
    return word in ("yes", "true", "y", "t", "1", "on")
