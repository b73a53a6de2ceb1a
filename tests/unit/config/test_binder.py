"""Binding options to fields."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from server.base.errors import ConfigError
from server.config.binder import bind, option_names, setting, settings
from server.config.ini import parse_text
from server.config.objects import ConfigWarning
from server.config.types import boolean, integer, text


@dataclass(frozen=True, slots=True)
class Example:
    """Settings for these tests."""

    name: str = ""
    count: int = setting(integer(0, 9), 3)
    flag: bool = setting(boolean, False, names=("flag", "Old_Flag"))
    words: tuple[str, ...] = settings(text, names=("word",))
    inert: int = setting(integer(), 1, no_effect="nobody reads it")


def bound(body: str) -> tuple[Example, list[str]]:
    warnings: list[ConfigWarning] = []
    file = parse_text("[a]\n" + body, path="f")
    example = bind(Example, file.sections[0].options, warnings, also_known=("type",), name="a")
    return example, [str(warning) for warning in warnings]


def test_defaults_without_options() -> None:
    assert bound("") == (Example("a"), [])


def test_the_last_value_counts_and_case_does_not() -> None:
    assert bound("count=1\nCOUNT=2")[0].count == 2


def test_aliases_and_lists() -> None:
    example, warnings = bound("old_flag=yes\nword=a\nword=b")
    assert example == Example("a", flag=True, words=("a", "b"))
    assert warnings == []


def test_unknown_options_are_reported_unless_known_elsewhere() -> None:
    assert bound("type=x\nbogus=1")[1] == ["f:3: unknown option 'bogus'"]


def test_options_without_effect_are_reported_when_set_to_something_else() -> None:
    assert bound("inert=1")[1] == []
    assert bound("inert=2")[1] == ["f:2: inert has no effect: nobody reads it"]


def test_bad_value_names_file_line_and_option() -> None:
    with pytest.raises(ConfigError) as caught:
        bound("count=10")
    assert str(caught.value) == "f:2: count: expected a whole number from 0 to 9, not '10'"


def test_option_names_lists_aliases() -> None:
    assert option_names(Example) == {"count", "flag", "old_flag", "word", "inert"}
