"""Offer and answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from server.base.errors import InvalidArgument, LocalProtocolError, RemoteProtocolError
from server.sip.offer_answer import CODECS, Capabilities, Direction, OfferAnswer, OfferState
from server.sip.sdp import Attribute, Connection, SessionDescription

VECTORS = Path(__file__).parents[2] / "vectors" / "sdp"
OURS = Capabilities(("ulaw", "alaw"), "192.0.2.1", 10000)


def load(name: str) -> SessionDescription:
    return SessionDescription.parse((VECTORS / f"{name}.sdp").read_bytes())


def side(capabilities: Capabilities = OURS, session_id: int = 100) -> OfferAnswer:
    return OfferAnswer(capabilities, session_id=session_id)


def pair(
    ours: Capabilities = OURS, theirs: Capabilities | None = None
) -> tuple[OfferAnswer, OfferAnswer]:
    """Two sides that agreed: the first one offered."""
    one = side(ours)
    other = side(theirs or replace(OURS, address="192.0.2.2", port=20000), 200)
    answer, _ = other.answer(one.build_offer())
    one.apply_answer(answer)
    return one, other


def text(description: SessionDescription) -> str:
    return description.encode().decode()


# what is written


def test_offer() -> None:
    capabilities = replace(OURS, codecs=tuple(CODECS), rtcp_mux=True)
    assert text(side(capabilities).build_offer()) == (
        "v=0\r\no=- 100 100 IN IP4 192.0.2.1\r\ns=Arion\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
        "m=audio 10000 RTP/AVP 0 8 117 118 101 102\r\n"
        "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
        "a=rtpmap:117 L16/8000\r\na=rtpmap:118 L16/16000\r\n"
        "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
        "a=rtpmap:102 telephone-event/16000\r\na=fmtp:102 0-16\r\n"
        "a=ptime:20\r\na=sendrecv\r\na=rtcp-mux\r\n"
    )


def test_ipv6_offer_without_dtmf() -> None:
    offer = text(side(replace(OURS, address="2001:db8::1", dtmf=False)).build_offer())
    assert "o=- 100 100 IN IP6 2001:db8::1\r\n" in offer
    assert "c=IN IP6 2001:db8::1\r\n" in offer
    assert "telephone-event" not in offer


def test_answer_to_a_desk_phone() -> None:
    answer, result = side().answer(load("desk_phone"))
    assert "m=audio 10000 RTP/AVP 0 8 101\r\n" in text(answer)
    assert result.codec == "ulaw"
    assert result.payload_type == 0
    assert result.receive_map == {0: "ulaw", 8: "alaw", 101: "telephone-event"}
    assert result.dtmf_payload_type == 101
    assert (result.remote_address, result.remote_port) == ("192.0.2.20", 11780)
    assert result.remote_rtcp == ("192.0.2.20", 11781)
    assert result.direction is Direction.SENDRECV
    assert not result.is_held
    assert result.ptime_ms == 20


# codecs


def test_offer_order_decides_unless_ours_is_preferred() -> None:
    offer = load("static_types_without_rtpmap")
    assert side().answer(offer)[1].codec == "alaw"
    assert side(replace(OURS, prefers_own_order=True)).answer(offer)[1].codec == "ulaw"


def test_dynamic_types_keep_the_offerers_numbers() -> None:
    answer, result = side(replace(OURS, codecs=("slin16",))).answer(
        load("dynamic_l16_and_16k_events")
    )
    assert "m=audio 10000 RTP/AVP 97 98\r\n" in text(answer)
    assert "a=rtpmap:97 L16/16000\r\na=rtpmap:98 telephone-event/16000\r\n" in text(answer)
    assert (result.codec, result.payload_type, result.dtmf_payload_type) == ("slin16", 97, 98)


def test_8k_events_serve_16k_audio_when_there_are_no_others() -> None:
    offer = load("dynamic_l16_and_16k_events")
    offer.media[0].attributes.remove(Attribute("rtpmap", "98 telephone-event/16000"))
    _, result = side(replace(OURS, codecs=("slin16",))).answer(offer)
    assert result.dtmf_payload_type == 99


def test_dtmf_can_be_switched_off_and_be_missing() -> None:
    _, result = side(replace(OURS, dtmf=False)).answer(load("desk_phone"))
    assert result.dtmf_payload_type is None
    assert "telephone-event" not in result.receive_map.values()
    assert side().answer(load("static_types_without_rtpmap"))[1].dtmf_payload_type is None


def test_unknown_codecs_and_odd_lines_are_ignored() -> None:
    _, result = side().answer(load("odd_rtpmaps"))
    assert result.receive_map == {0: "ulaw", 97: "alaw"}


@pytest.mark.parametrize("name", ["nothing_in_common", "browser_savpf", "no_address"])
def test_offer_without_usable_audio_is_488(name: str) -> None:
    us = side()
    with pytest.raises(RemoteProtocolError) as caught:
        us.answer(load(name))
    assert caught.value.status == 488
    assert (us.local, us.remote, us.negotiated) == (None, None, None)


def test_configuration_is_checked() -> None:
    for codecs in ((), ("ulaw", "speex")):
        with pytest.raises(InvalidArgument):
            replace(OURS, codecs=codecs)


def test_asymmetric_payload_types() -> None:
    """The answerer may number a codec otherwise: each sends what the other receives."""
    us = side(replace(OURS, codecs=("slin", "ulaw")))
    us.build_offer()
    answer = load("desk_phone")
    answer.media[0].formats = ["96", "100"]
    answer.media[0].attributes = [
        Attribute("rtpmap", "96 L16/8000"),
        Attribute("rtpmap", "100 telephone-event/8000"),
    ]
    result = us.apply_answer(answer)
    assert (result.codec, result.payload_type, result.dtmf_payload_type) == ("slin", 96, 100)
    assert result.receive_map == {117: "slin", 101: "telephone-event"}


def test_answer_without_rtpmap_means_the_offers_numbers() -> None:
    us = side(replace(OURS, codecs=("slin",)))
    us.build_offer()
    answer = load("desk_phone")
    answer.media[0].formats = ["117", "101"]
    answer.media[0].attributes = []
    result = us.apply_answer(answer)
    assert (result.codec, result.dtmf_payload_type) == ("slin", 101)


def test_payload_types_stay_through_a_session() -> None:
    us = side(replace(OURS, codecs=("slin16", "slin")))
    us.answer(load("dynamic_l16_and_16k_events"))
    offer = text(us.build_offer())
    assert "a=rtpmap:97 L16/16000" in offer
    assert "a=rtpmap:98 telephone-event/16000" in offer
    assert "a=rtpmap:117 L16/8000" in offer


def test_payload_type_taken_by_the_peer_is_not_used_for_another_codec() -> None:
    us = side(replace(OURS, codecs=("slin16", "slin")))
    offer = load("dynamic_l16_and_16k_events")
    offer.media[0].formats = ["117", "101"]
    offer.media[0].attributes = [
        Attribute("rtpmap", "117 L16/16000"),
        Attribute("rtpmap", "101 telephone-event/16000"),
    ]
    us.answer(offer)
    numbers = us.build_offer().media[0].payload_types()
    assert len(numbers) == len(set(numbers)) == 4


# m-lines


def test_other_media_is_answered_with_port_0_in_place() -> None:
    answer, result = side().answer(load("audio_and_video"))
    lines = [line for line in text(answer).split("\r\n") if line.startswith("m=")]
    assert lines == [
        "m=video 0 RTP/AVP 31",
        "m=audio 10000 RTP/AVP 0 101",
        "m=application 0 TCP/BFCP *",
        "m=image 0 UDPTL t38",
    ]
    assert result.remote_port == 4000


def test_savp_is_refused_beside_avp() -> None:
    answer, result = side().answer(load("savp_then_avp"))
    assert [media.port for media in answer.media] == [0, 10000]
    assert result.remote_port == 4002


def test_our_later_offers_keep_the_m_lines() -> None:
    us = side()
    us.answer(load("audio_and_video"))
    assert [media.port for media in us.build_offer().media] == [0, 10000, 0, 0]


# ptime, rtcp


@pytest.mark.parametrize(
    ("ptime", "maxptime", "sent"),
    [
        (None, None, 20), ("10", None, 10), ("30", None, 30), ("60", None, 60), ("200", None, 60),
        ("20", "10", 10), (None, "40", 20), ("25", None, 20), ("1", None, 10), ("0", "0", 20),
    ],
)  # fmt: skip
def test_ptime(ptime: str | None, maxptime: str | None, sent: int) -> None:
    offer = load("static_types_without_rtpmap")
    for name, value in (("ptime", ptime), ("maxptime", maxptime)):
        if value is not None:
            offer.media[0].attributes.append(Attribute(name, value))
    assert side().answer(offer)[1].ptime_ms == sent


def test_rtcp_address_port_and_mux() -> None:
    _, result = side().answer(load("rtcp_mux_and_port"))
    assert (result.rtcp_mux, result.remote_rtcp) == (False, ("192.0.2.20", 4500))
    answer, result = side(replace(OURS, rtcp_mux=True)).answer(load("rtcp_mux_and_port"))
    assert (result.rtcp_mux, result.remote_rtcp) == (True, ("192.0.2.20", 4000))
    assert answer.media[0].attribute("rtcp-mux") == ""
    _, result = side().answer(load("ipv6_and_media_level_address"))
    assert result.remote_address == "2001:db8::2"
    assert result.remote_rtcp == ("2001:db8::3", 53020)
    one, other = pair(replace(OURS, rtcp_mux=True), replace(OURS, rtcp_mux=True))
    assert one.negotiated is not None
    assert other.negotiated is not None
    assert one.negotiated.rtcp_mux
    assert other.negotiated.rtcp_mux


# directions and hold


@pytest.mark.parametrize(
    ("offered", "wanted", "ours", "held"),
    [
        ("sendrecv", "sendrecv", "sendrecv", False),
        ("sendrecv", "sendonly", "sendonly", False),
        ("sendrecv", "recvonly", "recvonly", False),
        ("sendrecv", "inactive", "inactive", False),
        ("sendonly", "sendrecv", "recvonly", True),
        ("sendonly", "sendonly", "inactive", True),
        ("recvonly", "sendrecv", "sendonly", False),
        ("recvonly", "recvonly", "inactive", False),
        ("inactive", "sendrecv", "inactive", True),
    ],
)
def test_directions(offered: str, wanted: str, ours: str, held: bool) -> None:
    offer = load("static_types_without_rtpmap")
    offer.media[0].attributes.append(Attribute(offered))
    answer, result = side().answer(offer, Direction(wanted))
    assert result.direction == ours
    assert result.is_held is held
    assert answer.media[0].attribute(ours) == ""


@pytest.mark.parametrize(
    ("name", "ours", "held"),
    [
        ("hold_sendonly", "recvonly", True),
        ("hold_inactive_at_session_level", "inactive", True),
        ("hold_session_level_overridden", "sendrecv", False),
        ("hold_null_address", "recvonly", True),
        ("hold_null_ipv6_address", "recvonly", True),
    ],
)
def test_hold_styles(name: str, ours: str, held: bool) -> None:
    _, result = side().answer(load(name))
    assert (result.direction, result.is_held) == (ours, held)
    assert (result.remote_address == "") is ("null" in name)


def test_hold_and_resume_between_two_sides() -> None:
    one, other = pair()
    answer, held = other.answer(one.build_offer(Direction.SENDONLY))
    assert held.is_held
    assert held.direction is Direction.RECVONLY
    ours = one.apply_answer(answer)
    assert ours.direction is Direction.SENDONLY
    assert not ours.is_held
    answer, resumed = other.answer(one.build_offer())
    assert not resumed.is_held
    assert one.apply_answer(answer).direction is Direction.SENDRECV


# versions


def test_version_grows_only_with_changes() -> None:
    us = side()
    names = ("desk_phone", "desk_phone", "hold_sendonly", "hold_sendonly", "desk_phone")
    versions = [us.answer(load(name))[0].origin.version for name in names]
    assert versions == [100, 100, 101, 101, 102]


def test_version_grows_when_the_address_changes_and_after_a_cancelled_offer() -> None:
    one, _ = pair()
    held = one.build_offer(Direction.SENDONLY)
    assert held.origin.version == 101
    one.cancel_offer()
    assert one.build_offer().origin.version == 102
    one.cancel_offer()
    one.capabilities = replace(OURS, port=11000)
    assert one.build_offer().origin.version == 103


# whose turn it is


def test_states() -> None:
    us = side()
    us.build_offer()
    assert us.state is OfferState.LOCAL_OFFER
    with pytest.raises(LocalProtocolError):
        us.build_offer()
    with pytest.raises(RemoteProtocolError) as caught:
        us.answer(load("desk_phone"))
    assert caught.value.status == 491
    us.apply_answer(load("desk_phone"))
    assert us.state is OfferState.STABLE


def test_answer_without_offer_is_our_fault() -> None:
    with pytest.raises(LocalProtocolError):
        side().apply_answer(load("desk_phone"))


def test_repeated_answer_gives_the_same_and_another_one_is_taken() -> None:
    us = side()
    us.build_offer()
    first = us.apply_answer(load("desk_phone"))
    assert us.apply_answer(load("desk_phone")) == first
    other = load("desk_phone")
    other.connection = Connection("198.51.100.9")
    assert us.apply_answer(other).remote_address == "198.51.100.9"


@pytest.mark.parametrize("name", ["nothing_in_common", "browser_savpf"])
def test_answer_that_does_not_fit_is_488(name: str) -> None:
    us = side()
    us.build_offer()
    with pytest.raises(RemoteProtocolError) as caught:
        us.apply_answer(load(name))
    assert caught.value.status == 488
    assert us.state is OfferState.LOCAL_OFFER
    refused = load("desk_phone")
    refused.media[0].port = 0
    empty = load("desk_phone")
    empty.media.clear()
    for answer in (refused, empty):
        with pytest.raises(RemoteProtocolError):
            us.apply_answer(answer)


def test_cancelled_offer_leaves_what_was_agreed() -> None:
    one, _ = pair()
    agreed, negotiated = one.local, one.negotiated
    one.build_offer(Direction.INACTIVE)
    one.cancel_offer()
    one.cancel_offer()
    assert one.local is agreed
    assert one.negotiated is negotiated
    assert one.state is OfferState.STABLE


def test_failed_re_offer_of_the_peer_changes_nothing() -> None:
    us = side()
    us.answer(load("desk_phone"))
    before = (us.local, us.remote, us.negotiated)
    with pytest.raises(RemoteProtocolError):
        us.answer(load("nothing_in_common"))
    assert (us.local, us.remote, us.negotiated) == before
