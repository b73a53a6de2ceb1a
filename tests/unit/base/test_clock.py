"""Times as ARI writes them."""

from __future__ import annotations

import re
import time
from datetime import datetime

import pytest

from server.base.clock import ari_timestamp


def test_form_is_aris() -> None:
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}", ari_timestamp(time.time())
    )


@pytest.mark.parametrize(
    ("wall", "milliseconds"),
    [(1_700_000_000.0, 0), (1_700_000_000.9996, 999), (1_700_000_000.25, 250)],
)
def test_time_is_cut_to_milliseconds_not_rounded(wall: float, milliseconds: int) -> None:
    parsed = datetime.strptime(ari_timestamp(wall), "%Y-%m-%dT%H:%M:%S.%f%z")
    assert int(parsed.timestamp()) == 1_700_000_000
    assert parsed.microsecond == milliseconds * 1000
