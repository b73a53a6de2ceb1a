"""Facts, specification, handler, test: no operation and no code is without one of them.

Every error code that the document names is provoked here, with the documented request changed in
one place. A code that clients have to expect of Asterisk but that this server never sends is
listed with the reason.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ServerDisconnectedError

from server.base.errors import Unavailable
from server.http.spec import load_bundle, load_operations
from server.sip.contacts import Contact
from server.sip.sorcery import contact_name
from server.sip.uri import Uri
from tests.support.node import NodeUnderTest
from tests.support.scene import (
    ALONE,
    ARI,
    BASIC,
    BEFORE,
    CALLER,
    SECOND,
    Step,
    join_a_call,
    operations,
    send,
    set_the_scene,
    take,
)
from tests.support.web import Web, serve

PUBLISHED = json.loads((Path(__file__).parents[1] / "data/ari.json").read_text(encoding="utf-8"))
EARLY = "call-2"  # created, not dialled
Key = tuple[str, int]


@dataclass(frozen=True)
class Case:
    """How a code is provoked.

    :param changes: of the documented request.
    :param before: in place of what is done before a request that succeeds.
    """

    changes: dict[str, Any] = field(default_factory=dict)
    before: tuple[Step, ...] | None = None


def case(*before: Step, **changes: Any) -> Case:
    return Case(changes, before or None)


async def _claim_by_another(web: Web) -> None:
    assert (await send(web, "events.claimChannel", application="queue")).status == 204


async def _queue_behind_a_playback(web: Web) -> None:
    assert (await send(web, "channels.playWithId", playbackId="first")).status == 201
    assert (await send(web, "channels.playWithId")).status == 201


async def _break_modules(web: Web) -> None:
    def broken() -> dict[str, int]:
        raise Unavailable("the server is being stopped")

    web.node.modules._uses = broken


async def _use_the_module(web: Web) -> None:
    web.node.uses["app_queue.so"] = 2


async def _have_a_contact_of_the_file(web: Web) -> None:
    web.node.sip_contacts.append(CONTACT)


async def _record_to_a_slow_disk(web: Web) -> None:
    """Begin a recording whose file is not open yet."""
    web.node.recordings._blocking = _never  # type: ignore[method-assign, assignment]
    web.node.node.scope.spawn(_record(web), "a recording")
    while "memo" not in web.node.recordings._live:
        await asyncio.sleep(0)


async def _record(web: Web) -> None:
    with suppress(ServerDisconnectedError):
        await send(web, "channels.record")


async def _never(_work: object) -> None:
    await asyncio.get_running_loop().create_future()


ROOM: tuple[Step, ...] = ("bridges.createWithId",)
CONTACT = Contact("alice", Uri(user="alice", host="198.51.100.7"))

CASES: dict[Key, Case] = {
    ("applications.filter", 400): case(json={"allowed": "StasisStart"}),
    ("applications.subscribe", 400): case(eventSource="weather:today"),
    ("applications.subscribe", 422): case(eventSource="channel:nobody"),
    ("applications.unsubscribe", 400): case(eventSource="weather:today"),
    ("applications.unsubscribe", 422): case(eventSource="channel:nobody"),
    ("asterisk.addLog", 400): case(configuration=""),
    ("asterisk.addLog", 409): case("asterisk.addLog"),
    ("asterisk.getGlobalVar", 400): case(variable=None),
    ("asterisk.getInfo", 400): case(only="weather"),
    ("asterisk.getModule", 409): case(_break_modules),
    ("asterisk.loadModule", 409): case(moduleName="app_nothing.so"),
    ("asterisk.unloadModule", 409): case(_use_the_module),
    ("asterisk.reloadModule", 409): case(moduleName="app_queue.so"),
    ("asterisk.setGlobalVar", 400): case(variable=None),
    ("asterisk.updateObject", 400): case(
        json={"fields": [{"attribute": "nonsense", "value": "1"}]}
    ),
    ("asterisk.updateObject", 403): case(objectType="transport"),
    ("asterisk.deleteObject", 403): case(
        _have_a_contact_of_the_file, objectType="contact", id=quote(contact_name(CONTACT))
    ),
    ("bridges.addChannel", 400): case(*ROOM, channel="nobody"),
    ("bridges.addChannel", 422): case(*ROOM, channel=ALONE),
    ("bridges.create", 400): case(type="rope"),
    ("bridges.create", 409): case(*ROOM, bridgeId="room"),
    ("bridges.createWithId", 400): case(type="rope"),
    ("bridges.createWithId", 409): case(*ROOM),
    ("bridges.getBridgeVar", 400): case(*ROOM, variable=None),
    ("bridges.getBridgeVars", 400): case(*ROOM, variables=None),
    ("bridges.list", 400): case(limit=0),
    ("bridges.play", 400): case(*ROOM, media="nonsense"),
    ("bridges.play", 422): case(*ROOM, announcer_format="mp9"),
    ("bridges.playWithId", 400): case(*ROOM, media="nonsense"),
    ("bridges.playWithId", 422): case(*ROOM, announcer_format="mp9"),
    ("bridges.record", 400): case(*ROOM, ifExists="ask"),
    ("bridges.record", 422): case(*ROOM, format="mp9"),
    ("bridges.removeChannel", 400): case(*ROOM, channel="nobody"),
    ("bridges.removeChannel", 422): case(*ROOM, channel=SECOND),
    ("bridges.setBridgeVar", 400): case(*ROOM, variable=None),
    ("bridges.setBridgeVars", 400): case(*ROOM, json={"variables": {"A": {"value": 7}}}),
    ("bridges.setVideoSource", 422): case(*ROOM),
    ("bridges.stopMoh", 409): case(*ROOM),
    ("channels.create", 400): case(endpoint="nonsense"),
    ("channels.create", 409): case(channelId=CALLER),
    ("channels.dial", 400): case("channels.create", timeout=-1),
    ("channels.dial", 404): case(channelId="nobody"),
    ("channels.dial", 409): case(channelId=CALLER),
    ("channels.externalMedia", 400): case(format="mp9"),
    ("channels.externalMedia", 409): case(channelId=CALLER),
    ("channels.externalMedia", 501): case(encapsulation="none"),
    ("channels.get", 400): case(fields="weather"),
    ("channels.getChannelVar", 400): case(variable=None),
    ("channels.getChannelVars", 400): case(variables=None),
    ("channels.hangup", 400): case(reason="boredom"),
    ("channels.hangupMany", 400): case(app="ivr"),
    ("channels.list", 400): case(limit=0),
    ("channels.continueInDialplan", 400): case(priority="first"),
    ("channels.move", 400): case(app=None),
    ("channels.mute", 400): case(direction="up"),
    ("channels.unmute", 400): case(direction="up"),
    ("channels.originate", 400): case(endpoint="nonsense"),
    ("channels.originate", 404): case(app=None, appArgs=None, extension="100", label="missing"),
    ("channels.originate", 409): case(channelId=CALLER),
    ("channels.originateWithId", 400): case(endpoint="nonsense"),
    ("channels.originateWithId", 404): case(label="missing"),
    ("channels.originateWithId", 409): case(channelId=CALLER),
    ("channels.play", 400): case(media="nonsense"),
    ("channels.playWithId", 400): case(media="nonsense"),
    ("channels.playWithId", 409): case("channels.playWithId"),
    ("channels.record", 400): case(ifExists="ask"),
    ("channels.record", 409): case("channels.record"),
    ("channels.record", 422): case(format="mp9"),
    ("channels.redirect", 400): case(endpoint="nonsense"),
    ("channels.redirect", 422): case(endpoint="Local/stasis@default"),
    ("channels.sendDTMF", 400): case(dtmf="xyz"),
    ("channels.setChannelVar", 400): case(variable=None),
    ("channels.setChannelVars", 400): case(json={"variables": []}),
    ("channels.snoopChannel", 400): case(spy="up"),
    ("channels.snoopChannel", 409): case(snoopId=CALLER),
    ("channels.snoopChannelWithId", 400): case(spy="up"),
    ("channels.snoopChannelWithId", 409): case(snoopId=CALLER),
    ("channels.transfer_progress", 400): case(states="done"),
    ("channels.transfer_progress", 412): case("channels.answer"),
    ("deviceStates.delete", 404): case(deviceName="Stasis:nothing"),
    ("deviceStates.delete", 409): case(deviceName="PJSIP%2Falice"),
    ("deviceStates.update", 400): case(deviceState="ASLEEP"),
    ("deviceStates.update", 404): case(deviceName="Stasis:"),
    ("deviceStates.update", 409): case(deviceName="PJSIP%2Falice"),
    ("endpoints.list", 400): case(limit=0),
    ("endpoints.listByTech", 400): case(limit=0),
    ("endpoints.refer", 400): case(refer_to=None),
    ("endpoints.refer", 404): case(to="pjsip:nobody"),
    ("endpoints.referToEndpoint", 400): case(refer_to=None),
    ("endpoints.sendMessage", 400): case(to="nonsense"),
    ("endpoints.sendMessage", 404): case(to="pjsip:nobody"),
    ("endpoints.sendMessageToEndpoint", 400): case(**{"from": None}),
    ("events.claimChannel", 400): case(application=None),
    ("events.claimChannel", 404): case(channelId=CALLER),
    ("events.claimChannel", 409): case(_claim_by_another),
    ("events.eventWebsocket", 400): case(app=None),
    ("events.eventWebsocket", 426): case(),
    ("events.userEvent", 400): case(application=None),
    ("events.userEvent", 404): case(application="nobody"),
    ("events.userEvent", 422): case(source="channel:nobody"),
    ("mailboxes.update", 404): case(mailboxName=""),
    ("sounds.list", 400): case(lang="e\0n"),
    ("mailboxes.update", 400): case(newMessages="many"),
    ("playbacks.control", 400): case(operation="dance"),
    ("playbacks.control", 409): case(_queue_behind_a_playback),
    ("recordings.copyStored", 400): case(destinationRecordingName=None),
    ("recordings.copyStored", 409): case("recordings.copyStored"),
    ("recordings.getStoredFile", 412): case(headers={"If-Match": '"another"'}),
    ("recordings.getStoredFile", 416): case(headers={"Range": "bytes=9999-"}),
    ("recordings.listStored", 400): case(limit=0),
    **{
        (f"recordings.{name}", 409): case(_record_to_a_slow_disk)
        for name in ("pause", "unpause", "mute", "unmute")
    },
}

HAS_NO_STATE = "what has not begun is stopped before it begins"
IS_OURS = "a file that the server can't read is a fault of its installation: 500"

NEVER: dict[Key, str] = {
    (
        "applications.unsubscribe",
        409,
    ): "a subscription can be given up in every state",
    ("channels.externalMedia", 404): "the media are connected once the channel is there",
    ("channels.getChannelVar", 409): "a variable can be read whoever has the channel",
    ("channels.getChannelVars", 409): "a variable can be read whoever has the channel",
    ("channels.rtpstatistics", 403): "there is nothing to be permitted",
    ("endpoints.get", 400): "a name that can't be one is not found",
    ("recordings.cancel", 409): HAS_NO_STATE,
    ("recordings.stop", 409): HAS_NO_STATE,
    ("recordings.copyStored", 403): IS_OURS,
    ("recordings.getStoredFile", 403): IS_OURS,
    ("sounds.list", 404): "the list is empty then",
}


def _declared() -> set[Key]:
    return {
        (name, int(code))
        for name, described in operations().items()
        for code in described["responses"]
        if code.isdigit() and int(code) >= 400
    }


def _fill_in() -> None:
    """Add the cases that are the same for every operation."""
    for name, code in sorted(_declared() - set(CASES) - set(NEVER)):
        described = operations()[name]
        wildcards = [p["name"] for p in described.get("parameters", ()) if p["in"] == "path"]
        match code:
            case 404 if wildcards:
                CASES[name, code] = Case({wildcards[0]: "nobody"})
            case 409 if described["path"].startswith("/bridges/"):
                CASES[name, code] = Case({"bridgeId": BASIC}, (join_a_call,))
            case 409 if described["path"].startswith("/channels/"):
                CASES[name, code] = Case({"channelId": ALONE})
            case 412:
                CASES[name, code] = Case({"channelId": EARLY}, ("channels.create",))
            case 400 if described["method"] == "post":
                CASES[name, code] = Case({"headers": {"Idempotency-Key": "k" * 256}})
            case 422 if described["method"] == "post":
                CASES[name, code] = Case({"headers": {"Idempotency-Key": "used"}}, (_use_the_key,))


async def _use_the_key(web: Web) -> None:
    headers = {"Idempotency-Key": "used"}
    assert (await send(web, "asterisk.setGlobalVar", value="used", headers=headers)).status == 204


_fill_in()


@pytest.fixture
async def web(node: NodeUnderTest, tmp_path: Path) -> AsyncIterator[Web]:
    async with serve(node, ari=ARI) as made:
        await set_the_scene(node, tmp_path)
        yield made


@pytest.mark.parametrize(("operation_id", "code"), sorted(CASES))
async def test_the_documented_code_is_what_the_server_says(
    web: Web, operation_id: str, code: int
) -> None:
    made = CASES[operation_id, code]
    await take(web, BEFORE.get(operation_id, ()) if made.before is None else made.before)
    answer = await send(web, operation_id, **made.changes)
    assert answer.status == code, answer.body
    if answer.body:
        responses = operations()[operation_id]["responses"]
        example = responses[str(code)]["content"]["application/json"]["example"]
        assert answer.json == example


def test_every_documented_code_is_provoked_or_has_a_reason_not_to_be() -> None:
    assert set(CASES) | set(NEVER) == _declared()
    assert not set(CASES) & set(NEVER)


def test_every_published_operation_and_code_is_documented_handled_and_provoked() -> None:
    handled = {operation.operation_id for operation in load_operations(load_bundle())}
    for row in PUBLISHED["operations"]:
        name = f"{row['resource']}.{row['nickname']}"
        assert name in operations()
        assert name in handled
        for code in row["errors"]:
            assert (name, code) in CASES or (name, code) in NEVER
