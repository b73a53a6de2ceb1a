"""The bus: order, holding, audience."""

from __future__ import annotations

import asyncio

from server.model.events import Event
from server.stasis.bus import Bus, Published
from server.stasis.topics import channel_topic
from tests.support.node import FixedClock


class Sink:
    def __init__(self) -> None:
        self.got: list[int] = []

    def deliver(self, published: Published, encoded: bytes) -> None:
        self.got.append(published.sequence)


def make(*recipients: Sink) -> Bus:
    bus = Bus(FixedClock(), "node")
    bus.set_router(lambda event, topics: list(recipients), lambda topics: bool(recipients))
    return bus


async def test_delivery_comes_in_a_later_iteration_than_the_event() -> None:
    sink = Sink()
    bus = make(sink)
    loop = asyncio.get_running_loop()
    late: list[list[int]] = []

    def publish_beside_a_delivery() -> None:
        bus.publish(Event("Y", {}), ())
        loop.call_soon(lambda: late.append(list(sink.got)))

    loop.call_soon(publish_beside_a_delivery)
    bus.publish(Event("X", {}), (channel_topic("1"),))
    assert sink.got == []
    await asyncio.sleep(0)
    assert 2 not in sink.got
    for _ in range(4):
        await asyncio.sleep(0)
    assert sink.got == [1, 2]
    assert late == [[1]] or late == [[]]


async def test_held_events_come_in_order_on_release() -> None:
    sink = Sink()
    bus = make(sink)
    with bus.hold():
        bus.publish(Event("X", {}), ())
        with bus.hold():
            bus.publish(Event("Y", {}), ())
        await asyncio.sleep(0)
        assert sink.got == []
    for _ in range(3):
        await asyncio.sleep(0)
    assert sink.got == [1, 2]


async def test_listeners_hear_at_once_even_while_held() -> None:
    bus = make()
    heard: list[str] = []
    listener = lambda published: heard.append(published.event.type)  # noqa: E731
    bus.add_listener(listener)
    with bus.hold():
        bus.publish(Event("X", {}), ())
        assert heard == ["X"]
    bus.remove_listener(listener)
    bus.publish(Event("Y", {}), ())
    assert heard == ["X"]


async def test_nobody_interested_means_not_wanted() -> None:
    assert not make().wants(())
    assert make(Sink()).wants(())


def test_encoding_leaves_room_for_the_application() -> None:
    published = Published(1, "2026-01-01T00:00:00.000+0000", Event("X", {"a": 1}), ())
    assert published.encode("node") == (
        b'{"type":"X","timestamp":"2026-01-01T00:00:00.000+0000","a":1,"asterisk_id":"node"'
    )


def test_extra_members_are_added_once_and_only_where_there_are_any() -> None:
    event = Event("X", {"a": 1}, {"reason": "gone"})
    published = Published(1, "2026-01-01T00:00:00.000+0000", event, ())
    encoded = published.encode("node")
    assert b"gone" not in encoded
    extended = published.extend(encoded)
    assert extended == encoded + b',"reason":"gone"'
    assert published.extend(encoded) is extended
    without = Published(2, "2026-01-01T00:00:00.000+0000", Event("X", {"a": 1}, {}), ())
    assert without.extend(encoded) is encoded
