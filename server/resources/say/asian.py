"""Chinese, Japanese, Thai, Vietnamese and Urdu."""

from __future__ import annotations

from server.resources.say.germanic import Continental


class Chinese(Continental):
    """Counts by ten thousands; a gap between the parts is said as zero."""

    date_time_format = "YBdA 'digits/at' HM"
    date_format = "YBdA"

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value <= 10:
            return [f"digits/{value}"]
        if value < 20:
            return ["digits/10", f"digits/{value - 10}"]
        for size, name in (
            (100_000_000, "digits/hundred-million"),
            (10_000, "digits/ten-thousand"),
            (1_000, "digits/thousand"),
            (100, "digits/hundred"),
            (10, "digits/10"),
        ):
            if value >= size:
                count, rest = divmod(value, size)
                gap = ["digits/0"] if 0 < rest < size // 10 else []
                return [*self.cardinal(count, ""), name, *gap, *self.rest(rest, gender)]
        raise AssertionError(value)

    def day(self, value: int) -> list[str]:
        return [*self.number(value), "digits/day"]

    def year(self, value: int) -> list[str]:
        return [*(f"digits/{digit}" for digit in str(value)), "digits/year"]

    def hour(self, value: int, *, is_padded: bool) -> list[str]:
        return [*self.number(value), "digits/oclock"]

    def minute(self, value: int) -> list[str]:
        return [*self.number(value), "digits/minute"]


class Japanese(Continental):
    """Hundreds and thousands change their sound: each has its prompt."""

    date_time_format = "PHM 'jp-ni' 'jp-desu'"
    date_format = "YBdA"

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value <= 10:
            return [f"digits/{value}"]
        for size in (1_000, 100, 10):
            if size <= value < size * 10:
                count, rest = divmod(value, size)
                return [f"digits/{count * size}", *self.rest(rest, gender)]
        size, name = (10_000, "digits/10000") if value < 10**8 else (10**8, "digits/100000000")
        count, rest = divmod(value, size)
        return [*self.cardinal(count, ""), name, *self.rest(rest, gender)]

    def day(self, value: int) -> list[str]:
        return [*self.number(value), "digits/nichi"]

    def year(self, value: int) -> list[str]:
        return [*self.number(value), "digits/nen"]

    def hour(self, value: int, *, is_padded: bool) -> list[str]:
        return [*self.number(value), "digits/ji"]

    def minute(self, value: int) -> list[str]:
        return [*self.number(value), "digits/fun"]


class Thai(Continental):
    """A one after tens is another word, and so is the two of twenty."""

    date_time_format = (
        "a 'digits/tee' e 'digits/duan' h 'digits/pee' Y  I 'digits/naliga' M 'digits/natee'"
    )
    date_format = "a 'digits/tee' e 'digits/duan' h 'digits/pee' Y"
    time_format = "I 'digits/naliga' M 'digits/natee'"
    _POWERS = ("", "digits/10", "digits/hundred", "digits/thousand", "digits/tenthousand",
               "digits/hundredthousand")  # fmt: skip

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value >= 1_000_000:
            count, rest = divmod(value, 1_000_000)
            return [*self.cardinal(count, ""), "digits/million", *self.rest(rest, gender)]
        if value < 10:
            return [f"digits/{value}"]
        digits = str(value)
        names: list[str] = []
        for index, digit in enumerate(digits):
            power = len(digits) - 1 - index
            if digit == "0":
                continue
            if power == 1 and digit in "12":
                names += ["digits/10"] if digit == "1" else ["digits/20"]
                continue
            name = "digits/et" if power == 0 and digit == "1" else f"digits/{digit}"
            names += [name, *([self._POWERS[power]] if power else [])]
        return names

    def year(self, value: int) -> list[str]:
        """Thailand counts from 543 years before."""
        return self.number(value + 543)


class Vietnamese(Continental):
    """A five after tens, and a gap after hundreds, are words of their own."""

    date_time_format = "A 'digits/day' eB 'digits/year' Y 'digits/at' k 'hours' M 'minutes' p"
    date_format = "A 'digits/day' eB 'digits/year' Y"
    time_format = "k 'hours' M 'minutes'"

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value <= 10:
            return [f"digits/{value}"]
        if value < 20:
            return ["digits/10", "digits/lam" if value == 15 else f"digits/{value % 10}"]
        if value < 100:
            tens, ones = divmod(value, 10)
            last = {0: "", 1: "digits/mot", 5: "digits/lam"}.get(ones, f"digits/{ones}")
            return [f"digits/{tens * 10}", *([last] if last else [])]
        for size, name in ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred")):
            if value >= size:
                count, rest = divmod(value, size)
                gap = ["digits/odd"] if size == 100 and 0 < rest < 10 else []
                return [*self.cardinal(count, ""), f"digits/{name}", *gap, *self.rest(rest, gender)]
        raise AssertionError(value)


class Urdu(Continental):
    """Every number below a hundred is a word; lakhs and crores above."""

    date_time_format = "AdBY 'digits/at' HM"
    date_format = "AdBY"

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value < 100:
            return [f"digits/{value}"]
        for size, name in (
            (10_000_000, "crore"),
            (100_000, "lac"),
            (1_000, "thousand"),
            (100, "hundred"),
        ):
            if value >= size:
                count, rest = divmod(value, size)
                return [*self.cardinal(count, ""), f"digits/{name}", *self.rest(rest, gender)]
        raise AssertionError(value)
