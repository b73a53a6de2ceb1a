"""ASTERISK_PROMPT."""

from __future__ import annotations

import os
import pwd
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cli.prompt import DEFAULT, MAX_LENGTH, Surroundings, render_prompt, template

WALL = 1_700_000_000.0
AROUND = Surroundings("pbx.example.org", "")
NAMED = Surroundings("pbx.example.org", "office", is_remote=False)


@pytest.mark.parametrize(
    ("text", "around", "rendered"),
    [
        (DEFAULT, AROUND, "pbx.example.org*CLI> "),
        (DEFAULT, NAMED, "office*CLI> "),
        ("%h %H %s", NAMED, "pbx.example.org pbx office"),
        ("%# %%", AROUND, "> %"),
        ("%#", NAMED, "#"),
        ("%u", AROUND, pwd.getpwuid(os.geteuid()).pw_name),
        ("%d %t", AROUND, time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(WALL))),
        ("%C31x", AROUND, "\033[0;31mx\033[0m"),
        ("%C161;40x", AROUND, "\033[1;33;40mx\033[0m"),
        ("%C32;34x", AROUND, "\033[0;32;44mx\033[0m"),
        ("a%z%", AROUND, "a%"),
    ],
)
def test_escapes(text: str, around: Surroundings, rendered: str) -> None:
    assert render_prompt(text, around, WALL) == rendered


def test_load_averages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (0.5, 1.25, 2.0))
    assert render_prompt("%l1 %l2 %l3 (%l)", AROUND, WALL) == "0.50 1.25 2.00 (0.50 1.25 2.00)"


def test_the_variable_is_used_and_bounded() -> None:
    assert template({}) == DEFAULT
    assert template({"ASTERISK_PROMPT": "> "}) == "> "
    assert len(template({"ASTERISK_PROMPT": "x" * 1000})) == MAX_LENGTH


@given(st.text(alphabet="%Cl0123456789;dthHsugz# x", max_size=60))
def test_any_template_gives_a_prompt(text: str) -> None:
    assert isinstance(render_prompt(text, AROUND, WALL), str)
