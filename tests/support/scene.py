"""The node that the examples of the interface speak of, and the requests that they make."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from server.config.sections.ari import Ari
from server.resources.broadcasts import Offer
from server.resources.channel import Channel
from server.resources.modules import Module
from server.resources.stasis_calls import enter_stasis
from server.stasis.options import read_options
from tests.support.fake_tech import FakeTransfer
from tests.support.node import NodeUnderTest, settle
from tests.support.web import DEFAULT_ARI, Answer, Web, document

ARI = Ari(users=DEFAULT_ARI.users, timeline=True)
CALLER, SECOND = "1700000000.0", "1700000000.1"  # ringing in the application `ivr`
OFFERED = "1700000000.2"  # offered to all applications
ALONE = "1700000000.3"  # the dialplan's
BASIC = "basic"  # stands for the bridge that Dial() made; ALONE is in it
MUSIC_BYTES = b"RIFF" + bytes(60)

Step = str | Callable[[Web], Awaitable[None]]


@cache
def operations() -> dict[str, dict[str, Any]]:
    """Return the description of every operation by its id."""
    return {
        item["operationId"]: {**item, "path": path, "method": method}
        for path, methods in document()["paths"].items()
        for method, item in methods.items()
    }


def request_of(operation_id: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the documented request: parameters by name, and the body."""
    described = operations()[operation_id]
    parameters = {
        item["name"]: item["example"]
        for item in described.get("parameters", ())
        if "example" in item and item["in"] != "header"
    }
    if "requestBody" not in described:
        return parameters, None
    return parameters, described["requestBody"]["content"]["application/json"]["example"]


def as_text(value: Any) -> str:
    """Write a value as it stands in a query."""
    if isinstance(value, list):
        return ",".join(map(as_text, value))
    return value if isinstance(value, str) else json.dumps(value)


async def send(web: Web, operation_id: str, /, **changes: Any) -> Answer:
    """Send the documented request of an operation and check that its answer is declared.

    :param changes: parameters that are to be others, ``None`` to leave one out; ``json`` is
        the body, ``headers`` are headers.
    """
    described = operations()[operation_id]
    parameters, body = request_of(operation_id)
    body = changes.pop("json", body)
    headers = changes.pop("headers", {})
    parameters = {k: v for k, v in {**parameters, **changes}.items() if v is not None}
    if BASIC in parameters.values():
        basic = next(bridge.id for bridge in web.node.bridges if bridge.id not in ("room", "other"))
        parameters = {k: basic if v == BASIC else v for k, v in parameters.items()}
    names = [part[1:-1] for part in described["path"].split("/") if part.startswith("{")]
    values = [as_text(parameters.pop(name)) for name in names]
    options: dict[str, Any] = {"headers": headers}
    if body is not None:
        options["json"] = body
    params = {name: as_text(value) for name, value in parameters.items()}
    return await web.call(operation_id, *values, params=params, **options)


async def take(web: Web, steps: tuple[Step, ...]) -> None:
    """Go through what has to be done before a request makes sense."""
    for step in steps:
        if isinstance(step, str):
            answer = await send(web, step)
            assert answer.status < 300, f"{step}: {answer.status} {answer.body!r}"
        else:
            await step(web)
        await settle()


async def set_the_scene(node: NodeUnderTest, recordings: Path) -> None:
    """Make the applications, calls, files and modules that the examples name."""
    node.connect("ivr")
    node.connect("queue")
    node.connect("shared", options=read_options(share=True, worker="w1"))
    node.dialplan.extensions |= {
        "stasis": lambda channel: enter_stasis(channel, "ivr", []),
        "offered": _offer,
        "alone": _wait,
        "join": lambda channel: node.bridges.connect(channel, node.registry.get(ALONE)),
    }
    for endpoint, exten in (("alice", "stasis"), ("bob", "stasis"), ("alice", "offered"),
                            ("bob", "alone")):  # fmt: skip
        await node.call(endpoint, exten)
    (recordings / "greeting.wav").write_bytes(MUSIC_BYTES)
    _add_modules(node)
    info = SimpleNamespace(id="hello-world", text="Hello world.", formats=(("en", "wav"),))
    node.node.sounds.list = lambda: [info]  # type: ignore
    node.node.sounds.get = lambda name: info if name == info.id else None  # type: ignore


def _add_modules(node: NodeUnderTest) -> None:
    async def reload(_name: str) -> None:
        await settle()

    node.modules.add(Module("app_queue.so", "Queue", load=_nothing, unload=_nothing))
    node.modules.add(Module("res_pjsip.so", "SIP", can_reload=True))
    node.modules.set_reloader(reload)


def _nothing() -> None:
    pass


async def _wait(channel: Channel) -> None:
    await channel.wait_hangup()


async def _offer(channel: Channel) -> None:
    offer = Offer(channel, channel.node.applications.registered(), is_announced=False)
    channel.node.offers[channel.id] = offer
    await offer.wait(5)
    await channel.wait_hangup()


# steps


async def ask_for_transfer(web: Web) -> None:
    """Be the caller's phone, which asks for a transfer that is left to the application."""
    web.node.registry.get(CALLER).transfer_handling = "ari-only"
    listener = web.node.phones.legs[0].listener
    assert listener is not None
    listener.on_transfer(FakeTransfer())


async def join_a_call(web: Web) -> None:
    """Let the dialplan make a bridge of its own, as Dial() does: :data:`BASIC`."""
    await web.node.call("carol", "join")


_ROOM: tuple[Step, ...] = ("bridges.createWithId",)
_MEMBERS: tuple[Step, ...] = (*_ROOM, "bridges.addChannel")
_BRIDGE_VARS: tuple[Step, ...] = (*_ROOM, "bridges.setBridgeVars")
_PLAYING: tuple[Step, ...] = ("channels.playWithId",)
_RECORDING: tuple[Step, ...] = ("channels.record",)

# What has to be done before the request of an operation makes sense: other examples, or steps.
BEFORE: dict[str, tuple[Step, ...]] = {
    "applications.unsubscribe": ("applications.subscribe",),
    "asterisk.deleteLog": ("asterisk.addLog",),
    "asterisk.rotateLog": ("asterisk.addLog",),
    "asterisk.getObject": ("asterisk.updateObject",),
    "asterisk.deleteObject": ("asterisk.updateObject",),
    "asterisk.loadModule": ("asterisk.unloadModule",),
    **{
        f"bridges.{name}": _ROOM
        for name in ("get", "destroy", "addChannel", "startMoh", "play", "playWithId", "record",
                     "setBridgeVar", "setBridgeVars", "clearVideoSource")
    },
    "bridges.removeChannel": _MEMBERS,
    "bridges.setVideoSource": _MEMBERS,
    "bridges.stopMoh": (*_ROOM, "bridges.startMoh"),
    "bridges.getBridgeVar": _BRIDGE_VARS,
    "bridges.getBridgeVars": _BRIDGE_VARS,
    "channels.dial": ("channels.create",),
    "channels.getChannelVar": ("channels.setChannelVars",),
    "channels.getChannelVars": ("channels.setChannelVars",),
    "channels.transfer_progress": (ask_for_transfer,),
    "deviceStates.delete": ("deviceStates.update",),
    "mailboxes.get": ("mailboxes.update",),
    "mailboxes.delete": ("mailboxes.update",),
    **{f"playbacks.{name}": _PLAYING for name in ("get", "stop", "control")},
    **{f"recordings.{name}": _RECORDING for name in ("getLive", "cancel", "stop", "pause", "mute")},
    "recordings.unpause": (*_RECORDING, "recordings.pause"),
    "recordings.unmute": (*_RECORDING, "recordings.mute"),
}  # fmt: skip
