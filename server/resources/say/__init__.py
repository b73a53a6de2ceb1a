"""Which prompts say digits, numbers, letters, money and moments, in the caller's language.

:class:`Speaker` is the one door: the dialplan, ARI's ``number:`` and the like, and AGI come here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from server.base.errors import InvalidArgument
from server.resources.say import spelling
from server.resources.say.language import MAX_NUMBER
from server.resources.say.languages import find_language
from server.resources.say.spelling import MAX_SAY_LENGTH

__all__ = ["MAX_NUMBER", "MAX_SAY_LENGTH", "Speaker"]


class Speaker:
    """Turns values into names of prompts, which are played in this order.

    A language is a channel's: ``de``, ``pt_BR``; an unknown one is said by English rules.

    :ivar rules: a user's rules: get a thing to say as say.conf writes it, such as ``num:21``, and
        a language; return prompts, or ``None`` to say it as usual.
    :ivar is_ruled: these rules go before those here; else only :meth:`spoken` asks them.
    """

    def __init__(self) -> None:
        self.rules: Callable[[str, str], list[str] | None] | None = None
        self.is_ruled = False

    def _by_rules(self, thing: str, language: str) -> list[str] | None:
        return self.rules(thing, language) if self.rules is not None and self.is_ruled else None

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

    def spoken(self, kind: str, text: str, language: str = "en") -> list[str]:
        """Say something by its kind, as ``say.conf`` names them.

        :param kind: ``num``, ``enum``, ``digit``, ``char`` or ``phonetic``, their longer names, or
            one that a user's rules know.
        :raises InvalidArgument: an unknown kind, or a text that can't be said that way.
        """
        if self.rules is not None:
            said = self.rules(f"{kind}:{text[:MAX_SAY_LENGTH]}", language)
            if said:
                return said
        spellers = {
            "digit": self.digits,
            "digits": self.digits,
            "char": self.characters,
            "characters": self.characters,
            "phonetic": self.phonetic,
        }
        if (spell := spellers.get(kind)) is not None:
            return spell(text, language)
        count = {"num": self.number, "number": self.number, "enum": self.ordinal}.get(kind)
        if count is None:
            raise InvalidArgument("say", f"{kind!r} is nothing that can be said")
        try:
            return count(int(text[:MAX_SAY_LENGTH]), language)
        except ValueError:
            raise InvalidArgument("say", f"{text!r} is not a number") from None

    def digits(self, text: str, language: str = "en") -> list[str]:
        """Say digits one by one; characters that can't be said so are passed over."""
        said = self._by_rules(f"digit:{text[:MAX_SAY_LENGTH]}", language)
        return spelling.digits(text[:MAX_SAY_LENGTH]) if said is None else said

    def characters(self, text: str, language: str = "en", case: str = "n") -> list[str]:
        """Spell *text*; *case* (``a``, ``l``, ``n``, ``u``): whose case is told."""
        said = self._by_rules(f"char:{text[:MAX_SAY_LENGTH]}", language) if case == "n" else None
        return spelling.characters(text[:MAX_SAY_LENGTH], case) if said is None else said

    def phonetic(self, text: str, language: str = "en") -> list[str]:
        """Spell *text* as aviators do: Alfa, Bravo …"""
        said = self._by_rules(f"phonetic:{text[:MAX_SAY_LENGTH]}", language)
        return spelling.phonetic(text[:MAX_SAY_LENGTH]) if said is None else said

    def number(self, value: int, language: str = "en", gender: str = "") -> list[str]:
        """Say a whole number; *gender*: ``m``, ``f``, ``c``, ``n``, ``p`` or nothing.

        :raises InvalidArgument: the language has no words for so much.
        """
        said = self._by_rules(f"num:{value}", language)
        return find_language(language).number(value, gender) if said is None else said

    def ordinal(self, value: int, language: str = "en", gender: str = "") -> list[str]:
        """Say a rank: first, second …

        :raises InvalidArgument: the language has no words for so much.
        """
        said = self._by_rules(f"enum:{value}", language)
        return find_language(language).ordinal(value, gender) if said is None else said

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
        said = self._by_rules(f"date::{_stamp(when)}", language)
        return rules.moment(when, rules.date_format, when.date()) if said is None else said

    def time(self, when: dt.datetime, language: str = "en") -> list[str]:
        """Say the time of day of a moment."""
        rules = find_language(language)
        said = self._by_rules(f"time::{_stamp(when)}", language)
        return rules.moment(when, rules.time_format, when.date()) if said is None else said

    def date_time(
        self, when: dt.datetime, language: str = "en", form: str = "", today: dt.date | None = None
    ) -> list[str]:
        """Say a moment.

        :param form: the letters of :mod:`~server.resources.say.moments`; empty: as is usual.
        :param today: what ``Q`` and ``q`` compare it with.
        """
        said = self._by_rules(f"datetime:{form}:{_stamp(when)}", language)
        if said is not None:
            return said
        rules = find_language(language)
        return rules.moment(when, form or rules.date_time_format, today or when.date())


def _stamp(when: dt.datetime) -> str:
    """Return a moment as say.conf's rules get it: ``YYYYMMDDhhmm.ss-weekday-day of the year``."""
    return when.strftime("%Y%m%d%H%M.%S-%w-%j")
