"""An answer to a request that can't be parsed, as far as its lines still say who asked."""

from __future__ import annotations

import re

from server.sip.message import Response
from server.sip.reasons import REASONS
from server.sip.transaction_matching import new_tag

MAX_HEAD = 8192  # bytes looked at
_REQUEST_LINE = re.compile(rb"([A-Z]{1,32}) [^\r\n]* SIP/2\.0\r\n")  # RFC 3261 section 25.1
_NAMES = {
    "via": "Via", "v": "Via", "from": "From", "f": "From", "to": "To", "t": "To",
    "call-id": "Call-ID", "i": "Call-ID", "cseq": "CSeq",
}  # fmt: skip
_NEEDED = frozenset(_NAMES.values())


def refuse_unparsed(data: bytes, status: int) -> Response | None:
    """Return a response to a broken request, ``None`` if nobody could make sense of it.

    An ACK and a response are never answered (RFC 3261 sections 8.2.7 and 17.1.1.3).

    :param status: a final status; 400 stands in for one that is none.
    """
    line = _REQUEST_LINE.match(data[:MAX_HEAD])
    if line is None or line[1] == b"ACK":
        return None
    head = data[line.end() : MAX_HEAD].partition(b"\r\n\r\n")[0]
    status = status if status in REASONS and status >= 400 else 400
    response = Response(status, REASONS[status])
    found: set[str] = set()
    for raw in head.split(b"\r\n"):
        name, colon, value = raw.decode("latin-1").partition(":")
        canonical = _NAMES.get(name.strip().lower())
        if canonical is None or not colon or not value.isprintable():
            continue
        if canonical in found and canonical != "Via":
            return None
        found.add(canonical)
        value = value.strip()
        if canonical == "To" and "<" in value and ";tag=" not in value.lower():
            value += f";tag={new_tag()}"
        response.headers.add(canonical, value)
    return response if found >= _NEEDED else None
