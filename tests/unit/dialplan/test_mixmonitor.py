"""MixMonitor(): which files are recorded how, and what happens at the end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import InvalidArgument, NotFound
from server.dialplan.apps.mixmonitor import OPTIONS
from server.dialplan.arguments import parse_options
from server.dialplan.mixmonitor import MAX_MONITORS, MixMonitors, interleave
from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest
from tests.support.fake_engine import FakeRecorder
from tests.support.node import settle


async def monitor(dut: DialplanUnderTest, arguments: str, rest: str = "WaitDigit()") -> Channel:
    """Run MixMonitor() and wait for its recorders."""
    channel = await dut.run(f"Answer()\nMixMonitor({arguments})\nSet(LOG=started)\n{rest}")
    await until(channel, "LOG")
    await settle()
    return channel


async def until(channel: Channel, name: str) -> str:
    for _ in range(1_000):
        if (value := channel.variables.get(name)) is not None:
            return value
        await asyncio.sleep(0.001)
    raise AssertionError(f"{name} is not set")


def recorders(dut: DialplanUnderTest) -> list[FakeRecorder]:
    return dut.under.engine.recorders


def tuned(dut: DialplanUnderTest) -> list[tuple[object, ...]]:
    """What snoops were told: spy, whisper, volumes in and out, bridged only."""
    calls = dut.under.engine.calls()
    return [call[1:] for call in calls if call[0] == "STREAM_SNOOP_TUNE"]


async def test_it_records_both_directions_beside_the_dialplan(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    channel = await monitor(dut, "calls/one.wav,i(ID)")
    (recorder,) = recorders(dut)
    assert recorder.path == str(tmp_path / "calls" / "one.wav")
    assert recorder.options["overwrite"] is True
    assert recorder.options["append"] is False
    assert channel.variables.get("MIXMONITOR_FILENAME") == recorder.path
    assert tuned(dut) == [(3, 0, 4096, 4096, 0)]
    monitor_id = channel.variables.get("ID")
    read = dut.dialplan.read
    assert read(channel, f"MIXMONITOR({monitor_id},filename)") == recorder.path
    with pytest.raises(NotFound):
        read(channel, "MIXMONITOR(0x77,filename)")
    with pytest.raises(InvalidArgument):
        read(channel, f"MIXMONITOR({monitor_id},length)")


async def test_each_direction_gets_its_file_volume_and_the_bridge_is_waited_for(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    await monitor(dut, "a.wav,abr(in.wav)t(out.sln)V(2)v(-1)")
    assert [Path(each.path).name for each in recorders(dut)] == ["a.wav", "in.wav", "out.sln"]
    assert all(each.options["append"] for each in recorders(dut))
    assert tuned(dut) == [(3, 0, 16384, 2048, 1), (1, 0, 16384, 2048, 1), (2, 0, 16384, 2048, 1)]


async def test_w_changes_both_volumes_and_a_wrong_one_is_left_out(dut: DialplanUnderTest) -> None:
    await monitor(dut, "a.wav,W(1)")
    await monitor(dut, "b.wav,V(9)v(x)")
    assert tuned(dut) == [(3, 0, 8192, 8192, 0), (3, 0, 4096, 4096, 0)]


async def test_a_file_outside_or_of_an_unknown_kind_is_not_recorded(dut: DialplanUnderTest) -> None:
    for name in ("/etc/passwd.wav", "../../x.wav", "a.mp3", ".wav/../../../x.wav", "a.wav,D"):
        await monitor(dut, name)
    assert recorders(dut) == []


async def test_stop_ends_all_or_one_and_waits_for_the_file(dut: DialplanUnderTest) -> None:
    channel = await monitor(
        dut,
        "a.wav,i(ID)",
        "MixMonitor(b.wav)\nStopMixMonitor(${ID})\nSet(ONE=1)\nStopMixMonitor()\nSet(ALL=1)\n"
        "StopMixMonitor()\nWaitDigit()",
    )
    await until(channel, "ALL")
    ended = [each.done.done() for each in recorders(dut)]
    assert ended == [True, True]
    assert len(dut.under.engine._native.live) == 1  # the call's own stream


async def test_a_hangup_ends_it_and_runs_the_command_with_todays_variables(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    channel = await monitor(
        dut, f"a.wav,,printf %s ^{{NAME}}-^{{MIXMONITOR_FILENAME}} > {told}", "WaitDigit()"
    )
    assert not told.exists()
    channel.hangup()
    for _ in range(1_000):
        if told.exists() and told.read_text():
            break
        await asyncio.sleep(0.002)
    assert told.read_text() == f"-{tmp_path / 'a.wav'}"
    assert recorders(dut)[0].done.done()


async def test_d_deletes_the_file_after_voicemail_got_it(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    monitors = dut.dialplan.part(MixMonitors)
    delivered: list[tuple[bool, list[str]]] = []
    monitors.deliver = lambda _channel, path, boxes: delivered.append((path.exists(), list(boxes)))
    channel = await monitor(dut, "a.wav,dm(100@default&200)")
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    channel.hangup()
    for _ in range(1_000):
        if not (tmp_path / "a.wav").exists():
            break
        await asyncio.sleep(0.001)
    assert delivered == [(True, ["100@default", "200"])]
    assert not (tmp_path / "a.wav").exists()


async def test_two_channels_in_one_file_are_joined_at_the_end(
    dut: DialplanUnderTest, tmp_path: Path
) -> None:
    channel = await monitor(dut, "a.raw,D", "WaitDigit(9)\nStopMixMonitor()\nSet(ALL=1)\nWait(9)")
    assert [Path(each.path).name for each in recorders(dut)] == ["a.raw.in", "a.raw.out"]
    (tmp_path / "a.raw.in").write_bytes(b"\x01\0\x02\0\x03\0")
    (tmp_path / "a.raw.out").write_bytes(b"\x11\0\x12\0")
    channel.on_dtmf("1", 100)
    await until(channel, "ALL")
    assert (tmp_path / "a.raw").read_bytes() == b"\x01\0\x11\0\x02\0\x12\0"
    assert not (tmp_path / "a.raw.in").exists()


async def test_beeps_are_whispered_to_both_sides(
    dut: DialplanUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await monitor(dut, "a.wav,B(0.01)")
    for _ in range(1_000):
        if dut.under.engine.players:
            break
        await asyncio.sleep(0.001)
    assert dut.under.engine.players[0].sources
    whispers = [call for call in dut.under.engine.calls() if call[0] == "STREAM_SNOOP"]
    assert [call[2:] for call in whispers] == [(3, 0), (0, 3)]


async def test_p_plays_a_sound_at_the_begin_and_capital_p_at_the_end(
    dut: DialplanUnderTest,
) -> None:
    steps = "WaitDigit(9)\nStopMixMonitor()\nSet(ALL=1)\nWait(9)"
    channel = await monitor(dut, "a.wav,p(on)P", steps)
    players = dut.under.engine.players
    players[0].finish()
    channel.on_dtmf("1", 100)
    await until(channel, "ALL")
    sounds = [player.sources[0].path for player in players]
    assert sounds == ["/sounds/en/on.wav", "/sounds/en/beep.wav"]


async def test_the_first_seconds_can_be_left_out(dut: DialplanUnderTest) -> None:
    await monitor(dut, "a.wav,s(0.01)")
    for _ in range(1_000):
        pauses = [c[1:] for c in dut.under.engine.calls() if c[0] == "RECORDER_PAUSE"]
        if len(pauses) == 2:
            break
        await asyncio.sleep(0.001)
    assert pauses == [(1,), (0,)]


async def test_muting_silences_a_direction_of_one_or_of_all(dut: DialplanUnderTest) -> None:
    channel = await monitor(dut, "a.wav,i(ID)")
    monitors = dut.dialplan.part(MixMonitors)
    told: list[str] = []
    monitors.observers.append(lambda what, _channel, _monitor: told.append(what))
    assert monitors.mute(channel, "read", True) == 1
    monitors.mute(channel, "write", True, channel.variables.get("ID") or "")
    monitors.mute(channel, "both", False)
    assert [each[2:4] for each in tuned(dut)[1:]] == [(0, 4096), (0, 0), (4096, 4096)]
    with pytest.raises(InvalidArgument):
        monitors.mute(channel, "up", True)
    with pytest.raises(NotFound):
        monitors.mute(channel, "read", True, "0x99")
    monitors.stop(channel)
    await settle()
    assert told == ["mute", "mute", "mute", "stop"]


async def test_a_channel_has_a_bounded_number_of_recordings(dut: DialplanUnderTest) -> None:
    steps = "\n".join(f"MixMonitor({number}.wav)" for number in range(MAX_MONITORS + 2))
    channel = await dut.run(f"Answer()\n{steps}\nSet(ALL=1)\nWaitDigit()")
    await until(channel, "ALL")
    assert len(recorders(dut)) == MAX_MONITORS


async def test_recording_info_tells_the_last_recordings_length(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Record(a.wav,,,q)\nSet(LOG=${RECORDING_INFO(duration)})\nWaitDigit()")
    with pytest.raises(InvalidArgument):
        dut.dialplan.read(channel, "RECORDING_INFO(duration)")
    for _ in range(1_000):
        if recorders(dut):
            break
        await asyncio.sleep(0.001)
    await settle()
    recorders(dut)[0].finish(duration_ms=2345)
    assert await until(channel, "LOG") == "2345"
    with pytest.raises(InvalidArgument):
        dut.dialplan.read(channel, "RECORDING_INFO(size)")


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_interleaving_keeps_every_pair(tmp_path_factory, said: bytes, heard: bytes) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "in").write_bytes(said)
    (folder / "out").write_bytes(heard)
    interleave(folder / "in", folder / "out", folder / "both", append=False)
    count = min(len(said), len(heard)) // 2
    both = (folder / "both").read_bytes()
    assert len(both) == 4 * count
    assert b"".join(both[i : i + 2] for i in range(0, len(both), 4)) == said[: 2 * count]
    assert b"".join(both[i + 2 : i + 4] for i in range(0, len(both), 4)) == heard[: 2 * count]


@given(st.text(max_size=60))
def test_options_of_any_kind_are_read_or_skipped(text: str) -> None:
    options = parse_options(text, OPTIONS, "MixMonitor")
    assert set(options.flags) <= set(OPTIONS)
