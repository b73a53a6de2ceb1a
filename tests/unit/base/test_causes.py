"""Compares the cause tables with the published ones, copied to tests/data/hangup_causes.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.base.causes import (
    ARI_REASONS,
    Cause,
    cause_text,
    cause_to_sip,
    parse_cause,
    sip_to_cause,
)

FACTS = json.loads(
    (Path(__file__).parents[2] / "data" / "hangup_causes.json").read_text(encoding="utf-8")
)


def test_every_published_cause_has_its_name_and_number() -> None:
    published = {row["name"]: row["value"] for row in FACTS["causes"]}
    published |= {row["name"]: row["value"] for row in FACTS["aliases"]}
    assert {name: int(member) for name, member in Cause.__members__.items()} == published


@pytest.mark.parametrize("row", FACTS["causes"], ids=lambda row: row["name"])
def test_every_cause_with_a_token_has_a_text(row: dict[str, object]) -> None:
    known = cause_text(int(str(row["value"]))) != "Unknown"
    assert known is (row["token"] is not None)


def test_causes_map_to_sip_as_published() -> None:
    published = {row["cause"]: row["sip"] for row in FACTS["cause_to_sip"]}
    for cause in range(-1, 200):
        assert cause_to_sip(cause) == published.get(cause, FACTS["cause_to_sip_default"])


def test_sip_maps_to_causes_as_published() -> None:
    published = {row["sip"]: row["cause"] for row in FACTS["sip_to_cause"]}
    defaults = {tuple(row["range"]): row["cause"] for row in FACTS["sip_to_cause_default"][:-1]}
    other = FACTS["sip_to_cause_default"][-1]["cause"]
    for status in range(100, 800):
        expected = next((c for (a, b), c in defaults.items() if a <= status <= b), other)
        assert sip_to_cause(status) == published.get(status, expected)


def test_ari_reasons_map_as_published() -> None:
    published = {row["reason"]: row["cause"] for row in FACTS["ari_hangup_reason"]}
    assert {name: int(cause) for name, cause in ARI_REASONS.items()} == published


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("17", 17),
        (" 16 ", 16),
        ("busy", 17),
        ("AST_CAUSE_NOANSWER", 19),
        ("128", None),
        ("-1", None),
        ("", None),
        ("no such", None),
        ("\N{ARABIC-INDIC DIGIT ONE}", None),
    ],
)
def test_causes_are_read_by_number_and_name(text: str, cause: int | None) -> None:
    assert parse_cause(text) == cause
