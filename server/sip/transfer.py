"""The far end's REFER as a :class:`server.tech.base.Transfer`, and an INVITE that replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from server.base.errors import RemoteProtocolError
from server.sip.identity import user_of
from server.sip.message import Request
from server.sip.refer import Replaces
from server.sip.refer_notifier import IncomingRefer, ReferState
from server.sip.session_ports import SessionState
from server.sip.settings import Endpoint
from server.sip.stack import SipStack
from server.tech.base import ReplacedCall

if TYPE_CHECKING:
    from server.sip.leg import SipLeg
    from server.sip.technology import PjsipTechnology


class SipTransfer:
    """One REFER. See :class:`server.tech.base.Transfer`."""

    __slots__ = ("_refer", "_technology", "consultation", "context", "exten", "referred_by",
                 "replaces", "wants_progress")  # fmt: skip

    def __init__(
        self, technology: PjsipTechnology, endpoint: Endpoint, refer: IncomingRefer
    ) -> None:
        replaces = refer.target.replaces
        self._technology = technology
        self._refer = refer
        self.context = endpoint.context
        self.wants_progress = endpoint.refer_blind_progress
        self.exten = user_of(refer.target.uri) or "s"
        self.referred_by = refer.request.headers.get("Referred-By") or ""
        self.replaces = (
            ReplacedCall(replaces.call_id, replaces.to_tag, replaces.from_tag)
            if replaces is not None
            else None
        )
        self.consultation = technology.leg_of(replaces) if replaces is not None else None

    @property
    def is_over(self) -> bool:
        return self._refer.state is ReferState.TERMINATED

    def accept(self) -> None:
        self._refer.accept(self._technology.now())
        self._technology.flush()

    def refuse(self, status: int) -> None:
        self._refer.refuse(status, self._technology.now())
        self._technology.flush()

    def report(self, status: int) -> None:
        self._refer.report(status, self._technology.now())
        self._technology.flush()


def leg_of(stack: SipStack, replaces: Replaces) -> SipLeg | None:
    """Return the leg of the call that Replaces names, ``None`` if there is none that lives."""
    session = stack.find_session(replaces.dialog_id)
    # A session's listener is its leg; it has none once the channel has hung up.
    return cast("SipLeg | None", session.listener) if session is not None else None


def replaced_leg(stack: SipStack, endpoint: Endpoint, request: Request) -> SipLeg | None:
    """Return the leg that a new call is to take the place of (RFC 3891 section 3).

    :returns: ``None`` for an ordinary call.
    :raises RemoteProtocolError: there is no such leg (481), it is over or *endpoint* may not
        transfer (603), it was to be replaced only while it rings (486), or a malformed header.
    """
    replaces = Replaces.of_request(request)
    if replaces is None:
        return None
    if not endpoint.allow_transfer:
        raise RemoteProtocolError("transfers are not allowed", 603)
    session = stack.find_session(replaces.dialog_id)
    if session is None or session.state in (SessionState.INCOMING, SessionState.CALLING):
        raise RemoteProtocolError("no answered call to be replaced", 481)
    leg = leg_of(stack, replaces)
    if leg is None:
        raise RemoteProtocolError("the call to be replaced is over", 603)
    if replaces.is_early_only:
        raise RemoteProtocolError("the call to be replaced is answered", 486)
    return leg
