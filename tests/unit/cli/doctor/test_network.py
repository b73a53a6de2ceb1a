"""Ports that can't be opened, RTP that does not arrive, addresses that lead nowhere."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from server.cli.doctor import network
from server.cli.doctor.findings import Finding, Level
from server.cli.doctor.network import (
    Port,
    examine_answer,
    examine_external_address,
    examine_ports,
    examine_reachability,
    examine_rtp_range,
    wanted_ports,
)
from server.config.ini import parse_text
from server.config.objects import ConfigWarning
from server.config.sections.http import Http
from server.config.sections.pjsip import build_pjsip
from server.config.sections.rtp import Rtp
from server.sip.settings import SipSettings, Transport, build_settings

HIGH = (61000, 62000)


def settings(text: str) -> SipSettings:
    warnings: list[ConfigWarning] = []
    return build_settings(build_pjsip(parse_text(text), warnings))


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def one(findings: Iterator[Finding]) -> Finding:
    (found,) = findings
    return found


def test_all_that_listens_is_known() -> None:
    sip = settings(
        "[u]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:5062\n"
        "[t]\ntype=transport\nprotocol=tcp\nbind=127.0.0.1:5063\n"
    )
    ports = wanted_ports(Http(enabled=True, tlsenable=True, bindport=81), sip)
    assert ports == [
        Port("transport u", socket.SOCK_DGRAM, "127.0.0.1", 5062),
        Port("transport t", socket.SOCK_STREAM, "127.0.0.1", 5063),
        Port("http.conf", socket.SOCK_STREAM, "127.0.0.1", 81),
        Port("http.conf TLS", socket.SOCK_STREAM, "127.0.0.1", 8089),
    ]


def test_a_taken_port_is_an_error(taken: int) -> None:
    found = one(examine_ports([Port("http.conf", socket.SOCK_STREAM, "127.0.0.1", taken)]))
    assert found.level is Level.ERROR
    assert found.text == (
        f"127.0.0.1:{taken} can't be opened for http.conf: Address already in use"
    )
    assert f"grep {taken}" in found.remedy


def test_a_free_port_is_well(taken: int) -> None:
    found = one(examine_ports([Port("http.conf", socket.SOCK_DGRAM, "127.0.0.1", taken)]))
    assert found.level is Level.OK


def test_a_foreign_address_is_an_error() -> None:
    found = one(examine_ports([Port("transport x", socket.SOCK_DGRAM, "192.0.2.77", 5060)]))
    assert found.level is Level.ERROR
    assert "does not have that address" in found.remedy


def test_a_privileged_port_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> socket.socket:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(network, "_open", refuse)
    found = one(examine_ports([Port("http.conf", socket.SOCK_STREAM, "127.0.0.1", 80)]))
    assert "CAP_NET_BIND_SERVICE" in found.remedy


def test_a_web_server_that_does_not_answer(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "ANSWER_S", 0.05)
    assert examine_answer("127.0.0.1", taken).level is Level.ERROR


def test_a_web_server_that_is_not_there() -> None:
    found = examine_answer("127.0.0.1", 1)
    assert found.level is Level.ERROR
    assert "refused" in found.text


@pytest.mark.parametrize(
    ("max_channels", "level"), [(0, Level.OK), (50, Level.OK), (51, Level.WARNING)]
)
def test_a_range_has_to_hold_the_calls(max_channels: int, level: Level) -> None:
    found = one(examine_rtp_range(Rtp(rtpstart=10000, rtpend=10099), max_channels, HIGH))
    assert found.level is level
    assert "enough for 50 channels" in found.text


def test_a_range_among_the_systems_own_ports() -> None:
    _, found = examine_rtp_range(Rtp(rtpstart=32000, rtpend=33000), 0, (32768, 60999))
    assert found.level is Level.WARNING
    assert "overlap with 32768-60999" in found.text


def test_datagrams_to_the_range_arrive() -> None:
    found = examine_reachability(Rtp(rtpstart=21000, rtpend=21200), "127.0.0.1")
    assert found.level is Level.OK
    assert found.text.endswith("arrive at 127.0.0.1")


def test_datagrams_that_do_not_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "ANSWER_S", 0.02)
    # an address for documentation, which nobody answers at: a firewall looks the same
    found = examine_reachability(Rtp(rtpstart=21000, rtpend=21200), "192.0.2.9")
    assert found.level is Level.ERROR
    assert "let UDP 21000-21200 in" in found.remedy


def test_a_range_without_a_free_port() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as busy:
        busy.bind(("", 0))
        port = busy.getsockname()[1]
        found = examine_reachability(Rtp(rtpstart=port, rtpend=port), "127.0.0.1")
    assert found.level is Level.ERROR
    assert found.text == "no port of the range is free"


@pytest.mark.parametrize(
    ("address", "level"),
    [
        ("", None),
        ("8.8.8.8", Level.OK),
        ("10.1.2.3", Level.WARNING),
        ("no-such-name.invalid", Level.ERROR),
    ],
)
def test_the_address_that_phones_are_told(address: str, level: Level | None) -> None:
    found = examine_external_address(Transport(name="t", external_media_address=address))
    assert (found.level if found else None) is level


def test_own_address_and_ports_can_be_read() -> None:
    assert network.own_address()
    first, last = network.ephemeral_ports()
    assert 0 < first < last < 65536
