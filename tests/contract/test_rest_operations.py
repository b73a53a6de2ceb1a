"""Every operation over HTTP: what it answers is what the spec declares, for good and bad input."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from server.http.spec import load_bundle, load_operations
from server.resources.broadcasts import Offer
from server.resources.channel import Channel
from server.resources.modules import Module
from server.stasis.options import read_options
from tests.support.node import NodeUnderTest, settle
from tests.support.web import Web, serve, validate_event

CALLED: set[str] = set()


class RecordingWeb(Web):
    """Remembers which operations were called."""

    async def call(self, operation_id: str, *values: str, **options: Any) -> Any:
        CALLED.add(operation_id)
        return await super().call(operation_id, *values, **options)


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node) as made:
        yield RecordingWeb(node, made.http, made.client)


async def offer_to_all(channel: Channel) -> None:
    """Be an extension that offers the call, as StasisBroadcast() does."""
    offer = Offer(channel, channel.node.applications.registered(), is_announced=False)
    channel.node.offers[channel.id] = offer
    await offer.wait(5)
    await channel.wait_hangup()


@pytest.fixture
async def call(web: Web) -> str:
    """The id of an answered call in the application ``test``."""
    web.node.connect()
    channel = await web.node.call()
    channel.answer()
    await settle()
    return channel.id


async def test_channels_are_listed_described_and_hung_up(web: Web, call: str) -> None:
    assert [c["id"] for c in (await web.call("channels.list")).json] == [call]
    described = await web.call("channels.get", call)
    assert described.json["state"] == "Up"
    assert described.json["dialplan"]["exten"] == "stasis"
    assert (await web.call("channels.hangup", call, params={"reason": "busy"})).status == 204
    await settle()
    assert (await web.call("channels.get", call)).status == 404


async def test_several_calls_end_in_one_request(web: Web) -> None:
    web.node.connect()
    made = [await web.node.call() for _ in range(3)]
    named = f"{made[0].id},nobody,{made[0].id},{made[1].id}"
    answer = await web.call("channels.hangupMany", params={"channelId": named, "reason": "busy"})
    assert answer.json == [
        {"id": made[0].id, "ended": True},
        {"id": "nobody", "ended": False, "message": "Channel not found"},
        {"id": made[1].id, "ended": True},
    ]
    await settle()
    assert [channel.hangup_cause for channel in made] == [17, 17, 0]
    assert (await web.call("channels.hangupMany", params={"app": "test"})).json == [
        {"id": made[2].id, "ended": True}
    ]
    await settle()
    assert len(web.node.registry) == 0


async def test_originate_gives_the_channel_its_id(web: Web) -> None:
    web.node.connect()
    answer = await web.call(
        "channels.originate",
        params={"endpoint": "PJSIP/bob", "app": "test", "channelId": "mine", "appArgs": "a,b"},
        json={"variables": {"COLOUR": "red"}},
    )
    assert (answer.status, answer.json["id"]) == (200, "mine")
    again = await web.call(
        "channels.originateWithId", "mine", params={"endpoint": "PJSIP/bob", "app": "test"}
    )
    assert again.status == 409


async def test_create_and_dial_are_two_steps(web: Web) -> None:
    web.node.connect()
    params = {"endpoint": "PJSIP/carol", "app": "test"}
    created = await web.call("channels.create", params=params)
    assert created.status == 200
    await settle()
    dialled = await web.call("channels.dial", created.json["id"], params={"timeout": "5"})
    assert dialled.status == 204


@pytest.mark.parametrize(
    ("operation_id", "params"),
    [
        ("channels.answer", {}),
        ("channels.ring", {}),
        ("channels.ringStop", {}),
        ("channels.progress", {}),
        ("channels.sendDTMF", {"dtmf": "12#"}),
        ("channels.mute", {"direction": "in"}),
        ("channels.unmute", {"direction": "in"}),
        ("channels.hold", {}),
        ("channels.unhold", {}),
        ("channels.startMoh", {"mohClass": "default"}),
        ("channels.stopMoh", {}),
        ("channels.startSilence", {}),
        ("channels.stopSilence", {}),
        ("channels.continueInDialplan", {"context": "default", "extension": "stasis"}),
        ("channels.move", {"app": "test", "appArgs": "again"}),
        ("channels.setChannelVar", {"variable": "COLOUR", "value": "red"}),
    ],
)
async def test_commands_need_an_existing_channel_in_an_application(
    web: Web, call: str, operation_id: str, params: dict[str, str]
) -> None:
    assert (await web.call(operation_id, "nobody", params=params)).status == 404
    assert (await web.call(operation_id, call, params=params)).status == 204
    web.node.dialplan.extensions["alone"] = _wait_for_hangup
    other = await web.node.call("bob", "alone")
    assert (await web.call(operation_id, other.id, params=params)).status == 409


async def _wait_for_hangup(channel: Any) -> None:
    await channel.wait_hangup()


async def test_redirect_declares_what_it_refuses(web: Web, call: str) -> None:
    params = {"endpoint": "PJSIP/bob"}
    assert (await web.call("channels.redirect", call, params=params)).status in (204, 422)
    assert (await web.call("channels.redirect", call)).status == 400


async def test_variables_one_and_many(web: Web, call: str) -> None:
    body = {"variables": {"COLOUR": "red", "SIZE": "XL"}}
    assert (await web.call("channels.setChannelVars", call, json=body)).status == 204
    one = await web.call("channels.getChannelVar", call, params={"variable": "COLOUR"})
    assert one.json == {"value": "red"}
    many = await web.call("channels.getChannelVars", call, params={"variables": "COLOUR,SIZE"})
    assert many.json == body
    assert (await web.call("channels.setChannelVars", call)).status == 400
    wrong = await web.call("channels.setChannelVars", call, json={"variables": {"N": 1}})
    assert wrong.status == 400
    assert wrong.message.startswith("variables:")


async def test_rtp_statistics(web: Web, call: str) -> None:
    assert (await web.call("channels.rtpstatistics", call)).json["channel_uniqueid"] == call


async def test_timelines_are_off(web: Web, call: str) -> None:
    assert (await web.call("channels.timeline", call)).status == 404


async def test_playback_from_start_to_stop(web: Web, call: str) -> None:
    started = await web.call("channels.play", call, params={"media": "sound:hello,sound:world"})
    assert started.status == 201
    assert started.json["media_uri"] == "sound:hello"
    named = await web.call("channels.playWithId", call, "p2", params={"media": "sound:again"})
    assert (named.status, named.json["id"]) == (201, "p2")
    playback = started.json["id"]
    assert (await web.call("playbacks.get", playback)).json["state"] == "playing"
    control = await web.call("playbacks.control", playback, params={"operation": "pause"})
    assert control.status == 204
    unknown = await web.call("playbacks.control", playback, params={"operation": "dance"})
    assert unknown.status == 400
    assert unknown.message.startswith("operation:")
    assert (await web.call("playbacks.stop", playback)).status == 204
    await settle()
    assert (await web.call("playbacks.get", playback)).status == 404


async def test_live_recording_from_start_to_stop(web: Web, call: str) -> None:
    params = {"name": "memo", "format": "wav", "terminateOn": "#", "ifExists": "overwrite"}
    started = await web.call("channels.record", call, params=params)
    assert (started.status, started.json["name"]) == (201, "memo")
    assert (await web.call("recordings.getLive", "memo")).json["format"] == "wav"
    for verb in ("pause", "unpause", "mute", "unmute", "stop"):
        assert (await web.call(f"recordings.{verb}", "memo")).status == 204, verb
    await settle()
    assert (await web.call("recordings.getLive", "memo")).status == 404
    await web.call("channels.record", call, params=params)
    assert (await web.call("recordings.cancel", "memo")).status == 204


async def test_stored_recordings(web: Web, tmp_path: Path) -> None:
    (tmp_path / "memo.wav").write_bytes(b"RIFF" + bytes(40))
    listed = await web.call("recordings.listStored")
    assert {"name": "memo", "format": "wav"} in listed.json
    assert (await web.call("recordings.getStored", "memo")).json["name"] == "memo"
    file = await web.call("recordings.getStoredFile", "memo")
    assert (file.status, file.body[:4]) == (200, b"RIFF")
    params = {"destinationRecordingName": "copy"}
    assert (await web.call("recordings.copyStored", "memo", params=params)).status == 200
    assert (await web.call("recordings.copyStored", "memo", params=params)).status == 409
    assert (await web.call("recordings.deleteStored", "copy")).status == 204
    for operation in ("getStored", "getStoredFile", "deleteStored"):
        assert (await web.call(f"recordings.{operation}", "copy")).status == 404


async def test_recordings_stay_in_their_folder(web: Web, tmp_path: Path) -> None:
    (tmp_path.parent / "outside.wav").write_bytes(b"secret")
    answer = await web.call("recordings.getStoredFile", "..%2Foutside")
    assert answer.status in (403, 404)


async def test_bridge_from_creation_to_end(web: Web, call: str) -> None:
    created = await web.call("bridges.create", params={"type": "mixing", "name": "room"})
    bridge = created.json["id"]
    named = await web.call("bridges.createWithId", "b2", params={"type": "holding"})
    assert named.json["bridge_type"] == "holding"
    assert len((await web.call("bridges.list")).json) == 2
    added = await web.call("bridges.addChannel", bridge, params={"channel": call})
    assert added.status == 204
    assert (await web.call("bridges.get", bridge)).json["channels"] == [call]
    assert (await web.call("bridges.addChannel", bridge, params={"channel": "no"})).status == 400
    for verb in ("startMoh", "stopMoh"):
        assert (await web.call(f"bridges.{verb}", bridge)).status == 204
    media = {"media": "sound:hello", "announcer_format": "slin16"}
    assert (await web.call("bridges.play", bridge, params=media)).status == 201
    assert (await web.call("bridges.playWithId", bridge, "p", params=media)).status == 201
    record = {"name": "room", "format": "wav", "recorder_format": "slin16"}
    assert (await web.call("bridges.record", bridge, params=record)).status == 201
    removed = await web.call("bridges.removeChannel", bridge, params={"channel": call})
    assert removed.status == 204
    for name in (bridge, "b2"):
        assert (await web.call("bridges.destroy", name)).status == 204
        assert (await web.call("bridges.get", name)).status == 404
    await settle()


async def test_endpoints(web: Web) -> None:
    listed = (await web.call("endpoints.list")).json
    assert {"alice", "bob"} <= {endpoint["resource"] for endpoint in listed}
    assert (await web.call("endpoints.listByTech", "PJSIP")).json
    assert (await web.call("endpoints.listByTech", "Morse")).status == 404
    assert (await web.call("endpoints.get", "PJSIP", "alice")).json["resource"] == "alice"
    assert (await web.call("endpoints.get", "PJSIP", "nobody")).status == 404


async def test_applications(web: Web, call: str) -> None:
    assert [app["name"] for app in (await web.call("applications.list")).json] == ["test"]
    assert (await web.call("applications.get", "other")).status == 404
    source = {"eventSource": "endpoint:PJSIP/alice,endpoint:PJSIP/bob"}
    subscribed = await web.call("applications.subscribe", "test", params=source)
    assert subscribed.json["endpoint_ids"] == ["PJSIP/alice", "PJSIP/bob"]
    missing = {"eventSource": "channel:nobody"}
    assert (await web.call("applications.subscribe", "test", params=missing)).status == 422
    malformed = {"eventSource": "weather:today"}
    assert (await web.call("applications.subscribe", "test", params=malformed)).status == 400
    unsubscribed = await web.call("applications.unsubscribe", "test", params=source)
    assert unsubscribed.json["endpoint_ids"] == []
    body = {"allowed": [{"type": "StasisStart"}]}
    filtered = await web.call("applications.filter", "test", json=body)
    assert filtered.json["events_allowed"] == body["allowed"]
    lifted = await web.call("applications.filter", "test")
    assert lifted.json["events_allowed"] == []


async def test_asterisk(web: Web) -> None:
    assert (await web.call("asterisk.ping")).json["ping"] == "pong"
    whole = (await web.call("asterisk.getInfo")).json
    assert set(whole) == {"build", "system", "config", "status"}
    part = (await web.call("asterisk.getInfo", params={"only": "system"})).json
    assert set(part) == {"system"}
    variable = {"variable": "COLOUR", "value": "red"}
    assert (await web.call("asterisk.setGlobalVar", params=variable)).status == 204
    read = await web.call("asterisk.getGlobalVar", params={"variable": "COLOUR"})
    assert read.json == {"value": "red"}
    assert (await web.call("asterisk.getGlobalVar")).status == 400


async def test_device_states(web: Web) -> None:
    state = {"deviceState": "INUSE"}
    assert (await web.call("deviceStates.update", "Stasis:door", params=state)).status == 204
    assert (await web.call("deviceStates.get", "Stasis:door")).json["state"] == "INUSE"
    assert (await web.call("deviceStates.list")).json == [{"name": "Stasis:door", "state": "INUSE"}]
    assert (await web.call("deviceStates.delete", "Stasis:door")).status == 204


async def test_mailboxes(web: Web) -> None:
    counts = {"oldMessages": "2", "newMessages": "1"}
    assert (await web.call("mailboxes.update", "100@default", params=counts)).status == 204
    mailbox = {"name": "100@default", "old_messages": 2, "new_messages": 1}
    assert (await web.call("mailboxes.get", "100@default")).json == mailbox
    assert (await web.call("mailboxes.list")).json == [mailbox]
    assert (await web.call("mailboxes.delete", "100@default")).status == 204


async def test_modules(web: Web) -> None:
    async def reload(_name: str) -> None:
        await asyncio.sleep(0)

    web.node.modules.add(Module("app_x.so", "X", load=lambda: None, unload=lambda: None))
    web.node.modules.add(Module("res_x.so", "X", can_reload=True))
    web.node.modules.set_reloader(reload)
    assert [m["name"] for m in (await web.call("asterisk.listModules")).json] == [
        "app_x.so",
        "res_x.so",
    ]
    assert (await web.call("asterisk.getModule", "app_x.so")).json["status"] == "Running"
    assert (await web.call("asterisk.unloadModule", "app_x.so")).status == 204
    assert (await web.call("asterisk.loadModule", "app_x.so")).status == 204
    assert (await web.call("asterisk.reloadModule", "res_x.so")).status == 204


async def test_log_channels(web: Web) -> None:
    levels = {"configuration": "notice,warning"}
    assert (await web.call("asterisk.addLog", "extra", params=levels)).status == 204
    (listed,) = [c for c in (await web.call("asterisk.listLogChannels")).json if "extra" in str(c)]
    assert (listed["type"], listed["configuration"]) == ("File", "NOTICE WARNING")
    assert (await web.call("asterisk.rotateLog", "extra")).status == 204
    assert (await web.call("asterisk.deleteLog", "extra")).status == 204


async def test_configuration_objects(web: Web) -> None:
    fields = [{"attribute": "max_contacts", "value": "2"}]
    path = ("res_pjsip", "aor", "alice")
    made = await web.call("asterisk.updateObject", *path, json={"fields": fields})
    assert {"attribute": "max_contacts", "value": "2"} in made.json
    assert (await web.call("asterisk.getObject", *path)).json == made.json
    assert (await web.call("asterisk.deleteObject", *path)).status == 204


async def test_user_events_reach_the_application(web: Web, call: str) -> None:
    app = web.node.connect()
    params = {"application": "test", "source": f"channel:{call}"}
    body = {"variables": {"stock": 3}}
    answer = await web.call("events.userEvent", "Restocked", params=params, json=body)
    assert answer.status == 204
    await settle()
    (event,) = app.of("ChannelUserevent")
    assert event["userevent"]["stock"] == 3
    unknown = await web.call("events.userEvent", "X", params={"application": "nobody"})
    assert unknown.status == 404


async def test_calls_are_claimed(web: Web) -> None:
    web.node.connect("one")
    web.node.connect("two")
    web.node.dialplan.extensions["offered"] = offer_to_all
    channel = await web.node.call(exten="offered")
    params = {"channelId": channel.id, "application": "one"}
    assert (await web.call("events.claimChannel", params=params)).status == 204
    params["application"] = "two"
    assert (await web.call("events.claimChannel", params=params)).status == 409
    params["channelId"] = "other"
    assert (await web.call("events.claimChannel", params=params)).status == 404
    assert (await web.call("events.claimChannel")).status == 400


async def test_workers_are_listed_and_drained(web: Web) -> None:
    web.node.connect(options=read_options(share=True, worker="w", weight=2))
    for verb, is_draining in (("drainWorker", True), ("undrainWorker", False)):
        assert (await web.call(f"applications.{verb}", "test", "w")).status == 204
        assert (await web.call(f"applications.{verb}", "test", "x")).status == 404
        (worker,) = (await web.call("applications.listWorkers", "test")).json
        assert (worker["weight"], worker["draining"]) == (2, is_draining)
    assert (await web.call("applications.listWorkers", "nobody")).status == 404


async def test_sounds(web: Web) -> None:
    library = web.node.node.sounds
    info = SimpleNamespace(id="hello", text="Hello.", formats=(("en", "wav"), ("de", "gsm")))
    library.list = lambda: [info]  # type: ignore
    library.get = lambda name: info if name == "hello" else None  # type: ignore
    assert (await web.call("sounds.list", params={"lang": "de"})).json[0]["id"] == "hello"
    assert (await web.call("sounds.list", params={"lang": "fr"})).json == []
    assert (await web.call("sounds.get", "hello")).json["text"] == "Hello."
    assert (await web.call("sounds.get", "nothing")).status == 404


async def test_messages_and_referrals(web: Web, call: str) -> None:
    texts = {"to": "pjsip:alice", "from": "server", "body": "hello"}
    refers = {"to": "pjsip:alice", "from": "server", "refer_to": "pjsip:bob"}
    for operation, params in (("sendMessage", texts), ("refer", refers)):
        assert (await web.call(f"endpoints.{operation}", params=params)).status == 202
    for operation, params in (("sendMessageToEndpoint", texts), ("referToEndpoint", refers)):
        del params["to"]
        answer = await web.call(f"endpoints.{operation}", "PJSIP", "alice", params=params)
        assert answer.status == 202
    done = {"states": "channel_answered"}
    assert (await web.call("channels.transfer_progress", call, params=done)).status == 412


async def test_bridges_have_variables(web: Web) -> None:
    body = {"variables": {"TOPIC": "sales", "HOST": {"value": "alice", "report_events": True}}}
    made = await web.call("bridges.create", params={"bridgeId": "b"}, json=body)
    assert made.json["bridgevars"] == {"HOST": "alice"}
    named = await web.call("bridges.createWithId", "c", json=body)
    assert named.json["bridgevars"] == {"HOST": "alice"}
    read = await web.call("bridges.getBridgeVar", "b", params={"variable": "TOPIC"})
    assert read.json == {"value": "sales"}
    params = {"variable": "TOPIC", "value": "support", "report_events": "true"}
    assert (await web.call("bridges.setBridgeVar", "b", params=params)).status == 204
    several_set = await web.call("bridges.setBridgeVars", "b", json={"variables": {"A": "1"}})
    assert several_set.status == 204
    several = await web.call("bridges.getBridgeVars", "b", params={"variables": "A,TOPIC"})
    assert several.json == {"variables": {"A": "1", "TOPIC": "support"}}
    assert (await web.call("bridges.get", "b")).json["bridgevars"] == {
        "HOST": "alice",
        "TOPIC": "support",
    }


async def test_a_bridge_has_a_video_source(web: Web, call: str) -> None:
    app = web.node.connect()
    await web.call("bridges.createWithId", "b", params={"type": "mixing,video_single"})
    await web.call("bridges.addChannel", "b", params={"channel": call})
    assert (await web.call("bridges.setVideoSource", "b", call)).status == 204
    assert (await web.call("bridges.get", "b")).json["video_source_id"] == call
    assert (await web.call("bridges.clearVideoSource", "b")).status == 204
    assert (await web.call("bridges.get", "b")).json["video_mode"] == "talker"
    await settle()
    changes = app.of("BridgeVideoSourceChanged")
    for event in changes:
        validate_event(event)
    assert [event.get("old_video_source_id") for event in changes] == [None, call]


async def test_external_media(web: Web) -> None:
    web.node.connect()
    params = {"app": "test", "external_host": "127.0.0.1:9000", "format": "ulaw"}
    answer = await web.call("channels.externalMedia", params={**params, "channelId": "media"})
    assert (answer.status, answer.json["id"]) == (200, "media")
    assert (await web.call("channels.hangup", "media")).status == 204


async def test_a_channel_is_spied_on(web: Web, call: str) -> None:
    params = {"app": "test", "spy": "both", "whisper": "out", "appArgs": "a,b"}
    answer = await web.call("channels.snoopChannel", call, params={**params, "snoopId": "s1"})
    assert (answer.status, answer.json["id"], answer.json["state"]) == (200, "s1", "Up")
    assert answer.json["name"].startswith(f"Snoop/{call}-")
    named = await web.call("channels.snoopChannelWithId", call, "s2", params=params)
    assert (named.status, named.json["id"]) == (200, "s2")
    again = await web.call("channels.snoopChannelWithId", call, "s2", params=params)
    assert again.status == 409
    await settle()
    assert (await web.call("channels.rtpstatistics", "s1")).status == 404
    assert (await web.call("channels.hangup", "s1")).status == 204


async def test_events_follow_their_schemas(web: Web) -> None:
    app = web.node.connect(subscribe_all=True)
    channel = await web.node.call()
    channel.answer()
    await web.call("bridges.createWithId", "b", params={"type": "mixing"})
    await web.call("bridges.addChannel", "b", params={"channel": channel.id})
    await web.call("channels.play", channel.id, params={"media": "sound:hello"})
    await web.call("bridges.removeChannel", "b", params={"channel": channel.id})
    await web.call("channels.record", channel.id, params={"name": "m", "format": "wav"})
    channel.on_dtmf("5", 120)
    await web.call("channels.setChannelVar", channel.id, params={"variable": "A", "value": "1"})
    await web.call("channels.hangup", channel.id)
    await web.call("bridges.destroy", "b")
    await settle()
    for event in app.events:
        validate_event(event)
    assert {"ChannelDtmfReceived", "BridgeDestroyed", "ChannelVarset"} <= set(app.types)


async def test_websocket_handshake_is_needed(web: Web) -> None:
    assert (await web.call("events.eventWebsocket", params={"app": "a"})).status == 426
    assert (await web.call("events.eventWebsocket")).status == 400


@pytest.mark.parametrize("operation_id", ["originate", "originateWithId", "create"])
async def test_a_new_channel_shows_variables_on_request(web: Web, operation_id: str) -> None:
    web.node.connect()
    values = ("mine",) if operation_id == "originateWithId" else ()
    params = {"endpoint": "PJSIP/bob", "app": "test"}
    shown = {"value": "gold", "report_events": True}
    body = {"variables": {"CUSTOMER": shown, " TICKET ": {"value": "7"}, "PLAIN": "x"}}
    made = await web.call(f"channels.{operation_id}", *values, params=params, json=body)
    assert made.json["channelvars"] == {"CUSTOMER": "gold"}
    names = {"variables": "CUSTOMER,TICKET,PLAIN"}
    read = await web.call("channels.getChannelVars", made.json["id"], params=names)
    assert read.json["variables"] == {"CUSTOMER": "gold", "TICKET": "7", "PLAIN": "x"}


async def test_several_variables_are_shown_on_request(web: Web, call: str) -> None:
    body = {"variables": {"A": {"value": "1", "report_events": True}, "B": {"value": "2"}}}
    assert (await web.call("channels.setChannelVars", call, json=body)).status == 204
    assert (await web.call("channels.get", call)).json["channelvars"] == {"A": "1"}


@pytest.mark.parametrize(
    "value", [1, 1.5, True, None, [], {}, {"value": 1}, {"value": "x", "report_events": 1}]
)
@pytest.mark.parametrize("operation_id", ["originate", "create", "externalMedia", "setChannelVars"])
async def test_a_variable_of_another_kind_is_refused_by_name(
    web: Web, call: str, operation_id: str, value: Any
) -> None:
    params = {
        "endpoint": "PJSIP/bob",
        "app": "test",
        "format": "ulaw",
        "external_host": "127.0.0.1:9",
    }
    values = (call,) if operation_id == "setChannelVars" else ()
    body = {"variables": {"GOOD": "x", "BAD": value}}
    answer = await web.call(f"channels.{operation_id}", *values, params=params, json=body)
    assert answer.status == 400
    assert "'BAD'" in answer.message
    assert len(web.node.registry) == 1
    assert web.node.registry.get(call).variables.get("GOOD") is None


def test_every_operation_was_called() -> None:
    declared = {operation.operation_id for operation in load_operations(load_bundle())}
    assert not declared - CALLED
