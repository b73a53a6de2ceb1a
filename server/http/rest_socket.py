"""REST requests over an event consumer's own connection: RESTRequest in, RESTResponse out.

``DrainWorker`` stands for the requests that drain the connection's own workers.

Requests of one socket are answered in order, each after the one before it, as Asterisk does. They
run as the user who opened the socket, and every check of a request over HTTP applies to them. A
response goes the way of the events, so none of the events that its request causes can overtake it.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Coroutine, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from http import HTTPMethod, HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote

import orjson
from websockets.frames import Frame, Opcode

from server.base.clock import Clock, ari_timestamp
from server.base.tasks import TaskScope
from server.http.idempotency import IDEMPOTENCY_KEY, REPLAYED
from server.http.messages import FORM, JSON, MAX_BODY, MAX_TARGET, Request, Response, error
from server.http.rest import Outcome, Upgrade
from server.model.events import rest_response

logger = logging.getLogger(__name__)

MAX_PENDING = 64  # requests that wait for the one before them; then we stop reading
DRAIN = "DrainWorker"
PREFIX = "ari/"  # may precede the resource, as in the path of a request over HTTP

_METHODS = frozenset(HTTPMethod) - {HTTPMethod.CONNECT, HTTPMethod.TRACE, HTTPMethod.PATCH}
_CONTENT_TYPES = frozenset({JSON, FORM})


class Host(Protocol):
    """What a REST socket needs of its server."""

    clock: Clock
    scope: TaskScope
    asterisk_id: str

    def hold(self) -> AbstractContextManager[None]:
        """Keep events back until the response is written."""

    def handle_as(
        self, user: str, request: Request, path: str, *, is_token: bool = False
    ) -> Outcome:
        """Answer a request of a user who is logged in. Never raises."""

    def workers_of(self, wire: Wire) -> Sequence[tuple[str, str]]:
        """Return the applications that a connection shares, with its worker's name in each."""


class Wire(Protocol):
    """The connection under a REST socket."""

    @property
    def is_writable(self) -> bool:
        """Whether the client keeps up with what is sent to it."""

    def deliver(self, frame: bytes) -> None:
        """Send one message, in order with the events."""

    def set_reading(self, is_reading: bool) -> None:
        """Stop to take anything from the client, or go on."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who opened the connection.

    :param user: user of ari.conf, or its token.
    :param peer: IP address.
    :param applications: that listen on it.
    :param kind: ``inbound``, or the connection type of an outbound WebSocket.
    """

    user: str
    peer: str
    peer_port: int
    applications: Sequence[str]
    is_token: bool = False
    kind: str = "inbound"


@dataclass(frozen=True, slots=True)
class RestRequest:
    """A message from the client.

    :param refusal: the answer, if the message is no request.
    :param is_drain: it is about the connection's own workers, and *request* has the method only.
    """

    transaction_id: str
    request_id: str
    uri: str
    request: Request
    refusal: Response | None = None
    is_drain: bool = False


def parse_request(message: bytes, caller: Caller) -> RestRequest:
    """Read a message. What is wrong with it is in the result's *refusal*, never raised."""
    body = _object(message)
    uri = _text(body, "uri")
    path, _, query = uri.partition("#")[0].partition("?")
    request = Request("", path, query, {}, b"", caller.peer, caller.peer_port)
    is_drain = _text(body, "type") == DRAIN
    if body is None:
        refusal: Response | None = error(400, "a JSON object is needed")
    elif is_drain:
        refusal = _fill_drain(request, body)
    else:
        refusal = _fill(request, body)
    ids = _text(body, "transaction_id"), _text(body, "request_id")
    return RestRequest(*ids, uri, request, refusal, is_drain)


def _object(message: bytes) -> dict[str, Any] | None:
    try:
        body = orjson.loads(message)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def _text(body: dict[str, Any] | None, name: str) -> str:
    """Return a member; what is missing or no string is empty, as in Asterisk."""
    value = body.get(name) if body is not None else None
    return value if isinstance(value, str) else ""


def _fill_drain(request: Request, body: dict[str, Any]) -> Response | None:
    """Take over whether to drain; return what is wrong with it."""
    is_draining = body.get("draining", True)
    request.method = "POST" if is_draining else "DELETE"
    if isinstance(is_draining, bool):
        return None
    return error(400, "draining: true or false is needed")


def _fill(request: Request, body: dict[str, Any]) -> Response | None:
    """Complete the request from the members of a message; return what is wrong with them."""
    kind = _text(body, "type")
    if kind != "RESTRequest":
        return error(400, f"type: {kind[:64]!r} is neither 'RESTRequest' nor {DRAIN!r}")
    if not request.path:
        return error(400, "uri: a value is needed")
    if len(request.path) + len(request.query) > MAX_TARGET:
        return error(400, f"uri: longer than {MAX_TARGET} characters")
    request.method = _text(body, "method").upper()
    if request.method not in _METHODS:
        return error(400, f"method: {request.method[:64]!r} is none of GET, POST, PUT, DELETE")
    refusal = _fill_query(request, body.get("query_strings")) or _fill_body(request, body)
    return refusal or _fill_key(request, body.get("idempotency_key"))


def _fill_key(request: Request, given: object) -> Response | None:
    if given is None:
        return None
    if not isinstance(given, str):
        return error(400, "idempotency_key: a string is needed")
    request.headers = {**request.headers, IDEMPOTENCY_KEY: given.encode("latin-1", "replace")}
    return None


def _fill_query(request: Request, given: object) -> Response | None:
    if given is None:
        return None
    if not isinstance(given, list) or not all(_is_pair(item) for item in given):
        return error(400, 'query_strings: a list of {"name": …, "value": …} is needed')
    pairs = [f"{_quote(item['name'])}={_quote(item['value'])}" for item in given]
    request.query = "&".join([request.query, *pairs] if request.query else pairs)
    return None


def _is_pair(item: object) -> bool:
    return isinstance(item, dict) and all(isinstance(item.get(k), str) for k in ("name", "value"))


def _quote(text: str) -> str:
    return quote(text, safe="")


def _fill_body(request: Request, body: dict[str, Any]) -> Response | None:
    given = body.get("message_body")
    if given is None or given == "":
        return None
    if not isinstance(given, str):
        return error(400, "message_body: a string is needed; JSON goes into it as text")
    content_type = _text(body, "content_type").encode()
    if not content_type:
        return error(400, "content_type: a value is needed with message_body")
    if content_type.partition(b";")[0].strip().lower() not in _CONTENT_TYPES:
        return error(400, f"content_type: {content_type.decode()[:64]!r} is none of"
                     " application/json, application/x-www-form-urlencoded")  # fmt: skip
    request.body = given.encode()
    if len(request.body) > MAX_BODY:
        return error(413, f"message_body: longer than {MAX_BODY} bytes")
    request.headers = {b"content-type": content_type}
    return None


class RestSocket:
    """Answers the requests that come over one connection."""

    def __init__(self, host: Host, caller: Caller, wire: Wire) -> None:
        self._host = host
        self._caller = caller
        self._wire = wire
        # the message being received
        self._parts: list[bytes] = []
        self._is_text = False
        # messages that wait, and whether one is being answered
        self._pending: deque[bytes] = deque()
        self._is_busy = False
        self._is_reading = True
        self._is_closed = False

    def frame_received(self, frame: Frame) -> None:
        """Take a frame of the client. Binary messages are ignored, as in Asterisk."""
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._is_text = frame.opcode is Opcode.TEXT
            self._parts = []
        elif frame.opcode is not Opcode.CONT:
            return
        if self._is_text:
            self._parts.append(bytes(frame.data))
            if frame.fin:
                message = b"".join(self._parts)
                self._parts = []
                self.message_received(message)

    def message_received(self, message: bytes) -> None:
        """Take a whole message: answer it, or let it wait for its turn."""
        if not self._is_closed:
            self._pending.append(message)
            self.serve()

    def serve(self) -> None:
        """Answer what waits, as far as the client takes the answers."""
        while self._pending and not self._is_busy and self._wire.is_writable:
            self._answer(self._pending.popleft())
        is_reading = len(self._pending) < MAX_PENDING
        if is_reading is not self._is_reading and not self._is_closed:
            self._is_reading = is_reading
            self._wire.set_reading(is_reading)

    def close(self) -> None:
        """The connection is gone: what waits is not answered any more."""
        self._is_closed = True
        self._pending.clear()

    def _answer(self, message: bytes) -> None:
        with self._host.hold():
            asked = parse_request(message, self._caller)
            outcome = asked.refusal or self._handle(asked)
            if isinstance(outcome, Response):
                self._respond(asked, outcome)
                return
        self._is_busy = True
        self._host.scope.spawn(self._finish(asked, outcome), "REST over WebSocket")

    def _handle(self, asked: RestRequest) -> Response | Coroutine[Any, Any, Response]:
        if asked.is_drain:
            return self._drain(asked.request)
        path = asked.request.path.lstrip("/").removeprefix(PREFIX)
        caller = self._caller
        outcome = self._host.handle_as(caller.user, asked.request, path, is_token=caller.is_token)
        if isinstance(outcome, Upgrade):
            return error(400, "this operation can't be asked for over a WebSocket")
        return outcome

    def _drain(self, request: Request) -> Response:
        workers = self._host.workers_of(self._wire)
        caller = self._caller
        answer = error(409, "this connection shares no application")
        for app, worker in workers:
            path = f"applications/{_quote(app)}/workers/{_quote(worker)}/drain"
            each = replace(request, path=path)
            outcome = self._host.handle_as(caller.user, each, path, is_token=caller.is_token)
            assert isinstance(outcome, Response)  # these operations wait for nothing
            answer = outcome
            if answer.status >= 400:
                break
        return answer

    async def _finish(self, asked: RestRequest, outcome: Coroutine[Any, Any, Response]) -> None:
        response = await outcome
        # As over HTTP: no await between the end of the handler and this.
        self._respond(asked, response)
        self._is_busy = False
        self.serve()

    def _respond(self, asked: RestRequest, response: Response) -> None:
        if response.file is not None:
            response = error(406, "files can't be sent over a WebSocket")
        logger.debug(
            "%s: %s %s over WebSocket: %d",
            self._caller.peer,
            asked.request.method,
            asked.uri,
            response.status,
        )
        self._wire.deliver(self._encode(asked, response))

    def _encode(self, asked: RestRequest, response: Response) -> bytes:
        has_body = response.body and asked.request.method != "HEAD"
        headers = dict(response.headers)
        link = headers.get(b"Link")
        event = rest_response(
            transaction_id=asked.transaction_id,
            request_id=asked.request_id,
            status_code=response.status,
            reason_phrase=HTTPStatus(response.status).phrase,
            uri=asked.uri,
            content_type=response.content_type.decode("latin-1") if has_body else None,
            message_body=response.body.decode() if has_body else None,
            link=None if link is None else link.decode("latin-1"),
            replayed=True if REPLAYED[0] in headers else None,
        )
        return orjson.dumps(
            {
                "type": event.type,
                **event.fields,
                **(event.extras or {}),
                "timestamp": ari_timestamp(self._host.clock.wall()),
                "asterisk_id": self._host.asterisk_id,
                "application": ",".join(self._caller.applications),
            }
        )
