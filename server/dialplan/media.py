"""Playing prompts on a call, for the applications that do."""

from __future__ import annotations

from collections.abc import Sequence

from server.dialplan.executor import Call
from server.media.streams import FileSource, Source

ALL_DIGITS = "0123456789*#ABCDabcd"


def find_prompts(call: Call, names: Sequence[str], language: str = "") -> tuple[list[Source], int]:
    """Return what to play for prompt names, and how many of them are missing (and reported)."""
    sources: list[Source] = []
    missing = 0
    sounds = call.dialplan.node.sounds
    reported: set[str] = set()
    for name in names:
        path = sounds.find(name, language or call.channel.language)
        if path is None:
            if name not in reported:
                call.report(f"file {name!r} does not exist in any format")
            reported.add(name)
            missing += 1
        else:
            sources.append(FileSource(str(path)))
    return sources, missing


def split_names(text: str) -> list[str]:
    """Split prompt names joined by ``&``."""
    return [name.strip() for name in text.split("&") if name.strip()]


async def play(call: Call, sources: Sequence[Source]) -> bool:
    """Play to the end; digits are not heard.

    :returns: ``False`` if something could not be played.
    :raises ChannelHungUp: the channel ended.
    """
    return (await play_interruptibly(call, sources, ""))[0]


async def play_interruptibly(
    call: Call, sources: Sequence[Source], stop_digits: str
) -> tuple[bool, str]:
    """Play until one of *stop_digits* is pressed; other digits are lost.

    :returns: whether all could be played, and the digit that ended it, or an empty text.
    """
    if not sources:
        return True, ""
    channel = call.channel
    pressed: list[str] = []
    player = channel.play(sources)

    def on_digit(digit: str) -> None:
        if not _stops(pressed, stop_digits):
            pressed.append(digit)
            if digit in stop_digits:
                player.stop()

    channel.digit_observers.append(on_digit)
    try:
        result = await channel.wait(player.done)
    finally:
        channel.digit_observers.remove(on_digit)
        player.stop()
    for _digit in pressed:
        await channel.wait_digit(0.0)  # they are in the channel's queue as well
    if result.reason == "failed":
        call.report(f"playing failed: {result.error}")
    return result.reason != "failed", pressed[-1] if _stops(pressed, stop_digits) else ""


async def play_unless_typed(
    call: Call, sources: Sequence[Source], stop_digits: str
) -> tuple[bool, str]:
    """Play like :func:`play_interruptibly`, but not when a stop digit was typed ahead."""
    if stop_digits:
        while (digit := await call.channel.wait_digit(0.0)) is not None:
            if digit in stop_digits:
                return True, digit
    return await play_interruptibly(call, sources, stop_digits)


def _stops(pressed: Sequence[str], stop_digits: str) -> bool:
    return bool(pressed) and pressed[-1] in stop_digits


def prepare(call: Call, *, skips: bool, answers: bool) -> bool:
    """Answer or open early media before sound is sent.

    :returns: ``False`` if the application is to be skipped since the call is not answered.
    """
    channel = call.channel
    if channel.state == "Up":
        return True
    if skips:
        return False
    if answers:
        channel.answer()
    else:
        channel.progress()
    return True
