"""Channels that are media alone, and plain RTP, the simplest of them: ``UnicastRTP``.

Who is told something by signalling is not there: there is none. A leg of this kind is answered as
soon as its media can flow, and says by channel variables what its peer has to know.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Awaitable, Mapping, Sequence
from ipaddress import ip_address

from server.base.causes import Cause
from server.base.errors import InvalidArgument, Unprocessable
from server.media.codecs import CODECS
from server.media.engine import MediaEngine
from server.media.streams import RtpStream, Stream
from server.tech.base import EndpointInfo, LegListener, OutgoingCall, Party

DEFAULT_CODEC = "ulaw"  # of a dial string and a call that name none
EVENT_PAYLOAD_TYPE = 101  # of RFC 4733 events
# Where no SDP says what a payload type means: RFC 3551 section 6, and 118 as Asterisk has it.
PAYLOAD_TYPES = {"ulaw": 0, "alaw": 8, "slin": 10, "slin16": 118}
RECEIVED_TYPES = {0: "ulaw", 8: "alaw", 10: "slin", 11: "slin", 118: "slin16"}
ANYWHERE = {4: ("0.0.0.0", "192.0.2.1"), 6: ("::", "2001:db8::1")}  # and an example, RFC 5737, 3849


class MediaLeg:
    """The common side of media channels; see :class:`server.tech.base.Leg`.

    :param stream: closed by the leg.
    :ivar variables: channel variables that the channel is made with.
    """

    def __init__(self, name: str, stream: Stream) -> None:
        self.name = name
        self.stream = stream
        self.listener: LegListener | None = None
        self.variables: Mapping[str, str] = {}
        self.is_over = False

    @property
    def protocol_id(self) -> str:
        """Empty: there is no protocol."""
        return ""

    def dial(self, caller: Party, connected: Party) -> None:
        """Answer in the next step: nobody has to pick up."""
        asyncio.get_running_loop().call_soon(self.answered)

    def answered(self) -> None:
        """Report the answer."""
        if self.listener is not None:
            self.listener.on_answered()

    def fail(self, cause: int, reason: str) -> None:
        """Report the end. May be called again."""
        listener, self.listener = self.listener, None
        if listener is not None:
            listener.on_hangup(cause, None, reason)
        self.close()

    def hangup(self, cause: int) -> None:
        """Let the peer go."""
        self.listener = None
        self.close()

    def close(self) -> None:
        """End the media. May be called again."""
        self.is_over = True
        self.stream.close()

    def ring(self) -> None:
        """Do nothing; see the module."""

    def progress(self) -> None:
        """Do nothing; see the module."""

    def answer(self) -> None:
        """Do nothing; see the module."""

    def hold(self) -> None:
        """Do nothing; see the module."""

    def unhold(self) -> None:
        """Do nothing; see the module."""

    def set_connected_line(self, party: Party) -> None:
        """Do nothing; see the module."""

    def send_text(self, text: str) -> None:
        """Do nothing; see the module."""

    def send_dtmf(
        self, digits: str, *, before_ms: int, between_ms: int, duration_ms: int, after_ms: int
    ) -> Awaitable[None]:
        """Send digits with the media."""
        return self.stream.send_dtmf(
            digits,
            before_ms=before_ms,
            between_ms=between_ms,
            duration_ms=duration_ms,
            after_ms=after_ms,
        )

    def redirect(self, target: str) -> None:
        """Refuse: there is no far end that could be sent elsewhere."""
        technology = self.name.partition("/")[0]
        raise Unprocessable("endpoint", f"a channel of {technology} can't be redirected")

    def info(self, item: str) -> str | None:
        """Return nothing: there are no facts but the channel variables."""
        return None


class MediaTechnology:
    """What technologies without configured endpoints have in common."""

    def __init__(self, engine: MediaEngine) -> None:
        self._engine = engine
        self._numbers = itertools.count(1)

    def endpoints(self) -> Sequence[EndpointInfo]:
        """Return nothing: any address can be called, none is configured."""
        return ()

    def endpoint(self, resource: str) -> EndpointInfo | None:
        """Return nothing; see :meth:`endpoints`."""
        return None


class UnicastRtpLeg(MediaLeg):
    """Plain RTP with a fixed address.

    :param host: address or name; a name is looked up when the leg is dialled.
    """

    stream: RtpStream

    def __init__(self, name: str, stream: RtpStream, host: str, port: int, codec: str) -> None:
        super().__init__(name, stream)
        self._target = host, port
        self._codec = codec
        self._lookup: asyncio.Task[None] | None = None

    def dial(self, caller: Party, connected: Party) -> None:
        """Let RTP flow, once the address is known."""
        host, port = self._target
        if is_address(host):
            self._configure(host)
            super().dial(caller, connected)
            return
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in self.stream.host else socket.AF_INET
        lookup = loop.run_in_executor(None, _look_up, host, port, family)
        lookup.add_done_callback(self._on_looked_up)

    def _on_looked_up(self, lookup: asyncio.Future[str]) -> None:
        if self.is_over:
            return
        address = lookup.result()
        if not address:
            self.fail(Cause.NO_ROUTE_DESTINATION, f"{self._target[0]} is unknown")
            return
        self._configure(address)
        self.answered()

    def _configure(self, address: str) -> None:
        self.stream.configure(
            remote=(address, self._target[1]),
            codec=self._codec,
            payload_type=PAYLOAD_TYPES[self._codec],
            dtmf_payload_type=EVENT_PAYLOAD_TYPE,
            receive_map=RECEIVED_TYPES,
            symmetric=False,  # a peer may well send from another port than it listens on
        )


class UnicastRtpTechnology(MediaTechnology):
    """Makes ``UnicastRTP/host:port[/c(codec)]``; see :class:`server.tech.base.Technology`."""

    name = "UnicastRTP"

    def create_leg(self, resource: str, call: OutgoingCall) -> UnicastRtpLeg:
        """Prepare RTP with an address.

        :raises InvalidArgument: no host and port, or a codec that is unknown.
        :raises Unavailable: no RTP port is free.
        """
        destination, _, rest = resource.partition("/")
        host, port = split_host_port("endpoint", destination)
        codec = choose_codec(read_options(rest, "ce"), call)
        local = local_address_for(host)
        is_name = not is_address(host)
        bound = ANYWHERE[6 if ":" in local else 4][0] if is_name else local
        stream = self._engine.open_rtp(bound)
        name = f"{self.name}/{destination}-{next(self._numbers):08x}"
        leg = UnicastRtpLeg(name, stream, host, port, codec)
        leg.variables = {
            "UNICASTRTP_LOCAL_ADDRESS": local,
            "UNICASTRTP_LOCAL_PORT": str(stream.port),
        }
        return leg


def is_address(host: str) -> bool:
    """Tell whether *host* is an IP address and not a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def split_host_port(field: str, text: str) -> tuple[str, int]:
    """Read ``host:port``, ``[IPv6]:port``.

    :raises InvalidArgument: it is something else; names *field*.
    """
    host, colon, number = text.rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if is_bracketed else host
    is_port = number.isascii() and number.isdigit() and len(number) <= 5
    is_host = bool(host) and host.isprintable() and " " not in host
    is_host = is_host and (is_address(host) if is_bracketed else ":" not in host)
    if not colon or not is_host or not is_port or not 0 < int(number) < 65536:
        raise InvalidArgument(field, f"host:port expected, not {text!r}")
    return host, int(number)


def read_options(text: str, known: str) -> Mapping[str, str]:
    """Read Asterisk's options: letters, each with a value in parentheses or without.

    :raises InvalidArgument: an unknown letter, or a parenthesis that is not closed.
    """
    options: dict[str, str] = {}
    at = 0
    while at < len(text):
        letter, value, at = text[at], "", at + 1
        if at < len(text) and text[at] == "(":
            end = text.find(")", at)
            if end < 0:
                raise InvalidArgument("endpoint", f"option {letter} lacks its closing parenthesis")
            value, at = text[at + 1 : end], end + 1
        if letter not in known:
            raise InvalidArgument("endpoint", f"unknown option {letter!r}, of {known} expected")
        options[letter] = value
    return options


def choose_codec(options: Mapping[str, str], call: OutgoingCall, default: str = "") -> str:
    """Return the codec of option ``c``, else the first one that the call may use.

    :raises InvalidArgument: there is no such codec.
    """
    codec = options.get("c") or next(iter(call.formats), "") or default or DEFAULT_CODEC
    if codec not in CODECS:
        raise InvalidArgument("format", f"unknown codec {codec!r}; there is {', '.join(CODECS)}")
    return codec


def local_address_for(host: str) -> str:
    """Return the address of ours from which packets to *host* go out.

    For a name, which is not known yet, it is that of the default route.
    """
    is_six = ":" in host
    target = host if is_address(host) else ANYWHERE[6 if is_six else 4][1]
    family = socket.AF_INET6 if is_six else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target, 9))  # UDP: nothing is sent
            address: str = probe.getsockname()[0]
        except OSError:  # no route
            return "::1" if is_six else "127.0.0.1"
    return address


def _look_up(host: str, port: int, family: int) -> str:
    """Return the first address of a name, empty if there is none. Blocks."""
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return ""
    return str(found[0][4][0]) if found else ""
