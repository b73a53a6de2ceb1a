"""Certificates for HTTP/3, how clients hear of it, and that it has to be asked for."""

from __future__ import annotations

import re
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from server.base.errors import ConfigError
from server.config.sections.http import Http
from server.http.h3.listener import quic_configuration
from tests.support.h3_client import h3_client
from tests.support.node import NodeUnderTest
from tests.support.web import AUTH, Web, serve


async def alternatives(web: Web, certificate: Path) -> tuple[str | None, str | None]:
    """Return the Alt-Svc headers without and with TLS."""
    host, port = web.http.bound_addresses()[1]
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    plain = await web.request("GET", "/channels")
    url = f"https://{host}:{port}/ari/channels"
    async with web.client.get(url, ssl=context, headers=AUTH) as secure:
        return plain.headers.get("Alt-Svc"), secure.headers.get("Alt-Svc")


async def test_answers_over_tls_tell_of_it(web: Web, certificate: Path) -> None:
    _, port = web.http.bound_addresses()[1]
    assert await alternatives(web, certificate) == (None, f'h3=":{port}"; ma=86400')


async def test_it_is_off_unless_asked_for(
    node: NodeUnderTest, settings: Http, certificate: Path
) -> None:
    async with serve(node, replace(settings, http3=Http().http3)) as web:
        assert await alternatives(web, certificate) == (None, None)


async def test_connections_count_for_the_session_limit(
    node: NodeUnderTest, settings: Http, certificate: Path
) -> None:
    async with serve(node, replace(settings, sessionlimit=1)) as web:
        address = web.http.bound_addresses()[1]
        async with h3_client(address, certificate) as first:
            await first.request("GET", "/channels")
            async with h3_client(address, certificate) as second:
                await second.ended
            assert web.http.counters.refused_connections == 1
            assert (await first.request("GET", "/channels")).status == 200


async def test_the_end_of_the_server_ends_connections(
    node: NodeUnderTest, settings: Http, certificate: Path
) -> None:
    async with serve(node, settings) as web:
        address = web.http.bound_addresses()[1]
        async with h3_client(address, certificate) as client:
            await client.request("GET", "/channels")
            await web.http.close()
            await client.ended


def test_certificate_and_key_may_be_in_one_file_or_two(
    settings: Http, certificate: Path, tmp_path: Path
) -> None:
    pem = certificate.read_text()
    key = re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY.*PRIVATE KEY-----\n", pem, re.DOTALL)
    assert key is not None
    (tmp_path / "key.pem").write_text(key[0])
    (tmp_path / "cert.pem").write_text(pem.replace(key[0], ""))
    (tmp_path / "last.pem").write_text(pem.replace(key[0], "") + key[0])
    both = quic_configuration(settings, 1)
    last = quic_configuration(replace(settings, tlscertfile=str(tmp_path / "last.pem")), 1)
    apart = replace(
        settings,
        tlscertfile=str(tmp_path / "cert.pem"),
        tlsprivatekey=str(tmp_path / "key.pem"),
    )
    two = quic_configuration(apart, 1)
    assert both.certificate == last.certificate == two.certificate
    numbers = [made.private_key.private_numbers() for made in (both, last, two)]
    assert numbers[0] == numbers[1] == numbers[2]


@pytest.mark.parametrize("content", [None, "", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_an_unusable_certificate_names_the_file(
    settings: Http, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "bad.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=r"http\.conf: HTTP/3: .*bad\.pem"):
        quic_configuration(replace(settings, tlscertfile=str(path)), 1)
