"""Applications that write to the log."""

from __future__ import annotations

import logging
import re

from server.base.log import DTMF, NOTICE, VERBOSE_ALWAYS, log_verbose
from server.dialplan.arguments import split_raw
from server.dialplan.executor import Call
from server.dialplan.numbers import parse_integer
from server.dialplan.registry import application

logger = logging.getLogger(__name__)

_LEVEL = re.compile(r"\s*[0-9]{1,2}\s*")

_LEVELS = {
    "ERROR": logging.ERROR,
    "WARNING": logging.WARNING,
    "NOTICE": NOTICE,
    "DEBUG": logging.DEBUG,
    "VERBOSE": VERBOSE_ALWAYS,
    "DTMF": DTMF,
}


@application("NoOp")
def noop(call: Call, data: str) -> None:
    """NoOp(text): do nothing."""


@application("Verbose")
def verbose(call: Call, data: str) -> None:
    """Verbose(level, message): write to the console at a verbosity level, 0 by default."""
    level, comma, message = data.partition(",")
    if not comma or not _LEVEL.fullmatch(level):
        level, message = "0", data
    log_verbose(logger, int(level), "%s", message)


@application("Log")
def log(call: Call, data: str) -> None:
    """Log(level, message): write to the log at a named level."""
    arguments = split_raw(data, 2)
    level = _LEVELS.get(arguments[0].strip().upper()) if arguments else None
    if level is None or len(arguments) < 2:
        call.report(f"Log: expected a level of {', '.join(_LEVELS)} and a message")
        return
    logger.log(level, "%s: %s", call.where, arguments[1])


@application("DumpChan")
def dump_channel(call: Call, data: str) -> None:
    """DumpChan(level): write what is known of the channel and its variables to the console."""
    channel = call.channel
    facts = {
        "Name": channel.name,
        "Type": channel.endpoint[0],
        "UniqueID": channel.id,
        "LinkedID": channel.linkedid,
        "CallerIDNum": channel.caller.number or "(N/A)",
        "CallerIDName": channel.caller.name or "(N/A)",
        "ConnectedLineIDNum": channel.connected.number or "(N/A)",
        "ConnectedLineIDName": channel.connected.name or "(N/A)",
        "RDNIS": channel.redirecting.from_.number or "(N/A)",
        "Language": channel.language,
        "State": channel.state,
        "NativeFormat": channel.leg.stream.codec,
        "Bridge": channel.bridge.id if channel.bridge is not None else "(Not bridged)",
        "Context": channel.context,
        "Extension": channel.exten,
        "Priority": str(channel.priority),
        "Application": channel.app_name,
        "Data": channel.app_data,
    }
    lines = [f"{name + ':':<24}{value}" for name, value in facts.items()]
    lines += ["Variables:", *(f"{name}={value}" for name, value in channel.variables.items())]
    log_verbose(logger, parse_integer(data), "Dumping %s\n%s", channel.name, "\n".join(lines))
