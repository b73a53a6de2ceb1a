"""Topics: what an event is about, and what an application can subscribe to."""

from __future__ import annotations

from enum import StrEnum

from server.base.errors import InvalidArgument


class TopicKind(StrEnum):
    """The kinds of event source, spelled as in ARI's ``eventSource`` parameter."""

    CHANNEL = "channel"
    BRIDGE = "bridge"
    ENDPOINT = "endpoint"
    DEVICE_STATE = "deviceState"
    APPLICATION = "app"
    CALL = "call"


Topic = tuple[TopicKind, str]


def channel_topic(channel_id: str) -> Topic:
    """Return the topic of one channel."""
    return (TopicKind.CHANNEL, channel_id)


def bridge_topic(bridge_id: str) -> Topic:
    """Return the topic of one bridge."""
    return (TopicKind.BRIDGE, bridge_id)


def endpoint_topic(technology: str, resource: str) -> Topic:
    """Return the topic of one endpoint; an empty resource means all of the technology."""
    return (TopicKind.ENDPOINT, f"{technology}/{resource}" if resource else technology)


def device_topic(device: str) -> Topic:
    """Return the topic of one device's state."""
    return (TopicKind.DEVICE_STATE, device)


def application_topic(name: str) -> Topic:
    """Return the topic that reaches one application alone."""
    return (TopicKind.APPLICATION, name)


def call_topic(channel_id: str) -> Topic:
    """Return the mark of an event that is addressed to an application alone, about one channel.

    Nobody is subscribed to it: it tells among several workers of the application who has the call.
    """
    return (TopicKind.CALL, channel_id)


_INNER = frozenset({TopicKind.APPLICATION, TopicKind.CALL})  # are no sources of events


def parse_event_source(source: str) -> Topic:
    """Read an ARI ``eventSource`` such as ``channel:123`` or ``endpoint:PJSIP/alice``.

    :raises InvalidArgument: the scheme is unknown, or nothing follows it where something must.
    """
    scheme, colon, name = source.partition(":")
    try:
        kind = TopicKind(scheme)
    except ValueError:
        kind = TopicKind.APPLICATION
    if not colon or kind in _INNER:
        raise InvalidArgument(
            "eventSource",
            f"{source!r} is none of channel:ID, bridge:ID, endpoint:TECH[/RESOURCE],"
            " deviceState:[NAME]",
        )
    if not name and kind is not TopicKind.DEVICE_STATE:
        raise InvalidArgument("eventSource", f"{source!r} names no {kind}")
    return (kind, name)
