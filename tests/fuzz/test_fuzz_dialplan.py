"""Short runs of the dialplan's fuzzers; FUZZ_SECONDS makes them long."""

from __future__ import annotations

import os

import pytest

from tests.fuzz import fuzz_ael, fuzz_expression, fuzz_pattern

SECONDS = float(os.environ.get("FUZZ_SECONDS", "4")) / 4


@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize("main", [fuzz_pattern.main, fuzz_expression.main, fuzz_ael.main])
def test_fuzzer_finds_nothing(main: object) -> None:
    assert callable(main)
    seed = int.from_bytes(os.urandom(4), "big") if "FUZZ_SECONDS" in os.environ else 0
    assert main(SECONDS, seed) > 10
