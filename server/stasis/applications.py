"""Stasis applications: who is connected, what each wants to hear, and routing to them.

An application exists from its first registration (or an originate that names it) until nobody is
connected and nothing holds it. Interest in a topic is counted: a channel that an app controls and
also subscribed to by hand stays known until both are given up.
"""

from __future__ import annotations

import builtins
import logging
from collections.abc import Sequence
from typing import Any, Protocol

from server import model
from server.base.errors import InvalidArgument, NotFound, Unprocessable
from server.model.events import EXTENSIONS, Event
from server.stasis.application import Application
from server.stasis.bus import Bus
from server.stasis.connections import Connections
from server.stasis.journal import Journals
from server.stasis.options import PLAIN, Options
from server.stasis.seats import Consumer, Seat
from server.stasis.state import Resources
from server.stasis.topics import Topic, TopicKind, parse_event_source

logger = logging.getLogger(__name__)

MAX_APP_NAME_LENGTH = 512
MAX_SUBSCRIPTIONS = 100_000  # per application; far beyond a node's channels


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


class Applications:
    """All applications of this node, and the bus's router."""

    def __init__(self, bus: Bus, journals: Journals) -> None:
        self._applications: dict[str, Application] = {}
        self._connections = Connections(self._applications, bus, journals, self._on_deserted)
        self._subscribers: dict[Topic, dict[str, Application]] = {}
        self._all_subscribers: dict[str, Application] = {}
        self._resources: Resources | None = None
        self._connector: CallConnector | None = None
        bus.set_router(self._route, self._has_audience)

    def set_resources(self, resources: Resources) -> None:
        """Install who knows channels, bridges and endpoints."""
        self._resources = self._connections.resources = resources

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
        self,
        names: Sequence[str],
        consumer: Consumer,
        *,
        subscribe_all: bool = False,
        options: Options = PLAIN,
    ) -> None:
        """Connect *consumer* as each of the named applications.

        A consumer that was connected under a name before is told ``ApplicationReplaced``, unless
        both share the application.

        :raises InvalidArgument: a name is empty or too long.
        :raises Unavailable: too many consumers resume.
        """
        for name in names:
            _check_name(name)
        distinct = list(dict.fromkeys(names))
        for application in self._connections.register(
            distinct, consumer, options, subscribe_all=subscribe_all
        ):
            if application.is_subscribed_to_all:
                self._all_subscribers[application.name] = application

    def unregister(self, consumer: Consumer) -> None:
        """Forget *consumer*; its applications stay for the calls that they still control."""
        self._connections.unregister(consumer)

    def restore(self) -> None:
        """Take up the applications whose consumers could resume when the server ended."""
        for application in self._connections.restore():
            if application.is_subscribed_to_all:
                self._all_subscribers[application.name] = application

    def close(self) -> None:
        """Wait for no consumer to come back any more."""
        self._connections.close()

    def is_registered(self, name: str) -> bool:
        """Tell whether somebody is connected as this application, or expected back."""
        application = self._applications.get(name)
        return application is not None and application.is_registered

    def registered(self) -> list[str]:
        """Return the names of the applications that somebody serves."""
        return [name for name, found in self._applications.items() if found.is_registered]

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
            if self._resources is not None and not self._resources.exists(topic):
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

    # workers

    def list_workers(self, application_name: str) -> builtins.list[model.Worker]:
        """Return the workers that share an application; none if one consumer has it.

        :raises NotFound: no such application.
        """
        pool = self._find(application_name).pool
        return [
            model.Worker(
                name=seat.worker,
                weight=seat.options.weight,
                calls=seat.calls,
                connected=seat.consumer is not None,
                draining=seat.is_draining,
            )
            for seat in (pool.seats.values() if pool is not None else ())
        ]

    def drain_worker(self, application_name: str, worker_name: str) -> None:
        """Give a worker no new calls while there is another one.

        :raises NotFound: no such application or worker.
        """
        self._find_worker(application_name, worker_name).is_draining = True

    def undrain_worker(self, application_name: str, worker_name: str) -> None:
        """Give a worker new calls again.

        :raises NotFound: no such application or worker.
        """
        self._find_worker(application_name, worker_name).is_draining = False

    def workers_of(self, consumer: Consumer) -> builtins.list[tuple[str, str]]:
        """Return the applications that *consumer* shares, with its worker's name in each."""
        return self._connections.workers_of(consumer)

    # implicit interest, by the resources

    def watch(self, name: str, topic: Topic, kin: Topic | None = None) -> None:
        """Subscribe an application because it now controls something. Counted.

        :param kin: what it goes with; the worker that has the one gets the other.
        """
        application = self._applications.setdefault(name, Application(name))
        if application.pool is not None:
            application.pool.own(topic, kin)
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
            kind = topic[0]
            if kind is TopicKind.APPLICATION:
                application = self._applications.get(topic[1])
                if application is not None:
                    found[topic[1]] = application
            elif kind is not TopicKind.CALL:
                is_private = False
                if subscribers := self._subscribers.get(topic):
                    found.update(subscribers)
        if not is_private and self._all_subscribers:
            found.update(self._all_subscribers)
        event_type = event.type
        is_extension = event_type in EXTENSIONS
        recipients = []
        for application in found.values():
            if application.is_filtered and not application.accepts(event_type):
                continue
            for seat in application.recipients(topics):
                if (seat.is_choosy or is_extension) and not self._is_wanted(seat, event, topics):
                    continue
                recipients.append(seat)
        return recipients

    def _is_wanted(self, seat: Seat, event: Event, topics: Sequence[Topic]) -> bool:
        """Tell whether an event is one that a consumer asked for."""
        return seat.takes(event.type) and self._is_selected(seat, topics)

    def _is_selected(self, seat: Seat, topics: Sequence[Topic]) -> bool:
        """Tell whether an event passes the seat's filter by channel variables."""
        variables = seat.options.view.variables
        if not variables or self._resources is None:
            return True
        kinds = {kind for kind, _ in topics}
        if kinds == {TopicKind.APPLICATION}:
            return True  # is meant for the application, whatever it is about
        look_up = self._resources.variable
        return any(
            all(look_up(name, variable) == value for variable, value in variables)
            for kind, name in topics
            if kind in (TopicKind.CHANNEL, TopicKind.CALL)
        )

    def _find(self, name: str) -> Application:
        application = self._applications.get(name)
        if application is None:
            raise NotFound(f"application {name} does not exist")
        return application

    def _find_worker(self, name: str, worker: str) -> Seat:
        pool = self._find(name).pool
        seat = pool.seats.get(worker) if pool is not None else None
        if seat is None:
            raise NotFound(f"application {name} has no worker {worker}")
        return seat

    def _add(self, application: Application, topic: Topic) -> None:
        application.topics[topic] = application.topics.get(topic, 0) + 1
        self._subscribers.setdefault(topic, {})[application.name] = application

    def _remove(self, application: Application, topic: Topic) -> None:
        application.topics.pop(topic, None)
        application.chosen.discard(topic)
        if application.pool is not None:
            application.pool.release(topic)
        subscribers = self._subscribers.get(topic, {})
        subscribers.pop(application.name, None)
        if not subscribers:
            self._subscribers.pop(topic, None)
        self._drop_if_unused(application)

    def _on_deserted(self, application: Application) -> None:
        application.is_subscribed_to_all = False
        self._all_subscribers.pop(application.name, None)
        self._drop_if_unused(application)

    def _drop_if_unused(self, application: Application) -> None:
        if not application.is_registered and not application.topics:
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
