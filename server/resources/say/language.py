"""What a language has to know in order to say things; English is what others deviate from.

The names of prompts are those of Asterisk's sound packages. A method returns them in the order in
which they are played; whether they exist is the player's business.
"""

from __future__ import annotations

from datetime import date, datetime

from server.base.errors import InvalidArgument
from server.resources.say import moments

MAX_NUMBER = 999_999_999

_SCALES = ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))


class Language:
    """English, and the rules that languages share.

    :cvar date_time_format: how a moment is said when nothing else is asked for, in the letters of
        :mod:`~server.resources.say.moments`; likewise ``date_format`` and ``time_format``.
    """

    date_time_format = "ABdY 'digits/at' IMp"
    date_format = "ABdY"
    time_format = "IMp"

    def number(self, value: int, gender: str = "") -> list[str]:
        """Return the prompts that say a whole number.

        :param gender: ``m``, ``f``, ``c``, ``n`` or ``p``, where the language has them.
        :raises InvalidArgument: its magnitude is over :data:`MAX_NUMBER`.
        """
        if abs(value) > MAX_NUMBER:
            raise InvalidArgument("number", f"no number beyond {MAX_NUMBER} can be said")
        if value < 0:
            return ["digits/minus", *self.number(-value, gender)]
        return self.cardinal(value, gender)

    def cardinal(self, value: int, gender: str) -> list[str]:
        """Return the prompts of a number from 0 to :data:`MAX_NUMBER`."""
        if value <= 20:
            return [f"digits/{value}"]
        if value < 100:
            tens, ones = divmod(value, 10)
            return [f"digits/{tens * 10}", *self.rest(ones, gender)]
        for size, name in _SCALES:
            if value >= size:
                count, rest = divmod(value, size)
                return [*self.cardinal(count, ""), f"digits/{name}", *self.rest(rest, gender)]
        raise AssertionError(value)

    def rest(self, value: int, gender: str) -> list[str]:
        """Return the prompts of what follows a greater part of a number: none for 0."""
        return self.cardinal(value, gender) if value else []

    def ordinal(self, value: int, gender: str = "") -> list[str]:
        """Return the prompts that say a rank: first, second …

        :raises InvalidArgument: its magnitude is over :data:`MAX_NUMBER`.
        """
        if abs(value) > MAX_NUMBER:
            raise InvalidArgument("number", f"no number beyond {MAX_NUMBER} can be said")
        if value < 0:
            return ["digits/minus", *self.ordinal(-value, gender)]
        if value <= 20:
            return [f"digits/h-{value}"]
        if value < 100:
            tens, ones = divmod(value, 10)
            if not ones:
                return [f"digits/h-{value}"]
            return [f"digits/{tens * 10}", f"digits/h-{ones}"]
        for size, name in _SCALES:
            if value >= size:
                count, rest = divmod(value, size)
                if not rest:
                    return [*self.cardinal(count, ""), f"digits/h-{name}"]
                return [*self.cardinal(count, ""), f"digits/{name}", *self.ordinal(rest, gender)]
        raise AssertionError(value)

    def money(self, cents: int) -> list[str]:
        """Return the prompts that say an amount of money, in hundredths."""
        if cents < 0:
            return ["digits/minus", *self.money(-cents)]
        dollars, rest = divmod(cents, 100)
        names: list[str] = []
        if dollars:
            names = [*self.number(dollars), "letters/dollar" if dollars == 1 else "dollars"]
        if dollars and rest:
            names.append("and")
        if rest or not dollars:
            names += [*self.number(rest), "cent" if rest == 1 else "cents"]
        return names

    def noun_form(self, value: int) -> str:
        """Return what is added to the name of a prompt for a noun that is counted."""
        return "" if value == 1 else "s"

    def adjective_form(self, value: int, gender: str) -> str:
        """Return what is added to the name of a prompt for the adjective of such a noun."""
        return ""

    # moments

    def day(self, value: int) -> list[str]:
        """Return the prompts of a day of the month."""
        return self.ordinal(value)

    def year(self, value: int) -> list[str]:
        """Return the prompts of a year."""
        return self.number(value)

    def hour(self, value: int, *, is_padded: bool) -> list[str]:
        """Return the prompts of an hour.

        :param is_padded: a zero is said before one digit.
        """
        return [*(["digits/oh"] if is_padded and value < 10 else []), *self.number(value)]

    def minute(self, value: int) -> list[str]:
        """Return the prompts of a minute."""
        if value == 0:
            return ["digits/oclock"]
        return [*(["digits/oh"] if value < 10 else []), *self.number(value)]

    def second(self, value: int) -> list[str]:
        """Return the prompts of a second."""
        return [*(["digits/oh"] if value < 10 else []), *self.number(value)]

    def moment(self, when: datetime, form: str, today: date) -> list[str]:
        """Return the prompts of a moment; see :func:`moments.say`."""
        return moments.say(self, when, form, today)
