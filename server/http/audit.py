"""The audit log: who asked for which change, when, and what came of it.

One JSON object for each request that writes, at the level ``audit`` of logger.conf. It holds the
parameters of path and query; of a body only the names of its members, since values may be secrets.
"""

from __future__ import annotations

import time
from collections.abc import Coroutine, Mapping
from typing import Any

import orjson

from server.base.log import AUDIT, audit_logger
from server.config.sections.ari import AriUser
from server.http.messages import Request, Response, parse_pairs

SECRETS = frozenset({"api_key", "access_token"})
MAX_VALUE = 256  # characters of a parameter's value


def is_audited(request: Request) -> bool:
    """Tell whether somebody keeps an audit log, and the request belongs there."""
    return audit_logger.isEnabledFor(AUDIT) and request.method not in ("GET", "HEAD", "OPTIONS")


def note(
    user: AriUser, request: Request, operation_id: str, response: Response, begun: float
) -> None:
    """Write the entry of a request.

    :param begun: when it came, by :func:`time.perf_counter`.
    """
    entry: dict[str, Any] = {
        "user": user.name,
        "peer": f"{request.peer}:{request.peer_port}",
        "method": request.method,
        "path": request.path,
        "operation": operation_id,
        "parameters": _parameters(request),
        "body": _member_names(request.body),
        "status": response.status,
        "ms": round((time.perf_counter() - begun) * 1000, 3),
    }
    if response.status >= 400:
        entry["message"] = orjson.loads(response.body)["message"]
    audit_logger.log(AUDIT, "%s", orjson.dumps(entry).decode())


async def note_later(
    user: AriUser,
    request: Request,
    operation_id: str,
    outcome: Coroutine[Any, Any, Response],
    begun: float,
) -> Response:
    """Wait for the response of a request, write its entry, and return it."""
    response = await outcome
    note(user, request, operation_id, response, begun)
    return response


def _parameters(request: Request) -> Mapping[str, str]:
    try:
        pairs = parse_pairs(request.query)
    except ValueError:
        return {}
    return {name: value[:MAX_VALUE] for name, value in pairs if name not in SECRETS}


def _member_names(body: bytes) -> list[str]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    return sorted(value) if isinstance(value, dict) else []
