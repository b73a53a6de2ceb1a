"""How a moment is said: the letters of a format, one after the other, in the words of a language.

They are strftime's, as voicemail.conf and SayUnixTime() use them: ``A`` ``a`` weekday, ``B``
``b`` ``h`` name of the month, ``m`` its number, ``d`` ``e`` day of the month, ``Y`` year, ``I``
``l`` hour of twelve, ``H`` ``k`` hour of 24 (``H`` with a leading zero), ``M`` ``N`` minute, ``S``
second, ``P`` ``p`` a.m. or p.m., ``Q`` ``q`` today, yesterday or the date (``q`` is silent today),
``R`` as ``HM``, ``T`` as ``HMS``, and any prompt's name in single quotes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.resources.say.language import Language

MAX_FORMAT = 256  # characters

_Say = Callable[["Language", datetime], list[str]]

_LETTERS: dict[str, _Say] = {
    "A": lambda language, when: [f"digits/day-{(when.weekday() + 1) % 7}"],
    "B": lambda language, when: [f"digits/mon-{when.month - 1}"],
    "m": lambda language, when: language.number(when.month),
    "d": lambda language, when: language.day(when.day),
    "Y": lambda language, when: language.year(when.year),
    "I": lambda language, when: language.hour((when.hour - 1) % 12 + 1, is_padded=False),
    "H": lambda language, when: language.hour(when.hour, is_padded=True),
    "k": lambda language, when: language.hour(when.hour, is_padded=False),
    "M": lambda language, when: language.minute(when.minute),
    "S": lambda language, when: language.second(when.second),
    "P": lambda language, when: ["digits/p-m" if when.hour >= 12 else "digits/a-m"],
}
_SAME = {"a": "A", "b": "B", "h": "B", "e": "d", "l": "I", "N": "M", "p": "P"}
_COMBINED = {"R": "HM", "T": "HMS"}


def say(language: Language, when: datetime, form: str, today: date) -> list[str]:
    """Return the prompts of *when* in a *form*; letters that mean nothing are passed over."""
    names: list[str] = []
    quoted = form[:MAX_FORMAT].split("'")
    for index, part in enumerate(quoted):
        if index % 2:
            names.extend([part] if part else [])
            continue
        for letter in part:
            names.extend(_say_letter(language, when, letter, today))
    return names


def _say_letter(language: Language, when: datetime, letter: str, today: date) -> list[str]:
    if letter in "Qq":
        return _say_relative(language, when, letter, today)
    if letter in _COMBINED:
        return [n for each in _COMBINED[letter] for n in _LETTERS[each](language, when)]
    known = _LETTERS.get(_SAME.get(letter, letter))
    return known(language, when) if known else []


def _say_relative(language: Language, when: datetime, letter: str, today: date) -> list[str]:
    days = (today - when.date()).days
    if days == 0:
        return ["digits/today"] if letter == "Q" else []
    if days == 1:
        return ["digits/yesterday"]
    if 1 < days < 7 and letter == "q":
        return say(language, when, "A", today)
    return say(language, when, language.date_format, today)
