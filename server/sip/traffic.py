"""How many SIP messages came and went, by what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

METHODS = frozenset(
    b"ACK BYE CANCEL INFO INVITE MESSAGE NOTIFY OPTIONS PRACK PUBLISH REFER REGISTER SUBSCRIBE"
    b" UPDATE".split()
)
LONGEST = 16  # bytes of a message that hold its method, or SIP/2.0 and the status


class Traffic:
    """Counts messages by way, and by method or class of status such as ``2xx``.

    Methods that nobody registered count as ``other``: a peer can't make names up.
    """

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()

    def note_received(self, data: bytes) -> None:
        """Count a message that came."""
        self.received[kind_of(data)] += 1

    def note_sent(self, messages: Iterable[bytes]) -> None:
        """Count messages that go."""
        for data in messages:
            self.sent[kind_of(data)] += 1


def kind_of(data: bytes) -> str:
    """Return what a message counts as."""
    first = data[:LONGEST].partition(b" ")[0]
    if first.upper() == b"SIP/2.0":
        digit = data[8:9]
        return f"{digit.decode()}xx" if digit in b"123456" and digit else "other"
    return first.decode() if first in METHODS else "other"
