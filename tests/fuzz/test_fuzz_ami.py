"""A short run of the AMI fuzzer; ``make fuzz`` runs it for longer."""

from __future__ import annotations

import os

from tests.fuzz.fuzz_ami import main


def test_fuzzer_finds_nothing() -> None:
    main(float(os.environ.get("FUZZ_SECONDS", "1")))
