"""What logger.conf asks for, as :class:`server.base.log.LogService` takes it."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

LEVEL_NAMES = frozenset(
    {"DEBUG", "NOTICE", "WARNING", "ERROR", "VERBOSE", "DTMF", "SECURITY", "AUDIT"}
)


@dataclass(frozen=True, slots=True)
class LogChannel:
    """One line of ``[logfiles]``.

    :param name: ``console``, ``syslog.<facility>`` or a file name below astlogdir.
    :param verbose_level: verbose messages up to this level; ``None`` for the server's own level.
    :param formatter: ``default``, ``plain`` or ``json``.
    """

    name: str
    levels: frozenset[str]
    verbose_level: int | None = None
    formatter: str = "default"


DEFAULT_LEVELS = frozenset({"NOTICE", "WARNING", "ERROR", "VERBOSE"})


@dataclass(frozen=True, slots=True)
class LogSettings:
    """logger.conf.

    :param date_format: strftime's, and ``%q`` with an optional digit for fractions of a second.
    :param rotate_strategy: ``none``, ``sequential``, ``rotate`` or ``timestamp``.
    :param exec_after_rotate: shell command; ``${filename}`` is the rotated file.
    :param queue_limit: messages that may wait for the disk.
    :param queue_log_name: file of what happens in queues, which is rotated with the others; empty
        for none.
    """

    channels: tuple[LogChannel, ...] = (LogChannel("console", DEFAULT_LEVELS),)
    date_format: str = "%b %e %T"
    append_hostname: bool = False
    rotate_strategy: str = "sequential"
    exec_after_rotate: str = ""
    queue_limit: int = 1000
    show_call_ids: bool = True
    custom_levels: tuple[str, ...] = ()
    queue_log_name: str = "queue_log"


@dataclass(frozen=True, slots=True)
class LogChannelStatus:
    """What ``logger show channels`` tells of one channel."""

    name: str
    kind: str
    formatter: str
    levels: tuple[str, ...]
    is_enabled: bool


def queue_log_path(settings: LogSettings, directory: str) -> Path | None:
    """Return the file of what happens in queues; ``None`` if there is to be none.

    :param directory: astlogdir.
    """
    if not settings.queue_log_name:
        return None
    suffix = f".{socket.gethostname()}" if settings.append_hostname else ""
    return Path(directory) / f"{settings.queue_log_name}{suffix}"
