"""Short runs of the libFuzzer targets of the media core; ``make fuzz`` runs them for longer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "media" / "c"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_fuzzers_find_nothing() -> None:
    ended = subprocess.run(
        ["make", "--no-print-directory", "-C", FOLDER, "fuzz", "FUZZ_SECONDS=1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
