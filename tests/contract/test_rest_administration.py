"""The server's own operations over HTTP: each code that they declare, and who may call them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from server.base.errors import ConfigError, Unavailable
from server.config.acl import Acl, AclRule
from server.config.objects import ConfigObject, Option
from server.config.sections.ari import Ari, AriUser
from server.http.spec import load_bundle, load_operations
from server.resources.modules import Module
from server.sip.settings_objects import network
from tests.support.node import NodeUnderTest, settle
from tests.support.web import Web, basic, document, serve, validate_event

FAMILIES = ("asterisk", "deviceStates", "mailboxes")
SEEN: dict[str, set[int]] = {}


class NotingWeb(Web):
    """Remembers which codes each operation answered."""

    async def call(self, operation_id: str, *values: str, **options: Any) -> Any:
        answer = await super().call(operation_id, *values, **options)
        SEEN.setdefault(operation_id, set()).add(answer.status)
        return answer


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node) as made:
        yield NotingWeb(node, made.http, made.client)


async def test_device_states_are_set_and_forgotten(web: Web) -> None:
    app = web.node.connect(subscribe_all=True)
    call = web.call
    for state in ("INUSE", "ringing"):
        params = {"deviceState": state}
        assert (await call("deviceStates.update", "Stasis:door", params=params)).status == 204
    (listed,) = (await call("deviceStates.list")).json
    assert listed == {"name": "Stasis:door", "state": "RINGING"}
    assert (await call("deviceStates.delete", "Stasis:door")).status == 204
    assert (await call("deviceStates.get", "Stasis:door")).json["state"] == "UNKNOWN"
    await settle()
    assert [e["device_state"]["state"] for e in app.of("DeviceStateChanged")] == [
        "INUSE",
        "RINGING",
        "UNKNOWN",
    ]
    for event in app.events:
        validate_event(event)


async def test_the_state_of_any_device_can_be_read(web: Web) -> None:
    web.node.connect()
    await web.node.call("alice")
    get = "deviceStates.get"
    assert (await web.call(get, "PJSIP%2Falice")).json["state"] == "INUSE"
    assert (await web.call(get, "PJSIP%2Fbob")).json == {"name": "PJSIP/bob", "state": "NOT_INUSE"}
    assert (await web.call(get, "nonsense")).json["state"] == "INVALID"


@pytest.mark.parametrize(
    ("verb", "device", "state", "status"),
    [
        ("update", "PJSIP%2Falice", "INUSE", 409),
        ("update", "Stasis:", "INUSE", 404),
        ("update", "Stasis:x", "asleep", 400),
        ("update", "Stasis:x", "", 400),
        ("update", "Stasis:" + "x" * 300, "INUSE", 400),
        ("delete", "PJSIP%2Falice", "", 409),
        ("delete", "Stasis:nobody", "", 404),
    ],
)
async def test_device_states_that_cant_be_set(
    web: Web, verb: str, device: str, state: str, status: int
) -> None:
    params = {"deviceState": state} if verb == "update" else None
    answer = await web.call(f"deviceStates.{verb}", device, params=params)
    assert answer.status == status
    assert answer.message


async def test_mailboxes_are_made_and_forgotten(web: Web) -> None:
    params = {"oldMessages": "2", "newMessages": "1"}
    assert (await web.call("mailboxes.update", "100@default", params=params)).status == 204
    mailbox = {"name": "100@default", "old_messages": 2, "new_messages": 1}
    assert (await web.call("mailboxes.get", "100@default")).json == mailbox
    assert (await web.call("mailboxes.list")).json == [mailbox]
    assert (await web.call("mailboxes.delete", "100@default")).status == 204
    assert (await web.call("mailboxes.get", "100@default")).status == 404
    assert (await web.call("mailboxes.delete", "100@default")).status == 404


@pytest.mark.parametrize(
    "params",
    [
        {"oldMessages": "1"},
        {"newMessages": "1"},
        {"oldMessages": "-1", "newMessages": "0"},
        {"oldMessages": "0", "newMessages": "many"},
        {"oldMessages": "0", "newMessages": "99999999999"},
    ],
)
async def test_counts_of_mailboxes_are_checked(web: Web, params: dict[str, str]) -> None:
    answer = await web.call("mailboxes.update", "1", params=params)
    assert answer.status == 400
    assert "Messages" in answer.message


async def test_a_mailbox_needs_a_name(web: Web) -> None:
    params = {"oldMessages": "1", "newMessages": "1"}
    assert (await web.call("mailboxes.update", "", params=params)).status == 404


async def test_modules_come_and_go(web: Web) -> None:
    there: list[bool] = [True]
    node = web.node
    node.modules.add(
        Module("app_x.so", "X", load=lambda: there.append(True), unload=lambda: there.append(False))
    )
    node.uses["app_x.so"] = 1
    assert (await web.call("asterisk.getModule", "app_x.so")).json == {
        "name": "app_x.so",
        "description": "X",
        "use_count": 1,
        "status": "Running",
        "support_level": "core",
    }
    assert (await web.call("asterisk.unloadModule", "app_x.so")).status == 409
    node.uses.clear()
    assert (await web.call("asterisk.unloadModule", "app_x.so")).status == 204
    assert (await web.call("asterisk.listModules")).json == []
    for verb in ("getModule", "unloadModule", "reloadModule"):
        assert (await web.call(f"asterisk.{verb}", "app_x.so")).status == 404
    assert (await web.call("asterisk.loadModule", "app_x.so")).status == 204
    assert (await web.call("asterisk.loadModule", "app_x.so")).status == 409
    assert (await web.call("asterisk.loadModule", "app_nothing.so")).status == 409
    assert there == [True, False, True]


async def test_modules_are_reloaded_one_after_the_other(web: Web) -> None:
    may_end = asyncio.Event()
    begun: list[str] = []

    async def reload(name: str) -> None:
        begun.append(name)
        await may_end.wait()
        if len(begun) > 2:
            raise ConfigError("pjsip.conf", 7, "wrong")

    web.node.modules.add(Module("res_pjsip.so", "SIP", can_reload=True))
    web.node.modules.add(Module("app_x.so", "X"))
    web.node.modules.set_reloader(reload)
    first = asyncio.create_task(web.call("asterisk.reloadModule", "res_pjsip.so"))
    while not begun:
        await asyncio.sleep(0)
    assert (await web.call("asterisk.reloadModule", "res_pjsip.so")).status == 202
    may_end.set()
    assert (await first).status == 204
    while len(web.node.modules.scope):
        await asyncio.sleep(0)
    assert len(begun) == 2
    wrong = await web.call("asterisk.reloadModule", "res_pjsip.so")
    assert wrong.status == 409
    assert "pjsip.conf:7" in wrong.message
    assert (await web.call("asterisk.reloadModule", "app_x.so")).status == 409


async def test_a_module_that_cant_be_described(web: Web) -> None:
    def fail() -> dict[str, int]:
        raise Unavailable("stopping")

    web.node.modules.add(Module("app_x.so", "X"))
    web.node.modules._uses = fail
    assert (await web.call("asterisk.getModule", "app_x.so")).status == 409


async def test_families_of_operations_can_be_switched_off(web: Web) -> None:
    web.http.set_family("sounds", is_enabled=False)
    assert (await web.request("GET", "/sounds/x")).status == 404
    assert (await web.request("GET", "/channels")).status == 200
    web.http.set_family("sounds", is_enabled=True)
    web.node.node.sounds.get = lambda _name: None  # type: ignore[method-assign]
    assert (await web.request("GET", "/sounds/x")).message == "Sound not found"


async def test_log_channels_come_and_go(web: Web) -> None:
    add = {"configuration": "notice,verbose(3)"}
    assert (await web.call("asterisk.addLog", "extra", params=add)).status == 204
    assert (await web.call("asterisk.addLog", "extra", params=add)).status == 409
    (channel,) = (await web.call("asterisk.listLogChannels")).json
    assert channel["channel"].endswith("/log/extra")
    assert channel["configuration"] == "NOTICE VERBOSE"
    full_name = channel["channel"].replace("/", "%2F")
    assert (await web.call("asterisk.rotateLog", full_name)).status == 204
    assert (await web.call("asterisk.deleteLog", full_name)).status == 204
    for verb in ("rotateLog", "deleteLog"):
        assert (await web.call(f"asterisk.{verb}", "extra")).status == 404


@pytest.mark.parametrize(
    ("name", "params", "field"),
    [
        ("extra", {}, "configuration"),
        ("extra", {"configuration": "loud"}, "configuration"),
        ("%2Fetc%2Fpasswd", {"configuration": "error"}, "logChannelName"),
        ("..%2F..%2Fx", {"configuration": "error"}, "logChannelName"),
    ],
)
async def test_log_channels_that_cant_be_added(
    web: Web, name: str, params: dict[str, str], field: str
) -> None:
    answer = await web.call("asterisk.addLog", name, params=params)
    assert answer.status == 400
    assert field in answer.message


def fields(**options: str) -> dict[str, list[dict[str, str]]]:
    return {"fields": [{"attribute": name, "value": value} for name, value in options.items()]}


async def test_objects_are_made_changed_and_deleted(web: Web) -> None:
    path = ("res_pjsip", "endpoint", "dave")
    made = await web.call("asterisk.updateObject", *path, json=fields(context="in", allow="alaw"))
    assert made.status == 200
    assert {"attribute": "context", "value": "in"} in made.json
    assert web.node.sip_settings[-1].endpoints["dave"].codecs == ("alaw",)
    again = await web.call("asterisk.updateObject", *path, json=fields(context="out"))
    shown = await web.call("asterisk.getObject", *path)
    assert shown.json == again.json
    assert {"attribute": "context", "value": "out"} in shown.json
    assert (await web.call("asterisk.updateObject", *path)).json == shown.json
    assert (await web.call("asterisk.deleteObject", *path)).status == 204
    assert "dave" not in web.node.sip_settings[-1].endpoints
    for verb in ("getObject", "deleteObject"):
        assert (await web.call(f"asterisk.{verb}", *path)).status == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (("res_nothing", "endpoint", "x"), 404),
        (("res_pjsip", "phone", "x"), 404),
        (("res_pjsip", "aor", "nobody"), 404),
    ],
)
async def test_objects_that_are_not_there(web: Web, path: tuple[str, ...], status: int) -> None:
    for verb in ("getObject", "deleteObject"):
        assert (await web.call(f"asterisk.{verb}", *path)).status == status
    if path[2] == "x":
        assert (await web.call("asterisk.updateObject", *path)).status == status


async def test_objects_of_the_file_cant_be_changed(web: Web) -> None:
    option = Option("max_contacts", "3", "pjsip.conf", 2)
    item = ConfigObject("aor", "alice", [option], "pjsip.conf", 1)
    web.node.sip_objects.configure([item], named_acls={}, language="en")
    path = ("res_pjsip", "aor", "alice")
    shown = (await web.call("asterisk.getObject", *path)).json
    assert {"attribute": "max_contacts", "value": "3"} in shown
    body = fields(max_contacts="4")
    assert (await web.call("asterisk.updateObject", *path, json=body)).status == 403
    assert (await web.call("asterisk.deleteObject", *path)).status == 403
    path = ("res_pjsip", "transport", "new")
    assert (await web.call("asterisk.updateObject", *path)).status == 403


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (fields(colour="red"), "colour"),
        (fields(max_contacts="many"), "max_contacts"),
        ({"fields": "x"}, "fields"),
        ({"fields": {"a": "b"}}, "fields"),
        ({"fields": ["x"]}, "fields"),
        ({"fields": [{"attribute": "max_contacts"}]}, "fields"),
        ({"fields": [{"attribute": "max_contacts", "value": 3}]}, "fields"),
    ],
)
async def test_wrong_options_are_named(web: Web, body: dict[str, Any], word: str) -> None:
    answer = await web.call("asterisk.updateObject", "res_pjsip", "aor", "a", json=body)
    assert answer.status == 400
    assert word in answer.message


async def test_global_variables_are_read_and_written(web: Web) -> None:
    params = {"variable": "COLOUR", "value": "red"}
    assert (await web.call("asterisk.setGlobalVar", params=params)).status == 204
    read = await web.call("asterisk.getGlobalVar", params={"variable": "COLOUR"})
    assert read.json == {"value": "red"}
    read = await web.call("asterisk.getGlobalVar", params={"variable": "NOTHING"})
    assert read.json == {"value": ""}
    for verb in ("getGlobalVar", "setGlobalVar"):
        assert (await web.call(f"asterisk.{verb}")).status == 400


async def test_info_and_ping(web: Web) -> None:
    info = (await web.call("asterisk.getInfo", params={"only": "build,status"})).json
    assert set(info) == {"build", "status"}
    assert (await web.call("asterisk.getInfo", params={"only": "mood"})).status == 400
    assert (await web.call("asterisk.ping")).json["ping"] == "pong"


def test_every_declared_code_was_seen() -> None:
    missing = {}
    for operation in load_operations(load_bundle()):
        if operation.tag in FAMILIES:
            path = document()["paths"][operation.path][operation.method.lower()]
            declared = {
                int(code)
                for code, response in path["responses"].items()
                if code.isdigit() and not response.get("x-extension")  # proved where they are made
            }
            if unseen := declared - SEEN.get(operation.operation_id, set()):
                missing[operation.operation_id] = unseen
    assert not missing


# who may


LOCAL_ONLY = Acl((AclRule(False, network("0.0.0.0/0")), AclRule(True, network("127.0.0.0/8"))))
NOBODY = Acl((AclRule(False, network("0.0.0.0/0")),))
CRYPTED = "$6$saltsaltsalt$PMWE8DTlam1JU37Piyk43bHcMxTJq6sgu5DKB0/tGPjanN35jcY68QkpDfPFUGPWX5uCxIQkSPzMmqEiVNgts."  # noqa: E501
USERS = (
    AriUser(name="local", password="x", acl=LOCAL_ONLY),
    AriUser(name="nowhere", password="x", acl=NOBODY),
    AriUser(name="named", password="x", acl=Acl(named=(NOBODY,))),
    AriUser(name="crypted", password=CRYPTED, password_format="crypt"),
    AriUser(name="reader", password="x", read_only=True),
)


@pytest.mark.parametrize(
    ("user", "password", "read", "write"),
    [
        ("local", "x", 200, 204),
        ("nowhere", "x", 403, 403),
        ("named", "x", 403, 403),
        ("crypted", "secret", 200, 204),
        ("crypted", CRYPTED, 401, 401),
        ("reader", "x", 200, 403),
        ("nobody", "x", 401, 401),
    ],
)
async def test_users_may_what_ari_conf_says(
    node: NodeUnderTest, user: str, password: str, read: int, write: int
) -> None:
    ari = Ari(users={each.name: each for each in USERS})
    async with serve(node, ari=ari) as web:
        headers = basic(user, password)
        answer = await web.request("GET", "/mailboxes", headers=headers)
        assert answer.status == read
        url = "/mailboxes/1?oldMessages=0&newMessages=0"
        assert (await web.request("PUT", url, headers=headers)).status == write
