"""Text messages (RFC 3428) as the rest of the server sees them: addresses, headers, bodies."""

from __future__ import annotations

from collections.abc import Mapping

from server.base.errors import InvalidArgument, ProtocolError, RemoteProtocolError
from server.sip.grammar import is_token
from server.sip.headers import NameAddr, header_key
from server.sip.identity import user_of
from server.sip.message import Request
from server.sip.settings import Endpoint
from server.sip.transaction import Flow
from server.sip.uri import Uri
from server.tech.base import TextMessage

TECHNOLOGY = "PJSIP"
TEXT_PLAIN = "text/plain"
TECHNOLOGY_PREFIXES = ("pjsip:", "pjsip/")  # of addresses, in lower case
MAX_HEADERS = 50  # variables of one request
MAX_VALUE = 4096  # characters of one of them

# What the stack itself decides on: never taken from a variable, nor told as one.
_OURS = frozenset(
    {
        "To", "From", "Via", "Route", "Record-Route", "Contact", "Call-ID", "CSeq", "Allow",
        "Content-Length", "Max-Forwards", "Authorization", "Proxy-Authorization", "Request-URI",
    }
)  # fmt: skip
OURS_KEYS = frozenset(header_key(name) for name in _OURS)


def check_text(request: Request) -> None:
    """Check that a MESSAGE holds text.

    :raises RemoteProtocolError: it is of another type (415).
    """
    kind = request.content_type
    if kind is None and not request.body:
        return
    if kind is None or not kind.startswith("text/"):
        raise RemoteProtocolError(f"MESSAGE of type {kind}", 415)


def read_message(request: Request, endpoint: Endpoint, flow: Flow) -> TextMessage:
    """Make a message of a MESSAGE."""
    return TextMessage(
        technology=TECHNOLOGY,
        endpoint=endpoint.name,
        context=endpoint.message_context or endpoint.context,
        exten=user_of(request.uri) or "s",
        sender=str(NameAddr(request.from_.uri, request.from_.display_name)),
        recipient=f"pj{request.uri}",
        body=request.body.decode("utf-8", "replace"),
        variables=variables_of(request, flow),
    )


def variables_of(request: Request, flow: Flow) -> dict[str, str]:
    """The headers of a MESSAGE by name, and where it came from."""
    found = {
        name: value for name, value in request.headers.items() if header_key(name) not in OURS_KEYS
    }
    host, port = flow.remote
    found["PJSIP_RECVADDR"] = f"{host}:{port}"
    found["PJSIP_TRANSPORT"] = flow.transport.lower()
    return found


def headers_of(variables: Mapping[str, str]) -> list[tuple[str, str]]:
    """The headers that variables ask for, without those that are the stack's own.

    :raises InvalidArgument: a name or value that no header can carry.
    """
    if len(variables) > MAX_HEADERS:
        raise InvalidArgument("variables", f"more than {MAX_HEADERS}")
    headers = []
    for name, value in variables.items():
        if not is_token(name):
            raise InvalidArgument("variables", f"{name[:40]!r} can't be a header's name")
        if len(value) > MAX_VALUE or not value.isprintable():
            raise InvalidArgument("variables", f"the value of {name[:40]} can't stand in a header")
        if header_key(name) not in OURS_KEYS:
            headers.append((name, value))
    return headers


def from_value(text: str, endpoint: Endpoint, default_user: str, host: str) -> NameAddr:
    """Make the From of a request outside of calls, without tag.

    :param text: ``pjsip:user``, ``user[@domain]``, a SIP URI, or ``"Name" <uri>``; empty for the
        endpoint's own.
    :raises InvalidArgument: it is none of these.
    """
    text = text.strip()
    if text[:6].lower() in TECHNOLOGY_PREFIXES:
        text = text[6:]
    domain = endpoint.from_domain or host
    if not text:
        return NameAddr(Uri("sip", endpoint.from_user or default_user, domain))
    try:
        if "<" in text or text.startswith(("sip:", "sips:")):
            address = NameAddr.parse(text.replace("<pjsip:", "<sip:", 1))
            uri = address.uri
        else:
            user, _, named_domain = text.partition("@")
            address = NameAddr(uri := Uri("sip", user, named_domain or domain))
        if uri.scheme not in ("sip", "sips") or not str(address).isprintable():
            raise InvalidArgument("from", f"{text[:60]!r} is no SIP address")
    except ProtocolError as error:
        raise InvalidArgument("from", str(error)) from None
    return NameAddr(uri, address.display_name)
