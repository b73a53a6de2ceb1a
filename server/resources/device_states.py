"""Device states, and the verbs of ``/deviceStates``.

A device is an endpoint (``PJSIP/alice``), an extension (``Local/100@phones``) or something that a
provider answers for (``Stasis:door``, ``Custom:night``). The state of an endpoint is derived from
its reachability and its channels, as Asterisk's channel drivers do; those of the two providers
here are set by hand and kept in the key-value store under Asterisk's families.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

from server import model
from server.base.errors import Conflict, InvalidArgument, NotFound
from server.model import events
from server.model.wire import snapshot
from server.resources.endpoints import Endpoints
from server.resources.node import Node
from server.stasis.topics import device_topic
from server.store.kv import KeyValueStore
from server.tech.base import EndpointInfo, ExtensionMatch

logger = logging.getLogger(__name__)

UNKNOWN = "UNKNOWN"
NOT_INUSE = "NOT_INUSE"
INUSE = "INUSE"
BUSY = "BUSY"
INVALID = "INVALID"
UNAVAILABLE = "UNAVAILABLE"
RINGING = "RINGING"
RINGINUSE = "RINGINUSE"
ONHOLD = "ONHOLD"

# What decides when channels of one device differ: the last of these that occurs.
PRECEDENCE = (
    INVALID, UNKNOWN, UNAVAILABLE, NOT_INUSE, ONHOLD, RINGING, INUSE, BUSY, RINGINUSE
)  # fmt: skip
_RANK = {state: rank for rank, state in enumerate(PRECEDENCE)}

STASIS = "Stasis"
CUSTOM = "Custom"
FAMILIES = {STASIS: "StasisDeviceState", CUSTOM: "CustomDevstate"}

_OF_ENDPOINT = {"online": NOT_INUSE, "offline": UNAVAILABLE}
_OF_CHANNEL = {
    "Down": NOT_INUSE,
    "Ringing": RINGING,
    "Pre-ring": RINGING,
    "Busy": BUSY,
}
_IN_USE = frozenset({"Up", "Ring", "Busy"})  # channel states that count for the busy limit
LOCAL = "Local"

Provider = Callable[[str], str]
"""Tells the state of what follows its prefix, ``UNKNOWN`` if it does not know it."""


def aggregate(states: Iterable[str]) -> str:
    """Return the one state that several amount to; ``INVALID`` for none."""
    result, is_ringing, is_in_use = INVALID, False, False
    for state in states:
        is_ringing = is_ringing or state == RINGING
        is_in_use = is_in_use or state in (INUSE, ONHOLD, BUSY)
        if is_ringing and is_in_use:
            state = RINGINUSE
        if _RANK[state] > _RANK[result]:
            result = state
    return result


class DeviceStates:
    """The state of every device.

    What derives from endpoints and channels is recomputed when one of them changes, and published
    when it differs from what it was.

    :param store: keeps the states that were set by hand.
    :ivar observers: called with device and state whenever one changed.
    """

    def __init__(self, node: Node, endpoints: Endpoints, store: KeyValueStore) -> None:
        self._node = node
        self._endpoints = endpoints
        self._store = store
        self._known: dict[str, str] = {}  # of endpoints that are not idle
        self._providers: dict[str, Provider] = {
            name: lambda device, family=family: self._stored(family, device)  # type: ignore[misc]
            for name, family in FAMILIES.items()
        }
        self.observers: list[Callable[[str, str], None]] = []
        node.on_endpoint_activity = self.refresh
        endpoints.on_changed = self.on_endpoint_changed

    # the API's verbs

    def list(self) -> list[model.DeviceState]:
        """Return the devices that applications set, by name."""
        return [*self.stored(STASIS)]

    def get(self, device_name: str) -> model.DeviceState:
        """Return the state of any device; one that nobody knows is ``INVALID``."""
        return model.DeviceState(name=device_name, state=self.state(device_name))

    def update(self, device_name: str, *, device_state: str) -> None:
        """Set the state of a ``Stasis:`` device.

        :raises Conflict: it is a device of another kind.
        :raises NotFound: nothing follows ``Stasis:``.
        :raises InvalidArgument: the name is too long, or the state is none.
        """
        self.set(STASIS, _own_part(device_name), device_state)

    def delete(self, device_name: str) -> None:
        """Forget a ``Stasis:`` device; its followers hear that it is ``UNKNOWN`` now.

        :raises Conflict: it is a device of another kind.
        :raises NotFound: there is none of this name.
        """
        if not self._store.delete(FAMILIES[STASIS], _own_part(device_name)):
            raise NotFound("Unknown device")
        self._publish(device_name, UNKNOWN)

    # for other parts of the server

    def add_provider(self, name: str, provider: Provider) -> None:
        """Let *provider* answer for the devices that are named ``<name>:…``."""
        self._providers[name.lower()] = self._providers[name] = provider

    def state(self, device: str) -> str:
        """Return a device's state in ARI's words, such as ``NOT_INUSE``.

        :param device: such as ``PJSIP/alice`` or ``Stasis:door``.
        """
        prefix, colon, rest = device.partition(":")
        if colon and "/" not in prefix:
            provider = self._providers.get(prefix) or self._providers.get(prefix.lower())
            return provider(rest) if provider is not None else INVALID
        technology, _, resource = device.partition("/")
        if technology == LOCAL:
            return self._of_extension(resource)
        info = self._endpoints.find(technology, resource)
        if info is not None:
            return self._of_endpoint(info)
        return INUSE if self._node.registry.of_endpoint(technology, resource) else INVALID

    def stored(self, provider: str) -> Sequence[model.DeviceState]:
        """Return the devices of :data:`STASIS` or :data:`CUSTOM` that have been set, by name."""
        return [
            model.DeviceState(name=f"{provider}:{name}", state=_checked(state))
            for name, state in self._store.items(FAMILIES[provider])
        ]

    def set(self, provider: str, name: str, state: str) -> None:
        """Set the state of a device that is set by hand.

        :param provider: :data:`STASIS` or :data:`CUSTOM`.
        :raises InvalidArgument: the name can't be stored, or the state is none.
        """
        if state not in _RANK:
            raise InvalidArgument("deviceState", f"{state!r} is none of {', '.join(PRECEDENCE)}")
        device = f"{provider}:{name}"
        former = self.state(device)
        try:
            self._store.put(FAMILIES[provider], name, state)
        except InvalidArgument as error:
            raise InvalidArgument("deviceName", error.reason) from None
        if state != former:
            self._publish(device, state)

    # reports

    def report(self, device: str, state: str) -> None:
        """Publish the state of a device that a provider answers for."""
        self._publish(device, state)

    def refresh(self, technology: str, resource: str) -> None:
        """A channel of an endpoint changed: publish the device's state if it changed too."""
        device = f"{technology}/{resource}"
        if technology == LOCAL:
            idle = NOT_INUSE
            state = INUSE if self._node.registry.of_endpoint(LOCAL, resource) else NOT_INUSE
        else:
            info = self._endpoints.find(technology, resource)
            if info is None:
                self._known.pop(device, None)
                return
            idle = _OF_ENDPOINT.get(info.state, UNKNOWN)
            state = self._of_endpoint(info)
        if self._known.get(device, idle) == state:
            return
        if state == idle:
            self._known.pop(device, None)
        else:
            self._known[device] = state
        self._publish(device, state)

    def on_endpoint_changed(self, info: EndpointInfo) -> None:
        """An endpoint came or went: publish the device's state if it changed too."""
        device = f"{info.technology}/{info.resource}"
        former = self._known.pop(device, None)
        state = self._of_endpoint(info)
        if state != _OF_ENDPOINT.get(info.state, UNKNOWN):
            self._known[device] = state
        if state != former:
            self._publish(device, state)

    # private

    def _of_endpoint(self, info: EndpointInfo) -> str:
        channels = [
            channel
            for channel in self._node.registry.of_endpoint(info.technology, info.resource)
            if not channel.is_hungup
        ]
        if not channels:
            return _OF_ENDPOINT.get(info.state, UNKNOWN)
        if info.busy_at and sum(c.state in _IN_USE for c in channels) >= info.busy_at:
            return BUSY
        return aggregate(
            ONHOLD if channel.is_held else _OF_CHANNEL.get(channel.state, INUSE)
            for channel in channels
        )

    def _of_extension(self, resource: str) -> str:
        exten, at, context = resource.partition("@")
        if self._node.registry.of_endpoint(LOCAL, resource):
            return INUSE
        if not at or self._node.dialplan.match(context, exten, "") is not ExtensionMatch.EXACT:
            return INVALID
        return NOT_INUSE

    def _stored(self, family: str, name: str) -> str:
        return _checked(self._store.get(family, name))

    def _publish(self, device: str, state: str) -> None:
        for observer in self.observers:
            observer(device, state)
        topics = (device_topic(device), device_topic(""))
        if self._node.bus.wants(topics):
            described = model.DeviceState(name=device, state=state)
            event = events.device_state_changed(device_state=snapshot(described))
            self._node.bus.publish(event, topics)


def _own_part(device: str) -> str:
    """Return what follows ``Stasis:``."""
    provider, colon, name = device.partition(":")
    if not colon or provider != STASIS:
        raise Conflict(f"{device!r} is none of the {STASIS}: devices, which alone can be set")
    if not name:
        raise NotFound("Device name is missing")
    return name


def _checked(stored: str | None) -> str:
    """Return a state from the store, which others may have written."""
    return stored if stored in _RANK else UNKNOWN
