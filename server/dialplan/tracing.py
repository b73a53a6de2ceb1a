"""Follows a call through the dialplan without making one: ``arion dialplan trace``.

Applications that only decide where to go on or set variables really run, on a channel that does
not exist; of all others it is said that they would. Functions that only compute are evaluated;
what the others would answer reads as empty, or as given.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

from server.base.clock import Clock
from server.base.errors import ChannelHungUp, ServerError
from server.base.suspension import suspendable
from server.dialplan.executor import Call
from server.dialplan.plan import Place, Plan
from server.dialplan.port import Dialplan
from server.dialplan.registry import Registry
from server.resources.variables import ChannelVariables
from server.tech.base import Party, Redirecting

MAX_STEPS = 1_000

_RUN = frozenset(
    ("goto", "gotoif", "gotoiftime", "gosub", "gosubif", "return", "stackpop", "while", "endwhile",
     "exitwhile", "continuewhile", "if", "elseif", "else", "endif", "exitif", "set", "mset",
     "noop", "execif", "exec", "tryexec", "hangup", "raiseexception")
)  # fmt: skip
_PURE_FAMILIES = frozenset(("extensions", "logic", "mathematics", "strings", "times", "uris"))
_OWN_VARIABLES = frozenset(("GLOBAL", "LOCAL", "ARRAY", "HASH", "CALLERID"))

Report = Callable[[str], None]


class _Channel:
    """As much of a channel as the applications in :data:`_RUN` touch."""

    def __init__(self, caller: Party) -> None:
        self.id = "trace"
        self.name = "Trace/trace-00000000"
        self.caller = caller
        self.connected = Party()
        self.state = "Ring"
        self.language = "en"
        self.ani = caller
        self.redirecting = Redirecting()
        self.dnid = self.account_code = self.tone_zone = ""
        self.context, self.exten, self.priority = "default", "s", 1
        self.hangup_cause = 0
        self.is_hungup = False
        self.variables = ChannelVariables(lambda name, value: None)

    def set_position(self, context: str, exten: str, priority: int) -> None:
        self.context, self.exten, self.priority = context, exten, priority

    def set_application(self, name: str, data: str) -> None: ...

    def set_caller(self, caller: Party) -> None:
        self.caller = caller

    def set_redirecting(self, redirecting: Redirecting) -> None:
        self.redirecting = redirecting

    def hangup(self, cause: int = 16, ended_by: object = None) -> None:
        self.is_hungup = True


class _TracedCall(Call):
    """A call that says what it would do."""

    def __init__(self, dialplan: Dialplan, channel: Any, report: Report) -> None:
        super().__init__(dialplan, channel)
        self._say = report
        self._count = 0

    def report(self, message: str) -> None:
        self._say(f"      ! {message}")

    def evaluate_function(self, name: str, arguments: str) -> str | None:
        function = self.dialplan.registry.find_function(name)
        given = self.channel.variables.get(f"{name}({arguments})")
        if given is not None:
            return given
        if function is None or function.read is None:
            return super().evaluate_function(name, arguments)
        family = function.read.__module__.rpartition(".")[2]
        is_pure = family in _PURE_FAMILIES and not function.escalates_read
        if is_pure or name in _OWN_VARIABLES:
            return super().evaluate_function(name, arguments)
        self._say(f"      ? {name}({arguments}) is not asked; --set '{name}({arguments})=…'")
        return ""

    def write_function(self, name: str, arguments: str, value: str) -> None:
        if name in _OWN_VARIABLES:
            super().write_function(name, arguments, value)
        else:
            self._say(f"      ? {name}({arguments}) is not written")

    def run_application(self, name: str, data: str) -> object:
        if name.strip().lower() in _RUN:
            return super().run_application(name, data)
        self._say(f"      would run {name.strip()}({data})")
        return None

    async def _run_step(self, place: Place) -> str | None:
        self._count += 1
        if self._count > MAX_STEPS:
            self._say(f"stopped after {MAX_STEPS} steps")
            raise ChannelHungUp
        step = place.step
        if place.moves_to is not None:
            self.channel.set_position(*place.moves_to)
        data = step.data if isinstance(step.data, str) else step.data.evaluate(self)
        channel = self.channel
        where = f"{channel.exten}@{channel.context}"
        mark = "  " if step.key in _RUN else "» "
        source = f"  [{step.path}:{step.line}]" if step.path else ""
        self._say(f"{mark}{where:<20} {step.priority:>3}. {step.application}({data}){source}")
        application = self.dialplan.registry.applications.get(step.key)
        if application is None:
            self._say(f"      ! no application {step.application!r}; the call ends")
            raise ChannelHungUp
        if step.key not in _RUN:
            return None
        try:
            result = application.run(self, data)
            return None if result is None else await result
        except ChannelHungUp:
            raise
        except ServerError as error:
            self.report(f"{step.application}: {error}")
            return None

    async def trace(self) -> None:
        """Run until nothing follows."""
        try:
            self._enter()
            await self._run_steps()
        except ChannelHungUp:
            self._say("the call ends")
            return
        channel = self.channel
        where = f"{channel.exten}@{channel.context}"
        if not self.exists(channel.exten):
            self._say(f"there is no extension {where}")
        elif self.dialplan.plan.autofallthrough:
            self._say(f"no priority {channel.priority} in {where}: the call ends (autofallthrough)")
        else:
            self._say(f"no priority {channel.priority} in {where}: waits for an extension")


async def trace(
    plan: Plan,
    context: str,
    exten: str,
    *,
    registry: Registry,
    clock: Clock,
    report: Report,
    caller: Party | None = None,
    variables: Mapping[str, str] | None = None,
) -> None:
    """Say step by step what a call to an extension would do.

    :param report: gets each line.
    :param variables: set on the channel at the start; ``FUNC(args)`` sets what a function reads.
    """
    dialplan = _dialplan(plan, registry, clock)
    channel = _Channel(caller or Party())
    channel.set_position(context, exten, 1)
    for name, value in (variables or {}).items():
        channel.variables.set(name, value)
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        await suspendable(_TracedCall(dialplan, channel, report).trace())
    finally:
        logging.disable(level)


def _dialplan(plan: Plan, registry: Registry, clock: Clock) -> Dialplan:
    """Return a dialplan on a node that has nothing but the time."""
    node = SimpleNamespace(clock=clock, bus=SimpleNamespace(asterisk_id=""))
    nothing = cast(Any, None)
    dialplan = Dialplan(cast(Any, node), nothing, nothing, registry=registry)
    dialplan.install(plan)
    return dialplan
