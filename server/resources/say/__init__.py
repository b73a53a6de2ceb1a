"""Which prompts say digits, numbers, letters, money and moments, in the caller's language.

:class:`Speaker` is the one door: the dialplan, ARI's ``number:`` and the like, and AGI come here.
"""

from __future__ import annotations

import datetime as dt

from server.base.errors import InvalidArgument
from server.resources.say import spelling
from server.resources.say.language import MAX_NUMBER
from server.resources.say.languages import find_language
from server.resources.say.spelling import MAX_SAY_LENGTH

__all__ = ["MAX_NUMBER", "MAX_SAY_LENGTH", "Speaker"]


class Speaker:
    """Turns values into names of prompts, which are played in this order.

    A language is a channel's: ``de``, ``pt_BR``; an unknown one is said by English rules.
    """

    def prompts(self, scheme: str, text: str, language: str = "en") -> list[str]:
        """Return prompt names for ARI's ``digits``, ``number`` and ``characters`` schemes.

        :raises InvalidArgument: *text* can't be said that way.
        """
        if len(text) > MAX_SAY_LENGTH:
            raise InvalidArgument("media", f"longer than {MAX_SAY_LENGTH} characters")
        if scheme == "digits":
            return self.digits(text, language)
        if scheme == "characters":
            return self.characters(text, language)
        try:
            return self.number(int(text), language)
        except ValueError:
            raise InvalidArgument("media", f"{text!r} is not a number") from None

    def digits(self, text: str, language: str = "en") -> list[str]:
        """Say digits one by one; characters that can't be said so are passed over."""
        return spelling.digits(text[:MAX_SAY_LENGTH])

    def characters(self, text: str, language: str = "en", case: str = "n") -> list[str]:
        """Spell *text*; *case* (``a``, ``l``, ``n``, ``u``): whose case is told."""
        return spelling.characters(text[:MAX_SAY_LENGTH], case)

    def phonetic(self, text: str, language: str = "en") -> list[str]:
        """Spell *text* as aviators do: Alfa, Bravo …"""
        return spelling.phonetic(text[:MAX_SAY_LENGTH])

    def number(self, value: int, language: str = "en", gender: str = "") -> list[str]:
        """Say a whole number; *gender*: ``m``, ``f``, ``c``, ``n``, ``p`` or nothing.

        :raises InvalidArgument: the language has no words for so much.
        """
        return find_language(language).number(value, gender)

    def ordinal(self, value: int, language: str = "en", gender: str = "") -> list[str]:
        """Say a rank: first, second …

        :raises InvalidArgument: the language has no words for so much.
        """
        return find_language(language).ordinal(value, gender)

    def money(self, cents: int, language: str = "en") -> list[str]:
        """Say an amount of money in hundredths.

        :raises InvalidArgument: the language has no words for so much.
        """
        return find_language(language).money(cents)

    def counted_noun(self, value: int, stem: str, language: str = "en") -> list[str]:
        """Say the form of a noun that goes with a number; not the number."""
        return [stem + find_language(language).noun_form(value)]

    def counted_adjective(
        self, value: int, stem: str, language: str = "en", gender: str = ""
    ) -> list[str]:
        """Say the form of an adjective that goes with a counted noun."""
        return [stem + find_language(language).adjective_form(value, gender)]

    def date(self, when: dt.datetime, language: str = "en") -> list[str]:
        """Say the date of a moment, which is in the time zone to say it in."""
        rules = find_language(language)
        return rules.moment(when, rules.date_format, when.date())

    def time(self, when: dt.datetime, language: str = "en") -> list[str]:
        """Say the time of day of a moment."""
        rules = find_language(language)
        return rules.moment(when, rules.time_format, when.date())

    def date_time(
        self, when: dt.datetime, language: str = "en", form: str = "", today: dt.date | None = None
    ) -> list[str]:
        """Say a moment.

        :param form: the letters of :mod:`~server.resources.say.moments`; empty: as is usual.
        :param today: what ``Q`` and ``q`` compare it with.
        """
        rules = find_language(language)
        return rules.moment(when, form or rules.date_time_format, today or when.date())
