"""logger.conf: what is logged where."""

from __future__ import annotations

import re
from dataclasses import dataclass

from server.base.log_settings import LEVEL_NAMES, LogChannel, LogSettings
from server.config.binder import bind, parse_option, setting
from server.config.objects import ConfigFile, ConfigWarning, Option, unknown_section
from server.config.types import boolean, choice, integer, items, text

MAX_CUSTOM_LEVELS = 16
FORMATTERS = ("default", "plain", "json")
_LEVELS = re.compile(r"(?:\[(?P<formatter>\w+)\])?(?P<levels>.*)\Z", re.DOTALL)
_VERBOSE = re.compile(r"verbose(?:\((?P<level>\*|\d{1,4})\))?\Z", re.IGNORECASE)
_IGNORED_LEVELS = frozenset({"fax", "trace"})  # known words for what never happens here
_QUEUE_LOG = "the queue log is always a file"


def custom_levels(value: str) -> tuple[str, ...]:
    """Up to 16 names of further levels."""
    names = tuple(name.upper() for name in items(value))
    if len(names) > MAX_CUSTOM_LEVELS:
        raise ValueError(f"expected at most {MAX_CUSTOM_LEVELS} levels")
    return names


def log_name(value: str) -> str:
    """The name of a file below astlogdir."""
    if not value or "/" in value or not value.isprintable():
        raise ValueError(f"expected the name of a file, not {value[:60]!r}")
    return value


@dataclass(frozen=True, slots=True)
class LoggerGeneral:
    """``[general]``."""

    appendhostname: bool = setting(boolean, False)
    custom_levels: tuple[str, ...] = setting(custom_levels, ())
    dateformat: str = setting(text, "%b %e %T")
    use_callids: bool = setting(boolean, True)
    display_callids: bool = setting(boolean, True)
    exec_after_rotate: str = setting(text, "")
    logger_queue_limit: int = setting(integer(10), 1000)
    rotatestrategy: str = setting(choice("none", "sequential", "rotate", "timestamp"), "sequential")
    queue_log: bool = setting(boolean, True)
    queue_log_name: str = setting(log_name, "queue_log")
    queue_log_to_file: bool = setting(boolean, False, no_effect=_QUEUE_LOG)
    queue_log_realtime_use_gmt: bool = setting(boolean, False, no_effect=_QUEUE_LOG)


def build_logger(file: ConfigFile | None, warnings: list[ConfigWarning]) -> LogSettings:
    """Read logger.conf. Without the file, notices and worse go to the console.

    :raises ConfigError: a value can't be read.
    """
    if file is None:
        return LogSettings()
    general: list[Option] = []
    logfiles: list[Option] = []
    for section in file.sections:
        if section.name.lower() == "general":
            general += section.options
        elif section.name.lower() == "logfiles":
            logfiles += section.options
        else:
            warnings.append(unknown_section(section))
    bound = bind(LoggerGeneral, general, warnings)
    known = LEVEL_NAMES | frozenset(bound.custom_levels)
    channels = [_channel(option, known, warnings) for option in logfiles]
    return LogSettings(
        channels=tuple(channel for channel in channels if channel.levels),
        date_format=bound.dateformat,
        append_hostname=bound.appendhostname,
        rotate_strategy=bound.rotatestrategy,
        exec_after_rotate=bound.exec_after_rotate,
        queue_limit=bound.logger_queue_limit,
        show_call_ids=bound.use_callids and bound.display_callids,
        custom_levels=bound.custom_levels,
        queue_log_name=bound.queue_log_name if bound.queue_log else "",
    )


def parse_channel(
    name: str, configuration: str, custom_levels: tuple[str, ...] = ()
) -> tuple[LogChannel, list[str]]:
    """Read one line of ``[logfiles]``.

    :param configuration: such as ``[json]notice,verbose(3)``.
    :param custom_levels: the further levels of logger.conf.
    :returns: the channel, and the words that are no levels.
    :raises ValueError: the formatter is unknown.
    """
    formatter, words = _split_levels(configuration)
    return _read_levels(name, formatter, words, LEVEL_NAMES | frozenset(custom_levels))


def _channel(option: Option, known: frozenset[str], warnings: list[ConfigWarning]) -> LogChannel:
    formatter, words = parse_option(option, _split_levels)
    channel, unknown = _read_levels(option.name, formatter, words, known)
    for word in unknown:
        message = f"{option.name}: unknown level {word!r}"
        warnings.append(ConfigWarning(option.path, option.line, message))
    return channel


def _read_levels(
    name: str, formatter: str, words: tuple[str, ...], known: frozenset[str]
) -> tuple[LogChannel, list[str]]:
    levels: set[str] = set()
    unknown: list[str] = []
    verbose_level: int | None = None
    for word in words:
        if word == "*":
            levels |= known
        elif matched := _VERBOSE.match(word):
            levels.add("VERBOSE")
            number = matched["level"]
            verbose_level = int(number) if number and number != "*" else None
        elif word.upper() in known:
            levels.add(word.upper())
        elif word.lower() not in _IGNORED_LEVELS:
            unknown.append(word)
    return LogChannel(name, frozenset(levels), verbose_level, formatter), unknown


def _split_levels(value: str) -> tuple[str, tuple[str, ...]]:
    matched = _LEVELS.match(value)
    assert matched is not None
    formatter = choice(*FORMATTERS)(matched["formatter"] or "default")
    return formatter, items(matched["levels"])
