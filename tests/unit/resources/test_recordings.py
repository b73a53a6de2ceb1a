"""Recordings, live and stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.base.errors import Conflict, InvalidArgument, MediaError, NotFound, Unprocessable
from server.resources.channel import Channel
from server.resources.recording_files import check_name, recording_path
from tests.support.node import Collector, NodeUnderTest, settle


@pytest.fixture
def app(node: NodeUnderTest) -> Collector:
    return node.connect()


@pytest.fixture
async def channel(node: NodeUnderTest, app: Collector) -> Channel:
    return await node.call()


async def test_recording_from_start_to_finish(
    node: NodeUnderTest, channel: Channel, app: Collector, tmp_path: Path
) -> None:
    await node.channels.record(
        channel.id, name="a/memo", file_format="wav", max_duration_seconds=5,
        max_silence_seconds=2, beep=True,
    )  # fmt: skip
    recorder = node.engine.recorders[0]
    assert recorder.path == str(tmp_path / "a" / "memo.wav")
    assert recorder.options == {
        "append": False, "overwrite": False, "max_duration_ms": 5000, "max_silence_ms": 2000,
        "beep": True,
    }  # fmt: skip
    node.recordings.pause("a/memo")
    assert node.recordings.find_live("a/memo").state == "paused"
    node.recordings.unpause("a/memo")
    node.recordings.mute("a/memo")
    node.recordings.unmute("a/memo")
    recorder.finish("silence", duration_ms=4200, talking_ms=3000, silence_ms=1200)
    await settle()
    assert app.types == ["StasisStart", "RecordingStarted", "RecordingFinished"]
    assert app.events[-1]["recording"] == {
        "name": "a/memo", "format": "wav", "state": "done", "duration": 4, "talking_duration": 3,
        "silence_duration": 1, "target_uri": f"channel:{channel.id}",
    }  # fmt: skip
    with pytest.raises(NotFound):
        node.recordings.get_live("a/memo")


async def test_cancelled_recording_is_thrown_away(
    node: NodeUnderTest, channel: Channel, app: Collector, tmp_path: Path
) -> None:
    await node.channels.record(channel.id, name="memo", file_format="wav")
    (tmp_path / "memo.wav").write_bytes(b"x")
    node.recordings.cancel("memo")
    while app.types[-1] != "RecordingFinished":  # a thread deletes the file
        await settle()
    assert app.events[-1]["recording"]["state"] == "canceled"
    assert not (tmp_path / "memo.wav").exists()


@pytest.mark.parametrize(
    ("terminate_on", "digit", "ends"),
    [("none", "1", False), ("any", "1", True), ("#", "1", False), ("#", "#", True)],
)
async def test_digit_ends_the_recording(
    node: NodeUnderTest, channel: Channel, terminate_on: str, digit: str, ends: bool
) -> None:
    await node.channels.record(
        channel.id, name="memo", file_format="wav", terminate_on=terminate_on
    )
    channel.on_dtmf(digit, 100)
    await settle()
    assert (len(node.recordings) == 0) is ends


async def test_full_disk_is_told_with_its_cause(
    node: NodeUnderTest, channel: Channel, app: Collector
) -> None:
    await node.channels.record(channel.id, name="memo", file_format="wav")
    node.engine.recorders[0].finish("failed", error="No space left on device")
    await settle()
    assert app.types[-1] == "RecordingFailed"
    assert app.events[-1]["recording"]["state"] == "failed"
    assert app.events[-1]["recording"]["cause"] == "No space left on device"


async def test_file_that_does_not_open_is_refused_before_any_event(
    node: NodeUnderTest, channel: Channel, app: Collector
) -> None:
    node.engine.auto_open = False
    import asyncio

    request = asyncio.get_running_loop().create_task(
        node.channels.record(channel.id, name="memo", file_format="wav")
    )
    while not node.engine.recorders:
        await settle()
    node.engine.recorders[0].finish("failed", error="Permission denied")
    with pytest.raises(MediaError, match="Permission denied"):
        await request
    assert "RecordingStarted" not in app.types
    assert len(node.recordings) == 0


async def test_existing_file_is_kept_unless_told_otherwise(
    node: NodeUnderTest, channel: Channel, tmp_path: Path
) -> None:
    (tmp_path / "memo.wav").write_bytes(b"x")
    with pytest.raises(Conflict):
        await node.channels.record(channel.id, name="memo", file_format="wav")
    await node.channels.record(channel.id, name="memo", file_format="wav", if_exists="overwrite")
    assert node.engine.recorders[0].options["overwrite"] is True
    with pytest.raises(Conflict):
        await node.channels.record(
            channel.id, name="memo", file_format="wav", if_exists="overwrite"
        )


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"name": "x", "file_format": "mp3"}, Unprocessable),
        ({"name": "x", "file_format": "wav", "if_exists": "maybe"}, InvalidArgument),
        ({"name": "x", "file_format": "wav", "terminate_on": "5"}, InvalidArgument),
        ({"name": "x", "file_format": "wav", "max_duration_seconds": -1}, InvalidArgument),
        ({"name": "../x", "file_format": "wav"}, InvalidArgument),
        ({"name": "/etc/x", "file_format": "wav"}, InvalidArgument),
        ({"name": "", "file_format": "wav"}, InvalidArgument),
    ],
)
async def test_bad_request_records_nothing(
    node: NodeUnderTest, channel: Channel, options: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await node.channels.record(channel.id, **options)
    assert node.engine.recorders == []


async def test_stored_recordings(node: NodeUnderTest, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.wav").write_bytes(b"RIFF")
    (tmp_path / "b.ulaw").write_bytes(b"\xff")
    (tmp_path / "notes.txt").write_bytes(b"x")
    listed = (await node.recordings.list_stored()).items
    assert [(r.name, r.format) for r in listed] == [("b", "ulaw"), ("sub/a", "wav")]
    assert node.recordings.get_stored("sub/a").format == "wav"
    copied = await node.recordings.copy_stored("sub/a", "deep/er/c")
    assert (copied.name, copied.format) == ("deep/er/c", "wav")
    assert (tmp_path / "deep/er/c.wav").read_bytes() == b"RIFF"
    with pytest.raises(Conflict):
        await node.recordings.copy_stored("sub/a", "deep/er/c")
    with pytest.raises(InvalidArgument):
        await node.recordings.copy_stored("sub/a", "../out")
    await node.recordings.delete_stored("b")
    for name in ("b", "notes", "../x", "/etc/passwd"):
        with pytest.raises(NotFound):
            node.recordings.get_stored(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a//b", "/a", "a/", "a/../b", "a\0b", "a\nb", "..\\a", "x" * 241]
)
def test_names_that_could_leave_the_directory(name: str) -> None:
    with pytest.raises(InvalidArgument):
        check_name(name)


def test_link_out_of_the_directory_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "out").symlink_to(tmp_path)
    with pytest.raises(InvalidArgument):
        recording_path(tmp_path / "inside", "out/x", "wav")
