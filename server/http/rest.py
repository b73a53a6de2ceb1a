"""From a request below ``/ari`` to its response, in the order of checks that Asterisk keeps."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from types import CoroutineType
from typing import Any

from server.base.clock import Clock
from server.base.errors import InvalidArgument
from server.config.sections.ari import Ari, AriUser
from server.http import audit
from server.http.auth import Authenticator
from server.http.coding import decode_body
from server.http.commands import channels_named, end_later, is_command
from server.http.documents import is_document, serve_document
from server.http.errors import respond
from server.http.files import serve_file
from server.http.idempotency import IDEMPOTENCY_KEY, IdempotentRequests
from server.http.messages import (
    JSON,
    PARTIAL_JSON,
    Request,
    Response,
    encode_json,
    error,
    next_link,
    prettify,
)
from server.http.operations import Handler, bind
from server.http.parameters import collect
from server.http.router import Route, Router
from server.http.scopes import ScopeGuard
from server.http.services import Services
from server.http.spec import Operation, load_bundle, load_operations
from server.resources.listing import Page, Partial
from server.stasis.options import Options, read_options

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Upgrade:
    """The request asks for the events' WebSocket, and may have it.

    :param options: what it asks for beyond Asterisk.
    :param user: user or token of ari.conf, as whom requests on the WebSocket run.
    """

    request: Request
    applications: list[str]
    subscribe_all: bool
    options: Options
    user: str = ""
    is_token: bool = False


# told of each operation that was carried out: its id, the channels that the request named, the
# status, when it began (seconds since the epoch) and how many seconds it took
OperationWatch = Callable[[str, Sequence[str], int, float, float], None]

Answer = Response | Coroutine[Any, Any, Response]
Outcome = Answer | Upgrade


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """An operation with its handler."""

    operation: Operation
    handler: Handler


class RestInterface:
    """The operations of the API.

    :raises BindingError: operations and handlers don't match.
    """

    def __init__(self, ari: Ari, services: Services, clock: Clock) -> None:
        self.is_fully_booted = False
        self.is_loaded = True  # not taken out as a module
        self.watches: list[OperationWatch] = []
        self._clock = clock
        self._repeatable = IdempotentRequests(clock)
        self._guard = ScopeGuard(services)
        self._timelines = services.timelines
        operations = load_operations(load_bundle())
        handlers = bind(operations, services)
        self._router: Router[_Endpoint] = Router()
        self._absent: set[str] = set()  # families of operations that are switched off
        for operation in operations:
            endpoint = _Endpoint(operation, handlers[operation.operation_id])
            self._router.add(operation.method, operation.path, endpoint)
        self.configure(ari)

    def configure(self, ari: Ari) -> None:
        """Take over ari.conf, as read at start or on reload."""
        self._ari = ari
        self._origins = frozenset(ari.allowed_origins)
        self._realm = ari.auth_realm.replace('"', "'").encode("latin-1", "replace")
        self._authenticator = Authenticator(ari.users, self._clock, ari.tokens)

    @property
    def _is_there(self) -> bool:
        return self._ari.enabled and self.is_loaded

    @property
    def is_pretty(self) -> bool:
        """Whether JSON is indented (ari.conf)."""
        return self._ari.pretty

    def set_family(self, tag: str, *, is_enabled: bool) -> None:
        """Switch all operations of a tag off, so that their paths are not there, or on again."""
        (self._absent.discard if is_enabled else self._absent.add)(tag)

    def handle(self, request: Request, path: str) -> Outcome:
        """Answer a request. Never raises; a coroutine is returned for what takes time.

        :param path: what follows ``/ari/``, still percent-encoded.
        """
        outcome = self._check_and_dispatch(request, path)
        if b"origin" in request.headers:
            return self._with_cors(request, outcome)
        return outcome

    def handle_as(
        self, user: str, request: Request, path: str, *, is_token: bool = False
    ) -> Outcome:
        """Answer a request that came over a WebSocket. Never raises; see :meth:`handle`.

        :param user: who opened the WebSocket. Rights count as they are now, not as they were then.
        :param is_token: *user* is the name of a token.
        """
        if not self._is_there:
            return error(404, "Not Found")
        known = self._token_user(user) if is_token else self._ari.users.get(user)
        if known is None:
            return self._unauthorized(0)
        return self._admit(request, known) or self._carry_out_once(request, path, known)

    def _token_user(self, name: str) -> AriUser | None:
        token = self._ari.tokens.get(name)
        if token is None or token.is_expired(self._clock.wall()):
            return None
        return token.user

    # checks

    def _check_and_dispatch(self, request: Request, path: str) -> Outcome:
        if not self._is_there:
            return error(404, "Not Found")
        if self._is_preflight(request):
            route = self._router.find(path)
            return _options(route) if route is not None else error(404, "Resource not found")
        authentication = self._authenticator.authenticate(request)
        if authentication.user is None:
            return self._unauthorized(authentication.delay)
        user = authentication.user
        refusal = self._admit(request, user)
        if refusal is not None:
            return refusal
        outcome = self._carry_out_once(request, path, user)
        if isinstance(outcome, Upgrade):
            return replace(outcome, user=user.name, is_token=user.scope is not None)
        return outcome

    def _admit(self, request: Request, user: AriUser) -> Response | None:
        if not user.acl.permits(request.peer):
            return error(403, "This address may not use this user")
        if not self.is_fully_booted:
            return error(503, "The server is not fully booted", (b"Retry-After", b"1"))
        if user.read_only and request.method not in ("GET", "HEAD", "OPTIONS"):
            return error(403, "This user is read-only")
        return None

    def _unauthorized(self, delay: float) -> Outcome:
        challenge = (b"WWW-Authenticate", b'Basic realm="%b"' % self._realm)
        refusal = error(401, "Authentication required", challenge)
        return _delayed(refusal, delay) if delay else refusal

    # dispatching

    def _carry_out_once(self, request: Request, path: str, user: AriUser) -> Outcome:
        """Dispatch a request, unless it is one that was carried out before."""
        if request.method == "POST" and IDEMPOTENCY_KEY in request.headers:
            return self._repeatable.answer(
                user.name, request, path, lambda: self._carry_out(request, path, user)
            )
        return self._dispatch(request, path, user)

    def _carry_out(self, request: Request, path: str, user: AriUser) -> Answer:
        """Dispatch a request that is no handshake."""
        outcome = self._dispatch(request, path, user)
        assert not isinstance(outcome, Upgrade)
        return outcome

    def _dispatch(self, request: Request, path: str, user: AriUser) -> Outcome:
        if path.endswith("/"):
            return error(404, "ARI URLs do not end with a slash")
        if is_document(path):
            return serve_document(request, path, self._ari.api_version)
        route = self._router.find(path)
        if route is None:
            return error(404, "Resource not found")
        if request.method == "OPTIONS":
            return _options(route)
        method = "GET" if request.method == "HEAD" else request.method
        if (refusal := decode_body(request)) is not None:
            return refusal
        endpoint = route.methods.get(method)
        if endpoint is not None and endpoint.operation.tag in self._absent:
            return error(404, "Resource not found")
        if endpoint is None:
            return error(405, "Method not allowed", (b"Allow", route.allow))
        if self.watches:
            return self._watched(endpoint, route, request, user)
        return self._noted(endpoint, route, request, user)

    def _watched(
        self, endpoint: _Endpoint, route: Route[_Endpoint], request: Request, user: AriUser
    ) -> Outcome:
        """Carry out an operation, and tell how long it took."""
        wall, begun = time.time(), time.perf_counter()
        operation_id = endpoint.operation.operation_id
        named = channels_named(endpoint.operation, route.values, request)
        outcome = self._noted(endpoint, route, request, user)

        def tell(status: int) -> None:
            for watch in self.watches:
                watch(operation_id, named, status, wall, time.perf_counter() - begun)

        if isinstance(outcome, Response):
            tell(outcome.status)
        elif not isinstance(outcome, Upgrade):
            return _tell_later(tell, outcome)
        return outcome

    def _noted(
        self, endpoint: _Endpoint, route: Route[_Endpoint], request: Request, user: AriUser
    ) -> Outcome:
        """Carry out an operation, and write it to the timelines of its channels."""
        if not self._timelines.is_enabled or not is_command(request):
            return self._audited(endpoint, route, request, user)
        operation = endpoint.operation
        named = channels_named(operation, route.values, request)
        command = self._timelines.begin(named, operation.operation_id, user.name)
        outcome = self._audited(endpoint, route, request, user)
        if isinstance(outcome, Response):
            command.end(outcome.status)
        elif not isinstance(outcome, Upgrade):
            return end_later(command, outcome)
        return outcome

    def _audited(
        self, endpoint: _Endpoint, route: Route[_Endpoint], request: Request, user: AriUser
    ) -> Outcome:
        """Invoke an operation, and write to the audit log if there is one."""
        if not audit.is_audited(request):
            return self._invoke(endpoint, route, request, user)
        begun = time.perf_counter()
        outcome = self._invoke(endpoint, route, request, user)
        operation_id = endpoint.operation.operation_id
        if isinstance(outcome, Response):
            audit.note(user, request, operation_id, outcome, begun)
        elif not isinstance(outcome, Upgrade):
            return audit.note_later(user, request, operation_id, outcome, begun)
        return outcome

    def _invoke(
        self, endpoint: _Endpoint, route: Route[_Endpoint], request: Request, user: AriUser
    ) -> Outcome:
        operation = endpoint.operation
        try:
            keywords = collect(
                operation.parameters,
                operation.body_members,
                operation.whole_body,
                route.values,
                request,
            )
            if user.scope is not None:
                self._guard.check(user.scope, operation, keywords)
            if operation.is_websocket:
                return _upgrade(request, keywords)
            result = endpoint.handler(**keywords)
            if isinstance(result, CoroutineType):
                return self._finish(operation, result, request)
            return self._respond(operation, result, request)
        except Exception as failure:
            return respond(operation.operation_id, failure)

    async def _finish(
        self, operation: Operation, result: Coroutine[Any, Any, Any], request: Request
    ) -> Response:
        try:
            return self._respond(operation, await result, request)
        except Exception as failure:
            return respond(operation.operation_id, failure)

    def _respond(self, operation: Operation, result: Any, request: Request) -> Response:
        if isinstance(result, Response):
            return result
        if operation.status in (202, 204):  # nothing to tell
            return Response(operation.status)
        if operation.is_file:
            return serve_file(result, request)
        response = _success(operation, result, request)
        if self._ari.pretty:
            response.body = prettify(response.body)
        return response

    # CORS

    def _is_preflight(self, request: Request) -> bool:
        """Browsers send no credentials with a preflight, so none are asked for (Fetch, 4.8)."""
        return (
            request.method == "OPTIONS"
            and b"access-control-request-method" in request.headers
            and self._is_allowed_origin(request.header(b"origin"))
        )

    def _is_allowed_origin(self, origin: str) -> bool:
        return bool(origin) and (origin in self._origins or "*" in self._origins)

    def _with_cors(self, request: Request, outcome: Outcome) -> Outcome:
        origin = request.header(b"origin")
        if not self._is_allowed_origin(origin) or isinstance(outcome, Upgrade):
            return outcome
        if isinstance(outcome, Response):
            return _allow_origin(request, outcome)
        return _allow_origin_later(request, outcome)


def _success(operation: Operation, result: Any, request: Request) -> Response:
    match result:
        case Page(items, following, is_partial):
            link = () if following is None else (next_link(request, following),)
            content_type = PARTIAL_JSON if is_partial else JSON
            return Response(operation.status, encode_json(items), content_type, link)
        case Partial(item):
            return Response(operation.status, encode_json(item), PARTIAL_JSON)
        case _:
            return Response(operation.status, encode_json(result))


def _options(route: Route[_Endpoint]) -> Response:
    return Response(204, headers=((b"Allow", route.allow),))


def _upgrade(request: Request, keywords: dict[str, Any]) -> Upgrade:
    names = [name for name in keywords.pop("app") if name]
    if not names:
        raise InvalidArgument("app", "a value is needed")
    subscribe_all = keywords.pop("subscribe_all", False)
    return Upgrade(request, names, subscribe_all, read_options(**keywords))


def _allow_origin(request: Request, response: Response) -> Response:
    response.headers += (
        (b"Access-Control-Allow-Origin", request.headers[b"origin"]),
        (b"Access-Control-Allow-Credentials", b"true"),
        (b"Vary", b"Origin"),
    )
    allow = dict(response.headers).get(b"Allow")
    if request.method == "OPTIONS" and allow is not None:
        response.headers += ((b"Access-Control-Allow-Methods", allow),)
        if wanted := request.headers.get(b"access-control-request-headers"):
            response.headers += ((b"Access-Control-Allow-Headers", wanted),)
    return response


async def _allow_origin_later(request: Request, outcome: Coroutine[Any, Any, Response]) -> Response:
    return _allow_origin(request, await outcome)


async def _tell_later(
    tell: Callable[[int], None], outcome: Coroutine[Any, Any, Response]
) -> Response:
    response = await outcome
    tell(response.status)
    return response


async def _delayed(response: Response, delay: float) -> Response:
    await asyncio.sleep(delay)
    return response
