"""The coroutine that drives a channel, and how it waits.

A channel has at most one controller (the dialplan's executor, a Stasis application's hold on it)
or none (a dialled leg that waits in a bridge). The controller waits only through the channel
(:meth:`Controlled.wait`, :meth:`~Controlled.sleep`, :meth:`~Controlled.wait_digit`), and any of
these raises :class:`~server.base.errors.ChannelHungUp` once the call is over. When the controller
has ended, the channel is destroyed; a channel without one is destroyed at once. So everything that
a controller does on its way out, such as leaving Stasis, comes before ``ChannelDestroyed``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from abc import abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from server.base.call_ids import call_id_of_new_channel, enter_call
from server.base.errors import ChannelHungUp
from server.resources.node import Node

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_PENDING_DIGITS = 128  # a caller's type-ahead; the oldest go first
SETTLE_TIMEOUT = 2.0  # seconds for the file thread to close a recording
CAUSE_CONTROLLER_FAILED = 38  # network out of order: Asterisk's cause for an internal failure


class EndedBy(StrEnum):
    """Who or what ended a channel, as ChannelDestroyed says it."""

    FAR_END = "far_end"
    COMMAND = "command"
    DIALPLAN = "dialplan"
    DIALLER = "dialler"
    CONSOLE = "console"
    MEDIA_TIMEOUT = "media_timeout"
    FAILURE = "failure"
    SERVER = "server"


class Controlled:
    """What a channel and its controller have to do with each other.

    :param name: of the channel.
    """

    __slots__ = (
        "__weakref__",
        "_controller",
        "_digit_waiters",
        "_digits",
        "_gates",
        "call_id",
        "hangup_cause",
        "is_hungup",
        "name",
        "node",
        "unsettled",
    )

    def __init__(self, node: Node, name: str) -> None:
        self.node = node
        self.name = name
        self.call_id = call_id_of_new_channel()  # for the log
        self.is_hungup = False
        self.hangup_cause = 0
        self.unsettled: set[asyncio.Future[None]] = set()  # recordings that are being closed
        self._digits: deque[str] = deque(maxlen=MAX_PENDING_DIGITS)
        self._digit_waiters: deque[asyncio.Future[bool]] = deque()
        self._gates: set[asyncio.Future[Any]] = set()
        self._controller: asyncio.Task[None] | None = None

    @abstractmethod
    def hangup(self, cause: int = 16, ended_by: EndedBy = EndedBy.SERVER) -> None:
        """End the call."""

    @abstractmethod
    def destroy(self) -> None:
        """End the record of a channel that has hung up."""

    # waiting, for the controller

    async def wait(self, awaitable: asyncio.Future[T] | Awaitable[T]) -> T:
        """Wait for something else, but no longer than the channel lives.

        A coroutine given here goes on in the background when the channel ends first, and is
        then cancelled.

        :raises ChannelHungUp: the channel ended first.
        """
        self._raise_if_hungup(awaitable)
        if asyncio.isfuture(awaitable):
            future: asyncio.Future[T] = awaitable
        else:
            future = self.node.scope.spawn(_as_coroutine(awaitable), f"{self.name} wait")
        gate: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        wake = _waker(gate)
        future.add_done_callback(wake)
        try:
            await self._pass(gate)
        except BaseException:
            if future is not awaitable:
                future.cancel()
            raise
        finally:
            future.remove_done_callback(wake)
        result = future.result()
        if isinstance(result, _Failed):
            raise result.error
        return result

    async def sleep(self, seconds: float) -> None:
        """Let time pass.

        :raises ChannelHungUp: the channel ended meanwhile.
        """
        self._raise_if_hungup()
        loop = asyncio.get_running_loop()
        gate: asyncio.Future[bool] = loop.create_future()
        timer = loop.call_later(seconds, _waker(gate), gate)
        try:
            await self._pass(gate)
        finally:
            timer.cancel()

    async def wait_digit(self, timeout: float | None) -> str | None:
        """Return the next digit, ``None`` after *timeout* seconds without one.

        :raises ChannelHungUp: the channel ended meanwhile.
        """
        self._raise_if_hungup()
        if self._digits:
            return self._digits.popleft()
        loop = asyncio.get_running_loop()
        gate: asyncio.Future[bool] = loop.create_future()
        timer = loop.call_later(timeout, _waker(gate), gate) if timeout is not None else None
        self._digit_waiters.append(gate)
        try:
            await self._pass(gate)
        finally:
            self._digit_waiters.remove(gate)
            if timer is not None:
                timer.cancel()
        return self._digits.popleft() if self._digits else None

    async def wait_hangup(self) -> NoReturn:
        """Wait until the channel ends, and raise :class:`ChannelHungUp` then."""
        self._raise_if_hungup()
        while True:
            await self._pass(asyncio.get_running_loop().create_future())

    def flush_digits(self) -> None:
        """Forget digits that nobody has read."""
        self._digits.clear()

    def unread_digit(self, digit: str) -> None:
        """Give a digit back, to be read next."""
        self._digits.appendleft(digit)
        self._wake_digit_waiters()

    async def settle(self) -> None:
        """Wait, for a bounded time, until recordings of this channel have said how they ended."""
        await wait_settled(self.unsettled)

    # its controller

    def take_control(self, controller: Coroutine[Any, Any, None], name: str) -> None:
        """Make *controller* the one coroutine that drives this channel.

        The former one is cancelled, unless it is the caller and hands over itself.
        """
        former = self._controller
        task = self.node.scope.spawn(self._run(controller), f"{self.name} {name}")
        task.add_done_callback(lambda _task: controller.close())  # cancelled before it began
        self._controller = task
        if former is not None and former is not asyncio.current_task():
            former.cancel()

    async def give_up_control(self) -> NoReturn:
        """Leave the channel without a controller, as a dialled one is: the caller is cancelled."""
        task = asyncio.current_task()
        assert task is not None
        assert task is self._controller
        self.release_control()
        task.cancel()
        await asyncio.get_running_loop().create_future()
        raise AssertionError("a cancelled controller went on")

    def release_control(self) -> None:
        """End the controller, if there is one; what becomes of the channel is up to the caller."""
        former, self._controller = self._controller, None
        if former is not None and former is not asyncio.current_task():
            former.cancel()

    @property
    def is_controlled(self) -> bool:
        """Whether a controller drives the channel."""
        return self._controller is not None

    # private

    def _raise_if_hungup(self, awaitable: object = None) -> None:
        if self.is_hungup:
            if asyncio.iscoroutine(awaitable):
                awaitable.close()
            raise ChannelHungUp(self.hangup_cause)

    async def _pass(self, gate: asyncio.Future[bool]) -> None:
        """Wait at a gate, whose result says whether the channel has ended.

        An exception set on the gate would do the same and leave a cycle behind for each call: the
        future, its exception, the traceback and this frame.
        """
        self._gates.add(gate)
        try:
            is_over = await gate
        finally:
            self._gates.discard(gate)
        if is_over:
            raise ChannelHungUp(self.hangup_cause)

    def _wake_digit_waiters(self) -> None:
        for gate in self._digit_waiters:
            if not gate.done():
                gate.set_result(False)
                break

    def _end_waits(self) -> None:
        """Let whoever waits learn that the channel has ended."""
        for gate in list(self._gates):
            if not gate.done():
                gate.set_result(True)

    async def _run(self, controller: Coroutine[Any, Any, None]) -> None:
        task = asyncio.current_task()
        enter_call(self.call_id)
        try:
            with contextlib.suppress(ChannelHungUp):
                await controller
        except Exception:
            logger.exception("%s: its controller failed; hanging up", self.name)
            self.hangup(CAUSE_CONTROLLER_FAILED, EndedBy.FAILURE)
        finally:
            if self._controller is task:
                if self.is_hungup:
                    await self.settle()
                self._controller = None
                if self.is_hungup:
                    self.destroy()


async def wait_settled(unsettled: set[asyncio.Future[None]]) -> None:
    """Wait, for a bounded time, until recordings have said how they ended."""
    if unsettled:
        await asyncio.wait(unsettled, timeout=SETTLE_TIMEOUT)


def _waker(gate: asyncio.Future[bool]) -> Callable[[object], None]:
    def wake(_done: object) -> None:
        if not gate.done():
            gate.set_result(False)

    return wake


class _Failed:
    """What a coroutine raised that somebody waits for: theirs to deal with, not its scope's."""

    def __init__(self, error: Exception) -> None:
        self.error = error


async def _as_coroutine(awaitable: Awaitable[Any]) -> Any:
    try:
        return await awaitable
    except Exception as error:
        return _Failed(error)
