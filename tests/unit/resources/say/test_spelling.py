"""Letters and digits one by one, and the way in from ARI."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import InvalidArgument
from server.resources.say import MAX_SAY_LENGTH, Speaker

SPEAKER = Speaker()


@pytest.mark.parametrize(
    ("text", "case", "prompts"),
    [
        ("a1@", "n", "letters/a digits/1 letters/at"),
        ("aB", "a", "lowercase letters/a uppercase letters/b"),
        ("aB", "u", "letters/a uppercase letters/b"),
        ("aB", "l", "lowercase letters/a letters/b"),
        ("é", "a", ""),
    ],
)
def test_characters(text: str, case: str, prompts: str) -> None:
    assert SPEAKER.characters(text, "en", case) == prompts.split()


def test_digits_pass_over_the_rest() -> None:
    assert SPEAKER.digits("1*x-#") == [
        "digits/1", "digits/star", "digits/minus", "digits/pound"
    ]  # fmt: skip


def test_phonetic() -> None:
    assert SPEAKER.phonetic("aZ5") == ["phonetic/a_p", "phonetic/z_p", "digits/5"]


@given(st.text(max_size=1_000))
def test_no_text_is_too_strange(text: str) -> None:
    for names in (SPEAKER.digits(text), SPEAKER.phonetic(text), SPEAKER.characters(text, "en")):
        assert len(names) <= MAX_SAY_LENGTH
        assert all("/" in name and name.isascii() for name in names)


def test_aris_schemes() -> None:
    assert SPEAKER.prompts("digits", "12") == ["digits/1", "digits/2"]
    assert SPEAKER.prompts("characters", "b") == ["letters/b"]
    assert SPEAKER.prompts("number", "21", "de") == ["digits/1-and", "digits/20"]


@pytest.mark.parametrize("text", ["one", "1" * (MAX_SAY_LENGTH + 1)])
def test_aris_numbers_are_checked(text: str) -> None:
    with pytest.raises(InvalidArgument):
        SPEAKER.prompts("number", text)
