"""The server's parts under the names of Asterisk's modules."""

from __future__ import annotations

import json
from pathlib import Path

from server.app.modules import PARTS, REST_FAMILIES, DialplanPart, _table
from server.dialplan.registry import Registry
from server.http.spec import load_bundle, load_operations

DATA = Path(__file__).parents[2] / "data" / "dialplan"


def test_what_is_placed_is_published() -> None:
    for kind in ("applications", "functions"):
        names = set(json.loads((DATA / f"{kind}.json").read_text("utf-8")))
        placed = {name for row in _table().values() for name in row.get(kind, ())}
        assert placed <= names


def test_every_family_of_operations_is_a_module() -> None:
    tags = {operation.tag for operation in load_operations(load_bundle())}
    assert tags == set(REST_FAMILIES)
    assert not set(REST_FAMILIES.values()) & set(PARTS)


def test_a_part_of_the_dialplan_leaves_and_comes_back_as_it_was() -> None:
    registry = Registry.standard()
    applications, functions = dict(registry.applications), dict(registry.functions)
    part = DialplanPart(registry)
    part.claim(["Dial", "NoSuchApplication"], ["LEN", "NO_SUCH_FUNCTION"])
    assert part.names == ["Dial", "LEN"]
    part.unload()
    assert "dial" not in registry.applications
    assert "LEN" not in registry.functions
    part.load()
    assert (registry.applications, registry.functions) == (applications, functions)
