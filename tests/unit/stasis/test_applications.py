"""Applications: connecting, subscriptions, filters, routing."""

from __future__ import annotations

import pytest

from server.base.errors import InvalidArgument, NotFound, Unprocessable
from server.model.events import Event
from server.stasis.applications import Applications
from server.stasis.bus import Bus
from server.stasis.journal import JournalLimits, Journals
from server.stasis.topics import Topic, application_topic, channel_topic, endpoint_topic
from tests.support.node import Collector, FixedClock, settle


class Everything:
    def exists(self, topic: Topic) -> bool:
        return topic[1] != "gone"


@pytest.fixture
def bus() -> Bus:
    return Bus(FixedClock(), "node")


@pytest.fixture
def applications(bus: Bus) -> Applications:
    made = Applications(bus, Journals(JournalLimits(), FixedClock()))
    made.set_resources(Everything())
    return made


async def test_one_event_reaches_an_app_once_however_often_it_matches(
    bus: Bus, applications: Applications
) -> None:
    app = Collector()
    applications.register(["a"], app, subscribe_all=True)
    applications.subscribe("a", ["channel:1", "endpoint:PJSIP/alice"])
    bus.publish(Event("X", {}), (channel_topic("1"), endpoint_topic("PJSIP", "alice")))
    await settle()
    assert app.types == ["X"]
    assert app.events[0]["application"] == "a"


async def test_several_apps_on_one_socket_each_get_their_copy(
    bus: Bus, applications: Applications
) -> None:
    app = Collector()
    applications.register(["a", "b"], app)
    applications.subscribe("a", ["channel:1"])
    applications.subscribe("b", ["channel:1"])
    bus.publish(Event("X", {}), (channel_topic("1"),))
    await settle()
    assert [event["application"] for event in app.events] == ["a", "b"]


async def test_replaced_consumer_is_told_and_hears_no_more(
    bus: Bus, applications: Applications
) -> None:
    first, second = Collector(), Collector()
    applications.register(["a"], first)
    applications.register(["a"], second)
    bus.publish(Event("X", {}), (application_topic("a"),))
    applications.unregister(first)
    await settle()
    assert first.types == ["ApplicationReplaced"]
    assert second.types == ["X"]
    assert applications.is_registered("a")


async def test_subscription_routing_is_as_of_the_events_moment(
    bus: Bus, applications: Applications
) -> None:
    app = Collector()
    applications.register(["a"], app)
    applications.subscribe("a", ["channel:1"])
    bus.publish(Event("X", {}), (channel_topic("1"),))
    applications.unsubscribe("a", ["channel:1"])
    bus.publish(Event("Y", {}), (channel_topic("1"),))
    await settle()
    assert app.types == ["X"]


async def test_private_events_reach_the_one_application_only(
    bus: Bus, applications: Applications
) -> None:
    app, other = Collector(), Collector()
    applications.register(["a"], app)
    applications.register(["b"], other, subscribe_all=True)
    bus.publish(Event("X", {}), (application_topic("a"),))
    await settle()
    assert (app.types, other.types) == (["X"], [])


async def test_dropped_socket_ends_subscribe_all_but_keeps_what_is_watched(
    applications: Applications,
) -> None:
    app = Collector()
    applications.register(["a"], app, subscribe_all=True)
    applications.watch("a", channel_topic("1"))
    applications.unregister(app)
    assert not applications.is_registered("a")
    assert applications.get("a").channel_ids == ["1"]
    applications.unwatch("a", channel_topic("1"))
    with pytest.raises(NotFound):
        applications.get("a")


async def test_interest_is_counted(bus: Bus, applications: Applications) -> None:
    app = Collector()
    applications.register(["a"], app)
    applications.watch("a", channel_topic("1"))
    applications.watch("a", channel_topic("1"))
    applications.unwatch("a", channel_topic("1"))
    assert applications.get("a").channel_ids == ["1"]
    applications.forget_topic(channel_topic("1"))
    assert applications.get("a").channel_ids == []


async def test_subscribing_is_all_or_nothing(applications: Applications) -> None:
    applications.register(["a"], Collector())
    with pytest.raises(Unprocessable):
        applications.subscribe("a", ["channel:1", "channel:gone"])
    with pytest.raises(InvalidArgument):
        applications.subscribe("a", ["channel:1", "nonsense"])
    assert applications.get("a").channel_ids == []
    with pytest.raises(NotFound):
        applications.subscribe("nobody", ["channel:1"])
    with pytest.raises(Unprocessable):
        applications.unsubscribe("a", ["channel:1"])


@pytest.mark.parametrize(
    ("event_filter", "passed"),
    [
        ({"allowed": [{"type": "X"}]}, ["X"]),
        ({"disallowed": [{"type": "X"}]}, ["Y"]),
        ({"allowed": [{"type": "X"}], "disallowed": [{"type": "X"}]}, []),
        ({"allowed": []}, ["X", "Y"]),
        ({}, ["X", "Y"]),
        (None, ["X", "Y"]),
    ],
)
async def test_filter_decides_by_type(
    bus: Bus, applications: Applications, event_filter: dict[str, object] | None, passed: list[str]
) -> None:
    app = Collector()
    applications.register(["a"], app, subscribe_all=True)
    applications.set_event_filter("a", event_filter)
    bus.publish(Event("X", {}), (channel_topic("1"),))
    bus.publish(Event("Y", {}), (channel_topic("1"),))
    await settle()
    assert app.types == passed


@pytest.mark.parametrize(
    "event_filter",
    [{"allowed": "X"}, {"allowed": ["X"]}, {"disallowed": [{"kind": "X"}]}, {"allowed": None}],
)
async def test_malformed_filter_changes_nothing(
    applications: Applications, event_filter: dict[str, object]
) -> None:
    applications.register(["a"], Collector())
    applications.set_event_filter("a", {"allowed": [{"type": "X"}]})
    with pytest.raises(InvalidArgument):
        applications.set_event_filter("a", event_filter)
    assert applications.get("a").events_allowed == [{"type": "X"}]


@pytest.mark.parametrize("name", ["", "x" * 513])
async def test_bad_application_name_is_refused(applications: Applications, name: str) -> None:
    with pytest.raises(InvalidArgument, match="app"):
        applications.register([name], Collector())
    assert applications.list() == []
