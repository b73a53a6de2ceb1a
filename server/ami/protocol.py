"""AMI's framing: lines of ``Name: value``, ended by an empty line.

Nothing here does I/O. :class:`FrameReader` turns bytes into messages however they are cut; what is
too long or has too many lines comes out as a :class:`BadMessage` at its end, so that it is
answered once and reading goes on behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

GREETING = b"Asterisk Call Manager/13.0.0\r\n"
END = "\r\n"

MAX_HEADERS = 128  # as in Asterisk
MAX_LINE = 8192  # bytes; Asterisk stops at 1024, which long variables don't fit into
LINE_TOO_LONG = "Failed to parse message: line too long"
TOO_MANY_LINES = "Failed to parse message: too many lines"

Field = tuple[str, object]
Fields = Sequence[Field]


class Message:
    """An action as it came in.

    :param headers: names and values in order; names are compared without case.
    """

    __slots__ = ("_first", "headers")

    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        self.headers = list(headers)
        self._first: dict[str, str] = {}
        for name, value in self.headers:
            # an empty header does not hide a later one that says something
            key = name.lower()
            if not self._first.get(key):
                self._first[key] = value

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of a header that is not empty, *default* if there is none."""
        return self._first.get(name.lower()) or default

    def all(self, name: str) -> list[str]:
        """Return every value of a header, in order."""
        wanted = name.lower()
        return [value for each, value in self.headers if each.lower() == wanted]

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._first

    @property
    def action(self) -> str:
        """What is asked for."""
        return self._first.get("action", "")

    @property
    def action_id(self) -> str:
        """What the answer repeats."""
        return self._first.get("actionid", "")


@dataclass(frozen=True, slots=True)
class BadMessage:
    """A message that can't be taken.

    :param reason: what to answer.
    :param action_id: of the message, if it could be read.
    """

    reason: str
    action_id: str = ""


class FrameReader:
    """Cuts a stream into messages."""

    def __init__(self) -> None:
        self._rest = b""  # an unfinished line
        self._headers: list[tuple[str, str]] = []
        self._error = ""
        self._is_skipping = False  # the rest of a line that is too long

    def feed(self, data: bytes) -> list[Message | BadMessage]:
        """Take bytes; return the messages that they complete, in order."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        messages: list[Message | BadMessage] = []
        for line in lines:
            if self._is_skipping:
                self._is_skipping = False
            elif line in (b"\r", b""):
                if self._headers or self._error:
                    messages.append(self._finish())
            else:
                self._take(line)
        if len(self._rest) > MAX_LINE:
            self._error = self._error or LINE_TOO_LONG
            self._is_skipping = True
            self._rest = b""
        return messages

    def _take(self, line: bytes) -> None:
        if len(line) > MAX_LINE:
            self._error = self._error or LINE_TOO_LONG
        elif len(self._headers) >= MAX_HEADERS:
            self._error = self._error or TOO_MANY_LINES
        else:
            self._headers.append(split_header(line.decode("utf-8", "replace")))

    def _finish(self) -> Message | BadMessage:
        headers, self._headers = self._headers, []
        error, self._error = self._error, ""
        message = Message(headers)
        return BadMessage(error, message.action_id) if error else message


def split_header(line: str) -> tuple[str, str]:
    """Split a line into name and value; without a colon the value is empty.

    Control characters are taken out of both: what comes in never breaks what goes out.
    """
    if not line.isprintable():
        line = "".join(letter for letter in line if letter == "\t" or letter >= " ")
    name, _, value = line.partition(":")
    return name.strip(), value.strip(" \t")


def clean(value: object) -> str:
    """Return *value* as it may stand in one line: its line ends are escaped as in C."""
    text = value if type(value) is str else str(value)
    if text.isprintable():
        return text
    return text.replace("\r", "\\r").replace("\n", "\\n").replace("\0", "")


def lines(fields: Iterable[Field]) -> str:
    """Write fields, one a line."""
    return "".join([f"{name}: {clean(value)}\r\n" for name, value in fields])


def clean_name(name: str) -> str:
    """Return a header's name that came from outside, without what could end it."""
    return "".join(letter for letter in name if letter > " " and letter != ":")
