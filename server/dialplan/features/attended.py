"""An attended transfer by digits: the transferer talks to the target before both others do.

While it goes on, the transferer stays a suspended member of the bridge with the transferee. Who
hangs up decides as much as who presses digits::

    the target rings   atxferabort → back; atxfercomplete, or the transferer hangs up → the
                       transferee waits for the target (see waiting.py), unless atxferdropcall
    they consult       atxferabort → back; atxfercomplete, or the transferer hangs up → connect;
                       atxferthreeway → all together; atxferswap → talk to the other one;
                       the transferee hangs up → the target takes its place
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from server.base.causes import Cause
from server.base.errors import ServerError
from server.dialplan.features.matching import DigitMatcher
from server.dialplan.features.prompts import play, start
from server.dialplan.features.waiting import WaitingTransferee
from server.resources.channel import Channel
from server.resources.controlled import EndedBy
from server.resources.dialing import DialAttempt, DialStatus
from server.resources.local_optimization import optimize_locals

if TYPE_CHECKING:
    from server.dialplan.features.watch import DigitFeatures
    from server.media.bridges import MediaBridge

logger = logging.getLogger(__name__)

MAX_NEWS = 64
# what can happen
ABORT, COMPLETE, THREE_WAY, SWAP = "abort", "complete", "threeway", "swap"
TARGET_GONE, OVER = "target gone", "over"


class Consultation:
    """The transferer's call to the target.

    :param features: of the transferer, who has been taken aside.
    """

    def __init__(self, features: DigitFeatures, exten: str, context: str) -> None:
        assert features.bridge is not None
        self._features = features
        self._settings = features.settings
        self._transferer = features.channel
        self._transferee = features.other
        self._bridge = features.bridge
        self._node = features.dialplan.node
        self._target_place = f"{exten}@{context}"
        self._attempt: DialAttempt | None = None
        self._follower: asyncio.Task[None] | None = None
        self._media: MediaBridge | None = None
        self._news: asyncio.Queue[str] = asyncio.Queue(MAX_NEWS)
        self._is_over = False
        self._talks_to_target = True

    async def run(self) -> None:
        """Call the target and do what the transferer wants.

        :raises ChannelHungUp: the transferer hung up; the transfer goes on without it.
        """
        transferer = self._transferer
        try:
            self._attempt = attempt = self._dial()
        except ServerError as error:
            logger.info("%s: can't transfer to %s: %s", transferer.name, self._target_place, error)
            await play(transferer, self._settings.xferfailsound)
            return
        self._follower = self._node.scope.spawn(
            self._follow(attempt), f"{attempt.channel.name} consultation"
        )
        matcher = self._matcher()
        transferer.digit_observers.append(matcher.press)
        transferer.on_end.append(self._on_transferer_gone)
        if self._transferee is not None:
            self._transferee.on_end.append(self._on_transferee_gone)
        try:
            is_failed = await self._consult()
            if is_failed:
                self._end_media()
                await play(transferer, self._settings.xferfailsound)
        finally:
            matcher.clear()
            transferer.digit_observers.remove(matcher.press)
            self._forget_ends()
            if not self._is_over:
                self._is_over = True
                self._end_media()
                attempt.give_up(Cause.NORMAL_CLEARING)

    # the target

    def _dial(self) -> DialAttempt:
        dialplan = self._features.dialplan
        target = dialplan.dialer.create_outgoing(
            f"Local/{self._target_place}", requestor=self._transferer
        )
        attempt = DialAttempt(target, self._transferer, self._target_place)
        target.on_end.append(lambda: self._on_target_gone(target))
        attempt.start()
        return attempt

    async def _follow(self, attempt: DialAttempt) -> None:
        while True:
            status = await attempt.next_status()
            self._tell(status.value)
            if status.is_final:
                return

    @property
    def _target(self) -> Channel:
        assert self._attempt is not None
        return self._attempt.channel

    @property
    def _is_answered(self) -> bool:
        return self._attempt is not None and self._attempt.status is DialStatus.ANSWER

    # what happens

    async def _consult(self) -> bool:
        """Go from one event to the next; tell whether it failed for the transferer to hear."""
        transferer = self._transferer
        timeout: float | None = self._settings.atxfernoanswertimeout
        while not self._is_over:
            try:
                event = await transferer.wait(asyncio.wait_for(self._news.get(), timeout))
            except TimeoutError:
                return True
            match event:
                case "RINGING":
                    tone = self._node.tone("ring", transferer.tone_zone)
                    if self._media is None and tone:
                        transferer.set_background("tone", tone)
                case "PROGRESS":
                    self._begin_media()
                case "ANSWER":
                    timeout = None
                    self._begin_media()
                case "abort":
                    return False
                case "complete":
                    self._complete()
                case "threeway":
                    self._join_all()
                case "swap":
                    self._swap()
                case "over":
                    pass
                case _:  # the target is busy, away, or has hung up
                    return True
        return False

    def _tell(self, event: str) -> None:
        if not self._news.full():
            self._news.put_nowait(event)

    def _matcher(self) -> DigitMatcher:
        settings = self._settings
        codes = {
            settings.atxferabort: ABORT,
            settings.atxfercomplete: COMPLETE,
            settings.atxferthreeway: THREE_WAY,
            settings.atxferswap: SWAP,
        }
        codes.pop("", None)
        return DigitMatcher(codes, settings.featuredigittimeout, self._tell, self._pass)

    def _pass(self, digits: str) -> None:
        if not self._talks_to_target:
            self._features.pass_digits(digits)
        elif self._is_answered and not self._target.is_hungup:
            self._target.leg.send_dtmf(
                digits, before_ms=0, between_ms=100, duration_ms=100, after_ms=0
            )

    # media between transferer and target

    def _begin_media(self) -> None:
        self._transferer.set_background(None)
        if self._media is None:
            self._media = self._node.engine.create_bridge()
            self._media.add(self._transferer.leg.stream)
            self._media.set_dtmf_passthrough(self._transferer.leg.stream, False)
            self._media.add(self._target.leg.stream)

    def _end_media(self) -> None:
        if self._media is not None:
            self._media.close()
            self._media = None
        self._transferer.set_background(None)

    def _swap(self) -> None:
        """Talk to the other one, while the one talked to hears music."""
        transferee, target = self._transferee, self._target
        if transferee is None or not self._is_answered:
            return
        self._talks_to_target = not self._talks_to_target
        if self._talks_to_target:
            self._bridge.suspend(self._transferer)
            transferee.set_background("music", transferee.music_class)
            target.set_background(None)
            self._begin_media()
        else:
            self._end_media()
            target.set_background("music", target.music_class)
            transferee.set_background(None)
            self._bridge.resume(self._transferer)

    # ends

    def _complete(self) -> None:
        """Connect transferee and target, and let the transferer go."""
        if not self._is_answered:
            self._leave_ringing()
            return
        self._finish()
        transferer = self._transferer
        self._bring_in()
        self._release_transferer()
        start(self._target, self._settings.xfersound)
        logger.info("%s: transferred to %s", transferer.name, self._target_place)

    def _bring_in(self) -> None:
        """Let the target into the bridge."""
        target, transferee = self._target, self._transferee
        target.set_background(None)
        target.is_adopted = True
        target.variables.set("ATTENDEDTRANSFER", self._transferer.name)
        if transferee is not None:
            transferee.variables.set("ATTENDEDTRANSFER", self._transferer.name)
            transferee.set_background(None)
        report = self._features.dialplan.transfers.begin_attended(
            self._transferer, target, transferee
        )
        self._bridge.add(target)
        report.publish("Success", self._bridge)

    def _release_transferer(self) -> None:
        transferer, transferee, target = self._transferer, self._transferee, self._target
        is_controlled = transferer.is_controlled
        self._bridge.remove(transferer)
        if not transferer.is_hungup and not is_controlled:
            transferer.hangup(Cause.NORMAL_CLEARING, EndedBy.DIALPLAN)
        if transferee is not None:
            transferee.set_connected(target.caller)
            target.set_connected(transferee.caller)
        optimize_locals(self._bridge)

    def _join_all(self) -> None:
        """Let all three talk."""
        if not self._is_answered:
            return
        self._finish()
        self._bring_in()
        self._bridge.resume(self._transferer)

    def _leave_ringing(self) -> None:
        """Let the transferee wait for the target, since the transferer goes."""
        if self._settings.atxferdropcall or self._transferee is None or self._attempt is None:
            return
        self._finish()
        waiting = WaitingTransferee(self._features, self._bridge, self._attempt, self._transferee)
        waiting.begin()
        self._release_only_transferer()

    def _release_only_transferer(self) -> None:
        transferer = self._transferer
        is_controlled = transferer.is_controlled
        if not transferer.is_hungup:
            self._bridge.remove(transferer)
            if not is_controlled:
                transferer.hangup(Cause.NORMAL_CLEARING, EndedBy.DIALPLAN)

    def _finish(self) -> None:
        self._is_over = True
        self._forget_ends()
        self._end_media()
        self._tell(OVER)
        if self._follower is not None:
            self._follower.cancel()  # whoever goes on with the attempt hears of it now

    def _on_target_gone(self, target: Channel) -> None:
        if self._attempt is not None and self._attempt.channel is target:
            self._tell(TARGET_GONE)

    def _on_transferer_gone(self) -> None:
        if not self._is_over:
            self._complete()

    def _on_transferee_gone(self) -> None:
        """Let the target take the place of the transferee, if they talk already."""
        if self._is_over or not self._is_answered:
            return
        self._transferee = None
        self._finish()
        self._bring_in()
        self._bridge.resume(self._transferer)
        self._transferer.set_connected(self._target.caller)
        self._target.set_connected(self._transferer.caller)

    def _forget_ends(self) -> None:
        for channel, callback in (
            (self._transferer, self._on_transferer_gone),
            (self._transferee, self._on_transferee_gone),
        ):
            if channel is not None and callback in channel.on_end:
                channel.on_end.remove(callback)
