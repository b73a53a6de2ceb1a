"""SDP (RFC 8866): a total parser and a writer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Attribute(NamedTuple):
    """``a=name:value``; ``None`` as value for ``a=name``."""

    name: str
    value: str | None = None


class Connection(NamedTuple):
    """``c=IN IP4 address``."""

    address: str
    address_type: str = "IP4"


class RtpMap(NamedTuple):
    """``a=rtpmap``: encoding name in upper case, clock rate in Hz, channels."""

    encoding: str
    clock_rate: int
    channels: int = 1


@dataclass(slots=True)
class Origin:
    """``o=``."""

    session_id: int
    version: int
    address: str
    address_type: str = "IP4"
    username: str = "-"


@dataclass(slots=True)
class MediaDescription:
    """One m-line and what belongs to it."""

    media: str  # "audio", "video", "image", …
    port: int
    protocol: str
    formats: list[str]
    port_count: int = 1
    connection: Connection | None = None
    bandwidths: list[str] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)

    def attribute(self, name: str) -> str | None:
        """The value of the first such attribute, empty if it has none, ``None`` if absent."""
        raise NotImplementedError


@dataclass(slots=True)
class SessionDescription:
    """A whole description."""

    origin: Origin
    name: str = "-"
    connection: Connection | None = None
    bandwidths: list[str] = field(default_factory=list)
    times: list[str] = field(default_factory=lambda: ["0 0"])
    attributes: list[Attribute] = field(default_factory=list)
    media: list[MediaDescription] = field(default_factory=list)

    @classmethod
    def parse(cls, data: bytes) -> SessionDescription:
        """:raises RemoteProtocolError: malformed (status 400); nothing else."""
        raise NotImplementedError

    def encode(self) -> bytes:
        """As on the wire. :raises LocalProtocolError: a value would break out of its line."""
        raise NotImplementedError
