"""Runs a channel through the dialplan, step by step, as the channel's controller.

How it goes on from a step, as in Asterisk:

- the next priority is looked up anew; an application may have gone elsewhere;
- a digit that interrupted an application is the first of an extension to be collected;
- when the priorities of an extension end, ``autofallthrough`` hangs up by DIALSTATUS;
- an extension that does not exist is handled by ``i``, a missing response by ``t``, the absolute
  timeout by ``T``, a failed application by ``e``;
- at the end, and on a channel that has hung up already, ``h`` of the present context runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from server.base.causes import Cause
from server.base.errors import ChannelHungUp, InvalidState, ServerError
from server.base.suspension import suspendable
from server.dialplan.arguments import Target, parse_target
from server.dialplan.plan import Place, Step
from server.dialplan.scope import Scope
from server.resources.controlled import EndedBy

if TYPE_CHECKING:
    from server.dialplan.port import Dialplan
    from server.resources.channel import Channel

logger = logging.getLogger(__name__)

STEPS_PER_TURN = 50  # steps without waiting before others get their turn
MAX_HANGUP_STEPS = 10_000  # of "h": nobody can end a loop there
MAX_EXTENSION = 80  # digits collected, as in Asterisk
FALLTHROUGH_TONE = 10.0  # seconds of busy or congestion tone on an answered call


class Call(Scope):
    """The dialplan's hold on one channel; applications work through it."""

    def __init__(self, dialplan: Dialplan, channel: Channel) -> None:
        super().__init__(dialplan, channel)
        self._place: Place | None = None  # of the running step
        self._cached_for: tuple[object, int, str, str, str] | None = None
        self._has_jumped = False
        self._steps_in_turn = 0

    # for applications

    def jump(self, context: str, exten: str, priority: int) -> None:
        """Go on elsewhere after this application."""
        self.channel.set_position(context, exten, priority)
        self._has_jumped = True

    def jump_to_position(self) -> None:
        """Go on where somebody else has put the channel."""
        self._has_jumped = True

    @property
    def has_jumped(self) -> bool:
        """Whether the present application has gone elsewhere."""
        return self._has_jumped

    def stay(self, context: str, exten: str, priority: int) -> None:
        """Take a jump back: this application goes on, at the position where it was."""
        self.channel.set_position(context, exten, priority)
        self._has_jumped = False

    def resolve(self, target: Target) -> tuple[str, str, int] | None:
        """Return the position that a target means, ``None`` if its label does not exist."""
        channel = self.channel
        context = target.context or channel.context
        exten = target.exten or channel.exten
        text = target.priority
        if text.isascii() and text.isdigit():
            return (context, exten, int(text)) if int(text[:9]) > 0 else None
        if text[0] in "+-" and text[1:].isdigit():
            return context, exten, max(1, channel.priority + int(text[:9]))
        found = self.dialplan.find_label(context, exten, text, channel.caller.number)
        return None if found is None else (context, exten, found)

    def goto(self, text: str) -> None:
        """Go to ``[[context,]extension,]priority``.

        :raises ChannelHungUp: there is no such label; the call is to end, as in Asterisk.
        """
        target = parse_target(text)
        position = None if target is None else self.resolve(target)
        if position is None:
            self.report(f"priority {text!r} must be a number greater than 0 or a valid label")
            raise ChannelHungUp(self.channel.hangup_cause)
        self.jump(*position)

    def exists(self, exten: str, priority: int = 1, context: str = "") -> bool:
        """Tell whether a step exists, in the present context if none is named."""
        channel = self.channel
        found = self.dialplan.plan.find(
            context or channel.context,
            exten,
            priority,
            channel.caller.number,
            self.dialplan.node.clock.wall(),
            self,
        )
        return found is not None

    def run_application(self, name: str, data: str) -> object:
        """Start another application in place of this one; await what it returns if not ``None``.

        :raises ServerError: there is no such application.
        """
        found = self.dialplan.registry.applications.get(name.strip().lower())
        if found is None:
            raise ServerError(f"no application {name!r}")
        return found.run(self, data)

    async def start_application(self, name: str, data: str) -> None:
        """Run another application to its end, as :meth:`run_application`."""
        result = self.run_application(name, data)
        if isinstance(result, Awaitable):
            await result

    @property
    def steps(self) -> Mapping[int, Step]:
        """The steps of the extension that runs now, by priority."""
        return {} if self._place is None else self._place.extension.steps

    @property
    def where(self) -> str:
        """The present position with file and line, for logs."""
        step = self._place.step if self._place is not None else None
        source = f" {step.path}:{step.line}" if step is not None and step.path else ""
        return super().where + source

    # the controller

    async def run(self) -> None:
        """Drive the channel from its position until it ends or somebody takes it over."""
        self.state.runner = self
        try:
            await self._run_to_the_end()
        finally:
            if self.state.runner is self:
                self.state.runner = None
        self.dialplan.forget(self.channel)

    async def _run_to_the_end(self) -> None:
        try:
            self._enter()
            await self._run_extensions()
        except ChannelHungUp as hangup:
            if not self.channel.is_hungup:
                self.channel.hangup(hangup.cause or Cause.NORMAL_CLEARING, EndedBy.DIALPLAN)
        if not self.channel.is_hungup:
            cause = self.channel.hangup_cause or Cause.NORMAL_CLEARING
            self.channel.hangup(cause, EndedBy.DIALPLAN)
        await self.run_hangup_extension()
        await self.run_hangup_handlers()

    def _enter(self) -> None:
        """Fall back to ``s``, then to context ``default``, if the position does not exist."""
        channel = self.channel
        if self.exists(channel.exten, channel.priority):
            return
        logger.debug("%s does not exist, trying s", self.where)
        channel.set_position(channel.context, "s", 1)
        if not self.exists("s"):
            channel.set_position("default", "s", 1)

    async def _run_extensions(self) -> None:
        while True:
            digit = await self._run_steps()
            channel = self.channel
            if digit is None and not self.exists(channel.exten):
                self._handle_invalid(channel.exten)
            elif digit is not None or not self.dialplan.plan.autofallthrough:
                await self._dial_extension(digit or "")
            else:
                await self._fall_through()
                return

    async def run_until_return(self, depth: int) -> None:
        """Run steps until no more than *depth* subroutines are inside each other.

        :raises ChannelHungUp: the channel ended, or the dialplan says that it should.
        """
        await self.run_until(lambda: len(self.state.frames) <= depth)

    async def run_until(self, is_over: Callable[[], bool]) -> str | None:
        """Run steps from the channel's position until *is_over* after one, or there is no next.

        :returns: a digit with which the caller interrupted a step to dial an extension.
        :raises ChannelHungUp: the channel ended, or the dialplan says that it should.
        """
        return await suspendable(self._run_steps(is_over))

    async def _run_steps(self, is_over: Callable[[], bool] | None = None) -> str | None:
        """Run steps until there is no next one, a digit interrupts, or *is_over* says so."""
        channel = self.channel
        while (place := self._find()) is not None:
            self._place = place
            self._has_jumped = False
            digit = await self._run_step(place)
            if channel.is_hungup:
                raise ChannelHungUp(channel.hangup_cause)
            if is_over is not None and is_over():
                return None
            if self._has_jumped:
                continue
            channel.set_position(channel.context, channel.exten, channel.priority + 1)
            if digit:
                return digit
        return None

    async def _run_step(self, place: Place) -> str | None:
        step = place.step
        if place.moves_to is not None:
            self.channel.set_position(*place.moves_to)
        application = self.dialplan.registry.applications.get(step.key)
        if application is None:
            logger.error("%s: no application %r", self.where, step.application)
            raise ChannelHungUp(self.channel.hangup_cause)
        data = step.data if isinstance(step.data, str) else step.data.evaluate(self)
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s: %s(%s)", self.where, step.application, data)
        self.channel.set_application(application.name, data)
        self._steps_in_turn += 1
        if self._steps_in_turn >= STEPS_PER_TURN:
            self._steps_in_turn = 0
            await asyncio.sleep(0)
        try:
            result = application.run(self, data)
            return None if result is None else await result
        except ChannelHungUp:
            raise
        except ServerError as error:
            if isinstance(error, InvalidState) and self.channel.is_hungup:
                raise ChannelHungUp(self.channel.hangup_cause) from None
            self.report(f"{step.application}: {error}")
            return None
        except Exception:
            logger.exception("%s: %s failed", self.where, step.application)
            self.handle_failure()
            return None

    def _find(self) -> Place | None:
        """Return the step at the channel's position.

        The steps of one extension are usually found where the last one was; see
        :attr:`Place.is_first`.
        """
        channel = self.channel
        plan = self.dialplan.plan
        key = plan, plan.version, channel.context, channel.exten, channel.caller.number
        place = self._place
        if place is not None and place.is_first and self._cached_for == key:
            step = place.extension.steps.get(channel.priority)
            if step is not None:
                return Place(step, place.extension, place.context, True)
        self._cached_for = key
        return plan.find(
            channel.context,
            channel.exten,
            channel.priority,
            channel.caller.number,
            self.dialplan.node.clock.wall(),
            self,
        )

    # what happens when no step follows

    def handle_failure(self) -> None:
        """Go to ``e`` after an application failed, else end the call."""
        if not self.exists("e"):
            raise ChannelHungUp(self.channel.hangup_cause)
        self.raise_exception("ERROR")

    def raise_exception(self, reason: str) -> None:
        """Go to the ``e`` extension; EXCEPTION() tells why."""
        channel = self.channel
        self.state.exception = reason, channel.context, channel.exten, channel.priority
        self.jump(channel.context, "e", 1)

    def _handle_invalid(self, exten: str) -> None:
        """Go to ``i``, else to ``e``, else end the call."""
        channel = self.channel
        if self.exists("i"):
            channel.variables.set("INVALID_EXTEN", exten)
            channel.set_position(channel.context, "i", 1)
        elif self.exists("e"):
            self.raise_exception("INVALID")
        else:
            logger.warning("%s: extension %r is invalid and there is no i", self.where, exten)
            cause = channel.hangup_cause
            if self._place is None:  # a switch let the call in unseen; see Switch
                cause = cause or Cause.UNALLOCATED
            raise ChannelHungUp(cause)

    def handle_no_response(self) -> None:
        """Go to ``t``, else to ``e``, else end the call."""
        channel = self.channel
        if self.exists("t"):
            self.jump(channel.context, "t", 1)
        elif self.exists("e"):
            self.raise_exception("RESPONSETIMEOUT")
        else:
            logger.warning("%s: timeout, and there is no t", self.where)
            raise ChannelHungUp(channel.hangup_cause)

    async def _dial_extension(self, dialled: str) -> None:
        """Collect the rest of an extension and go there."""
        state = self.state
        timeout = state.digit_timeout if dialled else state.response_timeout
        dialled = await self.collect(dialled, timeout)
        channel = self.channel
        if not dialled:
            self.handle_no_response()
        elif self.exists(dialled):
            channel.set_position(channel.context, dialled, 1)
        else:
            self._handle_invalid(dialled)

    async def collect(self, dialled: str, timeout: float, context: str = "") -> str:
        """Wait for digits as long as more could reach another extension.

        :param timeout: seconds to the first digit; TIMEOUT(digit) counts afterwards.
        """
        channel = self.channel
        while len(dialled) < MAX_EXTENSION and self.dialplan.plan.can_continue(
            context or channel.context,
            dialled,
            channel.caller.number,
            self.dialplan.node.clock.wall(),
            self,
        ):
            digit = await channel.wait_digit(timeout)
            if digit is None:
                break
            dialled += digit
            timeout = self.state.digit_timeout
        return dialled

    async def _fall_through(self) -> None:
        status = self.channel.variables.get("DIALSTATUS") or "UNKNOWN"
        logger.debug("%s: auto fallthrough, status is %s", self.where, status)
        if status == "BUSY":
            await self.refuse(Cause.USER_BUSY, "busy", FALLTHROUGH_TONE)
        elif status in ("CONGESTION", "CHANUNAVAIL"):
            await self.refuse(Cause.NORMAL_CIRCUIT_CONGESTION, "congestion", FALLTHROUGH_TONE)

    async def refuse(self, cause: Cause, tone_name: str, seconds: float | None) -> None:
        """End an unanswered call with *cause*; let an answered one hear a tone first.

        :param seconds: how long, ``None`` until the caller hangs up.
        """
        channel = self.channel
        if channel.state == "Up":
            tone = self.dialplan.node.tone(tone_name, channel.tone_zone)
            channel.set_background("tone" if tone else "silence", tone or "")
            if seconds is None:
                await channel.wait_hangup()
            else:
                await channel.sleep(seconds)
        raise ChannelHungUp(cause)

    # the end

    async def run_hangup_extension(self) -> None:
        """Run ``h`` of the present context, if there is one; the channel has hung up."""
        if self.exists("h"):
            self.channel.set_position(self.channel.context, "h", 1)
            await self._run_dead_steps(-1)

    async def run_hangup_handlers(self) -> None:
        """Run the subroutines of CHANNEL(hangup_handler_push), the last one first."""
        from server.dialplan.apps.subroutines import gosub, leave_subroutines

        handlers = self.state.hangup_handlers
        while handlers:
            text = handlers.pop()
            self.channel.node.notices.tell("HangupHandlerRun", self.channel, {"Handler": text})
            depth = len(self.state.frames)
            try:
                gosub(self, text)
            except ChannelHungUp:
                continue  # it has been reported
            await self._run_dead_steps(depth)
            leave_subroutines(self, depth)

    async def _run_dead_steps(self, depth: int) -> None:
        """Run steps of a channel that has hung up, as :meth:`_run_steps`, with an end."""
        channel = self.channel
        count = 0
        try:
            while (place := self._find()) is not None and count < MAX_HANGUP_STEPS:
                count += 1
                self._place = place
                self._has_jumped = False
                await self._run_step(place)
                if depth >= 0 and len(self.state.frames) <= depth:
                    return
                if not self._has_jumped:
                    channel.set_position(channel.context, channel.exten, channel.priority + 1)
        except ChannelHungUp:
            return
        if count >= MAX_HANGUP_STEPS:
            logger.error("%s: stopped after %d steps", self.where, count)
