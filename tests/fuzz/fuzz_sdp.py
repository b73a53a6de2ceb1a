"""Invariant: any bytes give a description or RemoteProtocolError; a description can be written and
read again, and answering it, or taking it as an answer, works or raises RemoteProtocolError.

Run as ``python -m tests.fuzz.fuzz_sdp [seconds] [seed]``.
"""

from __future__ import annotations

import sys

from server.base.errors import RemoteProtocolError
from server.sip.offer_answer import CODECS, Capabilities, OfferAnswer
from server.sip.sdp import SessionDescription
from tests.fuzz.mutation import run, seeds

TOKENS = [
    b"\r\n", b"\n", b"\r", b"\0", b"=", b":", b"/", b" ", b"m=audio 4000 RTP/AVP 0\r\n", b"a=",
    b"a=rtpmap:", b"a=ptime:", b"a=sendonly\r\n", b"a=rtcp:", b"c=IN IP4 0.0.0.0\r\n", b"IN IP6 ::",
    b"4294967296", b"99999999999999999999999", b"-1", b"\xff", b"\xc3\xa9", b"127", b"128",
    b"RTP/AVP", b"telephone-event/8000", b"PCMU/8000/1", b"L16/16000",
]  # fmt: skip
OURS = Capabilities(tuple(CODECS), "192.0.2.1", 10_000, rtcp_mux=True)


def exercise(data: bytes) -> None:
    """Raise if the invariant does not hold for *data*."""
    try:
        session = SessionDescription.parse(data)
    except RemoteProtocolError:
        return
    assert SessionDescription.parse(session.encode()) == session
    side = OfferAnswer(OURS, session_id=1)
    try:
        answer, result = side.answer(session)
    except RemoteProtocolError:
        pass
    else:
        assert SessionDescription.parse(answer.encode()) == answer
        assert len(answer.media) == len(session.media)
        assert sum(media.port > 0 for media in answer.media) == 1
        assert result.codec in result.receive_map.values()
    offerer = OfferAnswer(OURS, session_id=2)
    offerer.build_offer()
    try:
        offerer.apply_answer(session)
    except RemoteProtocolError:
        pass


def main(seconds: float, seed: int = 0) -> int:
    """Fuzz for some seconds; returns the number of rounds."""
    return run(seconds, exercise, seeds("sdp/*.sdp") + seeds("regressions/*.sdp"), TOKENS, seed)


if __name__ == "__main__":
    arguments = [float(argument) for argument in sys.argv[1:]]
    print(main(arguments[0] if arguments else 10.0, int(arguments[1]) if arguments[1:] else 0))
