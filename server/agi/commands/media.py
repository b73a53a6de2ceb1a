"""Commands that play to the caller and ask for digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from server.agi.commands.registry import UsageError, command, integer
from server.agi.media import ALL_DIGITS, SAMPLES_PER_MS, Keys, Played, play_to_digit
from server.agi.protocol import Failure
from server.dialplan.media import find_prompts
from server.media.players import Player

if TYPE_CHECKING:
    from server.agi.session import Session

DEFAULT_SKIP_MS = 3000
MAX_DIGITS = 1024  # of GET DATA, as in Asterisk


@command("STREAM FILE", "<filename> <escape_digits> [sample offset]", least=2, most=3)
async def stream_file(session: Session, args: list[str]) -> str:
    """Plays a file; a digit of those named ends it."""
    offset = integer(args[2]) if len(args) > 2 else 0
    played = await _play(session, args[0], args[1], max(0, offset) // SAMPLES_PER_MS)
    status = "FAILED" if played.is_failed else "SUCCESS"
    session.channel.variables.set("PLAYBACKSTATUS", status)
    return _with_position(played)


@command("GET OPTION", "<filename> <escape_digits> [timeout]", least=2, most=3)
async def get_option(session: Session, args: list[str]) -> str:
    """Plays a file and waits some milliseconds for one of the digits."""
    timeout_ms = integer(args[2]) if len(args) > 2 else 0
    seconds = timeout_ms / 1000 if timeout_ms > 0 else session.call.state.digit_timeout
    played = await _play(session, args[0], args[1])
    if played.digit or played.result < 0:
        return _with_position(played)
    digit = await _wait_for(session, args[1], seconds)
    return f"200 result={ord(digit) if digit else 0} endpos={played.endpos}"


async def _wait_for(session: Session, digits: str, seconds: float) -> str:
    """Wait for one of *digits*; others are lost, and don't make it longer."""
    clock = session.call.dialplan.node.clock
    deadline = clock.now() + seconds
    while True:
        digit = await session.channel.wait_digit(max(0.0, deadline - clock.now()))
        if digit is None or digit in digits:
            return digit or ""


async def _play(session: Session, name: str, stop_digits: str, offset_ms: int = 0) -> Played:
    sources, missing = find_prompts(session.call, [name])
    if missing:
        return Played(position_ms=offset_ms, is_failed=True)
    return await play_to_digit(session.call, sources, stop_digits, offset_ms=offset_ms)


def _with_position(played: Played) -> str:
    reply = f"200 result={played.result} endpos={played.endpos}"
    return Failure(reply) if played.result < 0 else reply


@command(
    "CONTROL STREAM FILE",
    "<filename> <escape_digits> [skipms] [ffchar] [rewchr] [pausechr] [offsetms]",
    least=2,
    most=7,
)
async def control_stream_file(session: Session, args: list[str]) -> str:
    """Plays a file which the caller can wind, pause and end by digits."""
    given = [*args, *[""] * (7 - len(args))]
    skip_ms = integer(given[2]) if given[2] else DEFAULT_SKIP_MS
    offset_ms = integer(given[6]) if given[6] else 0
    keys = _control_keys(skip_ms, forward=given[3] or "#", rewind=given[4] or "*", pause=given[5])
    sources, missing = find_prompts(session.call, [given[0]])
    if missing:
        played = Played(position_ms=offset_ms, is_failed=True)
    else:
        played = await play_to_digit(
            session.call, sources, given[1], offset_ms=max(0, offset_ms), keys=keys
        )
    status = "ERROR" if played.result < 0 else "USERSTOPPED" if played.digit else "SUCCESS"
    variables = session.channel.variables
    variables.set("CPLAYBACKSTATUS", status)
    variables.set("CPLAYBACKOFFSET", str(played.position_ms))
    variables.set("CPLAYBACKSTOPKEY", played.digit)
    return _with_position(played)


def _control_keys(skip_ms: int, *, forward: str, rewind: str, pause: str) -> Keys:
    is_paused = False

    def toggle(player: Player) -> None:
        nonlocal is_paused
        is_paused = not is_paused
        (player.pause if is_paused else player.unpause)()

    actions: list[tuple[str, Callable[[Player], None]]] = [
        (pause, toggle),
        (rewind, lambda player: player.seek(-skip_ms)),
        (forward, lambda player: player.seek(skip_ms)),
    ]
    return {key[0]: action for key, action in actions if key}


@command("WAIT FOR DIGIT", "<timeout>", least=1, most=1)
async def wait_for_digit(session: Session, args: list[str]) -> str:
    """Waits some milliseconds for a digit, -1 for as long as it takes."""
    timeout_ms = integer(args[0])
    digit = await session.channel.wait_digit(None if timeout_ms < 0 else timeout_ms / 1000)
    return f"200 result={ord(digit) if digit else 0}"


@command("GET DATA", "<file> [timeout] [maxdigits]", least=1, most=3)
async def get_data(session: Session, args: list[str]) -> str:
    """Plays a file and reads digits up to #, a number of them, or a timeout in milliseconds."""
    timeout_ms = integer(args[1]) if len(args) > 1 and args[1] else 0
    limit = integer(args[2]) if len(args) > 2 and args[2] else MAX_DIGITS
    if limit < 1:
        raise UsageError
    played = Played()
    if args[0]:
        sources, _missing = find_prompts(session.call, [args[0]])
        played = await play_to_digit(session.call, sources, ALL_DIGITS)
    if played.is_hungup:
        return Failure("200 result=-1")
    digits, is_timeout = await _read_digits(
        session, played.digit, timeout_ms, min(limit, MAX_DIGITS)
    )
    return f"200 result={digits}{' (timeout)' if is_timeout else ''}"


async def _read_digits(
    session: Session, first: str, timeout_ms: int, limit: int
) -> tuple[str, bool]:
    """Read on after the first digit, if there is one; the second value tells of a timeout."""
    state = session.call.state
    digits = ""
    digit: str | None = first
    while True:
        if not digit:
            seconds = state.digit_timeout if digits else state.response_timeout
            if timeout_ms:
                seconds = timeout_ms / 1000
            digit = await session.channel.wait_digit(seconds if timeout_ms >= 0 else None)
        if digit is None:
            return digits, True
        if digit == "#":
            return digits, False
        digits += digit
        digit = ""
        if len(digits) >= limit:
            return digits, False
