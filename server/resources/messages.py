"""Texts that come in, outside of calls and inside them: for applications and the other party."""

from __future__ import annotations

from server import model
from server.model import events
from server.model.wire import snapshot
from server.resources.channel import Channel
from server.resources.endpoints import Endpoints
from server.resources.node import Node
from server.stasis.topics import endpoint_topic
from server.tech.base import TextMessage


class Messages:
    """Delivers texts."""

    def __init__(self, node: Node, endpoints: Endpoints) -> None:
        self._node = node
        self._endpoints = endpoints

    def on_message(self, message: TextMessage) -> bool:
        """Take a text outside of calls: for the applications that follow its endpoint.

        :returns: ``False`` if there are none.
        """
        return self._publish(message)

    def on_text(self, channel: Channel, message: TextMessage) -> None:
        """Take a text inside a call: for the applications, and for whom *channel* talks to."""
        self._publish(message)
        if channel.bridge is not None:
            for member in list(channel.bridge.channels.values()):
                if member is not channel:
                    member.leg.send_text(message.body)

    def _publish(self, message: TextMessage) -> bool:
        topics = (
            endpoint_topic(message.technology, message.endpoint),
            endpoint_topic(message.technology, ""),
        )
        if not self._node.bus.wants(topics):
            return False
        described = model.TextMessage(
            from_=message.sender,
            to=message.recipient,
            body=message.body,
            variables=dict(message.variables),
        )
        event = events.text_message_received(
            message=snapshot(described),
            endpoint=self._endpoints.describe(message.technology, message.endpoint),
        )
        self._node.bus.publish(event, topics)
        return True
