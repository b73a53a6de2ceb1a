"""RECORD FILE: the caller's voice into a file."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.agi.commands.registry import UsageError, command, integer
from server.agi.media import SAMPLES_PER_MS
from server.agi.protocol import Failure
from server.base.errors import ChannelHungUp, MediaError, ServerError
from server.dialplan.apps.record import KEPT_SILENCE_MS, choose_file, cut_silence

if TYPE_CHECKING:
    from server.agi.session import Session


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the arguments ask for; times in milliseconds, 0 for no limit."""

    name: str
    end_digits: str
    limit_ms: int
    silence_ms: int
    has_beep: bool
    is_appending: bool


def _read(args: list[str]) -> _Wish:
    silence_ms, has_beep, is_appending = 0, False, False
    for word in args[4:]:
        if word[:2].lower() == "s=":
            silence_ms = integer(word[2:]) * 1000
        elif word.lower() == "beep":
            has_beep = True
        elif integer(word) > 0:
            is_appending = True
    limit_ms = max(0, integer(args[3]))
    return _Wish(
        f"{args[0]}.{args[1]}", args[2].upper(), limit_ms, max(0, silence_ms), has_beep,
        is_appending,
    )  # fmt: skip


@command(
    "RECORD FILE",
    "<filename> <format> <escape_digits> <timeout> [offset_samples] [beep] [s=silence]",
    least=4,
    most=7,
)
async def record_file(session: Session, args: list[str]) -> str:
    """Records until a digit of those named, a time in milliseconds, or a silence in seconds."""
    if not args[0] or not args[1]:
        raise UsageError
    wish = _read(args)
    try:
        return await _record(session, wish)
    except ChannelHungUp:
        return Failure("200 result=-1 (hangup) endpos=0")
    except MediaError as error:
        session.call.report(f"RECORD FILE: {error}")
        return Failure("200 result=-1 (writefile)")
    except ServerError as error:
        session.call.report(f"RECORD FILE: {error}")
        return Failure("200 result=-1")


async def _record(session: Session, wish: _Wish) -> str:
    channel, dialplan = session.channel, session.call.dialplan
    roots = dialplan.settings.writable_dirs
    path, file_format = await channel.wait(
        asyncio.to_thread(choose_file, dialplan.recording_dir, roots, wish.name)
    )
    recorder = channel.record(
        str(path),
        file_format,
        append=wish.is_appending,
        overwrite=not wish.is_appending,
        max_silence_ms=wish.silence_ms,
        max_duration_ms=wish.limit_ms,
        beep=wish.has_beep,
    )
    pressed: list[str] = []

    def on_digit(digit: str) -> None:
        if not pressed and digit in wish.end_digits:
            pressed.append(digit)
            recorder.stop()

    channel.digit_observers.append(on_digit)
    try:
        await channel.wait(recorder.opened)
        result = await channel.wait(recorder.done)
    except ChannelHungUp:
        recorder.stop()
        result = await recorder.done
        return Failure(f"200 result=-1 (hangup) endpos={result.duration_ms * SAMPLES_PER_MS}")
    finally:
        channel.digit_observers.remove(on_digit)
        recorder.stop()
        channel.flush_digits()
    endpos = result.duration_ms * SAMPLES_PER_MS
    if result.reason == "failed":
        raise MediaError(result.error)
    if pressed:
        return f"200 result={ord(pressed[0])} (dtmf) endpos={endpos}"
    if result.reason == "silence":
        await cut_silence(path, file_format, wish.silence_ms)
        endpos -= max(0, wish.silence_ms - KEPT_SILENCE_MS) * SAMPLES_PER_MS
    return f"200 result=0 (timeout) endpos={endpos}"
