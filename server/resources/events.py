"""The verbs of ``/events`` that are not the WebSocket itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from server.base.errors import InvalidArgument, NotFound, Unprocessable
from server.model import events
from server.model.wire import Snapshot, snapshot
from server.resources.bridges import Bridges
from server.resources.broadcasts import claim_channel
from server.resources.channel import Channel
from server.resources.endpoints import Endpoints
from server.resources.node import Node
from server.stasis.topics import Topic, TopicKind, application_topic, parse_event_source


class Events:
    """User events, and claims of calls."""

    def __init__(self, node: Node, bridges: Bridges, endpoints: Endpoints) -> None:
        self._node = node
        self._bridges = bridges
        self._endpoints = endpoints

    def user_event(
        self,
        event_name: str,
        *,
        application: str,
        source: Sequence[str] = (),
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        """Send ChannelUserevent to an application, and to those who follow its sources.

        :raises InvalidArgument: a source is malformed or of a kind without snapshots.
        :raises NotFound: the application is not registered.
        :raises Unprocessable: a source does not exist.
        """
        if not self._node.applications.is_registered(application):
            raise NotFound("Application not found")
        topics: list[Topic] = [application_topic(application)]
        parts: dict[str, Snapshot] = {}
        for text in source:
            topic = parse_event_source(text)
            parts[topic[0].value] = self._describe(topic)
            topics.append(topic)
        event = events.channel_userevent(
            eventname=event_name, userevent=dict(variables or {}), **parts
        )
        self._node.bus.publish(event, topics)

    def user_event_to_all(
        self, event_name: str, variables: Mapping[str, Any], channel: Channel | None
    ) -> None:
        """Send ChannelUserevent to all who follow a channel, if there is one, and to listeners."""
        if channel is not None:
            channel.publish(
                events.channel_userevent(
                    eventname=event_name, channel=channel.snapshot(), userevent=dict(variables)
                )
            )
            return
        self._node.bus.publish(
            events.channel_userevent(eventname=event_name, userevent=dict(variables)), ()
        )

    def claim_channel(self, channel_id: str, *, application: str) -> None:
        """Take a channel that StasisBroadcast() offers.

        :raises NotFound: the channel is not offered, or not to this application.
        :raises Conflict: another application has claimed it.
        """
        claim_channel(self._node, channel_id, application)

    def _describe(self, topic: Topic) -> Snapshot:
        kind, name = topic
        try:
            return self._describers()[kind](name)
        except KeyError:
            raise InvalidArgument("source", f"{kind} can't be the source of an event") from None
        except NotFound:
            raise Unprocessable("source", f"{kind}:{name} does not exist") from None

    def _describers(self) -> Mapping[TopicKind, Callable[[str], Snapshot]]:
        return {
            TopicKind.CHANNEL: lambda name: self._node.registry.get(name).snapshot(),
            TopicKind.BRIDGE: self._bridges.get,
            TopicKind.ENDPOINT: lambda name: snapshot(
                self._endpoints.get(*name.partition("/")[::2])
            ),
        }
