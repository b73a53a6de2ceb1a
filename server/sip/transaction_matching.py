"""Which transaction a message belongs to, and the requests that travel with another's branch."""

from __future__ import annotations

import os
from typing import Any

from server.sip.headers import CSeq, Via
from server.sip.message import Request
from server.sip.transaction_events import Flow

MAGIC_COOKIE = "z9hG4bK"  # RFC 3261 section 8.1.1.7
DEFAULT_PORTS = {"TLS": 5061, "WS": 80, "WSS": 443}  # all others: 5060

Key = tuple[Any, ...]  # the last member is the method


def server_key(request: Request) -> Key:
    """Match as RFC 3261 section 17.2.3 says; without the magic cookie as RFC 2543 did.

    Ask before :func:`note_source` changes the Via. An ACK has the key of its INVITE.
    """
    method = "INVITE" if request.method == "ACK" else request.method
    via = request.via
    branch = via.branch
    if branch.startswith(MAGIC_COOKIE):
        return (branch, via.host.lower(), via.port, method)
    identity = (request.uri, request.from_.tag, request.call_id, request.cseq.number)
    return (*identity, request.headers.get_all("Via")[0], method)


def note_source(request: Request, flow: Flow) -> None:
    """Add ``received`` and ``rport`` (RFC 3261 section 18.2.1, RFC 3581), never trusting theirs."""
    via = request.via
    host, port = flow.remote
    if "rport" in via.params:
        request.via = via.with_params(received=host, rport=str(port))
    elif via.host != host or "received" in via.params:
        request.via = via.with_params(received=host)


def response_address(request: Request) -> tuple[str, int]:
    """Where RFC 3261 section 18.2.2 and RFC 3581 send responses over UDP: from the top Via.

    Meant for a request that went through :meth:`TransactionLayer.receive`.

    :returns: address (or name, if the Via gives nothing better) and port.
    """
    via = request.via
    port = via.rport or via.port or DEFAULT_PORTS.get(via.transport, 5060)
    maddr = via.params.get("maddr")
    return maddr or via.received or via.host, port


def make_via(flow: Flow) -> Via:
    host, port = flow.local
    return Via(flow.transport, host, port, {"branch": new_branch(), "rport": None})


def hop_by_hop(method: str, invite: Request) -> Request:
    """Make the CANCEL or the ACK (to a 3xx-6xx) of an INVITE (RFC 3261 sections 9.1, 17.1.1.3)."""
    request = Request(method, invite.uri)
    headers = invite.headers
    request.headers.set("Via", str(invite.via))
    request.headers.set("Max-Forwards", "70")
    for name in ("From", "To", "Call-ID", "Route"):
        request.headers.set_all(name, headers.get_all(name))
    request.cseq = CSeq(invite.cseq.number, method)
    return request


def new_branch() -> str:
    """A branch with RFC 3261's magic cookie and 64 random bits."""
    return f"{MAGIC_COOKIE}{os.urandom(8).hex()}"


def new_tag() -> str:
    """A From or To tag of 64 random bits."""
    return os.urandom(8).hex()
