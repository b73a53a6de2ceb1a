"""Invariant: any text is an AelError, or a program whose printed form loads as the same plan."""

from __future__ import annotations

import random
import sys
import time

from server.config.ini import parse_text
from server.dialplan.ael.compiler import compile_ael
from server.dialplan.ael.nodes import AelError
from server.dialplan.ael.parser import parse_ael
from server.dialplan.ael.printer import print_config
from server.dialplan.loader import compile_plan
from tests.fuzz.mutation import mutate, seeds
from tests.support.plans import plan_contents

TOKENS = [
    b"context ", b"{", b"}", b"(", b")", b"=>", b";", b"if ", b"else ", b"switch ", b"case ",
    b"default:", b"pattern ", b"goto ", b"jump ", b"&m(", b"=", b"//", b"/*", b"*/", b"\\", b"${",
    b"$[", b"[", b"]", b"|", b",", b"@", b"\"", b"#include ", b"\n", b"\0", b"\xff", b";--", b"--;",
]  # fmt: skip
MAX_SECONDS = 2.0  # for one program


def main(seconds: float = 5.0, seed: int = 1) -> int:
    """Run for so long; return the number of programs that could be compiled."""
    dice = random.Random(seed)
    corpus = seeds("ael/*.ael")
    ends = time.monotonic() + seconds
    compiled = 0
    while time.monotonic() < ends:
        text = mutate(dice, corpus, TOKENS).decode("utf-8", "replace")
        began = time.monotonic()
        compiled += _check(text)
        assert time.monotonic() - began < MAX_SECONDS, text
    return compiled


def _check(text: str) -> bool:
    try:
        file = compile_ael(parse_ael(text, directory="/nowhere"))
    except AelError as error:
        if not str(error).startswith("<text>:"):
            raise
        return False
    direct, printed = compile_plan(file), compile_plan(parse_text(print_config(file)))
    assert plan_contents(printed) == plan_contents(direct), text
    assert printed.globals == direct.globals, text
    return True


if __name__ == "__main__":
    print(main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0), "programs")
