"""The error tree. Raise the meaning; each adapter maps a class to its own wire form.

::

    ServerError
    ├── NotFound            no such channel, bridge, file, …          (HTTP 404)
    ├── Conflict            the thing exists, or is in use            (HTTP 409)
    ├── InvalidState        right thing, wrong moment                 (HTTP 412)
    ├── InvalidArgument     a field's value is wrong; names the field (HTTP 400)
    │   ├── Unprocessable   well formed, but can't be done            (HTTP 422)
    │   └── NotSupported    a choice that exists, but not here        (HTTP 501)
    ├── Forbidden           not allowed                               (HTTP 403)
    ├── Unavailable         a limit or a dependency says no           (HTTP 503)
    ├── ConfigError         names file and line
    ├── MediaError          the media engine refused or failed        (HTTP 500)
    ├── ChannelHungUp       raised in a channel's controller when its channel ends
    └── ProtocolError
        ├── LocalProtocolError    we broke the protocol: a bug here
        └── RemoteProtocolError   the peer broke it: count, answer, go on
"""

from __future__ import annotations


class ServerError(Exception):
    """Base of every error that this server raises on purpose.

    ``str(error)`` is one line that is fit to be shown to a user.
    """


class NotFound(ServerError):
    """A named thing does not exist."""


class Conflict(ServerError):
    """The thing exists already, or its present use forbids the operation."""


class InvalidState(ServerError):
    """The operation does not fit the state that the thing is in now."""


class InvalidArgument(ServerError):
    """A value is wrong.

    :param field: the parameter, header or option at fault.
    :param reason: what is wrong with it, and what was expected.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Unprocessable(InvalidArgument):
    """The value is well formed, but the server can't act on it."""


class NotSupported(InvalidArgument):
    """A choice that the interface knows, but this server does not offer."""


class Forbidden(ServerError):
    """The caller may not do this."""


class Unavailable(ServerError):
    """A limit is reached, a queue is full, or the server is stopping."""


class ConfigError(ServerError):
    """A configuration file is wrong.

    :param path: the file as the user named it.
    :param line: 1-based line number, 0 when the file as a whole is meant.
    :param reason: what is wrong, and what was expected.
    """

    def __init__(self, path: str, line: int, reason: str) -> None:
        where = f"{path}:{line}" if line else path
        super().__init__(f"{where}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


class MediaError(ServerError):
    """The media engine refused a command or a file."""


class ChannelHungUp(ServerError):
    """The channel that this controller drives has ended.

    :param cause: Q.850 hangup cause.
    """

    def __init__(self, cause: int = 16) -> None:
        super().__init__(f"channel hung up (cause {cause})")
        self.cause = cause


class ProtocolError(ServerError):
    """A protocol was broken.

    :param status: the response code that suits the failure, 0 if none does.
    """

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


class LocalProtocolError(ProtocolError):
    """This side tried what the protocol forbids."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what the protocol forbids."""
