"""The errors of this package.

::

    ArionError
    ├── ConnectionFailed    the server can't be reached
    ├── NotListening        something waits for events, and no stream of events is open
    ├── ChannelGone         the channel ended or left the application
    ├── PlaybackError       media could not be played
    ├── RecordingError      a recording broke off
    └── ApiError            the server refused a request
        ├── BadRequest      400
        ├── Unauthorized    401
        ├── Forbidden       403
        ├── NotFound        404
        ├── Conflict        409
        ├── InvalidState    412
        ├── Unprocessable   422
        └── ServerFailed    500 and above
"""

from __future__ import annotations


class ArionError(Exception):
    """Base of all errors that this package raises on purpose."""


class ConnectionFailed(ArionError):
    """The server can't be reached, or the connection broke."""


class NotListening(ArionError):
    """Waiting for events needs an open stream: see ``Client.events`` and ``Client.run``."""


class ChannelGone(ArionError):
    """The channel ended or left the application while something was to be done with it."""


class PlaybackError(ArionError):
    """The server could not play the media."""


class RecordingError(ArionError):
    """The recording broke off."""


class ApiError(ArionError):
    """The server refused a request.

    :param status: HTTP status.
    :param message: what the server says is wrong.
    :param operation: what was asked for, such as ``channels.answer``.
    """

    def __init__(self, status: int, message: str, operation: str) -> None:
        super().__init__(f"{operation}: {message} ({status})")
        self.status = status
        self.message = message
        self.operation = operation


class BadRequest(ApiError):
    """A parameter is missing or wrong; the message names it."""


class Unauthorized(ApiError):
    """User or password are wrong."""


class Forbidden(ApiError):
    """The user may not do this."""


class NotFound(ApiError):
    """There is no such thing, or no longer."""


class Conflict(ApiError):
    """The thing exists already, or its present use forbids this."""


class InvalidState(ApiError):
    """The thing is in a state that does not allow this."""


class Unprocessable(ApiError):
    """The server understood, but can't do it."""


class ServerFailed(ApiError):
    """The server failed, or is not ready."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: InvalidState,
    422: Unprocessable,
}


def api_error(status: int, message: str, operation: str) -> ApiError:
    """Return the error for a status."""
    kind = ServerFailed if status >= 500 else _BY_STATUS.get(status, ApiError)
    return kind(status, message, operation)
