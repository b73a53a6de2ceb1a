"""Logging as logger.conf describes it, without ever waiting for a disk.

``emit`` runs where the message arises, mostly on the event loop: it decides which channels want
the message, renders it, and hands it to a bounded queue. One thread writes what has gathered, some
25 times a second. When the queue is full the message is dropped and counted; the count is logged
when there is room again.

Levels are Asterisk's. ``logger.info`` is a verbose message of level 2, ``logger.debug`` is heard
when ``core set debug`` is above 0; :func:`log_verbose` and the numbers below give the rest::

    logger.log(NOTICE, "…")        log_verbose(logger, 3, "Executing [%s]", …)
    logger.log(SECURITY, "…")      logger.log(DTMF, "…")
"""

from __future__ import annotations

import logging
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from server.base.call_ids import current_call_id
from server.base.errors import Conflict, InvalidArgument, NotFound
from server.base.log_settings import (
    DEFAULT_LEVELS,
    LogChannel,
    LogChannelStatus,
    LogSettings,
    queue_log_path,
)
from server.base.log_sinks import (
    ConsoleSink,
    FileSink,
    Line,
    Sink,
    SyslogSink,
    render_default,
    render_json,
    render_plain,
    rotate_and_run,
)

DTMF = 12
VERBOSE = 19  # of level 1; one less for each further level, so that Python drops them early
DEEPEST_VERBOSE_LEVEL = 7  # that has a number of its own
VERBOSE_ALWAYS = 22  # verbose messages of level 0: shown at any verbosity
NOTICE = 25
SECURITY = 35
AUDIT = 36  # every write by the REST interface; only files that ask for it get it
INFO_VERBOSE_LEVEL = 2  # calls, applications and registrations come and go
GATHER_S = 0.04  # that lines may wait: waking the thread for each would cost more than the line
CLOSE_TIMEOUT = 5.0  # seconds to wait for the disk when the server ends

audit_logger = logging.getLogger("server.audit")

_NAMES = {
    logging.DEBUG: "DEBUG",
    DTMF: "DTMF",
    VERBOSE: "VERBOSE",
    logging.INFO: "VERBOSE",
    VERBOSE_ALWAYS: "VERBOSE",
    NOTICE: "NOTICE",
    logging.WARNING: "WARNING",
    SECURITY: "SECURITY",
    AUDIT: "AUDIT",
    logging.ERROR: "ERROR",
    logging.CRITICAL: "ERROR",
}


ConsoleListener = Callable[[Line], None]
# for the writing thread: a line and who takes it, or something to do
_Work = tuple[Line, list[Sink]] | Callable[[], None]


@dataclass(slots=True)
class Console:
    """Somebody who watches: called with every line whose level it wants, in any thread."""

    listener: ConsoleListener
    verbose_level: int = 0
    debug_level: int = 0
    levels: frozenset[str] = field(default_factory=lambda: DEFAULT_LEVELS)
    is_muted: bool = False

    def wants(self, level: str, verbose_level: int) -> bool:
        """Say whether a line of this level is for this console."""
        if self.is_muted:
            return False
        if level == "VERBOSE":
            return verbose_level <= self.verbose_level
        return level in self.levels if level != "DEBUG" else self.debug_level > 0


def log_verbose(logger: logging.Logger, level: int, message: str, *args: object) -> None:
    """Log a verbose message.

    :param level: 0 and up; shown where the verbosity is at least this.
    """
    number = _verbose_number(level)
    if logger.isEnabledFor(number):
        logger.log(number, message, *args, extra={"verbose_level": level}, stacklevel=2)


def _verbose_number(level: int) -> int:
    return VERBOSE + 1 - min(level, DEEPEST_VERBOSE_LEVEL) if level > 0 else VERBOSE_ALWAYS


def level_name(number: int) -> str:
    """Return Asterisk's word for one of Python's level numbers."""
    found = _NAMES.get(number)
    if found is None:
        found = "ERROR" if number > logging.ERROR else "VERBOSE"
    return found


class LogService(logging.Handler):
    """The handler of the root logger: routes messages to the channels of logger.conf.

    :param directory: astlogdir.
    :param console: where the ``console`` channel writes; ``None`` when nobody sees it.
    :param verbose: the server's verbosity (``-v``, ``core set verbose``).
    :param debug: the server's debug level (``-d``, ``core set debug``).
    :param use_colour: colour level names on the console.
    """

    def __init__(
        self,
        settings: LogSettings,
        directory: str,
        *,
        console: TextIO | None = None,
        verbose: int = 0,
        debug: int = 0,
        use_colour: bool = False,
        timestamp_verbose: bool = False,
    ) -> None:
        super().__init__()
        self._directory = directory
        self._console = console
        self._use_colour = use_colour
        self._timestamp_verbose = timestamp_verbose
        self._settings = settings
        self._sinks: tuple[Sink, ...] = ()
        self._added: list[LogChannel] = []  # while running; they outlive a reload
        self._queue: deque[_Work] = deque()
        self._has_work = threading.Event()
        self._must_hurry = threading.Event()
        self._is_ending = False
        self._thread: threading.Thread | None = None
        self._former_level = logging.WARNING

        # counters and levels
        self.dropped = 0
        self._unreported = 0
        self.verbose = verbose
        self.debug = debug
        self.module_debug: dict[str, int] = {}  # of single packages
        self.consoles: list[Console] = []
        self.is_console_taken = False  # a prompt shows what the console channel would
        self._open_sinks(settings)

    # public

    def start(self) -> None:
        """Take over the root logger and start the writing thread."""
        root = logging.getLogger()
        self._former_level = root.level
        root.addHandler(self)
        self._is_ending = False
        self._thread = threading.Thread(target=self._write_all, name="logger", daemon=True)
        self._thread.start()
        self._apply_levels()

    def close(self) -> None:
        """Write what waits, close the files, give the root logger back. May be called again."""
        root = logging.getLogger()
        for package in list(self.module_debug):
            self.set_module_debug(package, 0)
        if self in root.handlers:
            root.removeHandler(self)
            root.setLevel(self._former_level)
        thread, self._thread = self._thread, None
        if thread is not None:
            self._is_ending = True
            self._must_hurry.set()
            self._has_work.set()
            thread.join(CLOSE_TIMEOUT)
        super().close()

    def set_verbose(self, level: int) -> None:
        """Set the server's verbosity; files with plain ``verbose`` follow it."""
        self.verbose = level
        self._apply_levels()

    def set_debug(self, level: int) -> None:
        """Set the server's debug level: 0 silences debug messages."""
        self.debug = level
        self._apply_levels()

    def set_module_debug(self, package: str, level: int) -> None:
        """Set the debug level of one package, such as ``server.sip``, whatever the server's is.

        :param level: 0 lets it follow the server's level again.
        """
        if level:
            self.module_debug[package] = level
        else:
            self.module_debug.pop(package, None)
        logging.getLogger(package).setLevel(logging.DEBUG if level else logging.NOTSET)

    def add_console(self, console: Console) -> None:
        """Let a remote console see messages."""
        self.consoles.append(console)
        self._apply_levels()

    def remove_console(self, console: Console) -> None:
        """Stop it. Unknown consoles are ignored."""
        if console in self.consoles:
            self.consoles.remove(console)
        self._apply_levels()

    def console_changed(self) -> None:
        """A console's levels were changed by its owner."""
        self._apply_levels()

    def console_levels(self) -> frozenset[str]:
        """Return the levels that logger.conf gives the console, which hold for every console."""
        for channel in self._settings.channels:
            if channel.name.lower() == "console":
                return channel.levels
        return DEFAULT_LEVELS

    def reload(self, settings: LogSettings) -> None:
        """Use other settings from now on; files that are in both stay open until reopened."""
        former, self._settings = self._sinks, settings
        self._open_sinks(settings)
        self._put(lambda: _close_sinks(former))
        self._apply_levels()

    def add_channel(self, channel: LogChannel) -> None:
        """Log to a further place from now on.

        :raises Conflict: there is a channel of this name.
        :raises InvalidArgument: the server has no console to write to.
        """
        if self._find(channel.name) is not None:
            raise Conflict("Log channel already exists")
        sink = self._make_sink(channel, self._settings)
        if sink is None:
            raise InvalidArgument("logChannelName", "this server has no console")
        self._added.append(channel)
        self._sinks += (sink,)
        self._apply_levels()

    def remove_channel(self, name: str) -> None:
        """Stop logging to a place; one of logger.conf comes back with a reload.

        :raises NotFound: there is none of this name.
        """
        sink = self._get(name)
        self._added = [channel for channel in self._added if self._find(channel.name) is not sink]
        self._sinks = tuple(each for each in self._sinks if each is not sink)
        self._put(sink.close)
        self._apply_levels()

    def rotate(self, name: str | None = None) -> None:
        """Rotate files by the strategy of logger.conf, in the writing thread.

        :param name: of one channel, ``None`` for all.
        :raises NotFound: there is none of this name.
        """
        settings = self._settings
        sinks = self._sinks if name is None else (self._get(name),)
        queue_log = self.queue_log if name is None else None

        def work() -> None:
            for sink in sinks:
                sink.rotate(settings.rotate_strategy, settings.exec_after_rotate)
            if queue_log is not None:
                rotate_and_run(queue_log, settings.rotate_strategy, settings.exec_after_rotate)

        self._put(work)
        self._must_hurry.set()

    def describe(self) -> list[LogChannelStatus]:
        """List the channels."""
        return [
            LogChannelStatus(
                sink.name, sink.kind, sink.formatter, tuple(sorted(sink.levels)), sink.is_working
            )
            for sink in self._sinks
        ]

    @property
    def directory(self) -> str:
        """Where files are that logger.conf names without a path."""
        return self._directory

    @property
    def queue_log(self) -> Path | None:
        """The file of what happens in queues; ``None`` if there is to be none."""
        return queue_log_path(self._settings, self._directory)

    @property
    def settings(self) -> LogSettings:
        """The settings in force."""
        return self._settings

    # logging.Handler

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record to whoever wants it. Never waits, never raises."""
        level, verbose_level = _levels_of(record)
        debug = self.debug
        watching = [console for console in self.consoles if console.wants(level, verbose_level)]
        if level == "DEBUG" and self._is_debugged(record.name):
            debug = max(debug, 1)
            watching = [console for console in self.consoles if not console.is_muted]
        takers = [
            sink for sink in self._sinks if self._is_wanted(sink, level, verbose_level, debug)
        ]
        if not watching and not takers:
            return
        try:
            line = _line(record, level, verbose_level)
        except Exception:  # a broken message must not break a call
            self.handleError(record)
            return
        for console in watching:
            console.listener(line)
        if takers:
            self._enqueue(line, takers)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say on standard error that a message could not be rendered."""
        print(f"log message lost: {record.pathname}:{record.lineno}", file=sys.stderr)

    # private

    def _is_wanted(self, sink: Sink, level: str, verbose_level: int, debug: int) -> bool:
        if self.is_console_taken and isinstance(sink, ConsoleSink):
            return False
        return sink.wants(level, verbose_level, self.verbose, debug)

    def _is_debugged(self, logger_name: str) -> bool:
        return any(f"{logger_name}.".startswith(f"{name}.") for name in self.module_debug)

    def _enqueue(self, line: Line, takers: list[Sink]) -> None:
        waiting, limit = len(self._queue), self._settings.queue_limit
        if waiting >= limit:
            self.dropped += 1
            self._unreported += 1
            return
        if waiting >= limit // 2:
            self._must_hurry.set()
        if self._unreported:
            lost, self._unreported = self._unreported, 0
            self._put((_about_lost(lost, line.wall), takers))
        self._put((line, takers))

    def _put(self, work: _Work) -> None:
        """Leave work to the thread, which needs waking only if nothing came for GATHER_S."""
        self._queue.append(work)
        if not self._has_work.is_set():
            self._has_work.set()

    def _write_all(self) -> None:
        while not self._is_ending:
            if not self._queue:  # nothing came while we gathered: sleep until something does
                self._has_work.clear()
                if not self._queue and not self._is_ending:
                    self._has_work.wait()
            self._must_hurry.wait(GATHER_S)
            self._must_hurry.clear()
            self._write_waiting()
        self._write_waiting()
        _close_sinks(self._sinks)

    def _write_waiting(self) -> None:
        unflushed: set[Sink] = set()
        while self._queue:
            item = self._queue.popleft()
            if isinstance(item, tuple):
                line, takers = item
                for sink in takers:
                    _write(sink, line)
                unflushed.update(takers)
            else:
                item()
        for sink in unflushed:
            sink.flush()

    def _open_sinks(self, settings: LogSettings) -> None:
        configured = {channel.name for channel in settings.channels}
        self._added = [channel for channel in self._added if channel.name not in configured]
        self._sinks = tuple(
            sink
            for channel in (*settings.channels, *self._added)
            if (sink := self._make_sink(channel, settings))
        )

    def _find(self, name: str) -> Sink | None:
        """Return a channel by its name in logger.conf, or by the path of its file."""
        for sink in self._sinks:
            if sink.is_named(name):
                return sink
        return None

    def _get(self, name: str) -> Sink:
        sink = self._find(name)
        if sink is None:
            raise NotFound("Log channel does not exist")
        return sink

    def _make_sink(self, channel: LogChannel, settings: LogSettings) -> Sink | None:
        hostname = socket.gethostname()
        if channel.formatter == "json":
            render = render_json(settings.date_format, hostname)
        elif channel.formatter == "plain":
            render = render_plain(settings.date_format, show_call_ids=settings.show_call_ids)
        else:
            render = render_default(settings.date_format, show_call_ids=settings.show_call_ids)
        wish = (channel.name, channel.levels, channel.verbose_level, channel.formatter, render)
        if channel.name.lower() == "console":
            if self._console is None:
                return None
            levels = channel.levels | {"VERBOSE"}  # -v shows them, whatever the file lists
            return ConsoleSink(
                channel.name,
                levels,
                *wish[2:],
                stream=self._console,
                use_colour=self._use_colour,
                timestamp_verbose=self._timestamp_verbose,
            )
        if channel.name.lower().startswith("syslog."):
            return SyslogSink(*wish)
        suffix = f".{hostname}" if settings.append_hostname else ""
        return FileSink(*wish, directory=self._directory, suffix=suffix)

    def _apply_levels(self) -> None:
        """Let Python drop early what nobody wants, before arguments are formatted."""
        verbosities = [self.verbose, *(console.verbose_level for console in self.consoles)]
        verbosities += [sink.verbose_level or 0 for sink in self._sinks]
        lowest = _verbose_number(max(verbosities))
        if any("DTMF" in sink.levels for sink in self._sinks):
            lowest = DTMF
        if self.debug or any(console.debug_level for console in self.consoles):
            lowest = logging.DEBUG
        logging.getLogger().setLevel(lowest)
        is_audited = any("AUDIT" in sink.levels for sink in self._sinks)
        audit_logger.setLevel(AUDIT if is_audited else AUDIT + 1)


def _levels_of(record: logging.LogRecord) -> tuple[str, int]:
    """Return Asterisk's level, and the verbose level that a verbose message has."""
    level = record.__dict__.get("level_name") or level_name(record.levelno)
    default = INFO_VERBOSE_LEVEL if record.levelno == logging.INFO else 1
    return level, record.__dict__.get("verbose_level", default)


def _line(record: logging.LogRecord, level: str, verbose_level: int) -> Line:
    message = record.getMessage()
    if record.exc_info:
        message += "\n" + logging.Formatter().formatException(record.exc_info)
    return Line(
        level=level,
        verbose_level=verbose_level,
        wall=record.created,
        call_id=current_call_id(),
        file=record.filename,
        line=record.lineno,
        function=record.funcName,
        message=message,
    )


def _write(sink: Sink, line: Line) -> None:
    try:
        sink.write(line)
    except Exception as error:  # whatever one place does, the thread goes on for the others
        sink.is_working = False
        print(f"log message lost for {sink.name}: {error!r}", file=sys.stderr)


def _about_lost(count: int, wall: float) -> Line:
    message = f"logging resumed; {count} messages were discarded, the queue was full"
    return Line("WARNING", 0, wall, "", "log.py", 0, "", message)


def _close_sinks(sinks: tuple[Sink, ...]) -> None:
    for sink in sinks:
        sink.close()
