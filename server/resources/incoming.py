"""New calls from the technologies: they become channels that the dialplan controls."""

from __future__ import annotations

import logging

from server.base.errors import ServerError, Unavailable
from server.resources.channel import Channel
from server.resources.dialing import Dialer
from server.resources.endpoints import Endpoints
from server.resources.local_optimization import tell_of_pair
from server.resources.messages import Messages
from server.resources.node import Node
from server.resources.transfers import Transfers
from server.tech.base import (
    ContactInfo,
    EndpointInfo,
    ExtensionMatch,
    IncomingCall,
    Leg,
    TextMessage,
)
from server.tech.local import LocalLeg

logger = logging.getLogger(__name__)


class IncomingCalls:
    """The node's :class:`~server.tech.base.CallSink`."""

    def __init__(
        self,
        node: Node,
        dialer: Dialer,
        endpoints: Endpoints,
        messages: Messages,
        transfers: Transfers,
    ) -> None:
        self._node = node
        self._dialer = dialer
        self._endpoints = endpoints
        self._messages = messages
        self._transfers = transfers

    def match_extension(self, context: str, exten: str, caller_number: str) -> ExtensionMatch:
        """See :class:`~server.tech.base.CallSink`."""
        try:
            return self._node.dialplan.match(context, exten, caller_number)
        except Unavailable:
            return ExtensionMatch.NONE

    def incoming(self, leg: Leg, call: IncomingCall) -> None:
        """Make a channel of a new call and start the dialplan on it.

        :raises Unavailable: the node is full or stopping.
        :raises Conflict: the wanted channel id is in use.
        """
        self._dialer.check_capacity()
        channel_id = self._dialer.choose_id(call.channel_id, "channelId")
        channel = Channel(self._node, channel_id, leg, "Ring")
        channel.caller = call.caller
        channel.ani = call.caller
        channel.dnid = call.exten
        channel.redirecting = call.redirecting
        channel.language = call.language
        channel.account_code = call.account_code
        channel.peer_account = call.peer_account
        channel.music_class = call.music_class
        channel.set_position(call.context, call.exten, 1)
        self._dialer.announce(channel)
        if isinstance(leg, LocalLeg):
            tell_of_pair(leg, call.exten, call.context)
        for name, value in call.variables.items():
            try:
                self._node.dialplan.write(channel, name, value)
            except ServerError as error:
                logger.warning("%s: can't set %s: %s", leg.name, name, error)
        logger.info(
            "%s: call from %s to %s@%s", leg.name, call.caller.number, call.exten, call.context
        )
        replaced = call.replaces.listener if call.replaces is not None else None
        if isinstance(replaced, Channel):
            self._transfers.replace(replaced, channel)
        else:
            self._node.dialplan.start(channel)

    def on_message(self, message: TextMessage) -> bool:
        """See :class:`~server.tech.base.CallSink`."""
        return self._messages.on_message(message)

    def on_endpoint_changed(self, endpoint: EndpointInfo) -> None:
        """See :class:`~server.tech.base.CallSink`."""
        self._endpoints.on_endpoint_changed(endpoint)

    def on_contact_changed(self, endpoint: EndpointInfo, contact: ContactInfo) -> None:
        """See :class:`~server.tech.base.CallSink`."""
        self._endpoints.on_contact_changed(endpoint, contact)
