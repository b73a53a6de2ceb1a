"""Applications that say digits, numbers, letters, money and moments in the caller's language.

With SAY_DTMF_INTERRUPT set to ``true`` a digit ends them and begins an extension.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, parse_options, split_arguments
from server.dialplan.executor import Call
from server.dialplan.media import ALL_DIGITS, find_prompts, play_unless_typed
from server.dialplan.registry import application
from server.dialplan.timing import find_zone
from server.resources.say import Speaker

CASES = "alnu"  # all, lower, none, upper
UNIXTIME_OPTIONS = "j"
EARLIEST, LATEST = -(6 * 10**10), 10**11  # seconds: years that calendars have

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_MONEY = re.compile(r"\s*\$?(-?)([0-9]{0,12})(?:\.([0-9]{0,2}))?")


@application("SayDigits")
async def say_digits(call: Call, data: str) -> str | None:
    """SayDigits(digits): one by one."""
    return await _say(call, _speaker(call).digits(data, call.channel.language))


@application("SayAlpha")
async def say_alpha(call: Call, data: str) -> str | None:
    """SayAlpha(text): spell it."""
    return await _say(call, _speaker(call).characters(data, call.channel.language))


@application("SayAlphaCase")
async def say_alpha_case(call: Call, data: str) -> str | None:
    """SayAlphaCase(casetype, text): spell it and tell the case of ``a`` all, ``l`` lower case,
    ``u`` upper case letters, or ``n`` none."""
    arguments = split_arguments(data, 2)
    case = argument(arguments, 0).strip().lower()
    if len(arguments) < 2 or case not in tuple(CASES):
        call.report("SayAlphaCase requires a case type, one of a, l, n, u, and a text")
        return None
    return await _say(call, _speaker(call).characters(arguments[1], call.channel.language, case))


@application("SayPhonetic")
async def say_phonetic(call: Call, data: str) -> str | None:
    """SayPhonetic(text): spell it as aviators do."""
    return await _say(call, _speaker(call).phonetic(data, call.channel.language))


@application("SayNumber")
async def say_number(call: Call, data: str) -> str | None:
    """SayNumber(number, gender): as a whole; gender ``f``, ``m``, ``c``, ``n`` or ``p``."""
    number, gender = _number(call, "SayNumber", data)
    if number is None:
        return None
    try:
        names = _speaker(call).number(number, call.channel.language, gender)
    except InvalidArgument:
        call.report(f"SayNumber: {number} can't be said as a number")
        return None
    return await _say(call, names)


@application("SayOrdinal")
async def say_ordinal(call: Call, data: str) -> str | None:
    """SayOrdinal(number, gender): first, second …"""
    number, gender = _number(call, "SayOrdinal", data)
    if number is None:
        return None
    try:
        names = _speaker(call).ordinal(number, call.channel.language, gender)
    except InvalidArgument:
        call.report(f"SayOrdinal: {number} can't be said as a rank")
        return None
    return await _say(call, names)


@application("SayMoney")
async def say_money(call: Call, data: str) -> str | None:
    """SayMoney(dollars): an amount such as 12.34."""
    dollars, cents = parse_money(data)
    try:
        names = _speaker(call).money(dollars * 100 + cents, call.channel.language)
    except InvalidArgument:
        call.report(f"SayMoney: {data!r} can't be said as an amount")
        return None
    return await _say(call, names)


def parse_money(text: str) -> tuple[int, int]:
    """Return dollars and cents of an amount such as ``12.34``; further decimals are cut off.

    Both are negative for a negative amount.
    """
    match = _MONEY.match(text)
    sign, whole, cents = match.groups() if match else ("", "", "")
    factor = -1 if sign else 1
    return factor * int(whole or 0), factor * int((cents or "").ljust(2, "0"))


@application("SayCountedNoun")
async def say_counted_noun(call: Call, data: str) -> None:
    """SayCountedNoun(number, filename): the form of a noun that goes with a number."""
    arguments = split_arguments(data)
    number = argument(arguments, 0).strip()
    if len(arguments) != 2 or not _INTEGER.fullmatch(number):
        call.report("SayCountedNoun requires a number and a file name")
        return
    names = _speaker(call).counted_noun(int(number), arguments[1], call.channel.language)
    await _say(call, names)


@application("SayCountedAdj")
async def say_counted_adjective(call: Call, data: str) -> None:
    """SayCountedAdj(number, filename, gender): the form of an adjective; gender c, f, m, n or p."""
    arguments = split_arguments(data)
    number, gender = argument(arguments, 0).strip(), argument(arguments, 2).strip().lower()
    if not 2 <= len(arguments) <= 3 or not _INTEGER.fullmatch(number):
        call.report("SayCountedAdj requires a number and a file name")
        return
    if gender not in ("", "c", "f", "m", "n", "p"):
        call.report(f"SayCountedAdj: gender {gender!r} is none of c, f, m, n, p")
        return
    stem = arguments[1]
    speaker = _speaker(call)
    await _say(call, speaker.counted_adjective(int(number), stem, call.channel.language, gender))


@application("SayUnixTime")
async def say_unix_time(call: Call, data: str) -> str | None:
    """SayUnixTime(unixtime, timezone, format, options): a moment, now by default.

    Option ``j`` lets a digit begin an extension.
    """
    arguments = split_arguments(data)
    options = parse_options(argument(arguments, 3), UNIXTIME_OPTIONS, "SayUnixTime", call.where)
    return await _say_moment(call, arguments, is_interruptible="j" in options)


@application("DateTime")
async def date_time(call: Call, data: str) -> str | None:
    """DateTime(unixtime, timezone, format): SayUnixTime by its old name."""
    return await _say_moment(call, split_arguments(data), is_interruptible=False)


async def _say_moment(call: Call, arguments: list[str], *, is_interruptible: bool) -> str | None:
    now = call.dialplan.node.clock.wall()
    zone = _zone(call, argument(arguments, 1).strip())
    when = _local(_seconds(argument(arguments, 0), now)).astimezone(zone)
    today = _local(now).astimezone(zone).date()
    form = argument(arguments, 2)
    names = _speaker(call).date_time(when, call.channel.language, form, today)
    return await _say(call, names, is_interruptible=is_interruptible)


def _zone(call: Call, name: str) -> tzinfo | None:
    try:
        return find_zone(name)
    except InvalidArgument as error:
        call.report(f"SayUnixTime: {error}")
        return None


def _seconds(text: str, now: float) -> float:
    """Return a time of SayUnixTime(); what can't be one is now."""
    try:
        seconds = float(text)
    except ValueError:
        return now
    return seconds if EARLIEST < seconds < LATEST else now


def _local(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds).astimezone()


def _speaker(call: Call) -> Speaker:
    return call.dialplan.node.say


def _number(call: Call, application_name: str, data: str) -> tuple[int | None, str]:
    arguments = split_arguments(data)
    text, gender = argument(arguments, 0).strip(), argument(arguments, 1).strip().lower()
    if not _INTEGER.fullmatch(text):
        call.report(f"{application_name}: {text!r} can't be said as a number")
        return None, ""
    return int(text), gender


async def _say(call: Call, names: Sequence[str], *, is_interruptible: bool = False) -> str | None:
    """Play prompts; return the digit that ended it, if one may."""
    wish = call.channel.variables.get("SAY_DTMF_INTERRUPT") or ""
    sources, _missing = find_prompts(call, names)
    stop_digits = ALL_DIGITS if is_interruptible or wish.lower() == "true" else ""
    return (await play_unless_typed(call, sources, stop_digits))[1] or None
