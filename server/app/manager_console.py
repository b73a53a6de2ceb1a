"""The manager interface for the console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from server.ami.events.classes import CLASSES
from server.ami.permissions import describe
from server.base.errors import NotFound
from server.cli.manager_port import ManagerActionView, ManagerSessionView, ManagerUserView
from server.config.acl import ALLOW_ALL

if TYPE_CHECKING:
    from server.ami.server import AmiServer
    from server.config.sections.manager import Manager


class ManagerConsole:
    """See :class:`server.cli.manager_port.ManagerAdmin`."""

    def __init__(self, server: AmiServer) -> None:
        self._server = server

    @property
    def is_debugging(self) -> bool:
        """Whether events tell their number."""
        return self._server.stream.has_sequence

    def set_debug(self, is_on: bool) -> None:
        """Let events tell their number, or not."""
        self._server.stream.has_sequence = is_on

    def settings(self) -> Sequence[tuple[str, str]]:
        """The settings in force."""
        settings = self._server.settings
        return [(name, _shown(value)) for name, value in _rows(settings)]

    def users(self) -> Sequence[ManagerUserView]:
        """The users of manager.conf."""
        settings = self._server.settings
        return [
            ManagerUserView(
                name=account.name,
                has_secret=bool(account.settings.secret),
                has_acl=account.settings.acl != ALLOW_ALL,
                read=describe(account.read),
                write=describe(account.write),
                is_shown=settings.is_shown(account.settings),
                may_repeat=settings.may_repeat(account.settings),
            )
            for account in self._server.accounts.values()
        ]

    def sessions(self) -> Sequence[ManagerSessionView]:
        """Who is logged in, the oldest first."""
        return [
            ManagerSessionView(session.number, session.name, session.peer[0], session.started_at)
            for session in self._server.sessions
        ]

    def kick(self, number: int) -> None:
        """Disconnect a session."""
        for session in self._server.sessions:
            if session.number == number:
                session.outlet.end()
                session.close()
                return
        raise NotFound(f"no manager session {number}")

    def actions(self) -> Sequence[ManagerActionView]:
        """All actions, by name."""
        return [
            ManagerActionView(each.name, each.summary, describe(each.classes))
            for each in self._server.registry
        ]

    def events(self) -> Mapping[str, str]:
        """All events: name and class."""
        return {name: describe(classes) for name, classes in sorted(CLASSES.items())}


def _rows(settings: Manager) -> list[tuple[str, object]]:
    return [
        ("Manager (AMI)", settings.enabled),
        ("Web Manager (AMI/HTTP)", settings.webenabled),
        ("TCP Bindaddress", f"{settings.bindaddr}:{settings.port}"),
        ("HTTP Timeout (seconds)", settings.httptimeout),
        ("TLS Enable", settings.tlsenable),
        ("TLS Bindaddress", settings.tls_address),
        ("TLS Certfile", settings.tlscertfile),
        ("TLS Privatekey", settings.tlsprivatekey),
        ("TLS Cipher", settings.tlscipher),
        ("Allow multiple login", settings.allowmultiplelogin),
        ("Display connects", settings.displayconnects),
        ("Timestamp events", settings.timestampevents),
        ("Channel vars", ",".join(settings.channelvars)),
        ("Debug", settings.debug),
    ]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return str(value)
