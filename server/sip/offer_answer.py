"""Offer and answer for one audio stream (RFC 3264, RFC 6337).

A description may have many m-lines; the first usable audio one is ours, all others are answered
with port 0. Only RTP/AVP is spoken; offers of other profiles are refused like unknown media.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from server.base.errors import InvalidArgument, LocalProtocolError, RemoteProtocolError
from server.sip.sdp import (
    Attribute,
    Connection,
    MediaDescription,
    Origin,
    RtpMap,
    SessionDescription,
)

PROTOCOL = "RTP/AVP"
TELEPHONE_EVENT = "telephone-event"
DTMF_EVENTS = "0-16"  # RFC 4733: digits, *, #, A-D, flash
DYNAMIC_PAYLOAD_TYPES = range(96, 128)
SHORTEST_PTIME, LONGEST_PTIME = 10, 60  # ms that we send, in steps of ten


class Direction(StrEnum):
    """Which way media flows, as seen by who writes it."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def can_send(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def can_receive(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @classmethod
    def of(cls, sends: bool, receives: bool) -> Direction:
        """The direction that sends and receives so."""
        if sends:
            return cls.SENDRECV if receives else cls.SENDONLY
        return cls.RECVONLY if receives else cls.INACTIVE


class OfferState(StrEnum):
    """Whose turn it is (RFC 6337). Answering is one step, so a peer's offer never waits."""

    STABLE = "stable"
    LOCAL_OFFER = "local-offer"  # we offered and wait for the answer


@dataclass(frozen=True, slots=True)
class Codec:
    """An audio codec under Asterisk's name."""

    name: str
    encoding: str
    clock_rate: int
    payload_type: int  # the static one, or the dynamic one that we prefer
    channels: int = 1


CODECS: dict[str, Codec] = {
    codec.name: codec
    for codec in (
        Codec("ulaw", "PCMU", 8000, 0),
        Codec("alaw", "PCMA", 8000, 8),
        Codec("slin", "L16", 8000, 117),
        Codec("slin16", "L16", 16000, 118),
    )
}
_BY_RTPMAP = {
    RtpMap(codec.encoding, codec.clock_rate, codec.channels): codec for codec in CODECS.values()
}
_Formats = list[tuple[int, RtpMap]]
_Common = list[tuple[int, Codec]]
_STATIC = {0: RtpMap("PCMU", 8000), 8: RtpMap("PCMA", 8000)}
_DTMF_PAYLOAD_TYPES = {8000: 101, 16000: 102}  # preferred, by clock rate


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this side can and wants to do.

    :param codecs: names in order of preference; unknown ones raise InvalidArgument.
    :param address: where RTP is received, as the peer can reach it.
    :param port: RTP port; RTCP is the next one unless *rtcp_mux*.
    :param dtmf: offer and accept telephone-event.
    :param ptime_ms: packet length we like to get, and send if the peer does not mind.
    :param rtcp_mux: accept and offer RFC 5761 multiplexing.
    :param prefers_own_order: an answer ranks codecs by our order, not by the offer's.
    """

    codecs: Sequence[str]
    address: str
    port: int
    dtmf: bool = True
    ptime_ms: int = 20
    rtcp_mux: bool = False
    prefers_own_order: bool = False

    def __post_init__(self) -> None:
        unknown = [name for name in self.codecs if name not in CODECS]
        if unknown or not self.codecs:
            raise InvalidArgument("codecs", f"{unknown or 'none'} not among {', '.join(CODECS)}")


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What both sides agreed on.

    :param codec: the codec to send, Asterisk's name.
    :param payload_type: the payload type to send it with.
    :param receive_map: payload type to codec name (or ``telephone-event``) that may arrive.
    :param dtmf_payload_type: to send telephone-events with, ``None`` if the peer takes none.
    :param remote_address: where to send RTP: an address or name; empty if the peer gave
        ``0.0.0.0`` or ``::``, and then *direction* does not send.
    :param remote_rtcp: (address, port) for RTCP.
    :param direction: ours.
    :param is_held: the peer put us on hold (it does not want our media).
    :param ptime_ms: packet length to send.
    """

    codec: str
    payload_type: int
    receive_map: Mapping[int, str]
    dtmf_payload_type: int | None
    remote_address: str
    remote_port: int
    remote_rtcp: tuple[str, int]
    direction: Direction
    is_held: bool
    ptime_ms: int
    rtcp_mux: bool = False


class OfferAnswer:
    """The offer/answer state of one dialog: remembers both descriptions and their versions.

    :param capabilities: may be replaced at any time (:attr:`capabilities`); takes effect with the
        next offer or answer.
    :param session_id: o= session id; its version starts there too and grows only with changes.
    """

    def __init__(
        self,
        capabilities: Capabilities,
        *,
        session_id: int,
        username: str = "-",
        session_name: str = "Arion",
    ) -> None:
        # configuration
        self.capabilities = capabilities
        self._session_id = session_id
        self._username = username
        self._session_name = session_name
        # what was agreed, or offered last
        self.state = OfferState.STABLE
        self.local: SessionDescription | None = None
        self.remote: SessionDescription | None = None
        self.negotiated: Negotiated | None = None
        # what must not change during a session (RFC 3264 section 8)
        self._sent: SessionDescription | None = None  # the last description that left us
        self._payload_types: dict[str, int] = {}  # dynamic ones, by codec or event stream
        self._lines: list[tuple[str, str, str]] = [("audio", PROTOCOL, "")]  # of the session
        self._audio_index = 0
        # the offer that is on its way, and what holds if it fails
        self._offered: tuple[SessionDescription, Direction] | None = None
        self._fallback: SessionDescription | None = None

    def build_offer(self, direction: Direction = Direction.SENDRECV) -> SessionDescription:
        """Make an offer: the first one, a hold (SENDONLY/INACTIVE), a resume, a codec change.

        :raises LocalProtocolError: an offer of ours is unanswered.
        """
        if self.state is OfferState.LOCAL_OFFER:
            raise LocalProtocolError("an offer of ours is unanswered")
        codecs = [
            (self._payload_type(CODECS[n]), CODECS[n])
            for n in dict.fromkeys(self.capabilities.codecs)
        ]
        rates = dict.fromkeys(codec.clock_rate for _, codec in codecs)
        events = [(self._event_payload_type(r), r) for r in rates] if self.capabilities.dtmf else []
        audio = self._audio(codecs, events, direction, self.capabilities.rtcp_mux)
        offer = self._describe(audio)
        self._offered = (offer, direction)
        self._fallback = self.local
        self.local = offer
        self.state = OfferState.LOCAL_OFFER
        return offer

    def answer(
        self, offer: SessionDescription, direction: Direction = Direction.SENDRECV
    ) -> tuple[SessionDescription, Negotiated]:
        """Answer an offer; m-lines that are not the one audio stream get port 0.

        :param direction: what we want at most; what the offer allows may be less.
        :raises RemoteProtocolError: no audio in common (status 488), or our own offer is
            unanswered (status 491). Nothing changes then.
        """
        if self.state is OfferState.LOCAL_OFFER:
            raise RemoteProtocolError("offers crossed", 491)
        index, formats, common = self._choose_line(offer)
        if self.capabilities.prefers_own_order:
            common.sort(key=lambda pair: self.capabilities.codecs.index(pair[1].name))
        media = offer.media[index]
        event = self._peer_event(formats, common[0][1].clock_rate)
        ours = _allowed(_direction(offer, media), direction)
        mux = self.capabilities.rtcp_mux and media.attribute("rtcp-mux") is not None
        receive_map = _receive_map(common, event)
        result = self._negotiated(offer, media, common[0], event, ours, receive_map, mux)
        self._lines = [(m.media, m.protocol, " ".join(m.formats)) for m in offer.media]
        self._audio_index = index
        self._learn_payload_types(common, event)
        audio = self._audio(common, [event] if event else [], result.direction, mux)
        self.local = self._describe(audio)
        self.remote = offer
        self.negotiated = result
        self._offered = None
        return self.local, result

    def apply_answer(self, answer: SessionDescription) -> Negotiated:
        """Take the answer to our offer.

        A repeated answer (183, then 200) gives the same result; one that differs is taken anew,
        as servers that put another machine behind the 200 mean it.

        :raises RemoteProtocolError: it does not fit the offer (status 488). Nothing changes then.
        :raises LocalProtocolError: there was no offer of ours.
        """
        if self._offered is None:
            raise LocalProtocolError("there is no offer of ours to answer")
        offer, direction = self._offered
        ours = offer.media[self._audio_index]
        media = answer.media[self._audio_index] if self._audio_index < len(answer.media) else None
        if media is None or not _is_usable(media):
            raise RemoteProtocolError("the answer refuses our audio", 488)
        offered = ours.rtpmaps()
        formats = _formats(media, offered)
        common = _common_codecs(formats, self.capabilities.codecs)
        if not common:
            raise RemoteProtocolError("the answer has none of the codecs offered", 488)
        event = self._peer_event(formats, common[0][1].clock_rate)
        allowed = _allowed(_direction(answer, media), direction)
        mux = media.attribute("rtcp-mux") is not None and ours.attribute("rtcp-mux") is not None
        receive_map = _offered_map(offered, {codec.name for _, codec in common}, event is not None)
        result = self._negotiated(answer, media, common[0], event, allowed, receive_map, mux)
        self.remote = answer
        self.negotiated = result
        self._fallback = None
        self.state = OfferState.STABLE
        return result

    def cancel_offer(self) -> None:
        """Our offer was refused or never answered: back to what was agreed before."""
        if self.state is OfferState.LOCAL_OFFER:
            self.local = self._fallback
            self._fallback = self._offered = None
            self.state = OfferState.STABLE

    # our descriptions

    def _audio(
        self,
        codecs: Sequence[tuple[int, Codec]],
        events: Sequence[tuple[int, int]],
        direction: Direction,
        mux: bool,
    ) -> MediaDescription:
        capabilities = self.capabilities
        media = MediaDescription("audio", capabilities.port, PROTOCOL, [])
        for number, codec in codecs:
            channels = f"/{codec.channels}" if codec.channels > 1 else ""
            _add_format(media, number, f"{codec.encoding}/{codec.clock_rate}{channels}")
        for number, rate in events:
            _add_format(media, number, f"{TELEPHONE_EVENT}/{rate}")
            media.attributes.append(Attribute("fmtp", f"{number} {DTMF_EVENTS}"))
        media.attributes.append(Attribute("ptime", str(capabilities.ptime_ms)))
        media.attributes.append(Attribute(direction.value))
        if mux:
            media.attributes.append(Attribute("rtcp-mux"))
        return media

    def _describe(self, audio: MediaDescription) -> SessionDescription:
        """Put our audio among the refused m-lines, with a version that tells changes."""
        connection = Connection.for_address(self.capabilities.address)
        origin = Origin(
            self._session_id,
            self._session_id,
            connection.address,
            connection.address_type,
            self._username,
        )
        media = [
            audio if index == self._audio_index else _refused(*line)
            for index, line in enumerate(self._lines)
        ]
        description = SessionDescription(origin, self._session_name, connection, media=media)
        if self._sent is not None:
            origin.version = self._sent.origin.version
            if description != self._sent:
                origin.version += 1
        self._sent = description
        return description

    def _payload_type(self, codec: Codec) -> int:
        if codec.payload_type in _STATIC:
            return codec.payload_type
        return self._dynamic(codec.name, codec.payload_type)

    def _event_payload_type(self, rate: int) -> int:
        return self._dynamic(f"{TELEPHONE_EVENT}/{rate}", _DTMF_PAYLOAD_TYPES[rate])

    def _dynamic(self, name: str, preferred: int) -> int:
        """The payload type that *name* has had in this session, or a free one."""
        if name not in self._payload_types:
            used = set(self._payload_types.values())
            candidates = (preferred, *DYNAMIC_PAYLOAD_TYPES)
            self._payload_types[name] = next(n for n in candidates if n not in used)
        return self._payload_types[name]

    def _learn_payload_types(
        self, common: Sequence[tuple[int, Codec]], event: tuple[int, int] | None
    ) -> None:
        theirs = {codec.name: number for number, codec in common if number not in _STATIC}
        if event:
            theirs[f"{TELEPHONE_EVENT}/{event[1]}"] = event[0]
        taken = set(theirs.values())
        kept = {name: n for name, n in self._payload_types.items() if n not in taken}
        self._payload_types = kept | theirs

    # the peer's descriptions

    def _choose_line(self, offer: SessionDescription) -> tuple[int, _Formats, _Common]:
        """The m-line to accept, what it has, and the codecs in common in the offer's order."""
        for index, media in enumerate(offer.media):
            if _is_usable(media):
                formats = _formats(media, {})
                common = _common_codecs(formats, self.capabilities.codecs)
                if common:
                    return index, formats, common
        raise RemoteProtocolError("no audio in common", 488)

    def _peer_event(self, formats: _Formats, rate: int) -> tuple[int, int] | None:
        """The peer's telephone-event: (payload type, clock rate); that of our codec if it can."""
        if not self.capabilities.dtmf:
            return None
        found: dict[int, int] = {}
        for number, each in formats:
            if each.encoding == "TELEPHONE-EVENT":
                found.setdefault(each.clock_rate, number)
        for candidate in (rate, 8000):  # phones that offer 16 kHz codecs often have 8 kHz events
            if candidate in found:
                return found[candidate], candidate
        return None

    def _negotiated(
        self,
        description: SessionDescription,
        media: MediaDescription,
        chosen: tuple[int, Codec],
        event: tuple[int, int] | None,
        direction: Direction,
        receive_map: Mapping[int, str],
        mux: bool,
    ) -> Negotiated:
        address = _address(description, media)
        remote = _direction(description, media)
        rtcp_port, rtcp_address = media.rtcp() or (min(media.port + 1, 65_535), None)
        rtcp = (address, media.port) if mux else (rtcp_address or address, rtcp_port)
        return Negotiated(
            codec=chosen[1].name,
            payload_type=chosen[0],
            receive_map=receive_map,
            dtmf_payload_type=event[0] if event else None,
            remote_address=address,
            remote_port=media.port,
            remote_rtcp=rtcp,
            direction=direction,
            is_held=not remote.can_receive,
            ptime_ms=_ptime_to_send(description, media, self.capabilities.ptime_ms),
            rtcp_mux=mux,
        )


def _add_format(media: MediaDescription, number: int, text: str) -> None:
    media.formats.append(str(number))
    media.attributes.append(Attribute("rtpmap", f"{number} {text}"))


def _refused(media: str, protocol: str, formats: str) -> MediaDescription:
    return MediaDescription(media, 0, protocol, formats.split() or ["0"])


def _is_usable(media: MediaDescription) -> bool:
    return media.media == "audio" and media.protocol == PROTOCOL and media.port > 0


def _formats(media: MediaDescription, known: Mapping[int, RtpMap]) -> _Formats:
    """What the m-line's payload types mean, in its order.

    :param known: what those mean that the m-line itself leaves unexplained.
    """
    maps = media.rtpmaps()
    formats = []
    for number in media.payload_types():
        each = maps.get(number) or known.get(number) or _STATIC.get(number)
        if each is not None:
            formats.append((number, each))
    return formats


def _common_codecs(formats: _Formats, names: Sequence[str]) -> _Common:
    """(payload type, codec) for each of *names* that is among the formats, in their order."""
    common: dict[str, tuple[int, Codec]] = {}
    for number, each in formats:
        codec = _BY_RTPMAP.get(each)
        if codec is not None and codec.name in names:
            common.setdefault(codec.name, (number, codec))
    return list(common.values())


def _receive_map(
    common: Sequence[tuple[int, Codec]], event: tuple[int, int] | None
) -> dict[int, str]:
    receive_map = {number: codec.name for number, codec in common}
    if event:
        receive_map[event[0]] = TELEPHONE_EVENT
    return receive_map


def _offered_map(
    offered: Mapping[int, RtpMap], names: set[str], has_events: bool
) -> dict[int, str]:
    """What may arrive after an answer: the payload types of our offer that it kept."""
    receive_map = {}
    for number, each in offered.items():
        if each.encoding == "TELEPHONE-EVENT":
            if has_events:
                receive_map[number] = TELEPHONE_EVENT
            continue
        codec = _BY_RTPMAP.get(each)
        if codec is not None and codec.name in names:
            receive_map[number] = codec.name
    return receive_map


def _address(description: SessionDescription, media: MediaDescription) -> str:
    connection = media.connection or description.connection
    if connection is None:
        raise RemoteProtocolError("SDP without c= for audio", 488)
    return "" if _is_null(connection.address) else connection.address


def _is_null(address: str) -> bool:
    return address == "0.0.0.0" or (":" in address and not address.strip("0:"))


def _direction(description: SessionDescription, media: MediaDescription) -> Direction:
    """The peer's direction; the hold of RFC 2543 (a null address) takes its receiving away."""
    direction = Direction.SENDRECV
    for attributes in (description.attributes, media.attributes):
        for name, _ in attributes:
            direction = _DIRECTIONS.get(name, direction)
    if not _address(description, media):
        direction = Direction.of(direction.can_send, False)
    return direction


_DIRECTIONS = {each.value: each for each in Direction}


def _allowed(remote: Direction, wanted: Direction) -> Direction:
    """Our direction: what we want as far as the peer's direction has the other end for it."""
    sends = wanted.can_send and remote.can_receive
    return Direction.of(sends, wanted.can_receive and remote.can_send)


def _ptime_to_send(description: SessionDescription, media: MediaDescription, ours: int) -> int:
    wanted = media.milliseconds("ptime") or ours
    longest = media.milliseconds("maxptime") or LONGEST_PTIME
    rounded = min(wanted, longest, LONGEST_PTIME) // 10 * 10
    return max(rounded, SHORTEST_PTIME)
