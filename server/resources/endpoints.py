"""Endpoints, and the verbs of ``/endpoints``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from server import model
from server.base.errors import InvalidArgument, NotFound
from server.model import events
from server.model.wire import Snapshot, snapshot
from server.resources.listing import Page, take_page
from server.resources.node import Node
from server.stasis.topics import Topic, endpoint_topic
from server.tech.base import ContactInfo, EndpointInfo, Messenger, Technology

_match_destination = re.compile(r"([A-Za-z][A-Za-z0-9]*)[:/](.+)", re.DOTALL).fullmatch
PEER_STATUS = {"online": "Reachable", "offline": "Unreachable"}


class Endpoints:
    """What can be called, over all technologies.

    :param technologies: returns the technologies; asked each time, as they come at start.
    """

    def __init__(self, node: Node, technologies: Callable[[], Sequence[Technology]]) -> None:
        self._node = node
        self._technologies = technologies
        self.on_changed: Callable[[EndpointInfo], None] = _ignore

    # the API's verbs

    def list(
        self, *, state: str | None = None, after: str | None = None, limit: int | None = None
    ) -> Page:
        """Return every endpoint, or a page of those in a state.

        :param after: ``TECHNOLOGY/RESOURCE`` of the last one seen.
        :raises InvalidArgument: a value is wrong.
        """
        return self._page(self._technologies(), state, after, limit)

    def list_by_tech(
        self,
        tech: str,
        *,
        state: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> Page:
        """Return the endpoints of one technology; see :meth:`list`.

        :raises NotFound: no such technology.
        :raises InvalidArgument: a value is wrong.
        """
        return self._page([self._technology(tech)], state, after, limit)

    def get(self, tech: str, resource: str) -> model.Endpoint:
        """Return one endpoint.

        :raises NotFound: no such technology or endpoint.
        """
        info = self._technology(tech).endpoint(resource)
        if info is None:
            raise NotFound("Endpoint not found")
        return self._describe(info)

    def send_message(
        self, *, to: str, sender: str, body: str = "", variables: Mapping[str, str] | None = None
    ) -> None:
        """Send a text outside of calls.

        :param to: technology and destination, such as ``pjsip:alice`` or ``PJSIP/alice``.
        :param sender: address that it comes from.
        :param variables: what the technology adds: header fields.
        :raises NotFound: no such technology or endpoint, or it can't be reached now.
        :raises InvalidArgument: *to*, *sender*, *body* or a variable can't be used.
        """
        messenger, destination = self._messenger("to", to)
        messenger.send_message(destination, sender, body or "", variables or {})

    def send_message_to(
        self,
        tech: str,
        resource: str,
        *,
        sender: str,
        body: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Send a text to one endpoint; see :meth:`send_message`."""
        self.get(tech, resource)
        self.send_message(to=f"{tech}:{resource}", sender=sender, body=body, variables=variables)

    def refer(
        self,
        *,
        to: str,
        sender: str,
        refer_to: str,
        to_self: bool = False,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Ask an endpoint to call somebody; see :meth:`send_message`.

        :param refer_to: whom to call: an endpoint as in *to*, or an address.
        :param to_self: have the endpoint *refer_to* called through this server.
        """
        messenger, destination = self._messenger("to", to)
        messenger.refer(destination, sender, refer_to, variables or {}, to_self=to_self)

    def refer_endpoint(
        self,
        tech: str,
        resource: str,
        *,
        sender: str,
        refer_to: str,
        to_self: bool = False,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Ask one endpoint to call somebody; see :meth:`refer`."""
        self.get(tech, resource)
        self.refer(
            to=f"{tech}:{resource}",
            sender=sender,
            refer_to=refer_to,
            to_self=to_self,
            variables=variables,
        )

    # for other parts of the server

    def describe(self, tech: str, resource: str) -> Snapshot | None:
        """Return an endpoint as events show it, ``None`` if there is no such endpoint."""
        info = self.find(tech, resource)
        return None if info is None else snapshot(self._describe(info))

    def find(self, tech: str, resource: str) -> EndpointInfo | None:
        """Return an endpoint's state, ``None`` if there is no such endpoint."""
        try:
            return self._technology(tech).endpoint(resource)
        except NotFound:
            return None

    def has_technology(self, tech: str) -> bool:
        """Tell whether there is a technology of this name."""
        return any(technology.name == tech for technology in self._technologies())

    # reports of the technologies

    def on_endpoint_changed(self, info: EndpointInfo) -> None:
        """Publish that an endpoint came or went."""
        topics = _topics(info)
        if self._node.bus.wants(topics):
            endpoint = snapshot(self._describe(info))
            peer = snapshot(events.Peer(peer_status=PEER_STATUS.get(info.state, "Unknown")))
            self._node.bus.publish(events.endpoint_state_change(endpoint=endpoint), topics)
            self._node.bus.publish(events.peer_status_change(endpoint=endpoint, peer=peer), topics)
        self.on_changed(info)

    def on_contact_changed(self, info: EndpointInfo, contact: ContactInfo) -> None:
        """Publish that a contact's reachability changed."""
        topics = _topics(info)
        if not self._node.bus.wants(topics):
            return
        roundtrip = contact.roundtrip_usec
        described = events.ContactInfo(
            uri=contact.uri,
            contact_status=contact.status,
            aor=contact.aor,
            roundtrip_usec=str(roundtrip) if roundtrip is not None else None,
        )
        event = events.contact_status_change(
            endpoint=snapshot(self._describe(info)), contact_info=snapshot(described)
        )
        self._node.bus.publish(event, topics)

    # private

    def _messenger(self, field: str, destination: str) -> tuple[Messenger, str]:
        """Split ``pjsip:alice`` or ``PJSIP/alice`` into who sends and where to."""
        match = _match_destination(destination)
        if match is None:
            raise InvalidArgument(field, f"{destination[:60]!r} is not technology:destination")
        for technology in self._technologies():
            if technology.name.lower() == match[1].lower() and isinstance(technology, Messenger):
                return technology, match[2]
        raise NotFound("Endpoint not found")

    def _page(
        self,
        technologies: Sequence[Technology],
        state: str | None,
        after: str | None,
        limit: int | None,
    ) -> Page:
        found = [
            info
            for technology in technologies
            for info in technology.endpoints()
            if not state or info.state == state.lower()
        ]
        following = None
        if after is not None or limit is not None:
            keyed = ((f"{info.technology}/{info.resource}", info) for info in found)
            found, following = take_page(keyed, after=after, limit=limit)
        return Page([self._describe(info) for info in found], following)

    def _technology(self, name: str) -> Technology:
        for technology in self._technologies():
            if technology.name == name:
                return technology
        raise NotFound("Technology not found")

    def _describe(self, info: EndpointInfo) -> model.Endpoint:
        channels = self._node.registry.of_endpoint(info.technology, info.resource)
        return model.Endpoint(
            technology=info.technology,
            resource=info.resource,
            state=info.state,
            channel_ids=[channel.id for channel in channels],
        )


def _topics(info: EndpointInfo) -> tuple[Topic, ...]:
    return (
        endpoint_topic(info.technology, info.resource),
        endpoint_topic(info.technology, ""),
    )


def _ignore(_info: EndpointInfo) -> None:
    """Stand in until device states are followed."""
