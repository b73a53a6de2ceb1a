"""Dialog state (RFC 3261 section 12)."""

from __future__ import annotations

import pytest

from server.base.errors import RemoteProtocolError
from server.sip.dialog import MAX_CSEQ, TRANSITIONS, Dialog, DialogId, DialogState
from server.sip.headers import CSeq, NameAddr
from server.sip.message import Request, Response
from server.sip.uri import Uri


def make_request(*routes: str, contact: str | None = "<sip:alice@10.0.0.1>") -> Request:
    request = Request.create(
        "INVITE",
        Uri.parse("sip:bob@example.com"),
        from_=NameAddr.parse("Alice <sip:alice@example.com>;tag=a"),
        to=NameAddr.parse("<sip:bob@example.com>"),
        call_id="c1",
        cseq=7,
    )
    for route in routes:
        request.headers.add("Record-Route", route)
    if contact is not None:
        request.headers.add("Contact", contact)
    return request


def make_response(request: Request, *routes: str, contact: str = "<sip:bob@10.0.0.2>") -> Response:
    response = request.response(200, to_tag="b")
    response.headers.remove("Record-Route")
    for route in routes:
        response.headers.add("Record-Route", route)
    response.headers.add("Contact", contact)
    return response


def test_the_called_side_takes_tags_target_and_routes_from_the_request() -> None:
    dialog = Dialog.from_request(make_request("<sip:p1;lr>", "<sip:p2;lr>"), "b")
    assert dialog.id == DialogId("c1", "b", "a")
    assert str(dialog.target) == "sip:alice@10.0.0.1"
    assert [str(route.uri) for route in dialog.routes] == ["sip:p1;lr", "sip:p2;lr"]
    assert dialog.remote_cseq == 7
    assert dialog.state is DialogState.EARLY
    assert not dialog.is_initiator


def test_the_calling_side_reverses_the_routes() -> None:
    request = make_request()
    dialog = Dialog.from_response(request, make_response(request, "<sip:p1;lr>, <sip:p2;lr>"))
    assert dialog.id == DialogId("c1", "a", "b")
    assert [str(route.uri) for route in dialog.routes] == ["sip:p2;lr", "sip:p1;lr"]
    assert dialog.local_cseq == 7


def test_without_contact_there_is_no_dialog() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        Dialog.from_request(make_request(contact=None), "b")
    assert caught.value.status == 400


def test_requests_go_to_the_target_by_loose_routes() -> None:
    dialog = Dialog.from_request(make_request("<sip:p1;lr>", "<sip:p2;lr>"), "b")
    request = dialog.create_request("BYE")
    assert str(request.uri) == "sip:alice@10.0.0.1"
    assert [str(route.uri) for route in request.routes] == ["sip:p1;lr", "sip:p2;lr"]
    assert str(dialog.next_hop) == "sip:p1;lr"
    assert request.from_.tag == "b"
    assert request.to.tag == "a"
    assert request.cseq == CSeq(1, "BYE")


def test_a_strict_router_becomes_the_request_uri() -> None:
    dialog = Dialog.from_request(make_request("<sip:p1>", "<sip:p2;lr>"), "b")
    request = dialog.create_request("BYE")
    assert str(request.uri) == "sip:p1"
    assert [str(route.uri) for route in request.routes] == ["sip:p2;lr", "sip:alice@10.0.0.1"]
    assert str(dialog.next_hop) == "sip:p1"


def test_without_routes_the_target_is_the_next_hop() -> None:
    dialog = Dialog.from_request(make_request(), "b")
    assert str(dialog.next_hop) == "sip:alice@10.0.0.1"
    assert "Route" not in dialog.create_request("BYE").headers


def test_requests_are_numbered_and_an_ack_has_the_invites_number() -> None:
    request = make_request()
    dialog = Dialog.from_response(request, make_response(request))
    assert dialog.create_request("INFO").cseq == CSeq(8, "INFO")
    assert dialog.create_ack(7).cseq == CSeq(7, "ACK")
    assert dialog.create_request("BYE").cseq == CSeq(9, "BYE")


def test_numbers_wrap_below_their_limit() -> None:
    dialog = Dialog.from_request(make_request(), "b")
    dialog.local_cseq = MAX_CSEQ
    assert dialog.next_cseq() == 1


def test_requests_out_of_order_are_500() -> None:
    dialog = Dialog.from_request(make_request(), "b")
    request = make_request()
    with pytest.raises(RemoteProtocolError) as caught:
        dialog.check_request(request)
    assert caught.value.status == 500
    request.cseq = CSeq(100, "BYE")
    dialog.check_request(request)
    assert dialog.remote_cseq == 100


def test_a_2xx_confirms_and_renews_routes_and_target() -> None:
    request = make_request()
    dialog = Dialog.from_response(request, make_response(request, "<sip:old;lr>"))
    dialog.confirm(make_response(request, "<sip:new;lr>", contact="<sip:bob@10.0.0.9>"))
    assert dialog.state is DialogState.CONFIRMED
    assert [str(route.uri) for route in dialog.routes] == ["sip:new;lr"]
    assert str(dialog.target) == "sip:bob@10.0.0.9"
    dialog.confirm()
    assert dialog.state is DialogState.CONFIRMED


def test_a_message_without_contact_leaves_the_target() -> None:
    dialog = Dialog.from_request(make_request(), "b")
    dialog.refresh_target(make_request(contact=None))
    assert str(dialog.target) == "sip:alice@10.0.0.1"


@pytest.mark.parametrize("source", DialogState)
@pytest.mark.parametrize("target", DialogState)
def test_only_listed_transitions_happen(source: DialogState, target: DialogState) -> None:
    dialog = Dialog.from_request(make_request(), "b")
    dialog.state = source
    if target in TRANSITIONS[source]:
        dialog._set_state(target)
        assert dialog.state is target
    else:
        with pytest.raises(AssertionError):
            dialog._set_state(target)
        assert dialog.state is source


def test_terminate_may_be_called_again() -> None:
    dialog = Dialog.from_request(make_request(), "b")
    dialog.terminate()
    dialog.terminate()
    assert dialog.state is DialogState.TERMINATED
