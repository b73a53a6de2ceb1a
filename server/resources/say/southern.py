"""Greek, Hebrew, Hungarian and Georgian."""

from __future__ import annotations

from server.resources.say.germanic import Continental


class Greek(Continental):
    """One, three and four have genders; hundreds are words of their own."""

    date_time_format = "AdBY 'digits/kai' IMp"
    date_format = "AdBY"
    time_format = "IMp"

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value in (1, 3, 4) and gender == "f":
            return [f"digits/{value}f"]
        if value <= 12:
            return [f"digits/{value}"]
        if value < 100:
            return [f"digits/{value // 10 * 10}", *self.rest(value % 10, gender)]
        if value < 1_000:
            name = "digits/100" if value == 100 else f"digits/hundred-{value // 100 * 100}"
            return [name, *self.rest(value % 100, gender)]
        if value < 2_000:
            return ["digits/thousand", *self.rest(value - 1_000, gender)]
        if value < 1_000_000:
            count, rest = divmod(value, 1_000)
            return [*self.cardinal(count, "f"), "digits/thousands", *self.rest(rest, gender)]
        count, rest = divmod(value, 1_000_000)
        name = "digits/million" if count == 1 else "digits/millions"
        return [*self.cardinal(count, ""), name, *self.rest(rest, gender)]


class Hebrew(Continental):
    """Feminine numbers have prompts of their own; "ve" joins the last part.

    Before thousands three to ten take the construct form, ``3sM``.
    """

    date_time_format = "Ad 'digits/he-be' BY 'digits/at' HM"
    date_format = "AdBY"

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value < 20:
            return [f"digits/{value}{'F' if gender == 'f' and value else ''}"]
        if value < 100:
            tens, ones = divmod(value, 10)
            joint = ["digits/ve"] if ones else []
            return [f"digits/{tens * 10}", *joint, *self.rest(ones, gender)]
        count, rest = divmod(value, 100 if value < 1_000 else 1_000 if value < 1_000_000 else 10**6)
        if value < 1_000:
            said = (
                [f"digits/{count}hundred"] if count <= 2 else [f"digits/{count}F", "digits/hundred"]
            )
        elif value < 1_000_000:
            said = self._thousands(count)
        else:
            said = [*([] if count == 1 else self.cardinal(count, "m")), "digits/million"]
        is_joined = 0 < rest <= 20 or (0 < rest < 100 and rest % 10 == 0)
        return [*said, *(["digits/ve"] if is_joined else []), *self.rest(rest, gender)]

    def _thousands(self, count: int) -> list[str]:
        if count == 1:
            return ["digits/thousand"]
        if count == 2:
            return ["digits/2thousands"]
        if count <= 10:
            return [f"digits/{count}sM", "digits/thousands"]
        return [*self.cardinal(count, "m"), "digits/thousand"]


class Hungarian(Continental):
    """Ten and twenty change before ones."""

    date_time_format = "YBdA k 'ora' M 'perc'"
    date_format = "YBdA"
    time_format = "k 'ora' M 'perc'"

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value < 10 or (value < 100 and value % 10 == 0):
            return [f"digits/{value}"]
        if value < 30:
            tens = "digits/10en" if value < 20 else "digits/20on"
            return [tens, f"digits/{value % 10}"]
        if value < 100:
            return [f"digits/{value // 10 * 10}", f"digits/{value % 10}"]
        for size, name in ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred")):
            if value >= size:
                count, rest = divmod(value, size)
                counted = [] if value == size else self.cardinal(count, "")
                return [*counted, f"digits/{name}", *self.rest(rest, gender)]
        raise AssertionError(value)


class Georgian(Continental):
    """Counts by twenties; a number that goes on has another form, with an underscore."""

    date_time_format = "ABdY HM"
    date_format = "YdBA"

    def cardinal(self, value: int, gender: str) -> list[str]:
        if value <= 20:
            return [f"digits/{value}"]
        if value < 100:
            twenties, rest = divmod(value, 20)
            if not rest:
                return [f"digits/{value}"]
            return [f"digits/{twenties * 20}_", *self.cardinal(rest, gender)]
        for size, name in ((1_000_000, "1000000"), (1_000, "1000"), (100, "100")):
            if value >= size:
                count, rest = divmod(value, size)
                counted = [] if count == 1 and size < 1_000_000 else self._counted(count, size)
                return [*counted, f"digits/{name}{'_' if rest else ''}", *self.rest(rest, gender)]
        raise AssertionError(value)

    def _counted(self, count: int, size: int) -> list[str]:
        if size == 100:
            return [f"digits/{count}{'' if count in (8, 9) else '_'}"]
        return self.cardinal(count, "")
