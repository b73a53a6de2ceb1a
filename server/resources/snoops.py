"""Snoop channels: an application listens to another channel, or whispers to it.

A snoop channel is a channel like any other: in Stasis, bridged, recorded, played to. What it
says is what the spied channel says (``in``), hears (``out``) or both; what it is given to hear is
heard by the spied channel (``out``) or by those who hear that one (``in``). It ends when the
spied channel does, and when its application lets go of it.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence

from server.base.errors import InvalidArgument, InvalidState, NotFound
from server.media.streams import TAPS
from server.resources.channel import Channel
from server.resources.dialing import Dialer
from server.resources.node import Node
from server.resources.stasis_calls import enter_stasis, split_args
from server.tech.snoop import SnoopLeg

logger = logging.getLogger(__name__)


class Snoops:
    """Makes snoop channels."""

    def __init__(self, node: Node, dialer: Dialer) -> None:
        self._node = node
        self._dialer = dialer
        self._numbers = itertools.count(1)

    def snoop(
        self,
        spied: Channel,
        *,
        app: str,
        app_args: str | None = None,
        spy: str | None = "none",
        whisper: str | None = "none",
        snoop_id: str | None = None,
    ) -> Channel:
        """Make a snoop channel and put it into Stasis.

        As in Asterisk, it is made, and ends at once, when nobody is connected as *app*.

        :param spy: ``in``, ``out``, ``both`` or ``none``.
        :param whisper: likewise.
        :param snoop_id: the new channel's id.
        :raises InvalidArgument: no application, an unknown direction, or neither spy nor whisper.
        :raises NotFound: *spied* has hung up.
        :raises Conflict: the id is in use.
        :raises Unavailable: the node is full or stopping.
        """
        if not app:
            raise InvalidArgument("app", "Application name is required")
        spy, whisper = spy or "none", whisper or "none"
        for field, value in (("spy", spy), ("whisper", whisper)):
            if value not in TAPS:
                raise InvalidArgument(field, f"Invalid direction specified for {field}")
        if spy == whisper == "none":
            reason = "Direction must be specified for at least spy or whisper"
            raise InvalidArgument("spy", reason)
        self._dialer.check_capacity()
        channel_id = self._dialer.choose_id(snoop_id, "snoopId")
        try:
            stream = self._node.engine.open_snoop(spied.leg.stream, spy=spy, whisper=whisper)
        except InvalidState:
            raise NotFound("Channel not found") from None
        leg = SnoopLeg(f"Snoop/{spied.id}-{next(self._numbers):08x}", stream)
        channel = Channel(self._node, channel_id, leg, "Up")
        channel.answered_at = channel.created_at
        self._dialer.announce(channel)
        spied.on_end.append(leg.end)
        channel.on_end.append(_forgetter(spied, leg.end))
        channel.take_control(self._stay(channel, app, split_args(app_args)), "snoop")
        return channel

    async def _stay(self, channel: Channel, app: str, args: Sequence[str]) -> None:
        """Be the controller: nothing but Stasis can be done with a snoop channel."""
        try:
            await enter_stasis(channel, app, args)
        except NotFound as error:
            logger.warning("%s: %s", channel.name, error)
        channel.hangup()


def _forgetter(spied: Channel, end: Callable[[], None]) -> Callable[[], None]:
    def forget() -> None:
        if end in spied.on_end:
            spied.on_end.remove(end)

    return forget
