"""JSON that is encoded once and spliced wherever it is needed."""

from __future__ import annotations

from typing import Any, Protocol

import orjson

Snapshot = orjson.Fragment


class Wire(Protocol):
    """Anything that has a form on the wire."""

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object, without optional members that are absent."""
        ...


def snapshot(value: Wire) -> Snapshot:
    """Encode a value as it is now."""
    return Snapshot(orjson.dumps(value.to_wire()))
