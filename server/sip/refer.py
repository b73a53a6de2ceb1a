"""What REFER and its NOTIFY carry: Refer-To (RFC 3515), Replaces (RFC 3891), sipfrag (RFC 3420)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NamedTuple

from server.base.errors import RemoteProtocolError
from server.sip.dialog import DialogId
from server.sip.grammar import check_token, malformed, parse_params, unescape
from server.sip.message import Request
from server.sip.reasons import REASONS
from server.sip.uri import Uri

SIPFRAG = "message/sipfrag"
SIPFRAG_TYPE = f"{SIPFRAG};version=2.0"
MAX_SIPFRAG = 8192  # bytes looked at; a status line is all that is needed
_match_status_line = re.compile(
    r"SIP/2\.0[ \t]+([1-6][0-9]{2})(?:[ \t]+([^\r\n]*))?", re.ASCII
).match


class Replaces(NamedTuple):
    """``Replaces: call-id;to-tag=…;from-tag=…``: which dialog a new call takes the place of."""

    call_id: str
    to_tag: str
    from_tag: str
    is_early_only: bool = False

    @classmethod
    def parse(cls, text: str) -> Replaces:
        """Read the header's value.

        :raises RemoteProtocolError: malformed, or a tag is missing (400).
        """
        call_id, semicolon, rest = text.partition(";")
        call_id = call_id.strip(" \t")
        if not call_id or " " in call_id or not call_id.isprintable():
            raise malformed("Replaces", text)
        params = parse_params(semicolon + rest)
        to_tag, from_tag = params.get("to-tag"), params.get("from-tag")
        if not to_tag or not from_tag:
            raise malformed("Replaces", text)
        return cls(call_id, to_tag, from_tag, "early-only" in params)

    @classmethod
    def of_request(cls, request: Request) -> Replaces | None:
        """Return what an INVITE is to replace, ``None`` for an ordinary one.

        :raises RemoteProtocolError: malformed, or given more than once (400).
        """
        values = request.headers.get_all("Replaces")
        if not values:
            return None
        if len(values) > 1:
            raise RemoteProtocolError("Replaces given more than once", 400)
        return cls.parse(values[0])

    @property
    def dialog_id(self) -> DialogId:
        """The dialog as the side knows it that is asked to replace it (section 3)."""
        return DialogId(self.call_id, self.to_tag, self.from_tag)

    def __str__(self) -> str:
        to_tag, from_tag = check_token("tag", self.to_tag), check_token("tag", self.from_tag)
        early = ";early-only" if self.is_early_only else ""
        return f"{self.call_id};to-tag={to_tag};from-tag={from_tag}{early}"


@dataclass(frozen=True, slots=True)
class ReferTarget:
    """Where a REFER sends its recipient.

    :param uri: without the headers that were packed into it.
    :param replaces: the dialog that the new call is to replace: an attended transfer.
    """

    uri: Uri
    replaces: Replaces | None = None

    @classmethod
    def of_request(cls, request: Request) -> ReferTarget:
        """Read Refer-To.

        :raises RemoteProtocolError: missing or malformed (400), not a SIP URI (416), or for
            another method than INVITE (501).
        """
        uri = _refer_to(request)
        if uri.scheme not in ("sip", "sips"):
            raise RemoteProtocolError(f"Refer-To of scheme {uri.scheme}", 416)
        method = uri.params.get("method")
        if method is not None and method.upper() != "INVITE":
            raise RemoteProtocolError(f"Refer-To for method {method}", 501)
        return cls(replace(uri, headers=""), _replaces_of(uri))


def _refer_to(request: Request) -> Uri:
    values = request.headers.get_all("Refer-To")
    if len(values) == 1 and "?" in values[0] and "<" not in values[0]:
        # RFC 3261 section 20 wants brackets around such a URI; baresip leaves them out.
        return Uri.parse(values[0])
    refer_to = request.refer_to
    if refer_to is None:
        raise RemoteProtocolError("REFER without Refer-To", 400)
    return refer_to.uri


def _replaces_of(uri: Uri) -> Replaces | None:
    found: Replaces | None = None
    for part in uri.headers.split("&"):
        name, _, value = part.partition("=")
        if name.lower() != "replaces":
            continue
        if found is not None:
            raise RemoteProtocolError("Replaces given more than once", 400)
        found = Replaces.parse(unescape("Replaces", value))
    return found


def parse_sipfrag(content_type: str | None, body: bytes) -> int:
    """Return the status that a NOTIFY of a REFER reports (RFC 3515 section 2.4.5).

    :raises RemoteProtocolError: another type (415), or no status line (400).
    """
    if content_type != SIPFRAG:
        raise RemoteProtocolError(f"NOTIFY of type {content_type}", 415)
    text = body[:MAX_SIPFRAG].decode("utf-8", "replace")
    match = _match_status_line(text)
    if match is None:
        raise malformed("sipfrag", text)
    return int(match[1])


def format_sipfrag(status: int) -> bytes:
    """The body of a NOTIFY that reports *status*."""
    return f"SIP/2.0 {status} {REASONS.get(status, '')}\r\n".encode("ascii")
