"""Sockets of http.conf: TLS, IPv6, restrictions, the end."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from pathlib import Path

import pytest

from server.base.errors import ConfigError
from server.config.acl import Acl, AclRule
from server.config.sections.http import Http, Restriction
from server.config.types import SocketAddress
from server.http.listeners import tls_context
from tests.support.certificate import make_certificate
from tests.support.node import NodeUnderTest
from tests.support.web import AUTH, serve

EVENTS = "events?app=test&api_key=ari:secret&subscribeAll=1"


async def test_tls_serves_the_same_interface(node: NodeUnderTest, certificate: Path) -> None:
    settings = Http(
        enabled=True,
        bindport=0,
        tlsenable=True,
        tlsbindaddr=SocketAddress("127.0.0.1", 0),
        tlscertfile=str(certificate),
    )
    async with serve(node, settings) as web:
        host, port = web.http.bound_addresses()[1]
        context = ssl.create_default_context(cafile=str(certificate))
        context.check_hostname = False
        url = f"https://{host}:{port}/ari"
        async with web.client.get(f"{url}/channels", ssl=context, headers=AUTH) as answer:
            assert answer.status == 200
        query = "events?app=test&api_key=ari:secret&subscribeAll=1"
        async with web.client.ws_connect(f"{url}/{query}", ssl=context) as socket:
            node.bridges.create(bridge_id="b")
            assert (await socket.receive_json(timeout=5))["type"] == "BridgeCreated"
            node.bridges.destroy("b")


def test_tls_offers_no_old_versions(certificate: Path) -> None:
    old = Http(tlscertfile=str(certificate), tlsdisablev1=False, tlsdisablev11=False)
    assert tls_context(old).minimum_version is ssl.TLSVersion.TLSv1_2
    new = Http(tlscertfile=str(certificate), tlsdisablev12=True)
    assert tls_context(new).minimum_version is ssl.TLSVersion.TLSv1_3


@pytest.mark.parametrize("change", [{"tlscertfile": "/none.pem"}, {"tlscipher": "nonsense"}])
def test_unusable_tls_names_the_file(certificate: Path, change: dict[str, str]) -> None:
    settings = Http(**{"tlscertfile": str(certificate), **change})
    with pytest.raises(ConfigError, match=r"http\.conf: TLS: "):
        tls_context(settings)


async def test_ipv6(node: NodeUnderTest) -> None:
    async with serve(node, Http(enabled=True, bindaddr="::1", bindport=0)) as web:
        _, port = web.http.bound_addresses()[0]
        async with web.client.get(f"http://[::1]:{port}/ari/channels", headers=AUTH) as answer:
            assert answer.status == 200


async def test_restrictions_guard_paths(node: NodeUnderTest) -> None:
    nobody = Acl((AclRule(False, ipaddress.ip_network("0.0.0.0/0")),))
    settings = Http(
        enabled=True, bindport=0, restrictions=(Restriction(path="/ari/bridges", acl=nobody),)
    )
    async with serve(node, settings) as web:
        assert (await web.request("GET", "/bridges")).status == 403
        assert (await web.request("GET", "/channels")).status == 200


async def test_counters_tell_what_happened(node: NodeUnderTest) -> None:
    async with serve(node) as web:
        await web.request("GET", "/channels")
        await web.request("GET", "/bridges")
        assert web.http.counters.requests == 2
        assert web.http.counters.connections == 1


async def test_a_reload_takes_what_changed_and_keeps_connections(
    node: NodeUnderTest, tmp_path: Path
) -> None:
    nobody = Acl((AclRule(False, ipaddress.ip_network("0.0.0.0/0")),))
    async with serve(node) as web:
        former = web.http.bound_addresses()[0]
        async with web.client.ws_connect(f"{web.url}/{EVENTS}") as socket:
            closed = Restriction(path="/ari/bridges", acl=nobody)
            settings = Http(enabled=True, bindport=0, servername="other", restrictions=(closed,))
            assert await web.http.configure(settings) == []
            assert web.http.bound_addresses() == [former]
            answer = await web.request("GET", "/bridges")
            assert (answer.status, answer.headers["Server"]) == (403, "other")

            moved = Http(enabled=True, bindaddr="::1", bindport=0, prefix="/here")
            assert await web.http.configure(moved) == []
            [(host, port)] = web.http.bound_addresses()
            assert host == "::1"
            url = f"http://[::1]:{port}/here/ari/bridges"
            async with web.client.get(url, headers=AUTH) as answer:
                assert answer.status == 200
            node.bridges.create(bridge_id="b")
            assert (await socket.receive_json(timeout=5))["type"] == "BridgeCreated"


async def test_an_address_that_is_taken_changes_nothing(node: NodeUnderTest) -> None:
    async with serve(node) as web, serve(node) as other:
        former = web.http.bound_addresses()
        taken = other.http.bound_addresses()[0][1]
        [problem] = await web.http.configure(Http(enabled=True, bindport=taken))
        assert f"can't listen on 127.0.0.1:{taken}" in problem
        assert web.http.bound_addresses() == former
        assert (await web.request("GET", "/channels")).status == 200


async def test_a_reload_renews_the_certificate(
    node: NodeUnderTest, certificate: Path, tmp_path: Path
) -> None:
    file = tmp_path / "tls.pem"
    file.write_bytes(certificate.read_bytes())
    settings = Http(
        enabled=True,
        bindport=0,
        tlsenable=True,
        tlsbindaddr=SocketAddress("127.0.0.1", 0),
        tlscertfile=str(file),
    )
    async with serve(node, settings) as web:
        host, port = web.http.bound_addresses()[1]
        first = await asyncio.to_thread(ssl.get_server_certificate, (host, port))
        file.write_bytes(make_certificate(tmp_path).read_bytes())
        assert await web.http.configure(settings) == []
        assert web.http.bound_addresses()[1] == (host, port)
        assert await asyncio.to_thread(ssl.get_server_certificate, (host, port)) != first
        file.write_text("broken")
        [problem] = await web.http.configure(settings)
        assert "http.conf: TLS: " in problem
        assert await asyncio.to_thread(ssl.get_server_certificate, (host, port)) != first


async def test_a_reload_can_switch_the_server_off_and_on(node: NodeUnderTest) -> None:
    async with serve(node) as web:
        assert await web.http.configure(Http(enabled=False)) == []
        assert web.http.bound_addresses() == []
        assert await web.http.configure(Http(enabled=True, bindport=0)) == []
        _, port = web.http.bound_addresses()[0]
        async with web.client.get(f"http://127.0.0.1:{port}/ari/channels", headers=AUTH) as answer:
            assert answer.status == 200


async def test_static_files_come_with_enable_static(node: NodeUnderTest, tmp_path: Path) -> None:
    folder = tmp_path / "static-http"
    folder.mkdir()
    (folder / "index.html").write_text("<p>hello")
    settings = Http(
        enabled=True, bindport=0, enable_static=True, redirects=(("/", "/static/index.html"),)
    )
    async with serve(node, settings, data_dir=tmp_path) as web:
        host, port = web.http.bound_addresses()[0]
        async with web.client.get(f"http://{host}:{port}/") as answer:
            assert (answer.status, await answer.text()) == (200, "<p>hello")
        await web.http.configure(Http(enabled=True, bindport=0))
        async with web.client.get(f"http://{host}:{port}/static/index.html") as answer:
            assert answer.status == 404
