"""Endpoints, their device states, and the verbs of ``/endpoints``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from server import model
from server.base.errors import NotFound
from server.model import events
from server.model.wire import snapshot
from server.resources.listing import Page, take_page
from server.resources.node import Node
from server.stasis.topics import Topic, device_topic, endpoint_topic
from server.tech.base import ContactInfo, EndpointInfo, Technology

PEER_STATUS = {"online": "Reachable", "offline": "Unreachable"}


class Endpoints:
    """What can be called, over all technologies.

    :param technologies: returns the technologies; asked each time, as they come at start.
    """

    def __init__(self, node: Node, technologies: Callable[[], Sequence[Technology]]) -> None:
        self._node = node
        self._technologies = technologies

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

    # for other parts of the server

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
        self._node.on_endpoint_activity(info.technology, info.resource)

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


class DeviceStates:
    """The state of each device, derived from its endpoint and its channels.

    It is recomputed when a channel of the endpoint changes or the endpoint comes or goes, and
    published when it differs from what was known.
    """

    def __init__(self, node: Node, endpoints: Endpoints) -> None:
        self._node = node
        self._endpoints = endpoints
        self._known: dict[str, str] = {}

    def state(self, device: str) -> str:
        """Return a device's state in ARI's words, such as ``NOT_INUSE``.

        :param device: such as ``PJSIP/alice``.
        """
        technology, _, resource = device.partition("/")
        info = self._endpoints.find(technology, resource)
        if info is None:
            return "INVALID"
        states = {
            "ONHOLD" if channel.is_held else channel.state
            for channel in self._node.registry.of_endpoint(technology, resource)
            if not channel.is_hungup
        }
        is_ringing = "Ringing" in states
        if states - {"Ringing", "ONHOLD", "Down"}:
            return "RINGINUSE" if is_ringing else "INUSE"
        if is_ringing:
            return "RINGING"
        if "ONHOLD" in states:
            return "ONHOLD"
        return "UNAVAILABLE" if info.state == "offline" else "NOT_INUSE"

    def refresh(self, technology: str, resource: str) -> None:
        """Recompute one device's state, and publish it if it changed."""
        device = f"{technology}/{resource}"
        topics = (device_topic(device), device_topic(""))
        if not self._node.bus.wants(topics) or self._endpoints.find(technology, resource) is None:
            self._known.pop(device, None)
            return
        state = self.state(device)
        if self._known.get(device) == state:
            return
        self._known[device] = state
        described = model.DeviceState(name=device, state=state)
        self._node.bus.publish(
            events.device_state_changed(device_state=snapshot(described)), topics
        )
