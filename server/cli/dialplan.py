"""``arion dialplan check`` and ``arion dialplan trace``: a dialplan without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from server.base.clock import SystemClock
from server.cli.check import check_sources, dialplan_sources
from server.cli.tables import plural
from server.config.home import DEFAULT_PATH, load_asterisk
from server.dialplan.registry import Registry
from server.dialplan.sources import SourcePaths, load_sources
from server.dialplan.tracing import trace
from server.tech.base import Party

USAGE = """\
Usage: arion dialplan check [-C FILE] [EXTENSIONS.CONF]
       arion dialplan trace [-C FILE] [--file EXTENSIONS.CONF] [--cid NUMBER] [--set NAME=VALUE]...
                            CONTEXT EXTENSION"""

_VALUES = {"-C": "config", "--file": "file", "--cid": "caller"}


class DialplanUsageError(Exception):
    """The command line is wrong."""


@dataclass(slots=True)
class _Request:
    config: str = DEFAULT_PATH
    file: str = ""
    caller: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    @property
    def sources(self) -> SourcePaths:
        """The dialplan that is meant."""
        if self.file:
            return SourcePaths(self.file)
        return dialplan_sources(load_asterisk(self.config, []))


def run_dialplan_command(words: Sequence[str], registry: Registry) -> tuple[int, list[str]]:
    """Run what follows ``arion dialplan``.

    :param registry: what the dialplan may call.
    :return: the exit code (1 if there is something to look at) and the output.
    :raises DialplanUsageError: the words make no sense.
    :raises ConfigError: the file can't be read.
    """
    request = _parse(words[1:])
    match words[:1], request.words:
        case ["check"], [] | [_]:
            request.file = "".join(request.words) or request.file
            return _check(request, registry)
        case ["trace"], [context, exten]:
            return 0, _trace(request, registry, context, exten)
    raise DialplanUsageError(USAGE)


def _parse(words: Sequence[str]) -> _Request:
    request = _Request()
    rest = iter(words)
    for word in rest:
        if word in _VALUES or word == "--set":
            value = next(rest, None)
            if value is None or (word == "--set" and "=" not in value):
                raise DialplanUsageError(USAGE)
            if word == "--set":
                name, _, text = value.rpartition("=") if ")=" in value else value.partition("=")
                request.variables[name] = text
            else:
                setattr(request, _VALUES[word], value)
        elif word.startswith("-"):
            raise DialplanUsageError(USAGE)
        else:
            request.words.append(word)
    return request


def _check(request: _Request, registry: Registry) -> tuple[int, list[str]]:
    found = check_sources(request.sources, registry)
    return int(bool(found)), [*found, plural(len(found), "remark")]


def _trace(request: _Request, registry: Registry, context: str, exten: str) -> list[str]:
    output: list[str] = []
    asyncio.run(
        trace(
            load_sources(request.sources).plan,
            context,
            exten,
            registry=registry,
            clock=SystemClock(),
            report=output.append,
            caller=Party("", request.caller),
            variables=request.variables,
        )
    )
    return output
