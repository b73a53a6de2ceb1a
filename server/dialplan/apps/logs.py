"""Applications that write to the log."""

from __future__ import annotations

import logging

from server.dialplan.arguments import split_raw
from server.dialplan.executor import Call
from server.dialplan.registry import application

logger = logging.getLogger(__name__)

_LEVELS = {
    "ERROR": logging.ERROR,
    "WARNING": logging.WARNING,
    "NOTICE": logging.INFO,
    "DEBUG": logging.DEBUG,
    "VERBOSE": logging.INFO,
    "DTMF": logging.DEBUG,
}


@application("NoOp")
def noop(call: Call, data: str) -> None:
    """NoOp(text): do nothing."""


@application("Verbose")
def verbose(call: Call, data: str) -> None:
    """Verbose(level, message): write to the console at a verbosity level, 0 by default."""
    level, comma, message = data.partition(",")
    if not comma or not level.strip().isdigit():
        level, message = "0", data
    logger.log(logging.INFO if int(level) <= 3 else logging.DEBUG, "%s", message)


@application("Log")
def log(call: Call, data: str) -> None:
    """Log(level, message): write to the log at a named level."""
    arguments = split_raw(data, 2)
    level = _LEVELS.get(arguments[0].strip().upper()) if arguments else None
    if level is None or len(arguments) < 2:
        call.report(f"Log: expected a level of {', '.join(_LEVELS)} and a message")
        return
    logger.log(level, "%s: %s", call.where, arguments[1])
