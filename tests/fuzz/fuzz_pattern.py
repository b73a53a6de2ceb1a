"""Invariant: any names and numbers match or not, the best first; nothing raises or hangs."""

from __future__ import annotations

import random
import sys
import time
from dataclasses import dataclass

from server.dialplan.pattern import PatternTable, sort_key

ALPHABET = "0123456789XZNxzn.!_[]-*#abc/,^$ "


@dataclass(frozen=True)
class Entry:
    name: str


def main(seconds: float = 5.0, seed: int = 4733) -> int:
    """Run for so long; return the number of rounds."""
    dice = random.Random(seed)
    ends = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < ends:
        rounds += 1
        table: PatternTable[Entry] = PatternTable()
        for _ in range(dice.randrange(1, 20)):
            name = "".join(dice.choices(ALPHABET, k=dice.randrange(0, 12)))
            table.add(Entry(name if dice.random() < 0.3 else "_" + name))
        for _ in range(20):
            number = "".join(dice.choices(ALPHABET[:10] + "*#a-_", k=dice.randrange(0, 10)))
            keys = [sort_key(entry.name) for entry in table.matches(number)]
            assert number.strip("-").startswith("_") or keys == sorted(keys), number
            table.can_continue(number, lambda _entry: True)
        list(table)
    return rounds


if __name__ == "__main__":
    print(main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0), "rounds")
