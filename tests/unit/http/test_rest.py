"""The order of checks, and what each answers."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

import pytest

from server.base import errors
from server.config.acl import Acl, AclRule, Network
from server.config.sections.ari import Ari, AriUser
from server.config.sections.http import Http
from server.http.errors import STATUS, respond, status_of
from server.http.operations import BINDINGS, BindingError, bind
from server.http.spec import load_bundle, load_operations
from tests.support.node import NodeUnderTest, settle
from tests.support.web import READER, USER, Web, basic, serve, services_of

ORIGIN = "https://app.example"


async def test_credentials_are_needed(web: Web) -> None:
    async with web.client.get(f"{web.url}/channels") as answer:
        assert answer.status == 401
        challenge = answer.headers["WWW-Authenticate"]
        assert challenge == 'Basic realm="Asterisk REST Interface"'
        assert await answer.json() == {"message": "Authentication required"}


async def test_credentials_come_before_everything_else(web: Web) -> None:
    for path in ("/nothing", "/channels/", "/api-docs/x.json"):
        async with web.client.get(web.url + path) as answer:
            assert answer.status == 401


async def test_api_key_is_enough(web: Web) -> None:
    async with web.client.get(f"{web.url}/channels?api_key=ari:secret") as answer:
        assert answer.status == 200


async def test_read_only_users_only_read(web: Web) -> None:
    headers = basic("reader", "look")
    assert (await web.request("GET", "/channels", headers=headers)).status == 200
    assert (await web.request("OPTIONS", "/channels", headers=headers)).status == 204
    assert (await web.request("POST", "/bridges", headers=headers)).status == 403
    assert (await web.request("POST", "/nothing", headers=headers)).status == 403


async def test_a_user_may_come_from_permitted_addresses_only(node: NodeUnderTest) -> None:
    everywhere: Network = ipaddress.ip_network("0.0.0.0/0")
    acl = Acl((AclRule(False, everywhere),))
    ari = Ari(users={"ari": AriUser(name="ari", password="secret", acl=acl)})
    async with serve(node, ari=ari) as web:
        assert (await web.request("GET", "/channels")).status == 403


async def test_before_it_is_booted_the_server_says_503(node: NodeUnderTest) -> None:
    async with serve(node) as web:
        web.http._rest.is_fully_booted = False
        answer = await web.request("GET", "/nothing")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")


@pytest.mark.parametrize("path", ["/channels/", "/nothing", "/channels/x/y/z", "//channels"])
async def test_unknown_paths(web: Web, path: str) -> None:
    assert (await web.request("GET", path)).status == 404


async def test_unknown_methods_are_told_the_known_ones(web: Web) -> None:
    answer = await web.request("PUT", "/channels/x")
    assert (answer.status, answer.headers["Allow"]) == (405, "OPTIONS,GET,POST,DELETE")


async def test_options_tells_the_methods(web: Web) -> None:
    answer = await web.request("OPTIONS", "/bridges")
    assert (answer.status, answer.headers["Allow"]) == (204, "OPTIONS,GET,POST")
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_head_is_get_without_a_body(web: Web) -> None:
    got = await web.request("GET", "/endpoints")
    head = await web.request("HEAD", "/endpoints")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(got.body))


async def test_allowed_origins_get_cors_headers(node: NodeUnderTest) -> None:
    ari = Ari(users={"ari": USER}, allowed_origins=(ORIGIN,))
    async with serve(node, ari=ari) as web:
        answer = await web.request("GET", "/channels", headers={"Origin": ORIGIN})
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        other = await web.request("GET", "/channels", headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in other.headers
        refused = await web.request("GET", "/channels/nobody", headers={"Origin": ORIGIN})
        assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN


async def test_preflights_need_no_credentials(node: NodeUnderTest) -> None:
    ari = Ari(users={"ari": USER}, allowed_origins=(ORIGIN,))
    wanted = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    async with serve(node, ari=ari) as web:
        async with web.client.options(f"{web.url}/bridges", headers=wanted) as answer:
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Methods"] == "OPTIONS,GET,POST"
            assert answer.headers["Access-Control-Allow-Headers"] == "authorization"
        foreign = {**wanted, "Origin": "https://evil.example"}
        async with web.client.options(f"{web.url}/bridges", headers=foreign) as answer:
            assert answer.status == 401


async def test_pretty_json_is_indented(node: NodeUnderTest) -> None:
    async with serve(node, ari=Ari(users={"ari": USER}, pretty=True)) as web:
        answer = await web.request("GET", "/asterisk/ping")
        assert b'\n  "ping": "pong"' in answer.body


async def test_ari_can_be_switched_off(node: NodeUnderTest) -> None:
    async with serve(node, ari=Ari(users={"ari": USER}, enabled=False)) as web:
        assert (await web.request("GET", "/channels")).status == 404


async def test_wrong_values_are_named(web: Web) -> None:
    answer = await web.request("GET", "/asterisk/info?only=weather")
    assert answer.status == 400
    assert answer.message.startswith("only:")


async def test_reload_takes_new_users(web: Web) -> None:
    web.http.configure_ari(Ari(users={"reader": READER}))
    assert (await web.request("GET", "/channels", headers=basic("reader", "look"))).status == 200


@pytest.mark.parametrize("kind", STATUS)
def test_every_class_of_error_has_its_status(kind: type[errors.ServerError]) -> None:
    made = kind("field", "reason") if issubclass(kind, errors.InvalidArgument) else kind("text")
    assert respond("x.y", made).status == STATUS[kind]


def test_errors_we_did_not_foresee_are_not_told(caplog: pytest.LogCaptureFixture) -> None:
    response = respond("channels.get", RuntimeError("secret detail"))
    assert (response.status, response.body) == (500, b'{"message":"Internal Server Error"}')
    assert "secret detail" in caplog.text
    assert status_of(errors.ChannelHungUp()) == 500


async def test_an_operation_without_a_handler_stops_the_start(node: NodeUnderTest) -> None:
    operations = load_operations(load_bundle())
    services = services_of(node)
    fewer = {name: binding for name, binding in BINDINGS.items() if name != "channels.get"}
    with pytest.raises(BindingError, match=r"operations without a handler: channels\.get"):
        bind(operations, services, fewer)
    more = {**BINDINGS, "channels.fly": BINDINGS["channels.get"]}
    with pytest.raises(BindingError, match=r"handlers without an operation: channels\.fly"):
        bind(operations, services, more)
    wrong = {**BINDINGS, "channels.get": BINDINGS["channels.list"]}
    with pytest.raises(BindingError, match=r"channels\.get: "):
        bind(operations, services, wrong)


class Order:
    """Notes replies and events as they are written."""

    def __init__(self, web: Web) -> None:
        self.seen: list[str] = []
        self._head = web.http.encoder.head
        web.http.encoder = self  # type: ignore[assignment]
        web.node.applications.register(["watcher"], self, subscribe_all=True)

    def head(self, *args: Any, **options: Any) -> bytes:
        self.seen.append("reply")
        return self._head(*args, **options)

    def deliver(self, frame: bytes) -> None:
        self.seen.append(json.loads(frame)["type"])

    def close(self, code: int, reason: str) -> None:
        pass


async def test_the_reply_is_written_before_the_events_it_causes(web: Web) -> None:
    order = Order(web)
    assert (await web.request("POST", "/bridges/b")).status == 200
    assert (await web.request("DELETE", "/bridges/b")).status == 204
    assert order.seen == ["reply", "BridgeCreated", "reply", "BridgeDestroyed"]


async def test_the_reply_of_a_command_that_takes_time_is_written_first_too(web: Web) -> None:
    web.node.connect()
    channel = await web.node.call()
    channel.answer()
    await settle()
    order = Order(web)
    params = {"name": "memo", "format": "wav"}
    answer = await web.request("POST", f"/channels/{channel.id}/record", params=params)
    assert answer.status == 201
    await settle()
    assert order.seen == ["reply", "RecordingStarted"]


async def test_status_page_redirects_and_other_paths(node: NodeUnderTest) -> None:
    settings = Http(
        enabled=True,
        bindport=0,
        prefix="/pbx",
        enable_status=True,
        redirects=(("/", "/pbx/httpstatus"),),
    )
    async with serve(node, settings) as web:
        base = f"http://{web.origin}"
        async with web.client.get(f"{base}/pbx/httpstatus") as answer:
            assert "Session limit" in await answer.text()
        async with web.client.get(f"{base}/", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "/pbx/httpstatus")
        headers = basic("ari", "secret")
        async with web.client.get(f"{base}/pbx/ari/channels", headers=headers) as answer:
            assert answer.status == 200
        async with web.client.get(f"{base}/ari/channels") as answer:
            assert answer.status == 404


async def test_the_status_page_is_off_by_default(web: Web) -> None:
    async with web.client.get(f"http://{web.origin}/httpstatus") as answer:
        assert answer.status == 404
