"""The lines of AGI: how a command is split, and how a script's bytes become lines. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

MAX_LINE = 8192  # bytes of a command, as in Asterisk
MAX_ARGUMENTS = 128  # words of a command, as in Asterisk
MAX_PENDING = 64  # commands that a script may send ahead before its socket is not read any more

UNKNOWN = "510 Invalid or unknown command"
DEAD = "511 Command Not Permitted on a dead channel or intercept routine"
NO_USAGE = "520 Invalid command syntax.  Proper usage not available."


class Failure(str):
    """A reply to a command that failed: AGISTATUS says so at the end."""

    __slots__ = ()


def split_command(line: str) -> list[str]:
    """Split a command into words.

    Spaces and tabs part words. A quotation mark begins or ends a stretch in which they don't; a
    backslash takes its meaning from the next character. What is beyond :data:`MAX_ARGUMENTS`
    words is left out.
    """
    words: list[str] = []
    is_escaped = is_quoted = False
    is_between = True
    for letter in line:
        is_plain = is_escaped
        is_escaped = False
        if not is_plain:
            if letter == "\\":
                is_escaped = True
                continue
            if letter == '"':
                is_quoted = not is_quoted
                if not (is_quoted and is_between):
                    continue
                letter = ""
            elif letter in " \t" and not is_quoted:
                is_between = True
                continue
        if is_between:
            if len(words) == MAX_ARGUMENTS:
                break
            words.append("")
            is_between = False
        words[-1] += letter
    return words


def join_command(words: Iterable[str]) -> str:
    """Write words so that :func:`split_command` gives them back."""
    return " ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words)


def usage_reply(usage: str) -> str:
    """Return the lines that answer a command whose arguments are wrong."""
    return (
        "520-Invalid command syntax.  Proper usage follows:\n"
        f"{usage.rstrip()}\n520 End of proper usage."
    )


def environment_block(environment: Sequence[tuple[str, str]]) -> str:
    """Return the block that begins a session: a line for each name, and an empty one."""
    lines = "".join(f"{name}: {one_line(value)}\n" for name, value in environment)
    return lines + "\n"


def one_line(text: str) -> str:
    """Return *text* without line ends, which would begin another line of the protocol."""
    return text.replace("\r", " ").replace("\n", " ").replace("\0", "")


class LineBuffer:
    """Cuts a script's bytes into lines.

    A line that is longer than *limit* becomes ``None``: it is dropped while it comes, and
    answered when it ends.

    :ivar lines: what is complete, the oldest first.
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        self.lines: deque[str | None] = deque()
        self._limit = limit
        self._rest = bytearray()
        self._is_too_long = False

    def feed(self, data: bytes) -> None:
        """Take what came."""
        begin = 0
        while (end := data.find(b"\n", begin)) >= 0:
            self._take(data[begin:end])
            self._finish()
            begin = end + 1
        if begin < len(data):
            self._take(data[begin:])

    def end(self) -> None:
        """Nothing more comes: what is left is a line too."""
        if self._rest or self._is_too_long:
            self._finish()

    def _take(self, part: bytes) -> None:
        if len(self._rest) + len(part) > self._limit:
            self._is_too_long = True
            self._rest.clear()
        elif not self._is_too_long:
            self._rest += part

    def _finish(self) -> None:
        if self._is_too_long:
            self.lines.append(None)
        else:
            text = self._rest.decode("utf-8", "surrogateescape")
            self.lines.append(text.removesuffix("\r"))
        self._rest.clear()
        self._is_too_long = False
