"""Security events: who came in, and who did not. They go to AMI and to the security log."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from server.ami.protocol import clean
from server.base.log import SECURITY

if TYPE_CHECKING:
    from server.ami.protocol import Field
    from server.ami.server import AmiServer
    from server.ami.session import Session

logger = logging.getLogger("server.ami.security")

_INFORMATIONAL = frozenset({"ChallengeSent", "SuccessfulAuth"})


def report(server: AmiServer, session: Session, event: str, *extra: Field) -> None:
    """Tell of a security event.

    :param event: its name, such as ``InvalidPassword``.
    :param extra: the fields that this event has besides those that all have.
    """
    severity = "Informational" if event in _INFORMATIONAL else "Error"
    fields: list[Field] = [
        ("EventTV", _timestamp(server.clock.wall())),
        ("Severity", severity),
        ("Service", "AMI"),
        ("EventVersion", "1"),
        ("AccountID", session.claimed_name),
        ("SessionID", f"0x{id(session):x}"),
        ("LocalAddress", address(session.transport_name, session.local)),
        ("RemoteAddress", address(session.transport_name, session.peer)),
        ("SessionTV", _timestamp(session.started_at)),
        *extra,
    ]
    words = ",".join(f'{name}="{clean(value)}"' for name, value in fields)
    logger.log(SECURITY, 'SecurityEvent="%s",%s', event, words)
    server.stream.tell(event, fields)


def address(transport: str, host_and_port: tuple[str, int]) -> str:
    """Write an address as Asterisk does: ``IPV4/TCP/127.0.0.1/5038``."""
    host, port = host_and_port
    return f"{'IPV6' if ':' in host else 'IPV4'}/{transport}/{host}/{port}"


def _timestamp(wall: float) -> str:
    moment = datetime.fromtimestamp(wall).astimezone()
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}{moment:%z}"
