"""The manager interface over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.ami import authentication
from server.ami.http import MAX_EVENTS, PAGES, HttpAnswer
from server.ami.http_digest import read_credentials
from server.ami.http_text import read_blocks, to_html, to_xml
from server.config.sections.manager import Manager
from tests.support.ami import ADMIN, AmiUnderTest, parse
from tests.support.node import settle

SETTINGS = Manager(enabled=True, webenabled=True, users={"admin": ADMIN})


@dataclass
class Asked:
    """A request."""

    path: str
    query: str = ""
    method: str = "GET"
    body: bytes = b""
    headers: dict[bytes, str] = field(default_factory=dict)
    peer: str = "127.0.0.1"
    peer_port: int = 1
    scheme: str = "http"

    def header(self, name: bytes) -> str:
        return self.headers.get(name, "")


class Browser:
    """A client that keeps its cookie."""

    def __init__(self, ami: AmiUnderTest) -> None:
        self._http = ami.server.http
        self.cookie = ""

    async def get(self, path: str = "/rawman", **params: str) -> HttpAnswer:
        return await self.send(Asked(path, urlencode(params)))

    async def send(self, request: Asked) -> HttpAnswer:
        if self.cookie:
            request.headers[b"cookie"] = self.cookie
        answer = await self._http.answer(PAGES[request.path], request)
        for name, value in answer.headers:
            if name == "Set-Cookie":
                self.cookie = value.partition(";")[0]
        return answer

    async def log_in(self) -> HttpAnswer:
        return await self.get(action="Login", username="admin", secret="s3cret")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "FAILURE_DELAY", 0.0)


@pytest.fixture
async def ami(tmp_path: Path) -> AsyncIterator[AmiUnderTest]:
    under = AmiUnderTest(tmp_path, SETTINGS)
    await under.start()
    yield under
    await under.close()


async def test_a_session_lives_in_its_cookie(ami: AmiUnderTest) -> None:
    browser = Browser(ami)
    answer = await browser.log_in()
    assert answer.body.startswith("Response: Success\r\nMessage: Authentication accepted\r\n\r\n")
    assert dict(answer.headers)["Set-Cookie"].startswith('mansession_id="')
    assert "Max-Age=60" in dict(answer.headers)["Set-Cookie"]
    assert "Pong" in (await browser.get(action="Ping")).body
    assert "Permission denied" in (await Browser(ami).get(action="Ping")).body
    assert "Goodbye" in (await browser.get(action="Logoff")).body
    assert "Permission denied" in (await browser.get(action="Ping")).body
    assert len(ami.server.http) == 0


async def test_who_fails_to_log_in_leaves_no_session(ami: AmiUnderTest) -> None:
    browser = Browser(ami)
    await browser.get(action="Login", username="admin", secret="wrong")
    assert len(ami.server.http) == 0


async def test_a_challenge_is_remembered_until_the_login(ami: AmiUnderTest) -> None:
    browser = Browser(ami)
    text = (await browser.get(action="Challenge", AuthType="MD5")).body
    key = hashlib.md5((parse(text)[0]["Challenge"] + "s3cret").encode()).hexdigest()
    answer = await browser.get(action="Login", AuthType="MD5", Username="admin", Key=key)
    assert "Authentication accepted" in answer.body


async def test_events_wait_for_wait_event(ami: AmiUnderTest) -> None:
    browser = Browser(ami)
    await browser.log_in()
    await browser.get(action="WaitEvent", timeout="1")  # FullyBooted
    ami.server.stream.tell("Newchannel", [("Channel", "one")])
    assert "Newchannel" not in (await browser.get(action="Ping")).body
    text = (await browser.get(action="WaitEvent", timeout="1", ActionID="3")).body
    assert [block.get("Event") for block in parse(text)] == [
        None, "Newchannel", "WaitEventComplete"
    ]  # fmt: skip


async def test_another_action_ends_the_waiting(ami: AmiUnderTest) -> None:
    browser = Browser(ami)
    await browser.log_in()
    await browser.get(action="WaitEvent", timeout="1")
    waiting = asyncio.create_task(browser.get(action="WaitEvent", timeout="60"))
    await settle()
    assert not waiting.done()
    assert "Pong" in (await browser.get(action="Ping")).body
    assert "WaitEventComplete" in (await waiting).body


async def test_only_so_many_events_wait(ami: AmiUnderTest) -> None:
    browser = Browser(ami)
    await browser.log_in()
    for number in range(MAX_EVENTS + 5):
        ami.server.stream.tell("Newchannel", [("Channel", number)])
    text = (await browser.get(action="WaitEvent", timeout="1")).body
    assert text.count("Event: Newchannel") == MAX_EVENTS
    assert "Channel: 4\r\n" not in text


async def test_a_session_ends_when_nobody_asks(ami: AmiUnderTest) -> None:
    ami.server.configure(replace(SETTINGS, httptimeout=1))
    browser = Browser(ami)
    await browser.log_in()
    session = next(iter(ami.server.http._sessions.values()))
    assert session.timer is not None
    session.timer._run()  # what the loop does when the time has come
    assert "Permission denied" in (await browser.get(action="Ping")).body


async def test_xml_has_a_field_an_attribute(ami: AmiUnderTest) -> None:
    browser = Browser(ami)
    await browser.log_in()
    answer = await browser.get("/mxml", action="Command", command="core show <version>")
    assert answer.content_type == "text/xml"
    generic = ET.fromstring(answer.body).find("response/generic")
    assert generic is not None
    assert generic.attrib["output"] == "No such command 'core show <version>'"
    assert generic.attrib["response"] == "Success"


async def test_the_page_for_people_escapes_what_it_shows(ami: AmiUnderTest) -> None:
    browser = Browser(ami)
    answer = await browser.get("/manager", action="<script>")
    assert answer.content_type == "text/html"
    assert "<script>" not in answer.body
    assert "<option>Ping</option>" in answer.body


async def test_parameters_may_come_as_a_form(ami: AmiUnderTest) -> None:
    body = urlencode({"action": "Login", "username": "admin", "secret": "s3cret"}).encode()
    kind = "application/x-www-form-urlencoded"
    request = Asked("/rawman", "", "POST", body, {b"content-type": kind})
    assert "accepted" in (await Browser(ami).send(request)).body
    other = Asked("/rawman", "", "POST", body, {b"content-type": "text/plain"})
    assert (await Browser(ami).send(other)).status == 400
    assert (await Browser(ami).send(Asked("/rawman", method="PUT"))).status == 405


async def test_line_ends_in_parameters_make_no_header(ami: AmiUnderTest) -> None:
    browser = Browser(ami)
    await browser.log_in()
    text = (await browser.get(action="Ping", ActionID="1\r\nEvent: Fake\r\n\r\n")).body
    assert "\r\nEvent: Fake" not in text
    many = Asked("/rawman", "&".join(f"v{n}=1" for n in range(500)))
    assert (await browser.send(many)).status == 400


async def test_without_webenabled_there_is_nothing(ami: AmiUnderTest) -> None:
    for name in ("webenabled", "enabled"):
        ami.server.configure(replace(SETTINGS, **{name: False}))
        assert (await Browser(ami).log_in()).status == 404


# digest


def digest(challenge: str, secret: str, count: int = 1, uri: str = "/arawman") -> str:
    """Answer a challenge as RFC 7616 says."""
    nonce = challenge.partition('nonce="')[2].partition('"')[0]

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    first, second = md5(f"admin:asterisk:{secret}"), md5(f"GET:{uri}")
    response = md5(f"{first}:{nonce}:{count:08x}:abc:auth:{second}")
    return (
        f'Digest username="admin", realm="asterisk", nonce="{nonce}", uri="{uri}", qop=auth, '
        f'nc={count:08x}, cnonce="abc", response="{response}", algorithm=MD5'
    )


async def test_a_digest_stands_for_a_login(ami: AmiUnderTest) -> None:
    browser = Browser(ami)
    refused = await browser.get("/arawman", action="Ping")
    assert refused.status == 401
    challenge = dict(refused.headers)["WWW-Authenticate"]

    async def ask(authorization: str) -> HttpAnswer:
        headers = {b"authorization": authorization}
        return await browser.send(Asked("/arawman", "action=Ping", headers=headers))

    first = digest(challenge, "s3cret")
    assert "Pong" in (await ask(first)).body
    replayed = await ask(first)
    assert replayed.status == 401
    assert "stale=true" in dict(replayed.headers)["WWW-Authenticate"]
    assert "Pong" in (await ask(digest(challenge, "s3cret", 2))).body
    assert len(ami.server.http) == 1
    assert (await ask(digest(challenge, "wrong", 3))).status == 401
    assert (await ask(digest(challenge, "s3cret", 4, "/elsewhere"))).status == 401
    assert ami.server.failures.total == 2


def test_half_a_digest_is_none() -> None:
    assert read_credentials('Digest username="a"') is None
    assert read_credentials("Basic YTpi") is None


@given(st.text(max_size=200))
def test_any_authorization_is_read_or_refused(text: str) -> None:
    found = read_credentials(f"Digest {text}")
    assert found is None or not found.proves("secret", "GET")


@given(st.text(max_size=300))
def test_whatever_is_said_makes_well_formed_xml(text: str) -> None:
    root = ET.fromstring(to_xml(text))
    assert len(root) == len(read_blocks(text))
    assert "<script" not in to_html(text.replace("<", "<script"), "/manager", [])
