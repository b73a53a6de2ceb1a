"""A transferee who waits for the target of an attended transfer, without the transferer.

The transferer left while the target was ringing. If the target does not answer, the transferer
is called back and the target called again in turn, *atxfercallbackretries* times each.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from server.base.causes import Cause
from server.base.errors import ChannelHungUp, ServerError
from server.resources.channel import Channel
from server.resources.dialing import DialAttempt, DialStatus
from server.resources.local_optimization import optimize_locals
from server.tech.base import Party

if TYPE_CHECKING:
    from server.dialplan.features.watch import DigitFeatures
    from server.resources.bridge import Bridge

logger = logging.getLogger(__name__)


class WaitingTransferee:
    """Keeps *bridge* open, where *transferee* is alone, until somebody comes.

    :param features: those of the transferer, which it has again when it is called back.
    :param attempt: the call to the target, which goes on.
    """

    def __init__(
        self,
        features: DigitFeatures,
        bridge: Bridge,
        attempt: DialAttempt,
        transferee: Channel,
    ) -> None:
        self._dialplan = features.dialplan
        self._features = features
        self._settings = features.settings
        self._transferer = features.channel
        self._bridge = bridge
        self._attempt = attempt
        self._transferee = transferee

    def begin(self) -> None:
        """Wait in the background."""
        self._bridge.keep_open()
        scope = self._dialplan.node.scope
        scope.spawn(self._run(), f"{self._transferee.name} waits for a transfer")

    async def _run(self) -> None:
        attempt: DialAttempt | None = self._attempt
        try:
            for _round in range(self._settings.atxfercallbackretries + 1):
                if attempt is not None and await self._rings(attempt):
                    self._come_in(attempt.channel)
                    return
                attempt = self._call_back()
                if attempt is not None and await self._rings(attempt):
                    self._come_back(attempt.channel)
                    return
                await self._pause()
                if self._is_alone:
                    return
                attempt = self._call_again()
        except ChannelHungUp:
            logger.debug("%s: the transferee has left", self._transferee.name)
        finally:
            if not self._transferee.is_hungup:
                self._transferee.set_background(None)
            self._bridge.stop_waiting()

    @property
    def _is_alone(self) -> bool:
        return self._transferee.is_hungup or self._transferee.bridge is not self._bridge

    async def _rings(self, attempt: DialAttempt) -> bool:
        """Let it ring; tell whether it was answered while the transferee still waited."""
        tone = self._dialplan.node.tone("ring", self._transferee.tone_zone)
        self._transferee.set_background("tone" if tone else "silence", tone or "")
        try:
            async with asyncio.timeout(self._settings.atxfernoanswertimeout):
                while attempt.status is None or not attempt.status.is_final:
                    await self._transferee.wait(attempt.next_status())
        except TimeoutError:
            attempt.give_up(Cause.NO_ANSWER, DialStatus.NOANSWER)
            return False
        except BaseException:
            attempt.give_up(Cause.NORMAL_CLEARING)
            raise
        is_answered = attempt.status is DialStatus.ANSWER and not attempt.channel.is_hungup
        if is_answered and self._is_alone:
            attempt.give_up(Cause.NORMAL_CLEARING)
            return False
        return is_answered

    async def _pause(self) -> None:
        transferee = self._transferee
        transferee.set_background("music", transferee.music_class)
        await transferee.sleep(self._settings.atxferloopdelay)

    def _call_back(self) -> DialAttempt | None:
        technology, resource = self._transferer.endpoint
        return self._dial(f"{technology}/{resource}")

    def _call_again(self) -> DialAttempt | None:
        return self._dial(f"Local/{self._attempt.dial_string}")

    def _dial(self, destination: str) -> DialAttempt | None:
        try:
            channel = self._dialplan.dialer.create_outgoing(destination, requestor=self._transferee)
        except ServerError as error:
            logger.info("%s: can't call %s: %s", self._transferee.name, destination, error)
            return None
        attempt = DialAttempt(channel, self._transferee, destination.partition("/")[2])
        attempt.start()
        return attempt

    def _come_in(self, channel: Channel) -> None:
        """Connect the transferee with who has answered."""
        transferee = self._transferee
        transferee.set_background(None)
        channel.is_adopted = True
        self._bridge.is_kept_open = False
        channel.variables.set("ATTENDEDTRANSFER", self._transferer.name)
        self._bridge.add(channel)
        transferee.set_connected(channel.caller)
        channel.set_connected(transferee.caller)
        optimize_locals(self._bridge)

    def _come_back(self, channel: Channel) -> None:
        """Connect the transferee with the transferer again, who may use digits as before."""
        features = self._features
        channel.caller = Party(self._transferer.caller.name, self._transferer.caller.number)
        channel.features = type(features)(
            self._dialplan, channel, features.enabled, is_caller=features.is_caller
        )
        self._come_in(channel)
