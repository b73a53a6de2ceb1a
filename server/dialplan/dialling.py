"""Several calls out at once, of which the first to answer wins: the first half of Dial()."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from server.base.causes import Cause
from server.base.errors import ChannelHungUp, InvalidArgument, NotFound, ServerError
from server.dialplan.apps.calls import find_cause
from server.dialplan.apps.subroutines import run_subroutine
from server.dialplan.arguments import Options
from server.dialplan.executor import Call
from server.dialplan.features.options import codes_of
from server.dialplan.outgoing import create_attempt, redirected
from server.media.bridges import MediaBridge
from server.media.streams import DTMF_DIGITS
from server.resources.channel import Channel
from server.resources.dialing import DialAttempt, DialStatus

logger = logging.getLogger(__name__)

MAX_PRESSED = 20
_STATUSES: dict[int, DialStatus] = {
    Cause.USER_BUSY: DialStatus.BUSY,
    Cause.NORMAL_CIRCUIT_CONGESTION: DialStatus.CONGESTION,
    Cause.NO_ANSWER: DialStatus.NOANSWER,
    Cause.NORMAL_CLEARING: DialStatus.NOANSWER,
}
MAX_FORWARDS = 10  # 302 after 302
DTMF_MS = 100  # length of a digit of option D, and of the pause after it


@dataclass(slots=True)
class Failures:
    """What became of the destinations that did not answer."""

    busy: int = 0
    congested: int = 0
    unavailable: int = 0
    unanswered: int = 0

    def add(self, status: DialStatus) -> None:
        """Count one."""
        if status is DialStatus.BUSY:
            self.busy += 1
        elif status is DialStatus.CONGESTION:
            self.congested += 1
        elif status is DialStatus.CHANUNAVAIL:
            self.unavailable += 1
        else:
            self.unanswered += 1

    @property
    def status(self) -> DialStatus:
        """The DIALSTATUS when nobody is left."""
        if self.unanswered:
            return DialStatus.NOANSWER
        if self.busy:
            return DialStatus.BUSY
        return DialStatus.CONGESTION if self.congested else DialStatus.CHANUNAVAIL


class Ringing:
    """The calls that Dial() has out.

    :ivar winner: who answered.
    :ivar status: DIALSTATUS so far.
    :ivar exit_digit: pressed by the caller to go elsewhere (option ``d``).
    :ivar ringing_at: when the first one rang, on the node's clock; likewise ``progress_at``.
    """

    def __init__(self, call: Call, options: Options) -> None:
        self.winner: DialAttempt | None = None
        self.status = DialStatus.CHANUNAVAIL
        self.exit_digit = ""
        self.ringing_at: float | None = None
        self.progress_at: float | None = None
        self._call = call
        self._options = options
        self._node = call.dialplan.node
        self._failures = Failures()
        self._live: list[DialAttempt] = []
        self._news: deque[tuple[DialAttempt, DialStatus]] = deque()
        self._gate: asyncio.Future[None] | None = None
        self._early_media: MediaBridge | None = None
        self._is_single = False
        self._forwards = 0
        self._deadline: float | None = None
        self._progress_deadline: float | None = None
        self._pressed = ""
        self._sent_to: set[str] = set()  # who got the digits of option D

    async def run(
        self, destinations: list[str], timeout: float, progress_timeout: float = 0.0
    ) -> DialAttempt | None:
        """Call everybody and wait for the first answer.

        :param timeout: seconds, 0 for no limit.
        :param progress_timeout: seconds until somebody has to ring, 0 for no limit.
        :returns: the attempt that was answered; the others have been given up.
        :raises ChannelHungUp: the caller hung up; nobody rings any more.
        """
        channel = self._call.channel
        self._is_single = len(destinations) == 1
        now = self._node.clock.now()
        self._deadline = now + timeout if timeout > 0 else None
        self._progress_deadline = now + progress_timeout if progress_timeout > 0 else None
        channel.digit_observers.append(self._on_digit)
        try:
            for destination in destinations:
                self._start(destination)
            self._begin_waiting()
            self.status = await self._wait()
        except BaseException:
            self.status = DialStatus.CANCEL
            raise
        finally:
            channel.digit_observers.remove(self._on_digit)
            self._end_early_media()
            self._give_up()
        return self.winner

    # starting

    def _start(self, destination: str, forwarder: Channel | None = None) -> None:
        call = self._call
        try:
            attempt = create_attempt(call, destination, self._options, forwarder=forwarder)
        except ServerError as error:
            logger.info("%s: can't call %s: %s", call.where, destination, error)
            self._fail(DialStatus.CHANUNAVAIL, _cause_of(error))
            return
        self._live.append(attempt)
        self._node.scope.spawn(self._follow(attempt), f"{attempt.channel.name} dial")
        if "b" not in self._options:
            attempt.start()

    def _fail(self, status: DialStatus, cause: int) -> None:
        self._failures.add(status)
        channel = self._call.channel
        if cause and not channel.is_hungup:
            channel.hangup_cause = cause

    async def _follow(self, attempt: DialAttempt) -> None:
        """Collect the news of one attempt; they are few, and end with a final one."""
        if "b" in self._options:
            await self._run_predial(attempt)
        while True:
            status = await attempt.next_status()
            self._news.append((attempt, status))
            self._wake()
            if status.is_final:
                return

    async def _run_predial(self, attempt: DialAttempt) -> None:
        """Run the subroutine of option ``b`` on the channel that is to be dialled."""
        called = Call(self._call.dialplan, attempt.channel)
        with suppress(ChannelHungUp):
            await run_subroutine(called, subroutine_of(self._options.get("b")))
        if not attempt.channel.is_hungup:
            attempt.start()

    def _wake(self) -> None:
        if self._gate is not None and not self._gate.done():
            self._gate.set_result(None)

    def _begin_waiting(self) -> None:
        channel, options = self._call.channel, self._options
        if not self._live:
            return
        self._identify(self._live[0])
        if "m" in options:
            channel.progress()
            channel.set_background("music", options.get("m", channel.music_class))
        elif "r" in options or "R" in options:
            self._ring()

    # waiting

    async def _wait(self) -> DialStatus:
        while self._live:
            if not self._news and not await self._sleep():
                has_begun = self.ringing_at is not None or self.progress_at is not None
                is_late = self._is_over(self._progress_deadline) and not has_begun
                if is_late or self._is_over(self._deadline):
                    return DialStatus.CHANUNAVAIL if is_late else DialStatus.NOANSWER
            if self.exit_digit:
                return DialStatus.CANCEL
            while self._news:
                attempt, status = self._news.popleft()
                self._handle(attempt, status)
                if self.winner is not None:
                    return DialStatus.ANSWER
        return self._failures.status

    def _is_over(self, deadline: float | None) -> bool:
        return deadline is not None and self._node.clock.now() >= deadline

    async def _sleep(self) -> bool:
        """Wait for news; ``False`` when a deadline has come."""
        loop = asyncio.get_running_loop()
        self._gate = gate = loop.create_future()
        now = self._node.clock.now()
        has_begun = self.ringing_at is not None or self.progress_at is not None
        deadlines = (self._deadline, None if has_begun else self._progress_deadline)
        # a timer may come a little early; what is over then is decided by the clock
        timers = [
            loop.call_later(max(0.0, deadline - now) + 0.001, self._wake)
            for deadline in deadlines
            if deadline is not None
        ]
        try:
            await self._call.channel.wait(gate)
        finally:
            self._gate = None
            for timer in timers:
                timer.cancel()
        return bool(self._news or self.exit_digit)

    def _handle(self, attempt: DialAttempt, status: DialStatus) -> None:
        if attempt not in self._live:
            return
        if status is DialStatus.RINGING:
            self._on_ringing(attempt)
        elif status is DialStatus.PROGRESS:
            self._on_progress(attempt)
        elif status is DialStatus.ANSWER:
            self._live.remove(attempt)
            self.winner = attempt
        else:
            self._live.remove(attempt)
            self._on_failure(attempt, status)

    def _identify(self, attempt: DialAttempt) -> None:
        """Tell the caller whom it calls, if that is one."""
        if self._is_single and "I" not in self._options:
            self._call.channel.set_connected(attempt.channel.caller)

    def _on_ringing(self, attempt: DialAttempt) -> None:
        self._identify(attempt)
        self.ringing_at = self.ringing_at or self._node.clock.now()
        self._call.channel.report_progress(180)
        if "m" not in self._options and self._early_media is None:
            self._ring()

    def _ring(self) -> None:
        channel = self._call.channel
        if channel.state != "Up":
            channel.ring()
            return
        tone = self._options.get("r", "ring")
        tone_list = self._node.tone(tone, channel.tone_zone)
        channel.set_background("tone" if tone_list else "silence", tone_list or "")

    def _on_progress(self, attempt: DialAttempt) -> None:
        """Let the caller hear the only destination before it answers."""
        self.progress_at = self.progress_at or self._node.clock.now()
        self._identify(attempt)
        self._send_progress_digits(attempt.channel)
        if not self._is_single or "m" in self._options or "r" in self._options:
            return
        if self._early_media is None:
            channel = self._call.channel
            channel.progress()
            channel.set_background(None)
            self._early_media = self._node.engine.create_bridge()
            self._early_media.add(channel.leg.stream)
            self._early_media.add(attempt.channel.leg.stream)

    def _send_progress_digits(self, called: Channel) -> None:
        """Send the third part of option ``D``, once."""
        parts = self._options.get("D").split(":")
        digits = "".join(each for each in "".join(parts[2:3]) if each in DTMF_DIGITS)
        if digits and called.id not in self._sent_to and not called.is_hungup:
            self._sent_to.add(called.id)
            called.leg.send_dtmf(
                digits, before_ms=0, between_ms=DTMF_MS, duration_ms=DTMF_MS, after_ms=0
            )

    def _end_early_media(self) -> None:
        if self._early_media is not None:
            self._early_media.close()
            self._early_media = None

    def _on_failure(self, attempt: DialAttempt, status: DialStatus) -> None:
        out = attempt.channel
        self._end_early_media()
        if status is DialStatus.FORWARD:
            self._forward(attempt)
            return
        tech = f"SIP {out.tech_cause}" if out.tech_cause else ""
        self._call.state.peer_causes[out.name] = out.hangup_cause, tech
        self._fail(_status_of(out.hangup_cause), out.hangup_cause)

    def _forward(self, attempt: DialAttempt) -> None:
        """Follow a redirection, by a Local channel unless it names a technology."""
        out = attempt.channel
        target = out.variables.get("FORWARD_TARGET") or ""
        attempt.give_up(Cause.NORMAL_CLEARING, DialStatus.FORWARD)
        self._forwards += 1
        if "i" in self._options or not target or self._forwards > MAX_FORWARDS:
            self._call.report(f"forwarding of {out.name} to {target!r} was prevented")
            self._fail(DialStatus.BUSY, Cause.USER_BUSY)
            return
        variables = self._call.channel.variables
        variables.set("FORWARDERNAME", out.name)
        if "/" not in target:
            context = out.variables.get("FORWARD_CONTEXT") or out.context
            target = f"Local/{target}@{context}"
        if "z" in self._options:
            self._deadline = None
        caller = self._call.channel
        redirecting = redirected(caller, out, target)
        self._start(target, forwarder=out)
        if "I" not in self._options:
            caller.set_redirecting(redirecting)
            self._call.dialplan.interception.tell_redirecting(caller)

    def _on_digit(self, digit: str) -> None:
        options, call = self._options, self._call
        context = call.get("EXITCONTEXT") or ""
        leaves = "d" in options and call.exists(digit, 1, context)
        self._pressed = (self._pressed + digit)[-MAX_PRESSED:]
        code = codes_of(call)["disconnect"]
        if leaves or ("H" in options and code and self._pressed.endswith(code)):
            self.exit_digit = digit
            self._wake()

    # ending

    def _give_up(self) -> None:
        is_elsewhere = self.winner is not None or "c" in self._options
        timed_out = self.status in (DialStatus.NOANSWER, DialStatus.CHANUNAVAIL)
        cause: int = Cause.NO_ANSWER if timed_out else Cause.NORMAL_CLEARING
        if timed_out and self._live and not self._call.channel.is_hungup:
            self._call.channel.hangup_cause = cause
        if self.winner is not None and "Q" in self._options:
            cause = find_cause(self._options.get("Q")) or cause
        elif is_elsewhere:
            cause = Cause.ANSWERED_ELSEWHERE
        status = DialStatus.NOANSWER if timed_out else DialStatus.CANCEL
        for attempt in self._live:
            attempt.give_up(cause, status)
        self._live.clear()


def subroutine_of(text: str) -> str:
    """Return Gosub's argument for ``ctx^ext^pri(arg^arg)`` as options have it."""
    return text.replace("^", ",")


def _status_of(cause: int) -> DialStatus:
    """Return what DIALSTATUS makes of a cause; the Dial event tells some more of them apart."""
    return _STATUSES.get(cause, DialStatus.CHANUNAVAIL)


def _cause_of(error: ServerError) -> int:
    if isinstance(error, NotFound):
        return Cause.SUBSCRIBER_ABSENT
    if isinstance(error, InvalidArgument):
        return Cause.CHAN_NOT_IMPLEMENTED
    return Cause.NORMAL_CIRCUIT_CONGESTION


def is_ours(channel: Channel) -> bool:
    """Whether a dialled channel is still without a controller of its own."""
    is_taken = channel.is_controlled or channel.is_adopted or channel.bridge is not None
    return not (channel.is_hungup or is_taken)
