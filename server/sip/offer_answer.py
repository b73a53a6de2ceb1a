"""Offer and answer for one audio stream (RFC 3264, RFC 6337)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from server.sip.sdp import SessionDescription


class Direction(StrEnum):
    """Which way media flows, as seen by who writes it."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"


class OfferState(StrEnum):
    """Whose turn it is (RFC 6337)."""

    STABLE = "stable"
    LOCAL_OFFER = "local-offer"  # we offered and wait for the answer
    REMOTE_OFFER = "remote-offer"  # never seen from outside: answer() is one step


@dataclass(frozen=True, slots=True)
class Codec:
    """An audio codec under Asterisk's name."""

    name: str
    encoding: str
    clock_rate: int
    payload_type: int | None  # static, None when dynamic
    channels: int = 1


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this side can and wants to do.

    :param codecs: names in order of preference; unknown ones raise InvalidArgument.
    :param address: where RTP is received, as the peer can reach it.
    :param port: RTP port; RTCP is the next one unless *rtcp_mux*.
    :param dtmf: offer and accept telephone-event.
    :param rtcp_mux: accept and offer RFC 5761 multiplexing.
    """

    codecs: Sequence[str]
    address: str
    port: int
    dtmf: bool = True
    ptime_ms: int = 20
    rtcp_mux: bool = False


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What both sides agreed on.

    :param codec: the codec to send, Asterisk's name.
    :param payload_type: the payload type to send it with.
    :param receive_map: payload type to codec name (or ``telephone-event``) that may arrive.
    :param dtmf_payload_type: to send telephone-events with, ``None`` if the peer takes none.
    :param remote_address: where to send RTP; ``0.0.0.0``/``::`` never appears here: then the
        direction has no sending.
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
        self.capabilities = capabilities
        self.state = OfferState.STABLE
        self.local: SessionDescription | None = None  # the last agreed or offered
        self.remote: SessionDescription | None = None
        self.negotiated: Negotiated | None = None

    def build_offer(self, direction: Direction = Direction.SENDRECV) -> SessionDescription:
        """Make an offer: the first one, a hold (SENDONLY/INACTIVE), a resume, a codec change.

        :raises LocalProtocolError: an offer of ours is unanswered.
        """
        raise NotImplementedError

    def answer(
        self, offer: SessionDescription, direction: Direction = Direction.SENDRECV
    ) -> tuple[SessionDescription, Negotiated]:
        """Answer an offer; m-lines that are not the one audio stream get port 0.

        :param direction: what we want at most; what the offer allows may be less.
        :raises RemoteProtocolError: no audio in common (status 488), or our own offer is
            unanswered (status 491). Nothing changes then.
        """
        raise NotImplementedError

    def apply_answer(self, answer: SessionDescription) -> Negotiated:
        """Take the answer to our offer. A repeated answer (183, then 200) gives the same result.

        :raises RemoteProtocolError: it does not fit the offer (status 488).
        """
        raise NotImplementedError

    def cancel_offer(self) -> None:
        """Our offer was refused or never answered: back to what was agreed before."""
