"""Where names get their values while a call runs: variables, functions, and what a call keeps."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from server.base import suspension
from server.base.errors import Forbidden, InvalidArgument, ServerError, Unavailable
from server.dialplan.variables import substitute
from server.resources.channel import PRESENTATION

if TYPE_CHECKING:
    import asyncio

    from server.dialplan.controlled_playback import ControlledPlayback
    from server.dialplan.executor import Call
    from server.dialplan.port import Dialplan
    from server.dialplan.speech import Speech
    from server.dialplan.tone_watch import ToneWatch
    from server.resources.channel import Channel

logger = logging.getLogger(__name__)

T = TypeVar("T")

DIGIT_TIMEOUT = 5.0  # seconds between digits, Asterisk's default
RESPONSE_TIMEOUT = 10.0  # seconds before the first digit, Asterisk's default
MAX_GLOBALS = 65_536
MAX_EVALUATIONS = 20


@dataclass(slots=True)
class Frame:
    """A subroutine that was entered by Gosub.

    :param return_to: context, extension and priority of the step after Gosub.
    :param saved: values that its local variables hide, ``None`` for a name that was not set.
    """

    return_to: tuple[str, str, int]
    saved: dict[str, str | None] = field(default_factory=dict)


@dataclass(slots=True)
class CallState:
    """What the dialplan remembers of a channel from one step to the next."""

    frames: list[Frame] = field(default_factory=list)
    digit_timeout: float = DIGIT_TIMEOUT
    response_timeout: float = RESPONSE_TIMEOUT
    absolute_deadline: float | None = None  # on the loop's clock
    absolute_timer: asyncio.TimerHandle | None = None
    exception: tuple[str, str, str, int] | None = None  # reason, context, exten, priority
    shared: dict[str, str] = field(default_factory=dict)
    peer_causes: dict[str, tuple[int, str]] = field(default_factory=dict)  # by channel name
    features: dict[str, str] = field(default_factory=dict)  # what FEATURE() changed
    after_bridge_goto: str = ""  # where a channel goes on when its conversation is over
    hangup_handlers: list[str] = field(default_factory=list)  # subroutines, the last one first
    runs_h: bool = False  # when it ends, though no dialplan controls it
    is_tidied: bool = False  # its end has been arranged; see hangup_handlers.py
    runner: Call | None = None  # the controller, if that is the dialplan
    message: dict[str, str] | None = None  # to, from and body of a text
    message_data: dict[str, str] = field(default_factory=dict)  # headers to send with it
    stored_digits: Callable[[str], None] | None = None  # StoreDTMF
    recorded_ms: int | None = None  # by the last Record()
    speech: Speech | None = None
    tone_watch: ToneWatch | None = None  # TONE_DETECT
    controlled: ControlledPlayback | None = None  # what ControlPlayback plays now


class Scope:
    """Names as one channel sees them.

    :param channel: ``None`` for global names only.
    :param is_outside: an interface asks, not the dialplan: functions that could do harm refuse,
        even inside of what others evaluate, unless ``live_dangerously`` is set.
    """

    def __init__(
        self, dialplan: Dialplan, channel: Channel | None, *, is_outside: bool = False
    ) -> None:
        self.dialplan = dialplan
        self._channel = channel
        self._evaluations = 0  # inside each other
        self._is_restricted = is_outside and not dialplan.live_dangerously

    @property
    def has_channel(self) -> bool:
        """Whether there is a channel at all."""
        return self._channel is not None

    @property
    def channel(self) -> Channel:
        """The channel.

        :raises InvalidArgument: there is none.
        """
        if self._channel is None:
            raise InvalidArgument("channel", "this needs a channel")
        return self._channel

    @property
    def state(self) -> CallState:
        """What the dialplan remembers of this channel."""
        return self.dialplan.state_of(self.channel)

    # variables

    def get(self, name: str) -> str | None:
        """Return a variable's value, ``None`` if it is not set."""
        if self._channel is not None:
            builtin = _CHANNEL_BUILTINS.get(name)
            if builtin is not None:
                return builtin(self, self._channel)
            value = self._channel.variables.get(name)
            if value is not None:
                return value
        return self._get_global(name)

    def _get_global(self, name: str) -> str | None:
        dialplan = self.dialplan
        if name == "EPOCH":
            return str(int(dialplan.node.clock.wall()))
        if name == "ENTITYID":
            return dialplan.node.bus.asterisk_id
        value = dialplan.globals.get(name)
        if value is None:
            value = dialplan.constants.get(name)
        if value is None and name in _LEGACY_TIMES:
            return _LEGACY_TIMES[name](dialplan.node.clock.wall())
        return value

    def set(self, name: str, value: str) -> None:
        """Set a variable, or write a function when *name* ends in a parenthesis.

        :raises InvalidArgument: the function is unknown or can't be written.
        """
        if name.endswith(")") and "(" in name:
            function, _, arguments = name[:-1].partition("(")
            self.write_function(function, arguments, value)
        elif self._channel is not None:
            self._channel.variables.set(name, value)
        else:
            self.set_global(name, value)

    def set_global(self, name: str, value: str) -> None:
        """Set a global variable.

        :raises Unavailable: there are too many.
        """
        variables = self.dialplan.globals
        if name not in variables and len(variables) >= MAX_GLOBALS:
            raise Unavailable(f"there are {MAX_GLOBALS} global variables already")
        variables[name.lstrip("_")] = value

    # functions

    def read_function(self, name: str, arguments: str) -> str:
        """Return what a dialplan function reads; a failure is reported and reads as empty."""
        try:
            return self.evaluate_function(name, arguments) or ""
        except ServerError as error:
            self.report(f"{name}(): {error}")
            return ""

    def call_function(self, name: str, arguments: str) -> str | None:
        """Read a function from inside an expression; ``None`` if there is no such function."""
        if self.dialplan.registry.find_function(name) is None:
            return None
        return self.read_function(name, arguments)

    def evaluate_function(self, name: str, arguments: str) -> str | None:
        """Read a function.

        :raises InvalidArgument: no such function, not readable, or its arguments are wrong.
        :raises Forbidden: it could do harm and the request comes from outside.
        :raises InvalidState: it has to wait and the caller can't (:mod:`server.base.suspension`).
        """
        function = self.dialplan.registry.find_function(name)
        if function is None:
            raise InvalidArgument("variable", f"function {name} is not registered")
        if function.read is None:
            raise InvalidArgument("variable", f"function {name} can't be read")
        if self._is_restricted and function.escalates_read:
            raise Forbidden(f"function {name} can't be read from outside of the dialplan")
        result = function.read(self, arguments)
        return result if result is None or isinstance(result, str) else self._wait(result)

    def write_function(self, name: str, arguments: str, value: str) -> None:
        """Write a function; errors as those of :meth:`evaluate_function`."""
        function = self.dialplan.registry.find_function(name)
        if function is None:
            raise InvalidArgument("variable", f"function {name} is not registered")
        if function.write is None:
            raise InvalidArgument("variable", f"function {name} can't be written")
        if self._is_restricted and function.escalates_write:
            raise Forbidden(f"function {name} can't be written from outside of the dialplan")
        result = function.write(self, arguments, value)
        if result is not None:
            self._wait(result)

    def _wait(self, result: Awaitable[T]) -> T:
        """Wait for what a function returned, while the channel lives; in ``h`` it is over."""
        channel = self._channel
        if channel is not None and not channel.is_hungup:
            result = channel.wait(result)
        return suspension.wait(result)

    def substitute(self, text: str) -> str:
        """Substitute the variables of a text that is not part of the loaded dialplan.

        A text that has itself substituted again and again, as by ``EVAL``, ends as empty.
        """
        if self._evaluations >= MAX_EVALUATIONS:
            self.report(f"more than {MAX_EVALUATIONS} evaluations inside each other")
            return ""
        self._evaluations += 1
        try:
            return substitute(text, self)
        finally:
            self._evaluations -= 1

    # where we are

    @property
    def where(self) -> str:
        """The present position, for logs."""
        channel = self._channel
        if channel is None:
            return "dialplan"
        return f"{channel.name} [{channel.exten}@{channel.context}:{channel.priority}]"

    def report(self, message: str) -> None:
        """Log something wrong with the dialplan, at the present position."""
        logger.warning("%s: %s", self.where, message)


def _hint(scope: Scope, channel: Channel) -> str:
    return scope.dialplan.hints.describe(channel.exten, channel.context)[0]


def _hint_name(scope: Scope, channel: Channel) -> str:
    return scope.dialplan.hints.describe(channel.exten, channel.context)[1]


_CHANNEL_BUILTINS: dict[str, Callable[[Scope, Channel], str]] = {
    "EXTEN": lambda _scope, channel: channel.exten,
    "CONTEXT": lambda _scope, channel: channel.context,
    "PRIORITY": lambda _scope, channel: str(channel.priority),
    "CHANNEL": lambda _scope, channel: channel.name,
    "UNIQUEID": lambda _scope, channel: channel.id,
    "HANGUPCAUSE": lambda _scope, channel: str(channel.hangup_cause),
    "HINT": _hint,
    "HINTNAME": _hint_name,
    "CALLINGPRES": lambda _scope, channel: str(
        PRESENTATION.get(channel.caller.presentation, PRESENTATION["allowed"])[0]
    ),
    "CALLINGANI2": lambda _scope, _channel: "0",
    "CALLINGTON": lambda _scope, _channel: "0",
    "CALLINGTNS": lambda _scope, _channel: "0",
}

# removed from Asterisk long ago, and still in old dialplans
_LEGACY_TIMES: dict[str, Callable[[float], str]] = {
    "DATETIME": lambda wall: f"{_local(wall):%d%m%Y-%H:%M:%S}",
    "TIMESTAMP": lambda wall: f"{_local(wall):%Y%m%d-%H%M%S}",
}


def _local(wall: float) -> datetime:
    return datetime.fromtimestamp(wall).astimezone()
