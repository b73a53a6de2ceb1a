"""The documents: where they are, who may read them, and where they say that the server is."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from server.config.sections.ari import Ari
from server.http.documents import serve_document
from server.http.messages import Request
from tests.support.node import NodeUnderTest
from tests.support.web import USER, Web, serve

DOCUMENTS = (
    "/openapi.json",
    "/openapi.yaml",
    "/asyncapi.json",
    "/events.schema.json",
    "/api-docs/resources.json",
    "/api-docs/channels.json",
    "/docs",
    "/docs/swagger-ui-bundle.js",
)


def ask(path: str, prefix: str = "", scheme: str = "http", **headers: str) -> bytes:
    named = {k.replace("_", "-").encode(): v.encode("latin-1") for k, v in headers.items()}
    whole = f"{prefix}/ari/{path}"
    request = Request("GET", whole, "", named, b"", "127.0.0.1", scheme=scheme)
    return serve_document(request, path, "12.0.0").body


def base_path(**options: str) -> str:
    return str(json.loads(ask("api-docs/channels.json", **options))["basePath"])


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_a_document_is_served_to_those_with_credentials(web: Web, path: str) -> None:
    answer = await web.request("GET", path)
    assert answer.status == 200
    async with web.client.get(web.url + path) as refused:
        assert refused.status == 401
        assert refused.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_a_document_is_only_read(web: Web, path: str) -> None:
    answer = await web.request("POST", path)
    assert answer.status == 405
    assert answer.headers["Allow"] == "OPTIONS,GET"
    assert (await web.request("OPTIONS", path)).status == 204
    head = await web.request("HEAD", path)
    assert head.status == 200
    assert head.body == b""


@pytest.mark.parametrize(
    "path", ["/api-docs/other.json", "/api-docs/../ari.conf", "/docs/x", "/docs/../__init__.py"]
)
async def test_what_is_no_document_is_not_found(web: Web, path: str) -> None:
    assert (await web.request("GET", path.replace("..", "%2e%2e"))).status == 404


async def test_content_types(web: Web) -> None:
    types = [(await web.request("GET", path)).headers["Content-Type"] for path in DOCUMENTS]
    assert types == [
        "application/json",
        "application/yaml",
        "application/json",
        "application/json",
        "application/json",
        "application/json",
        "text/html; charset=utf-8",
        "text/javascript; charset=utf-8",
    ]


async def test_the_yaml_form_says_what_the_json_form_says(web: Web) -> None:
    text = (await web.request("GET", "/openapi.yaml")).body
    assert yaml.safe_load(text) == (await web.request("GET", "/openapi.json")).json


async def test_documents_say_where_the_client_found_them(web: Web) -> None:
    listing = await web.request("GET", "/api-docs/resources.json")
    assert listing.json["basePath"] == web.url
    openapi = await web.request("GET", "/openapi.json")
    assert openapi.json["servers"] == [{"url": web.url}]
    asyncapi = await web.request("GET", "/asyncapi.json")
    server = asyncapi.json["servers"]["node"]
    found = server["host"], server["pathname"], server["protocol"]
    assert found == (web.origin, "/ari", "ws")


def test_a_proxy_says_where_the_client_found_it() -> None:
    proxied = {"x_forwarded_proto": "https", "x_forwarded_host": "pbx.example"}
    assert base_path(host="10.0.0.1:8088", **proxied) == "https://pbx.example/ari"
    assert base_path(host="h", x_forwarded_proto="https, http") == "https://h/ari"
    assert base_path(host="h", x_forwarded_proto="gopher") == "http://h/ari"
    server = json.loads(ask("asyncapi.json", host="h:1", **proxied))["servers"]["node"]
    assert (server["host"], server["protocol"]) == ("pbx.example", "wss")


def test_tls_makes_it_https() -> None:
    assert base_path(host="h:8089", scheme="https") == "https://h:8089/ari"


def test_the_prefix_of_http_conf_is_part_of_it() -> None:
    assert base_path(host="h", prefix="/pbx") == "http://h/pbx/ari"


@pytest.mark.parametrize("host", ["", 'a"b', "a/b", "a b", "a\nb", "[::1", "h:123456", "é"])
def test_a_host_that_is_none_is_not_repeated(host: str) -> None:
    assert base_path(host=host) == "http://localhost:8088/ari"


@pytest.mark.parametrize("host", ["[::1]:8088", "[fe80::1]", "a_b.example", "10.0.0.1:80"])
def test_hosts_of_every_kind(host: str) -> None:
    assert base_path(host=host) == f"http://{host}/ari"


async def test_the_version_of_the_listing_is_configurable(node: NodeUnderTest) -> None:
    async with serve(node, ari=Ari(users={"ari": USER}, api_version='10.0.0"')) as web:
        listing: dict[str, Any] = (await web.request("GET", "/api-docs/resources.json")).json
        assert listing["apiVersion"] == '10.0.0"'
        declaration = await web.request("GET", "/api-docs/channels.json")
        assert declaration.json["apiVersion"] == "2.0.0"
        assert listing["swaggerVersion"] == "1.1"


async def test_the_explorer_loads_nothing_from_elsewhere(web: Web) -> None:
    page = await web.request("GET", "/docs")
    assert b"//" not in page.body.replace(b"<!--", b"")
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
