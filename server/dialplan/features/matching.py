"""Finds features in the digits that somebody presses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

MAX_PRESSED = 40


class DigitMatcher:
    """Collects digits as long as they could still become a feature.

    :param codes: the digits of each feature and its name.
    :param timeout_ms: how long more digits are awaited once some could be a feature.
    :param on_match: told the name of a feature that was dialled in full.
    :param on_pass: given digits that are none.
    """

    def __init__(
        self,
        codes: Mapping[str, str],
        timeout_ms: int,
        on_match: Callable[[str], None],
        on_pass: Callable[[str], None],
    ) -> None:
        self.codes = codes
        self._timeout = timeout_ms / 1000
        self._on_match = on_match
        self._on_pass = on_pass
        self._pressed = ""
        self._timer: asyncio.TimerHandle | None = None

    def press(self, digit: str) -> None:
        """Take one digit."""
        self._stop_timer()
        self._pressed += digit.upper()
        pressed = self._pressed
        may_grow = any(code.startswith(pressed) and code != pressed for code in self.codes)
        if may_grow and len(pressed) < MAX_PRESSED:
            self._timer = asyncio.get_running_loop().call_later(self._timeout, self._settle)
        else:
            self._settle()

    def clear(self) -> None:
        """Forget what was pressed."""
        self._stop_timer()
        self._pressed = ""

    def _settle(self) -> None:
        pressed = self._pressed
        self.clear()
        name = self.codes.get(pressed)
        if name is not None:
            self._on_match(name)
        elif pressed:
            self._on_pass(pressed)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
