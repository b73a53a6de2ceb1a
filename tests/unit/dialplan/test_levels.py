"""Functions on a channel's audio and frames: what the engine is told."""

from __future__ import annotations

import asyncio
import logging

import pytest

from server.base.errors import InvalidArgument
from server.dialplan.functions.levels import factor_of
from server.dialplan.scope import Scope
from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle

GAIN, AGC, DENOISE, PITCH, SCRAMBLE = range(5)  # enum mp_effect
RX, TX = 1, 2  # enum mp_tap


async def talking(dut: DialplanUnderTest) -> Channel:
    return await dut.run("Answer()\nWait(600)")


def told(dut: DialplanUnderTest, channel: Channel, command: str) -> list[tuple[object, ...]]:
    return [c[1:] for c in dut.under.engine.calls(channel.leg.stream) if c[0] == command]


@pytest.mark.parametrize(
    ("expression", "value", "effects"),
    [
        ("VOLUME(TX)", "3", [(TX, GAIN, 3 * 4096)]),
        ("VOLUME(rx)", "-2", [(RX, GAIN, 2048)]),
        ("VOLUME(RX)", "0", [(RX, GAIN, 4096)]),
        ("AGC(rx)", "8000", [(RX, AGC, 8000)]),
        ("AGC(tx)", "off", [(TX, AGC, 0)]),
        ("DENOISE(tx)", "on", [(TX, DENOISE, 1)]),
        ("PITCH_SHIFT(rx)", "highest", [(RX, PITCH, 2000)]),
        ("PITCH_SHIFT(both)", "0.9", [(RX, PITCH, 900), (TX, PITCH, 900)]),
        ("SCRAMBLE()", "", [(RX, SCRAMBLE, 1), (TX, SCRAMBLE, 1)]),
        ("SCRAMBLE(TX)", "remove", [(TX, SCRAMBLE, 0)]),
    ],
)
async def test_effects_are_set_by_direction(
    dut: DialplanUnderTest, expression: str, value: str, effects: list[tuple[int, ...]]
) -> None:
    channel = await talking(dut)
    dut.dialplan.write(channel, expression, value)
    assert told(dut, channel, "STREAM_EFFECT") == effects


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("VOLUME(up)", "1"), ("VOLUME(both)", "1"), ("VOLUME(rx)", "loud"), ("VOLUME(rx)", "17"),
        ("VOLUME(rx)", "nan"), ("AGC(rx)", "40000"), ("AGC(rx)", "much"), ("DENOISE(x)", "on"),
        ("PITCH_SHIFT(rx)", "5"), ("PITCH_SHIFT(rx)", "soprano"), ("SCRAMBLE(x)", ""),
        ("JITTERBUFFER(elastic)", ""), ("MUTEAUDIO(up)", "on"), ("HOLD_INTERCEPT(take)", ""),
        ("FRAME_DROP(up)", "VOICE"), ("FRAME_DROP(rx)", "SMELL"), ("FRAME_TRACE(grey)", "VOICE"),
        ("FRAME_TRACE(white)", "RINGING"),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused(
    dut: DialplanUnderTest, expression: str, value: str
) -> None:
    channel = await talking(dut)
    with pytest.raises(InvalidArgument):
        dut.dialplan.write(channel, expression, value)
    assert told(dut, channel, "STREAM_EFFECT") == []


async def test_levels_can_be_read_back(dut: DialplanUnderTest) -> None:
    channel = await talking(dut)
    read, write = dut.dialplan.read, dut.dialplan.write
    assert [read(channel, f"{name}(rx)") for name in ("VOLUME", "AGC", "DENOISE")] == [
        "0.000000", "0.0", "0",
    ]  # fmt: skip
    write(channel, "VOLUME(rx)", "2.5")
    write(channel, "AGC(rx)", "4000")
    write(channel, "DENOISE(rx)", "yes")
    assert [read(channel, f"{name}(rx)") for name in ("VOLUME", "AGC", "DENOISE")] == [
        "2.500000", "4000.0", "1",
    ]  # fmt: skip


async def test_keys_change_the_volume_of_both_directions(dut: DialplanUnderTest) -> None:
    channel = await talking(dut)
    dut.dialplan.write(channel, "VOLUME(TX,p)", "1")
    dut.dialplan.write(channel, "VOLUME(TX,p)", "1")  # the keys do it once all the same
    for key in "**#5":
        channel.on_dtmf(key, 100)
    assert dut.dialplan.read(channel, "VOLUME(TX)") == "2.000000"
    assert dut.dialplan.read(channel, "VOLUME(RX)") == "1.000000"
    assert len(told(dut, channel, "STREAM_EFFECT")) == 2 + 3 * 2


def test_a_volume_multiplies_or_divides() -> None:
    assert [factor_of(each) for each in (0, 1, 4, -4, -1, 0.5)] == [1, 1, 4, 0.25, 1, 0.5]


@pytest.mark.parametrize(
    ("expression", "value", "limits"),
    [
        ("JITTERBUFFER(fixed)", "default", (1, 200, 200)),
        ("JITTERBUFFER(fixed)", "100,1500", (1, 100, 100)),
        ("JITTERBUFFER(adaptive)", "", (1, 40, 200)),
        ("JITTERBUFFER(adaptive)", "300,,80", (1, 80, 300)),
        ("JITTERBUFFER(adaptive)", "99999", (1, 40, 5000)),
        ("JITTERBUFFER(disabled)", "", (0, 0, 0)),
    ],
)
async def test_jitter_buffers_have_limits(
    dut: DialplanUnderTest, expression: str, value: str, limits: tuple[int, ...]
) -> None:
    channel = await talking(dut)
    dut.dialplan.write(channel, expression, value)
    assert told(dut, channel, "STREAM_JITTER") == [limits]


async def test_a_direction_can_be_muted(dut: DialplanUnderTest) -> None:
    channel = await talking(dut)
    for direction in ("in", "out", "all"):
        dut.dialplan.write(channel, f"MUTEAUDIO({direction})", "on")
    dut.dialplan.write(channel, "MUTEAUDIO(all)", "off")
    assert told(dut, channel, "STREAM_MUTE") == [(1, -1), (-1, 1), (1, 1), (0, 0)]


async def test_frames_of_some_kinds_are_left_out(dut: DialplanUnderTest) -> None:
    channel = await talking(dut)
    write = dut.dialplan.write
    write(channel, "FRAME_DROP(RX)", "DTMF_END,voice,HOLD")
    write(channel, "FRAME_DROP(TX)", "VIDEO,RINGING,CONNECTED_LINE")
    assert told(dut, channel, "STREAM_DROP") == [(RX, 3), (TX, 0)]
    channel.on_hold(None)
    assert not channel.is_held
    channel.set_state("Ring")
    channel.ring()
    assert ("ring",) not in dut.leg(channel).said
    write(channel, "FRAME_DROP(RX)", "")
    channel.on_hold(None)
    assert channel.is_held


async def test_a_hold_is_told_but_the_bridge_does_not_learn_of_it(dut: DialplanUnderTest) -> None:
    alice, bob = await talking(dut), await dut.call("s", endpoint="bob")
    dut.under.bridges.join(alice, bob)
    dut.dialplan.write(alice, "HOLD_INTERCEPT(set)", "")
    alice.on_hold(None)
    assert alice.is_held
    assert ("STREAM_BACKGROUND", 2, "default") not in dut.under.engine.calls(bob.leg.stream)
    alice.on_unhold()
    dut.dialplan.write(alice, "HOLD_INTERCEPT(remove)", "")
    alice.on_hold(None)
    assert ("STREAM_BACKGROUND", 2, "default") in dut.under.engine.calls(bob.leg.stream)


async def test_hold_is_passed_to_who_waits_instead_of_music(dut: DialplanUnderTest) -> None:
    alice, bob = await talking(dut), await dut.call("s", endpoint="bob")
    bob.passes_hold = True
    bridge, _left = dut.under.bridges.join(alice, bob)
    alice.on_hold(None)
    alice.on_unhold()
    assert [said for said in dut.leg(bob).said if "hold" in said[0]] == [("hold",), ("unhold",)]
    alice.on_hold(None)
    bridge.remove(bob)
    assert dut.leg(bob).said[-1] == ("unhold",)


async def test_frames_can_be_watched(
    dut: DialplanUnderTest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="server.dialplan.functions.frames")
    channel = await talking(dut)
    dut.dialplan.write(channel, "FRAME_TRACE(white)", "VOICE,DTMF_END")
    assert told(dut, channel, "STREAM_TRACE") == [(1,)]
    channel.on_dtmf("5", 100)
    dut.under.engine._on_rtp_packet(channel.leg.stream.handle, 0, 8, 77, 160, 160)
    dut.dialplan.write(channel, "FRAME_TRACE(black)", "VOICE,DTMF_END")
    assert told(dut, channel, "STREAM_TRACE") == [(1,), (0,)]
    channel.on_dtmf("6", 100)
    assert [record.message.partition(": ")[2] for record in caplog.records] == [
        "RX DTMF_END 5",
        "RX VOICE payload type 8, sequence 77, timestamp 160, 160 bytes",
    ]


HOOKS = """
    [default]
    exten => s,1,Answer()
    same => n,Set(ID=${PERIODIC_HOOK(hooks,tick,1)})
    same => n,Wait(600)
    [hooks]
    exten => tick,1,Set(GLOBAL(HOOKED)=${HOOK_CHANNEL})
    same => n,Wait(600)
"""


async def test_a_hook_runs_on_a_channel_of_its_own_that_all_hear(
    dut: DialplanUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.dialplan.functions.periodic.parse_integer", lambda _text: 0.01)
    monkeypatch.setattr("server.dialplan.functions.periodic.MIN_INTERVAL", 0)
    dut.load(HOOKS)
    channel = await dut.call("s")
    for _ in range(1_000):
        if dut.dialplan.globals.get("HOOKED"):
            break
        await asyncio.sleep(0.001)
    assert dut.dialplan.globals["HOOKED"] == channel.name
    tunes = [c[1:3] for c in dut.under.engine.calls() if c[0] == "STREAM_SNOOP_TUNE"]
    assert tunes == [(3, 3)]
    await asyncio.sleep(0.03)
    assert len(dut.under.registry) == 3  # it does not run twice at a time
    scope = Scope(dut.dialplan, channel)
    scope.write_function("PERIODIC_HOOK", channel.variables.get("ID") or "", "off")
    channel.hangup()
    await settle()
    assert len(dut.under.registry) == 0
    with pytest.raises(InvalidArgument):
        scope.write_function("PERIODIC_HOOK", "1", "on")


async def test_a_hook_needs_a_place_and_a_time(dut: DialplanUnderTest) -> None:
    channel = await talking(dut)
    for wrong in ("", "a,b", "a,b,0", "a,,5", "a,b,99999999"):
        with pytest.raises(InvalidArgument):
            Scope(dut.dialplan, channel).evaluate_function("PERIODIC_HOOK", wrong)
