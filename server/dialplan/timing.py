"""Time conditions, as in ``include => ctx,9:00-17:00,mon-fri,*,*``, GotoIfTime and IFTIME."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from server.base.errors import InvalidArgument

MINUTES_PER_DAY = 1440

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True, slots=True)
class TimeCondition:
    """When something applies. Every range is inclusive at both ends.

    :param minutes: of the day, as a bit mask; weekdays from Monday (0), days and months from 1.
    :param zone: ``None`` for the server's own.
    """

    minutes: int
    weekdays: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    zone: tzinfo | None = None

    def holds(self, wall: float) -> bool:
        """Tell whether the condition holds at *wall* seconds since the epoch."""
        moment = datetime.fromtimestamp(wall, self.zone) if self.zone else _local(wall)
        return (
            bool(self.minutes >> (moment.hour * 60 + moment.minute) & 1)
            and moment.weekday() in self.weekdays
            and moment.day in self.days
            and moment.month in self.months
        )


def parse_time_condition(text: str) -> TimeCondition:
    """Parse ``times,weekdays,mdays,months[,timezone]``; ``|`` separates as well.

    Each field is ``*`` or ranges joined by ``&``; missing fields mean ``*``.

    :raises InvalidArgument: a field makes no sense.
    """
    separator = "," if "," in text else "|"
    fields = [part.strip() for part in text.split(separator)]
    if len(fields) > 5:
        raise InvalidArgument("time", f"{text!r} has more than five fields")
    times, weekdays, days, months, zone = (
        fields + ["*"] * (4 - len(fields)) + [""] * (5 - max(4, len(fields)))
    )
    return TimeCondition(
        minutes=_minutes(times),
        weekdays=_ranges(weekdays, "weekday", _WEEKDAYS, 0, 6),
        days=_ranges(days, "day of month", (), 1, 31),
        months=_ranges(months, "month", _MONTHS, 1, 12),
        zone=find_zone(zone),
    )


def find_zone(name: str) -> tzinfo | None:
    """Return a time zone of the system's database, ``None`` for an empty name.

    :raises InvalidArgument: there is no such zone.
    """
    if not name or name == "*":
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidArgument("timezone", f"{name!r} is not known") from None


def _local(wall: float) -> datetime:
    return datetime.fromtimestamp(wall).astimezone()


def _minutes(text: str) -> int:
    if text in ("*", ""):
        return (1 << MINUTES_PER_DAY) - 1
    mask = 0
    for part in text.split("&"):
        first, dash, last = part.partition("-")
        start = _minute(first)
        end = _minute(last) if dash else start
        for minute in range(start, end + 1 if end >= start else end + 1 + MINUTES_PER_DAY):
            mask |= 1 << minute % MINUTES_PER_DAY
    return mask


def _minute(text: str) -> int:
    hours, _, minutes = text.strip().partition(":")
    if not (_is_number(hours) and _is_number(minutes)):
        raise InvalidArgument("time", f"{text!r} is not hours:minutes")
    if int(hours) > 23 or int(minutes) > 59:
        raise InvalidArgument("time", f"{text!r} is not a time of the day")
    return int(hours) * 60 + int(minutes)


def _ranges(text: str, field: str, names: tuple[str, ...], low: int, high: int) -> frozenset[int]:
    if text in ("*", ""):
        return frozenset(range(low, high + 1))
    found: set[int] = set()
    for part in text.split("&"):
        first, dash, last = part.partition("-")
        start = _number(first, field, names, low, high)
        end = _number(last, field, names, low, high) if dash else start
        span = (end - start) % (high - low + 1)
        found.update(low + (start - low + step) % (high - low + 1) for step in range(span + 1))
    return frozenset(found)


def _number(text: str, field: str, names: tuple[str, ...], low: int, high: int) -> int:
    text = text.strip().lower()
    if text[:3] in names:
        return names.index(text[:3]) + low
    if not _is_number(text) or not low <= int(text) <= high or names is _WEEKDAYS:
        raise InvalidArgument("time", f"{text!r} is not a {field}")
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4
