"""The dialplan as the rest of the server sees it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast
from weakref import WeakKeyDictionary

from server.base.errors import InvalidArgument, InvalidState
from server.base.suspension import suspendable
from server.config.ini import parse_file
from server.config.objects import ConfigFile
from server.config.sections.amd import AmdConf
from server.config.sections.features import Features
from server.dialplan.call_record import CallRecords
from server.dialplan.executor import Call
from server.dialplan.hints import Hints
from server.dialplan.interception import Interception
from server.dialplan.lua.runner import LuaHost
from server.dialplan.lua.script import LuaScript
from server.dialplan.pickup import pick_up_group
from server.dialplan.plan import Plan
from server.dialplan.realtime_switch import NAME, RealtimeSwitch
from server.dialplan.registry import Registry
from server.dialplan.say_conf import SayConf, is_new_mode
from server.dialplan.scope import CallState, Scope
from server.dialplan.sources import SourcePaths, load_sources
from server.dialplan.variables import parse_reference
from server.realtime.realtime import Realtime
from server.resources.bridges import Bridges
from server.resources.channel import Channel
from server.resources.controlled import EndedBy
from server.resources.device_states import DeviceStates
from server.resources.dialing import Dialer
from server.resources.dynamic_config import DynamicConfig
from server.resources.modules import Modules
from server.resources.node import Node
from server.resources.presence_states import PresenceStates
from server.resources.transfers import Transfers
from server.resources.waiting_rooms import WaitingRooms
from server.store.kv import KeyValueStore
from server.tech.base import ExtensionMatch

if TYPE_CHECKING:
    from server.dialplan.odbc_functions import SqlFunction

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DialplanSettings:
    """What the dialplan takes from asterisk.conf and the like.

    :param path: extensions.conf; empty for a dialplan that is loaded from memory.
    :param ael_path: extensions.ael, if there is such a file.
    :param lua_path: extensions.lua, if there is such a file.
    :param lua_dirs: where ``require`` in extensions.lua finds modules, besides beside it.
    :param constants: variables that are always there: ``SYSTEMNAME``, ``ASTSPOOLDIR`` …
    :param recording_dir: where Record() puts files of relative names; the node's if ``None``.
    :param writable_dirs: further directories in which Record() may write.
    :param say_path: say.conf.
    :param amd: how AMD() decides, unless it is told otherwise.
    :param live_dangerously: let outside interfaces use functions that could do harm.
    :param queue_log: where QueueLog() and queues write what happens; ``None`` for nowhere.
    :param features: features.conf.
    :param may_exec: whether ``#exec`` in extensions.conf runs commands.
    :param static: reads extensions.conf if extconfig.conf has it in a database.
    """

    path: str = ""
    ael_path: str = ""
    lua_path: str = ""
    lua_dirs: Sequence[str] = ()
    say_path: str = ""
    constants: Mapping[str, str] = field(default_factory=dict)
    recording_dir: Path | None = None
    writable_dirs: Sequence[Path] = ()
    amd: AmdConf = field(default_factory=AmdConf)
    features: Features = field(default_factory=Features)
    live_dangerously: bool = False
    may_exec: bool = False
    queue_log: Path | None = None
    static: Callable[[str], ConfigFile | None] | None = None

    @property
    def sources(self) -> SourcePaths:
        """The files that make up the dialplan."""
        return SourcePaths(
            self.path,
            self.ael_path,
            self.lua_path,
            may_exec=self.may_exec,
            lua_dirs=self.lua_dirs,
            static=self.static,
        )


class Dialplan:
    """Implements :class:`server.resources.ports.DialplanPort`.

    :param store: for DB(); ``None`` leaves these functions failing.
    :param devices: and *presences*, what hints are made of; without them all are unavailable.
    """

    def __init__(
        self,
        node: Node,
        dialer: Dialer,
        bridges: Bridges,
        *,
        registry: Registry | None = None,
        store: KeyValueStore | None = None,
        devices: DeviceStates | None = None,
        presences: PresenceStates | None = None,
        settings: DialplanSettings | None = None,
    ) -> None:
        self.node = node
        self.dialer = dialer
        self.bridges = bridges
        self.interception = Interception(self)
        node.tell_connected = self.interception.tell_connected
        self.waiting_rooms = WaitingRooms(bridges)
        self.transfers = Transfers(node, bridges, dialer)
        self.registry = registry or Registry.standard()
        self.store = store
        self.devices = devices
        self.presences = presences
        self.settings = settings or DialplanSettings()
        self.plan = Plan()
        self.globals: dict[str, str] = {}
        self.hints = Hints(self)
        self._nobody = Scope(self, None)
        self.modules: Modules | None = None  # for Reload() and IFMODULE()
        self.dynamic_config: DynamicConfig | None = None  # for AST_SORCERY()
        self.realtime: Realtime | None = None  # for REALTIME(), ODBC() and the Realtime switch
        self.odbc_functions: Mapping[str, SqlFunction] = {}  # of func_odbc.conf
        # in place of the one of a registry that was made to look at dialplans without a server
        self.registry.switches[NAME.lower()] = RealtimeSwitch(lambda: self.realtime)
        self.lua = LuaHost()
        self.lua.register(self.registry)
        self._states: WeakKeyDictionary[Channel, CallState] = WeakKeyDictionary()
        self._parts: dict[Callable[[Dialplan], object], object] = {}

    @property
    def constants(self) -> Mapping[str, str]:
        """Variables that are always there."""
        return self.settings.constants

    @property
    def live_dangerously(self) -> bool:
        """Whether outside interfaces may use functions that could do harm."""
        return self.settings.live_dangerously

    @property
    def recording_dir(self) -> Path:
        """Where Record() puts files of relative names."""
        return self.settings.recording_dir or self.node.settings.recording_dir

    def part(self, kind: Callable[[Dialplan], T]) -> T:
        """Return what a family of functions keeps for the whole dialplan, made when first asked."""
        found = self._parts.get(kind)
        if found is None:
            found = self._parts[kind] = kind(self)
        return cast(T, found)

    # loading

    async def reload(self) -> list[str]:
        """Read extensions.conf and the like again, in a thread, and switch to it at once.

        Calls go on with the new plan from their next step.

        :returns: warnings, each with file and line.
        :raises ConfigError: a file is broken; the present plan stays.
        """
        loaded = await asyncio.to_thread(load_sources, self.settings.sources)
        return self.install(loaded.plan, loaded.script)

    async def load_say_rules(self) -> None:
        """Read say.conf again.

        :raises ConfigError: it is broken; the present rules stay.
        """
        path = self.settings.say_path
        is_there = bool(path) and await asyncio.to_thread(Path(path).is_file)
        file = await asyncio.to_thread(parse_file, path) if is_there else None
        say = self.node.say
        say.rules = SayConf(file, self._nobody).prompts if file is not None else None
        say.is_ruled = file is not None and is_new_mode(file)

    def install(self, plan: Plan, script: LuaScript | None = None) -> list[str]:
        """Switch to a compiled plan and its script, and return the warnings."""
        plan.switches = self.registry.switches
        plan.warnings += plan.unknown_switches()
        self.lua.script = script
        for warning in plan.warnings:
            logger.warning("%s", warning)
        if plan.clear_globals:
            self.globals.clear()
        self.globals.update(plan.globals)
        for name, value in plan.computed_globals.items():
            self.globals[name] = value.evaluate(self._nobody)
        self.plan = plan
        self.hints.rebuild()
        logger.info("dialplan: %d contexts", len(plan.contexts))
        return plan.warnings

    # DialplanPort

    def match(self, context: str, exten: str, caller_number: str) -> ExtensionMatch:
        """Ask whether an extension exists, or could once more digits come.

        One that only a switch knows, and only by waiting, counts as existing; see
        :class:`~server.dialplan.switches.Switch`.
        """
        if exten and exten == self.settings.features.general.pickupexten:
            return ExtensionMatch.EXACT
        where = context, exten
        wall, nobody = self.node.clock.wall(), self._nobody
        try:
            if self.plan.find(*where, 1, caller_number, wall, nobody) is not None:
                return ExtensionMatch.EXACT
            if self.plan.can_continue(*where, caller_number, wall, nobody):
                return ExtensionMatch.PARTIAL
        except InvalidState:
            return ExtensionMatch.EXACT
        return ExtensionMatch.NONE

    def has(self, context: str, exten: str, priority: int, caller_number: str) -> bool:
        """Tell whether this very priority exists."""
        wall = self.node.clock.wall()
        try:
            found = self.plan.find(context, exten, priority, caller_number, wall, self._nobody)
        except InvalidState:
            return True
        return found is not None

    def find_label(self, context: str, exten: str, label: str, caller_number: str) -> int | None:
        """Return the priority of a label, ``None`` if there is none."""
        wall = self.node.clock.wall()
        return self.plan.find_label(context, exten, label, caller_number, wall)

    def start(self, channel: Channel) -> None:
        """Let the dialplan control *channel* from its present position on."""
        self.part(CallRecords).of(channel)
        if self._picks_up(channel):
            channel.take_control(pick_up_group(self, channel), "pickup")
            return
        channel.take_control(suspendable(Call(self, channel).run()), "dialplan")

    def read(self, channel: Channel | None, expression: str) -> str | None:
        """Read ``NAME`` or ``FUNC(args)``; ``None`` when there is no such variable.

        :raises InvalidArgument: no such function, or its arguments are wrong.
        :raises Forbidden: the function could do harm from outside of the dialplan.
        """
        reference = parse_reference(expression)
        scope = Scope(self, channel, is_outside=True)
        if reference.arguments is None:
            return scope.get(expression)
        return scope.evaluate_function(reference.name, reference.arguments)

    def write(self, channel: Channel | None, expression: str, value: str) -> None:
        """Write ``NAME`` or ``FUNC(args)``; errors as in :meth:`read`."""
        scope = Scope(self, channel, is_outside=True)
        if not expression.endswith(")"):
            scope.set(expression, value)
            return
        reference = parse_reference(expression)
        if reference.arguments is None:
            raise InvalidArgument("variable", f"{expression!r} is not a variable")
        scope.write_function(reference.name, reference.arguments, value)

    def _picks_up(self, channel: Channel) -> bool:
        """Whether a new call of a phone has dialled features.conf's *pickupexten*."""
        is_new = channel.state == "Ring" and not channel.app_name
        is_phone = channel.endpoint[0] == "PJSIP"
        return is_new and is_phone and channel.exten == self.settings.features.general.pickupexten

    # what a call keeps

    def state_of(self, channel: Channel) -> CallState:
        """Return what the dialplan remembers of a channel."""
        state = self._states.get(channel)
        if state is None:
            state = self._states[channel] = CallState()
        return state

    def forget(self, channel: Channel) -> None:
        """Drop it, and the channel's absolute timeout."""
        self.lua.forget(channel)
        state = self._states.pop(channel, None)
        if state is not None and state.absolute_timer is not None:
            state.absolute_timer.cancel()

    def set_absolute_timeout(self, channel: Channel, seconds: float) -> None:
        """Limit the rest of a call; 0 takes the limit away."""
        state = self.state_of(channel)
        if state.absolute_timer is not None:
            state.absolute_timer.cancel()
        state.absolute_timer = state.absolute_deadline = None
        if seconds > 0:
            loop = asyncio.get_running_loop()
            state.absolute_deadline = loop.time() + seconds
            state.absolute_timer = loop.call_later(seconds, self._on_absolute_timeout, channel)

    def _on_absolute_timeout(self, channel: Channel) -> None:
        if channel.is_hungup:
            return
        state = self.state_of(channel)
        state.absolute_timer = state.absolute_deadline = None
        if self.has(channel.context, "T", 1, channel.caller.number):
            channel.set_position(channel.context, "T", 1)
            self.start(channel)
        else:
            logger.info("%s: absolute timeout, hanging up", channel.name)
            channel.hangup(ended_by=EndedBy.DIALPLAN)
