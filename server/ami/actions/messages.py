"""Texts outside of calls."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from server.ami.registry import ActionError, Reply, Request, action, done
from server.base.errors import ServerError


@action("MessageSend", "message", summary="Send a text outside of calls")
def message_send(request: Request) -> Reply:
    """Send a text; its variables become headers."""
    to = request.get("Destination") or request.get("To")
    if not to:
        raise ActionError("No 'To' address specified.")
    variables = dict(_variables(request.message.all("Variable")))
    if request.get("Destination") and request.get("To"):
        variables.setdefault("To", request.get("To"))
    body = _body(request)
    try:
        request.context.endpoints.send_message(
            to=to, sender=request.get("From"), body=body, variables=variables
        )
    except ServerError as error:
        raise ActionError(f"Message failed to send: {error}") from None
    return done("Message successfully sent")


def _body(request: Request) -> str:
    encoded = request.get("Base64Body")
    if not encoded:
        return request.get("Body")
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise ActionError("Base64Body can't be decoded") from None


def _variables(headers: Iterable[str]) -> Iterable[tuple[str, str]]:
    for header in headers:
        name, equals, value = header.partition("=")
        if equals and name.strip():
            yield name.strip(), value
