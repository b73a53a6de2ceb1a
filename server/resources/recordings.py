"""Live and stored recordings, and the verbs of ``/recordings``."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import orjson

from server import model
from server.base.errors import Conflict, InvalidArgument, MediaError, NotFound, Unprocessable
from server.media.recorders import Recorder, RecordResult
from server.model import events
from server.model.events import Event
from server.model.wire import Snapshot
from server.resources.node import Node
from server.resources.recording_files import (
    RECORD_FORMATS,
    check_name,
    find_recording,
    list_recordings,
    recording_path,
)
from server.stasis.topics import Topic

logger = logging.getLogger(__name__)

T = TypeVar("T")

IF_EXISTS = ("fail", "overwrite", "append")
TERMINATE_ON = ("none", "any", "*", "#")


class RecordingTarget(Protocol):
    """What can be recorded: a channel or a bridge."""

    resources: list[Callable[[], None]]
    unsettled: set[asyncio.Future[None]]
    digit_observers: list[Callable[[str], None]]

    def record(self, path: str, file_format: str, **options: Any) -> Recorder:
        """Start a recorder."""

    def publish(self, event: Event, *extra: Topic) -> None:
        """Publish an event about the target."""


class LiveRecording:
    """A recording that has not finished.

    States: ``queued``, ``recording``, ``paused``, ``done``, ``failed``, ``canceled``.
    """

    def __init__(
        self, name: str, file_format: str, path: Path, target: RecordingTarget, target_uri: str
    ) -> None:
        self.name = name
        self.file_format = file_format
        self.path = path
        self.target = target
        self.target_uri = target_uri
        self.state = "queued"
        self.is_muted = False
        self.recorder: Recorder | None = None
        self.result: RecordResult | None = None
        self.on_end: list[Callable[[], None]] = []
        self.settled: asyncio.Future[None] | None = None

    def snapshot(self) -> Snapshot:
        """Return the recording's JSON; durations in whole seconds, once it is over."""
        description: dict[str, Any] = {
            "name": self.name,
            "format": self.file_format,
            "state": self.state,
            "target_uri": self.target_uri,
        }
        result = self.result
        if result is not None:
            description["duration"] = result.duration_ms // 1000
            if result.talking_ms or result.silence_ms:
                description["talking_duration"] = result.talking_ms // 1000
                description["silence_duration"] = result.silence_ms // 1000
            if result.error:
                description["cause"] = result.error
        return orjson.Fragment(orjson.dumps(description))


class Recordings:
    """All live recordings, and the stored ones on disk."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._live: dict[str, LiveRecording] = {}

    def __len__(self) -> int:
        return len(self._live)

    @property
    def directory(self) -> Path:
        """Where recordings are kept."""
        return self._node.settings.recording_dir

    # stored

    async def list_stored(self) -> list[model.StoredRecording]:
        """Return every recording on disk, but those still being made."""
        found = await self._blocking(lambda: list(list_recordings(self.directory)))
        return [
            model.StoredRecording(name=name, format=file_format)
            for name, file_format in found
            if name not in self._live
        ]

    def get_stored(self, recording_name: str) -> model.StoredRecording:
        """Return one stored recording.

        :raises NotFound: there is none.
        """
        path = self.stored_file(recording_name)
        return model.StoredRecording(name=recording_name, format=path.suffix[1:])

    def stored_file(self, recording_name: str) -> Path:
        """Return the file of a stored recording.

        :raises NotFound: there is none.
        """
        path = find_recording(self.directory, recording_name)
        if path is None:
            raise NotFound("Recording not found")
        return path

    async def delete_stored(self, recording_name: str) -> None:
        """Delete a stored recording.

        :raises NotFound: there is none.
        """
        path = self.stored_file(recording_name)
        await self._blocking(lambda: path.unlink(missing_ok=True))

    async def copy_stored(
        self, recording_name: str, destination_recording_name: str
    ) -> model.StoredRecording:
        """Copy a stored recording.

        :raises NotFound: there is none.
        :raises Conflict: the destination exists.
        :raises InvalidArgument: the destination is no name.
        """
        source = self.stored_file(recording_name)
        file_format = source.suffix[1:]
        check_name(destination_recording_name, "destinationRecordingName")
        target = recording_path(self.directory, destination_recording_name, file_format)

        def copy() -> None:
            target.parent.mkdir(parents=True, exist_ok=True)
            with source.open("rb") as reader, target.open("xb") as writer:
                shutil.copyfileobj(reader, writer)

        try:
            await self._blocking(copy)
        except FileExistsError:
            raise Conflict("A recording with the destination's name exists") from None
        return model.StoredRecording(name=destination_recording_name, format=file_format)

    # live

    def get_live(self, recording_name: str) -> Snapshot:
        """Return a live recording.

        :raises NotFound: there is none.
        """
        return self._find(recording_name).snapshot()

    def cancel(self, recording_name: str) -> None:
        """Stop a recording and throw it away.

        :raises NotFound: there is none.
        """
        recording = self._find(recording_name)
        recording.state = "canceled"
        self._recorder(recording).stop()

    def stop(self, recording_name: str) -> None:
        """Stop a recording and keep it.

        :raises NotFound: there is none.
        """
        self._recorder(self._find(recording_name)).stop()

    def pause(self, recording_name: str) -> None:
        """Leave out what is said from now on.

        :raises NotFound: there is none.
        """
        recording = self._find(recording_name)
        self._recorder(recording).pause()
        recording.state = "paused"

    def unpause(self, recording_name: str) -> None:
        """Undo :meth:`pause`."""
        recording = self._find(recording_name)
        self._recorder(recording).unpause()
        recording.state = "recording"

    def mute(self, recording_name: str) -> None:
        """Record silence from now on.

        :raises NotFound: there is none.
        """
        self._recorder(self._find(recording_name)).mute()

    def unmute(self, recording_name: str) -> None:
        """Undo :meth:`mute`."""
        self._recorder(self._find(recording_name)).unmute()

    # for channels and bridges

    def is_recording(self, target: RecordingTarget) -> bool:
        """Tell whether something records *target* now."""
        return any(recording.target is target for recording in self._live.values())

    async def start(
        self,
        target: RecordingTarget,
        target_uri: str,
        *,
        name: str,
        file_format: str,
        max_duration_seconds: int = 0,
        max_silence_seconds: int = 0,
        if_exists: str = "fail",
        beep: bool = False,
        terminate_on: str = "none",
    ) -> Snapshot:
        """Start a recording and return once its file is open.

        :raises InvalidArgument: a value is wrong.
        :raises Unprocessable: the format can't be recorded, or the name is none.
        :raises Conflict: the name is in use, or its file exists and must not be touched.
        :raises MediaError: the file can't be written.
        """
        for field, value in (
            ("maxDurationSeconds", max_duration_seconds),
            ("maxSilenceSeconds", max_silence_seconds),
        ):
            if value < 0:
                raise InvalidArgument(field, "must not be negative")
        _check_choice("ifExists", if_exists, IF_EXISTS)
        _check_choice("terminateOn", terminate_on, TERMINATE_ON)
        if file_format not in RECORD_FORMATS:
            raise Unprocessable("format", f"{file_format!r} can't be recorded")
        path = recording_path(self.directory, name, file_format)
        if name in self._live:
            raise Conflict("A recording with this name is in progress")
        if if_exists == "fail" and path.exists():
            raise Conflict("A recording with this name exists")
        recording = LiveRecording(name, file_format, path, target, target_uri)
        self._live[name] = recording
        try:
            await self._blocking(lambda: path.parent.mkdir(parents=True, exist_ok=True))
            recorder = target.record(
                str(path),
                file_format,
                append=if_exists == "append",
                overwrite=if_exists == "overwrite",
                max_duration_ms=max_duration_seconds * 1000,
                max_silence_ms=max_silence_seconds * 1000,
                beep=beep,
            )
            recording.recorder = recorder
            await recorder.opened
        except OSError as error:
            del self._live[name]
            raise MediaError(f"can't record to {name}: {error.strerror}") from None
        except BaseException:
            del self._live[name]
            raise
        recording.state = "recording"
        self._follow(recording, terminate_on)
        snapshot = recording.snapshot()
        target.publish(events.recording_started(recording=snapshot))
        recorder.done.add_done_callback(lambda done: self._on_done(recording, done.result()))
        return snapshot

    # private

    def _find(self, name: str) -> LiveRecording:
        recording = self._live.get(name)
        if recording is None:
            raise NotFound("Recording not found")
        return recording

    @staticmethod
    def _recorder(recording: LiveRecording) -> Recorder:
        if recording.recorder is None:
            raise Conflict("The recording has not started yet")
        return recording.recorder

    def _follow(self, recording: LiveRecording, terminate_on: str) -> None:
        """Stop the recording when its target goes, or on the digit that was asked for."""
        target = recording.target
        recorder = self._recorder(recording)
        target.resources.append(recorder.stop)
        recording.on_end.append(lambda: target.resources.remove(recorder.stop))
        settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        target.unsettled.add(settled)
        settled.add_done_callback(target.unsettled.discard)
        recording.settled = settled
        if terminate_on == "none":
            return

        def on_digit(digit: str) -> None:
            if terminate_on in ("any", digit):
                recorder.stop()

        observers = target.digit_observers
        observers.append(on_digit)
        recording.on_end.append(lambda: observers.remove(on_digit))

    def _on_done(self, recording: LiveRecording, result: RecordResult) -> None:
        self._live.pop(recording.name, None)
        for callback in recording.on_end:
            callback()
        recording.result = result
        if recording.state == "canceled":
            self._node.scope.spawn(
                self._blocking(lambda: recording.path.unlink(missing_ok=True)), "discard"
            )
        else:
            recording.state = "failed" if result.reason == "failed" else "done"
        if result.error:
            logger.warning("recording %s: %s", recording.name, result.error)
        make = events.recording_failed if result.reason == "failed" else events.recording_finished
        recording.target.publish(make(recording=recording.snapshot()))
        if recording.settled is not None:
            recording.settled.set_result(None)

    @staticmethod
    async def _blocking(function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(None, function)


def _check_choice(field: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InvalidArgument(field, f"{value!r} is none of {', '.join(choices)}")
