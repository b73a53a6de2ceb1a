"""Sockets of http.conf: TLS, IPv6, restrictions, the end."""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path

import pytest

from server.base.errors import ConfigError
from server.config.acl import Acl, AclRule
from server.config.sections.http import Http, Restriction
from server.config.types import SocketAddress
from server.http.server import tls_context
from tests.support.node import NodeUnderTest
from tests.support.web import AUTH, serve


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
