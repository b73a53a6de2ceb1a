"""The manager interface over HTTP: one action a request, sessions by cookie or by digest.

``/rawman`` answers as on TCP, ``/mxml`` as XML, ``/manager`` as a page for people; ``/arawman``,
``/amxml`` and ``/amanager`` do the same for clients that prove themselves by digest. Events of a
session wait, up to :data:`MAX_EVENTS`, until WaitEvent fetches them.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import deque
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl

from server.ami import security
from server.ami.http_digest import Credentials, Nonces, read_credentials
from server.ami.http_text import to_html, to_xml
from server.ami.permissions import ALL
from server.ami.protocol import MAX_HEADERS, Message
from server.ami.session import Session

if TYPE_CHECKING:
    from server.ami.authentication import Account
    from server.ami.events.stream import AmiEvent
    from server.ami.server import AmiServer

COOKIE = "mansession_id"
MAX_SESSIONS = 1000
MAX_EVENTS = 10_000  # of one session; the oldest go first
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Page:
    """A path.

    :param form: ``raw``, ``xml`` or ``html``.
    :param is_digest: clients prove themselves with every request.
    """

    form: str
    is_digest: bool


PAGES = {
    "/manager": Page("html", False),
    "/rawman": Page("raw", False),
    "/mxml": Page("xml", False),
    "/amanager": Page("html", True),
    "/arawman": Page("raw", True),
    "/amxml": Page("xml", True),
}
_TYPES = {"raw": "text/plain", "xml": "text/xml", "html": "text/html"}


class HttpRequest(Protocol):
    """What is needed of a request."""

    method: str
    path: str
    query: str
    body: bytes
    peer: str
    peer_port: int
    scheme: str

    def header(self, name: bytes) -> str:
        """Return a header as text, or an empty string."""
        ...


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What is to be answered."""

    status: int
    content_type: str = "text/plain"
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class _Outlet:
    """Keeps what a session says until somebody fetches it."""

    def __init__(self) -> None:
        self._answers: deque[asyncio.Future[str]] = deque()
        self._events: deque[AmiEvent] = deque(maxlen=MAX_EVENTS)
        self.is_ended = False

    def expect(self) -> asyncio.Future[str]:
        """Return what is settled with the answer of the next action."""
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        return answer

    @property
    def has_events(self) -> bool:
        return bool(self._events)

    def take_events(self) -> str:
        text = "".join([event.text for event in self._events])
        self._events.clear()
        return text

    def send(self, data: bytes) -> None:
        answer = self._answers.popleft()
        if not answer.done():
            answer.set_result(data.decode())

    def send_event(self, event: AmiEvent) -> None:
        self._events.append(event)

    def pause(self) -> None:
        """A request waits for its answer anyway."""

    def resume(self) -> None:
        """See :meth:`pause`."""

    def end(self) -> None:
        self.is_ended = True


class _HttpSession:
    """A session and when it ends."""

    def __init__(self, session: Session, outlet: _Outlet) -> None:
        self.session = session
        self.outlet = outlet
        self.timer: asyncio.TimerHandle | None = None


class ManagerHttp:
    """Answers requests for :data:`PAGES`."""

    def __init__(self, server: AmiServer) -> None:
        self._server = server
        self._sessions: dict[str, _HttpSession] = {}
        self._nonces = Nonces()

    def __len__(self) -> int:
        return len(self._sessions)

    async def answer(self, page: Page, request: HttpRequest) -> HttpAnswer:
        """Carry out the action of a request."""
        settings = self._server.settings
        if not (settings.enabled and settings.webenabled):
            return HttpAnswer(404, body="Not Found\n")
        if request.method not in ("GET", "POST"):
            return HttpAnswer(405, headers=(("Allow", "GET, POST"),))
        try:
            message = _read_message(request)
        except ValueError as error:
            return HttpAnswer(400, body=f"{error}\n")
        found = await self._by_digest(request) if page.is_digest else self._by_cookie(request)
        if isinstance(found, HttpAnswer):
            return found
        key, session = found
        text = ""
        if message.action:
            answer = session.outlet.expect()
            session.session.handle([message])
            text = await answer
        self._keep(key, session)
        headers = () if page.is_digest else (("Set-Cookie", self._cookie(key)),)
        return HttpAnswer(200, _TYPES[page.form], self._write(page, request.path, text), headers)

    def close(self) -> None:
        """End all sessions."""
        for key in list(self._sessions):
            self._end(key)

    # private

    def _by_cookie(self, request: HttpRequest) -> tuple[str, _HttpSession] | HttpAnswer:
        try:
            cookie = SimpleCookie(request.header(b"cookie")).get(COOKIE)
        except CookieError:
            cookie = None
        found = self._sessions.get(cookie.value) if cookie is not None else None
        if cookie is not None and found is not None:
            return cookie.value, found
        if len(self._sessions) >= MAX_SESSIONS:
            return HttpAnswer(503, body="Too many sessions\n")
        return secrets.token_hex(16), self._open(request)

    async def _by_digest(self, request: HttpRequest) -> tuple[str, _HttpSession] | HttpAnswer:
        credentials = read_credentials(request.header(b"authorization"))
        if credentials is None:
            return self._challenge()
        probe = self._open(request)
        account = self._prove(probe.session, credentials, request)
        if account is None:
            await asyncio.sleep(self._server.failures.delay(request.peer, self._server.clock.now()))
            return self._challenge()
        if not self._nonces.use(credentials):
            return self._challenge(is_stale=True)
        key = f"digest {credentials.nonce} {account.name}"
        known = self._sessions.get(key)
        if known is not None:
            return key, known
        if len(self._sessions) >= MAX_SESSIONS:
            return HttpAnswer(503, body="Too many sessions\n")
        security.report(self._server, probe.session, "SuccessfulAuth", ("UsingPassword", 0))
        probe.session.log_in(account, ALL)
        return key, probe

    def _prove(
        self, session: Session, credentials: Credentials, request: HttpRequest
    ) -> Account | None:
        session.claimed_name = credentials.username
        account = self._server.accounts.get(credentials.username.lower())
        if account is None:
            security.report(self._server, session, "InvalidAccountID")
            return None
        if not account.settings.acl.permits(session.peer[0]):
            security.report(self._server, session, "FailedACL")
            return None
        is_ours = credentials.uri.partition("?")[0] == request.path
        if not (is_ours and credentials.proves(account.settings.secret, request.method)):
            security.report(self._server, session, "InvalidPassword")
            return None
        return account

    def _challenge(self, *, is_stale: bool = False) -> HttpAnswer:
        header = ("WWW-Authenticate", self._nonces.challenge(is_stale=is_stale))
        return HttpAnswer(401, body="Unauthorized\n", headers=(header,))

    def _open(self, request: HttpRequest) -> _HttpSession:
        outlet = _Outlet()
        name = "HTTPS" if request.scheme == "https" else "HTTP"
        peer = request.peer, request.peer_port
        return _HttpSession(Session(self._server, outlet, peer, ("", 0), name), outlet)

    def _keep(self, key: str, session: _HttpSession) -> None:
        """Let a session live on if it is logged in, else forget it."""
        if session.timer is not None:
            session.timer.cancel()
        is_waiting_for_login = bool(session.session.challenge)
        if session.outlet.is_ended or not (session.session.account or is_waiting_for_login):
            self._end(key)
            session.session.close()
            return
        self._sessions[key] = session
        timeout = self._server.settings.httptimeout
        session.timer = asyncio.get_running_loop().call_later(timeout, self._end, key)

    def _end(self, key: str) -> None:
        session = self._sessions.pop(key, None)
        if session is not None:
            if session.timer is not None:
                session.timer.cancel()
            session.session.close()

    def _cookie(self, key: str) -> str:
        age = self._server.settings.httptimeout
        return f'{COOKIE}="{key}"; Version=1; Max-Age={age}; Path=/; HttpOnly; SameSite=Strict'

    def _write(self, page: Page, path: str, text: str) -> str:
        if page.form == "raw":
            return text
        if page.form == "xml":
            return to_xml(text)
        return to_html(text, path, [each.name for each in self._server.registry])


def _read_message(request: HttpRequest) -> Message:
    """Return the parameters of query and form as an action.

    :raises ValueError: there are too many, or a form is of another type.
    """
    text = request.query
    if request.method == "POST" and request.body:
        kind = request.header(b"content-type").partition(";")[0].strip().lower()
        if kind not in (_FORM, ""):
            raise ValueError(f"expected {_FORM}")
        text = "&".join(filter(None, (text, request.body.decode("utf-8", "replace"))))
    pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=MAX_HEADERS)
    return Message((_clean(name), _clean(value)) for name, value in pairs)


def _clean(text: str) -> str:
    return _CONTROL.sub("", text).strip()
