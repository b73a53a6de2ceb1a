"""Texts that come in, outside of calls and inside them: for applications and the other party."""

from __future__ import annotations

from server import model
from server.model import events
from server.model.wire import snapshot
from server.resources.channel import Channel
from server.resources.endpoints import Endpoints
from server.resources.message_leg import MessageLeg
from server.resources.node import Node
from server.stasis.topics import application_topic, endpoint_topic
from server.tech.base import ExtensionMatch, TextMessage

MAX_RUNNING = 100  # texts in the dialplan at a time; further ones are refused


class Messages:
    """Delivers texts."""

    def __init__(self, node: Node, endpoints: Endpoints) -> None:
        self._node = node
        self._endpoints = endpoints
        self._running = 0  # texts in the dialplan now

    def on_message(self, message: TextMessage) -> bool:
        """Take a text outside of calls: for who follows its endpoint, and for the dialplan.

        :returns: ``False`` if there is neither.
        """
        is_wanted = self._publish(message)
        dialplan = self._node.dialplan
        match = dialplan.match(message.context, message.exten, "")
        if match is ExtensionMatch.EXACT and self._running < MAX_RUNNING:
            self._run(message)
            return True
        return is_wanted

    def on_text(self, channel: Channel, message: TextMessage) -> None:
        """Take a text inside a call: for the applications, and for whom *channel* talks to."""
        self._publish(message)
        if channel.bridge is not None:
            for member in list(channel.bridge.channels.values()):
                if member is not channel:
                    member.leg.send_text(message.body)

    def _run(self, message: TextMessage) -> None:
        """Carry a text through the dialplan on a channel that nobody else sees."""
        leg = MessageLeg(message, self._node.engine.open_null())
        channel = Channel(self._node, self._node.ids.next(), leg, "Up")
        channel.topics = (application_topic(""),)  # of no application
        channel.set_position(message.context, message.exten, 1)
        channel.resources.append(self._on_end)
        self._running += 1
        self._node.dialplan.start(channel)

    def _on_end(self) -> None:
        self._running -= 1

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
