"""What was measured, beside what the issue asks for; the table and the JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """One number.

    :param ours: what the server reached.
    :param must: and *aim*, the limits; upper ones unless *is_rate*.
    :param floor: what the bare C program needed in the same run.
    :param is_relative: the limits are multiples of the floor.
    :param is_rate: more is better.
    :param note: what else was seen.
    """

    row: str
    what: str
    unit: str
    ours: float
    must: float | None = None
    aim: float | None = None
    floor: float | None = None
    is_relative: bool = False
    is_rate: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours, in floors."""
        return self.ours / self.floor if self.floor else None

    @property
    def verdict(self) -> str:
        """``aim``, ``must`` or ``MISS``; empty without limits."""
        if self.must is None:
            return ""
        if self._reaches(self.aim):
            return "aim"
        return "must" if self._reaches(self.must) else "MISS"

    def _reaches(self, limit: float | None) -> bool:
        value = self.ratio if self.is_relative else self.ours
        if limit is None or value is None:
            return False
        return value >= limit if self.is_rate else value <= limit

    def as_json(self) -> dict[str, Any]:
        """Return everything, what is derived included."""
        return {**asdict(self), "ratio": self.ratio, "verdict": self.verdict}


HEADINGS = ("what", "unit", "floor", "ours", "ratio", "must", "aim", "", "note")


def table(results: list[Result]) -> str:
    """Lay out results, one a line."""
    lines = [HEADINGS, *(_cells(result) for result in results)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS))]
    text = []
    for line in lines:
        cells = [
            cell.ljust(width) if i in (0, 1, 7, 8) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text)


def write_json(path: Path, results: list[Result], about: dict[str, Any]) -> None:
    """Write all results for programs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {**about, "results": [result.as_json() for result in results]}
    path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def _cells(result: Result) -> tuple[str, ...]:
    sign = ">=" if result.is_rate else "<="
    times = "x" if result.is_relative else ""
    limits = (
        f"{sign} {_number(limit)}{times}" if limit is not None else ""
        for limit in (result.must, result.aim)
    )
    return (
        result.what,
        result.unit,
        _number(result.floor),
        _number(result.ours),
        f"{result.ratio:.2f}" if result.ratio is not None else "",
        *limits,
        result.verdict,
        result.note,
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if value and abs(value) < 0.1:
        return f"{value:.4f}"
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"
