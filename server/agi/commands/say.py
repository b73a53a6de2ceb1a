"""Commands that say digits, numbers, letters and moments in the channel's language."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from typing import TYPE_CHECKING

from server.agi.commands.registry import UsageError, command, integer
from server.agi.media import play_to_digit
from server.agi.protocol import Failure
from server.base.errors import InvalidArgument
from server.dialplan.media import find_prompts

if TYPE_CHECKING:
    from server.agi.session import Session


async def _say(session: Session, names: Sequence[str], stop_digits: str) -> str:
    sources, _missing = find_prompts(session.call, names)
    played = await play_to_digit(session.call, sources, stop_digits)
    reply = f"200 result={played.result}"
    return Failure(reply) if played.result < 0 else reply


def _moment(text: str, zone: str = "") -> dt.datetime:
    """Return a moment given in seconds since 1970, in a time zone or the machine's."""
    seconds = integer(text)
    try:
        if not zone:
            return dt.datetime.fromtimestamp(seconds).astimezone()
        return dt.datetime.fromtimestamp(seconds, zoneinfo.ZoneInfo(zone))
    except (ValueError, OverflowError, OSError, zoneinfo.ZoneInfoNotFoundError):
        raise UsageError from None


@command("SAY DIGITS", "<number> <escape_digits>", least=2, most=2)
async def say_digits(session: Session, args: list[str]) -> str:
    """Says digits one by one."""
    speaker = session.call.dialplan.node.say
    return await _say(session, speaker.digits(args[0], session.channel.language), args[1])


@command("SAY NUMBER", "<number> <escape_digits> [gender]", least=2, most=3)
async def say_number(session: Session, args: list[str]) -> str:
    """Says a whole number."""
    speaker = session.call.dialplan.node.say
    gender = args[2] if len(args) > 2 else ""
    try:
        names = speaker.number(integer(args[0]), session.channel.language, gender)
    except InvalidArgument as error:
        session.call.report(f"SAY NUMBER: {error}")
        return "200 result=0"
    return await _say(session, names, args[1])


@command("SAY ALPHA", "<number> <escape_digits>", least=2, most=3)
async def say_alpha(session: Session, args: list[str]) -> str:
    """Spells a text; a third argument of a, l, n or u chooses whose case is told."""
    case = args[2].lower() if len(args) > 2 else "n"
    if case not in ("a", "l", "n", "u"):
        raise UsageError
    speaker = session.call.dialplan.node.say
    names = speaker.characters(args[0], session.channel.language, case)
    return await _say(session, names, args[1])


@command("SAY PHONETIC", "<string> <escape_digits>", least=2, most=2)
async def say_phonetic(session: Session, args: list[str]) -> str:
    """Spells a text as aviators do."""
    speaker = session.call.dialplan.node.say
    return await _say(session, speaker.phonetic(args[0], session.channel.language), args[1])


@command("SAY DATE", "<date> <escape_digits>", least=2, most=2)
async def say_date(session: Session, args: list[str]) -> str:
    """Says the date of a moment, which is given in seconds since 1970."""
    speaker = session.call.dialplan.node.say
    return await _say(session, speaker.date(_moment(args[0]), session.channel.language), args[1])


@command("SAY TIME", "<time> <escape_digits>", least=2, most=2)
async def say_time(session: Session, args: list[str]) -> str:
    """Says the time of day of a moment, which is given in seconds since 1970."""
    speaker = session.call.dialplan.node.say
    return await _say(session, speaker.time(_moment(args[0]), session.channel.language), args[1])


@command("SAY DATETIME", "<time> <escape_digits> [format] [timezone]", least=2, most=4)
async def say_datetime(session: Session, args: list[str]) -> str:
    """Says a moment, given in seconds since 1970, in a form as of voicemail.conf."""
    form, zone = [*args[2:], "", ""][:2]
    when = _moment(args[0], zone)
    node = session.call.dialplan.node
    today = dt.datetime.fromtimestamp(node.clock.wall(), when.tzinfo).date()
    names = node.say.date_time(when, session.channel.language, form, today)
    return await _say(session, names, args[1])
