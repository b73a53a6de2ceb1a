"""A small mutational fuzzer for Python parsers, for where atheris can't be had."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

VECTORS = Path(__file__).parents[1] / "vectors"
MAX_LENGTH = 20_000  # bytes; vectors are shorter, repetition makes them longer


def seeds(pattern: str) -> list[bytes]:
    """Vectors, and what earlier runs found, by a glob below tests/vectors."""
    return [path.read_bytes() for path in sorted(VECTORS.glob(pattern))]


def mutate(rng: random.Random, corpus: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """Cut, splice, repeat, insert and flip."""
    data = rng.choice(corpus)
    for _ in range(rng.randint(1, 8)):
        at, to = sorted(rng.randint(0, len(data)) for _ in range(2))
        match rng.randrange(6):
            case 0:
                data = data[:at] + data[to:]
            case 1:
                data = data[:at] + rng.choice(tokens) + data[at:]
            case 2:
                data = data[:to] + data[at:to] * rng.choice((1, 1, 2, 30)) + data[to:]
            case 3:
                other = rng.choice(corpus)
                data = data[:at] + other[rng.randint(0, len(other)) :]
            case 4:
                data = data[:at] + rng.randbytes(rng.randint(1, 4)) + data[at:]
            case _:
                data = data[:at] + data[at : at + 1].swapcase() + data[at + 1 :]
    return data[:MAX_LENGTH]


def run(
    seconds: float,
    exercise: Callable[[bytes], None],
    corpus: Sequence[bytes],
    tokens: Sequence[bytes],
    seed: int,
) -> int:
    """Exercise mutants for some seconds; returns their number.

    :raises AssertionError: *exercise* raised; names the input.
    """
    rng = random.Random(seed)
    end = time.monotonic() + seconds
    rounds = 0
    while time.monotonic() < end:
        data = mutate(rng, corpus, tokens)
        rounds += 1
        started = time.monotonic()
        try:
            exercise(data)
        except Exception as error:
            raise AssertionError(f"{error!r} for {data!r}") from error
        assert time.monotonic() - started < 2.0, f"too slow: {data!r}"
    return rounds
