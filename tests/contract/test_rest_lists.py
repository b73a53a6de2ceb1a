"""Lists with filters, pages and chosen members, and ending several calls at once."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.resources.channel import Channel
from tests.support.node import NodeUnderTest, settle
from tests.support.web import Web, serve


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node) as made:
        yield made


async def calls(web: Web, count: int) -> list[Channel]:
    web.node.connect()
    return [await web.node.call(("alice", "bob", "carol")[k % 3]) for k in range(count)]


async def walk(web: Web, path: str) -> list[list[Any]]:
    """Return every page of a list, by its Link headers."""
    pages = []
    following: str | None = path
    while following:
        answer = await web.request("GET", following)
        assert answer.status == 200
        pages.append(answer.json)
        link = re.fullmatch('<(/ari)?([^>]*)>; rel="next"', answer.headers.get("Link", ""))
        following = link[2] if link else None
    return pages


async def test_channels_come_in_pages(web: Web) -> None:
    made = await calls(web, 5)
    pages = await walk(web, "/channels?limit=2")
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [item["id"] for page in pages for item in page] == sorted(c.id for c in made)


async def test_a_page_survives_the_end_of_its_last_call(web: Web) -> None:
    made = await calls(web, 4)
    first = await web.request("GET", "/channels?limit=2")
    last = first.json[-1]["id"]
    web.node.channels.hangup(last)
    await settle()
    rest = await web.request("GET", f"/channels?after={last}")
    assert [item["id"] for item in rest.json] == sorted(c.id for c in made)[2:]


async def test_channels_are_found_by_application_state_and_age(web: Web) -> None:
    web.node.connect("other")
    made = await calls(web, 2)
    made[0].answer()
    web.node.channels.move(made[1].id, app="other")
    await settle()

    async def found(query: str) -> list[str]:
        answer = await web.call("channels.list", params=query)
        return [item["id"] for item in answer.json]

    assert await found("app=test") == [made[0].id]
    assert await found("app=other") == [made[1].id]
    assert await found("app=nobody") == []
    assert await found("state=up") == [made[0].id]
    assert len(await found("since=2000-01-01")) == 2
    assert await found("since=2100-01-01") == []


async def test_chosen_members_come_alone(web: Web) -> None:
    (channel,) = await calls(web, 1)
    listed = await web.call("channels.list", params="fields=id,app,app_args,caller_rdnis")
    assert listed.headers["Content-Type"] == "application/vnd.arion.partial+json"
    assert listed.json == [{"id": channel.id, "app": "test", "app_args": []}]
    one = await web.call("channels.get", channel.id, params="fields=state")
    assert one.json == {"state": "Ring"}
    plain = await web.call("channels.get", channel.id)
    assert "app" not in plain.json
    assert plain.headers["Content-Type"] == "application/json"


async def test_bridges_endpoints_and_recordings_come_in_pages(web: Web) -> None:
    for k in range(3):
        await web.call("bridges.create", params={"bridgeId": f"b{k}"})
        (web.node.recordings.directory / f"r{k}.wav").write_bytes(b"RIFF")
    pages = await walk(web, "/bridges?limit=2&fields=id")
    assert pages == [[{"id": "b0"}, {"id": "b1"}], [{"id": "b2"}]]
    names = [[item["resource"] for item in page] for page in await walk(web, "/endpoints?limit=2")]
    assert names == [["alice", "bob"], ["carol"]]
    by_tech = await walk(web, "/endpoints/PJSIP?limit=1&state=online")
    assert [len(page) for page in by_tech] == [1, 1, 1]
    stored = await walk(web, "/recordings/stored?limit=2")
    assert [[item["name"] for item in page] for page in stored] == [["r0", "r1"], ["r2"]]
    for k in range(3):
        await web.call("bridges.destroy", f"b{k}")


@pytest.mark.parametrize(
    ("operation_id", "values", "query", "field"),
    [
        ("channels.list", (), "limit=0", "limit"),
        ("channels.list", (), "since=noon", "since"),
        ("channels.list", (), "fields=colour", "fields"),
        ("bridges.list", (), "fields=colour", "fields"),
        ("bridges.list", (), "limit=10001", "limit"),
        ("endpoints.list", (), "limit=x", "limit"),
        ("endpoints.listByTech", ("PJSIP",), "limit=-1", "limit"),
        ("recordings.listStored", (), "limit=0", "limit"),
        ("channels.hangupMany", (), "", "channelId"),
        ("channels.hangupMany", (), "channelId=a&app=test", "channelId"),
        ("channels.hangupMany", (), "app=test&reason=bored", "reason"),
        ("channels.hangupMany", (), "app=test&reason_code=999", "reason_code"),
    ],
)
async def test_wrong_values_are_named(
    web: Web, operation_id: str, values: tuple[str, ...], query: str, field: str
) -> None:
    answer = await web.call(operation_id, *values, params=query)
    assert answer.status == 400
    assert answer.message.startswith(f"{field}: ")


async def test_an_unknown_member_of_one_channel_is_named(web: Web) -> None:
    (channel,) = await calls(web, 1)
    answer = await web.call("channels.get", channel.id, params="fields=colour")
    assert (answer.status, answer.message.partition(":")[0]) == (400, "fields")
