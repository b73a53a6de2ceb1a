"""How numbers are said: a table for each language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import InvalidArgument
from server.resources.say import MAX_NUMBER, Speaker
from server.resources.say.languages import CODES

SPEAKER = Speaker()

# language: value[gender] = prompts in digits/, or with their own folder
NUMBERS = {
    "cs": "1f=1f 2=2 21=20,1 101=1sto,1 234=2f,2ste,30,4 500=5,5set 1000=1_E3 3005=3,2-4_E3,5 "
    "5000=5,5_E3 2000000=2,2-4_E6",
    "da": "1n=1N 13=13 21=1-and,20 101=1N,hundred,and,1 350=3,hundred,and,50 1000=1N,thousand "
    "2345=2,thousand,3,hundred,and,5-and,40 1000000=1,million 2000000=2,millions",
    "de": "1f=1F 21=1-and,20 100=hundred 101=1N,hundred,1 345=3,hundred,5-and,40 1000=thousand "
    "1001=1N,thousand,1 21000=1-and,20,thousand 1000000=1F,million 2000000=2,millions",
    "en": "0=0 20=20 21=20,1 100=1,hundred 345=3,hundred,40,5 1000=1,thousand "
    "999999999=9,hundred,90,9,million,9,hundred,90,9,thousand,9,hundred,90,9 -7=minus,7",
    "en_GB": "100=1,hundred 101=1,hundred,/vm-and,1 2345=2,thousand,3,hundred,/vm-and,40,5",
    "es": "1f=1F 1m=1M 1=1 21=21 30=30 31=30,and,1 100=100 101=100-and,1 555=500,50,and,5 "
    "1000=thousand 2000=2,thousand 1000000=1M,million 2000000=2,millions",
    "fr": "1f=1F 21=20,et,1 22=20,2 71=60,et,11 77=60,17 80=80 91=80,11 99=80,19 100=hundred "
    "200=2,hundred 1000=thousand 1999=thousand,9,hundred,80,19 3000000=3,million",
    "gr": "1f=1f 12=12 13=10,3 101=hundred-100,1 100=100 2005=2,thousands,5 1000=thousand",
    "he": "1=1 1f=1F 0=0 15=15 21=20,ve,1 100=1hundred 300=3F,hundred 1000=thousand "
    "2000=2thousands 5000=5sM,thousands 20000=20,thousand",
    "hu": "11=10en,1 20=20 25=20on,5 31=30,1 100=hundred 200=2,hundred 1000=thousand",
    "is": "1=1 1f=1kvk 1n=1hk 21=20,og,1 105=1hk,hundred,og,5 3000=3hk,thousand",
    "it": "21=21 28=28 22=20,2 100=hundred 101=hundred,1 1000=thousand 2000=2,thousands "
    "1000000=1,million 5000000=5,millions",
    "ja": "11=10,1 300=300 358=300,50,8 8000=8000 10000=1,10000 123456=10,2,10000,3000,400,50,6",
    "ka": "21=20_,1 40=40 71=60_,11 100=100 101=100_,1 300=3_,100 1000=1000 2001=2,1000_,1",
    "nl": "21=1,nl-en,20 100=hundred 101=hundred,1 2500=2,thousand,5,hundred 1000000=1,million",
    "no": "1n=1N 21=20,1 101=1N,hundred,and,1 2000000=2,millions",
    "pl": "1f=1f 1=1 2f=2f 234=200,30,4 1000=1000 2000=2,1000.2-4 5000=5,1000.5- "
    "12000=12,1000.5- 22000=20,2,1000.2-4",
    "pt": "1f=1F 2f=2F 21=20,pt-e,1 100=100 101=100E,pt-e,1 200f=200F 1000=1000 1100=1000,pt-e,100 "
    "1234=1000,200,pt-e,30,pt-e,4 2000000=2,1000000S 1000000=1,1000000",
    "pt_BR": "21=20,pt-e,1",
    "ru": "1f=1f 1n=1n 2f=2f 21=20,1 500=500 1000=1f,thousand 2000=2f,thousands-i "
    "5000=5,thousands 11000=11,thousands 2000000=2,million-a 5000000=5,millions",
    "sv": "1n=1N 21=20,1 100=1N,hundred 1000=1N,thousand 2000000=2,millions",
    "th": "11=10,et 21=20,et 35=3,10,5 101=1,hundred,et 12345=1,tenthousand,2,thousand,3,hundred,"
    "4,10,5",
    "ur": "57=57 100=1,hundred 250000=2,lac,50,thousand 10000000=1,crore",
    "vi": "15=10,lam 21=20,mot 25=20,lam 24=20,4 105=1,hundred,odd,5",
    "zh": "10=10 15=10,5 20=2,10 101=1,hundred,0,1 110=1,hundred,10 "
    "2005=2,thousand,0,5 30000=3,ten-thousand",
}


def rows() -> list[tuple[str, int, str, list[str]]]:
    found = []
    for language, text in NUMBERS.items():
        for row in text.split():
            value, _, prompts = row.partition("=")
            gender = value[-1] if value[-1].isalpha() else ""
            names = [p[1:] if p[0] == "/" else f"digits/{p}" for p in prompts.split(",")]
            found.append((language, int(value.removesuffix(gender)), gender, names))
    return found


@pytest.mark.parametrize(("language", "value", "gender", "prompts"), rows())
def test_a_number_is_said(language: str, value: int, gender: str, prompts: list[str]) -> None:
    assert SPEAKER.number(value, language, gender) == prompts


def test_every_language_has_a_table() -> None:
    assert set(NUMBERS) == set(CODES)


@given(
    st.integers(-MAX_NUMBER, MAX_NUMBER), st.sampled_from(CODES), st.sampled_from(["", *"fmcnp"])
)
def test_every_number_is_said_in_every_language(value: int, language: str, gender: str) -> None:
    names = SPEAKER.number(value, language, gender)
    assert names
    assert all(name.startswith(("digits/", "vm-")) for name in names)
    assert (names[0] == "digits/minus") is (value < 0)


@given(st.integers(0, MAX_NUMBER), st.sampled_from(CODES))
def test_every_rank_is_said_in_every_language(value: int, language: str) -> None:
    assert "/h-" in SPEAKER.ordinal(value, language)[-1]


@given(st.sampled_from(CODES), st.integers(0, 9_999_999), st.integers(0, 9_999_999))
def test_two_numbers_sound_different(language: str, one: int, other: int) -> None:
    if one != other:
        assert SPEAKER.number(one, language) != SPEAKER.number(other, language)


@pytest.mark.parametrize("value", [MAX_NUMBER + 1, -MAX_NUMBER - 1])
def test_what_has_no_words_is_an_error(value: int) -> None:
    with pytest.raises(InvalidArgument):
        SPEAKER.number(value)
    with pytest.raises(InvalidArgument):
        SPEAKER.ordinal(value)


@pytest.mark.parametrize(
    ("code", "same"),
    [("xx", "en"), ("de_AT", "de"), ("DE", "de"), ("se", "sv"), ("pt_BR", "pt_BR"), ("", "en"),
     ("en_GB", "en_GB"), ("tw", "zh"), ("mx", "es"), ("el", "gr"), ("en-GB", "en_GB")],
)  # fmt: skip
def test_a_language_is_found_by_its_code(code: str, same: str) -> None:
    assert SPEAKER.number(121, code) == SPEAKER.number(121, same)


@pytest.mark.parametrize(
    ("value", "language", "prompts"),
    [
        (1, "en", "h-1"), (20, "en", "h-20"), (21, "en", "20 h-1"), (100, "en", "1 h-hundred"),
        (123, "en", "1 hundred 20 h-3"), (2000, "en", "2 h-thousand"), (-3, "en", "minus h-3"),
        (21, "de", "1-and h-20"), (3, "de", "h-3"), (21, "da", "1-and h-20"),
        (21, "nl", "1 nl-en h-20"), (101, "de", "1N hundred h-1"), (100, "de", "h-hundred"),
    ],
)  # fmt: skip
def test_a_rank_is_said(value: int, language: str, prompts: str) -> None:
    expected = [f"digits/{name}" for name in prompts.split()]
    assert SPEAKER.ordinal(value, language) == expected


@pytest.mark.parametrize(
    ("cents", "prompts"),
    [
        (0, "digits/0 cents"), (1, "digits/1 cent"), (100, "digits/1 letters/dollar"),
        (250, "digits/2 dollars and digits/50 cents"), (-5, "digits/minus digits/5 cents"),
    ],
)  # fmt: skip
def test_money_is_said(cents: int, prompts: str) -> None:
    assert SPEAKER.money(cents) == prompts.split()


@pytest.mark.parametrize(
    ("language", "forms"),
    [("en", {1: "call", 2: "calls", 0: "calls"}),
     ("ru", {1: "call", 21: "call", 2: "callx1", 24: "callx1", 5: "callx2", 12: "callx2"}),
     ("pl", {1: "call", 3: "callx1", 21: "callx2", 5: "callx2"})],
)  # fmt: skip
def test_a_noun_is_counted(language: str, forms: dict[int, str]) -> None:
    for value, name in forms.items():
        assert SPEAKER.counted_noun(value, "call", language) == [name]


@pytest.mark.parametrize(
    ("language", "value", "gender", "name"),
    [("en", 5, "f", "new"), ("ru", 1, "f", "newf"), ("ru", 5, "f", "newx"), ("ru", 21, "n", "newn"),
     ("pl", 21, "f", "newx")],
)  # fmt: skip
def test_an_adjective_agrees(language: str, value: int, gender: str, name: str) -> None:
    assert SPEAKER.counted_adjective(value, "new", language, gender) == [name]
