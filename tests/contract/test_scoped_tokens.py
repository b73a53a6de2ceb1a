"""A token of ari.conf does what its lists allow, and nothing else."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
import websockets

from server.base.log import AUDIT, audit_logger
from server.config.ini import parse_text
from server.config.sections.ari import Ari, build_ari
from tests.support.node import NodeUnderTest, settle
from tests.support.web import Answer, Web, serve

SECRET = "front-desk-secret-1"
CONF = f"""
[ari]
type=user
password=secret
[desk]
type=token
token=sha256:{hashlib.sha256(SECRET.encode()).hexdigest()}
apps=test,desk-*
operations=channels.*,bridges.*,events.*,playbacks.*,recordings.*,applications.*,endpoints.*,asterisk.ping
endpoints=PJSIP/bob,Local/*
[reader]
type=token
token=reader-secret-123456
read_only=yes
[old]
type=token
token=old-secret-1234567890
expires=2001-01-01
[root]
type=token
token=root-secret-12345678
"""


def configured(text: str = CONF) -> Ari:
    return build_ari(parse_text(text, path="ari.conf"), [], {})


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node, ari=configured()) as made:
        yield made


async def ask(web: Web, method: str, path: str, secret: str = SECRET, **options: Any) -> Answer:
    url = f"{web.url}{path}"
    async with web.client.request(method, url, headers=bearer(secret), **options) as answer:
        return Answer(answer.status, answer.headers, await answer.read())


async def test_a_token_is_enough(web: Web) -> None:
    for secret in (SECRET, "reader-secret-123456", "root-secret-12345678"):
        assert (await ask(web, "GET", "/asterisk/ping", secret)).status == 200
    query = f"{web.url}/asterisk/ping?access_token={SECRET}"
    async with web.client.get(query) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("secret", ["wrong-secret-123456", "old-secret-1234567890", ""])
async def test_wrong_and_expired_tokens_are_refused(web: Web, secret: str) -> None:
    assert (await ask(web, "GET", "/asterisk/ping", secret)).status == 401


async def test_read_only_tokens_only_read(web: Web) -> None:
    assert (await ask(web, "GET", "/channels", "reader-secret-123456")).status == 200
    assert (await ask(web, "POST", "/bridges", "reader-secret-123456")).status == 403


async def test_a_token_without_limits_is_a_user(web: Web) -> None:
    for path in ("/channels", "/bridges", "/applications", "/asterisk/info"):
        assert (await ask(web, "GET", path, "root-secret-12345678")).status == 200


async def test_operations_are_limited(web: Web) -> None:
    answer = await ask(web, "GET", "/sounds")
    assert (answer.status, answer.message) == (403, "This token may not use sounds.list")


@pytest.mark.parametrize("path", ["/asterisk/info", "/recordings/stored", "/bridges"])
async def test_what_concerns_the_whole_node_has_to_be_named(web: Web, path: str) -> None:
    limited = configured(
        CONF.replace(
            "channels.*,bridges.*,events.*,playbacks.*,recordings.*,applications.*,"
            "endpoints.*,asterisk.ping",
            "*",
        )
    )
    web.http.configure_ari(limited)
    assert (await ask(web, "GET", path)).status == 403
    assert (await ask(web, "GET", "/endpoints/PJSIP/bob")).status == 200


async def test_channels_of_other_applications_do_not_exist_for_it(web: Web) -> None:
    web.node.connect("test", "other")
    ours, theirs = await web.node.call(), await web.node.call()
    web.node.channels.move(theirs.id, app="other")
    await settle()
    assert (await ask(web, "POST", f"/channels/{ours.id}/answer")).status == 204
    for method, path in (
        ("GET", f"/channels/{theirs.id}"),
        ("DELETE", f"/channels/{theirs.id}"),
        ("DELETE", f"/channels?channelId={ours.id},{theirs.id}"),
        ("DELETE", "/channels?app=other"),
        ("GET", "/channels?app=other"),
        ("GET", "/channels"),
        ("POST", f"/channels/{ours.id}/move?app=other"),
        ("GET", "/applications/other"),
        ("POST", f"/applications/test/subscription?eventSource=channel:{theirs.id}"),
        ("POST", "/applications/test/subscription?eventSource=deviceState:Stasis:x"),
        ("POST", "/events/user/x?application=other"),
    ):
        answer = await ask(web, method, path)
        assert answer.status == 403, path
        assert answer.message.startswith("This token")
    listed = await ask(web, "GET", "/channels?app=test")
    assert [item["id"] for item in listed.json] == [ours.id]
    assert not theirs.is_hungup


async def test_bridges_with_foreign_channels_do_not_exist_for_it(web: Web) -> None:
    web.node.connect("test", "other")
    ours, theirs = await web.node.call(), await web.node.call()
    web.node.channels.move(theirs.id, app="other")
    await settle()
    web.node.bridges.create(bridge_id="b")
    assert (await ask(web, "POST", f"/bridges/b/addChannel?channel={ours.id}")).status == 204
    playing = await ask(web, "POST", "/bridges/b/play?media=sound:hello&playbackId=p")
    assert playing.status == 201
    assert (await ask(web, "GET", "/playbacks/p")).status == 200
    assert (await ask(web, "POST", "/bridges/b/record?name=r&format=wav")).status == 201
    assert (await ask(web, "GET", "/recordings/live/r")).status == 200
    web.node.bridges.add_channel("b", channel=[theirs.id])
    for path in ("/bridges/b", "/playbacks/p", "/recordings/live/r"):
        assert (await ask(web, "GET", path)).status == 403
    assert (await ask(web, "GET", "/bridges/none")).status == 404
    assert (await ask(web, "GET", "/playbacks/none")).status == 404
    assert (await ask(web, "GET", "/recordings/live/none")).status == 404
    web.node.bridges.destroy("b")
    await settle()


async def test_only_listed_endpoints_are_called(web: Web) -> None:
    web.node.connect("test")
    good = await ask(web, "POST", "/channels?endpoint=PJSIP/bob&app=test&channelId=c")
    assert good.status == 200
    assert (await ask(web, "GET", "/channels/c")).status == 200
    assert (await ask(web, "POST", "/channels?endpoint=PJSIP/carol&app=test")).status == 403
    assert (await ask(web, "POST", "/channels?endpoint=PJSIP/bob&extension=x")).status == 403
    assert (await ask(web, "GET", "/endpoints/PJSIP/carol")).status == 403
    for to in ("pjsip:carol", "PJSIP/carol"):
        text = await ask(web, "PUT", f"/endpoints/sendMessage?to={to}&from=a&body=b")
        assert text.status == 403
    assert (await ask(web, "PUT", "/endpoints/PJSIP/carol/sendMessage?from=a")).status == 403
    allowed = await ask(web, "PUT", "/endpoints/sendMessage?to=pjsip:bob&from=sip:a@b&body=b")
    assert allowed.status in (202, 404)


async def test_events_of_other_applications_are_not_heard(web: Web) -> None:
    url = f"ws://{web.origin}/ari/events?access_token={SECRET}"
    async with websockets.connect(f"{url}&app=desk-1"):
        assert web.node.applications.is_registered("desk-1")
    for query in ("app=other", "app=desk-1,other", "app=test&subscribeAll=true"):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(f"{url}&{query}")
        assert refused.value.response.status_code == 403


async def test_a_reload_takes_a_token_away(web: Web) -> None:
    web.http.configure_ari(configured("[ari]\ntype=user\npassword=secret\n"))
    assert (await ask(web, "GET", "/asterisk/ping")).status == 401


# the audit log


@pytest.fixture
def entries() -> Iterator[list[Mapping[str, Any]]]:
    kept: list[Mapping[str, Any]] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(json.loads(record.getMessage()))

    keeper = Keeper()
    audit_logger.addHandler(keeper)
    audit_logger.setLevel(AUDIT)
    yield kept
    audit_logger.setLevel(AUDIT + 1)
    audit_logger.removeHandler(keeper)


async def test_every_write_is_in_the_audit_log(web: Web, entries: list[Mapping[str, Any]]) -> None:
    web.node.connect("test")
    await ask(web, "GET", "/channels?app=test")
    await ask(
        web, "POST", "/channels?endpoint=PJSIP/bob&app=test&api_key=a:b",
        json={"variables": {"PIN": "1234"}},
    )  # fmt: skip
    await ask(web, "POST", "/channels/none/answer")
    await ask(web, "POST", "/recordings/stored/none/copy?destinationRecordingName=x")
    made, refused, later = entries
    assert made["user"] == "desk"
    assert made["operation"] == "channels.originate"
    assert made["parameters"] == {"endpoint": "PJSIP/bob", "app": "test"}
    assert (made["body"], made["status"]) == (["variables"], 200)
    assert made["ms"] > 0
    assert "1234" not in json.dumps(made)
    assert (refused["status"], refused["message"]) == (404, "Channel not found")
    assert (later["operation"], later["status"]) == ("recordings.copyStored", 404)
