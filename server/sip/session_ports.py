"""The states of a session, and its ports: who hears of it, and what it stands on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from server.sip.auth import DigestClient
from server.sip.dialog import DialogId
from server.sip.headers import NameAddr
from server.sip.message import Message, Request, Response
from server.sip.offer_answer import Negotiated
from server.sip.requests import RequestSender
from server.sip.scheduler import Scheduler
from server.sip.settings import Endpoint, SipSettings
from server.sip.timers import Timers
from server.sip.transaction import ClientTransaction, Flow, ServerTransaction
from server.sip.uri import Uri

if TYPE_CHECKING:
    from server.sip.refer_notifier import IncomingRefer
    from server.sip.session import Session


class SessionState(StrEnum):
    """How far a call is."""

    IDLE = "Idle"  # outgoing, not dialled yet
    CALLING = "Calling"  # our INVITE has no final response
    CANCELLING = "Cancelling"  # nor shall it have a good one
    INCOMING = "Incoming"  # the peer's INVITE has no final response
    ANSWERED = "Answered"  # our 2xx waits for its ACK
    ENDING = "Ending"  # a BYE waits for the ACK, or for the end of a transfer
    CONFIRMED = "Confirmed"
    ENDED = "Ended"


TRANSITIONS: dict[SessionState, frozenset[SessionState]] = {
    SessionState.IDLE: frozenset({SessionState.CALLING, SessionState.ENDED}),
    SessionState.CALLING: frozenset(
        {SessionState.CONFIRMED, SessionState.CANCELLING, SessionState.ENDED}
    ),
    SessionState.CANCELLING: frozenset({SessionState.ENDED}),
    SessionState.INCOMING: frozenset({SessionState.ANSWERED, SessionState.ENDED}),
    SessionState.ANSWERED: frozenset(
        {SessionState.CONFIRMED, SessionState.ENDING, SessionState.ENDED}
    ),
    SessionState.ENDING: frozenset({SessionState.ENDED}),
    SessionState.CONFIRMED: frozenset({SessionState.ENDING, SessionState.ENDED}),
    SessionState.ENDED: frozenset(),
}


class SessionListener(Protocol):
    """Who hears what happens to a session: its leg."""

    def on_ringing(self) -> None:
        """180."""

    def on_progress(self) -> None:
        """183; early media was reported before, if there is any."""

    def on_answered(self) -> None:
        """2xx to our INVITE."""

    def on_media(self, negotiated: Negotiated) -> None:
        """Offer and answer agreed, for the first time or anew."""

    def on_hold(self) -> None:
        """The peer put us on hold."""

    def on_unhold(self) -> None:
        """The peer resumed."""

    def on_dtmf(self, digit: str, duration_ms: int) -> None:
        """A digit came by INFO."""

    def on_identity(self, message: Message) -> None:
        """A message came that may say who the peer is."""

    def on_redirected(self, targets: Sequence[NameAddr]) -> None:
        """A 3xx; the session ends right after."""

    def on_refer(self, refer: IncomingRefer) -> None:
        """The peer asks for a transfer; it is accepted or refused before this returns."""

    def on_message(self, request: Request) -> None:
        """A text came in a MESSAGE, which is answered already."""

    def on_ended(self, cause: int, status: int | None, reason: str) -> None:
        """The call is over, and not because of us."""


class SessionHost(RequestSender, Protocol):
    """What a session needs of its stack."""

    scheduler: Scheduler
    timers: Timers

    @property
    def settings(self) -> SipSettings: ...

    def respond(self, txn: ServerTransaction, response: Response, now: float) -> None:
        """Send a response."""

    def send_stateless(self, message: Request | Response, flow: Flow) -> None:
        """Send an ACK to a 2xx, or a 2xx again."""

    def cancel(self, txn: ClientTransaction, now: float) -> None:
        """CANCEL an INVITE of ours."""

    def find_flow(
        self, uri: Uri, endpoint: Endpoint, done: Callable[[Flow | None, float], None], now: float
    ) -> None:
        """Find a way to *uri*; ``done`` may be called before this returns."""

    def contact(self, flow: Flow, endpoint: Endpoint) -> NameAddr:
        """Our Contact for a peer on *flow*."""

    def digest(self, endpoint: Endpoint) -> DigestClient | None:
        """What answers the challenges of *endpoint*."""

    def add_session(self, dialog_id: DialogId, session: Session) -> None:
        """Bring requests in this dialog to *session*."""

    def remove_session(self, dialog_id: DialogId, session: Session) -> None:
        """Stop doing so."""

    def answer_options(self, request: Request) -> Response:
        """The response to an OPTIONS, in or out of a dialog."""
