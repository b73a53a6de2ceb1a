"""Makes a first configuration from configs/, with credentials of its own.

Nothing that exists is touched: a file that is there already stays as it is. Only loopback is bound.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from server.config.ini import parse_file

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "configs"
SOUNDS = Path("/usr/share/asterisk")  # Debian's asterisk-core-sounds-*: sounds/en below it
MUSIC = Path("/usr/share/asterisk/moh")  # Debian's asterisk-moh-opsound-*
PHONES = ("alice", "bob", "carol")
FOLDERS = ("etc", "lib", "log", "run", "spool")
PRIVATE = 0o600
_PLACEHOLDER = re.compile(r"@([A-Z_]+)@")


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a server listens on loopback."""

    sip: int = 5060
    http: int = 8088
    rtp_start: int = 10000
    rtp_end: int = 20000


def usual_ports() -> Ports:
    """Return the usual ports, or the next ones where somebody else has them already."""
    return Ports(sip=_first_free(5060), http=_first_free(8088))


def _first_free(port: int) -> int:
    for candidate in range(port, port + 200, 10):
        tcp, udp = socket.socket(type=socket.SOCK_STREAM), socket.socket(type=socket.SOCK_DGRAM)
        with tcp, udp:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tcp.bind(("127.0.0.1", candidate))
                udp.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return candidate
    return port


@dataclass(frozen=True, slots=True)
class Access:
    """What somebody needs to reach the server of a configuration.

    :param users: ARI's users and their passwords.
    :param phones: SIP accounts and their passwords.
    """

    sip_port: int
    http_port: int
    users: Mapping[str, str]
    phones: Mapping[str, str]

    @property
    def ari_url(self) -> str:
        """Where the REST interface is, without a slash at the end."""
        return f"http://127.0.0.1:{self.http_port}/ari"


def write_config(
    var: Path, *, ports: Ports | None = None, templates: Path = TEMPLATES, music: Path = MUSIC
) -> list[Path]:
    """Fill ``var/etc`` from the templates and make the folders beside it.

    :param var: the folder that holds all that the server reads and writes.
    :param ports: the usual ones if not given, or the next ones that are free.
    :param music: a folder of music, for callers on hold.
    :returns: the files that were written; those that existed are not among them.
    """
    for folder in FOLDERS:
        (var / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
    values = _values(var.resolve(), ports or usual_ports(), music)
    written = []
    for template in sorted(templates.glob("*.conf")):
        target = var / "etc" / template.name
        text = _PLACEHOLDER.sub(lambda match: values[match[1]], template.read_text("utf-8"))
        if _write_new(target, text):
            written.append(target)
    return written


def read_access(etc: Path) -> Access:
    """Read ports and credentials back from a configuration, as the server would."""
    pjsip = parse_file(str(etc / "pjsip.conf")).sections
    binds = [section.get("bind") for section in pjsip if section.get("type") == "transport"]
    http = parse_file(str(etc / "http.conf")).find("general")
    return Access(
        sip_port=int(binds[0].rpartition(":")[2]),
        http_port=int(http.get("bindport", "8088")) if http else 8088,
        users={
            section.name: section.get("password")
            for section in parse_file(str(etc / "ari.conf")).sections
            if section.get("type") == "user"
        },
        phones={
            section.get("username"): section.get("password")
            for section in pjsip
            if section.get("type") == "auth"
        },
    )


def _values(var: Path, ports: Ports, music: Path) -> dict[str, str]:
    users = ("ari", "viewer", *PHONES)
    return {
        "ROOT": str(var),
        "SOUNDS": str(SOUNDS),
        "MUSIC": str(music),
        "SIP_PORT": str(ports.sip),
        "HTTP_PORT": str(ports.http),
        "RTP_START": str(ports.rtp_start),
        "RTP_END": str(ports.rtp_end),
        **{f"{user.upper()}_PASSWORD": secrets.token_hex(8) for user in users},
    }


def _write_new(path: Path, text: str) -> bool:
    """Write a file that only its owner can read, unless it exists."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return True


def main() -> None:
    """Make the configuration that ``make run`` uses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--var", type=Path, default=ROOT / "var", help="default: %(default)s")
    arguments = parser.parse_args()
    for path in write_config(arguments.var):
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
