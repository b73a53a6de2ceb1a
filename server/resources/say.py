"""Which prompts say digits, numbers and characters in English.

The names are those of Asterisk's core sound package.
"""

from __future__ import annotations

from server.base.errors import InvalidArgument

MAX_SAY_LENGTH = 256  # characters; nobody listens to more
MAX_NUMBER = 999_999_999

_SYMBOLS = {
    "!": "letters/exclaimation-point",
    "@": "letters/at",
    "#": "letters/hash",
    "$": "letters/dollar",
    "*": "letters/star",
    "+": "letters/plus",
    ",": "letters/dot",
    "-": "letters/dash",
    ".": "letters/dot",
    "/": "letters/slash",
    " ": "letters/space",
    "=": "letters/equals",
}
_DIGITS = {"#": "digits/pound", "*": "digits/star", "-": "digits/minus"}


def prompts(scheme: str, text: str) -> list[str]:
    """Return prompt names for ARI's ``digits``, ``number`` and ``characters`` schemes.

    :raises InvalidArgument: *text* can't be said that way.
    """
    if len(text) > MAX_SAY_LENGTH:
        raise InvalidArgument("media", f"longer than {MAX_SAY_LENGTH} characters")
    if scheme == "digits":
        return digits(text)
    if scheme == "characters":
        return characters(text)
    try:
        return number(int(text))
    except ValueError:
        raise InvalidArgument("media", f"{text!r} is not a number") from None


def digits(text: str) -> list[str]:
    """Return the prompts for digits one by one; other characters are passed over."""
    return [
        f"digits/{letter}" if letter.isascii() and letter.isdigit() else _DIGITS[letter]
        for letter in text
        if (letter.isascii() and letter.isdigit()) or letter in _DIGITS
    ]


def characters(text: str) -> list[str]:
    """Return the prompts that spell *text*; what has no prompt is passed over."""
    names = []
    for letter in text.lower():
        if letter.isascii() and letter.isdigit():
            names.append(f"digits/{letter}")
        elif letter.isascii() and letter.isalpha():
            names.append(f"letters/{letter}")
        elif letter in _SYMBOLS:
            names.append(_SYMBOLS[letter])
    return names


def number(value: int) -> list[str]:
    """Return the prompts that say a whole number.

    :raises InvalidArgument: its magnitude is over :data:`MAX_NUMBER`.
    """
    if abs(value) > MAX_NUMBER:
        raise InvalidArgument("media", f"no number beyond {MAX_NUMBER} can be said")
    if value < 0:
        return ["digits/minus", *number(-value)]
    if value <= 20:
        return [f"digits/{value}"]
    if value < 100:
        tens, rest = divmod(value, 10)
        return [f"digits/{tens * 10}", *(number(rest) if rest else [])]
    for size, name in ((1_000_000, "million"), (1_000, "thousand"), (100, "hundred")):
        if value >= size:
            count, rest = divmod(value, size)
            return [*number(count), f"digits/{name}", *(number(rest) if rest else [])]
    raise AssertionError(value)
