"""Who gets the figures."""

from __future__ import annotations

import base64
from ipaddress import ip_network

import pytest

from server.config.acl import Acl, AclRule
from server.config.sections.http import Http, Restriction
from server.config.sections.prometheus import Prometheus
from server.http.messages import Request, Response
from server.http.metrics_page import MetricsPage
from tests.support.node import NodeUnderTest
from tests.support.web import serve

LOCKED = Prometheus(enabled=True, auth_username="u", auth_password="p:q", auth_realm='a"b')


async def ask(
    settings: Prometheus, method: str = "GET", authorization: bytes | None = None
) -> Response:
    async def render(accept: str) -> tuple[bytes, str]:
        return f"for {accept}".encode(), "text/plain"

    headers = {b"accept": b"anything"}
    if authorization is not None:
        headers[b"authorization"] = authorization
    request = Request(method, "/metrics", "", headers, b"", "127.0.0.1")
    answer = MetricsPage(settings, render)(request)
    return answer if isinstance(answer, Response) else await answer


async def test_without_a_password_everybody_may_look() -> None:
    response = await ask(Prometheus(enabled=True))
    assert (response.status, response.body) == (200, b"for anything")
    assert response.content_type == b"text/plain"


async def test_the_password_opens() -> None:
    given = b"Basic " + base64.b64encode(b"u:p:q")
    assert (await ask(LOCKED, authorization=given)).status == 200


@pytest.mark.parametrize(
    "given",
    [
        None,
        b"",
        b"Basic",
        b"Basic \xff\xff",
        b"Basic ***",
        b"Bearer " + base64.b64encode(b"u:p:q"),
        b"Basic " + base64.b64encode(b"u:p"),
        b"Basic " + base64.b64encode(b"u:p:q:"),
    ],
)
async def test_anything_else_does_not(given: bytes | None) -> None:
    response = await ask(LOCKED, authorization=given)
    assert response.status == 401
    assert (b"WWW-Authenticate", b'Basic realm="a\'b"') in response.headers


async def test_the_page_is_below_the_prefix_and_restrictions_count(node: NodeUnderTest) -> None:
    async def render(_accept: str) -> tuple[bytes, str]:
        return b"figures", "text/plain"

    nobody = Acl((AclRule(False, ip_network("0.0.0.0/0")),))
    settings = Http(
        enabled=True,
        bindport=0,
        prefix="/pbx",
        restrictions=(Restriction(path="/pbx/secret", acl=nobody),),
    )
    async with serve(node, settings) as web:
        web.http.pages["/metrics"] = MetricsPage(Prometheus(enabled=True), render)
        web.http.pages["/secret"] = MetricsPage(Prometheus(enabled=True), render)
        statuses = {}
        for path in ("/pbx/metrics", "/metrics", "/pbx/metrics/", "/pbx/secret"):
            async with web.client.get(f"http://{web.origin}{path}") as answer:
                statuses[path] = answer.status
    assert statuses == {
        "/pbx/metrics": 200,
        "/metrics": 404,
        "/pbx/metrics/": 404,
        "/pbx/secret": 403,
    }


async def test_only_reading_is_allowed() -> None:
    assert (await ask(Prometheus(enabled=True), "POST")).status == 405
