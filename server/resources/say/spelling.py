"""Which prompts say texts letter by letter and digits one by one: the same in every language."""

from __future__ import annotations

MAX_SAY_LENGTH = 256  # characters; nobody listens to more

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


def digits(text: str) -> list[str]:
    """Return the prompts for digits one by one; other characters are passed over."""
    return [
        f"digits/{letter}" if _is_digit(letter) else _DIGITS[letter]
        for letter in text
        if _is_digit(letter) or letter in _DIGITS
    ]


def characters(text: str, case: str = "n") -> list[str]:
    """Return the prompts that spell *text*; what has no prompt is passed over.

    :param case: which letters are told to be upper or lower case: ``a`` all, ``u`` or ``l`` those
        that are, ``n`` none.
    """
    names: list[str] = []
    for letter in text:
        if letter.isascii() and letter.isalpha():
            names.extend(_case(letter, case))
        names.extend(_spell(letter, "letters/{}"))
    return names


def phonetic(text: str) -> list[str]:
    """Return the prompts that spell *text* by the alphabet of aviators (Alfa, Bravo …)."""
    return [name for letter in text for name in _spell(letter, "phonetic/{}_p")]


def _spell(letter: str, form: str) -> list[str]:
    if _is_digit(letter):
        return [f"digits/{letter}"]
    if letter.isascii() and letter.isalpha():
        return [form.format(letter.lower())]
    return [_SYMBOLS[letter]] if letter in _SYMBOLS else []


def _case(letter: str, case: str) -> list[str]:
    if letter.isupper():
        return ["uppercase"] if case in "au" else []
    return ["lowercase"] if case in "al" else []


def _is_digit(letter: str) -> bool:
    return letter.isascii() and letter.isdigit()
