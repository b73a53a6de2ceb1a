"""Digits that become features, and digits that don't."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.dialplan.features.matching import DigitMatcher

DIGITS = "0123456789*#"


class Heard:
    def __init__(self, codes: dict[str, str], timeout_ms: int = 5) -> None:
        self.events: list[tuple[str, str]] = []
        self.matcher = DigitMatcher(
            codes,
            timeout_ms,
            lambda name: self.events.append(("match", name)),
            lambda digits: self.events.append(("pass", digits)),
        )

    def press(self, digits: str) -> None:
        for digit in digits:
            self.matcher.press(digit)


@pytest.mark.parametrize(
    ("pressed", "events"),
    [
        ("#", [("match", "blind")]),
        ("*1", [("match", "record")]),
        ("5", [("pass", "5")]),
        ("*5", [("pass", "*5")]),
        ("5#", [("pass", "5"), ("match", "blind")]),
        ("*1#", [("match", "record"), ("match", "blind")]),
    ],
)
async def test_what_is_clear_is_decided_at_once(
    pressed: str, events: Sequence[tuple[str, str]]
) -> None:
    heard = Heard({"#": "blind", "*1": "record", "*": "end"})
    heard.press(pressed)
    assert heard.events == list(events)


@pytest.mark.parametrize(("pressed", "event"), [("*", ("match", "end")), ("#", ("pass", "#"))])
async def test_what_could_become_more_is_decided_by_time(
    pressed: str, event: tuple[str, str]
) -> None:
    heard = Heard({"*": "end", "*1": "record", "##": "blind"})
    heard.press(pressed)
    assert heard.events == []
    await asyncio.sleep(0.02)
    assert heard.events == [event]


async def test_what_was_cleared_is_forgotten() -> None:
    heard = Heard({"##": "blind"})
    heard.press("#")
    heard.matcher.clear()
    heard.press("#")
    assert heard.events == []
    heard.matcher.clear()


@given(
    codes=st.lists(st.text(DIGITS, min_size=1, max_size=3), max_size=4, unique=True),
    pressed=st.text(DIGITS, max_size=12),
)
def test_no_digit_is_lost_or_invented(codes: list[str], pressed: str) -> None:
    async def run() -> None:
        heard = Heard({code: code for code in codes}, timeout_ms=0)
        heard.press(pressed)
        await asyncio.sleep(0.001)
        assert "".join(text for _kind, text in heard.events) == pressed
        assert all(text in codes for kind, text in heard.events if kind == "match")

    asyncio.run(run())
