"""Events as a consumer wants them: chosen members, compact, filtered, compressed."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator

import pytest

from server.config.sections.ari import Ari
from tests.support.event_client import EventClient
from tests.support.node import NodeUnderTest, settle
from tests.support.web import USER, Web, serve

OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node) as made:
        yield made


async def test_compact_events_leave_the_ids_of_channels_and_bridges(web: Web) -> None:
    client = await EventClient.connect(web.origin, "app=test&compact=1")
    channel = await web.node.call()
    start = await client.wait_for("StasisStart")
    assert start["channel"] == {"id": channel.id}
    assert start["args"] == []
    channel.answer()
    web.node.channels.play(channel.id, media=["sound:hello"])
    assert "state" in (await client.wait_for("PlaybackStarted"))["playback"]


async def test_chosen_members_come_with_the_envelope(web: Web) -> None:
    query = "app=test&fields=channel.id,channel.caller.number&resume=new"
    client = await EventClient.connect(web.origin, query)
    channel = await web.node.call()
    start = await client.wait_for("StasisStart")
    number = channel.caller.number
    assert start["channel"] == {"id": channel.id, "caller": {"number": number}}
    assert set(start) == {"type", "application", "seq", "prev", "channel"}
    assert "bridges" in client.events[0]  # a Resync is always whole


async def test_events_are_chosen_by_type(web: Web) -> None:
    only = await EventClient.connect(web.origin, "app=one&subscribeAll=1&filter_type=BridgeCreated")
    without = await EventClient.connect(
        web.origin, "app=two&subscribeAll=1&filter_type=-BridgeCreated"
    )
    web.node.bridges.create(bridge_id="b")
    web.node.bridges.destroy("b")
    await without.wait_for("BridgeDestroyed")
    web.node.bridges.create(bridge_id="c")
    await only.wait_for("BridgeCreated", 2)
    assert only.types == ["BridgeCreated", "BridgeCreated"]
    assert without.types == ["BridgeDestroyed"]
    web.node.bridges.destroy("c")


async def test_events_are_chosen_by_a_channel_variable(web: Web) -> None:
    client = await EventClient.connect(
        web.origin, "app=board&subscribeAll=1&filter_var=TENANT=acme"
    )
    web.node.connect("test")
    ours, theirs = await web.node.call("alice"), await web.node.call("bob")
    ours.variables.set("TENANT", "acme")
    theirs.variables.set("TENANT", "other")
    web.node.bridges.create(bridge_id="b")  # is about no channel
    theirs.answer()
    ours.answer()
    await client.wait_for("ChannelStateChange")
    ours.hangup()
    await client.wait_for("ChannelDestroyed")
    assert {event["channel"]["id"] for event in client.events} == {ours.id}
    web.node.bridges.destroy("b")


async def test_messages_are_compressed_where_both_sides_want_it(node: NodeUnderTest) -> None:
    ari = Ari(users={"ari": USER}, websocket_compression=True)

    class Inflating(EventClient):
        inflate = zlib.decompressobj(-15)

        def frame_received(self, first: int, payload: bytes) -> None:
            if first & 0x0F == 1:
                assert first & 0x40
                self.sizes = [*getattr(self, "sizes", []), len(payload)]
                text = self.inflate.decompress(payload + b"\x00\x00\xff\xff")
                self.events.append(json.loads(text))
            else:
                super().frame_received(first, payload)

    async with serve(node, ari=ari) as web:
        client = await Inflating.connect(web.origin, "app=test", headers=OFFER)
        assert b"permessage-deflate" in client.head
        channel = await node.call()
        channel.answer()
        await client.wait_for("ChannelStateChange")
        assert max(client.sizes) < 400  # type: ignore[attr-defined]
        plain = await EventClient.connect(web.origin, "app=other")
        assert b"permessage-deflate" not in plain.head
        plain.cut()
        client.cut()


@pytest.mark.parametrize(
    "offer", ["x-other", "permessage-deflate; server_max_window_bits=99", "permessage-deflate;;"]
)
async def test_unusable_offers_of_compression_are_passed_over(
    node: NodeUnderTest, offer: str
) -> None:
    ari = Ari(users={"ari": USER}, websocket_compression=True)
    async with serve(node, ari=ari) as web:
        headers = f"Sec-WebSocket-Extensions: {offer}\r\n"
        client = await EventClient.connect(web.origin, "app=test", headers=headers)
        assert client.opened.result() == 101
        assert b"deflate" not in client.head
        client.cut()


async def test_compression_is_off_by_default(web: Web) -> None:
    client = await EventClient.connect(web.origin, "app=test", headers=OFFER)
    assert b"deflate" not in client.head
    await settle()
    client.cut()
