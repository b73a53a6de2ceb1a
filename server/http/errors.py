"""The one table from error classes to HTTP status codes."""

from __future__ import annotations

import logging

from server.base.errors import (
    Conflict,
    Forbidden,
    InvalidArgument,
    InvalidState,
    MediaError,
    NotFound,
    NotSupported,
    ServerError,
    Unavailable,
    Unprocessable,
)
from server.http.messages import Response, error

logger = logging.getLogger(__name__)

RETRY_AFTER = b"5"  # seconds, in a 503: the limits of asterisk.conf move with the calls
STATUS: dict[type[ServerError], int] = {
    NotFound: 404,
    Conflict: 409,
    InvalidState: 412,
    InvalidArgument: 400,
    Unprocessable: 422,
    NotSupported: 501,
    Forbidden: 403,
    Unavailable: 503,
    MediaError: 500,
}


def status_of(failure: ServerError) -> int:
    """Return the status for an error: that of the closest class in :data:`STATUS`, else 500."""
    for kind in type(failure).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500


def respond(operation_id: str, failure: Exception) -> Response:
    """Answer for an operation that failed. What we did not foresee is logged and not told."""
    if isinstance(failure, ServerError):
        status = status_of(failure)
        headers = ((b"Retry-After", RETRY_AFTER),) if status == 503 else ()
        return error(status, str(failure), *headers)
    logger.error("%s failed", operation_id, exc_info=failure)
    return error(500, "Internal Server Error")
