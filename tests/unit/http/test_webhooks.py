"""Webhooks against a real HTTP server of aiohttp."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server.config.acl import build_acl
from server.config.objects import Option
from server.config.sections.ari import Ari, AriToken, AriUser, Scope
from server.config.sections.webhook import Webhook, webhook_problem
from server.http.webhooks import webhooks
from server.http.webhooks.backlog import MAX_BATCH
from server.http.webhooks.commands import MAX_COMMANDS, MAX_REPLY
from server.http.webhooks.poster import JITTER, MAX_WAIT, Poster
from server.http.webhooks.webhooks import Webhooks
from server.model.events import Event
from server.resources.stasis_calls import enter_stasis
from server.stasis.options import read_options
from server.stasis.topics import application_topic
from tests.support.node import FixedClock, NodeUnderTest
from tests.support.web import READER, USER, Web, serve, validate_event
from tests.support.webhook_receiver import Post, Receiver, running_receiver

SECRET = "s3cret"
NARROW = AriUser(
    name="narrow",
    password="x",
    acl=build_acl([Option("deny", "127.0.0.0/8", "ari.conf", 1)], {}),
)
USERS = {"ari": USER, "reader": READER, "narrow": NARROW}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as made:
        yield made


class World:
    """A node whose webhooks a test configures."""

    def __init__(self, web: Web, folder: Path) -> None:
        self.web = web
        self.node = web.node
        self.folder = folder
        self.webhooks = Webhooks(
            web.http, web.node.applications, web.node.bus, folder, draw=lambda: 0.0
        )

    def configure(self, *hooks: Webhook) -> None:
        ari = Ari(users=USERS, webhooks={hook.name: hook for hook in hooks})
        self.web.http.configure_ari(ari)
        self.webhooks.configure(ari)

    @property
    def poster(self) -> Poster:
        return self.webhooks.posters["crm"]

    def say(self, number: int, app: str = "a") -> None:
        """Send the application an event that can be told from others."""
        event = Event("ApplicationRegistered", {"number": number})
        self.node.bus.publish(event, (application_topic(app),))

    async def letters(self, count: int, suffix: str = "") -> list[dict[str, Any]]:
        """Return the dead letters as soon as there are *count*."""
        path = self.folder / f"crm.dead{suffix}"
        lines: list[str] = []
        async with asyncio.timeout(5):
            while len(lines) < count:
                await asyncio.sleep(0.002)
                lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]


@pytest.fixture
async def world(node: NodeUnderTest, tmp_path: Path, receiver: Receiver) -> AsyncIterator[World]:
    async with serve(node) as web:
        made = World(web, tmp_path / "spool" / "webhooks")
        yield made
        await made.webhooks.close()
        assert made.webhooks.posters == {}


def hook(url: str, **changes: Any) -> Webhook:
    made = Webhook(
        "crm", url=url, apps=("a",), secret=SECRET, local_ari_user="ari", retry_interval=5
    )
    return replace(made, **changes)


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_true():
            await asyncio.sleep(0.002)


def numbers(*posts: Post) -> list[int]:
    return [event["number"] for post in posts for event in post.events if "number" in event]


# deliveries


async def test_applications_are_registered_and_told_so(world: World, receiver: Receiver) -> None:
    world.configure(hook(receiver.url, apps=("a", "b")))
    assert world.node.applications.is_registered("a")
    post = await receiver.next()
    assert post.types == ["ApplicationRegistered"] * 2
    assert [event["application"] for event in post.events] == ["a", "b"]
    for event in post.events:
        validate_event(event)
    assert post.headers["Content-Type"] == "application/json"
    await until(lambda: world.poster.delivered == 2)
    assert (world.poster.state, world.poster.waiting) == ("Idle", 0)


async def test_the_signature_is_of_time_and_body(world: World, receiver: Receiver) -> None:
    world.configure(hook(receiver.url))
    post = await receiver.next()
    moment, digest = (part.partition("=")[2] for part in post.headers["Arion-Signature"].split(","))
    assert int(moment) == int(FixedClock().wall())
    signed = moment.encode() + b"." + post.body
    assert digest == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()


async def test_what_waits_goes_together_in_order_one_post_at_a_time(
    world: World, receiver: Receiver
) -> None:
    receiver.is_open.clear()
    world.configure(hook(receiver.url))
    first = await receiver.next()
    for number in range(250):
        world.say(number)
    await until(lambda: world.poster.waiting == 251)
    receiver.is_open.set()
    posts = [await receiver.next() for _ in range(3)]
    assert [len(post.events) for post in posts] == [MAX_BATCH, MAX_BATCH, 50]
    assert numbers(*posts) == list(range(250))
    assert receiver.most_concurrent == 1
    ids = {post.headers["Arion-Delivery"] for post in [first, *posts]}
    assert len(ids) == 4


@pytest.mark.parametrize("status", [302, 404, 429, 500])
async def test_a_failure_is_retried_before_what_comes_after(
    world: World, receiver: Receiver, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers.extend([(status, b""), (status, b"")])
    with caplog.at_level(logging.WARNING):
        world.configure(hook(receiver.url))
        first = await receiver.next()
        world.say(1)
        again = [await receiver.next(), await receiver.next()]
        assert numbers(await receiver.next()) == [1]
    assert {post.body for post in again} == {first.body}
    assert {post.headers["Arion-Delivery"] for post in again} == {first.headers["Arion-Delivery"]}
    assert caplog.text.count(f"status {status}") == 1  # said once, not at every attempt
    await until(lambda: world.poster.delivered == 2)
    assert (world.poster.failed, world.poster.failure) == (0, "")


async def test_no_reply_in_time_is_a_failure(world: World, receiver: Receiver) -> None:
    receiver.is_open.clear()
    world.configure(hook(receiver.url, timeout=50))
    first = await receiver.next()
    assert (await receiver.next()).body == first.body
    assert "no reply within 50 ms" in world.poster.state
    receiver.is_open.set()
    await until(lambda: world.poster.delivered == 1)


async def test_a_receiver_that_comes_later_is_found(world: World) -> None:
    async with running_receiver() as gone:
        url = gone.url
    world.configure(hook(url, max_attempts=1000))
    await until(lambda: world.poster.failure != "")
    async with running_receiver() as receiver:
        world.configure(hook(receiver.url, max_attempts=1000))
        assert (await receiver.next()).types == ["ApplicationRegistered"]


def test_waits_double_up_to_a_bound_and_differ() -> None:
    draws = iter([0.0] * 5 + [1.0])
    host: Any = None
    poster = Poster(hook("http://x/"), host, host, lambda: next(draws))
    waits = [poster.delay(attempts) for attempts in (1, 2, 3, 4, 1000)]
    assert waits == [0.005, 0.01, 0.02, 0.04, MAX_WAIT]
    assert poster.delay(1000) == MAX_WAIT * (1 + JITTER)


async def test_tls_is_verified_as_configured(world: World, certificate: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with running_receiver(context) as receiver:
        patient = hook(receiver.url, max_attempts=1000)
        world.configure(patient)
        await until(lambda: "CERTIFICATE_VERIFY_FAILED" in world.poster.failure)
        address = receiver.url.replace("localhost", "127.0.0.1")
        world.configure(replace(patient, url=address, ca_list_file=str(certificate)))
        await until(lambda: "doesn't match" in world.poster.failure or "mismatch" in
                    world.poster.failure)  # fmt: skip
        world.configure(
            replace(patient, url=address, ca_list_file=str(certificate),
                    verify_server_hostname=False)
        )  # fmt: skip
        await until(lambda: world.poster.delivered == 1)
        world.configure(replace(patient, verify_server_cert=False))
        world.say(1)
        await until(lambda: world.poster.delivered == 2)
        world.configure(replace(patient, ca_list_file="/missing.pem"))
        world.say(2)
        await until(lambda: "No such file" in world.poster.failure)


# dead letters


async def test_what_fails_too_often_is_written_down_and_the_next_goes_on(
    world: World, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers.extend([(500, b"")] * 3)
    with caplog.at_level(logging.WARNING):
        world.configure(hook(receiver.url, max_attempts=3))
        first = await receiver.next()
        world.say(1)
        (letter,) = await world.letters(1)
    assert letter["events"] == first.events
    assert letter["delivery"] == first.headers["Arion-Delivery"]
    assert (letter["attempts"], letter["reason"]) == (3, "status 500")
    await receiver.next()
    await receiver.next()
    assert numbers(await receiver.next()) == [1]
    assert "is given up: status 500" in caplog.text
    await until(lambda: world.poster.delivered == 1)
    assert world.poster.failed == 1
    assert (world.folder / "crm.dead").stat().st_mode & 0o777 == 0o600


async def test_a_receiver_that_is_gone_is_not_asked_twice(world: World, receiver: Receiver) -> None:
    receiver.answers.append((410, b""))
    world.configure(hook(receiver.url))
    await receiver.next()
    (letter,) = await world.letters(1)
    assert (letter["attempts"], letter["reason"]) == (1, "status 410")


async def test_a_slow_receiver_hurts_nobody_and_its_overflow_is_counted(
    world: World, receiver: Receiver
) -> None:
    receiver.is_open.clear()
    world.configure(hook(receiver.url, max_events=5))
    other = world.node.connect("other")
    await receiver.next()
    for number in range(8):
        world.say(number)
        world.say(number, "other")
    letters = await world.letters(3)
    assert [letter["events"][0]["number"] for letter in letters] == [5, 6, 7]
    assert letters[0]["reason"] == "too many events wait"
    assert (world.poster.waiting, world.poster.failed) == (6, 3)
    assert len(other.of("ApplicationRegistered")) == 8
    assert (await world.web.request("GET", "/asterisk/ping")).status == 200
    receiver.is_open.set()
    assert numbers(await receiver.next()) == [0, 1, 2, 3, 4]


async def test_what_waits_at_the_end_is_written_down(world: World, receiver: Receiver) -> None:
    receiver.answers.extend([(500, b"")] * 1000)
    world.configure(hook(receiver.url, max_attempts=1000, retry_interval=60_000))
    await receiver.next()
    world.say(1)
    await until(lambda: world.poster.waiting == 2)
    await world.webhooks.close()
    letters = await world.letters(2)
    assert [letter["reason"] for letter in letters] == ["status 500", "status 500"]
    assert letters[1]["events"][0]["number"] == 1


async def test_the_end_is_not_held_up_by_a_receiver_that_is_silent(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "CLOSE_TIMEOUT", 0.05)
    receiver.is_open.clear()
    world.configure(hook(receiver.url, timeout=60_000))
    await receiver.next()
    world.say(1)
    await world.webhooks.close()
    letters = await world.letters(2)
    assert [letter["reason"] for letter in letters] == ["the webhook ended"] * 2
    assert letters[1]["events"][0]["number"] == 1


async def test_what_waits_at_the_end_is_delivered_if_it_can_be(
    world: World, receiver: Receiver
) -> None:
    world.configure(hook(receiver.url))
    await world.webhooks.close()
    assert (await receiver.next()).types == ["ApplicationRegistered", "ApplicationUnregistered"]
    assert not (world.folder / "crm.dead").exists()
    assert not world.node.applications.is_registered("a")


# commands in replies


async def test_a_reply_answers_the_call(world: World, receiver: Receiver) -> None:
    world.node.dialplan.extensions["stasis"] = lambda c: enter_stasis(c, "a", [])
    world.configure(hook(receiver.url))
    await until(lambda: world.poster.delivered == 1)
    await receiver.next()
    receiver.is_open.clear()
    channel = await world.node.call()
    post = await receiver.next()
    assert post.types == ["StasisStart"]
    receiver.command({"method": "POST", "uri": f"channels/{channel.id}/answer", "request_id": "7"})
    receiver.is_open.set()
    heard: list[dict[str, Any]] = []
    while not any(event["type"] == "ChannelStateChange" for event in heard):
        heard += (await receiver.next()).events
    for event in heard:
        validate_event(event)
    kinds = [event["type"] for event in heard]
    assert kinds.index("RESTResponse") < kinds.index("ChannelStateChange")
    response = heard[kinds.index("RESTResponse")]
    assert (response["status_code"], response["request_id"]) == (204, "7")
    assert response["application"] == "a"
    channel.hangup()


async def test_commands_are_carried_out_in_order(world: World, receiver: Receiver) -> None:
    asked = [("POST", "bridges/x"), ("DELETE", "bridges/x"), ("GET", "asterisk/ping")]
    receiver.command(*({"method": method, "uri": uri} for method, uri in asked), "nonsense")
    world.configure(hook(receiver.url))
    await receiver.next()
    post = await receiver.next()
    answers = [e["status_code"] for e in post.events if e["type"] == "RESTResponse"]
    assert answers == [200, 204, 200, 400]
    assert world.node.bridges.list() == []


async def test_a_reply_with_very_many_quick_commands_is_served(
    world: World, receiver: Receiver
) -> None:
    receiver.command(*[{"method": "GET", "uri": "asterisk/ping"}] * MAX_COMMANDS)
    world.configure(hook(receiver.url))
    await receiver.next()
    answers = (await receiver.next()).events
    assert [answer["status_code"] for answer in answers] == [200] * MAX_COMMANDS


@pytest.mark.parametrize("user", ["reader", "narrow"])
async def test_commands_run_as_the_local_user_from_the_receivers_address(
    world: World, receiver: Receiver, user: str
) -> None:
    receiver.command({"method": "POST", "uri": "bridges"})
    world.configure(hook(receiver.url, local_ari_user=user))
    assert (await receiver.until("RESTResponse"))["status_code"] == 403


async def test_a_bad_reply_is_no_failure(
    world: World, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers.append((200, b'{"commands":7}'))
    receiver.answers.append((200, b" " * (MAX_REPLY + 1)))
    with caplog.at_level(logging.WARNING):
        world.configure(hook(receiver.url))
        await receiver.next()
        await until(lambda: world.poster.delivered == 1)
        world.say(1)
        await until(lambda: world.poster.delivered == 2)
    assert caplog.text.count("the reply is ignored") == 2
    assert world.poster.failed == 0


async def test_a_tokens_limits_apply(world: World, receiver: Receiver) -> None:
    scope = Scope(operations=("bridges.list",))
    token = AriToken("narrow", AriUser(name="narrow", type="token", scope=scope))
    receiver.command({"method": "POST", "uri": "bridges"}, {"method": "GET", "uri": "bridges"})
    limited = hook(receiver.url, local_ari_user="", local_ari_token="narrow")
    ari = Ari(users=USERS, tokens={"narrow": token}, webhooks={"crm": limited})
    world.web.http.configure_ari(ari)
    world.webhooks.configure(ari)
    await receiver.next()
    assert [answer["status_code"] for answer in (await receiver.next()).events] == [403, 200]


# reload


async def test_a_reload_touches_only_what_changed(world: World, receiver: Receiver) -> None:
    async with running_receiver() as second:
        other = hook(second.url, name="other", apps=("o",))
        world.configure(hook(receiver.url), other)
        await receiver.next()
        await second.next()
        kept = world.webhooks.posters["other"]
        world.configure(hook(receiver.url, apps=("b",)), other)
        assert sorted(world.node.applications.registered()) == ["b", "o"]
        post = await receiver.next()
        told = [(event["type"], event["application"]) for event in post.events]
        assert told == [("ApplicationUnregistered", "a"), ("ApplicationRegistered", "b")]
        world.configure(other)
        assert (await receiver.next()).types == ["ApplicationUnregistered"]
        assert world.node.applications.registered() == ["o"]
        assert world.webhooks.posters == {"other": kept}
        assert second.posts.empty()


async def test_what_waits_goes_where_a_reload_says(world: World, receiver: Receiver) -> None:
    receiver.answers.append((500, b""))
    world.configure(hook(receiver.url, retry_interval=60_000))
    first = await receiver.next()
    await until(lambda: world.poster.failure != "")
    async with running_receiver() as second:
        world.configure(hook(second.url, secret="other", retry_interval=60_000))
        assert (await second.next()).body == first.body
        await until(lambda: world.poster.delivered == 1)


async def test_an_application_that_another_one_left_is_taken_back_on_reload(
    world: World, receiver: Receiver
) -> None:
    world.configure(hook(receiver.url))
    await receiver.next()
    taker = world.node.connect("a")
    await receiver.until("ApplicationReplaced")
    world.configure(hook(receiver.url))
    world.node.applications.unregister(taker)
    assert not world.node.applications.is_registered("a")
    world.configure(hook(receiver.url))
    assert (await receiver.next()).types == ["ApplicationRegistered"]


async def test_subscribe_all_can_be_taken_back(world: World, receiver: Receiver) -> None:
    world.configure(hook(receiver.url, subscribe_all=True))
    await receiver.next()
    world.node.bridges.create()
    await receiver.until("BridgeCreated")
    world.configure(hook(receiver.url))
    await receiver.until("ApplicationUnregistered")
    world.node.bridges.create()
    world.say(1)
    await until(lambda: world.poster.waiting == 0)
    heard = [kind for _ in range(receiver.posts.qsize()) for kind in (await receiver.next()).types]
    assert "BridgeCreated" not in heard


async def test_what_can_not_be_used_is_left_out(world: World, receiver: Receiver) -> None:
    for changes in ({"secret": ""}, {"name": "../x"}, {"local_ari_user": "nobody"}, {"apps": ()}):
        world.configure(hook(receiver.url, **changes))
        assert world.webhooks.posters == {}
    assert receiver.posts.empty()


# what WebSockets can ask for


async def test_a_webhook_is_one_worker_among_others(world: World, receiver: Receiver) -> None:
    other = world.node.connect("a", options=read_options(share=True, worker="w1"))
    world.configure(hook(receiver.url, share=True, weight=3))
    await receiver.next()
    assert "ApplicationReplaced" not in other.types
    workers = world.node.applications.list_workers("a")
    assert [(each.name, each.weight) for each in workers] == [("w1", 1), ("crm", 3)]
    world.node.dialplan.extensions["shared"] = lambda channel: enter_stasis(channel, "a", [])
    for _ in range(4):
        await world.node.call(exten="shared")
    assert len(other.of("StasisStart")) == 1
    world.configure(hook(receiver.url, share=True, worker="second"))
    workers = world.node.applications.list_workers("a")
    assert [each.name for each in workers] == ["w1", "second"]


async def test_a_webhook_hears_what_its_view_says(world: World, receiver: Receiver) -> None:
    view = {"filter_type": ("ApplicationRegistered",), "fields": ("number",)}
    world.configure(hook(receiver.url, **view))
    world.node.bus.publish(Event("StasisEnd", {"number": 1}), (application_topic("a"),))
    world.say(2)
    events: list[dict[str, Any]] = []
    while len(events) < 2:
        events += (await receiver.next()).events
    assert events == [
        {"type": "ApplicationRegistered", "application": "a"},
        {"type": "ApplicationRegistered", "number": 2, "application": "a"},
    ]


async def test_extensions_are_sent_to_webhooks_that_want_them(
    world: World, receiver: Receiver
) -> None:
    world.configure(hook(receiver.url, extensions=True))
    await receiver.next()
    world.node.bus.publish(Event("StasisReoffered", {"number": 1}), (application_topic("a"),))
    assert (await receiver.next()).types == ["StasisReoffered"]


@pytest.mark.parametrize(
    "options",
    [
        {"worker": "w"},
        {"share": True, "worker": "a b"},
        {"fields": ("a-b",)},
        {"filter_var": ("A",)},
    ],
)
async def test_options_that_are_wrong_are_named(
    world: World, receiver: Receiver, caplog: pytest.LogCaptureFixture, options: dict[str, Any]
) -> None:
    world.configure(hook(receiver.url, path="ari.conf", line=7, **options))
    assert world.webhooks.posters == {}
    (record,) = caplog.records
    assert record.getMessage().startswith("ari.conf:7: [crm] is ignored: ")
    assert any(name in record.getMessage() for name in options)


def test_a_webhook_can_not_resume_and_says_so() -> None:
    problem = webhook_problem(hook("http://x/", resume="new"), USERS, {})
    assert (
        problem == "resume is for WebSockets: a webhook's deliveries are repeated until they arrive"
    )
