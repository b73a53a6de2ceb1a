"""MESSAGE, NOTIFY and REFER that applications send outside of calls: PJSIP as a Messenger."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from server.base.errors import InvalidArgument
from server.sip.dialstring import Target, find_destination, read_address
from server.sip.headers import NameAddr
from server.sip.message import Request, Response
from server.sip.notify import Notify
from server.sip.outside import OutsideRequest
from server.sip.text import TECHNOLOGY_PREFIXES, TEXT_PLAIN, from_value, headers_of
from server.sip.transaction import Flow
from server.sip.uri import Uri

if TYPE_CHECKING:
    from server.sip.stack import SipStack
    from server.sip.technology import PjsipTechnology

logger = logging.getLogger(__name__)

MAX_BODY = 32_768  # bytes of a text; must fit into a datagram with its headers
DISPLAY_NAME = "display_name"  # the variable that becomes Refer-To's display name


class Messaging:
    """Sends on behalf of a technology; see :class:`server.tech.base.Messenger`."""

    def __init__(self, technology: PjsipTechnology, stack: SipStack) -> None:
        self._technology = technology
        self._stack = stack

    def send_message(self, to: str, sender: str, body: str, variables: Mapping[str, str]) -> None:
        """Send a text."""
        target = find_destination(to, self._technology.settings, self._stack.contacts)
        content = body.encode()
        if len(content) > MAX_BODY:
            raise InvalidArgument("body", f"more than {MAX_BODY} bytes")
        headers = dict(headers_of(variables))
        content_type = headers.pop("Content-Type", TEXT_PLAIN)

        def fill(request: Request, flow: Flow) -> None:
            request.contact = None  # RFC 3428 section 4: a MESSAGE has none
            request.set_body(content_type, content)

        request = OutsideRequest(
            self._stack,
            "MESSAGE",
            target,
            self._preparer(target, sender, headers, fill),
            _on_message_done,
            self._technology.proxies(target.endpoint),
        )
        request.send(self._technology.now())
        self._technology.flush()

    def refer(
        self,
        to: str,
        sender: str,
        refer_to: str,
        variables: Mapping[str, str],
        *,
        to_self: bool,
    ) -> None:
        """Ask an endpoint to call somebody."""
        target = find_destination(to, self._technology.settings, self._stack.contacts)
        rest = dict(variables)
        display_name = rest.pop(DISPLAY_NAME, "")
        headers = dict(headers_of(rest))
        if not display_name.isprintable():
            raise InvalidArgument("variables", f"{DISPLAY_NAME} can't stand in a header")
        destination, own_user = self._read_refer_to(refer_to, to_self=to_self)

        def fill(request: Request, flow: Flow) -> None:
            uri = destination
            if own_user:
                uri = replace(self._stack.contact(flow, target.endpoint).uri, user=own_user)
            request.refer_to = NameAddr(uri, display_name)
            if request.referred_by is None:
                request.referred_by = NameAddr(request.from_.uri)

        self._stack.referrals.send(
            target,
            self._preparer(target, sender, headers, fill),
            self._technology.proxies(target.endpoint),
            self._technology.now(),
        )
        self._technology.flush()

    def notify(self, to: str, notify: Notify) -> None:
        """Send a NOTIFY outside of calls.

        :param to: as of :meth:`send_message`.
        :raises NotFound: no such endpoint, or it can't be reached.
        :raises InvalidArgument: *to* can't be read.
        """
        target = find_destination(to, self._technology.settings, self._stack.contacts)
        request = OutsideRequest(
            self._stack,
            "NOTIFY",
            target,
            self._preparer(target, "", {}, lambda request, _flow: notify.fill(request)),
            _on_notify_done,
            self._technology.proxies(target.endpoint),
        )
        request.send(self._technology.now())
        self._technology.flush()

    def _preparer(
        self,
        target: Target,
        sender: str,
        headers: Mapping[str, str],
        fill: Callable[[Request, Flow], None],
    ) -> Callable[[Request, Flow], None]:
        """Check *sender* now, and return what completes the request once the way is known."""
        endpoint = target.endpoint
        default_user = self._technology.settings.global_.default_from_user
        from_value(sender, endpoint, default_user, "localhost")

        def prepare(request: Request, flow: Flow) -> None:
            host = self._technology.signalling_host(flow)
            request.from_ = from_value(sender, endpoint, default_user, host)
            for name, value in headers.items():
                request.headers.set(name, value)
            fill(request, flow)

        return prepare

    def _read_refer_to(self, text: str, *, to_self: bool) -> tuple[Uri, str]:
        """Return where to refer to, and the user part if it is to be reached through us."""
        text = strip_technology(text)
        settings = self._technology.settings
        name = text.partition("/")[0]
        if name in settings.endpoints:
            if to_self:
                return Uri(), name
            return find_destination(text, settings, self._stack.contacts).uri, ""
        if not text.isprintable() or not ("@" in text or text.startswith(("sip:", "sips:"))):
            raise InvalidArgument("refer_to", f"{text[:60]!r} is neither endpoint nor SIP address")
        return read_address(text, "refer_to"), ""


def strip_technology(text: str) -> str:
    """Take ``pjsip:`` or ``PJSIP/`` off an address."""
    return text[6:] if text[:6].lower() in TECHNOLOGY_PREFIXES else text


def _on_message_done(status: int, response: Response | None, now: float) -> None:
    if status >= 300:
        logger.warning("MESSAGE was not delivered: %s", status)


def _on_notify_done(status: int, response: Response | None, now: float) -> None:
    if status >= 300:
        logger.warning("NOTIFY was not accepted: %s", status)
