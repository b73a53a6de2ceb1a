"""The timeline of a call: its events, the commands on it, and its statistics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.config.ini import parse_text
from server.config.sections.ari import Ari, build_ari
from server.resources import timeline
from tests.support.node import NodeUnderTest, settle
from tests.support.web import USER, Web, serve

SECRET = "front-desk-secret-1"
ARI = Ari(users={"ari": USER}, timeline=True)


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node, ari=ARI) as made:
        yield made


async def entries(web: Web, channel_id: str, kind: str) -> list[dict[str, Any]]:
    answer = await web.call("channels.timeline", channel_id)
    assert answer.status == 200
    return [entry for entry in answer.json["entries"] if entry["kind"] == kind]


async def test_a_call_is_told_from_its_first_event_to_its_last(web: Web) -> None:
    web.node.connect()
    channel = await web.node.call()
    assert (await web.call("channels.answer", channel.id)).status == 204
    assert (await web.call("channels.timeline", channel.id)).json["ended"] is False
    await web.call("channels.hangup", channel.id, params={"reason": "busy"})
    await settle()
    answer = (await web.call("channels.timeline", channel.id)).json
    assert (answer["channel_id"], answer["ended"], answer["left_out"]) == (channel.id, True, 0)
    told = [entry["type"] for entry in answer["entries"]]
    assert told[0] == "ChannelCreated"
    assert told.index("StasisStart") < told.index("channels.answer") < told.index("StasisEnd")
    assert told[-1] == "ChannelDestroyed"
    changed = answer["entries"][told.index("ChannelStateChange")]
    assert changed["details"] == {"state": "Up"}
    destroyed = answer["entries"][-1]["details"]
    assert destroyed == {"cause": 17, "cause_txt": "User busy", "ended_by": "command"}


async def test_an_event_names_bridge_and_peer_by_their_ids(web: Web) -> None:
    web.node.connect()
    channel = await web.node.call()
    web.node.bridges.create(bridge_id="b")
    web.node.bridges.add_channel("b", channel=[channel.id])
    (entered,) = [
        entry
        for entry in await entries(web, channel.id, "event")
        if entry["type"] == "ChannelEnteredBridge"
    ]
    assert entered["details"] == {"bridge": "b"}
    web.node.bridges.destroy("b")


async def test_a_command_is_told_with_user_status_and_time(web: Web) -> None:
    web.node.connect()
    channel = await web.node.call()
    await web.call("channels.setChannelVar", channel.id, params={"variable": "A", "value": "1"})
    await web.call("channels.setChannelVar", channel.id, params={"variable": ""})
    await web.call("channels.getChannelVar", channel.id, params={"variable": "A"})
    await web.call("channels.record", channel.id, params={"name": "memo", "format": "wav"})
    web.node.bridges.create(bridge_id="b")
    await web.call("bridges.addChannel", "b", params={"channel": channel.id})
    told = await entries(web, channel.id, "command")
    assert [(entry["type"], entry["details"]["status"]) for entry in told] == [
        ("channels.setChannelVar", 204),
        ("channels.setChannelVar", 400),
        ("channels.record", 201),
        ("bridges.addChannel", 409),
    ]
    assert {entry["details"]["user"] for entry in told} == {"ari"}
    assert all(0 <= entry["details"]["ms"] < 10_000 for entry in told)
    web.node.bridges.destroy("b")


async def test_the_command_that_makes_a_call_belongs_to_it(web: Web) -> None:
    web.node.connect()
    params = {"endpoint": "PJSIP/bob", "app": "test", "channelId": "b"}
    await web.call("channels.originate", params=params)
    (told,) = await entries(web, "b", "command")
    assert (told["type"], told["details"]["status"]) == ("channels.originate", 200)


@pytest.mark.parametrize("is_far_end", [True, False])
async def test_the_statistics_are_taken_as_the_call_ends(web: Web, is_far_end: bool) -> None:
    web.node.connect()
    channel = await web.node.call()
    if is_far_end:
        web.node.phones.legs[0].far_end_hangs_up()
    else:
        channel.hangup()
    await settle()
    (told,) = await entries(web, channel.id, "statistics")
    assert told["type"] == "RTPstat"
    assert told["details"]["channel_uniqueid"] == channel.id


async def test_an_unknown_channel_has_none(web: Web) -> None:
    answer = await web.call("channels.timeline", "nobody")
    assert answer.status == 404
    assert "No timeline" in answer.message


async def test_they_are_off_unless_asked_for(node: NodeUnderTest) -> None:
    async with serve(node) as web:
        web.node.connect()
        channel = await web.node.call()
        answer = await web.call("channels.timeline", channel.id)
        assert answer.status == 404
        assert "switched off" in answer.message


async def test_one_is_forgotten_after_a_while(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.node.connect()
    channel = await web.node.call()
    channel.hangup()
    await settle()
    assert (await web.call("channels.timeline", channel.id)).status == 200
    later = web.node.node.clock.now() + ARI.timeline_keep
    monkeypatch.setattr(web.node.node.clock, "now", lambda: later)
    assert (await web.call("channels.timeline", channel.id)).status == 404


async def test_a_long_one_loses_its_oldest_entries(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.node.connect()
    channel = await web.node.call()
    before = len((await web.call("channels.timeline", channel.id)).json["entries"])
    for number in range(timeline.MAX_ENTRIES):
        channel.variables.set("A", str(number))
    answer = (await web.call("channels.timeline", channel.id)).json
    assert len(answer["entries"]) == timeline.MAX_ENTRIES
    assert answer["left_out"] == before
    assert answer["entries"][-1]["details"] == {"variable": "A", "value": "499"}


async def test_only_so_many_ended_calls_are_kept(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.node.connect()
    monkeypatch.setattr(timeline, "MAX_ENDED", 2)
    ids = []
    for _ in range(3):
        channel = await web.node.call()
        ids.append(channel.id)
        channel.hangup()
        await settle()
    found = [(await web.call("channels.timeline", name)).status for name in ids]
    assert found == [404, 200, 200]


async def test_an_id_that_is_used_again_begins_anew(web: Web) -> None:
    web.node.connect()
    for _ in range(2):
        params = {"endpoint": "PJSIP/bob", "app": "test", "channelId": "b"}
        assert (await web.call("channels.originate", params=params)).status == 200
        await settle()
        web.node.channels.hangup("b")
        await settle()
    told = [entry["type"] for entry in await entries(web, "b", "event")]
    assert told.count("ChannelCreated") == told.count("ChannelDestroyed") == 1


@pytest.mark.parametrize(("app", "status"), [("test", 200), ("other", 403)])
async def test_a_token_sees_those_of_its_applications(
    node: NodeUnderTest, app: str, status: int
) -> None:
    conf = f"[general]\ntimeline=yes\n[desk]\ntype=token\ntoken={SECRET}\napps={app}\n"
    ari = build_ari(parse_text(conf, path="ari.conf"), [], {})
    async with serve(node, ari=ari) as web:
        node.connect()
        channel = await node.call()
        headers = {"Authorization": f"Bearer {SECRET}"}
        for _ in range(2):  # while it lives, and when it has ended
            path = f"/channels/{channel.id}/timeline"
            answer = await web.request("GET", path, headers=headers)
            assert answer.status == status
            channel.hangup()
            await settle()
