"""Which channels a command is about, for their timelines."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from server.http.messages import Request, Response, parse_pairs
from server.http.spec import Operation
from server.resources.timeline import Command

_NAMES = ("channel", "channelId")


def is_command(request: Request) -> bool:
    """Tell whether a request is to change something."""
    return request.method not in ("GET", "HEAD", "OPTIONS")


def channels_named(operation: Operation, values: Sequence[str], request: Request) -> list[str]:
    """Return the channels that path and query of a request name.

    :param values: of the path's wildcards.
    """
    found = list(values[:1]) if operation.path.startswith("/channels/{channelId}") else []
    try:
        pairs = parse_pairs(request.query)
    except ValueError:
        return found
    for name, value in pairs:
        if name in _NAMES:
            found += value.split(",")
    return list(dict.fromkeys(found))


async def end_later(command: Command, outcome: Coroutine[Any, Any, Response]) -> Response:
    """Wait for the response of a command, note it, and return it."""
    response = await outcome
    command.end(response.status)
    return response
