"""Where log lines go: files with their rotation, the console, syslog; and how they look there.

Everything here but :meth:`Sink.wants` runs in the logging thread.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import syslog
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

Renderer = Callable[["Line"], str]

# Asterisk's verbose messages are indented by level on the console
VERBOSE_PREFIXES = ("", "", "  == ", "    -- ", "       > ")
_COLOURS = {"ERROR": "31", "WARNING": "33", "NOTICE": "36", "DEBUG": "32", "SECURITY": "35"}
_FRACTION = re.compile(r"%([1-6]?)q")
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(9), *range(11, 32), 127)}
_PRIORITIES = {
    "ERROR": syslog.LOG_ERR,
    "WARNING": syslog.LOG_WARNING,
    "NOTICE": syslog.LOG_NOTICE,
    "SECURITY": syslog.LOG_NOTICE,
    "DEBUG": syslog.LOG_DEBUG,
}
SYSLOG_IDENTITY = "arion"
EXEC_TIMEOUT = 300.0  # seconds that exec_after_rotate may take
MAX_ROTATED = 10_000


@dataclass(frozen=True, slots=True)
class Line:
    """One message, rendered but not yet laid out.

    :param wall: seconds since the Unix epoch.
    :param call_id: such as ``C-0000001a``, or empty.
    """

    level: str
    verbose_level: int
    wall: float
    call_id: str
    file: str
    line: int
    function: str
    message: str


class DateFormat:
    """strftime with ``%q`` for fractions of a second; remembers the last second's text."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._has_fraction = _FRACTION.search(pattern) is not None
        self._second = -1
        self._text = ""

    def format(self, wall: float) -> str:
        """Lay out a time in the local time zone."""
        second = int(wall)
        if self._has_fraction:
            return time.strftime(self._with_fraction(wall - second), time.localtime(second))
        if second != self._second:
            self._text = time.strftime(self._pattern, time.localtime(second))
            self._second = second
        return self._text

    def _with_fraction(self, fraction: float) -> str:
        digits = f"{int(fraction * 1_000_000):06d}"
        return _FRACTION.sub(lambda found: digits[: int(found[1] or 3)], self._pattern)


def render_default(date_format: str, *, show_call_ids: bool) -> Renderer:
    """``[date] LEVEL[pid][callid] file: message``, as in Asterisk's log files."""
    date = DateFormat(date_format)
    pid = os.getpid()

    def render(line: Line) -> str:
        call = f"[{line.call_id}]" if show_call_ids and line.call_id else ""
        message = escape(line.message)
        return f"[{date.format(line.wall)}] {line.level}[{pid}]{call} {line.file}: {message}"

    return render


def render_plain(date_format: str, *, show_call_ids: bool) -> Renderer:
    """Like the default, with line number and function."""
    date = DateFormat(date_format)
    pid = os.getpid()

    def render(line: Line) -> str:
        call = f"[{line.call_id}]" if show_call_ids and line.call_id else ""
        where = f"{line.file}:{line.line} {line.function}"
        message = escape(line.message)
        return f"[{date.format(line.wall)}] {line.level}[{pid}]{call} {where}: {message}"

    return render


def render_json(date_format: str, hostname: str) -> Renderer:
    """One JSON object per line, with Asterisk's member names."""
    date = DateFormat(date_format)
    pid = os.getpid()

    def render(line: Line) -> str:
        identifiers: dict[str, object] = {"lwp": pid}
        if line.call_id:
            identifiers["callid"] = line.call_id
        location = {"filename": line.file, "function": line.function, "line": line.line}
        return json.dumps(
            {
                "hostname": hostname,
                "timestamp": date.format(line.wall),
                "identifiers": identifiers,
                "logmsg": {"location": location, "level": line.level, "message": line.message},
            }
        )

    return render


def escape(message: str) -> str:
    """Make control characters visible, so that a peer can't forge lines or drive a terminal."""
    if message.isprintable():
        return message
    return message.translate(_CONTROL).replace("\n", "\n  ")


class Sink:
    """One channel of logger.conf."""

    kind = ""

    def __init__(
        self,
        name: str,
        levels: frozenset[str],
        verbose_level: int | None,
        formatter: str,
        render: Renderer,
    ) -> None:
        self.name = name
        self.levels = levels
        self.verbose_level = verbose_level
        self.formatter = formatter
        self.render = render
        self.is_working = True

    def wants(self, level: str, verbose_level: int, verbose: int, debug: int) -> bool:
        """Say whether a line of this level is for this channel.

        :param verbose: the server's own verbosity.
        :param debug: the server's own debug level.
        """
        if level not in self.levels:
            return False
        if level == "VERBOSE":
            return verbose_level <= (verbose if self.verbose_level is None else self.verbose_level)
        return level != "DEBUG" or debug > 0

    def is_named(self, name: str) -> bool:
        """Say whether this is the channel that somebody means."""
        return name.lower() == self.name.lower()

    def write(self, line: Line) -> None:
        """Write one line."""
        raise NotImplementedError

    def flush(self) -> None:
        """Hand what is buffered to the system."""

    def rotate(self, strategy: str, command: str) -> None:
        """Rotate, if this is a file."""

    def close(self) -> None:
        """Let go of what is open."""


class FileSink(Sink):
    """A file below astlogdir, or an absolute path. A failing disk is tried again with each line."""

    kind = "File"

    def __init__(
        self,
        name: str,
        levels: frozenset[str],
        verbose_level: int | None,
        formatter: str,
        render: Renderer,
        *,
        directory: str,
        suffix: str,
    ) -> None:
        super().__init__(name, levels, verbose_level, formatter, render)
        self._directory, self._suffix = directory, suffix
        self.path = Path(directory) / f"{name}{suffix}"
        self.name = str(self.path)
        self._stream: TextIO | None = None
        self.failures = 0

    def is_named(self, name: str) -> bool:
        return self.path in (Path(name), Path(self._directory) / f"{name}{self._suffix}")

    def write(self, line: Line) -> None:
        try:
            if self._stream is None:
                self._stream = self._open()
            self._stream.write(self.render(line) + "\n")
            self.is_working = True
        except OSError:
            self._fail()

    def flush(self) -> None:
        try:
            if self._stream is not None:
                self._stream.flush()
        except OSError:
            self._fail()

    def rotate(self, strategy: str, command: str) -> None:
        self.close()
        if not rotate_and_run(self.path, strategy, command):
            self._fail()

    def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is None:
            return
        try:
            stream.close()
        except OSError:
            self.failures += 1

    def _open(self) -> TextIO:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.path.open("a", encoding="utf-8", errors="backslashreplace")

    def _fail(self) -> None:
        self.failures += 1
        self.is_working = False
        self.close()


class ConsoleSink(Sink):
    """The terminal that the server was started on."""

    kind = "Console"

    def __init__(
        self,
        name: str,
        levels: frozenset[str],
        verbose_level: int | None,
        formatter: str,
        render: Renderer,
        *,
        stream: TextIO,
        use_colour: bool,
        timestamp_verbose: bool,
    ) -> None:
        super().__init__(name, levels, verbose_level, formatter, render)
        self._stream = stream
        self._use_colour = use_colour
        self._timestamp_verbose = timestamp_verbose
        self._waiting: list[str] = []  # standard error would be written to line by line

    def write(self, line: Line) -> None:
        is_json = self.formatter == "json" and line.level != "VERBOSE"  # as in Asterisk
        if is_json or self.formatter == "plain":
            text = self.render(line)
        else:
            text = render_console(
                line,
                self.render,
                use_colour=self._use_colour,
                timestamp_verbose=self._timestamp_verbose,
            )
        self._waiting.append(text + "\n")

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            self._stream.write("".join(waiting))
            self._stream.flush()
        except (OSError, ValueError):
            self.is_working = False


class SyslogSink(Sink):
    """``syslog.<facility>``; an unknown facility is ``daemon``."""

    kind = "Syslog"

    def __init__(
        self,
        name: str,
        levels: frozenset[str],
        verbose_level: int | None,
        formatter: str,
        render: Renderer,
    ) -> None:
        super().__init__(name, levels, verbose_level, formatter, render)
        syslog.openlog(SYSLOG_IDENTITY, syslog.LOG_PID)

    def write(self, line: Line) -> None:
        word = self.name.partition(".")[2].upper()
        facility = getattr(syslog, f"LOG_{word}", syslog.LOG_DAEMON)
        priority = _PRIORITIES.get(line.level, syslog.LOG_INFO)
        text = f"{line.level}: {line.file}:{line.line} {line.function}: {escape(line.message)}"
        syslog.syslog(facility | priority, text)


def render_console(
    line: Line, render: Renderer, *, use_colour: bool, timestamp_verbose: bool
) -> str:
    """Lay out a line for a terminal: verbose messages are bare and indented by their level."""
    if line.level == "VERBOSE" and not timestamp_verbose:
        depth = min(max(line.verbose_level, 0), len(VERBOSE_PREFIXES) - 1)
        return VERBOSE_PREFIXES[depth] + escape(line.message)
    text = render(line)
    colour = _COLOURS.get(line.level)
    if not use_colour or colour is None:
        return text
    return text.replace(line.level, f"\033[1;{colour}m{line.level}\033[0m", 1)


def rotate_file(path: Path, strategy: str) -> Path | None:
    """Rename a log file out of the way.

    :param strategy: ``sequential`` gives the newest the highest number, ``rotate`` gives it 0,
        ``timestamp`` the time; ``none`` leaves the file where it is.
    :return: its new name, ``None`` if nothing was renamed.
    :raises OSError: it can't be renamed.
    """
    if strategy == "none" or not path.exists():
        return None
    if strategy == "timestamp":
        target = _free_name(path, f"{path.name}.{int(time.time())}")
    elif strategy == "rotate":
        target = path.with_name(f"{path.name}.0")
        _shift(path)
    else:
        target = path.with_name(f"{path.name}.{_next_number(path)}")
    path.rename(target)
    return target


def rotate_and_run(path: Path, strategy: str, command: str) -> bool:
    """Rotate a log file and run exec_after_rotate, if there is any; false if it can't be."""
    try:
        rotated = rotate_file(path, strategy)
    except OSError:
        return False
    if rotated is not None and command:
        # with "rotate" the command counts from the name that all of them begin with
        subject = path if strategy == "rotate" else rotated
        _run_after(command.replace("${filename}", str(subject)))
    return True


def _numbers(path: Path) -> list[int]:
    found = re.compile(re.escape(path.name) + r"\.(\d{1,9})\Z")
    names = itertools.islice(path.parent.iterdir(), MAX_ROTATED)
    return [int(match[1]) for name in names if (match := found.match(name.name))]


def _next_number(path: Path) -> int:
    return max(_numbers(path), default=-1) + 1


def _shift(path: Path) -> None:
    taken = set(_numbers(path))
    count = next(number for number in itertools.count() if number not in taken)
    for number in reversed(range(count)):
        path.with_name(f"{path.name}.{number}").rename(path.with_name(f"{path.name}.{number + 1}"))


def _free_name(path: Path, name: str) -> Path:
    for number in itertools.count():
        candidate = path.with_name(name if not number else f"{name}-{number}")
        if not candidate.exists():
            return candidate
    raise AssertionError("itertools.count ends")


def _run_after(command: str) -> None:
    """Run exec_after_rotate beside the logging thread, so that lines go on being written."""

    def work() -> None:
        try:
            subprocess.run(
                ["/bin/sh", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=EXEC_TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            pass

    threading.Thread(target=work, name="logger-exec", daemon=True).start()
