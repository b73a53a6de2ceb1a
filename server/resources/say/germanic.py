"""German, Dutch, Danish, Norwegian, Swedish, Icelandic and British English."""

from __future__ import annotations

from server.resources.say.language import Language


class BritishEnglish(Language):
    """English with an "and" after hundreds."""

    def cardinal(self, value: int, gender: str) -> list[str]:
        if 100 < value < 1_000 and value % 100:
            hundreds, rest = divmod(value, 100)
            return [f"digits/{hundreds}", "digits/hundred", "vm-and", *self.rest(rest, gender)]
        return super().cardinal(value, gender)


class Continental(Language):
    """What the others share: a 24-hour clock without "oh", days before months."""

    date_time_format = "A dBY HMS"
    date_format = "A dBY"
    time_format = "HM"

    def hour(self, value: int, *, is_padded: bool) -> list[str]:
        return self.number(value)

    def minute(self, value: int) -> list[str]:
        return self.number(value)

    def second(self, value: int) -> list[str]:
        return self.number(value)


class German(Continental):
    """Ones before tens; "ein" before hundred and thousand, "eine" before a million."""

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value == 1 and gender in ("f", "n"):
            return ["digits/1F" if gender == "f" else "digits/1N"]
        if value < 20 or (value < 100 and value % 10 == 0):
            return [f"digits/{value}"]
        if value < 100:
            return [f"digits/{value % 10}-and", f"digits/{value // 10 * 10}"]
        if value in (100, 1_000):
            return ["digits/hundred" if value == 100 else "digits/thousand"]
        if value < 1_000_000:
            size, name = (100, "hundred") if value < 1_000 else (1_000, "thousand")
            count, rest = divmod(value, size)
            return [*self.cardinal(count, "n"), f"digits/{name}", *self.rest(rest, gender)]
        count, rest = divmod(value, 1_000_000)
        name = "million" if count == 1 else "millions"
        return [*self.cardinal(count, "f"), f"digits/{name}", *self.rest(rest, gender)]

    def ordinal(self, value: int, gender: str = "") -> list[str]:
        """Below 1000 as Asterisk has it: ``h-`` and the gender's letter."""
        letter = gender.upper() if gender in ("f", "n") else ""
        if 0 <= value < 20 or (value < 100 and value > 0 and value % 10 == 0):
            return [f"digits/h-{value}{letter}"]
        if 20 < value < 100:
            return [f"digits/{value % 10}-and", f"digits/h-{value // 10 * 10}{letter}"]
        if 100 < value < 1_000 and value % 100:
            hundreds = self.cardinal(value // 100, "n")
            return [*hundreds, "digits/hundred", *self.ordinal(value % 100, gender)]
        return [*self.number(value)[:-1], f"{self.number(value)[-1].replace('/', '/h-')}{letter}"]


class Dutch(Continental):
    """Ones, "en", tens."""

    date_time_format = "ABdY 'digits/nl-om' HM"
    date_format = "AdBY"

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value <= 20 or (value < 100 and value % 10 == 0):
            return [f"digits/{value}"]
        if value < 100:
            return [f"digits/{value % 10}", "digits/nl-en", f"digits/{value // 10 * 10}"]
        for size, name in ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred")):
            if value >= size:
                count, rest = divmod(value, size)
                counted = [] if count == 1 and size < 1_000_000 else self.cardinal(count, "")
                return [*counted, f"digits/{name}", *self.rest(rest, gender)]
        raise AssertionError(value)

    def ordinal(self, value: int, gender: str = "") -> list[str]:
        if 0 <= value < 20:
            return [f"digits/h-{value}"]
        if 20 <= value < 100:
            ones = value % 10
            before = [f"digits/{ones}", "digits/nl-en"] if ones else []
            return [*before, f"digits/h-{value // 10 * 10}"]
        return super().ordinal(value, gender)

    def hour(self, value: int, *, is_padded: bool) -> list[str]:
        return [*self.number(value), "digits/nl-uur"]

    def minute(self, value: int) -> list[str]:
        return self.number(value) if value else []


class Danish(Continental):
    """Ones and "og" in one prompt before the tens; an "og" before what is below a hundred."""

    date_time_format = "A dBY HM"

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value == 1 and gender == "n":
            return ["digits/1N"]
        if value < 20 or (value < 100 and value % 10 == 0):
            return [f"digits/{value}"]
        if value < 100:
            return [f"digits/{value % 10}-and", f"digits/{value // 10 * 10}"]
        count, rest = divmod(value, size := _size(value))
        name = {100: "hundred", 1_000: "thousand"}.get(
            size, "million" if count == 1 else "millions"
        )
        said = [*self.cardinal(count, "n" if size < 1_000_000 else "c"), f"digits/{name}"]
        return [*said, *(["digits/and"] if 0 < rest < 100 else []), *self.rest(rest, gender)]

    def ordinal(self, value: int, gender: str = "") -> list[str]:
        if 20 < value < 100 and value % 10:
            return [f"digits/{value % 10}-and", f"digits/h-{value // 10 * 10}"]
        return super().ordinal(value, gender)


class Norwegian(Danish):
    """Tens before ones."""

    def cardinal(self, value: int, gender: str) -> list[str]:
        if 20 < value < 100 and value % 10:
            return [f"digits/{value // 10 * 10}", *self.cardinal(value % 10, gender)]
        return super().cardinal(value, gender)

    def ordinal(self, value: int, gender: str = "") -> list[str]:
        return Language.ordinal(self, value, gender)


class Swedish(Continental):
    """Tens before ones; "ett" for the neuter."""

    date_time_format = "A dBY HMS"

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value == 1 and gender == "n":
            return ["digits/1N"]
        if value <= 20:
            return [f"digits/{value}"]
        if value < 100:
            return [f"digits/{value // 10 * 10}", *self.rest(value % 10, gender)]
        count, rest = divmod(value, size := _size(value))
        name = {100: "hundred", 1_000: "thousand"}.get(
            size, "million" if count == 1 else "millions"
        )
        counted = self.cardinal(count, "n" if size < 1_000_000 else "c")
        return [*counted, f"digits/{name}", *self.rest(rest, gender)]


class Icelandic(Continental):
    """Genders of one to four; an "og" before the last part."""

    def cardinal(self, value: int, gender: str) -> list[str]:
        if 1 <= value <= 4:
            return [f"digits/{value}{'kvk' if gender == 'f' else 'hk' if gender == 'n' else ''}"]
        if value < 20 or (value < 100 and value % 10 == 0):
            return [f"digits/{value}"]
        if value < 100:
            tens = f"digits/{value // 10 * 10}"
            return [tens, "digits/og", *self.cardinal(value % 10, gender)]
        count, rest = divmod(value, size := _size(value))
        name = {100: "hundred", 1_000: "thousand"}.get(
            size, "million" if count == 1 else "millions"
        )
        said = [*self.cardinal(count, "n" if size < 1_000_000 else "f"), f"digits/{name}"]
        needs_and = 0 < rest <= 20 or (0 < rest < 100 and rest % 10 == 0)
        return [*said, *(["digits/og"] if needs_and else []), *self.rest(rest, gender)]


def _size(value: int) -> int:
    return 100 if value < 1_000 else 1_000 if value < 1_000_000 else 1_000_000
