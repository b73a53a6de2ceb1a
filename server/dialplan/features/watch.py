"""The features of one channel while it talks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from server.base.errors import ChannelHungUp, ServerError
from server.base.suspension import suspendable
from server.config.sections.features import FeatureApplication, FeatureSettings
from server.dialplan.features.matching import DigitMatcher
from server.dialplan.features.options import applications_of, codes_of, general_of
from server.dialplan.scope import Scope
from server.resources.channel import Channel

if TYPE_CHECKING:
    from server.dialplan.port import Dialplan
    from server.resources.bridge import Bridge

logger = logging.getLogger(__name__)

# features of features.conf by the letter that lets a caller use them, in Dial() and in
# CHANNEL(dtmf_features)
FEATURE_LETTERS = {
    "H": ("disconnect",), "K": ("parkcall",), "T": ("blindxfer", "atxfer"), "W": ("automon",),
    "X": ("automixmon",),
}  # fmt: skip
DTMF_MS = 100  # length of a digit that is passed on, and of the pause after it

Action = Callable[["DigitFeatures"], Awaitable[None]]


class DigitFeatures:
    """Watches the digits of *channel*; see :class:`server.resources.ports.BridgeFeatures`.

    Digits that may be a feature are kept back from the others until it is clear that they aren't.

    :param enabled: names of ``[featuremap]`` that this channel may use.
    :param is_caller: on which side of the call it is, for ``[applicationmap]``.
    :param is_lasting: they were given to the channel itself, not for one call.
    """

    def __init__(
        self,
        dialplan: Dialplan,
        channel: Channel,
        enabled: Collection[str],
        *,
        is_caller: bool,
        is_lasting: bool = False,
    ) -> None:
        self.dialplan = dialplan
        self.channel = channel
        self.enabled = frozenset(enabled)
        self.is_caller = is_caller
        self.is_lasting = is_lasting
        self.bridge: Bridge | None = None
        self._matcher: DigitMatcher | None = None
        self._task: asyncio.Task[None] | None = None
        self._next: Action | None = None

    @property
    def scope(self) -> Scope:
        """The channel's names."""
        return Scope(self.dialplan, self.channel)

    @property
    def settings(self) -> FeatureSettings:
        """``[general]`` for this channel."""
        return general_of(self.scope)

    @property
    def other(self) -> Channel | None:
        """Who the channel talks to, ``None`` if that is not one."""
        members = [] if self.bridge is None else list(self.bridge.channels.values())
        others = [member for member in members if member is not self.channel]
        return others[0] if len(others) == 1 else None

    @property
    def is_busy(self) -> bool:
        """Whether a feature is being used now."""
        return self._task is not None

    # BridgeFeatures

    def enter(self, bridge: Bridge) -> None:
        self.bridge = bridge
        if not self.enabled and not self.scope.get("DYNAMIC_FEATURES"):
            return
        codes = {code: name for code, (name, _action) in self._table().items()}
        if not codes:
            return
        self._matcher = DigitMatcher(
            codes, self.settings.featuredigittimeout, self._on_match, self.pass_digits
        )
        self.channel.digit_observers.append(self._on_digit)
        bridge.pass_dtmf(self.channel, False)

    def leave(self) -> None:
        self.bridge = None
        if self._matcher is not None:
            self._matcher.clear()
            self._matcher = None
            self.channel.digit_observers.remove(self._on_digit)
        task = self._task
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    # for features

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take the channel out of the conversation; the other one hears music meanwhile."""
        bridge, other = self.bridge, self.other
        if bridge is None:
            raise ChannelHungUp(self.channel.hangup_cause)
        bridge.suspend(self.channel)
        if other is not None:
            other.set_background("music", other.music_class)
        try:
            yield
        finally:
            if other is not None:
                other.set_background(None)
            bridge.resume(self.channel)

    def pass_digits(self, digits: str) -> None:
        """Send digits to the others after all."""
        if self.bridge is None:
            return
        for member in self.bridge.channels.values():
            if member is not self.channel and not member.is_hungup:
                member.leg.send_dtmf(
                    digits, before_ms=0, between_ms=DTMF_MS, duration_ms=DTMF_MS, after_ms=0
                )

    def begin(self, action: Action) -> bool:
        """Use a feature now; ``False`` if one is being used already or nobody is there."""
        if self._task is not None or self.bridge is None or self.channel.is_hungup:
            return False
        node = self.dialplan.node
        self._task = node.scope.spawn(
            suspendable(self._run(action)), f"{self.channel.name} feature"
        )
        return True

    def begin_next(self, action: Action) -> bool:
        """Use a feature as soon as the present one is over; errors as of :meth:`begin`."""
        if self._task is None:
            return self.begin(action)
        if self._next is not None or self.bridge is None:
            return False
        self._next = action
        return True

    # private

    def _table(self) -> dict[str, tuple[str, Action]]:
        """Return what can be used: digits, name and action."""
        from server.dialplan.features.actions import ACTIONS, run_mapped

        scope = self.scope
        table: dict[str, tuple[str, Action]] = {}
        for each in applications_of(scope):
            if each.digits and self._may_activate(each):
                table[each.digits] = each.name, run_mapped(each)
        for name, code in codes_of(scope).items():
            if name in self.enabled and code:
                table[code] = name, ACTIONS[name]
        return table

    def _may_activate(self, each: FeatureApplication) -> bool:
        return each.activated_by in ("both", "caller" if self.is_caller else "callee")

    def _on_digit(self, digit: str) -> None:
        if self._task is None and self._matcher is not None:
            self.channel.flush_digits()
            self._matcher.press(digit)

    def _on_match(self, name: str) -> None:
        for found, action in self._table().values():
            if found == name:
                logger.debug("%s: feature %s", self.channel.name, name)
                self.begin(action)
                return

    async def _run(self, action: Action) -> None:
        self.channel.flush_digits()  # the feature's own
        try:
            with suppress(ChannelHungUp):
                await action(self)
        except ServerError as error:
            logger.warning("%s: feature: %s", self.channel.name, error)
        finally:
            self._task = None
            following, self._next = self._next, None
            if not self.channel.is_hungup:
                self.channel.flush_digits()
                if following is not None:
                    self.begin(following)
