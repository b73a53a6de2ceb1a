"""Who calls whom: From, P-Asserted-Identity (RFC 3325), Remote-Party-ID, Privacy, Diversion."""

from __future__ import annotations

import unicodedata

from server.base.errors import RemoteProtocolError
from server.sip.headers import NameAddr
from server.sip.message import Message, Request
from server.sip.settings import Endpoint
from server.sip.uri import Uri
from server.tech.base import Party, Redirecting

ANONYMOUS = NameAddr(Uri("sip", "anonymous", "anonymous.invalid"), "Anonymous")


def read_caller(request: Request, endpoint: Endpoint, *, strip_options: bool = False) -> Party:
    """Say who calls: what the configuration says, else what a trusted peer asserts, else From.

    :param strip_options: pjsip.conf ``ignore_uri_user_options``.
    """
    if endpoint.callerid.number or endpoint.callerid.name:
        party = endpoint.callerid
        return Party(party.name, party.number, endpoint.callerid_privacy)
    asserted = read_asserted(request) if endpoint.trust_id_inbound else None
    if asserted is not None:
        return asserted
    sender = request.from_
    hidden = sender.uri.host == "anonymous.invalid" or endpoint.callerid_privacy != "allowed"
    presentation = "prohib" if hidden else "allowed"
    number = user_of(sender.uri, strip_options=strip_options)
    return Party(plain(sender.display_name), number, presentation)


def read_asserted(message: Message) -> Party | None:
    """Return the identity that the peer asserts, ``None`` if there is none that can be read."""
    try:
        identities = message.asserted_identities
        if identities:
            chosen = identities[0]
            hidden = "id" in (message.headers.get("Privacy") or "").lower().split(";")
        else:
            remote_party = message.remote_party_id
            if remote_party is None:
                return None
            chosen = remote_party
            hidden = (chosen.params.get("privacy") or "off").lower() not in ("off", "")
    except RemoteProtocolError:
        return None
    presentation = "prohib" if hidden else "allowed"
    return Party(plain(chosen.display_name), user_of(chosen.uri), presentation)


# Diversion's reasons (RFC 5806 section 8), and what Asterisk calls them
_REASONS = {
    "unknown": "unknown",
    "user-busy": "cfb",
    "no-answer": "cfnr",
    "unavailable": "unavailable",
    "unconditional": "cfu",
    "time-of-day": "time_of_day",
    "do-not-disturb": "dnd",
    "deflection": "deflection",
    "follow-me": "follow_me",
    "out-of-service": "out_of_order",
    "away": "away",
}
_DIVERSIONS = {ours: theirs for theirs, ours in _REASONS.items()}
MAX_DIVERSIONS = 100


def read_redirecting(request: Request) -> Redirecting:
    """Return who diverted the call here (RFC 5806)."""
    try:
        diversions = request.diversions[:MAX_DIVERSIONS]
    except RemoteProtocolError:
        return Redirecting()
    if not diversions:
        return Redirecting()
    last, first = diversions[0], diversions[-1]
    return Redirecting(
        orig=_diverter(first) if len(diversions) > 1 else Party(),
        from_=_diverter(last),
        reason=_reason_of(last),
        orig_reason=_reason_of(first),
        count=len(diversions),
    )


def _diverter(address: NameAddr) -> Party:
    is_open = (address.params.get("privacy") or "off").lower() in ("off", "none")
    presentation = "allowed" if is_open else "prohib"
    return Party(plain(address.display_name), user_of(address.uri), presentation)


def _reason_of(address: NameAddr) -> str:
    return _REASONS.get((address.params.get("reason") or "").strip('"').lower(), "unknown")


def add_diversion(
    message: Message, endpoint: Endpoint, redirecting: Redirecting, domain: str
) -> None:
    """Tell a peer who redirected the call, the last one first, if its endpoint wants that."""
    if not endpoint.send_diversion or not redirecting.from_.number:
        return
    diverters = [(redirecting.from_, redirecting.reason)]
    if redirecting.orig.number:
        diverters.append((redirecting.orig, redirecting.orig_reason))
    for party, reason in diverters:
        address = NameAddr(Uri("sip", party.number, domain), party.name)
        privacy = {} if party.presentation == "allowed" else {"privacy": "full"}
        named = address.with_params(reason=_DIVERSIONS.get(reason, "unknown"), **privacy)
        message.headers.add("Diversion", str(named))


def add_identity(message: Message, endpoint: Endpoint, party: Party, domain: str) -> None:
    """Assert *party* to a peer, in the ways its endpoint wants."""
    if not party.number or not (endpoint.send_pai or endpoint.send_rpid):
        return
    is_hidden = party.presentation != "allowed"
    if is_hidden and not endpoint.trust_id_outbound:
        return
    address = NameAddr(Uri("sip", party.number, domain), party.name)
    if endpoint.send_pai:
        message.headers.set("P-Asserted-Identity", str(address))
        if is_hidden:
            message.headers.set("Privacy", "id")
    if endpoint.send_rpid:
        privacy = "full" if is_hidden else "off"
        message.headers.set(
            "Remote-Party-ID",
            str(address.with_params(party="calling", privacy=privacy, screen="no")),
        )


def from_address(endpoint: Endpoint, caller: Party, default_user: str, domain: str) -> NameAddr:
    """Make the From of a call to *endpoint*, without tag."""
    domain = endpoint.from_domain or domain
    if caller.presentation != "allowed" and not endpoint.from_user:
        return ANONYMOUS
    user = endpoint.from_user or caller.number or default_user
    return NameAddr(Uri("sip", user, domain), caller.name)


def user_of(uri: Uri, *, strip_options: bool = True) -> str:
    """The user part of a URI, without the options that some put there (``100;cpc=payphone``).

    Control characters, which ``%0A`` could stand for, are left out: it becomes an extension or a
    number, and dialplans put those into commands, file names and queries.
    """
    return plain(uri.user.partition(";")[0] if strip_options else uri.user)


def plain(text: str) -> str:
    """Return *text* without control characters."""
    if text.isprintable():
        return text
    return "".join(letter for letter in text if unicodedata.category(letter) != "Cc")
