"""What the dialplan asks of a SIP call beyond what every channel can do."""

from __future__ import annotations

from server.base.causes import sip_to_cause
from server.base.errors import InvalidState
from server.sip.header_list import HeaderList
from server.sip.leg import SipLeg
from server.sip.notify import Notify
from server.sip.requests import ignore_outcome
from server.sip.session_incoming import IncomingSession


def response_headers(leg: SipLeg) -> HeaderList:
    """Return the headers of the last response to our INVITE."""
    response = leg.session.response
    return HeaderList(response.headers.items() if response is not None else ())


def refresh(leg: SipLeg, method: str) -> None:
    """Offer anew by INVITE, or refresh the session by UPDATE.

    :param method: ``invite`` or ``update``.
    :raises InvalidState: the call is not up.
    """
    session, technology = leg.session, leg.technology
    if session.state != "Confirmed":
        raise InvalidState("the call is not up")
    if method == "update":
        session.modifier.request_refresh(technology.now())
    else:
        session.change_media(technology.now())
    technology.flush()


def refuse(leg: SipLeg, status: int) -> None:
    """Send the final response to a call that came in; the leg is still to be hung up.

    :raises InvalidState: it did not come in, or was answered.
    """
    session, technology = leg.session, leg.technology
    if not isinstance(session, IncomingSession) or session.state != "Incoming":
        raise InvalidState("only a call that came in and is not answered can be refused")
    session.refuse(status, technology.now(), cause=sip_to_cause(status))
    technology.flush()


def notify(leg: SipLeg, content: Notify) -> None:
    """Send a NOTIFY inside the call.

    :raises InvalidState: there is no dialog.
    """
    session, technology = leg.session, leg.technology
    if session.dialog is None or session.is_over:
        raise InvalidState("there is no dialog")
    session.send_in_dialog("NOTIFY", content.fill, ignore_outcome, technology.now())
    technology.flush()
