"""The errors of this package.

::

    ArionError
    ├── ConnectionFailed        the server can't be reached, or the connection broke
    │   └── ClientClosed        ... because the program closed the client
    ├── TimedOut                it took too long; also a TimeoutError
    ├── NotListening            something waits for events, and no stream of events is open
    ├── ChannelGone             the channel ended or left the application
    │   └── NotAnswered         ... that was dialled, before anybody answered
    ├── PlaybackError           media could not be played
    ├── RecordingError          a recording broke off
    └── ApiError                the server refused a request
        ├── BadRequest          400
        ├── Unauthorized        401
        ├── Forbidden           403
        ├── NotFound            404
        ├── MethodNotAllowed    405
        ├── Conflict            409
        ├── InvalidState        412
        ├── TooLarge            413
        ├── Unprocessable       422
        ├── TooManyRequests     429
        └── ServerFailed        500 and above
            ├── InternalError   500
            ├── NotSupported    501
            └── Unavailable     503
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ArionError(Exception):
    """Base of all errors that this package raises on purpose."""


class ConnectionFailed(ArionError):
    """The server can't be reached, or the connection broke."""


class ClientClosed(ConnectionFailed):
    """The client is closed."""


class TimedOut(ArionError, TimeoutError):
    """An answer or an event did not come in time."""


class NotListening(ArionError):
    """Waiting for events needs an open stream: see ``Client.events`` and ``Client.run``."""


class ChannelGone(ArionError):
    """The channel ended or left the application while something was to be done with it.

    :param channel_id: which one.
    :param cause: hangup cause (Q.850) if it is known, else 0.
    :param cause_txt: the same in words.
    """

    def __init__(self, channel_id: str, cause: int = 0, cause_txt: str = "") -> None:
        why = f": {cause_txt or 'cause'} ({cause})" if cause else ""
        super().__init__(f"channel {channel_id} ended or left the application{why}")
        self.channel_id = channel_id
        self.cause = cause
        self.cause_txt = cause_txt


class NotAnswered(ChannelGone):
    """Nobody took the call: busy, refused, unreachable; ``cause`` says which."""


class PlaybackError(ArionError):
    """The server could not play the media."""


class RecordingError(ArionError):
    """The recording broke off."""


class ApiError(ArionError):
    """The server refused a request.

    :param status: HTTP status.
    :param message: what the server says is wrong.
    :param operation: what was asked for, such as ``channels.answer``.
    :param body: the whole answer, if it was a JSON object.
    """

    def __init__(
        self, status: int, message: str, operation: str, body: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(f"{operation}: {message} ({status})")
        self.status = status
        self.message = message
        self.operation = operation
        self.body = body or {}


class BadRequest(ApiError):
    """A parameter is missing or wrong; the message names it."""


class Unauthorized(ApiError):
    """User or password are wrong."""


class Forbidden(ApiError):
    """The user may not do this."""


class NotFound(ApiError):
    """There is no such thing, or no longer."""


class MethodNotAllowed(ApiError):
    """The server knows the path, and not this verb of it."""


class Conflict(ApiError):
    """The thing exists already, or its present use forbids this."""


class InvalidState(ApiError):
    """The thing is in a state that does not allow this."""


class TooLarge(ApiError):
    """The request is larger than the server takes."""


class Unprocessable(ApiError):
    """The server understood, but can't do it."""


class TooManyRequests(ApiError):
    """The server asks to come back later."""


class ServerFailed(ApiError):
    """The server failed, or is not ready."""


class InternalError(ServerFailed):
    """Something went wrong in the server."""


class NotSupported(ServerFailed):
    """The server knows the operation, and can't do it."""


class Unavailable(ServerFailed):
    """The server is not ready, or at its limit."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    409: Conflict,
    412: InvalidState,
    413: TooLarge,
    422: Unprocessable,
    429: TooManyRequests,
    500: InternalError,
    501: NotSupported,
    503: Unavailable,
}


def api_error(
    status: int, message: str, operation: str, body: Mapping[str, Any] | None = None
) -> ApiError:
    """Return the error for a status."""
    usual = ServerFailed if status >= 500 else ApiError
    return _BY_STATUS.get(status, usual)(status, message, operation, body)
