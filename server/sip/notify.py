"""The content of a NOTIFY that somebody puts together: headers, and lines of a body."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from server.base.errors import InvalidArgument
from server.sip.grammar import is_token
from server.sip.headers import header_key
from server.sip.message import Request

MAX_FIELDS = 50
MAX_BODY = 32_768  # bytes
RESERVED = frozenset(
    header_key(name)
    for name in ("Call-ID", "Contact", "CSeq", "To", "From", "Record-Route", "Route", "Via",
                 "Content-Length", "Max-Forwards", "Authorization", "Proxy-Authorization")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Notify:
    """What is to be sent."""

    headers: Sequence[tuple[str, str]]
    content_type: str = ""
    body: bytes = b""

    def fill(self, request: Request) -> None:
        """Write it into a request. It belongs to no subscription, and says so."""
        for name, value in self.headers:
            request.headers.add(name, value)
        if "Subscription-State" not in request.headers:
            request.headers.set("Subscription-State", "terminated")
        if self.content_type:
            request.set_body(self.content_type, self.body)


def read_notify(fields: Iterable[tuple[str, str]]) -> Notify:
    """Read fields: ``Content`` is a line of the body, ``Content-Type`` its type.

    :raises InvalidArgument: a name or a value that no request can carry, or too much of them.
    """
    headers: list[tuple[str, str]] = []
    lines: list[str] = []
    content_type = ""
    for count, (name, value) in enumerate(fields):
        if count >= MAX_FIELDS:
            raise InvalidArgument("content", f"more than {MAX_FIELDS} fields")
        if not value.isprintable():
            raise InvalidArgument("content", f"the value of {name[:40]!r} can't be sent")
        if name.lower() == "content":
            lines.append(value)
        elif not is_token(name) or header_key(name) in RESERVED:
            raise InvalidArgument("content", f"{name[:40]!r} can't be set")
        elif header_key(name) == "Content-Type":
            content_type = value
        else:
            headers.append((name, value))
    body = "".join(f"{line}\r\n" for line in lines).encode()
    if len(body) > MAX_BODY:
        raise InvalidArgument("content", f"more than {MAX_BODY} bytes")
    if lines and not content_type:
        raise InvalidArgument("content", "Content needs a Content-Type")
    return Notify(headers, content_type if lines else "", body)
