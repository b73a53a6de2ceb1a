"""The SIP stack for the console."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from server.base.errors import InvalidArgument, InvalidState
from server.base.log import log_verbose
from server.cli.context import ContactView, RegistrationView, SipMessageView, SipTaskView
from server.sip import leg_control
from server.sip.contacts import NON_QUALIFIED, REACHABLE, REMOVED, UNKNOWN, UNREACHABLE
from server.sip.leg import SipLeg
from server.sip.notify import read_notify

if TYPE_CHECKING:
    from server.app.server import Server
    from server.resources.channel import Channel
    from server.sip.maintenance import Maintenance
    from server.sip.settings import SipSettings
    from server.sip.transaction import Flow

logger = logging.getLogger(__name__)

MAX_HISTORY = 10_000  # messages that are remembered
MAX_FILTERS = 100  # hosts, and methods, that the log can be limited to
CONTACT_WORDS = {
    REACHABLE: "Avail",
    UNREACHABLE: "Unavail",
    NON_QUALIFIED: "NonQual",
    UNKNOWN: "Unknown",
    REMOVED: "Removed",
}
_SECRET = re.compile(r'(?im)^((?:proxy-)?authorization\s*:.*?\bresponse=")[^"]*')
_CSEQ = re.compile(r"(?im)^cseq\s*:\s*\d+\s+(\S+)")


class SipConsole:
    """See :class:`server.cli.context.SipAdmin`."""

    def __init__(self, server: Server) -> None:
        self._sip = server.sip
        self._clock = server.clock
        self._is_logging = False
        self._networks: list[IPv4Network | IPv6Network] = []
        self._methods: list[str] = []
        self._is_remembering = False
        self._history: deque[SipMessageView] = deque(maxlen=MAX_HISTORY)
        self._seen = 0  # messages since the history was cleared

    @property
    def settings(self) -> SipSettings:
        """pjsip.conf."""
        return self._sip.settings

    def contacts(self) -> Sequence[ContactView]:
        """All contacts, permanent and registered."""
        return [
            ContactView(
                aor=contact.aor,
                uri=contact.uri_text,
                status=CONTACT_WORDS[contact.status],
                roundtrip_ms=None
                if contact.roundtrip_usec is None
                else contact.roundtrip_usec / 1000,
                user_agent=contact.user_agent,
                expires=None
                if contact.expires_at is None
                else max(0, round(contact.expires_at - self._sip.now())),
            )
            for contact in self._sip.contacts()
        ]

    def registrations(self) -> Sequence[RegistrationView]:
        """Return nothing: this server does not register elsewhere yet."""
        return ()

    def set_logger(
        self, is_on: bool, *, host: str = "", method: str = "", adds: bool = False
    ) -> None:
        """Log SIP messages, of one host, network or method only if it is given."""
        if host:
            try:
                network = ip_network(host, strict=False)
            except ValueError:
                raise InvalidArgument("host", f"{host!r} is no address or network") from None
            self._networks = [*self._networks[-MAX_FILTERS:], network] if adds else [network]
        if method:
            self._methods = [*self._methods[-MAX_FILTERS:], method] if adds else [method]
        if not is_on:
            self._networks, self._methods = [], []
        self._is_logging = is_on
        self._listen()

    def scheduled_tasks(self) -> Sequence[SipTaskView]:
        """What is done in a while for contacts: asking them, and forgetting them."""
        tasks: list[SipTaskView] = []
        now = self._sip.now()
        for contact in self._sip.contacts():
            place = f"{contact.aor}/{contact.uri_text}"
            due = self._sip.next_qualify(contact)
            aor = self._sip.settings.aors.get(contact.aor)
            if due is not None and aor is not None:
                tasks.append(SipTaskView(f"pjsip/qualify/{place}", aor.qualify_frequency, due))
            if contact.expires_at is not None:
                tasks.append(SipTaskView(f"pjsip/expire/{place}", 0, contact.expires_at - now))
        return sorted(tasks, key=lambda task: task.due)

    def set_history(self, is_on: bool) -> None:
        """Remember SIP messages, or stop to."""
        self._is_remembering = is_on
        self._listen()

    def clear_history(self) -> None:
        """Forget the messages that were remembered."""
        self._history.clear()
        self._seen = 0

    def history(self) -> Sequence[SipMessageView]:
        """The messages that are remembered, the oldest first."""
        return list(self._history)

    def notify(self, to: str, fields: Sequence[tuple[str, str]]) -> None:
        """Send a NOTIFY outside of calls."""
        self._sip.notify(to, read_notify(fields))

    def notify_in_call(self, channel: Channel, fields: Sequence[tuple[str, str]]) -> None:
        """Send a NOTIFY inside a call.

        :raises InvalidState: it is no SIP call, or there is no dialog.
        """
        if not isinstance(channel.leg, SipLeg):
            raise InvalidState(f"{channel.name} is no SIP call")
        leg_control.notify(channel.leg, read_notify(fields))

    def qualify(self, aor: str) -> None:
        """Ask each contact of an address of record now whether it is there."""
        self._sip.qualify(aor)

    @property
    def maintenance(self) -> Maintenance:
        """Which endpoints take no new calls."""
        return self._sip.maintenance

    def _listen(self) -> None:
        is_needed = self._is_logging or self._is_remembering
        self._sip.set_logger(self._on_message if is_needed else None)

    def _on_message(self, is_sent: bool, flow: Flow, message: bytes) -> None:
        text = redact(message.decode("utf-8", "replace"))
        if self._is_remembering:
            address = f"{flow.remote[0]}:{flow.remote[1]}"
            now = self._clock.wall()
            self._history.append(SipMessageView(self._seen, now, is_sent, address, text))
            self._seen += 1
        if self._is_logging and self._is_wanted(flow, text):
            way = "Transmitting SIP message to" if is_sent else "Received SIP message from"
            where = f"{flow.transport}:{flow.remote[0]}:{flow.remote[1]}"
            log_verbose(logger, 1, "<--- %s %s --->\n%s", way, where, text)

    def _is_wanted(self, flow: Flow, text: str) -> bool:
        if self._methods:
            found = _CSEQ.search(text)
            if found is None or found[1].upper() not in self._methods:
                return False
        address = ip_address(flow.remote[0])
        return not self._networks or any(address in network for network in self._networks)


def redact(message: str) -> str:
    """Blot out the proof of a password in a SIP message."""
    return _SECRET.sub(r"\1***", message)
