"""SDP (RFC 8866): a total parser and a writer.

Lines that nothing here acts on (i=, u=, e=, p=, k=, z=, r=) are accepted and dropped: a
description of ours never needs them, and one of a peer's is never forwarded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from server.base.errors import LocalProtocolError, RemoteProtocolError
from server.sip.grammar import check_line, malformed

MAX_SIZE = 32_768  # bytes; browsers' offers with many candidates reach 10 kB
MAX_MEDIA = 32
MAX_ATTRIBUTES = 1000  # of the whole description
MAX_FORMATS = 128  # per m-line: all payload types there are
MAX_RTPMAP = 100  # characters

_is_version = re.compile(r"0[ \t]*").fullmatch
_is_number = re.compile(r"[0-9]{1,20}", re.ASCII).fullmatch
_match_media = re.compile(
    r"([A-Za-z0-9.+_-]+)[ \t]+([0-9]{1,5})(?:/([0-9]{1,5}))?[ \t]+([A-Za-z0-9./_+-]+)"
    r"((?:[ \t]+[!-~]+)+)[ \t]*",
    re.ASCII,
).fullmatch
_match_connection = re.compile(
    r"IN[ \t]+(IP4|IP6)[ \t]+([A-Za-z0-9_.:%-]+)(?:/[0-9]+){0,2}[ \t]*", re.ASCII | re.IGNORECASE
).fullmatch
_match_rtpmap = re.compile(
    r"([0-9]{1,3})[ \t]+([A-Za-z0-9._-]+)/([0-9]{1,8})(?:/([0-9]{1,3}))?[ \t]*", re.ASCII
).fullmatch
_match_rtcp = re.compile(
    r"([0-9]{1,5})(?:[ \t]+IN[ \t]+IP[46][ \t]+([A-Za-z0-9_.:%-]+))?[ \t]*", re.ASCII
).fullmatch

MAX_PAYLOAD_TYPE = 127


class Attribute(NamedTuple):
    """``a=name:value``; ``None`` as value for ``a=name``."""

    name: str
    value: str | None = None


class Connection(NamedTuple):
    """``c=IN IP4 address``."""

    address: str
    address_type: str = "IP4"

    @classmethod
    def parse(cls, text: str) -> Connection:
        """:raises RemoteProtocolError: malformed."""
        match = _match_connection(text)
        if match is None:
            raise malformed("c=", text)
        return cls(match.group(2), match.group(1).upper())

    @classmethod
    def for_address(cls, address: str) -> Connection:
        """Tell IPv6 from IPv4 by its colons."""
        return cls(address, "IP6" if ":" in address else "IP4")

    def __str__(self) -> str:
        return f"IN {self.address_type} {self.address}"


class RtpMap(NamedTuple):
    """``a=rtpmap``: encoding name in upper case, clock rate in Hz, channels."""

    encoding: str
    clock_rate: int
    channels: int = 1


@lru_cache(512)  # peers say the same few again and again
def _match_short_rtpmap(text: str) -> tuple[int, RtpMap] | None:
    match = _match_rtpmap(text)
    if match is None or int(match.group(1)) > MAX_PAYLOAD_TYPE:
        return None
    number, encoding, rate, channels = match.groups()
    return int(number), RtpMap(encoding.upper(), int(rate), int(channels or 1))


def _parse_rtpmap(text: str) -> tuple[int, RtpMap] | None:
    return _match_short_rtpmap(text) if len(text) <= MAX_RTPMAP else None


@dataclass(slots=True)
class Origin:
    """``o=``."""

    session_id: int
    version: int
    address: str
    address_type: str = "IP4"
    username: str = "-"

    @classmethod
    def parse(cls, text: str) -> Origin:
        """Parse; a user name with blanks in it, as some devices have, is taken as it is.

        :raises RemoteProtocolError: malformed.
        """
        parts = text.rsplit(maxsplit=5)
        if len(parts) != 6 or not (_is_number(parts[1]) and _is_number(parts[2])):
            raise malformed("o=", text)
        return cls(int(parts[1]), int(parts[2]), parts[5], parts[4], parts[0])

    def __str__(self) -> str:
        where = f"IN {self.address_type} {self.address}"
        return f"{self.username} {self.session_id} {self.version} {where}"


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

    @classmethod
    def parse(cls, text: str) -> MediaDescription:
        """Parse what follows ``m=``.

        :raises RemoteProtocolError: malformed.
        """
        match = _match_media(text)
        if match is None:
            raise malformed("m=", text)
        media, port, port_count, protocol, formats = match.groups()
        split = formats.split()
        if int(port) > 65_535 or len(split) > MAX_FORMATS:
            raise malformed("m=", text)
        return cls(media.lower(), int(port), protocol.upper(), split, int(port_count or 1))

    def attribute(self, name: str) -> str | None:
        """The value of the first such attribute, empty if it has none, ``None`` if absent."""
        for each, value in self.attributes:
            if each == name:
                return value or ""
        return None

    def attribute_values(self, name: str) -> Iterator[str]:
        """The values of all such attributes."""
        return (value or "" for each, value in self.attributes if each == name)

    def rtpmaps(self) -> dict[int, RtpMap]:
        """Payload types that a=rtpmap names; malformed lines are passed over."""
        maps: dict[int, RtpMap] = {}
        for name, value in self.attributes:
            if name == "rtpmap" and value and (parsed := _parse_rtpmap(value)):
                maps.setdefault(*parsed)
        return maps

    def fmtp(self, payload_type: int) -> str | None:
        """The format parameters of a payload type."""
        for text in self.attribute_values("fmtp"):
            number, _, params = text.partition(" ")
            if number == str(payload_type):
                return params.strip()
        return None

    def payload_types(self) -> list[int]:
        """The formats that are RTP payload types, in order, once each."""
        numbers = [
            int(text)
            for text in self.formats
            if text.isascii() and text.isdigit() and len(text) <= 3
        ]
        return list(dict.fromkeys(number for number in numbers if number <= MAX_PAYLOAD_TYPE))

    def milliseconds(self, name: str) -> int | None:
        """``a=ptime`` or ``a=maxptime``, rounded; ``None`` if absent or not usable."""
        text = self.attribute(name) or ""
        whole, _, _ = text.strip().partition(".")
        usable = whole.isascii() and whole.isdigit() and len(whole) <= 4 and int(whole) > 0
        return int(whole) if usable else None

    def rtcp(self) -> tuple[int, str | None] | None:
        """``a=rtcp`` (RFC 3605): port, and the address if it names one."""
        match = _match_rtcp(self.attribute("rtcp") or "")
        if match is None or not 0 < int(match.group(1)) <= 65_535:
            return None
        return int(match.group(1)), match.group(2)


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
        """Parse a body.

        :raises RemoteProtocolError: malformed (status 400); nothing else.
        """
        lines = list(_split_lines(data))
        if len(lines) < 2 or lines[0][0] != "v" or not _is_version(lines[0][1]):
            raise malformed("SDP", repr(data[:40]))
        if lines[1][0] != "o":
            raise RemoteProtocolError("SDP without o= after v=", 400)
        session = cls(Origin.parse(lines[1][1]), times=[])
        reader = _Reader(session)
        for kind, value in lines[2:]:
            reader.take(kind, value)
        if not session.times:
            session.times.append("0 0")  # phones that leave out t= are understood all the same
        return session

    def attribute(self, name: str) -> str | None:
        """The value of the first such session attribute, empty without one, ``None`` if absent."""
        return next((value or "" for each, value in self.attributes if each == name), None)

    def encode(self) -> bytes:
        """As on the wire. :raises LocalProtocolError: a value would break out of its line."""
        lines = ["v=0", f"o={self.origin}", f"s={self.name or '-'}"]
        if self.connection is not None:
            lines.append(f"c={self.connection}")
        lines += [f"b={bandwidth}" for bandwidth in self.bandwidths]
        lines += [f"t={time}" for time in self.times]
        lines += [_format_attribute(attribute) for attribute in self.attributes]
        for media in self.media:
            _format_media(media, lines)
        for line in lines:
            check_line("SDP", line)
        try:
            return ("\r\n".join(lines) + "\r\n").encode()
        except UnicodeError:
            raise LocalProtocolError("SDP can't be written as UTF-8") from None


class _Reader:
    """Takes the lines after o= into a session, then into its media."""

    def __init__(self, session: SessionDescription) -> None:
        self._session = session
        self._section: SessionDescription | MediaDescription = session
        self._attributes_left = MAX_ATTRIBUTES

    def take(self, kind: str, value: str) -> None:
        session, section = self._session, self._section
        if kind == "a":
            self._take_attribute(value)
        elif kind == "m":
            if len(session.media) >= MAX_MEDIA:
                raise RemoteProtocolError(f"SDP with more than {MAX_MEDIA} m-lines", 400)
            self._section = MediaDescription.parse(value)
            session.media.append(self._section)
        elif kind == "c":
            section.connection = section.connection or Connection.parse(value)
        elif kind == "b":
            section.bandwidths.append(value)
        elif kind == "s" and section is session:
            session.name = value or "-"
        elif kind == "t" and section is session:
            session.times.append(value)

    def _take_attribute(self, value: str) -> None:
        self._attributes_left -= 1
        if self._attributes_left < 0:
            raise RemoteProtocolError(f"SDP with more than {MAX_ATTRIBUTES} attributes", 400)
        name, colon, text = value.partition(":")
        self._section.attributes.append(Attribute(name.strip(), text.strip() if colon else None))


def _split_lines(data: bytes) -> Iterator[tuple[str, str]]:
    """Lines as (letter, value); bare LF and trailing blank lines are tolerated (RFC 8866 5)."""
    if len(data) > MAX_SIZE:
        raise RemoteProtocolError(f"SDP of {len(data)} bytes", 413)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # as for headers
    for line in text.rstrip("\r\n").replace("\r\n", "\n").split("\n"):
        if line[1:2] != "=" or not ("a" <= line[0] <= "z") or "\r" in line or "\0" in line:
            raise malformed("SDP line", line)
        yield line[0], line[2:].strip(" \t")


def _format_attribute(attribute: Attribute) -> str:
    name, value = attribute
    return f"a={name}" if value is None else f"a={name}:{value}"


def _format_media(media: MediaDescription, lines: list[str]) -> None:
    port = str(media.port) if media.port_count == 1 else f"{media.port}/{media.port_count}"
    lines.append(f"m={media.media} {port} {media.protocol} {' '.join(media.formats)}")
    if media.connection is not None:
        lines.append(f"c={media.connection}")
    lines += [f"b={bandwidth}" for bandwidth in media.bandwidths]
    lines += [_format_attribute(attribute) for attribute in media.attributes]
