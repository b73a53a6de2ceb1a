"""What the doctor says: one line per finding."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    :param subject: what it was, such as ``disk``.
    :param remedy: what to do about it; empty if nothing is to be done.
    """

    level: Level
    subject: str
    text: str
    remedy: str = ""

    @property
    def line(self) -> str:
        """The finding for the terminal."""
        label = f"{self.level}:"
        remedy = f" -> {self.remedy}" if self.remedy else ""
        return f"{label:<9}{self.subject}: {self.text}{remedy}"


def ok(subject: str, text: str) -> Finding:
    """Say that all is well."""
    return Finding(Level.OK, subject, text)


def warning(subject: str, text: str, remedy: str) -> Finding:
    """Say what should be looked at."""
    return Finding(Level.WARNING, subject, text, remedy)


def error(subject: str, text: str, remedy: str) -> Finding:
    """Say what keeps calls from working."""
    return Finding(Level.ERROR, subject, text, remedy)
