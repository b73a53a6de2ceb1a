"""Every error code that is published for bridges and snoop channels, provoked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from server.resources.channel import Channel
from tests.support.node import NodeUnderTest, settle
from tests.support.web import Web, serve

PUBLISHED = json.loads((Path(__file__).parents[1] / "data/ari.json").read_text(encoding="utf-8"))

# Ids: "b" and "other" are an application's bridges, "basic" stands for the one that Dial() made.
# Channels: "member" is in "b", "free" in none, "recorded" is just being recorded, "alone" is the
# dialplan's.
BAD_VALUE = {"variables": {"A": {"value": 7}}}
PLAY = {"media": "sound:x"}
RECORD = {"name": "r", "format": "wav"}
SNOOP = {"app": "test", "spy": "in"}

Case = tuple[str, tuple[str, ...], dict[str, Any], int]

CASES: list[Case] = [
    ("bridges.create", (), {"params": {"type": "rope"}}, 400),
    ("bridges.create", (), {"params": {"type": "mixing,holding"}}, 400),
    ("bridges.create", (), {"params": {"bridgeId": "y" * 999}}, 400),
    ("bridges.create", (), {"json": BAD_VALUE}, 400),
    ("bridges.create", (), {"json": {"variables": "x"}}, 400),
    ("bridges.create", (), {"params": {"bridgeId": "b"}}, 409),
    ("bridges.create", (), {"params": {"bridgeId": "basic"}}, 409),
    ("bridges.createWithId", ("new",), {"params": {"type": "rope"}}, 400),
    ("bridges.createWithId", ("new",), {"json": BAD_VALUE}, 400),
    ("bridges.createWithId", ("b",), {}, 409),
    ("bridges.createWithId", ("b",), {"params": {"type": "mixing", "name": "x"}}, 409),
    ("bridges.get", ("nothing",), {}, 404),
    ("bridges.destroy", ("nothing",), {}, 404),
    ("bridges.destroy", ("basic",), {}, 409),
    ("bridges.addChannel", ("b",), {"params": {"channel": "nobody"}}, 400),
    ("bridges.addChannel", ("b",), {"params": {"channel": ""}}, 400),
    ("bridges.addChannel", ("b",), {"params": {"channel": "free", "role": "captain"}}, 400),
    ("bridges.addChannel", ("nothing",), {"params": {"channel": "free"}}, 404),
    ("bridges.addChannel", ("basic",), {"params": {"channel": "free"}}, 409),
    ("bridges.addChannel", ("b",), {"params": {"channel": "recorded"}}, 409),
    ("bridges.addChannel", ("b",), {"params": {"channel": "alone"}}, 422),
    ("bridges.removeChannel", ("b",), {"params": {"channel": "nobody"}}, 400),
    ("bridges.removeChannel", ("nothing",), {"params": {"channel": "member"}}, 404),
    ("bridges.removeChannel", ("basic",), {"params": {"channel": "member"}}, 409),
    ("bridges.removeChannel", ("b",), {"params": {"channel": "free"}}, 422),
    ("bridges.removeChannel", ("other",), {"params": {"channel": "member"}}, 422),
    ("bridges.setVideoSource", ("nothing", "member"), {}, 404),
    ("bridges.setVideoSource", ("b", "nobody"), {}, 404),
    ("bridges.setVideoSource", ("basic", "member"), {}, 409),
    ("bridges.setVideoSource", ("b", "alone"), {}, 409),
    ("bridges.setVideoSource", ("other", "member"), {}, 422),
    ("bridges.clearVideoSource", ("nothing",), {}, 404),
    ("bridges.clearVideoSource", ("basic",), {}, 409),
    ("bridges.startMoh", ("nothing",), {}, 404),
    ("bridges.startMoh", ("basic",), {}, 409),
    ("bridges.stopMoh", ("nothing",), {}, 404),
    ("bridges.stopMoh", ("b",), {}, 409),
    ("bridges.play", ("b",), {"params": {"media": "nonsense"}}, 400),
    ("bridges.play", ("nothing",), {"params": PLAY}, 404),
    ("bridges.play", ("basic",), {"params": PLAY}, 409),
    ("bridges.play", ("b",), {"params": {**PLAY, "announcer_format": "mp9"}}, 422),
    ("bridges.playWithId", ("nothing", "p"), {"params": PLAY}, 404),
    ("bridges.playWithId", ("b", "playing"), {"params": PLAY}, 409),
    ("bridges.playWithId", ("b", "p"), {"params": {**PLAY, "announcer_format": "x"}}, 422),
    ("bridges.record", ("b",), {"params": {**RECORD, "ifExists": "ask"}}, 400),
    ("bridges.record", ("b",), {"params": {**RECORD, "terminateOn": "9"}}, 400),
    ("bridges.record", ("nothing",), {"params": RECORD}, 404),
    ("bridges.record", ("basic",), {"params": RECORD}, 409),
    ("bridges.record", ("b",), {"params": {**RECORD, "name": "taken"}}, 409),
    ("bridges.record", ("b",), {"params": {**RECORD, "format": "mp9"}}, 422),
    ("bridges.record", ("b",), {"params": {**RECORD, "recorder_format": "mp9"}}, 422),
    ("bridges.getBridgeVar", ("b",), {}, 400),
    ("bridges.getBridgeVar", ("b",), {"params": {"variable": " "}}, 400),
    ("bridges.getBridgeVar", ("b",), {"params": {"variable": "UNSET"}}, 404),
    ("bridges.getBridgeVar", ("nothing",), {"params": {"variable": "A"}}, 404),
    ("bridges.getBridgeVar", ("basic",), {"params": {"variable": "A"}}, 409),
    ("bridges.setBridgeVar", ("b",), {"params": {"value": "x"}}, 400),
    ("bridges.setBridgeVar", ("b",), {"params": {"variable": "A", "report_events": "x"}}, 400),
    ("bridges.setBridgeVar", ("nothing",), {"params": {"variable": "A"}}, 404),
    ("bridges.setBridgeVar", ("basic",), {"params": {"variable": "A"}}, 409),
    ("bridges.getBridgeVars", ("b",), {}, 400),
    ("bridges.getBridgeVars", ("b",), {"params": {"variables": "UNSET"}}, 404),
    ("bridges.getBridgeVars", ("nothing",), {"params": {"variables": "A"}}, 404),
    ("bridges.getBridgeVars", ("basic",), {"params": {"variables": "A"}}, 409),
    ("bridges.setBridgeVars", ("b",), {}, 400),
    ("bridges.setBridgeVars", ("b",), {"json": {"variables": []}}, 400),
    ("bridges.setBridgeVars", ("b",), {"json": BAD_VALUE}, 400),
    ("bridges.setBridgeVars", ("nothing",), {"json": {"variables": {"A": "1"}}}, 404),
    ("bridges.setBridgeVars", ("basic",), {"json": {"variables": {"A": "1"}}}, 409),
    ("channels.snoopChannel", ("free",), {"params": {"spy": "in"}}, 400),
    ("channels.snoopChannel", ("free",), {"params": {"app": "test"}}, 400),
    ("channels.snoopChannel", ("free",), {"params": {**SNOOP, "spy": "up"}}, 400),
    ("channels.snoopChannel", ("free",), {"params": {**SNOOP, "whisper": "up"}}, 400),
    ("channels.snoopChannel", ("nobody",), {"params": SNOOP}, 404),
    ("channels.snoopChannel", ("free",), {"params": {**SNOOP, "snoopId": "taken"}}, 409),
    ("channels.snoopChannelWithId", ("free", "s"), {"params": {"app": "test"}}, 400),
    ("channels.snoopChannelWithId", ("free", "y" * 999), {"params": SNOOP}, 400),
    ("channels.snoopChannelWithId", ("nobody", "s"), {"params": SNOOP}, 404),
    ("channels.snoopChannelWithId", ("free", "taken"), {"params": SNOOP}, 409),
]


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node) as made:
        yield made
    for bridge in ("b", "other"):
        if bridge in node.bridges:
            node.bridges.destroy(bridge)


async def prepare(node: NodeUnderTest) -> dict[str, str]:
    """Make the bridges and channels that the cases name; return what their names stand for."""

    async def wait(channel: Channel) -> None:
        await channel.wait_hangup()

    async def join(channel: Channel) -> None:
        await node.bridges.connect(channel, node.channels.find(names["alone"]))

    node.connect()
    node.dialplan.extensions |= {"wait": wait, "join": join}
    names: dict[str, str] = {}
    for name, endpoint, exten in (
        ("member", "alice", "stasis"),
        ("free", "bob", "stasis"),
        ("recorded", "carol", "stasis"),
        ("alone", "alice", "wait"),
        ("partner", "bob", "join"),
    ):
        channel = await node.call(endpoint, exten)
        channel.answer()
        names[name] = channel.id
    names["taken"] = names["free"]
    names["basic"] = next(bridge.id for bridge in node.bridges)
    for bridge in ("b", "other"):
        node.bridges.create(bridge_id=bridge)
    node.bridges.add_channel("b", channel=[names["member"]])
    node.bridges.play("b", media=["sound:x"], playback_id="playing")
    await node.channels.record(names["recorded"], name="taken", file_format="wav")
    await settle()
    return names


@pytest.mark.parametrize(("operation_id", "values", "options", "status"), CASES)
async def test_the_refusal_has_the_published_code_and_a_reason(
    web: Web, operation_id: str, values: tuple[str, ...], options: dict[str, Any], status: int
) -> None:
    names = await prepare(web.node)
    bridges, channels = len(web.node.bridges), len(web.node.registry)
    if "params" in options:
        params = {key: names.get(value, value) for key, value in options["params"].items()}
        if "name" in params:
            params["name"] = options["params"]["name"]
        options = {**options, "params": params}
    answer = await web.call(operation_id, *(names.get(value, value) for value in values), **options)
    assert answer.status == status
    assert answer.message
    assert (len(web.node.bridges), len(web.node.registry)) == (bridges, channels)


def test_no_published_code_is_missing() -> None:
    ours = {operation for operation, *_ in CASES}
    published = {
        (f"{row['resource']}.{row['nickname']}", code)
        for row in PUBLISHED["operations"]
        for code in row["errors"]
        if row["resource"] == "bridges" or f"{row['resource']}.{row['nickname']}" in ours
    }
    assert published <= {(operation, status) for operation, _, _, status in CASES}
