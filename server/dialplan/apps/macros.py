"""Macro() and its family, which Asterisk gave up in favour of Gosub and old dialplans live by."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from server.base.errors import ChannelHungUp
from server.dialplan.arguments import is_true, split_arguments, split_nested_condition
from server.dialplan.executor import Call
from server.dialplan.functions.locks import Locks
from server.dialplan.numbers import parse_integer
from server.dialplan.port import Dialplan
from server.dialplan.registry import application
from server.resources.channel import Channel

MAX_DEPTH = 7  # macros inside each other, unless MACRO_RECURSION says otherwise
MAX_RECURSION = 100
MAX_ARGUMENTS = 80  # as in Asterisk


class _Running:
    """Which macros each channel is in; the innermost may be told to end."""

    def __init__(self, _dialplan: Dialplan) -> None:
        self.of_channel: WeakKeyDictionary[Channel, list[_Macro]] = WeakKeyDictionary()
        self.is_noticed = False

    def of(self, channel: Channel) -> list[_Macro]:
        return self.of_channel.setdefault(channel, [])


class _ExclusiveLocks(Locks):
    """The macros that only one channel at a time may be in."""


class _Macro:
    """One macro that runs.

    :ivar is_over: MacroExit was called.
    """

    def __init__(self, call: Call, name: str, arguments: Sequence[str]) -> None:
        self._call = call
        self._channel = call.channel
        self._context = f"macro-{name}"
        self._arguments = list(arguments)[:MAX_ARGUMENTS]
        self._place = call.channel.context, call.channel.exten, call.channel.priority
        self._depth = len(call.state.frames)
        self._saved: dict[str, str | None] = {}
        self.is_over = False

    async def run(self) -> str | None:
        """Run it to its end, and put everything back that it changed.

        :returns: a digit with which the caller interrupted it.
        """
        channel = self._channel
        running = self._call.dialplan.part(_Running).of(channel)
        self._set_variables()
        running.append(self)
        channel.set_position(self._context, "s", 1)
        try:
            inner = Call(self._call.dialplan, channel)
            digit = await inner.run_until(lambda: self.is_over or self._was_left)
        except ChannelHungUp:
            if not self._call.exists("h"):
                channel.set_position(*self._place)
            raise
        finally:
            running.remove(self)
            offset = parse_integer(channel.variables.get("MACRO_OFFSET") or "")
            self._restore_variables()
        if self._was_left:
            self._call.jump_to_position()
        else:
            self._return(offset)
        return digit

    @property
    def _was_left(self) -> bool:
        is_in_subroutine = len(self._call.state.frames) > self._depth
        return self._channel.context != self._context and not is_in_subroutine

    def _return(self, offset: int) -> None:
        context, exten, priority = self._place
        if offset and self._call.exists(exten, priority + offset + 1, context):
            priority += offset
        self._channel.set_position(context, exten, priority)

    def _set_variables(self) -> None:
        call, variables = self._call, self._channel.variables
        context, exten, priority = self._place
        values: dict[str, str | None] = {"MACRO_OFFSET": None}
        if not call.dialplan.part(_Running).of(self._channel):  # else the outermost's stay
            values["MACRO_EXTEN"], values["MACRO_CONTEXT"] = exten, context
            values["MACRO_PRIORITY"] = str(priority)
        values["MACRO_DEPTH"] = str(parse_integer(call.get("MACRO_DEPTH") or "") + 1)
        for index in range(MAX_ARGUMENTS):
            name = f"ARG{index + 1}"
            if index < len(self._arguments):
                values[name] = self._arguments[index]
            elif name in variables:
                values[name] = None
        self._saved = {name: variables.get(name) for name in values}
        self._apply(values)

    def _restore_variables(self) -> None:
        self._apply(self._saved)

    def _apply(self, values: dict[str, str | None]) -> None:
        variables = self._channel.variables
        for name, value in values.items():
            if value is None:
                variables.remove(name)
            else:
                variables.set(name, value)


async def run_macro(call: Call, name: str, arguments: Sequence[str]) -> str | None:
    """Run a macro to its end, from wherever the channel is now.

    :returns: a digit with which the caller interrupted it.
    :raises ChannelHungUp: the channel ended.
    """
    if not name:
        call.report("Macro requires a name")
        return None
    depth = parse_integer(call.get("MACRO_DEPTH") or "")
    limit = min(parse_integer(call.get("MACRO_RECURSION") or "", MAX_DEPTH), MAX_RECURSION)
    if depth >= limit:
        call.report(f"Macro: more than {limit} inside each other")
        return None
    if not call.exists("s", 1, f"macro-{name}"):
        call.report(f"Macro: no context 'macro-{name}' with an extension 's'")
        return None
    running = call.dialplan.part(_Running)
    if not running.is_noticed:
        running.is_noticed = True
        call.report("Macro is deprecated; Asterisk has no longer got it. Use Gosub instead")
    return await _Macro(call, name, arguments).run()


@application("Macro")
async def macro(call: Call, data: str) -> str | None:
    """Macro(name,arguments): run context ``macro-name`` from ``s``, and come back.

    ARG1 … are its arguments; MACRO_EXTEN, MACRO_CONTEXT and MACRO_PRIORITY say who called; by
    MACRO_OFFSET it chooses how many steps to skip afterwards.
    """
    return await _run(call, data)


async def _run(call: Call, data: str) -> str | None:
    arguments = split_arguments(data)
    return await run_macro(call, arguments[0].strip() if arguments else "", arguments[1:])


@application("MacroExclusive")
async def macro_exclusive(call: Call, data: str) -> str | None:
    """MacroExclusive(name,arguments): as Macro(), one channel at a time."""
    name = data.partition(",")[0].strip()
    locks = call.dialplan.part(_ExclusiveLocks)
    waiting = locks.acquire(call.channel, name)
    if not await (waiting if call.channel.is_hungup else call.channel.wait(waiting)):
        call.report(f"MacroExclusive: another one holds {name!r} and waits for this call")
        return None
    try:
        return await _run(call, data)
    finally:
        locks.release(call.channel, name)


@application("MacroIf")
async def macro_if(call: Call, data: str) -> str | None:
    """MacroIf(condition?name,arguments:name,arguments)."""
    condition, if_true, if_false = split_nested_condition(data)
    branch = if_true if is_true(condition) else if_false
    name, parenthesis, rest = branch.partition("(")
    if parenthesis and "," not in name:
        branch = f"{name},{rest.rpartition(')')[0]}"
    return await _run(call, branch) if branch else None


@application("MacroExit")
def macro_exit(call: Call, data: str) -> None:
    """MacroExit(): back to where the macro was called."""
    running = call.dialplan.part(_Running).of(call.channel)
    if running:
        running[-1].is_over = True
    else:
        call.report("MacroExit outside of a macro")
