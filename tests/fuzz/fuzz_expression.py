"""Invariant: any text is substituted and evaluated to a text or an ExpressionError, quickly."""

from __future__ import annotations

import contextlib
import random
import sys
import time

from server.dialplan.expression import ExpressionError, evaluate
from server.dialplan.variables import compile_text

PIECES = [
    "1", "0", "2.5", "abc", '"', '"a b"', "(", ")", "+", "-", "*", "/", "%", "=", "!=", "<", ">=",
    "|", "&", "!", "?", "::", ":", "=~", "~~", ",", " ", "${X}", "${", "}", "$[", "]", "FLOOR(",
    "POW(", "SIN(", "[0-9]+", "(.*)", "{9}", "\\", "\x00", "\udce4", "é", "1e400", "999999999999",
]  # fmt: skip
MAX_SECONDS = 2.0  # for one expression


class Names:
    """Everything has a value that looks like dialplan."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def get(self, name: str) -> str | None:
        return "".join(self._dice.choices(PIECES, k=3))

    def read_function(self, name: str, arguments: str) -> str:
        return "1"

    def call_function(self, name: str, arguments: str) -> str | None:
        return None

    def report(self, message: str) -> None: ...


def main(seconds: float = 5.0, seed: int = 5118) -> int:
    """Run for so long; return the number of rounds."""
    dice = random.Random(seed)
    ends = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < ends:
        rounds += 1
        text = "".join(dice.choices(PIECES, k=dice.randrange(0, 30)))
        began = time.monotonic()
        with contextlib.suppress(ExpressionError):
            assert isinstance(evaluate(text, lambda _message: None), str)
        compiled = compile_text(text, [])
        if not isinstance(compiled, str):
            assert isinstance(compiled.evaluate(Names(dice)), str)
        assert time.monotonic() - began < MAX_SECONDS, text
    return rounds


if __name__ == "__main__":
    print(main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0), "rounds")
