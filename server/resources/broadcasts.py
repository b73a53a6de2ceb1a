"""Calls that are offered to several applications; the first one that claims a call has it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from server.base.errors import Conflict, NotFound
from server.model import events
from server.resources.channel import Channel
from server.resources.node import Node
from server.stasis.topics import application_topic, call_topic


class Offer:
    """A channel that waits for an application, or has found one.

    :param applications: who may claim it.
    :param is_announced: whether all of them are told who has.
    """

    def __init__(
        self, channel: Channel, applications: Collection[str], *, is_announced: bool
    ) -> None:
        self._channel = channel
        self._applications = applications
        self._is_announced = is_announced
        self._winner: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def wait(self, timeout: float) -> str | None:
        """Offer the channel for *timeout* seconds; return who has claimed it, ``None`` if nobody.

        Once this has returned, a claim finds the offer taken or over.

        :raises ChannelHungUp: the channel ended first.
        """
        channel = self._channel
        loop = asyncio.get_running_loop()
        self._publish(
            events.call_broadcast(
                channel=channel.snapshot(), caller=channel.caller.number, called=channel.exten
            )
        )
        timer = loop.call_later(timeout, self._winner.cancel)
        try:
            return await channel.wait(self._winner)
        except asyncio.CancelledError:
            if self._winner.cancelled():
                return None
            raise
        finally:
            timer.cancel()

    def claim(self, application: str) -> None:
        """Take the channel for an application.

        :raises NotFound: it is not offered to this one, or not any more.
        :raises Conflict: somebody has it.
        """
        if application not in self._applications or self._winner.cancelled():
            raise NotFound(f"The channel is not offered to application {application}")
        if self._winner.done():
            raise Conflict("The channel has been claimed already")
        self._winner.set_result(application)
        if self._is_announced:
            event = events.call_claimed(channel=self._channel.snapshot(), winner_app=application)
            self._publish(event)

    def _publish(self, event: events.Event) -> None:
        topics = [application_topic(name) for name in self._applications]
        self._channel.node.bus.publish(event, (*topics, call_topic(self._channel.id)))


def claim_channel(node: Node, channel_id: str, application: str) -> None:
    """Take an offered channel for an application.

    :raises NotFound: no such offer, or the application is not one it is for.
    :raises Conflict: somebody has it.
    """
    if not node.applications.is_registered(application):
        raise NotFound("Application not found")
    offer = node.offers.get(channel_id)
    if offer is None:
        raise NotFound("The channel is not offered")
    offer.claim(application)
