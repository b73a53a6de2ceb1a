"""How dates and times of day are said."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.resources.say import Speaker
from server.resources.say.languages import CODES

SPEAKER = Speaker()
MONDAY = datetime(2024, 1, 1, 0, 5, 9)
EVENING = datetime(2023, 12, 24, 19, 0, 30)


@pytest.mark.parametrize(
    ("when", "form", "prompts"),
    [
        (MONDAY, "A", "day-1"), (EVENING, "A", "day-0"), (MONDAY, "B", "mon-0"),
        (EVENING, "h", "mon-11"), (MONDAY, "m", "1"), (EVENING, "d", "20 h-4"),
        (MONDAY, "e", "h-1"),
        (MONDAY, "Y", "2 thousand 20 4"), (MONDAY, "I", "12"), (EVENING, "l", "7"),
        (EVENING, "H", "19"), (MONDAY, "H", "oh 0"), (MONDAY, "k", "0"), (MONDAY, "M", "oh 5"),
        (EVENING, "M", "oclock"), (MONDAY, "S", "oh 9"), (EVENING, "S", "30"), (MONDAY, "p", "a-m"),
        (EVENING, "P", "p-m"), (EVENING, "T", "19 oclock 30"), (EVENING, "R", "19 oclock"),
        (MONDAY, "x y_z", ""), (MONDAY, "'digits/at'I", "at 12"), (MONDAY, "'", ""),
        (EVENING, "ABdY 'digits/at' IMp", "day-0 mon-11 20 h-4 2 thousand 20 3 at 7 oclock p-m"),
    ],
)  # fmt: skip
def test_letters_of_a_format(when: datetime, form: str, prompts: str) -> None:
    expected = [f"digits/{name}" for name in prompts.split()]
    assert SPEAKER.date_time(when, "en", form) == expected


@pytest.mark.parametrize(
    ("days", "letter", "prompts"),
    [
        (0, "Q", "today"), (0, "q", ""), (1, "Q", "yesterday"), (1, "q", "yesterday"),
        (3, "q", "day-1"), (9, "q", "day-1 mon-0 h-1 2 thousand 20 4"),
        (3, "Q", "day-1 mon-0 h-1 2 thousand 20 4"),
    ],
)  # fmt: skip
def test_days_ago(days: int, letter: str, prompts: str) -> None:
    today = MONDAY.date() + timedelta(days=days)
    expected = [f"digits/{name}" for name in prompts.split()]
    assert SPEAKER.date_time(MONDAY, "en", letter, today) == expected


@pytest.mark.parametrize(
    ("language", "prompts"),
    [
        ("de", "day-0 4-and h-20 mon-11 2 thousand 3-and 20 19 0 30"),
        ("es", "es-el day-0 24 es-de mon-11 es-de 2 thousand 23 at 7 p-m"),
        ("nl", "day-0 mon-11 4 nl-en h-20 2 thousand 3 nl-en 20 nl-om 19 nl-uur"),
    ],
)
def test_the_usual_way(language: str, prompts: str) -> None:
    expected = [f"digits/{name}" for name in prompts.split()]
    assert SPEAKER.date_time(EVENING, language) == expected


@given(st.datetimes(), st.sampled_from(CODES), st.text(max_size=40), st.dates())
def test_any_format_is_said_in_every_language(
    when: datetime, language: str, form: str, today: date
) -> None:
    assert all(SPEAKER.date_time(when, language, form, today))


@pytest.mark.parametrize("language", CODES)
def test_date_and_time_are_said_in_every_language(language: str) -> None:
    assert any("mon-11" in name for name in SPEAKER.date(EVENING, language))
    assert SPEAKER.time(EVENING, language)
