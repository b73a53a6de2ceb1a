"""Runs the functions of a Lua script for calls.

The function runs in a thread of its own. What it asks of its call travels to the loop, where the
call's controller, which waits for nothing else, does it and sends the answer back: applications
and functions run where they always run. A busy script holds up its own call only.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable
from queue import SimpleQueue
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

from server.base.errors import ChannelHungUp, ServerError, Unavailable
from server.dialplan.lua.limits import MAX_SCRIPTS
from server.dialplan.lua.script import APPLICATION, LuaScript
from server.dialplan.lua.state import LuaState, Outcome
from server.dialplan.lua.switch import NAME, LuaSwitch
from server.dialplan.registry import Application, Registry

if TYPE_CHECKING:
    from server.dialplan.executor import Call
    from server.resources.channel import Channel

logger = logging.getLogger(__name__)

LAST_INSTRUCTIONS = 50_000_000  # that a script may run after its call has ended
_ELSEWHERE = "the call goes on elsewhere"

_Answer = tuple[str, str | None]


class LuaHost:
    """The script that is loaded, and the states of the calls that use it."""

    def __init__(self) -> None:
        self.script: LuaScript | None = None
        self.running = 0
        self._states: WeakKeyDictionary[Channel, _Held] = WeakKeyDictionary()

    def register(self, registry: Registry) -> None:
        """Let the dialplan find and run the script's extensions."""
        registry.applications[APPLICATION.lower()] = Application(APPLICATION, self.run)
        registry.switches[NAME.lower()] = LuaSwitch(lambda: self.script)

    def forget(self, channel: Channel) -> None:
        """Give up a call's state."""
        self._states.pop(channel, None)

    async def run(self, call: Call, data: str) -> str | None:
        """Call the function of an extension.

        :param data: the context that was looked in, the one that has the extension, and the
            extension's name there.
        :returns: a digit with which the caller interrupted an application.
        :raises ChannelHungUp: the call ended, or is to end.
        """
        shown, _, rest = data.partition(",")
        context, _, key = rest.partition(",")
        try:
            run = self._begin(call)
        except ServerError as error:
            call.report(str(error))
            call.handle_failure()
            return None
        return await run.converse((context, key, shown, call.channel.exten))

    def finished(self, run: ScriptRun) -> None:
        """Note that a script's thread has ended."""
        self.running -= 1
        if run.held.owner is run:
            run.held.owner = None

    def _begin(self, call: Call) -> ScriptRun:
        if self.script is None:
            raise Unavailable("there is no extensions.lua")
        if self.running >= MAX_SCRIPTS:
            raise Unavailable(f"{MAX_SCRIPTS} Lua scripts run already")
        held = self._states.get(call.channel)
        if held is None:
            held = self._states[call.channel] = _Held(self.script)
        if held.owner is not None and held.owner.task is asyncio.current_task():
            raise Unavailable("a Lua extension of this channel waits for this one to end")
        held.owner = ScriptRun(self, call, held)
        self.running += 1
        return held.owner


class _Held:
    """A call's state; it is made in the first thread that needs it.

    :ivar owner: the run whose thread uses it now.
    """

    def __init__(self, script: LuaScript) -> None:
        self.script = script
        self.owner: ScriptRun | None = None
        self._state: LuaState | None = None
        self._lock = threading.Lock()

    def state(self) -> LuaState:
        """Return the state; called in a script's thread."""
        with self._lock:
            if self._state is None:
                self._state = self.script.new_state()
            return self._state


class ScriptRun:
    """One run of an extension's function; implements :class:`server.dialplan.lua.state.Run`."""

    def __init__(self, host: LuaHost, call: Call, held: _Held) -> None:
        self.held = held
        self.task = asyncio.current_task()
        self.is_abandoned = False
        self._host = host
        self._call = call
        self._loop = asyncio.get_running_loop()
        # what passes between the threads: one request at a time, and how it ended
        self._requests: asyncio.Queue[tuple[str, ...] | Outcome] = asyncio.Queue(2)
        self._replies: SimpleQueue[_Answer] = SimpleQueue()
        # the thread's own
        self._limits = held.script.limits
        self._ticks = 0
        # the loop's own, but for a look at a flag
        self._was_hungup = call.channel.is_hungup  # the h extension runs
        self._is_over = False  # the call ended under the script
        self._has_left = False
        self._digit: str | None = None
        self._hangup: ChannelHungUp | None = None

    async def converse(self, words: tuple[str, str, str, str]) -> str | None:
        """Start the thread, and serve it until it ends. See :meth:`LuaHost.run`."""
        channel = self._call.channel
        threading.Thread(target=self._work, args=(words,), name="lua", daemon=True).start()
        if not self._was_hungup:
            channel.on_end.append(self._on_end)
        try:
            while True:
                request = await self._requests.get()
                if isinstance(request, Outcome):
                    return self._conclude(request)
                self._replies.put(await self._serve(*request))
        finally:
            self._abandon()
            if self._on_end in channel.on_end:
                channel.on_end.remove(self._on_end)

    # in the script's thread

    def ask(self, kind: str, *arguments: str) -> _Answer:
        """See :class:`server.dialplan.lua.state.Run`."""
        if self.is_abandoned:
            return "end", _ELSEWHERE
        try:
            self._loop.call_soon_threadsafe(self._requests.put_nowait, (kind, *arguments))
        except RuntimeError:
            return "end", "the server stops"
        answer = self._replies.get()
        if answer[0] == "ok":
            self._ticks = 0
        return answer

    def tick(self) -> str | None:
        """See :class:`server.dialplan.lua.state.Run`."""
        if self.is_abandoned:
            return _ELSEWHERE
        self._ticks += 1
        limits = self._limits
        allowed = (
            min(limits.instructions, LAST_INSTRUCTIONS) if self._is_over else limits.instructions
        )
        if self._ticks * limits.interval < allowed:
            return None
        return "hangup" if self._is_over else f"more than {allowed} instructions without a call"

    def _work(self, words: tuple[str, str, str, str]) -> None:
        try:
            outcome = self.held.state().call(self, *words)
        except Exception as error:
            logger.exception("Lua failed")
            outcome = Outcome(str(error) or type(error).__name__)
        try:
            self._loop.call_soon_threadsafe(self._on_finished, outcome)
        except RuntimeError:
            logger.debug("a Lua script outlived the server")

    # on the loop

    def _on_finished(self, outcome: Outcome) -> None:
        self._host.finished(self)
        if not self.is_abandoned:
            self._requests.put_nowait(outcome)

    def _on_end(self) -> None:
        self._is_over = True
        self._ticks = 0

    def _abandon(self) -> None:
        """Let the thread end at its next call, or its next look at the limits."""
        self.is_abandoned = True
        self._replies.put(("end", _ELSEWHERE))

    def _conclude(self, outcome: Outcome) -> str | None:
        channel = self._call.channel
        if outcome.text and not (self._has_left or self._is_over or self._hangup):
            logger.error("%s: %s", self._call.where, outcome.text)
        if self._is_over:
            raise ChannelHungUp(channel.hangup_cause)
        if self._hangup is not None:
            raise self._hangup
        if outcome.text and not self._has_left:
            self._call.handle_failure()
        return self._digit

    async def _serve(self, kind: str, *arguments: str) -> _Answer:
        call = self._call
        if kind == "app":
            return await self._run_application(*arguments)
        if kind == "hangup?":
            return "ok", "1" if call.channel.is_hungup else "0"
        try:
            return "ok", self._handle_variable(kind, *arguments)
        except ChannelHungUp:
            return "hangup", None
        except ServerError as error:
            call.report(str(error))
            return "ok", None

    def _handle_variable(self, kind: str, name: str, value: str = "") -> str | None:
        call = self._call
        function, parenthesis, rest = name.partition("(")
        is_function = bool(parenthesis) and rest.endswith(")")
        if kind == "get":
            return call.evaluate_function(function, rest[:-1]) if is_function else call.get(name)
        if kind == "clear" and not is_function:
            call.channel.variables.remove(name)
        else:
            call.set(name, value)
        return None

    async def _run_application(self, name: str, data: str) -> _Answer:
        call, channel = self._call, self._call.channel
        if self._is_over or self._hangup is not None:
            return "hangup", None
        if name.lower() not in call.dialplan.registry.applications:
            return "error", f"application '{name}' not found"
        channel.set_application(name, data)
        place = channel.context, channel.exten, channel.priority
        try:
            running = call.run_application(name, data)
            if running is not None:
                self._digit = await cast("Awaitable[str | None]", running)
        except ChannelHungUp as hangup:
            self._hangup = hangup
        except ServerError as error:
            call.report(f"{name}: {error}")
        if self._is_over or self._hangup is not None:
            return "hangup", None
        self._has_left = self._is_elsewhere(place) or bool(self._digit)
        return ("end", _ELSEWHERE) if self._has_left else ("ok", None)

    def _is_elsewhere(self, place: tuple[str, str, int]) -> bool:
        """Tell whether an application has sent the call to another place than the next step.

        The next step of a script is its next line.
        """
        call, channel = self._call, self._call.channel
        context, exten, priority = place
        if not call.has_jumped:
            return False
        if (channel.context, channel.exten, channel.priority) != (context, exten, priority + 1):
            return True
        call.stay(context, exten, priority)
        return False
