"""Transactions as traces in virtual time."""

from __future__ import annotations

import pytest

from server.base.errors import LocalProtocolError, Unavailable
from server.sip.headers import Via
from server.sip.message import Request, Response, parse_message
from server.sip.transaction import (
    AckReceived,
    CancelReceived,
    RequestReceived,
    ResponseReceived,
    State,
    TransactionLayer,
    TransactionTerminated,
    TransactionTimeout,
    TransportFailed,
    response_address,
)
from tests.support.playbook import (
    T1,
    T2,
    T4,
    TCP,
    UDP,
    Playbook,
    Report,
    Send,
    TestFlow,
    advance,
    break_flow,
    cancel,
    make_request,
    own_request,
    quiet,
    receive,
    reply,
    respond,
    submit,
)

ENDED = Report(TransactionTerminated, "INVITE")
INVITE_CAME = Report(RequestReceived, "INVITE")


def response(status: int) -> Report:
    return Report(ResponseReceived, status)


# INVITE client


def test_invite_retransmits_with_doubling_until_timer_b() -> None:
    book = Playbook() >> submit() << Send("INVITE")
    interval = T1
    for _ in range(6):
        book >> advance(interval - 0.001) << quiet
        book >> advance(0.001) << Send("INVITE")
        interval *= 2
    book >> advance(64 * T1 - 63 * T1) << Report(TransactionTimeout, "INVITE") << ENDED
    book.done()
    assert len(book.layer) == 0
    assert book.layer.get_timer() is None


def test_invite_over_tcp_does_not_retransmit_but_times_out() -> None:
    book = Playbook(TCP) >> submit() << Send("INVITE") >> advance(64 * T1 - 0.01) << quiet
    book >> advance(0.01) << Report(TransactionTimeout, "INVITE") << ENDED
    book.done()


def test_provisional_response_stops_retransmission_and_timeout() -> None:
    book = Playbook() >> submit() << Send("INVITE") >> advance(0.2) >> reply(100) << response(100)
    (book >> advance(300) << quiet).done()


def test_failure_is_acked_once_per_response_and_lingers_for_timer_d() -> None:
    book = Playbook() >> submit() << Send("INVITE") >> reply(180) << response(180)
    book >> reply(486) << Send("ACK") << response(486)
    book >> reply(486) << Send("ACK")
    book >> advance(31.9) << quiet
    (book >> advance(0.1) << ENDED).done()


def test_ack_to_failure_follows_section_17_1_1_3() -> None:
    book = Playbook()
    request = own_request()
    request.headers.set_all("Route", ["<sip:p1.example;lr>", "<sip:p2.example;lr>"])
    book.client = book.layer.send_request(request, UDP, book.now)
    book.collect()
    book.outputs.clear()
    book >> reply(404) << Send("ACK") << response(404)
    invite, ack = book.sent
    assert isinstance(ack, Request)
    assert ack.uri == request.uri
    assert ack.vias == invite.vias
    assert ack.call_id == invite.call_id
    assert ack.headers.get("From") == invite.headers.get("From")
    assert ack.to.tag == "bob-tag"
    assert ack.cseq == (1, "ACK")
    assert ack.headers.get_all("Route") == invite.headers.get_all("Route")


def test_2xx_is_passed_up_each_time_and_never_acked_here() -> None:
    book = Playbook() >> submit() << Send("INVITE") >> reply(200) << response(200)
    book >> reply(200) << response(200) >> reply(200, to_tag="fork") << response(200)
    (book >> advance(64 * T1) << ENDED).done()


def test_reliable_transport_needs_no_timer_d() -> None:
    book = Playbook(TCP) >> submit() << Send("INVITE")
    book >> reply(486) << Send("ACK") << response(486)
    (book >> advance(0) << ENDED).done()


def test_broken_flow_fails_the_invite() -> None:
    book = Playbook(TCP) >> submit() << Send("INVITE")
    (book >> break_flow() << Report(TransportFailed, "INVITE") << ENDED).done()


# CANCEL


def test_cancel_waits_for_a_provisional_response() -> None:
    book = Playbook() >> submit() << Send("INVITE") >> cancel() << quiet
    (book >> reply(180) << Send("CANCEL") << response(180)).done()
    cancel_request = book.sent[-1]
    assert cancel_request.via == book.sent[0].via
    assert cancel_request.cseq == (1, "CANCEL")


def test_cancel_goes_out_at_once_after_a_provisional_response() -> None:
    book = Playbook() >> submit() << Send("INVITE") >> reply(180) << response(180)
    book >> cancel() << Send("CANCEL") >> cancel() << quiet
    book >> reply(487) << Send("ACK") << response(487)


def test_cancelled_invite_ends_when_no_final_response_comes() -> None:
    book = Playbook(TCP) >> submit() << Send("INVITE") >> reply(180) << response(180)
    book >> cancel() << Send("CANCEL") >> advance(64 * T1 - 0.1) << quiet >> advance(0.1)
    book << Report(TransactionTimeout, "INVITE") << ENDED
    book << Report(TransactionTimeout, "CANCEL") << Report(TransactionTerminated, "CANCEL")
    book.done()


def test_cancel_after_the_answer_makes_no_sense() -> None:
    book = Playbook() >> submit() << Send("INVITE") >> reply(200) << response(200)
    assert book.client is not None
    assert book.layer.cancel(book.client, book.now) is None
    (book >> advance(0) << quiet).done()


def test_received_cancel_names_its_invite() -> None:
    book = Playbook() >> receive() << INVITE_CAME >> receive("CANCEL") << Report(CancelReceived)
    book >> receive("CANCEL") << quiet  # a retransmission before the answer is absorbed
    (book >> respond(487) << Send(487)).done()


def test_cancel_without_its_invite_is_answered_481() -> None:
    (Playbook() >> receive("CANCEL") << Send(481)).done()


# non-INVITE client


def test_non_invite_retransmits_up_to_t2_until_timer_f() -> None:
    book = Playbook() >> submit("OPTIONS") << Send("OPTIONS")
    elapsed = 0.0
    for interval in (0.5, 1, 2, 4, 4, 4, 4, 4, 4, 4):
        book >> advance(interval) << Send("OPTIONS")
        elapsed += interval
    book >> advance(64 * T1 - elapsed) << Report(TransactionTimeout, "OPTIONS")
    (book << Report(TransactionTerminated, "OPTIONS")).done()


def test_non_invite_retransmits_every_t2_once_proceeding() -> None:
    book = Playbook() >> submit("OPTIONS") << Send("OPTIONS") >> reply(100) << response(100)
    book >> advance(T1) << Send("OPTIONS") >> advance(T2) << Send("OPTIONS")
    (book >> advance(T2 - 0.01) << quiet).done()


def test_non_invite_final_response_is_passed_up_once_and_lingers_for_t4() -> None:
    book = Playbook() >> submit("BYE") << Send("BYE") >> reply(200) << response(200)
    book >> reply(200) << quiet >> advance(T4 - 0.1) << quiet
    (book >> advance(0.1) << Report(TransactionTerminated, "BYE")).done()


# INVITE server


def test_invite_without_answer_gets_100_after_200_ms() -> None:
    book = Playbook() >> receive() << INVITE_CAME >> advance(0.199) << quiet
    book >> advance(0.001) << Send(100) >> receive() << Send(100)
    book.done()


def test_tu_that_rings_in_time_spares_the_100() -> None:
    book = Playbook() >> receive() << INVITE_CAME >> respond(180) << Send(180)
    (book >> advance(5) << quiet >> receive() << Send(180)).done()


def test_failure_retransmits_up_to_t2_until_ack_or_timer_h() -> None:
    book = Playbook() >> receive() << INVITE_CAME >> respond(486) << Send(486)
    elapsed = 0.0
    for interval in (0.5, 1, 2, 4, 4, 4, 4, 4, 4, 4):
        book >> advance(interval) << Send(486)
        elapsed += interval
    book >> advance(64 * T1 - elapsed) << Report(TransactionTimeout, "INVITE") << ENDED
    book.done()


def test_ack_confirms_a_failure_and_is_absorbed_for_t4() -> None:
    book = Playbook() >> receive() << INVITE_CAME >> respond(486) << Send(486)
    book >> receive("ACK") << quiet >> receive("ACK") << quiet >> receive() << quiet
    (book >> advance(T4) << ENDED).done()


def test_2xx_absorbs_retransmitted_invites_and_passes_the_ack_up() -> None:
    book = Playbook() >> receive() << INVITE_CAME >> respond(200) << Send(200)
    book >> receive() << quiet
    book >> receive("ACK", branch="z9hG4bKnew", to_tag="our-tag") << Report(AckReceived)
    book >> receive("ACK") << Report(AckReceived)  # phones that reuse the INVITE's branch
    (book >> advance(64 * T1) << ENDED).done()


def test_2xx_may_be_sent_again_while_accepted() -> None:
    book = Playbook() >> receive() << INVITE_CAME >> respond(200) << Send(200)
    (book >> respond(200) << Send(200)).done()


def test_second_final_response_of_another_class_is_refused() -> None:
    book = Playbook() >> receive() << INVITE_CAME >> respond(200) << Send(200)
    with pytest.raises(LocalProtocolError):
        book >> respond(486)
    assert book.server is not None
    assert book.server.state is State.ACCEPTED


def test_invite_server_survives_a_broken_flow() -> None:
    book = Playbook(TCP) >> receive() << INVITE_CAME >> break_flow()
    (book << Report(TransportFailed, "INVITE") >> respond(200) << Send(200)).done()


# non-INVITE server


def test_non_invite_server_repeats_its_final_response_for_timer_j() -> None:
    book = Playbook() >> receive("OPTIONS") << Report(RequestReceived, "OPTIONS")
    book >> receive("OPTIONS") << quiet >> respond(200) << Send(200)
    book >> receive("OPTIONS") << Send(200) >> advance(64 * T1)
    (book << Report(TransactionTerminated, "OPTIONS")).done()
    assert book.layer.counters.retransmissions == 2


def test_request_is_let_go_with_the_final_response() -> None:
    book = Playbook() >> receive("OPTIONS") << Report(RequestReceived, "OPTIONS")
    assert book.server is not None
    assert book.server.request.method == "OPTIONS"
    book >> respond(200) << Send(200)
    with pytest.raises(LocalProtocolError):
        _ = book.server.request


# matching


def test_merged_request_gets_482() -> None:
    book = Playbook() >> receive() << INVITE_CAME
    (book >> receive(branch="z9hG4bKother") << Send(482)).done()
    assert book.layer.counters.merged == 1


def test_same_branch_from_another_host_is_another_transaction() -> None:
    book = Playbook() >> receive() << INVITE_CAME
    request = make_request(call_id="call-2")
    request.via = Via("UDP", "192.0.2.77", 5060, request.via.params)
    book.layer.receive(request, UDP, book.now)
    book.collect()
    (book << INVITE_CAME).done()


def test_rfc_2543_request_is_matched_without_branch() -> None:
    old = {"branch": "1"}
    book = Playbook() >> receive(**old) << INVITE_CAME >> receive(**old) << quiet
    book >> receive("CANCEL", **old) << Report(CancelReceived)
    book.server = next(iter(book.layer._servers.values()))
    book >> respond(486) << Send(486)
    (book >> receive("ACK", **old) << quiet >> advance(T4) << ENDED).done()


def test_stray_response_is_counted_and_dropped() -> None:
    book = Playbook()
    book.layer.receive(make_request().response(200), UDP, book.now)
    book.collect()
    book.done()
    assert book.layer.counters.stray_responses == 1


def test_response_with_two_vias_is_not_ours() -> None:
    book = Playbook() >> submit() << Send("INVITE")
    assert book.client is not None
    answer = book.client.request.response(200)
    answer.vias = (*answer.vias, Via("UDP", "other.example", None, {}))
    book.layer.receive(answer, UDP, book.now)
    book.collect()
    book.done()


def test_ack_without_transaction_goes_up() -> None:
    (Playbook() >> receive("ACK") << Report(AckReceived)).done()


# the network side of Via


@pytest.mark.parametrize(
    ("via", "expected"),
    [
        ("192.0.2.2", "192.0.2.2;branch=z9hG4bK1"),
        ("phone.local", "phone.local;branch=z9hG4bK1;received=192.0.2.2"),
        ("10.0.0.1:5070", "10.0.0.1:5070;branch=z9hG4bK1;received=192.0.2.2"),
    ],
)
def test_received_is_added_when_the_source_differs(via: str, expected: str) -> None:
    book = Playbook()
    data = make_request(branch="z9hG4bK1").encode().replace(b"192.0.2.2:5060", via.encode(), 1)
    book.layer.receive(parse_message(data), UDP, book.now)
    book.collect()
    assert book.request is not None
    assert str(book.request.via) == f"SIP/2.0/UDP {expected}"


def test_rport_is_filled_and_not_believed() -> None:
    flow = TestFlow(remote=("198.51.100.7", 40000))
    for asked in ("rport", "rport=1;received=203.0.113.1"):
        layer = TransactionLayer()
        request = make_request(branch=f"z9hG4bK1;{asked}")
        layer.receive(request, flow, 0.0)
        assert request.via.received == "198.51.100.7"
        assert request.via.rport == 40000
        assert response_address(request) == ("198.51.100.7", 40000)


@pytest.mark.parametrize(
    ("via", "address"),
    [
        ("SIP/2.0/UDP h.example;branch=x", ("h.example", 5060)),
        ("SIP/2.0/TLS h.example;branch=x", ("h.example", 5061)),
        ("SIP/2.0/UDP h.example:5070;received=192.0.2.9", ("192.0.2.9", 5070)),
        ("SIP/2.0/UDP h.example;maddr=224.2.0.1", ("224.2.0.1", 5060)),
        ("SIP/2.0/UDP [2001:db8::1]:5062", ("2001:db8::1", 5062)),
    ],
)
def test_response_address(via: str, address: tuple[str, int]) -> None:
    request = make_request()
    request.headers.set("Via", via)
    assert response_address(request) == address


def test_reply_flow_carries_every_response() -> None:
    other = TestFlow(remote=("192.0.2.2", 9999))
    layer = TransactionLayer(reply_flow=lambda request, flow: other)
    request = make_request("OPTIONS")
    layer.receive(request, UDP, 0.0)
    event = layer.next_event()
    assert isinstance(event, RequestReceived)
    layer.respond(event.txn, request.response(200), 0.0)
    layer.receive(make_request("OPTIONS"), UDP, 0.0)
    layer.receive(make_request("CANCEL", branch="z9hG4bKx"), UDP, 0.0)
    assert [flow for flow, _ in layer.messages_to_send()] == [other, other, other]


# what peers do wrong, and limits


@pytest.mark.parametrize(
    ("spoil", "status"),
    [
        ((b"Call-ID: call-1\r\n", b""), 400),
        ((b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE"), 400),
        ((b"CSeq: 1 OPTIONS", b"CSeq: 99999999999 OPTIONS"), 400),
        ((b"From: Alice", b'From: "Alice'), 400),
        ((b"To: <sip:bob", b"To: <bob"), 400),
        ((b"sip:bob@192.0.2.1 SIP/2.0", b"sip:bob@192.0.2.1 SIP/7.0"), 505),
        ((b"Max-Forwards: 70", b"From: <sip:x@y>;tag=2"), 400),
    ],
)
def test_malformed_request_is_refused(spoil: tuple[bytes, bytes], status: int) -> None:
    layer = TransactionLayer()
    layer.receive(parse_message(make_request("OPTIONS").encode().replace(*spoil)), UDP, 0.0)
    (_, data), *others = layer.messages_to_send()
    assert data.startswith(b"SIP/2.0 %d " % status)
    assert not others
    assert layer.next_event() is None
    assert layer.counters.malformed == 1


@pytest.mark.parametrize(
    "spoil",
    [
        (b"Via: SIP/2.0/UDP", b"Via: SIP/2.0"),
        (b"Via:", b"X-Via:"),
    ],
)
def test_request_without_usable_via_is_dropped(spoil: tuple[bytes, bytes]) -> None:
    layer = TransactionLayer()
    layer.receive(parse_message(make_request().encode().replace(*spoil)), UDP, 0.0)
    assert layer.messages_to_send() == []
    assert layer.next_event() is None


def test_malformed_ack_and_response_are_dropped() -> None:
    book = Playbook() >> submit("OPTIONS") << Send("OPTIONS")
    assert book.client is not None
    bad = book.client.request.response(200).encode().replace(b"To: <sip", b"To: <")
    book.layer.receive(parse_message(bad), UDP, 0.0)
    ack = make_request("ACK").encode().replace(b"Call-ID: call-1\r\n", b"")
    book.layer.receive(parse_message(ack), UDP, 0.0)
    book.collect()
    book.done()
    assert book.layer.counters.malformed == 2


def test_full_layer_refuses_with_503_and_recovers() -> None:
    book = Playbook(options={"max_transactions": 1})
    book >> receive("OPTIONS") << Report(RequestReceived, "OPTIONS")
    book >> receive("OPTIONS", branch="z9hG4bK2", call_id="c2") << Send(503)
    assert book.sent[-1].retry_after == 5
    with pytest.raises(Unavailable):
        book.layer.send_request(own_request(), UDP, book.now)
    assert book.layer.counters.refused == 2
    book >> respond(200) << Send(200) >> advance(64 * T1)
    book << Report(TransactionTerminated, "OPTIONS")
    book >> receive("OPTIONS") << Report(RequestReceived, "OPTIONS")


def test_send_request_needs_a_fresh_branch_and_the_right_method() -> None:
    layer = TransactionLayer()
    for method in ("ACK", "CANCEL"):
        with pytest.raises(LocalProtocolError):
            layer.send_request(own_request(method), UDP, 0.0)
    request = own_request()
    layer.send_request(request, UDP, 0.0)
    with pytest.raises(LocalProtocolError):
        layer.send_request(request.copy(), UDP, 0.0)


def test_response_that_cannot_be_encoded_changes_nothing() -> None:
    book = Playbook() >> receive() << INVITE_CAME
    assert book.request is not None
    assert book.server is not None
    bad = book.request.response(200, "OK\r\nX-Evil: 1")
    with pytest.raises(LocalProtocolError):
        book.layer.respond(book.server, bad, book.now)
    (book >> respond(486) << Send(486)).done()


def test_stateless_ack_gets_a_via_of_its_own() -> None:
    layer = TransactionLayer()
    ack = own_request("ACK")
    layer.send_stateless(ack, UDP)
    ((flow, data),) = layer.messages_to_send()
    sent = parse_message(data)
    assert flow == UDP
    assert sent.via.branch.startswith("z9hG4bK")
    assert (sent.via.host, sent.via.port, sent.via.wants_rport) == ("192.0.2.1", 5060, True)


def test_nothing_remains_after_many_transactions() -> None:
    layer = TransactionLayer()
    for number in range(200):
        layer.receive(make_request("OPTIONS", branch=f"z9hG4bK{number}", cseq=number), UDP, 0.0)
        event = layer.next_event()
        assert isinstance(event, RequestReceived)
        layer.respond(event.txn, Response(200, "OK", event.request.response(200).headers), 0.0)
    layer.handle_timer(64 * T1)
    assert len(layer) == 0
    assert layer.get_timer() is None
    assert not layer._by_flow
    assert not layer._merge_keys
    assert not layer._heap
