"""SIP and SDP: what is written is read back; what is cut and spliced is understood or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import quote as percent_encode

from hypothesis import given
from hypothesis import strategies as st

from server.base.errors import LocalProtocolError, RemoteProtocolError
from server.sip.auth import parse_auth
from server.sip.framing import StreamFramer
from server.sip.grammar import format_params, parse_params, quote, split_commas, unquote
from server.sip.headers import CSeq, Headers, NameAddr, Via
from server.sip.message import Request, parse_message
from server.sip.offer_answer import CODECS, Capabilities, Direction, OfferAnswer
from server.sip.refer import ReferTarget, Replaces, format_sipfrag, parse_sipfrag
from server.sip.sdp import SessionDescription
from server.sip.transaction import TransactionLayer
from server.sip.uri import Uri
from tests.fuzz.fuzz_sdp import exercise as exercise_sdp
from tests.fuzz.fuzz_sip import exercise as exercise_sip
from tests.support.playbook import UDP, make_request

VECTORS = Path(__file__).parents[1] / "vectors"
SIP_VECTORS = [path.read_bytes() for path in sorted(VECTORS.glob("sip/*.sip"))]
SDP_VECTORS = [path.read_bytes() for path in sorted(VECTORS.glob("sdp/*.sdp"))]

TOKEN_CHARACTERS = "abcXYZ019-.!%*_+`'~"
tokens = st.text(TOKEN_CHARACTERS, min_size=1, max_size=12)
names = tokens.map(str.lower)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), max_size=30)
users = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
hosts = st.one_of(
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?(\.[a-z]{1,5}){0,2}", fullmatch=True),
    st.ip_addresses().map(str),
)
ports = st.none() | st.integers(0, 65_535)
uri_params = st.dictionaries(
    st.text("abc-_", min_size=1, max_size=5), st.none() | st.text("abcXYZ0%.:/&+$-", max_size=8),
    max_size=3,
)  # fmt: skip
uris = st.builds(
    Uri,
    st.sampled_from(["sip", "sips"]),
    users | st.just(""),
    hosts,
    ports,
    uri_params,
    st.none(),
    st.just("") | st.from_regex(r"[a-z]{1,5}=[a-z0-9]{1,5}(&[a-z]{1,5}=x)?", fullmatch=True),
)
params = st.dictionaries(
    names, st.none() | tokens | texts.map(quote) | st.just("[2001:db8::1]"), max_size=4
)
# An unquoted display name is stripped; ours are quoted, so all texts survive.
addresses = st.builds(NameAddr, uris, texts, params)
vias = st.builds(Via, tokens.map(str.upper), hosts, ports, params)
header_values = texts.map(lambda text: text.strip(" \t"))
headers = st.lists(st.tuples(tokens.map(lambda name: f"X-{name}"), header_values), max_size=6)


@given(texts)
def test_quoted_string_round_trip(text: str) -> None:
    assert unquote(quote(text)) == text


@given(params)
def test_parameters_round_trip(value: dict[str, str | None]) -> None:
    assert parse_params(format_params(value)) == value


@given(uris)
def test_uri_round_trip(uri: Uri) -> None:
    again = Uri.parse(str(uri))
    assert again == uri
    assert again.equivalent(uri)


@given(addresses)
def test_address_round_trip(address: NameAddr) -> None:
    assert NameAddr.parse(str(address)) == address


replacements = st.builds(Replaces, tokens, tokens, tokens, st.booleans())


@given(replacements)
def test_replaces_round_trip(value: Replaces) -> None:
    assert Replaces.parse(str(value)) == value


@given(uris, replacements)
def test_refer_to_round_trip(uri: Uri, value: Replaces) -> None:
    address = replace(uri, headers=f"Replaces={percent_encode(str(value), safe='')}&Subject=x")
    request = Request("REFER", uri)
    request.headers.set("Refer-To", f"<{address}>")
    assert ReferTarget.of_request(request) == ReferTarget(replace(uri, headers=""), value)


@given(texts)
def test_any_refer_to_and_replaces_is_understood_or_refused(text: str) -> None:
    request = Request("REFER", Uri("sip", "a", "b"))
    request.headers.set("Refer-To", text)
    request.headers.set("Replaces", text)
    for read in (ReferTarget.of_request, Replaces.of_request):
        try:
            read(request)
        except RemoteProtocolError:
            pass


@given(st.integers(100, 699), st.binary(max_size=60))
def test_sipfrag_is_read_from_its_first_line(status: int, rest: bytes) -> None:
    assert parse_sipfrag("message/sipfrag", format_sipfrag(status) + rest) == status


@given(vias)
def test_via_round_trip(via: Via) -> None:
    assert Via.parse(str(via)) == via


@given(st.lists(addresses, min_size=1, max_size=4))
def test_list_of_addresses_is_split_where_it_was_joined(values: list[NameAddr]) -> None:
    joined = ", ".join(map(str, values))
    assert [NameAddr.parse(part) for part in split_commas(joined)] == values


@given(
    tokens, uris, addresses, addresses, tokens, st.integers(0, 2**31 - 1),
    st.lists(vias, min_size=1, max_size=3), headers, st.binary(max_size=100),
)  # fmt: skip
def test_message_round_trip(
    method: str, uri: Uri, from_: NameAddr, to: NameAddr, call_id: str, number: int,
    via_list: list[Via], extra: list[tuple[str, str]], body: bytes,
) -> None:  # fmt: skip
    request = Request.create(method, uri, from_=from_, to=to, call_id=call_id, cseq=number)
    request.vias = via_list
    for name, value in extra:
        request.headers.add(name, value)
    request.body = body
    data = request.encode()
    again = parse_message(data)
    assert isinstance(again, Request)
    again.validate()
    assert (again.method, again.uri, again.body) == (method, uri, body)
    assert (again.from_, again.to, again.call_id) == (from_, to, call_id)
    assert again.cseq == CSeq(number, method)
    assert again.vias == tuple(via_list)
    assert list(again.headers.items()) == list(request.headers.items())
    assert again.encode() == data
    assert StreamFramer().feed(data) == [data]


@given(tokens, st.text(max_size=20))
def test_no_header_value_adds_a_line(name: str, value: str) -> None:
    clean = Headers()
    try:
        clean.set(name, value)
        data = Request("OPTIONS", Uri("sip", "", "h"), clean).encode()
    except LocalProtocolError:
        return
    assert data.count(b"\n") == data.count(b"\r") == 4


def spliced(vectors: list[bytes]) -> st.SearchStrategy[bytes]:
    """Valid input cut, spliced with other valid input, and sprinkled with noise."""

    def build(one: bytes, other: bytes, cuts: tuple[int, int], noise: bytes, at: int) -> bytes:
        data = one[: cuts[0] % (len(one) + 1)] + other[cuts[1] % (len(other) + 1) :]
        place = at % (len(data) + 1)
        return data[:place] + noise + data[place:]

    cut = st.integers(0, 5000)
    samples = st.sampled_from(vectors)
    return st.builds(build, samples, samples, st.tuples(cut, cut), st.binary(max_size=4), cut)


@given(st.binary(max_size=200) | spliced(SIP_VECTORS))
def test_any_bytes_give_a_message_or_a_remote_protocol_error(data: bytes) -> None:
    exercise_sip(data)


@given(st.binary(max_size=200) | spliced(SDP_VECTORS))
def test_any_bytes_give_a_description_or_a_remote_protocol_error(data: bytes) -> None:
    exercise_sdp(data)


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for parse in (Uri.parse, NameAddr.parse, Via.parse, CSeq.parse, split_commas, parse_auth):
        try:
            parse(text)
        except RemoteProtocolError:
            pass


@given(st.lists(st.sampled_from([make_request(m).encode() for m in ("INVITE", "BYE")]), max_size=4),
       st.lists(st.integers(1, 200), max_size=20))  # fmt: skip
def test_framing_does_not_depend_on_the_cuts(messages: list[bytes], cuts: list[int]) -> None:
    stream, framer, found = b"".join(messages), StreamFramer(), []
    for size in cuts:
        found += framer.feed(stream[:size])
        stream = stream[size:]
    assert found + framer.feed(stream) == messages


codec_lists = st.lists(st.sampled_from(sorted(CODECS)), min_size=1, unique=True)
directions = st.sampled_from(list(Direction))


@given(codec_lists, codec_lists, st.lists(st.tuples(st.booleans(), directions, directions)))
def test_two_sides_always_agree(
    ours: list[str], theirs: list[str], rounds: list[tuple[bool, Direction, Direction]]
) -> None:
    one = OfferAnswer(Capabilities(tuple(ours), "192.0.2.1", 10_000), session_id=1)
    two = OfferAnswer(Capabilities(tuple(theirs), "192.0.2.2", 20_000), session_id=2)
    for swap, wanted, allowed in [(False, Direction.SENDRECV, Direction.SENDRECV), *rounds]:
        offerer, answerer = (two, one) if swap else (one, two)
        offer = SessionDescription.parse(offerer.build_offer(wanted).encode())
        try:
            answer, there = answerer.answer(offer, allowed)
        except RemoteProtocolError:
            assert not set(ours) & set(theirs)
            offerer.cancel_offer()
            continue
        here = offerer.apply_answer(SessionDescription.parse(answer.encode()))
        assert here.codec == there.codec
        assert there.receive_map[here.payload_type] == here.codec
        assert here.receive_map[there.payload_type] == there.codec
        assert here.dtmf_payload_type in there.receive_map
        assert there.dtmf_payload_type in here.receive_map
        assert here.direction.can_send is there.direction.can_receive
        assert here.direction.can_receive is there.direction.can_send


@given(st.lists(spliced(SIP_VECTORS), max_size=10))
def test_transaction_layer_takes_whatever_parses(datagrams: list[bytes]) -> None:
    layer, now = TransactionLayer(), 0.0
    for data in datagrams:
        now += 1.0
        try:
            layer.receive(parse_message(data), UDP, now)
        except RemoteProtocolError:
            continue
        for _, answer in layer.messages_to_send():
            parse_message(answer)
    layer.handle_timer(now + 1000)
