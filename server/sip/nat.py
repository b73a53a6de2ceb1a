"""Contacts of peers behind address translation (pjsip.conf ``rewrite_contact``)."""

from __future__ import annotations

from server.sip.headers import NameAddr
from server.sip.message import Message
from server.sip.transaction import Flow
from server.sip.uri import Uri


def rewrite_contact(message: Message, flow: Flow) -> None:
    """Put the address that a message came from into its Contact (pjsip.conf rewrite_contact)."""
    contact = message.contact
    if contact is None:
        return
    host, port = flow.remote
    message.contact = NameAddr(
        rewritten_uri(contact.uri, host, port, flow.transport),
        contact.display_name,
        contact.params,
    )


def rewritten_uri(uri: Uri, host: str, port: int, transport: str) -> Uri:
    """The same user at another address."""
    params = {name: value for name, value in uri.params.items() if name != "transport"}
    if transport != "UDP":
        params["transport"] = transport
    return Uri(uri.scheme, uri.user, host, port, params, uri.password, uri.headers)
