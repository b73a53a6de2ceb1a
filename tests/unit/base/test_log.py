"""Logging as logger.conf says."""

from __future__ import annotations

import contextvars
import io
import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.base.call_ids import call_id_of_new_channel, enter_call
from server.base.log import (
    AUDIT,
    DTMF,
    NOTICE,
    SECURITY,
    VERBOSE,
    Console,
    LogService,
    audit_logger,
    log_verbose,
)
from server.base.log_settings import LogChannel, LogSettings
from server.base.log_sinks import DateFormat, Line, escape, render_console, rotate_file

logger = logging.getLogger("arion.tests")
EVERYTHING = frozenset({"DEBUG", "NOTICE", "WARNING", "ERROR", "VERBOSE", "DTMF", "SECURITY"})


class Logs:
    """A service over a directory; closing it makes the files complete."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.services: list[LogService] = []

    def start(self, *channels: LogChannel, **options: object) -> LogService:
        names = set(LogSettings.__dataclass_fields__)
        given = {name: options.pop(name) for name in list(options) if name in names}
        settings = LogSettings(channels=channels, **given)  # type: ignore[arg-type]
        service = LogService(settings, str(self.directory), **options)  # type: ignore[arg-type]
        service.start()
        self.services.append(service)
        return service

    def lines(self, name: str = "x.log") -> list[str]:
        for service in self.services:
            service.close()
        return (self.directory / name).read_text().splitlines()


def in_call(call_id: str, log: Callable[[], None]) -> None:
    """Log something on behalf of a call."""

    def run() -> None:
        enter_call(call_id)
        log()

    contextvars.Context().run(run)


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Logs]:
    found = Logs(tmp_path)
    yield found
    for service in found.services:
        service.close()


def messages(lines: list[str]) -> list[str]:
    return [line.partition(": ")[2] for line in lines]


def log_one_of_each() -> None:
    logger.debug("debug")
    logger.log(DTMF, "dtmf")
    log_verbose(logger, 1, "verbose 1")
    log_verbose(logger, 4, "verbose 4")
    logger.info("info")
    logger.log(NOTICE, "notice")
    logger.warning("warning")
    logger.log(SECURITY, "security")
    logger.error("error")


def test_a_file_gets_the_levels_it_asks_for(logs: Logs) -> None:
    logs.start(LogChannel("x.log", frozenset({"NOTICE", "ERROR"})), verbose=5, debug=5)
    log_one_of_each()
    assert messages(logs.lines()) == ["notice", "error"]


def test_default_format_is_asterisks(logs: Logs) -> None:
    logs.start(LogChannel("x.log", EVERYTHING), date_format="%F")
    in_call("C-00000001", lambda: logger.warning("hello %s", "world"))
    (line,) = logs.lines()
    pattern = rf"\[\d{{4}}-\d\d-\d\d\] WARNING\[{os.getpid()}\]\[C-00000001\] test_log\.py: hello "
    assert re.match(pattern + "world$", line)


def test_plain_format_says_line_and_function(logs: Logs) -> None:
    logs.start(LogChannel("x.log", EVERYTHING, formatter="plain"))
    logger.warning("hello")
    assert re.search(r"test_log\.py:\d+ test_plain_format\w+: hello$", logs.lines()[0])


def test_json_lines(logs: Logs) -> None:
    logs.start(LogChannel("x.log", EVERYTHING, formatter="json"))
    in_call("C-00000001", lambda: logger.warning("two\nlines"))
    (line,) = logs.lines()
    record = json.loads(line)
    assert record["logmsg"]["level"] == "WARNING"
    assert record["logmsg"]["message"] == "two\nlines"
    assert record["logmsg"]["location"]["filename"] == "test_log.py"
    assert record["identifiers"] == {"lwp": os.getpid(), "callid": "C-00000001"}


def test_the_audit_log_costs_nothing_where_nobody_keeps_it(logs: Logs) -> None:
    logs.start(LogChannel("x.log", EVERYTHING))
    assert not audit_logger.isEnabledFor(AUDIT)
    logs.start(LogChannel("audit.log", frozenset({"AUDIT"})))
    assert audit_logger.isEnabledFor(AUDIT)


def test_debug_is_heard_only_with_core_set_debug(logs: Logs) -> None:
    service = logs.start(LogChannel("x.log", EVERYTHING))
    logger.debug("one")
    service.set_debug(1)
    logger.debug("two")
    service.set_debug(0)
    logger.debug("three")
    assert messages(logs.lines()) == ["two"]


def test_plain_verbose_follows_the_server_and_a_number_does_not(logs: Logs) -> None:
    service = logs.start(
        LogChannel("x.log", frozenset({"VERBOSE"})),
        LogChannel("y.log", frozenset({"VERBOSE"}), verbose_level=3),
        verbose=1,
    )
    for level in range(1, 6):
        log_verbose(logger, level, "%d", level)
    service.set_verbose(4)
    log_verbose(logger, 4, "four again")
    assert messages(logs.lines("x.log")) == ["1", "four again"]
    assert messages(logs.lines("y.log")) == ["1", "2", "3"]


def test_unwanted_messages_are_not_even_formatted(logs: Logs) -> None:
    logs.start(LogChannel("x.log", EVERYTHING))
    assert not logger.isEnabledFor(logging.DEBUG)
    logs.services[0].close()
    logs.start(LogChannel("x.log", frozenset({"ERROR"})))
    assert not logger.isEnabledFor(VERBOSE)
    assert not logger.isEnabledFor(logging.INFO)


def test_verbose_messages_of_level_0_are_shown_at_any_verbosity(logs: Logs) -> None:
    logs.start(LogChannel("x.log", EVERYTHING))
    log_verbose(logger, 1, "one")
    log_verbose(logger, 0, "zero")
    assert messages(logs.lines()) == ["zero"]


def test_exceptions_come_with_their_traceback(logs: Logs) -> None:
    logs.start(LogChannel("x.log", EVERYTHING))
    try:
        raise KeyError("gone")
    except KeyError:
        logger.exception("failed")
    lines = logs.lines()
    assert "failed" in lines[0]
    assert lines[-1] == "  KeyError: 'gone'"


def test_control_characters_are_made_visible(logs: Logs) -> None:
    logs.start(LogChannel("x.log", EVERYTHING))
    logger.warning("a\x1b[2Jb\r\n[Jan  1] ERROR[1] x: forged")
    lines = logs.lines()
    assert lines[0].endswith("a\\x1b[2Jb\\x0d")
    assert lines[1] == "  [Jan  1] ERROR[1] x: forged"
    assert escape("tab\tis fine") == "tab\tis fine"


def test_a_broken_message_breaks_nothing(logs: Logs, capsys: pytest.CaptureFixture[str]) -> None:
    service = logs.start(LogChannel("x.log", EVERYTHING))
    for message, argument in (("%d", "no number"), ("%s", "next")):
        arguments = (logger.name, NOTICE, __file__, 1, message, (argument,), None)
        service.handle(logger.makeRecord(*arguments))
    assert messages(logs.lines()) == ["next"]
    assert "log message lost" in capsys.readouterr().err


def test_a_slow_disk_never_blocks_and_losses_are_told(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = logs.start(LogChannel("x.log", EVERYTHING), queue_limit=10)
    is_open, has_begun = threading.Event(), threading.Event()
    sink = service._sinks[0]
    write = sink.write

    def slow(line: Line) -> None:
        has_begun.set()
        is_open.wait(10)
        write(line)

    monkeypatch.setattr(sink, "write", slow)
    logger.warning("0")
    assert has_begun.wait(10)
    for number in range(1, 21):
        logger.warning("%d", number)
    assert service.dropped == 10
    is_open.set()
    while service._queue:
        threading.Event().wait(0.001)
    logger.warning("after")
    written = messages(logs.lines())
    assert written[:11] == [str(number) for number in range(11)]
    assert written[11:] == [
        "logging resumed; 10 messages were discarded, the queue was full",
        "after",
    ]


def test_the_writer_is_woken_once_for_many_lines(
    logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = logs.start(LogChannel("x.log", EVERYTHING))
    flushes = []
    flush = service._sinks[0].flush
    monkeypatch.setattr(service._sinks[0], "flush", lambda: (flushes.append(1), flush()))
    for number in range(100):
        logger.warning("%d", number)
    assert len(logs.lines()) == 100
    assert len(flushes) <= 3


def test_a_failing_file_is_tried_again(logs: Logs) -> None:
    (logs.directory / "d").write_text("not a directory")
    service = logs.start(LogChannel("d/x.log", EVERYTHING), LogChannel("y.log", EVERYTHING))
    logger.warning("one")
    logs.lines("y.log")
    assert not service.describe()[0].is_enabled
    (logs.directory / "d").unlink()
    service.start()
    logger.warning("two")
    assert messages(logs.lines("d/x.log")) == ["two"]


def test_appendhostname(logs: Logs) -> None:
    logs.start(LogChannel("x.log", EVERYTHING), append_hostname=True)
    logger.warning("one")
    assert messages(logs.lines(f"x.log.{os.uname().nodename}")) == ["one"]


def test_reload_changes_channels(logs: Logs) -> None:
    service = logs.start(LogChannel("x.log", EVERYTHING))
    logger.warning("one")
    service.reload(LogSettings(channels=(LogChannel("y.log", EVERYTHING),)))
    logger.warning("two")
    assert messages(logs.lines("y.log"))[-1] == "two"
    assert "two" not in messages(logs.lines("x.log"))


def test_close_gives_the_root_logger_back(logs: Logs) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    logs.start(LogChannel("x.log", EVERYTHING)).close()
    assert (root.level, list(root.handlers)) == before


# rotation


@pytest.mark.parametrize(
    ("strategy", "names"),
    [
        ("sequential", {"x.0": "1", "x.1": "2", "x.2": "3"}),
        ("rotate", {"x.2": "1", "x.1": "2", "x.0": "3"}),
        ("none", {"x": "3"}),
    ],
)
def test_rotation_strategies(tmp_path: Path, strategy: str, names: dict[str, str]) -> None:
    for number in "123":
        (tmp_path / "x").write_text(number)
        rotate_file(tmp_path / "x", strategy)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == names


def test_rotation_by_time_never_overwrites(tmp_path: Path) -> None:
    for number in "12":
        (tmp_path / "x").write_text(number)
        assert rotate_file(tmp_path / "x", "timestamp") is not None
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == ["1", "2"]


def test_rotating_a_running_log_and_the_command_after_it(logs: Logs) -> None:
    trace = logs.directory / "trace"
    service = logs.start(
        LogChannel("x.log", EVERYTHING), exec_after_rotate=f"cp ${{filename}} {trace}"
    )
    logger.warning("one")
    service.rotate()
    logger.warning("two")
    assert messages(logs.lines("x.log")) == ["two"]
    assert messages(logs.lines("x.log.0")) == ["one"]
    for thread in threading.enumerate():
        if thread.name == "logger-exec":
            thread.join(10)
    assert messages(trace.read_text().splitlines()) == ["one"]


def test_rotate_gives_the_command_the_name_without_number(logs: Logs) -> None:
    trace = logs.directory / "trace"
    service = logs.start(
        LogChannel("x.log", EVERYTHING),
        rotate_strategy="rotate",
        exec_after_rotate=f"echo ${{filename}}.2 > {trace}",
    )
    logger.warning("one")
    service.rotate()
    service.close()
    for thread in threading.enumerate():
        if thread.name == "logger-exec":
            thread.join(10)
    assert trace.read_text() == f"{logs.directory}/x.log.2\n"


# consoles


@pytest.mark.parametrize(
    ("formatter", "pattern"),
    [
        ("default", "    -- three"),
        ("json", "    -- three"),
        ("plain", r"\[.*\] VERBOSE\[\d+\] test_log.py:\d+ test_.*: three"),
    ],
)
def test_verbose_on_the_console_needs_no_mention(logs: Logs, formatter: str, pattern: str) -> None:
    stream = io.StringIO()
    channel = LogChannel("console", frozenset({"NOTICE"}), formatter=formatter)
    logs.start(channel, console=stream, verbose=3)
    log_verbose(logger, 3, "three")
    log_verbose(logger, 4, "four")
    logs.services[0].close()
    (line,) = stream.getvalue().splitlines()
    assert re.fullmatch(pattern, line)


def test_the_console_shows_verbose_messages_bare_and_indented(logs: Logs) -> None:
    stream = io.StringIO()
    channel = LogChannel("console", frozenset({"NOTICE", "VERBOSE"}))
    logs.start(channel, console=stream, verbose=3, date_format="%F")
    log_verbose(logger, 1, "one")
    log_verbose(logger, 3, "three")
    logger.log(NOTICE, "notice")
    logs.services[0].close()
    one, three, notice = stream.getvalue().splitlines()
    assert (one, three) == ("one", "    -- three")
    assert notice.endswith("test_log.py: notice")


def test_a_prompt_takes_the_console_over(logs: Logs) -> None:
    stream = io.StringIO()
    service = logs.start(LogChannel("console", frozenset({"WARNING"})), console=stream)
    service.is_console_taken = True
    logger.warning("at the prompt")
    service.is_console_taken = False
    logger.warning("after")
    service.close()
    assert messages(stream.getvalue().splitlines()) == ["after"]


def test_consoles_show_the_levels_of_the_console_channel(logs: Logs) -> None:
    service = logs.start(LogChannel("console", frozenset({"ERROR"})))
    assert service.console_levels() == {"ERROR"}
    assert "NOTICE" in logs.start(LogChannel("x.log", EVERYTHING)).console_levels()


def test_colour_marks_the_level() -> None:
    line = Line("ERROR", 0, 0.0, "", "f.py", 1, "f", "x")
    text = render_console(line, lambda _: "ERROR x", use_colour=True, timestamp_verbose=False)
    assert text == "\033[1;31mERROR\033[0m x"


def test_remote_consoles_have_levels_of_their_own(logs: Logs) -> None:
    service = logs.start()
    quiet: list[str] = []
    loud: list[str] = []
    service.add_console(Console(lambda line: quiet.append(line.message)))
    console = Console(lambda line: loud.append(line.message), verbose_level=4, debug_level=1)
    service.add_console(console)
    log_one_of_each()
    assert quiet == ["notice", "warning", "error"]
    assert loud == ["debug", "verbose 1", "verbose 4", "info", "notice", "warning", "error"]
    service.remove_console(console)
    log_one_of_each()
    assert len(loud) == 7


def test_describe_lists_the_channels(logs: Logs) -> None:
    service = logs.start(
        LogChannel("console", frozenset({"ERROR"})),
        LogChannel("x.log", frozenset({"ERROR", "DEBUG"}), formatter="json"),
        LogChannel("syslog.local0", frozenset({"ERROR"})),
        console=io.StringIO(),
    )
    console, file, syslog = service.describe()
    assert (console.kind, file.kind, syslog.kind) == ("Console", "File", "Syslog")
    assert file.name == str(logs.directory / "x.log")
    assert (file.formatter, file.levels) == ("json", ("DEBUG", "ERROR"))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("%S", "07"), ("%S.%3q", "07.250"), ("%S.%q", "07.250"), ("%S.%1q", "07.2")],
)
def test_date_format_knows_fractions(pattern: str, expected: str) -> None:
    assert DateFormat(pattern).format(7.25) == expected


def test_lines_of_a_call_have_its_id(logs: Logs) -> None:
    logs.start(LogChannel("x.log", EVERYTHING))

    def call() -> None:
        enter_call(call_id_of_new_channel())
        logger.warning("one")
        enter_call(call_id_of_new_channel())  # a channel made meanwhile
        logger.warning("two")

    contextvars.Context().run(call)
    contextvars.Context().run(call)
    logger.warning("none")
    ids = [re.search(r"\[(C-[0-9a-f]{8})\]", line) for line in logs.lines()]
    found = [match and match[1] for match in ids]
    assert found[0] == found[1] != found[2] == found[3]
    assert found[4] is None


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "queue_log"),
        ({"queue_log_name": "q"}, "q"),
        ({"append_hostname": True}, f"queue_log.{os.uname().nodename}"),
    ],
)
def test_the_queue_log_rotates_with_the_others(
    logs: Logs, settings: dict[str, object], name: str
) -> None:
    service = logs.start(LogChannel("x.log", EVERYTHING), **settings)
    assert service.queue_log == logs.directory / name
    (logs.directory / name).write_text("line")
    service.rotate("x.log")
    service.rotate()
    service.close()
    assert (logs.directory / f"{name}.0").read_text() == "line"
    assert not (logs.directory / name).exists()


def test_there_may_be_no_queue_log(logs: Logs) -> None:
    assert logs.start(queue_log_name="").queue_log is None


def test_a_place_that_fails_is_no_harm_to_the_others(
    logs: Logs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_priority: int, _text: str) -> None:
        raise ValueError("nobody listens")

    monkeypatch.setattr("syslog.syslog", fail)
    logs.start(LogChannel("syslog.local0", EVERYTHING), LogChannel("x.log", EVERYTHING))
    logger.warning("one")
    logger.warning("two")
    assert len(logs.lines()) == 2
    assert "log message lost for syslog.local0" in capsys.readouterr().err
