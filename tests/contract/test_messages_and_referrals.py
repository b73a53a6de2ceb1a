"""Texts and referrals over REST: every code, what reaches the technology, and what comes in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.tech.base import TextMessage
from tests.support.node import NodeUnderTest, settle
from tests.support.web import Web, serve, validate_event


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node) as made:
        yield made


def text(endpoint: str = "alice", **options: Any) -> TextMessage:
    values: dict[str, Any] = {
        "technology": "PJSIP",
        "endpoint": endpoint,
        "context": "default",
        "exten": "100",
        "sender": '"Alice" <sip:alice@127.0.0.1>',
        "recipient": "pjsip:100@127.0.0.1",
        "body": "Watson, come here",
        "variables": {"X-Mood": "urgent"},
    }
    return TextMessage(**values | options)


@pytest.mark.parametrize("to", ["pjsip:alice", "PJSIP/alice", "PJSIP:alice"])
async def test_a_text_goes_to_an_endpoint(web: Web, to: str) -> None:
    params = {"to": to, "from": "pjsip:server", "body": "hello"}
    answer = await web.call(
        "endpoints.sendMessage", params=params, json={"variables": {"X-A": "1"}}
    )
    assert answer.status == 202
    assert web.node.phones.sent == [("message", "alice", "pjsip:server", "hello", {"X-A": "1"})]


async def test_a_text_goes_to_an_endpoint_by_its_path(web: Web) -> None:
    params = {"from": "sip:server@example.com"}
    answer = await web.call("endpoints.sendMessageToEndpoint", "PJSIP", "bob", params=params)
    assert answer.status == 202
    assert web.node.phones.sent == [("message", "bob", "sip:server@example.com", "", {})]


async def test_an_endpoint_is_asked_to_call_somebody(web: Web) -> None:
    params = {"to": "pjsip:alice", "from": "server", "refer_to": "pjsip:bob"}
    answer = await web.call("endpoints.refer", params=params)
    assert answer.status == 202
    by_path = {"from": "server", "refer_to": "sip:200@example.com", "to_self": "true"}
    body = {"variables": {"display_name": "Bob"}}
    answer = await web.call(
        "endpoints.referToEndpoint", "PJSIP", "alice", params=by_path, json=body
    )
    assert answer.status == 202
    assert web.node.phones.sent == [
        ("refer", "alice", "server", "pjsip:bob", {}, False),
        ("refer", "alice", "server", "sip:200@example.com", {"display_name": "Bob"}, True),
    ]


WRONG: list[tuple[str, tuple[str, ...], dict[str, str], int]] = [
    ("endpoints.sendMessage", (), {"from": "server"}, 400),
    ("endpoints.sendMessage", (), {"to": "pjsip:alice"}, 400),
    ("endpoints.sendMessage", (), {"to": "alice", "from": "server"}, 400),
    ("endpoints.sendMessage", (), {"to": "pjsip:", "from": "server"}, 400),
    ("endpoints.sendMessage", (), {"to": "xmpp:alice", "from": "server"}, 404),
    ("endpoints.sendMessage", (), {"to": "local:100", "from": "server"}, 404),
    ("endpoints.sendMessage", (), {"to": "pjsip:nobody", "from": "server"}, 404),
    ("endpoints.sendMessageToEndpoint", ("PJSIP", "alice"), {}, 400),
    ("endpoints.sendMessageToEndpoint", ("PJSIP", "nobody"), {"from": "server"}, 404),
    ("endpoints.sendMessageToEndpoint", ("Morse", "alice"), {"from": "server"}, 404),
    ("endpoints.refer", (), {"to": "pjsip:alice", "from": "server"}, 400),
    ("endpoints.refer", (), {"to": "pjsip:alice", "refer_to": "pjsip:bob"}, 400),
    ("endpoints.refer", (), {"from": "server", "refer_to": "pjsip:bob"}, 400),
    ("endpoints.refer", (), {"to": "alice", "from": "s", "refer_to": "pjsip:bob"}, 400),
    ("endpoints.refer", (), {"to": "pjsip:x", "from": "s", "refer_to": "pjsip:bob"}, 404),
    ("endpoints.referToEndpoint", ("PJSIP", "alice"), {"from": "server"}, 400),
    ("endpoints.referToEndpoint", ("PJSIP", "x"), {"from": "s", "refer_to": "pjsip:bob"}, 404),
]


@pytest.mark.parametrize(("operation_id", "values", "params", "status"), WRONG)
async def test_wrong_requests_are_refused(
    web: Web, operation_id: str, values: tuple[str, ...], params: dict[str, str], status: int
) -> None:
    answer = await web.call(operation_id, *values, params=params)
    assert answer.status == status
    assert web.node.phones.sent == []


@pytest.mark.parametrize("variables", [{"X-A": 1}, {"X-A": {"b": "c"}}, ["X-A"], "X-A"])
async def test_variables_that_are_no_strings_are_refused(web: Web, variables: object) -> None:
    params = {"to": "pjsip:alice", "from": "server", "body": "hello"}
    answer = await web.call("endpoints.sendMessage", params=params, json={"variables": variables})
    assert answer.status == 400
    assert "variables" in answer.message


@pytest.mark.parametrize("source", ["endpoint:PJSIP/alice", "endpoint:PJSIP"])
async def test_a_text_reaches_who_follows_its_endpoint(web: Web, source: str) -> None:
    app = web.node.connect()
    await web.call("applications.subscribe", "test", params={"eventSource": source})
    assert web.node.incoming.on_message(text())
    await settle()
    assert app.types == ["TextMessageReceived"]
    event = app.events[0]
    validate_event(event)
    assert event["message"] == {
        "from": '"Alice" <sip:alice@127.0.0.1>',
        "to": "pjsip:100@127.0.0.1",
        "body": "Watson, come here",
        "variables": {"X-Mood": "urgent"},
    }
    assert event["endpoint"]["resource"] == "alice"


async def test_a_text_that_nobody_follows_is_not_taken(web: Web) -> None:
    app = web.node.connect()
    await web.call("applications.subscribe", "test", params={"eventSource": "endpoint:PJSIP/bob"})
    assert not web.node.incoming.on_message(text())
    await settle()
    assert app.events == []


async def test_a_text_in_a_call_reaches_the_application_and_the_other_party(web: Web) -> None:
    app = web.node.connect()
    alice = await web.node.call("alice")
    bob = await web.node.call("bob")
    bridge = (await web.call("bridges.create")).json["id"]
    both = {"channel": f"{alice.id},{bob.id}"}
    await web.call("bridges.addChannel", bridge, params=both)
    await web.call("applications.subscribe", "test", params={"eventSource": "endpoint:PJSIP/alice"})
    alice.on_message(text(context="", exten=""))
    await settle()
    assert app.of("TextMessageReceived")[0]["message"]["body"] == "Watson, come here"
    assert ("text", "Watson, come here") in bob.leg.said  # type: ignore[attr-defined]
    assert not any(said[0] == "text" for said in alice.leg.said)  # type: ignore[attr-defined]
