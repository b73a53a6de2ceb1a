"""The sockets of a server: whether they can be opened, and whether packets get to the RTP ports."""

from __future__ import annotations

import errno
import os
import random
import socket
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from server.cli.doctor.findings import Finding, error, ok, warning
from server.config.sections.http import Http
from server.config.sections.rtp import Rtp
from server.sip.settings import SipSettings, Transport

ANSWER_S = 1.0  # seconds for a datagram to come back over loopback or our own address
SAMPLES = 5  # ports of the range that are tried
PORTS_PER_CHANNEL = 2  # RTP and RTCP
EPHEMERAL = "/proc/sys/net/ipv4/ip_local_port_range"


@dataclass(frozen=True, slots=True)
class Port:
    """Something that the server will listen on.

    :param owner: what for, such as ``http.conf``.
    """

    owner: str
    kind: socket.SocketKind
    host: str
    port: int


def wanted_ports(http: Http, sip: SipSettings) -> list[Port]:
    """Return what a configuration wants to listen on."""
    ports = [
        Port(
            f"transport {transport.name}",
            socket.SOCK_DGRAM if transport.protocol == "udp" else socket.SOCK_STREAM,
            transport.bind.host,
            transport.bind.port,
        )
        for transport in sip.transports.values()
        if transport.protocol in ("udp", "tcp", "tls")
    ]
    if http.enabled:
        ports.append(Port("http.conf", socket.SOCK_STREAM, http.bindaddr, http.bindport))
        if http.tlsenable:
            tls = http.tls_address
            ports.append(
                Port("http.conf TLS", socket.SOCK_STREAM, tls.host or http.bindaddr, tls.port)
            )
    return ports


def examine_ports(ports: Iterable[Port]) -> Iterator[Finding]:
    """Try to open every port, as the server will; for when it does not run."""
    for port in ports:
        where = f"{port.host}:{port.port}"
        try:
            _open(port.kind, port.host, port.port).close()
        except OSError as failure:
            yield _explain(port.owner, where, failure)
        else:
            yield ok("port", f"{where} is free for {port.owner}")


def _explain(owner: str, where: str, failure: OSError) -> Finding:
    remedies = {
        errno.EADDRINUSE: f"ss -lnp | grep {where.rpartition(':')[2]} shows who has it",
        errno.EACCES: "ports below 1024 need CAP_NET_BIND_SERVICE: see the unit in packaging/",
        errno.EADDRNOTAVAIL: "this machine does not have that address: ip address shows them",
    }
    remedy = remedies.get(failure.errno or 0, "correct the address")
    return error("port", f"{where} can't be opened for {owner}: {failure.strerror}", remedy)


def examine_answer(host: str, port: int) -> Finding:
    """Tell whether a running server's web server answers."""
    where = f"{host}:{port}"
    try:
        with socket.create_connection((_reachable(host), port), ANSWER_S) as connection:
            connection.sendall(b"OPTIONS / HTTP/1.1\r\nHost: doctor\r\nConnection: close\r\n\r\n")
            is_answered = bool(connection.recv(16))
    except OSError as failure:
        return error("http", f"{where}: {failure.strerror or 'no answer'}", "look into the log")
    if is_answered:
        return ok("http", f"{where} answers")
    return error("http", f"{where} says nothing", "look into the log")


def channels_of_range(rtp: Rtp) -> int:
    """Return how many channels there are ports for."""
    return max(0, rtp.rtpend - rtp.rtpstart + 1) // PORTS_PER_CHANNEL


def examine_rtp_range(rtp: Rtp, max_channels: int, ephemeral: tuple[int, int]) -> Iterator[Finding]:
    """Tell whether the range is large enough, and the system's own ports are outside of it.

    :param max_channels: asterisk.conf's ``maxcalls``, 0 for no limit.
    :param ephemeral: the ports that the system hands out by itself.
    """
    channels = channels_of_range(rtp)
    ports = f"{rtp.rtpstart}-{rtp.rtpend}"
    if max_channels and channels < max_channels:
        remedy = (
            f"rtpend = {min(65535, rtp.rtpstart + max_channels * PORTS_PER_CHANNEL)} in rtp.conf"
        )
        yield warning(
            "rtp", f"ports {ports} are enough for {channels} channels, not {max_channels}", remedy
        )
    else:
        yield ok("rtp", f"ports {ports} are enough for {channels} channels")
    if rtp.rtpstart <= ephemeral[1] and ephemeral[0] <= rtp.rtpend:
        text = f"ports {ports} overlap with {ephemeral[0]}-{ephemeral[1]}, which others get too"
        remedy = f"sysctl net.ipv4.ip_local_reserved_ports={ports}"
        yield warning("rtp", text, remedy)


def examine_reachability(rtp: Rtp, host: str) -> Finding:
    """Send datagrams to ports of the range at an address of ours, and see whether they come.

    A firewall of this machine is found out so; one outside can only be seen from outside.
    """
    tried = 0
    for _ in range(SAMPLES * 4):
        port = random.randrange(rtp.rtpstart, rtp.rtpend + 1)
        try:
            receiver = _open(socket.SOCK_DGRAM, "", port)
        except OSError:
            continue  # a call has it
        with closing(receiver):
            tried += 1
            if not _comes_through(receiver, host, port):
                text = f"a datagram to {host}:{port} does not arrive"
                remedy = f"let UDP {rtp.rtpstart}-{rtp.rtpend} in: nft list ruleset shows the rules"
                return error("rtp", text, remedy)
        if tried == SAMPLES:
            break
    if not tried:
        return error("rtp", "no port of the range is free", "widen rtpstart and rtpend in rtp.conf")
    return ok("rtp", f"datagrams to {tried} ports of the range arrive at {host}")


def examine_external_address(transport: Transport) -> Finding | None:
    """Tell whether what phones are told is an address that they can reach."""
    name = transport.external_media_address
    if not name:
        return None
    where = f"external_media_address {name} of transport {transport.name}"
    try:
        address = ip_address(socket.getaddrinfo(name, None)[0][4][0])
    except OSError as failure:
        return error("nat", f"{where}: {failure.strerror}", "name an address, or correct DNS")
    if address.is_private and not transport.local_nets:
        remedy = "name the public address, and local_net for phones inside"
        return warning("nat", f"{where} is a private address", remedy)
    return ok("nat", f"{where} is usable")


def ephemeral_ports() -> tuple[int, int]:
    """Return the ports that the system hands out by itself."""
    try:
        first, last = Path(EPHEMERAL).read_text("ascii").split()
    except (OSError, ValueError):
        return 32768, 60999
    return int(first), int(last)


def own_address() -> str:
    """Return the address that packets to the world leave from; loopback if there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: no packet is sent by this
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _open(kind: socket.SocketKind, host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, kind)
    try:
        if kind == socket.SOCK_STREAM and os.name == "posix":
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
    except OSError:
        opened.close()
        raise
    return opened


def _comes_through(receiver: socket.socket, host: str, port: int) -> bool:
    receiver.settimeout(ANSWER_S)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(b"arion doctor", (host, port))
            receiver.recv(64)
        except OSError:
            return False
    return True


def _reachable(host: str) -> str:
    """Return where to find a socket that is bound to *host*."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
