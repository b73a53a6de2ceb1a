"""Stasis applications: who is connected, what each wants to hear, and routing to them.

An application exists from its first registration (or an originate that names it) until nobody is
connected and nothing holds it. Interest in a topic is counted: a channel that an app controls and
also subscribed to by hand stays known until both are given up.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Protocol

import orjson

from server import model
from server.base.errors import InvalidArgument, NotFound, Unprocessable
from server.model import events
from server.model.events import Event
from server.stasis.bus import Bus, Published
from server.stasis.topics import Topic, TopicKind, application_topic, parse_event_source

logger = logging.getLogger(__name__)

MAX_APP_NAME_LENGTH = 512
MAX_SUBSCRIPTIONS = 100_000  # per application; far beyond a node's channels


class Consumer(Protocol):
    """A connection that takes events, a WebSocket session as a rule."""

    def deliver(self, frame: bytes) -> None:
        """Take one message of UTF-8 JSON. Never blocks and never raises."""

    def close(self, code: int, reason: str) -> None:
        """End the connection."""


class CallConnection(Protocol):
    """A connection that was made to serve one call."""

    @property
    def app(self) -> str:
        """The application that it is registered as."""

    def close(self) -> None:
        """End it, when all events so far have been delivered."""


class CallConnector(Protocol):
    """Connects to an application for one call."""

    def can_connect(self, app: str) -> bool:
        """Tell whether a connection is configured for *app*."""
        ...

    async def connect_for_call(self, app: str, channel_name: str) -> CallConnection:
        """Connect and register.

        :raises NotFound: no connection is configured for *app*, or it can't be made.
        """
        ...


class Seat:
    """A consumer's place in an application: what is due to it stays its own when it is replaced."""

    __slots__ = ("_suffix", "consumer")

    def __init__(self, consumer: Consumer, name: str) -> None:
        self.consumer = consumer
        self._suffix = b',"application":' + orjson.dumps(name) + b"}"

    def deliver(self, _published: Published, encoded: bytes) -> None:
        """Send one event; see :class:`~server.stasis.bus.Recipient`."""
        self.consumer.deliver(encoded + self._suffix)


class Application:
    """One application: its consumer, its subscriptions and its filter."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seat: Seat | None = None
        self.is_subscribed_to_all = False
        self.topics: dict[Topic, int] = {}
        self.chosen: set[Topic] = set()  # those subscribed to by hand, which count once
        self.allowed: list[dict[str, Any]] = []
        self.disallowed: list[dict[str, Any]] = []
        self._allowed_types: frozenset[str] = frozenset()
        self._disallowed_types: frozenset[str] = frozenset()

    @property
    def consumer(self) -> Consumer | None:
        """Who is connected as this application."""
        return self.seat.consumer if self.seat is not None else None

    def set_filter(
        self, allowed: list[dict[str, Any]] | None, disallowed: list[dict[str, Any]] | None
    ) -> None:
        """Replace the lists that are not ``None``; an empty list lifts the restriction."""
        if allowed is not None:
            self.allowed = allowed
            self._allowed_types = frozenset(entry["type"] for entry in allowed)
        if disallowed is not None:
            self.disallowed = disallowed
            self._disallowed_types = frozenset(entry["type"] for entry in disallowed)

    def accepts(self, event_type: str) -> bool:
        """Tell whether the filter lets this event type through."""
        if event_type in self._disallowed_types:
            return False
        return not self._allowed_types or event_type in self._allowed_types

    def snapshot(self) -> model.Application:
        """Return the application as ARI shows it."""
        names: dict[TopicKind, list[str]] = {kind: [] for kind in TopicKind}
        for kind, name in self.topics:
            names[kind].append(name)
        return model.Application(
            name=self.name,
            channel_ids=names[TopicKind.CHANNEL],
            bridge_ids=names[TopicKind.BRIDGE],
            endpoint_ids=names[TopicKind.ENDPOINT],
            device_names=names[TopicKind.DEVICE_STATE],
            events_allowed=list(self.allowed),
            events_disallowed=list(self.disallowed),
        )


class SourceChecker(Protocol):
    """Tells whether a thing that somebody wants to subscribe to exists."""

    def exists(self, topic: Topic) -> bool:
        """Return whether *topic* names something that is there."""


class Applications:
    """All applications of this node, and the bus's router."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._applications: dict[str, Application] = {}
        self._subscribers: dict[Topic, dict[str, Application]] = {}
        self._all_subscribers: dict[str, Application] = {}
        self._sources: SourceChecker | None = None
        self._connector: CallConnector | None = None
        bus.set_router(self._route, self._has_audience)

    def set_source_checker(self, sources: SourceChecker) -> None:
        """Install who knows whether channels, bridges and endpoints exist."""
        self._sources = sources

    def set_call_connector(self, connector: CallConnector) -> None:
        """Install who connects to applications that are reached call by call."""
        self._connector = connector

    # connections

    def can_connect(self, name: str) -> bool:
        """Tell whether :meth:`connect_for_call` could reach the application."""
        return self._connector is not None and self._connector.can_connect(name)

    async def connect_for_call(self, app: str, channel_name: str) -> CallConnection:
        """Connect to an application that nobody is connected as, for one call.

        :raises NotFound: there is no such application, or it can't be reached.
        """
        if self._connector is None:
            raise NotFound(f"Stasis application {app} is not registered")
        return await self._connector.connect_for_call(app, channel_name)

    def register(
        self, names: Sequence[str], consumer: Consumer, *, subscribe_all: bool = False
    ) -> None:
        """Connect *consumer* as each of the named applications.

        A consumer that was connected under a name before is told ``ApplicationReplaced``.

        :raises InvalidArgument: a name is empty or too long.
        """
        for name in names:
            _check_name(name)
        for name in dict.fromkeys(names):
            application = self._applications.setdefault(name, Application(name))
            former = application.consumer
            if former is not None and former is not consumer:
                self._bus.publish(events.application_replaced(), (application_topic(name),))
            if former is not consumer:
                application.seat = Seat(consumer, name)
            if subscribe_all:
                application.is_subscribed_to_all = True
                self._all_subscribers[name] = application
            logger.info("Stasis application %s registered", name)

    def unregister(self, consumer: Consumer) -> None:
        """Forget *consumer*; its applications stay for the calls that they still control."""
        for application in list(self._applications.values()):
            if application.consumer is consumer:
                application.seat = None
                application.is_subscribed_to_all = False
                self._all_subscribers.pop(application.name, None)
                logger.info("Stasis application %s disconnected", application.name)
                self._drop_if_unused(application)

    def is_registered(self, name: str) -> bool:
        """Tell whether somebody is connected as this application."""
        application = self._applications.get(name)
        return application is not None and application.consumer is not None

    # the API's verbs

    def list(self) -> list[model.Application]:
        """Return all applications."""
        return [application.snapshot() for application in self._applications.values()]

    def get(self, application_name: str) -> model.Application:
        """Return one application.

        :raises NotFound: nobody registered it.
        """
        return self._find(application_name).snapshot()

    def subscribe(self, application_name: str, event_source: Sequence[str]) -> model.Application:
        """Add subscriptions, all or none.

        :param event_source: such as ``channel:ID`` or ``endpoint:PJSIP``.
        :raises NotFound: no such application.
        :raises InvalidArgument: a source is malformed.
        :raises Unprocessable: a source does not exist.
        """
        application = self._find(application_name)
        topics = [parse_event_source(source) for source in event_source]
        for topic, source in zip(topics, event_source, strict=True):
            if self._sources is not None and not self._sources.exists(topic):
                raise Unprocessable("eventSource", f"{source} does not exist")
        if len(application.topics) + len(topics) > MAX_SUBSCRIPTIONS:
            raise Unprocessable("eventSource", "the application has too many subscriptions")
        for topic in topics:
            if topic not in application.chosen:
                application.chosen.add(topic)
                self._add(application, topic)
        return application.snapshot()

    def unsubscribe(self, application_name: str, event_source: Sequence[str]) -> model.Application:
        """Remove subscriptions, all or none.

        What was subscribed to by hand ends; otherwise one count of what the application follows
        because it controls something there.

        :raises NotFound: no such application.
        :raises InvalidArgument: a source is malformed.
        :raises Unprocessable: the application is not subscribed to a source.
        """
        application = self._find(application_name)
        topics = [parse_event_source(source) for source in event_source]
        for topic, source in zip(topics, event_source, strict=True):
            if topic not in application.topics:
                raise Unprocessable("eventSource", f"not subscribed to {source}")
        for topic in dict.fromkeys(topics):
            application.chosen.discard(topic)
            self.unwatch(application_name, topic)
        return application.snapshot()

    def set_event_filter(
        self, application_name: str, event_filter: dict[str, Any] | None
    ) -> model.Application:
        """Set the ``allowed`` and ``disallowed`` event types.

        :param event_filter: as ARI's body; ``None`` or ``{}`` lifts both lists.
        :raises NotFound: no such application.
        :raises InvalidArgument: the filter's shape is wrong.
        """
        application = self._find(application_name)
        if not event_filter:
            application.set_filter([], [])
        else:
            application.set_filter(
                _filter_list(event_filter, "allowed"), _filter_list(event_filter, "disallowed")
            )
        return application.snapshot()

    # implicit interest, by the resources

    def watch(self, name: str, topic: Topic) -> None:
        """Subscribe an application because it now controls something. Counted."""
        application = self._applications.setdefault(name, Application(name))
        self._add(application, topic)

    def unwatch(self, name: str, topic: Topic) -> None:
        """Give up one count of interest that :meth:`watch` took."""
        application = self._applications.get(name)
        if application is None or topic not in application.topics:
            return
        if application.topics[topic] > 1:
            application.topics[topic] -= 1
        else:
            self._remove(application, topic)

    def forget_topic(self, topic: Topic) -> None:
        """Drop every subscription to a thing that is gone."""
        for application in list(self._subscribers.get(topic, {}).values()):
            self._remove(application, topic)

    # routing

    def _has_audience(self, topics: Sequence[Topic]) -> bool:
        if self._all_subscribers:
            return True
        return any(topic in self._subscribers for topic in topics) or any(
            kind is TopicKind.APPLICATION for kind, _ in topics
        )

    def _route(self, event: Event, topics: Sequence[Topic]) -> Sequence[Seat]:
        found: dict[str, Application] = {}
        is_private = True
        for topic in topics:
            if topic[0] is TopicKind.APPLICATION:
                application = self._applications.get(topic[1])
                if application is not None:
                    found[topic[1]] = application
            else:
                is_private = False
                found.update(self._subscribers.get(topic, {}))
        if not is_private:
            found.update(self._all_subscribers)
        return [
            application.seat
            for application in found.values()
            if application.seat is not None and application.accepts(event.type)
        ]

    def _find(self, name: str) -> Application:
        application = self._applications.get(name)
        if application is None:
            raise NotFound(f"application {name} does not exist")
        return application

    def _add(self, application: Application, topic: Topic) -> None:
        application.topics[topic] = application.topics.get(topic, 0) + 1
        self._subscribers.setdefault(topic, {})[application.name] = application

    def _remove(self, application: Application, topic: Topic) -> None:
        application.topics.pop(topic, None)
        application.chosen.discard(topic)
        subscribers = self._subscribers.get(topic, {})
        subscribers.pop(application.name, None)
        if not subscribers:
            self._subscribers.pop(topic, None)
        self._drop_if_unused(application)

    def _drop_if_unused(self, application: Application) -> None:
        if application.consumer is None and not application.topics:
            self._applications.pop(application.name, None)


def _check_name(name: str) -> None:
    if not name or len(name) > MAX_APP_NAME_LENGTH:
        raise InvalidArgument("app", f"a name of 1 to {MAX_APP_NAME_LENGTH} characters is needed")


def _filter_list(event_filter: dict[str, Any], key: str) -> list[dict[str, Any]] | None:
    if key not in event_filter:
        return None
    entries = event_filter[key]
    if not isinstance(entries, list) or not all(_is_type_entry(entry) for entry in entries):
        raise InvalidArgument(key, 'a list of {"type": "<event type>"} is needed')
    return entries


def _is_type_entry(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("type"), str)
