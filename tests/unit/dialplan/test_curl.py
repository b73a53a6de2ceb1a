"""CURL() and CURLOPT() against a real HTTP server."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from server.base import suspension
from server.base.errors import Forbidden, InvalidArgument, Unavailable
from server.dialplan.scope import Scope
from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest


async def _answer(request: web.Request) -> web.Response:
    return web.Response(text=request.query.get("say", "hello \n"))


async def _form(request: web.Request) -> web.Response:
    body = await request.text()
    return web.Response(text=f"{request.method} {request.content_type} {body}")


async def _headers(request: web.Request) -> web.Response:
    names = ("User-Agent", "Referer", "Cookie", "X-One", "X-Two", "Authorization")
    return web.Response(text="|".join(request.headers.get(name, "") for name in names))


async def _redirect(request: web.Request) -> web.Response:
    raise web.HTTPFound("/answer")


async def _loop(request: web.Request) -> web.Response:
    raise web.HTTPFound("/loop")


async def _missing(request: web.Request) -> web.Response:
    return web.Response(status=404, text="nothing here")


async def _digest(request: web.Request) -> web.Response:
    if "Authorization" not in request.headers:
        challenge = 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5'
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})
    return web.Response(text=request.headers["Authorization"].partition(" ")[0])


async def _large(request: web.Request) -> web.Response:
    return web.Response(body=b"x" * 200_000)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(
        [
            web.get("/answer", _answer),
            web.post("/form", _form),
            web.get("/headers", _headers),
            web.get("/redirect", _redirect),
            web.get("/loop", _loop),
            web.get("/missing", _missing),
            web.get("/digest", _digest),
            web.get("/large", _large),
        ]
    )
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
async def channel(dut: DialplanUnderTest) -> Channel:
    return await dut.run("WaitDigit()")


async def curl(dut: DialplanUnderTest, channel: Channel | None, arguments: str) -> str:
    scope = Scope(dut.dialplan, channel)
    return await suspension.call(scope.evaluate_function, "CURL", arguments) or ""


def option(dut: DialplanUnderTest, channel: Channel | None, name: str, value: str) -> None:
    Scope(dut.dialplan, channel).set(f"CURLOPT({name})", value)


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("/answer", "hello"),
        ("/answer?say=gr%C3%BCn", "gr\u00fcn"),
        ("/form,a=1&b=2", "POST application/x-www-form-urlencoded a=1&b=2"),
        ("/form,a=1,2", "POST application/x-www-form-urlencoded a=1,2"),
        ("/missing", "nothing here"),
        ("/headers", "asterisk-libcurl-agent/1.0|||||"),
        ("/redirect", "302: Found"),
    ],
)
async def test_the_answer_is_the_value(
    dut: DialplanUnderTest, channel: Channel, url: str, path: str, result: str
) -> None:
    assert await curl(dut, channel, f"{url}{path}") == result


@pytest.mark.parametrize(
    ("options", "path", "result"),
    [
        ({"followlocation": "1"}, "/redirect", "hello"),
        ({"useragent": "me", "referer": "r", "cookie": "c=1"}, "/headers", "me|r|c=1|||"),
        ({"httpheader": "X-One: 1"}, "/headers", "asterisk-libcurl-agent/1.0|||1||"),
        ({"httpheader": "Content-Type: application/json"}, "/form,[]", "POST application/json []"),
        ({"userpwd": "u:p"}, "/headers",
         f"asterisk-libcurl-agent/1.0|||||Basic {base64.b64encode(b'u:p').decode()}"),
        ({"userpwd": "u:p", "httpauth": "digest"}, "/digest", "Digest"),
        ({"failurecodes": "500"}, "/missing", "nothing here"),
        ({"hashcompat": "yes"}, "/answer?say=a%3D1%26b%3Dx%252By%2Bz", "1,x+y+z"),
        ({"hashcompat": "legacy"}, "/answer?say=a%3D1%26b%3Dx%252By%2Bz", "1,x+y z"),
    ],
)  # fmt: skip
async def test_options_change_the_request(
    dut: DialplanUnderTest,
    channel: Channel,
    url: str,
    options: dict[str, str],
    path: str,
    result: str,
) -> None:
    for name, value in options.items():
        option(dut, channel, name, value)
    assert await curl(dut, channel, f"{url}{path}") == result


async def test_headers_of_the_answer_can_be_shown(
    dut: DialplanUnderTest, channel: Channel, url: str
) -> None:
    option(dut, channel, "header", "yes")
    answer = await curl(dut, channel, f"{url}/answer")
    assert answer.startswith("HTTP/1.1 200 OK\r\n")
    assert answer.endswith("\r\n\r\nhello")


async def test_several_headers_add_up(dut: DialplanUnderTest, channel: Channel, url: str) -> None:
    option(dut, channel, "httpheader", "X-One: 1")
    option(dut, channel, "httpheader", "X-Two: 2")
    assert (await curl(dut, channel, f"{url}/headers")).endswith("|1|2|")


async def test_a_row_is_assigned_to_a_hash(
    dut: DialplanUnderTest, channel: Channel, url: str
) -> None:
    option(dut, channel, "hashcompat", "yes")
    values = await curl(dut, channel, f"{url}/answer?say=a%3D1%26b%3D2")
    scope = Scope(dut.dialplan, channel)
    scope.set("HASH(row)", values)
    assert scope.substitute("${HASH(row,b)}${HASH(row,a)}") == "21"


@pytest.mark.parametrize(
    ("options", "path"),
    [({"failurecodes": "403, 404"}, "/missing"), ({"followlocation": "1"}, "/loop"),
     ({"followlocation": "1", "maxredirs": "3"}, "/loop"),
     ({"httptimeout": "0.000001"}, "/answer")],
)  # fmt: skip
async def test_what_counts_as_a_failure_is_one(
    dut: DialplanUnderTest, channel: Channel, url: str, options: dict[str, str], path: str
) -> None:
    for name, value in options.items():
        option(dut, channel, name, value)
    with pytest.raises(Unavailable):
        await curl(dut, channel, f"{url}{path}")


async def test_nobody_there_is_a_failure(dut: DialplanUnderTest, channel: Channel) -> None:
    with pytest.raises(Unavailable):
        await curl(dut, channel, "http://127.0.0.1:1/")


@pytest.mark.parametrize("text", ["", "ftp://host/", "file:///etc/hostname", "http://a\r\nb/"])
async def test_other_urls_are_refused(dut: DialplanUnderTest, channel: Channel, text: str) -> None:
    with pytest.raises(InvalidArgument):
        await curl(dut, channel, text)


async def test_a_long_answer_is_cut(dut: DialplanUnderTest, channel: Channel, url: str) -> None:
    assert len(await curl(dut, channel, f"{url}/large")) == 65_536


async def test_an_answer_goes_to_a_file_whole(
    dut: DialplanUnderTest, channel: Channel, url: str, tmp_path: Path
) -> None:
    scope = Scope(dut.dialplan, channel)
    await suspension.call(scope.set, f"CURL({url}/large)", f"{tmp_path}/answer")
    assert (tmp_path / "answer").stat().st_size == 200_000
    with pytest.raises(InvalidArgument):
        await suspension.call(scope.set, f"CURL({url}/large)", f"{tmp_path}/no/folder")
    with pytest.raises(Forbidden):
        dut.dialplan.write(channel, f"CURL({url}/large)", f"{tmp_path}/answer")


async def test_options_of_all_are_those_of_a_channel_that_has_none(
    dut: DialplanUnderTest, channel: Channel
) -> None:
    option(dut, None, "useragent", "all")
    assert Scope(dut.dialplan, channel).substitute("${CURLOPT(useragent)}") == "all"
    option(dut, channel, "useragent", "mine")
    assert Scope(dut.dialplan, channel).substitute("${CURLOPT(useragent)}") == "mine"
    assert Scope(dut.dialplan, None).substitute("${CURLOPT(useragent)}") == "all"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [("hashcompat", "YES", "yes"), ("hashcompat", "no", "no"), ("hashcompat", "legacy", "legacy"),
     ("ssl_verifypeer", "0", "0"), ("ssl_verifypeer", "1", "1"), ("httpauth", "DIGEST", "digest"),
     ("proxytype", "socks5", "socks5"), ("ssl_certtype", "der", "DER"),
     ("httpheader", "A: 1", "A: 1"), ("httptimeout", "7", "7"), ("MAXREDIRS", "7", "7")],
)  # fmt: skip
async def test_options_are_read_back(
    dut: DialplanUnderTest, channel: Channel, name: str, value: str, shown: str
) -> None:
    option(dut, channel, name, value)
    assert Scope(dut.dialplan, channel).substitute(f"${{CURLOPT({name})}}") == shown


@pytest.mark.parametrize(
    ("name", "value"),
    [("nosuch", "1"), ("httpauth", "ntlm"), ("proxytype", "x"), ("httpheader", "no colon"),
     ("httpheader", "A: 1\r\nB: 2"), ("cookie", "a\nb")],
)  # fmt: skip
async def test_options_that_make_no_sense_are_refused(
    dut: DialplanUnderTest, channel: Channel, name: str, value: str
) -> None:
    with pytest.raises(InvalidArgument):
        option(dut, channel, name, value)


@pytest.mark.parametrize(
    "options",
    [{"ssl_cainfo": "/nowhere/at/all"}, {"ssl_cert": "/nowhere/at/all"},
     {"proxy": "127.0.0.1", "proxytype": "socks5"}],
)  # fmt: skip
async def test_options_that_can_not_be_used_fail_the_request(
    dut: DialplanUnderTest, channel: Channel, url: str, options: dict[str, str]
) -> None:
    for name, value in options.items():
        option(dut, channel, name, value)
    with pytest.raises(InvalidArgument):
        await curl(dut, channel, f"{url}/answer")


async def test_a_proxy_is_asked_in_place_of_the_server(
    dut: DialplanUnderTest, channel: Channel, url: str
) -> None:
    host, _, port = url.removeprefix("http://").partition(":")
    option(dut, channel, "proxy", host)
    option(dut, channel, "proxyport", port)
    assert await curl(dut, channel, "http://example.invalid/answer") == "hello"
