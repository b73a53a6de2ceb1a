"""Live and stored recordings, and the verbs of ``/recordings``."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Protocol, TypeVar

import orjson

from server import model
from server.base.errors import Conflict, InvalidArgument, MediaError, NotFound, Unprocessable
from server.media.recorders import Recorder, RecordResult
from server.model import events
from server.model.events import Event
from server.model.wire import Snapshot
from server.resources.listing import Page, take_page
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
        self.is_stopping = False
        self.stopped_by = ""  # as RecordingFinished says it; empty if nobody stopped it
        self.on_end: list[Callable[[], None]] = []
        self.settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def stop(self, reason: str = "stopped") -> None:
        """End it, or keep it from beginning. May be called again.

        :param reason: for RecordingFinished; the first one counts.
        """
        self.is_stopping = True
        self.stopped_by = self.stopped_by or reason
        if self.recorder is not None:
            self.recorder.stop()

    def lose(self) -> None:
        """End it because its target goes."""
        self.stop("gone")

    @property
    def reason(self) -> str:
        """Why it ended, as RecordingFinished says it."""
        if self.state == "canceled":
            return "canceled"
        ending = self.result.reason if self.result is not None else "stopped"
        if ending == "stopped":
            return self.stopped_by or ending
        return "gone" if ending == "stream_closed" else ending

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

    def of(self, targets: Collection[str]) -> list[Snapshot]:
        """Return the live recordings of these targets, named by their URIs."""
        return [r.snapshot() for r in self._live.values() if r.target_uri in targets]

    @property
    def directory(self) -> Path:
        """Where recordings are kept."""
        return self._node.settings.recording_dir

    # stored

    async def list_stored(self, *, after: str | None = None, limit: int | None = None) -> Page:
        """Return every recording on disk, but those still being made, or a page of them.

        :raises InvalidArgument: the limit is out of range.
        """
        found = await self._blocking(lambda: list(list_recordings(self.directory)))
        done = ((name, file_format) for name, file_format in found if name not in self._live)
        named = ((f"{name}.{file_format}", (name, file_format)) for name, file_format in done)
        page, following = take_page(named, after=after, limit=limit)
        return Page(
            [model.StoredRecording(name=name, format=kind) for name, kind in page], following
        )

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
        return self.find_live(recording_name).snapshot()

    def find_live(self, name: str) -> LiveRecording:
        """Return the live recording object.

        :raises NotFound: there is none.
        """
        recording = self._live.get(name)
        if recording is None:
            raise NotFound("Recording not found")
        return recording

    def cancel(self, recording_name: str) -> None:
        """Stop a recording and throw it away.

        :raises NotFound: there is none.
        """
        recording = self.find_live(recording_name)
        recording.state = "canceled"
        recording.stop()

    def stop(self, recording_name: str) -> None:
        """Stop a recording and keep it.

        :raises NotFound: there is none.
        """
        self.find_live(recording_name).stop()

    def pause(self, recording_name: str) -> None:
        """Leave out what is said from now on.

        :raises NotFound: there is none.
        """
        recording = self.find_live(recording_name)
        self._recorder(recording).pause()
        if not recording.is_stopping:
            recording.state = "paused"

    def unpause(self, recording_name: str) -> None:
        """Undo :meth:`pause`."""
        recording = self.find_live(recording_name)
        self._recorder(recording).unpause()
        if not recording.is_stopping:
            recording.state = "recording"

    def mute(self, recording_name: str) -> None:
        """Record silence from now on.

        :raises NotFound: there is none.
        """
        self._recorder(self.find_live(recording_name)).mute()

    def unmute(self, recording_name: str) -> None:
        """Undo :meth:`mute`."""
        self._recorder(self.find_live(recording_name)).unmute()

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
        :raises Conflict: the name is in use, or its file exists and must not be touched, or the
            target went away, or the recording was stopped, before the file was open.
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
        self._follow(recording, terminate_on)
        try:
            recorder = await self._open(
                recording,
                append=if_exists == "append",
                overwrite=if_exists == "overwrite",
                max_duration_ms=max_duration_seconds * 1000,
                max_silence_ms=max_silence_seconds * 1000,
                beep=beep,
            )
        except BaseException:
            recording.stop()
            self._forget(recording)
            raise
        if recording.state == "queued":
            recording.state = "recording"
        snapshot = recording.snapshot()
        target.publish(events.recording_started(recording=snapshot))
        recorder.done.add_done_callback(lambda done: self._on_done(recording, done.result()))
        return snapshot

    # private

    async def _open(self, recording: LiveRecording, **options: Any) -> Recorder:
        """Return the recorder once its file is open. Meanwhile the target may go away."""
        directory = recording.path.parent
        try:
            await self._blocking(lambda: directory.mkdir(parents=True, exist_ok=True))
            self._check_wanted(recording)
            recorder = recording.target.record(
                str(recording.path), recording.file_format, **options
            )
            recording.recorder = recorder
            await recorder.opened
        except OSError as error:
            raise MediaError(f"can't record to {recording.name}: {error.strerror}") from None
        except MediaError:
            self._check_wanted(recording)
            raise
        return recorder

    @staticmethod
    def _check_wanted(recording: LiveRecording) -> None:
        if recording.is_stopping:
            raise Conflict("The recording was stopped before it began")

    @staticmethod
    def _recorder(recording: LiveRecording) -> Recorder:
        if recording.recorder is None:
            raise Conflict("The recording has not started yet")
        return recording.recorder

    def _follow(self, recording: LiveRecording, terminate_on: str) -> None:
        """Stop the recording when its target goes, or on the digit that was asked for."""
        target = recording.target
        target.resources.append(recording.lose)
        recording.on_end.append(lambda: target.resources.remove(recording.lose))
        target.unsettled.add(recording.settled)
        recording.on_end.append(lambda: target.unsettled.discard(recording.settled))
        if terminate_on == "none":
            return

        def on_digit(digit: str) -> None:
            if terminate_on in ("any", digit):
                recording.stop("digit")

        observers = target.digit_observers
        observers.append(on_digit)
        recording.on_end.append(lambda: observers.remove(on_digit))

    def _on_done(self, recording: LiveRecording, result: RecordResult) -> None:
        recording.is_stopping = True
        recording.result = result
        if result.error:
            logger.warning("recording %s: %s", recording.name, result.error)
        if recording.state == "canceled":
            self._node.scope.spawn(self._discard(recording), f"discard {recording.name}")
            return
        recording.state = "failed" if result.reason == "failed" else "done"
        self._finish(recording)

    async def _discard(self, recording: LiveRecording) -> None:
        """Delete the file of a canceled recording while its name is still taken."""
        try:
            await self._blocking(lambda: recording.path.unlink(missing_ok=True))
        except OSError as error:
            logger.warning("recording %s: can't be deleted: %s", recording.name, error.strerror)
        finally:
            self._finish(recording)

    def _finish(self, recording: LiveRecording) -> None:
        result = recording.result
        if result is not None and result.reason == "failed":
            event = events.recording_failed(
                recording=recording.snapshot(), reason=result.error or None
            )
        else:
            event = events.recording_finished(
                recording=recording.snapshot(), reason=recording.reason
            )
        recording.target.publish(event)
        self._forget(recording)

    def _forget(self, recording: LiveRecording) -> None:
        del self._live[recording.name]
        while recording.on_end:
            recording.on_end.pop()()
        recording.settled.set_result(None)

    @staticmethod
    async def _blocking(function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(None, function)


def _check_choice(field: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InvalidArgument(field, f"{value!r} is none of {', '.join(choices)}")
