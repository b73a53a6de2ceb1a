"""What is refused is refused with a declared code: channels that are too early, gone or foreign."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.node import NodeUnderTest, settle
from tests.support.web import Web, serve


@pytest.fixture
async def web(node: NodeUnderTest) -> AsyncIterator[Web]:
    async with serve(node) as made:
        yield made


COMMANDS: list[tuple[str, dict[str, str]]] = [
    ("channels.answer", {}),
    ("channels.ring", {}),
    ("channels.ringStop", {}),
    ("channels.progress", {}),
    ("channels.sendDTMF", {"dtmf": "1"}),
    ("channels.mute", {}),
    ("channels.unmute", {}),
    ("channels.hold", {}),
    ("channels.unhold", {}),
    ("channels.startMoh", {}),
    ("channels.stopMoh", {}),
    ("channels.startSilence", {}),
    ("channels.stopSilence", {}),
    ("channels.play", {"media": "sound:hello"}),
    ("channels.record", {"name": "r", "format": "wav"}),
    ("channels.redirect", {"endpoint": "PJSIP/bob"}),
    ("channels.continueInDialplan", {}),
    ("channels.move", {"app": "elsewhere"}),
    ("channels.getChannelVar", {"variable": "A"}),
    ("channels.setChannelVar", {"variable": "A"}),
    ("channels.getChannelVars", {"variables": "A"}),
    ("channels.rtpstatistics", {}),
]


@pytest.mark.parametrize(("operation_id", "params"), COMMANDS)
async def test_a_channel_that_was_not_dialled_yet(
    web: Web, operation_id: str, params: dict[str, str]
) -> None:
    web.node.connect()
    new = {"endpoint": "PJSIP/carol", "app": "test", "channelId": "early"}
    assert (await web.call("channels.create", params=new)).status == 200
    await settle()
    await web.call(operation_id, "early", params=params)


@pytest.mark.parametrize(("operation_id", "params"), COMMANDS)
async def test_a_channel_that_the_dialplan_has(
    web: Web, operation_id: str, params: dict[str, str]
) -> None:
    async def wait_for_hangup(channel: Any) -> None:
        await channel.wait_hangup()

    web.node.dialplan.extensions["alone"] = wait_for_hangup
    channel = await web.node.call("bob", "alone")
    await web.call(operation_id, channel.id, params=params)


@pytest.mark.parametrize(("operation_id", "params"), COMMANDS)
async def test_a_channel_that_nobody_knows(
    web: Web, operation_id: str, params: dict[str, str]
) -> None:
    assert (await web.call(operation_id, "nobody", params=params)).status == 404


WRONG: list[tuple[str, tuple[str, ...], dict[str, str]]] = [
    ("channels.originate", (), {"endpoint": "Morse/x", "app": "test"}),
    ("channels.originate", (), {"endpoint": "nonsense", "app": "test"}),
    ("channels.originate", (), {"endpoint": "PJSIP/nobody", "app": "test"}),
    ("channels.originate", (), {"endpoint": "PJSIP/bob"}),
    ("channels.originate", (), {"endpoint": "PJSIP/bob", "app": "test", "timeout": "x"}),
    ("channels.originate", (), {"endpoint": "PJSIP/bob", "app": "test", "channelId": "y" * 999}),
    ("channels.originate", (), {"endpoint": "PJSIP/bob", "app": "test", "originator": "no"}),
    ("channels.create", (), {"endpoint": "Morse/x", "app": "test"}),
    ("channels.create", (), {"endpoint": "PJSIP/bob", "app": "unknown"}),
    ("channels.create", (), {"endpoint": "PJSIP/nobody", "app": "test"}),
    ("channels.hangup", ("CHANNEL",), {"reason": "boredom"}),
    ("channels.hangup", ("CHANNEL",), {"reason_code": "9999"}),
    ("channels.sendDTMF", ("CHANNEL",), {"dtmf": "xyz"}),
    ("channels.sendDTMF", ("CHANNEL",), {"dtmf": "1", "between": "-1"}),
    ("channels.mute", ("CHANNEL",), {"direction": "up"}),
    ("channels.snoopChannel", ("CHANNEL",), {"app": "test"}),
    ("channels.snoopChannel", ("CHANNEL",), {"spy": "in"}),
    ("channels.snoopChannel", ("CHANNEL",), {"app": "", "spy": "in"}),
    ("channels.snoopChannel", ("CHANNEL",), {"app": "test", "spy": "up"}),
    ("channels.snoopChannel", ("CHANNEL",), {"app": "test", "spy": "in", "whisper": "up"}),
    ("channels.snoopChannel", ("CHANNEL",), {"app": "test", "spy": "in", "snoopId": "y" * 999}),
    ("channels.snoopChannel", ("nobody",), {"app": "test", "spy": "in"}),
    ("channels.snoopChannelWithId", ("CHANNEL", "s"), {"app": "test"}),
    ("channels.snoopChannelWithId", ("nobody", "s"), {"app": "test", "spy": "in"}),
    ("channels.play", ("CHANNEL",), {"media": "nonsense"}),
    ("channels.play", ("CHANNEL",), {"media": "sound:x", "offsetms": "-5"}),
    ("channels.record", ("CHANNEL",), {"name": "../x", "format": "wav"}),
    ("channels.record", ("CHANNEL",), {"name": "x", "format": "mp9"}),
    ("channels.record", ("CHANNEL",), {"name": "x", "format": "wav", "ifExists": "ask"}),
    ("channels.record", ("CHANNEL",), {"name": "x", "format": "wav", "terminateOn": "9"}),
    ("channels.record", ("CHANNEL",), {"name": "x", "format": "wav", "maxSilenceSeconds": "-1"}),
    ("channels.dial", ("CHANNEL",), {"caller": "nobody"}),
    ("channels.dial", ("CHANNEL",), {"timeout": "-1"}),
    ("channels.move", ("CHANNEL",), {}),
    ("channels.setChannelVar", ("CHANNEL",), {"value": "x"}),
    ("bridges.create", (), {"type": "rope"}),
    ("bridges.create", (), {"bridgeId": "y" * 999}),
    ("bridges.addChannel", ("nothing",), {"channel": "CHANNEL"}),
    ("bridges.play", ("nothing",), {"media": "sound:x"}),
    ("bridges.record", ("nothing",), {"name": "x", "format": "wav"}),
    ("recordings.stop", ("nothing",), {}),
    ("recordings.pause", ("nothing",), {}),
    ("recordings.cancel", ("nothing",), {}),
    ("recordings.copyStored", ("nothing",), {"destinationRecordingName": "x"}),
    ("playbacks.stop", ("nothing",), {}),
    ("playbacks.control", ("nothing",), {"operation": "pause"}),
    ("events.userEvent", ("E",), {"application": "test", "source": "weather:x"}),
    ("events.userEvent", ("E",), {"application": "test", "source": "channel:nobody"}),
]


@pytest.mark.parametrize(("operation_id", "values", "params"), WRONG)
async def test_wrong_values_are_refused(
    web: Web, operation_id: str, values: tuple[str, ...], params: dict[str, str]
) -> None:
    web.node.connect()
    channel = await web.node.call()
    channel.answer()
    await settle()
    values = tuple(channel.id if value == "CHANNEL" else value for value in values)
    answer = await web.call(operation_id, *values, params=params)
    assert 400 <= answer.status < 500
    assert answer.message


@pytest.mark.parametrize("other", ["mixing", "holding"])
async def test_bridges_refuse_with_declared_codes(web: Web, other: str) -> None:
    web.node.connect()
    channel = await web.node.call()
    await web.call("bridges.createWithId", "b", params={"type": "mixing"})
    await web.call("bridges.createWithId", "b", params={"type": other})
    for operation, params in (
        ("addChannel", {"channel": channel.id, "role": "captain"}),
        ("removeChannel", {"channel": channel.id}),
        ("removeChannel", {"channel": "nobody"}),
        ("play", {"media": "nonsense"}),
        ("record", {"name": "x", "format": "mp9"}),
        ("record", {"name": "../x", "format": "wav"}),
        ("record", {"name": "x", "format": "wav", "ifExists": "ask"}),
    ):
        answer = await web.call(f"bridges.{operation}", "b", params=params)
        assert 400 <= answer.status < 500, operation
    await web.call("bridges.destroy", "b")
