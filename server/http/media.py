"""``/media/<connection id>``: WebSockets of media, whose sockets are handed over to the engine."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Protocol

from server.base.errors import ServerError
from server.http.errors import respond
from server.http.messages import Request, Response, error
from server.http.websocket import accept

SUBPROTOCOL = "media"


class Claim(Protocol):
    """A channel that waits for its connection."""

    def take(self, connection: socket.socket, head: str, start: bytes) -> None:
        """Take the connection over; *head* has to be sent first, *start* came already."""

    def release(self) -> None:
        """There is no connection after all."""


class MediaChannels(Protocol):
    """Who has the channels that wait for connections."""

    def claim(self, connection_id: str) -> Claim:
        """Return the channel of a connection id, for this connection alone.

        :raises NotFound: there is none.
        :raises Conflict: it has a connection.
        """


@dataclass(frozen=True, slots=True)
class Handover:
    """The outcome of a request whose connection is no longer HTTP's.

    :param answer: what is to be sent first.
    """

    answer: Response
    claim: Claim


def handle_media(
    request: Request, connection_id: str, channels: MediaChannels
) -> Response | Handover:
    """Answer a request for a media WebSocket."""
    if request.method != "GET":
        return error(501, "only GET is supported")
    answer = accept(request, SUBPROTOCOL)
    if answer.status == 426:
        return answer
    try:
        claim = channels.claim(connection_id)
    except ServerError as failure:
        return respond("media", failure)
    if answer.status != 101:
        claim.release()
        return answer
    return Handover(answer, claim)
