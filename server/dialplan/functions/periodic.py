"""PERIODIC_HOOK(): from time to time an extension is run, and heard by all of a call."""

from __future__ import annotations

import asyncio
import itertools
import logging

from server.base.errors import InvalidArgument, ServerError, Unavailable
from server.config.types import TRUE_WORDS
from server.dialplan.arguments import argument, split_arguments
from server.dialplan.numbers import parse_integer
from server.dialplan.port import Dialplan
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.dialplan.spying import Keys, Listener, Mode
from server.resources.channel import Channel
from server.resources.dialing import DialAttempt

logger = logging.getLogger(__name__)

MAX_HOOKS = 32  # of one channel
MIN_INTERVAL = 1  # seconds
MAX_INTERVAL = 604_800  # seconds, a week


class Hook:
    """An extension that is run every so many seconds while its channel lives.

    While it still runs from the time before, it is left out.
    """

    def __init__(
        self, dialplan: Dialplan, channel: Channel, hook_id: str, place: str, interval: int
    ) -> None:
        self._dialplan = dialplan
        self._channel = channel
        self._id = hook_id
        self._place = place
        self._interval = interval
        self._timer: asyncio.TimerHandle | None = None
        self._running: Channel | None = None

    def enable(self) -> None:
        """Begin to count from now, unless it is on already."""
        if self._timer is None and not self._channel.is_hungup:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._interval, self._on_time)

    def disable(self) -> None:
        """Leave off. May be called again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_time(self) -> None:
        self._timer = None
        self.enable()
        if self._running is not None and not self._running.is_hungup:
            return
        try:
            self._running = self._run()
        except ServerError as error:
            logger.warning("%s: PERIODIC_HOOK: %s", self._channel.name, error)

    def _run(self) -> Channel:
        hook = self._dialplan.dialer.create_outgoing(
            f"Local/{self._place}/n",
            variables={"__HOOK_CHANNEL": self._channel.name, "__HOOK_ID": self._id},
        )
        DialAttempt(hook, None, hook.dial_string).start()
        hook.take_control(_barge(hook, self._channel), "periodic hook")
        return hook


async def _barge(hook: Channel, channel: Channel) -> None:
    """Let all hear *hook*, until it or the channel ends."""
    if not channel.is_hungup:
        listener = Listener(hook, channel, Mode.BARGE, only_in=False, volume=0)
        with listener, Keys(hook, channel) as keys:
            while not keys.has_ended:
                await keys.next()
    hook.hangup()


class Hooks:
    """Every hook, by its id."""

    def __init__(self, dialplan: Dialplan) -> None:
        self._dialplan = dialplan
        self._hooks: dict[str, tuple[Channel, Hook]] = {}
        self._numbers = itertools.count(1)

    def add(self, channel: Channel, place: str, interval: int) -> str:
        """Make a hook and return its id.

        :raises Unavailable: the channel has too many.
        """
        if sum(owner is channel for owner, _hook in self._hooks.values()) >= MAX_HOOKS:
            raise Unavailable(f"a channel has at most {MAX_HOOKS} hooks")
        hook_id = str(next(self._numbers))
        hook = Hook(self._dialplan, channel, hook_id, place, interval)
        self._hooks[hook_id] = channel, hook
        channel.on_end.append(lambda: self._drop(hook_id))
        hook.enable()
        return hook_id

    def find(self, hook_id: str) -> Hook:
        """Return a hook.

        :raises InvalidArgument: there is none of this id.
        """
        found = self._hooks.get(hook_id)
        if found is None:
            raise InvalidArgument("hook_id", f"there is no hook {hook_id!r}")
        return found[1]

    def _drop(self, hook_id: str) -> None:
        found = self._hooks.pop(hook_id, None)
        if found is not None:
            found[1].disable()


@function("PERIODIC_HOOK", escalates=True)
def add_hook(scope: Scope, data: str) -> str:
    """PERIODIC_HOOK(context,extension,interval): run it every so many seconds; returns its id.

    It runs on a channel of its own, whose HOOK_CHANNEL is this one, and which all here hear.
    """
    arguments = split_arguments(data)
    context, exten = argument(arguments, 0).strip(), argument(arguments, 1).strip()
    interval = parse_integer(argument(arguments, 2))
    if not context or not exten or not MIN_INTERVAL <= interval <= MAX_INTERVAL:
        raise InvalidArgument("PERIODIC_HOOK", "expected context, extension and interval")
    return scope.dialplan.part(Hooks).add(scope.channel, f"{exten}@{context}", interval)


@function_write("PERIODIC_HOOK", escalates=True)
def switch_hook(scope: Scope, data: str, value: str) -> None:
    """PERIODIC_HOOK(id)=on or off."""
    hook = scope.dialplan.part(Hooks).find(data.strip())
    if value.strip().lower() in TRUE_WORDS:
        hook.enable()
    else:
        hook.disable()
