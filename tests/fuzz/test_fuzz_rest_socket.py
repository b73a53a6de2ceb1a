"""A short run of the fuzzer of REST over WebSocket; FUZZ_SECONDS makes it long."""

from __future__ import annotations

import os

import pytest

from tests.fuzz import fuzz_rest_socket

SECONDS = float(os.environ.get("FUZZ_SECONDS", "4")) / 4


@pytest.mark.timeout(SECONDS + 60)
def test_fuzzer_finds_nothing() -> None:
    seed = int.from_bytes(os.urandom(4), "big") if "FUZZ_SECONDS" in os.environ else 0
    assert fuzz_rest_socket.main(SECONDS, seed) > 100
