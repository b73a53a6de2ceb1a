"""features.conf: digits, applications, groups."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import ConfigError
from server.config.ini import parse_text
from server.config.objects import ConfigWarning, Option
from server.config.sections.features import (
    FeatureApplication,
    Features,
    build_features,
    parse_application,
)


def build(text: str) -> Features:
    warnings: list[ConfigWarning] = []
    built = build_features(parse_text(text, path="features.conf"), warnings)
    assert warnings == []
    return built


def test_without_the_file_there_are_the_defaults() -> None:
    built = build_features(None, [])
    assert (built.featuremap.blindxfer, built.featuremap.disconnect) == ("#", "*")
    assert (built.featuremap.atxfer, built.general.pickupexten) == ("", "*8")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("#9,self,Playback", FeatureApplication("x", "#9", True, "both", "Playback")),
        ("#9,peer/callee,Playback,a",
         FeatureApplication("x", "#9", False, "callee", "Playback", "a")),
        ("*1,self/both,Macro,name,jazz",
         FeatureApplication("x", "*1", True, "both", "Macro", "name", "jazz")),
        ('*1,self,Gosub,"a,b(c)",jazz',
         FeatureApplication("x", "*1", True, "both", "Gosub", "a,b(c)", "jazz")),
        ("*a,self,Gosub(a,b,1(c))",
         FeatureApplication("x", "*A", True, "both", "Gosub", "a,b,1(c)")),
    ],
)  # fmt: skip
def test_applications(value: str, expected: FeatureApplication) -> None:
    built = build(f"[applicationmap]\nx => {value}\n")
    assert built.applications == {"x": expected}


@pytest.mark.parametrize(
    ("section", "line", "reason"),
    [
        ("applicationmap", "x => #9", "expected digits,activate_on,application"),
        ("applicationmap", "x => #9,other,Playback", "expected self or peer"),
        ("applicationmap", "x => #9,self/me,Playback", "expected caller, callee or both"),
        ("applicationmap", "x => hello,self,Playback", "expected up to 20"),
        ("featuremap", "blindxfer = abc!", "expected up to 20"),
        ("mine", "x = !", "expected up to 20"),
        ("general", "transferdialattempts = 0", "transferdialattempts"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(section: str, line: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        build(f"[{section}]\n{line}\n")
    assert "features.conf:2" in str(caught.value)


def test_other_sections_are_groups() -> None:
    built = build("[mine]\nrecord =\nplay = *9\n")
    assert built.groups == {"mine": {"record": "", "play": "*9"}}


@given(st.text(max_size=60))
def test_any_application_is_read_or_refused(value: str) -> None:
    try:
        read = parse_application(Option("x", value, "features.conf", 1))
    except ConfigError:
        return
    assert read.application
    assert read.activated_by in ("caller", "callee", "both")
