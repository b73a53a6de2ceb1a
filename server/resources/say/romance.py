"""French, Spanish, Italian and Portuguese."""

from __future__ import annotations

from server.resources.say.germanic import Continental


class French(Continental):
    """Counts by twenties from 60 on; "et" before a one."""

    date_time_format = "AdBY 'digits/at' IMp"
    date_format = "AdBY"
    time_format = "IMp"

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value == 1 and gender == "f":
            return ["digits/1F"]
        if value <= 20:
            return [f"digits/{value}"]
        if value < 80:
            tens = min(value // 10 * 10, 60)
            rest = value - tens
            joint = ["digits/et"] if rest % 10 == 1 else []
            return [f"digits/{tens}", *joint, *self.rest(rest, gender)]
        if value < 100:
            return ["digits/80", *self.rest(value - 80, gender)]
        for size, name in ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred")):
            if value >= size:
                count, rest = divmod(value, size)
                counted = [] if count == 1 and size < 1_000_000 else self.cardinal(count, "")
                return [*counted, f"digits/{name}", *self.rest(rest, gender)]
        raise AssertionError(value)

    def day(self, value: int) -> list[str]:
        return ["digits/h-1"] if value == 1 else self.number(value)

    def hour(self, value: int, *, is_padded: bool) -> list[str]:
        return [*self.number(value, "f"), "digits/oclock"]

    def minute(self, value: int) -> list[str]:
        return self.number(value) if value else []


class Spanish(Continental):
    """ "Y" between tens and ones; hundreds are words of their own."""

    date_time_format = "'digits/es-el' Ad 'digits/es-de' B 'digits/es-de' Y 'digits/at' IMp"
    date_format = "'digits/es-el' Ad 'digits/es-de' B 'digits/es-de' Y"
    time_format = "IMp"

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value == 1:
            return [f"digits/1{gender.upper() if gender in ('f', 'm') else ''}"]
        if value <= 30 or value == 100:
            return [f"digits/{value}"]
        if value < 100:
            tens, ones = divmod(value, 10)
            joint = ["digits/and"] if ones else []
            return [f"digits/{tens * 10}", *joint, *self.rest(ones, gender)]
        if value < 200:
            return ["digits/100-and", *self.rest(value - 100, gender)]
        if value < 1_000:
            return [f"digits/{value // 100 * 100}", *self.rest(value % 100, gender)]
        if value < 1_000_000:
            count, rest = divmod(value, 1_000)
            counted = [] if count == 1 else self.cardinal(count, "m")
            return [*counted, "digits/thousand", *self.rest(rest, gender)]
        count, rest = divmod(value, 1_000_000)
        name = "digits/million" if count == 1 else "digits/millions"
        return [*self.cardinal(count, "m"), name, *self.rest(rest, gender)]

    def day(self, value: int) -> list[str]:
        return self.number(value)

    def hour(self, value: int, *, is_padded: bool) -> list[str]:
        return self.number(value, "f")

    def minute(self, value: int) -> list[str]:
        return self.number(value) if value else []


class Italian(Continental):
    """One and eight swallow the vowel of the ten before them."""

    date_time_format = "AdB 'digits/at' IMp"
    date_format = "AdBY"
    time_format = "IMp"

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value <= 20 or (value < 100 and value % 10 in (0, 1, 8)):
            return [f"digits/{value}"]
        if value < 100:
            return [f"digits/{value // 10 * 10}", f"digits/{value % 10}"]
        if value < 1_000:
            count, rest = divmod(value, 100)
            counted = [] if count == 1 else self.cardinal(count, "")
            return [*counted, "digits/hundred", *self.rest(rest, gender)]
        if value < 1_000_000:
            count, rest = divmod(value, 1_000)
            said = ["digits/thousand"]
            if count > 1:
                said = [*self.cardinal(count, ""), "digits/thousands"]
            return [*said, *self.rest(rest, gender)]
        count, rest = divmod(value, 1_000_000)
        name = "digits/million" if count == 1 else "digits/millions"
        return [*self.cardinal(count, ""), name, *self.rest(rest, gender)]

    def day(self, value: int) -> list[str]:
        return ["digits/h-1"] if value == 1 else self.number(value)

    def minute(self, value: int) -> list[str]:
        return self.number(value) if value else []


class Portuguese(Continental):
    """ "E" between the parts; one, two and the hundreds have genders."""

    date_time_format = "Ad 'digits/pt-de' B 'digits/pt-de' Y I 'digits/pt-e' Mp"
    date_format = "Ad 'digits/pt-de' B 'digits/pt-de' Y"
    time_format = "I 'digits/pt-e' Mp"

    def cardinal(self, value: int, gender: str) -> list[str]:
        feminine = "F" if gender == "f" else ""
        if value in (1, 2):
            return [f"digits/{value}{feminine}"]
        if value <= 20 or value == 100:
            return [f"digits/{value}"]
        if value < 100:
            return [f"digits/{value // 10 * 10}", *self._joined(value % 10, gender)]
        if value < 200:
            return ["digits/100E", *self._joined(value - 100, gender)]
        if value < 1_000:
            return [f"digits/{value // 100 * 100}{feminine}", *self._joined(value % 100, gender)]
        if value < 1_000_000:
            count, rest = divmod(value, 1_000)
            counted = [] if count == 1 else self.cardinal(count, gender)
            is_joined = 0 < rest < 100 or rest % 100 == 0
            last = self._joined(rest, gender) if is_joined else self.rest(rest, gender)
            return [*counted, "digits/1000", *last]
        count, rest = divmod(value, 1_000_000)
        name = "digits/1000000" if count == 1 else "digits/1000000S"
        is_joined = rest % 1_000 == 0 or rest < 1_000
        last = self._joined(rest, gender) if is_joined else self.rest(rest, gender)
        return [*self.cardinal(count, ""), name, *last]

    def _joined(self, value: int, gender: str) -> list[str]:
        return ["digits/pt-e", *self.cardinal(value, gender)] if value else []

    def day(self, value: int) -> list[str]:
        return self.number(value)

    def hour(self, value: int, *, is_padded: bool) -> list[str]:
        return self.number(value, "f")


class BrazilianPortuguese(Portuguese):
    """A 24-hour clock with the words for hours and minutes."""

    date_time_format = "Ad 'digits/pt-de' B 'digits/pt-de' Y 'digits/pt-as' HMS"
    time_format = "HMS"

    def hour(self, value: int, *, is_padded: bool) -> list[str]:
        name = "digits/hour" if value == 1 else "digits/hours"
        return [*self.number(value, "f"), name]

    def minute(self, value: int) -> list[str]:
        if not value:
            return []
        name = "digits/minute" if value == 1 else "digits/minutes"
        return ["digits/pt-e", *self.number(value), name]

    def second(self, value: int) -> list[str]:
        if not value:
            return []
        name = "digits/second" if value == 1 else "digits/seconds"
        return ["digits/pt-e", *self.number(value), name]
