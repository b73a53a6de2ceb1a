"""The lines of a configuration file that is being changed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence

from server.base.errors import ServerError

_ASSIGNMENT = re.compile(r"(?P<start>[^=]*?)\s*(?P<sign>=>?)(?P<blank>\s*)")
_COMMENT = re.compile(r"\s*(?<!\\);.*\Z", re.DOTALL)


class EditError(ServerError):
    """A change can't be made; nothing was changed."""


class Lines:
    """The lines of a text, whose ends stay what they are."""

    def __init__(self, text: str) -> None:
        self._rows = text.split("\n")
        self._end = "\r" if self._rows[0].endswith("\r") else ""

    def __str__(self) -> str:
        return "\n".join(self._rows)

    def change(self, index: int, change: Callable[[str], str]) -> None:
        """Let *change* make another line of one."""
        line = self._rows[index]
        bare = line.removesuffix("\r")
        self._rows[index] = change(bare) + line[len(bare) :]

    def insert(self, index: int, *rows: str) -> None:
        """Put lines before one."""
        self._rows[index:index] = [row + self._end for row in rows]
        if index == len(self._rows) - len(rows) and index > 0:
            before = self._rows[index - 1]
            self._rows[index - 1] = before.removesuffix("\r") + self._end
            self._rows[-1] = self._rows[-1].removesuffix("\r")

    def remove(self, indexes: Sequence[int]) -> None:
        """Remove lines, whose numbers are in order."""
        for index in reversed(indexes):
            del self._rows[index]

    def _is_blank(self, index: int) -> bool:
        return not self._rows[index].strip()

    def remove_blocks(self, indexes: Sequence[int], headers: set[int]) -> None:
        """Remove lines, and the comments that go with them: above a header, and between lines."""
        doomed = set(indexes)
        for index, following in itertools.pairwise(indexes):
            if following not in headers and self._is_remark(index + 1, following):
                doomed.update(range(index + 1, following))
        for header in headers:
            start = self.start_of_comment(header)
            if start > 0:
                doomed.update(range(start, header))
        self._close_gap(doomed)
        self.remove(sorted(doomed))

    def _close_gap(self, doomed: set[int]) -> None:
        """Take one of two empty lines along that would meet, or one at the end of the text."""
        before, after = min(doomed) - 1, max(doomed) + 1
        if before >= 0 and not self._is_blank(before):
            return
        if after < len(self._rows) - 1:
            if self._is_blank(after):
                doomed.add(after)
        elif before >= 0:
            doomed.add(before)

    def start_of_comment(self, index: int) -> int:
        """Return where the comment begins that stands right above a line."""
        while index > 0 and self._rows[index - 1].lstrip().startswith(";"):
            index -= 1
        return index

    def _is_remark(self, start: int, stop: int) -> bool:
        rows = (row.strip() for row in self._rows[start:stop])
        return all(not row or row.startswith(";") for row in rows)


def new_option(name: str, value: str, *, arrow: bool) -> tuple[str, str, str]:
    """Return name, value and line of a new option."""
    return name, value.strip(), f"{name} {'=>' if arrow else '='} {_escape(value.strip())}"


def with_value(line: str, value: str, *, arrow: bool) -> str:
    """Put another value into an option's line; its comment stays.

    :raises EditError: it is none that has a value of its own.
    """
    found = _ASSIGNMENT.match(line)
    if found is None or found["start"].endswith("+"):
        raise EditError(f"can't change {line[:60]!r}")
    comment = _COMMENT.search(line, found.end())
    if arrow:
        start = f"{found['start']} => "
    else:
        blank = found["blank"] or (" " if value.startswith(">") else "")
        start = line[: found.start("blank")] + blank
    return start + _escape(value.strip()) + (comment[0] if comment else "")


def with_section(text: str, header: str) -> str:
    """Add a section at the end, behind an empty line."""
    end = "\r\n" if "\r\n" in text else "\n"
    if text and not text.endswith("\n"):
        text += end
    gap = end if text.strip() else ""
    return f"{text}{gap}{header}{end}"


def _escape(value: str) -> str:
    return value.replace(";", "\\;")
