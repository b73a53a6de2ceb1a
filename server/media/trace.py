"""What is reported of RTP packets while somebody traces them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """The header of one packet.

    :param length: of the payload, in bytes.
    """

    is_sent: bool
    payload_type: int
    sequence: int
    timestamp: int
    length: int


@dataclass(frozen=True, slots=True)
class Tracer:
    """Who gets packets, and of which peer.

    :param report: called with the signalled address of the peer and the packet.
    :param host: an address of a peer, or empty for every peer.
    :param port: a port of that peer, or 0 for every port.
    """

    report: Callable[[tuple[str, int], RtpPacket], None]
    host: str = ""
    port: int = 0

    def wants(self, peer: tuple[str, int]) -> bool:
        """Tell whether this peer's packets are to be reported."""
        return (not self.host or peer[0] == self.host) and (not self.port or peer[1] == self.port)
