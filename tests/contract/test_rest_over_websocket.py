"""RESTRequest in, RESTResponse out: every error of the interface, rights, and the order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from server.config.acl import build_acl
from server.config.objects import Option
from server.config.sections.ari import Ari, AriToken, AriUser, Scope
from server.http.messages import MAX_BODY
from tests.support.node import NodeUnderTest
from tests.support.web import READER, USER, Web, serve, validate_event


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node) as made:
        yield made


class Rest:
    """A socket on which requests are sent and answers and events are read."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []
        self.number = 0

    async def send(self, method: str, uri: str, **members: Any) -> None:
        self.number += 1
        request = {"type": "RESTRequest", "transaction_id": "t", "request_id": str(self.number)}
        await self.socket.send_json({**request, "method": method, "uri": uri, **members})

    async def read(self) -> dict[str, Any]:
        message: dict[str, Any] = await self.socket.receive_json(timeout=5)
        validate_event(message)
        return message

    async def answer(self) -> dict[str, Any]:
        while (message := await self.read())["type"] != "RESTResponse":
            self.events.append(message)
        return message

    async def ask(self, method: str, uri: str, **members: Any) -> dict[str, Any]:
        await self.send(method, uri, **members)
        return await self.answer()

    async def status(self, method: str, uri: str, **members: Any) -> int:
        answer = await self.ask(method, uri, **members)
        if answer["status_code"] >= 400:
            assert json.loads(answer["message_body"])["message"]
        return int(answer["status_code"])


@pytest.fixture
async def rest(web: Web) -> AsyncIterator[Rest]:
    async with connect(web) as socket:
        yield Rest(socket)


def connect(web: Web, user: str = "ari:secret") -> Any:
    return web.client.ws_connect(f"{web.url}/events?app=test,other&api_key={user}")


async def test_a_request_is_answered_with_its_ids(rest: Rest) -> None:
    await rest.socket.send_json(
        {
            "type": "RESTRequest",
            "transaction_id": "transaction",
            "request_id": "request",
            "method": "GET",
            "uri": "asterisk/ping",
        }
    )
    answer = await rest.read()
    body = json.loads(answer.pop("message_body"))
    assert body["ping"] == "pong"
    timestamp = answer.pop("timestamp")
    assert timestamp == body["timestamp"]
    assert answer == {
        "type": "RESTResponse",
        "transaction_id": "transaction",
        "request_id": "request",
        "status_code": 200,
        "reason_phrase": "OK",
        "uri": "asterisk/ping",
        "content_type": "application/json",
        "application": "test,other",
        "asterisk_id": "test-node",
    }


async def test_an_answer_without_a_body_has_neither_body_nor_type(rest: Rest) -> None:
    answer = await rest.ask("POST", "asterisk/variable?variable=X&value=1")
    assert (answer["status_code"], answer["reason_phrase"]) == (204, "No Content")
    assert not answer.keys() & {"content_type", "message_body"}
    assert "message_body" not in await rest.ask("HEAD", "asterisk/ping")


@pytest.mark.parametrize("uri", ["asterisk/ping", "/asterisk/ping", "ari/asterisk/ping",
                                 "/ari/asterisk/ping"])  # fmt: skip
async def test_a_prefix_may_precede_the_uri(rest: Rest, uri: str) -> None:
    answer = await rest.ask("get", uri)
    assert (answer["status_code"], answer["uri"]) == (200, uri)


async def test_ids_that_are_missing_or_no_strings_come_back_empty(rest: Rest) -> None:
    request = {"type": "RESTRequest", "method": "GET", "uri": "asterisk/ping"}
    await rest.socket.send_json({**request, "transaction_id": 7, "request_id": None})
    first = await rest.read()
    await rest.socket.send_json(request)
    for answer in (first, await rest.read()):
        assert (answer["transaction_id"], answer["request_id"]) == ("", "")
        assert answer["status_code"] == 200


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ("", "JSON"),
        ("{", "JSON"),
        ("[]", "JSON"),
        ("{}", "type"),
        ('{"type": "RestRequest"}', "type"),
        ('{"type": "RESTRequest", "method": "GET"}', "uri"),
        ('{"type": "RESTRequest", "method": "GET", "uri": ["a"]}', "uri"),
        ('{"type": "RESTRequest", "method": "GET", "uri": "?a=b"}', "uri"),
        ('{"type": "RESTRequest", "uri": "asterisk/ping"}', "method"),
        ('{"type": "RESTRequest", "uri": "asterisk/ping", "method": "PATCH"}', "method"),
    ],
)
async def test_what_is_no_request_is_refused(rest: Rest, message: str, word: str) -> None:
    await rest.socket.send_str(message)
    answer = await rest.read()
    assert (answer["status_code"], answer["reason_phrase"]) == (400, "Bad Request")
    assert word in json.loads(answer["message_body"])["message"]


@pytest.mark.parametrize(
    "members",
    [
        {"query_strings": "variable=X"},
        {"query_strings": [{"name": "variable"}]},
        {"query_strings": [{"name": "variable", "value": 1}]},
        {"message_body": "{}"},
        {"message_body": "{}", "content_type": ""},
        {"message_body": "{", "content_type": "application/json"},
        {"message_body": "[]", "content_type": "application/json"},
        {"message_body": {"variable": "X"}, "content_type": "application/json"},
        {"message_body": "x", "content_type": "text/plain"},
        {"message_body": "&".join(["a=b"] * 1001),
         "content_type": "application/x-www-form-urlencoded"},
    ],
)  # fmt: skip
async def test_bad_members_are_refused(rest: Rest, members: dict[str, Any]) -> None:
    assert await rest.status("GET", "asterisk/variable", **members) == 400


async def test_parameters_come_from_wherever_they_may(rest: Rest, web: Web) -> None:
    pairs = [{"name": "variable", "value": "A&B=?"}, {"name": "value", "value": "ü 1%"}]
    json_body = {"content_type": "application/json; charset=utf-8",
                 "message_body": '{"variable": "J", "value": "2"}'}  # fmt: skip
    form = {"content_type": "application/x-www-form-urlencoded",
            "message_body": "variable=F&value=3"}  # fmt: skip
    for members in ({"query_strings": pairs}, json_body, form):
        assert await rest.status("POST", "asterisk/variable", **members) == 204
    uri, rest_of_it = "asterisk/variable?variable=U", [{"name": "value", "value": "4"}]
    assert await rest.status("POST", uri, query_strings=rest_of_it) == 204
    assert web.node.dialplan.globals == {"A&B=?": "ü 1%", "J": "2", "F": "3", "U": "4"}


async def test_what_http_refuses_is_refused_here(rest: Rest) -> None:
    assert await rest.status("GET", "nothing") == 404
    assert await rest.status("GET", "channels/") == 404
    assert await rest.status("PUT", "channels") == 405
    assert await rest.status("GET", "channels/none") == 404
    assert await rest.status("GET", "asterisk/info", query_strings=[
        {"name": "only", "value": "nonsense"}]) == 400  # fmt: skip


async def test_files_are_not_acceptable(rest: Rest, web: Web) -> None:
    web.node.node.settings.recording_dir.joinpath("r.wav").write_bytes(b"RIFF")
    assert await rest.status("GET", "recordings/stored/r/file") == 406
    assert await rest.status("GET", "recordings/stored/none/file") == 404


async def test_a_websocket_in_a_websocket_is_refused(rest: Rest) -> None:
    assert await rest.status("GET", "events?app=another") == 400
    assert await rest.status("GET", "events") == 400


async def test_bodies_have_a_limit_and_so_have_messages(rest: Rest) -> None:
    large = {"content_type": "application/json", "message_body": " " * MAX_BODY + "{}"}
    assert await rest.status("GET", "asterisk/ping", **large) == 413
    assert await rest.status("GET", "a" * 20_000) == 400
    await rest.socket.send_str("x" * 600_000)
    assert (await rest.socket.receive(5)).data == 1009


async def test_binary_messages_are_ignored(rest: Rest) -> None:
    await rest.socket.send_bytes(b"{}")
    assert await rest.status("GET", "asterisk/ping") == 200


# rights


async def test_a_read_only_user_stays_one(web: Web) -> None:
    async with connect(web, "reader:look") as socket:
        rest = Rest(socket)
        assert await rest.status("GET", "channels") == 200
        assert await rest.status("POST", "channels", query_strings=[]) == 403


async def test_rights_count_as_they_are_now(web: Web, rest: Rest) -> None:
    assert await rest.status("GET", "channels") == 200
    web.http.configure_ari(Ari(users={"ari": replace(USER, read_only=True)}))
    assert await rest.status("POST", "bridges") == 403
    nobody = build_acl([Option("deny", "0.0.0.0/0", "ari.conf", 1)], {})
    web.http.configure_ari(Ari(users={"ari": replace(USER, acl=nobody)}))
    assert await rest.status("GET", "channels") == 403
    web.http.configure_ari(Ari(users={"reader": READER}))
    assert await rest.status("GET", "channels") == 401
    web.http.configure_ari(Ari(enabled=False, users={"ari": USER}))
    assert await rest.status("GET", "channels") == 404


async def test_a_token_stays_within_its_scope(web: Web) -> None:
    user = AriUser("narrow", scope=Scope(("test", "other"), ("channels.*", "events.*"), ("*",)))
    token = AriToken("narrow", user, digest=hashlib.sha256(b"opener").digest())
    web.http.configure_ari(Ari(users={"narrow": USER}, tokens={"narrow": token}))
    url = f"{web.url}/events?app=test,other&access_token=opener"
    async with web.client.ws_connect(url) as socket:
        rest = Rest(socket)
        assert await rest.status("GET", "channels?app=test") == 200
        assert await rest.status("GET", "bridges") == 403
        assert await rest.status("POST", "asterisk/variable?variable=X&value=1") == 403
        late = replace(token, expires=1.0)
        web.http.configure_ari(Ari(users={"narrow": USER}, tokens={"narrow": late}))
        assert await rest.status("GET", "channels?app=test") == 401


# order


async def test_many_requests_are_answered_in_order(rest: Rest) -> None:
    for number in range(500):  # every other one is answered by a coroutine
        await rest.send("GET", "recordings/stored" if number % 2 else "asterisk/ping")
    answers = [await rest.answer() for _ in range(500)]
    assert [int(answer["request_id"]) for answer in answers] == list(range(1, 501))
    assert {answer["status_code"] for answer in answers} == {200}


async def test_the_answer_precedes_the_events_of_its_request(rest: Rest, web: Web) -> None:
    channel = await web.node.call()
    assert (await rest.read())["type"] == "StasisStart"
    for number in range(50):
        variable = f"channels/{channel.id}/variable?variable=X&value={number}"
        await rest.send("POST", variable)
    for number in range(50):
        answer = await rest.read()
        assert (answer["type"], answer["request_id"]) == ("RESTResponse", str(number + 1))
    for number in range(50):
        assert (await rest.read())["value"] == str(number)
    await rest.send("DELETE", f"channels/{channel.id}")
    assert (await rest.read())["status_code"] == 204
    assert (await rest.read())["type"] == "ChannelHangupRequest"


async def test_a_list_tells_where_its_next_page_is(rest: Rest) -> None:
    for name in ("a", "b", "c"):
        await rest.ask("POST", f"bridges/{name}")
    first = await rest.ask("GET", "bridges?limit=2&fields=id")
    assert json.loads(first["message_body"]) == [{"id": "a"}, {"id": "b"}]
    uri = first["link"].removeprefix("<").partition(">")[0]
    second = await rest.ask("GET", uri)
    assert json.loads(second["message_body"]) == [{"id": "c"}]
    assert "link" not in second
    for name in ("a", "b", "c"):
        await rest.ask("DELETE", f"bridges/{name}")


async def test_a_request_that_is_repeated_with_its_key_is_carried_out_once(
    web: Web, rest: Rest
) -> None:
    made = await rest.ask("POST", "bridges", idempotency_key="k1")
    again = await rest.ask("POST", "ari/bridges", idempotency_key="k1")
    assert again["message_body"] == made["message_body"]
    assert again["replayed"]
    assert "replayed" not in made
    assert await rest.status("POST", "bridges/other", idempotency_key="k1") == 422
    assert await rest.status("POST", "bridges", idempotency_key="k" * 256) == 400
    assert await rest.status("POST", "bridges", idempotency_key=7) == 400
    over_http = await web.request("POST", "/bridges", headers={"Idempotency-Key": "k1"})
    assert over_http.json == json.loads(made["message_body"])
    assert len(web.node.bridges) == 1
    await rest.ask("DELETE", f"bridges/{over_http.json['id']}")


async def test_a_worker_drains_itself(web: Web) -> None:
    shared = f"{web.url}/events?app=test,other&share=1&worker=w&api_key=ari:secret"
    async with web.client.ws_connect(shared) as socket:
        rest = Rest(socket)
        for draining in (True, False, None):
            member = {} if draining is None else {"draining": draining}
            await socket.send_json({"type": "DrainWorker", "request_id": "d", **member})
            answer = await rest.answer()
            assert (answer["status_code"], answer["request_id"]) == (204, "d")
            for app in ("test", "other"):
                (worker,) = web.node.applications.list_workers(app)
                assert worker.draining == (draining is not False)


async def test_only_a_worker_with_the_right_to_it_drains(web: Web, rest: Rest) -> None:
    await rest.socket.send_json({"type": "DrainWorker"})
    assert (await rest.answer())["status_code"] == 409
    shared = f"{web.url}/events?app=test&share=1&worker=w&api_key=reader:look"
    async with web.client.ws_connect(shared) as socket:
        await socket.send_json({"type": "DrainWorker"})
        assert (await Rest(socket).answer())["status_code"] == 403
