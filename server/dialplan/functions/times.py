"""Functions on times."""

from __future__ import annotations

import re
from datetime import datetime

from server.base.errors import InvalidArgument
from server.dialplan.arguments import argument, split_arguments, split_raw
from server.dialplan.numbers import parse_integer, starts_with_integer
from server.dialplan.registry import function, function_write
from server.dialplan.scope import Scope
from server.dialplan.timing import find_zone

_EPOCH = re.compile(r"\s*([+-]?\d{1,18}(?:\.\d{0,9})?)")
_FRACTION = re.compile(r"%(\d?)q")  # Asterisk's own: digits of the second's fraction
_FRACTION_DIGITS = 3  # unless it says how many
_TEST_TIME = re.compile(
    r"\s*(\d{1,4})/(\d{1,2})/(\d{1,2})\s+(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?\s*(\S*)\s*"
)
_COMPOSED = {  # of C's strptime, which Python's does not know
    "%T": "%H:%M:%S", "%R": "%H:%M", "%D": "%m/%d/%y", "%F": "%Y-%m-%d", "%e": "%d",
    "%h": "%b", "%r": "%I:%M:%S %p", "%k": "%H", "%l": "%I", "%n": " ", "%t": " ",
}  # fmt: skip
_REST = re.compile(r"unconverted data remains: ?(.*)", re.DOTALL)
MAX_FORMAT = 1_024


@function("STRFTIME")
def format_time(scope: Scope, data: str) -> str:
    """STRFTIME(epoch,timezone,format): now and ``%c`` unless given; now if it is no number."""
    arguments = split_raw(data, 3)
    epoch, wanted = _EPOCH.match(argument(arguments, 0)), argument(arguments, 2, "%c")
    if len(wanted) > MAX_FORMAT or "\0" in wanted:
        raise InvalidArgument("STRFTIME", f"a format has at most {MAX_FORMAT} characters")
    try:
        seconds = float(epoch[1]) if epoch else scope.dialplan.node.clock.wall()
        zone = find_zone(argument(arguments, 1).strip())
        moment = datetime.fromtimestamp(seconds, zone) if zone else _local(seconds)
        digits = f"{moment.microsecond:06d}000"
        return moment.strftime(
            _FRACTION.sub(lambda match: digits[: int(match[1] or _FRACTION_DIGITS)], wanted)
        )
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidArgument("STRFTIME", str(error)) from None


def _local(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds).astimezone()


@function("STRPTIME")
def parse_time(scope: Scope, data: str) -> str:
    """STRPTIME(time,timezone,format): seconds since the epoch; what follows the time is ignored."""
    arguments = split_arguments(data, 3)
    text, wanted = argument(arguments, 0), argument(arguments, 2)
    if not text or not wanted or "\0" in wanted or len(wanted) > MAX_FORMAT:
        raise InvalidArgument("STRPTIME", "expected a time, a time zone and a format")
    if wanted == "%s":
        return str(parse_integer(text))
    for short, long in _COMPOSED.items():
        wanted = wanted.replace(short, long)
    try:
        moment = _parse(text, wanted)
        if moment.tzinfo is None:
            zone = find_zone(argument(arguments, 1).strip())
            moment = moment.replace(tzinfo=zone) if zone else moment.astimezone()
        return str(int(moment.timestamp()))
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidArgument("STRPTIME", str(error)) from None


def _parse(text: str, wanted: str) -> datetime:
    try:
        return datetime.strptime(text, wanted)  # noqa: DTZ007 - the zone comes from the caller
    except ValueError as error:
        rest = _REST.fullmatch(str(error))
        if rest is None:
            raise
        return datetime.strptime(text[: len(text) - len(rest[1])], wanted)  # noqa: DTZ007


@function_write("TESTTIME")
def write_test_time(scope: Scope, data: str, value: str) -> None:
    """TESTTIME()=YYYY/MM/DD hh:mm[:ss] [zone]: what GotoIfTime and its like take for now."""
    match = _TEST_TIME.fullmatch(value)
    if match is None:
        raise InvalidArgument("TESTTIME", f"{value!r} is not YYYY/MM/DD hh:mm:ss")
    zone = find_zone(match[7])
    try:
        moment = datetime(*(int(part or 0) for part in match.groups()[:6]), tzinfo=zone)  # type: ignore[misc, arg-type]
        seconds = (moment if zone else moment.astimezone()).timestamp()
    except (ValueError, OverflowError) as error:
        raise InvalidArgument("TESTTIME", str(error)) from None
    scope.channel.variables.set("TESTTIME", str(int(seconds)))


def condition_time(scope: Scope) -> float:
    """Return the time that conditions are tested against: TESTTIME's, else the present one."""
    test = scope.get("TESTTIME") if scope.has_channel else None
    if test and starts_with_integer(test):
        return float(parse_integer(test))
    return scope.dialplan.node.clock.wall()
