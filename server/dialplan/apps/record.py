"""Record(): the caller's voice into a file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from server.base.errors import ChannelHungUp, InvalidArgument, MediaError, ServerError
from server.dialplan.arguments import Options, argument, parse_options, split_arguments
from server.dialplan.executor import Call
from server.dialplan.media import prepare
from server.dialplan.numbers import parse_seconds
from server.dialplan.registry import application
from server.media.recorders import RecordResult
from server.resources.recording_files import cut_end

KEPT_SILENCE_MS = 1_000  # of the silence that ended a recording
MAX_NUMBERED = 100_000  # files that %d may try
FORMATS = frozenset(("wav", "ulaw", "alaw", "sln", "sln16", "gsm"))
_ALIASES = {"mulaw": "ulaw", "ul": "ulaw", "pcm": "ulaw", "al": "alaw", "raw": "sln"}
OPTIONS = "anoqstuxky"


@application("Record")
async def record(call: Call, data: str) -> None:
    """Record(file.format, silence s, maxduration s, options): sets RECORD_STATUS, RECORDED_FILE.

    Options: ``a`` append, ``n`` don't answer, ``o`` the key 0 ends it too, ``q`` no beep, ``s``
    skip unless answered, ``t`` the key ``*`` ends it instead of ``#``, ``x`` no key ends it, ``y``
    any key ends it, ``k`` keep the file when the caller hangs up, ``u`` keep all silence that
    ended it; of that, one second stays otherwise.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 3), OPTIONS, "Record", call.where)
    variables = call.channel.variables
    if not prepare(call, skips="s" in options, answers="n" not in options):
        variables.set("RECORD_STATUS", "SKIP")
        return
    try:
        base, roots = call.dialplan.recording_dir, call.dialplan.settings.writable_dirs
        path, file_format = await call.channel.wait(
            asyncio.to_thread(choose_file, base, roots, argument(arguments, 0))
        )
        variables.set("RECORDED_FILE", str(path.with_suffix("")))
        await _record(call, path, file_format, arguments, options)
    except ChannelHungUp:
        variables.set("RECORD_STATUS", "HANGUP")
        raise
    except ServerError as error:
        call.report(f"Record: {error}")
        variables.set("RECORD_STATUS", "ERROR")


async def _record(
    call: Call, path: Path, file_format: str, arguments: list[str], options: Options
) -> None:
    channel = call.channel
    end_digits = _end_digits(options)
    pressed: list[str] = []
    max_silence_ms = int(parse_seconds(argument(arguments, 1)) * 1000)
    recorder = channel.record(
        str(path),
        file_format,
        append="a" in options,
        overwrite="a" not in options,
        max_silence_ms=max_silence_ms,
        max_duration_ms=int(parse_seconds(argument(arguments, 2)) * 1000),
        beep="q" not in options,
    )

    def on_digit(digit: str) -> None:
        if digit in end_digits:
            pressed.append(digit)
            recorder.stop()

    channel.digit_observers.append(on_digit)
    try:
        await channel.wait(recorder.opened)
        result = await channel.wait(recorder.done)
        call.state.recorded_ms = result.duration_ms
    except ChannelHungUp:
        if "k" not in options:
            recorder.stop()
            await _remove(path)
        raise
    finally:
        channel.digit_observers.remove(on_digit)
        recorder.stop()
        channel.flush_digits()
    if result.reason == "silence" and "u" not in options:
        await cut_silence(path, file_format, max_silence_ms)
    channel.variables.set("RECORD_STATUS", _status(result, pressed, options))


async def cut_silence(path: Path, file_format: str, silence_ms: int) -> None:
    """Take the silence that ended a recording off its file, but for the first second."""
    if silence_ms > KEPT_SILENCE_MS:
        try:
            await asyncio.to_thread(cut_end, path, file_format, silence_ms - KEPT_SILENCE_MS)
        except OSError as error:
            raise MediaError(f"{path.name} can't be shortened: {error.strerror}") from None


async def _remove(path: Path) -> None:
    await asyncio.to_thread(path.unlink, missing_ok=True)


def _end_digits(options: Options) -> str:
    if "x" in options:
        return ""
    if "y" in options:
        return "0123456789*#ABCD"
    return ("*" if "t" in options else "#") + ("0" if "o" in options else "")


def _status(result: RecordResult, pressed: list[str], options: Options) -> str:
    if result.reason == "failed":
        return "ERROR"
    if pressed:
        is_operator = "o" in options and pressed[0] == "0" and "y" not in options
        return "OPERATOR" if is_operator else "DTMF"
    return {"silence": "SILENCE", "max_duration": "TIMEOUT"}.get(result.reason, "HANGUP")


def choose_file(base: Path, roots: Sequence[Path], name: str) -> tuple[Path, str]:
    """Return the file and format that ``name.format`` means. Asks the file system.

    ``%d`` becomes the first number that is free.

    :param base: where relative names are.
    :param roots: further directories in which files may be.
    :raises InvalidArgument: no known format, or the name leads out of these directories.
    """
    stem, dot, extension = name.rpartition(".")
    if not dot:
        stem, colon, extension = name.rpartition(":")
        if not colon:
            raise InvalidArgument("filename", f"{name!r} has no format")
    file_format = _ALIASES.get(extension.lower(), extension.lower())
    if file_format not in FORMATS:
        raise InvalidArgument("filename", f"{extension!r} is none of {', '.join(sorted(FORMATS))}")
    if "\0" in name:
        raise InvalidArgument("filename", "has a NUL character")
    path = (base / f"{stem}.{extension}").resolve()
    if not any(path.is_relative_to(root.resolve()) for root in (base, *roots)):
        raise InvalidArgument("filename", f"{name!r} is outside of the recording directories")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _numbered(path) if "%d" in path.name else path, file_format
    except OSError as error:
        raise InvalidArgument("filename", f"{name!r}: {error.strerror}") from None


def _numbered(path: Path) -> Path:
    for number in range(MAX_NUMBERED):
        candidate = path.with_name(path.name.replace("%d", str(number)))
        if not candidate.exists():
            return candidate
    raise InvalidArgument("filename", "%d found no free number")
