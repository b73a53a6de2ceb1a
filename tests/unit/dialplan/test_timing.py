"""Time conditions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from server.base.errors import InvalidArgument
from server.dialplan.timing import parse_time_condition


@pytest.mark.parametrize(
    ("condition", "moment", "holds"),
    [
        ("*,*,*,*,UTC", "2024-01-01 12:00:00", True),
        ("9:00-17:00,*,*,*,UTC", "2024-01-01 09:00:00", True),
        ("9:00-17:00,*,*,*,UTC", "2024-01-01 17:00:59", True),
        ("9:00-17:00,*,*,*,UTC", "2024-01-01 17:01:00", False),
        ("22:00-6:00,*,*,*,UTC", "2024-01-01 23:30:00", True),
        ("22:00-6:00,*,*,*,UTC", "2024-01-01 05:59:00", True),
        ("22:00-6:00,*,*,*,UTC", "2024-01-01 12:00:00", False),
        ("8:00-9:00&12:00-13:00,*,*,*,UTC", "2024-01-01 12:30:00", True),
        ("*,mon-fri,*,*,UTC", "2024-01-01 12:00:00", True),
        ("*,sat&sun,*,*,UTC", "2024-01-01 12:00:00", False),
        ("*,fri-mon,*,*,UTC", "2024-01-01 12:00:00", True),
        ("*,Monday,*,*,UTC", "2024-01-01 12:00:00", True),
        ("*,*,1-15,*,UTC", "2024-01-16 12:00:00", False),
        ("*,*,*,dec-feb,UTC", "2024-01-01 12:00:00", True),
        ("*,*,*,6,UTC", "2024-01-01 12:00:00", False),
        ("12:00-12:59,*,*,*,Europe/Berlin", "2024-01-01 11:30:00", True),
        ("9:00-17:00|mon|*|*|UTC", "2024-01-01 12:00:00", True),
    ],
)
def test_condition(condition: str, moment: str, holds: bool) -> None:
    wall = datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()
    assert parse_time_condition(condition).holds(wall) is holds


@pytest.mark.parametrize(
    "condition",
    ["25:00-1:00,*,*,*", "9-17,*,*,*", "*,foo,*,*", "*,1,*,*", "*,*,32,*", "*,*,*,13",
     "*,*,*,*,Mars/Olympus", "*,*,*,*,UTC,*"],
)  # fmt: skip
def test_nonsense_is_refused(condition: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_time_condition(condition)
