"""One channel takes the place of another: in its bridge, its application, or the dialplan.

Who holds a call together decides how. A Stasis application gets StasisStart with
``replace_channel``. In a bridge that Dial() made, the dialled leg can be exchanged while the
calling leg's Dial() goes on; if the calling leg itself goes, its partner and the successor get a
bridge of their own, which lasts until one of them leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from server.base.causes import Cause
from server.resources.bridge import Bridge
from server.resources.bridges import Bridges
from server.resources.channel import Channel
from server.resources.node import Node
from server.resources.stasis_calls import Move, Replacement, StasisCall, run_in_stasis

Finish = Callable[["Bridge | None"], None]


class Succession:
    """Puts channels into the place of others."""

    def __init__(self, node: Node, bridges: Bridges) -> None:
        self._node = node
        self._bridges = bridges

    def can_follow(self, old: Channel) -> bool:
        """Whether *old* is anywhere where another could take its place."""
        if old.is_hungup:
            return False
        if old.stasis is not None:
            return not old.stasis.is_over
        return old.bridge is not None or old.is_controlled

    def follow(self, old: Channel, new: Channel, finish: Finish) -> None:
        """Let *new* take the place of *old*; see :meth:`can_follow`.

        :param finish: called once *new* is there, maybe after this returns, with the bridge that
            it is in, or ``None``.
        """
        new.is_adopted = False
        if old.stasis is not None:
            self._follow_in_stasis(old, old.stasis, new, finish)
            return
        bridge: Bridge | None = None
        if old.bridge is None:
            _leave_bridge(new)
            new.set_position(old.context, old.exten, old.priority)
            self._node.dialplan.start(new)
        elif old.is_controlled:
            bridge = self._join_partner(old, new)
        else:
            bridge = self._exchange(old.bridge, old, new)
        finish(bridge)

    # private

    def _follow_in_stasis(
        self, old: Channel, call: StasisCall, new: Channel, finish: Finish
    ) -> None:
        bridge = old.bridge
        if new.stasis is not None:
            if bridge is not None:
                bridge.swap(old, new)
            else:
                _leave_bridge(new)
                new.stasis.leave(Move(call.app, tuple(call.args)))
            finish(bridge)
            return

        def on_start() -> None:
            is_there = bridge is not None and not bridge.is_destroyed
            if bridge is not None and is_there:
                bridge.swap(old, new)
            finish(bridge if is_there else None)

        _leave_bridge(new)
        replacement = Replacement(old.snapshot(), on_start)
        new.take_control(run_in_stasis(new, call.app, call.args, replacement), "stasis")

    def _join_partner(self, old: Channel, new: Channel) -> Bridge:
        """Connect *new* with the partner of *old*, whose Dial() made their bridge."""
        assert old.bridge is not None
        peer = next(member for member in old.bridge.channels.values() if member is not old)
        peer.is_adopted = True
        _leave_bridge(new)
        old.bridge.remove(peer)
        bridge, left = self._bridges.join(new, peer)
        new.take_control(self._talk(bridge, left, new), "transferred")
        return bridge

    def _exchange(self, bridge: Bridge, old: Channel, new: Channel) -> Bridge:
        """Let *new* talk to the one whose Dial() made *bridge*, and who decides on its end."""
        peer = next(member for member in bridge.channels.values() if member is not old)
        new.is_adopted = True
        if new.is_controlled:
            new.take_control(_stay(new), "transferred")
        bridge.swap(old, new)
        peer.set_connected(new.caller)
        new.set_connected(peer.caller)
        return bridge

    async def _talk(self, bridge: Bridge, left: asyncio.Future[Channel], channel: Channel) -> None:
        await self._bridges.keep(bridge, left, channel)
        channel.hangup(Cause.NORMAL_CLEARING)


async def _stay(channel: Channel) -> None:
    await channel.wait_hangup()


def _leave_bridge(channel: Channel) -> None:
    if channel.bridge is not None:
        channel.bridge.remove(channel)
