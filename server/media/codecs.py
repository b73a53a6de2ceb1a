"""The codecs that the engine speaks, under Asterisk's names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec as RTP and SDP see it.

    :param name: Asterisk's name.
    :param number: the engine's number for it (``enum mp_codec_id``).
    :param rtp_name: encoding name of the SDP's ``rtpmap``.
    :param clock_rate: RTP clock, Hz.
    :param payload_type: static payload type (RFC 3551 section 6), ``None`` if it is dynamic.
    """

    name: str
    number: int
    rtp_name: str
    clock_rate: int
    payload_type: int | None


CODECS: dict[str, Codec] = {
    codec.name: codec
    for codec in (
        Codec("ulaw", 1, "PCMU", 8000, 0),
        Codec("alaw", 2, "PCMA", 8000, 8),
        Codec("slin", 3, "L16", 8000, None),
        Codec("slin16", 4, "L16", 16000, None),
    )
}
CODEC_NAMES: dict[int, str] = {codec.number: codec.name for codec in CODECS.values()}


def is_known_codec(name: str) -> bool:
    """Tell whether the engine speaks the codec of this (Asterisk) name."""
    return name in CODECS
