"""Russian, Polish and Czech: nouns have three forms after numbers."""

from __future__ import annotations

from server.resources.say.germanic import Continental


def plural(value: int) -> int:
    """Return which form of a noun follows a number: 0 for one, 1 for a few, 2 for many."""
    if value % 10 == 1 and value % 100 != 11:
        return 0
    if 2 <= value % 10 <= 4 and not 12 <= value % 100 <= 14:
        return 1
    return 2


class Russian(Continental):
    """One and two have genders; thousands are feminine."""

    date_time_format = "AdBY 'digits/at' HM"
    date_format = "AdBY"
    _THOUSANDS = ("digits/thousand", "digits/thousands-i", "digits/thousands")
    _MILLIONS = ("digits/million", "digits/million-a", "digits/millions")

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value in (1, 2):
            return [f"digits/{value}{_letter(gender, 'fn' if value == 1 else 'f')}"]
        if value <= 20:
            return [f"digits/{value}"]
        if value < 1_000:
            size = 10 if value < 100 else 100
            count, rest = divmod(value, size)
            return [f"digits/{count * size}", *self.rest(rest, gender)]
        size, names = (1_000, self._THOUSANDS) if value < 1_000_000 else (1_000_000, self._MILLIONS)
        count, rest = divmod(value, size)
        counted = self.cardinal(count, "f" if size == 1_000 else "m")
        return [*counted, names[plural(count)], *self.rest(rest, gender)]

    def noun_form(self, value: int) -> str:
        return ("", "x1", "x2")[plural(value)]

    def adjective_form(self, value: int, gender: str) -> str:
        return gender if plural(value) == 0 else "x"


class Polish(Russian):
    """A few are two to four, one is only the number itself."""

    date_time_format = "AdBY HM"
    _THOUSANDS = ("digits/1000", "digits/1000.2-4", "digits/1000.5-")
    _MILLIONS = ("digits/1000000", "digits/1000000.2-4", "digits/1000000.5-")

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value < 1_000:
            return super().cardinal(value, gender)
        size, names = (1_000, self._THOUSANDS) if value < 1_000_000 else (1_000_000, self._MILLIONS)
        count, rest = divmod(value, size)
        form = 0 if count == 1 else plural(count) or 2
        counted = [] if count == 1 else self.cardinal(count, "m")
        return [*counted, names[form], *self.rest(rest, gender)]

    def noun_form(self, value: int) -> str:
        return "" if value == 1 else ("x2", "x1", "x2")[plural(value)]

    def adjective_form(self, value: int, gender: str) -> str:
        return gender if value == 1 else "x"


class Czech(Continental):
    """Hundreds and powers of a thousand have their own prompts for 1, 2 to 4, and more."""

    date_time_format = "AdBY HM"
    date_format = "AdBY"
    _HUNDREDS = ("digits/1sto", "digits/2ste", "digits/3sta", "digits/3sta")

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value in (1, 2):
            return [f"digits/{value}{_letter(gender, 'fn')}"]
        if value <= 20:
            return [f"digits/{value}"]
        if value < 100:
            return [f"digits/{value // 10 * 10}", *self.rest(value % 10, gender)]
        if value < 1_000:
            count, rest = divmod(value, 100)
            name = self._HUNDREDS[count - 1] if count <= 4 else "digits/5set"
            counted = [] if count == 1 else self.cardinal(count, "f")
            return [*counted, name, *self.rest(rest, gender)]
        size, power = (1_000, 3) if value < 1_000_000 else (1_000_000, 6)
        count, rest = divmod(value, size)
        form = "1" if count == 1 else "2-4" if count <= 4 else "5"
        counted = [] if count == 1 else self.cardinal(count, "m")
        return [*counted, f"digits/{form}_E{power}", *self.rest(rest, gender)]


def _letter(gender: str, known: str) -> str:
    return gender if gender and gender in known else ""
