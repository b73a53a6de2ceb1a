"""One attempt at the call of a call file: dialled, and handed over once it is answered."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from enum import IntEnum

from server.base.causes import Cause
from server.base.errors import ChannelHungUp, ServerError
from server.base.suspension import suspendable
from server.callfiles.parser import CallFile
from server.dialplan.executor import Call
from server.dialplan.parties import parse_party
from server.dialplan.port import Dialplan
from server.resources.channel import Channel
from server.resources.controlled import EndedBy
from server.resources.dialing import DialAttempt, Dialer, DialStatus
from server.resources.message_leg import SilentLeg

logger = logging.getLogger(__name__)

FAILED = "failed"  # the extension that hears of it
FAILED_CHANNEL = "OutgoingSpoolFailed"


class Reason(IntEnum):
    """Why a call was not answered, as REASON tells it."""

    FAILED = 0
    HUNG_UP = 1
    NO_ANSWER = 3
    ANSWERED = 4
    BUSY = 5
    CONGESTION = 8


_REASONS = {
    DialStatus.ANSWER: Reason.ANSWERED,
    DialStatus.PROGRESS: Reason.ANSWERED,
    DialStatus.BUSY: Reason.BUSY,
    DialStatus.CONGESTION: Reason.CONGESTION,
    DialStatus.NOANSWER: Reason.NO_ANSWER,
    DialStatus.CANCEL: Reason.HUNG_UP,
    DialStatus.FORWARD: Reason.CONGESTION,
}

OnAnswer = Callable[[], Awaitable[None]]
"""Awaited once the call is answered, before anything else happens on it."""


class Attempts:
    """Makes the calls."""

    def __init__(self, dialplan: Dialplan, dialer: Dialer) -> None:
        self._dialplan = dialplan
        self._dialer = dialer

    @property
    def room(self) -> float:
        """How many more channels the server takes now."""
        node = self._dialplan.node
        limit = node.settings.max_calls
        return limit - len(node.registry) if limit else math.inf

    def begin(self, file: CallFile, on_answer: OnAnswer) -> Attempt:
        """Make the channel and dial it.

        :raises Unavailable: the server is full.
        :raises ServerError: there is no such destination, or a variable can't be written.
        """
        channel = self._dialer.create_outgoing(
            file.endpoint,
            caller=parse_party(file.caller_id) if file.caller_id else None,
            variables=dict(file.variables),
            formats=file.codecs,
        )
        if file.account:
            channel.set_account_code(file.account)
            channel.peer_account = file.account  # for who is behind a Local channel
        attempt = Attempt(self._dialplan, channel, file, on_answer)
        channel.take_control(suspendable(attempt.drive()), "call file")
        return attempt

    def run_failed(self, file: CallFile, reason: Reason) -> None:
        """Let the extension ``failed`` of the file's context hear of it, if there is one."""
        node = self._dialplan.node
        if file.application or not self._dialplan.has(file.context or "default", FAILED, 1, ""):
            return
        leg = SilentLeg(FAILED_CHANNEL, node.engine.open_null())
        channel = Channel(node, node.ids.next(), leg, "Down")
        channel.account_code = file.account
        if file.caller_id:
            channel.caller = parse_party(file.caller_id)
        channel.set_position(file.context or "default", FAILED, 1)
        self._dialer.announce(channel)
        for name, value in file.variables:
            try:
                self._dialplan.write(channel, name, value)
            except ServerError as error:
                logger.warning("call file: %s: %s", name, error)
        channel.variables.set("REASON", str(int(reason)))
        self._dialplan.start(channel)


class Attempt:
    """One attempt.

    :ivar answered: settled with a :class:`Reason` once it is known whether it was answered.
    :ivar ended: settled when the call is over.
    """

    def __init__(
        self, dialplan: Dialplan, channel: Channel, file: CallFile, on_answer: OnAnswer
    ) -> None:
        loop = asyncio.get_running_loop()
        self.channel = channel
        self.answered: asyncio.Future[Reason] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._dialplan = dialplan
        self._file = file
        self._on_answer = on_answer
        self._has_begun = False
        channel.on_end.append(self._on_end)

    async def drive(self) -> None:
        """Control the channel: dial, and go where the file says."""
        self._has_begun = True
        try:
            reason = await self._dial()
            try:
                if reason is Reason.ANSWERED:
                    await self.channel.wait(self._on_answer())
            finally:
                self._settle(reason)
        finally:
            self._settle(Reason.HUNG_UP)
        if reason is not Reason.ANSWERED:
            return
        file = self._file
        if file.application:
            await self._run_application(file.application, file.data)
        else:
            self.channel.set_position(file.context or "default", file.extension, file.priority)
            self._dialplan.start(self.channel)

    async def _dial(self) -> Reason:
        channel = self.channel
        if channel.is_hungup:
            return Reason.HUNG_UP
        dialling = DialAttempt(channel, None, channel.dial_string)
        dialling.start()
        return _REASONS.get(await self._follow(dialling), Reason.FAILED)

    async def _follow(self, dialling: DialAttempt) -> DialStatus:
        """Wait for the answer, or for early media if that will do."""
        try:
            async with asyncio.timeout(self._file.wait_time):
                while True:
                    status = await dialling.next_status()
                    is_enough = status is DialStatus.PROGRESS and self._file.is_early_media
                    if status.is_final or is_enough:
                        break
        except TimeoutError:
            dialling.give_up(Cause.NO_ANSWER, DialStatus.NOANSWER)
            return DialStatus.NOANSWER
        if status is DialStatus.FORWARD:
            dialling.give_up(Cause.REDIRECTED_TO_NEW_DESTINATION, DialStatus.CONGESTION)
        return status

    async def _run_application(self, name: str, data: str) -> None:
        channel = self.channel
        channel.set_application(name, data)
        place = channel.context, channel.exten, channel.priority
        call = Call(self._dialplan, channel)
        try:
            result = call.run_application(name, data)
            if isinstance(result, Awaitable):
                await result
        except ChannelHungUp:
            pass
        except ServerError as error:
            call.report(f"call file: {name}: {error}")
        if place != (channel.context, channel.exten, channel.priority) and not channel.is_hungup:
            self._dialplan.start(channel)  # it was transferred
            return
        self._dialplan.forget(channel)
        channel.hangup(channel.hangup_cause or Cause.NORMAL_CLEARING, EndedBy.DIALPLAN)

    def _settle(self, reason: Reason) -> None:
        if not self.answered.done():
            self.answered.set_result(reason)

    def _on_end(self) -> None:
        if not self._has_begun:
            self._settle(Reason.HUNG_UP)
        if not self.ended.done():
            self.ended.set_result(None)
