"""Who calls, as the headers and the configuration say."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.sip.headers import NameAddr
from server.sip.identity import (
    ANONYMOUS,
    add_diversion,
    add_identity,
    from_address,
    read_asserted,
    read_caller,
    read_redirecting,
    user_of,
)
from server.sip.message import Request
from server.sip.settings import Endpoint
from server.sip.uri import Uri
from server.tech.base import Party, Redirecting


def invite(sender: str = '"Alice" <sip:alice@x>;tag=1', **headers: str) -> Request:
    request = Request.create(
        "INVITE",
        Uri("sip", "a", "b"),
        from_=NameAddr.parse(sender),
        to=NameAddr(Uri("sip", "a", "b")),
        call_id="c",
        cseq=1,
    )
    for name, value in headers.items():
        request.headers.add(name.replace("_", "-"), value)
    return request


TRUSTED = Endpoint(name="e", trust_id_inbound=True)


@pytest.mark.parametrize(
    ("request_", "endpoint", "party"),
    [
        (invite(), Endpoint(), Party("Alice", "alice")),
        (invite("<sip:100;cpc=x@y>;tag=1"), Endpoint(), Party("", "100;cpc=x")),
        (invite("<sip:a@anonymous.invalid>;tag=1"), Endpoint(), Party("", "a", "prohib")),
        (invite(P_Asserted_Identity='"B" <sip:200@x>'), Endpoint(), Party("Alice", "alice")),
        (invite(P_Asserted_Identity='"B" <sip:200@x>'), TRUSTED, Party("B", "200")),
        (invite(P_Asserted_Identity="<sip:200@x>", Privacy="id"), TRUSTED,
         Party("", "200", "prohib")),
        (invite(Remote_Party_ID='"C" <sip:300@x>;privacy=off'), TRUSTED, Party("C", "300")),
        (invite(Remote_Party_ID="<sip:300@x>;privacy=full"), TRUSTED, Party("", "300", "prohib")),
        (invite(P_Asserted_Identity="<<<"), TRUSTED, Party("Alice", "alice")),
        (invite(), Endpoint(callerid=Party("Z", "1")), Party("Z", "1")),
        (invite(), Endpoint(callerid_privacy="prohib"), Party("Alice", "alice", "prohib")),
    ],
)  # fmt: skip
def test_the_caller(request_: Request, endpoint: Endpoint, party: Party) -> None:
    assert read_caller(request_, endpoint) == party


def test_options_of_the_user_part_may_be_ignored() -> None:
    request = invite("<sip:100;cpc=x@y>;tag=1")
    assert read_caller(request, Endpoint(), strip_options=True) == Party("", "100")


def test_without_an_assertion_there_is_none() -> None:
    assert read_asserted(invite()) is None


@pytest.mark.parametrize(
    ("values", "number", "reason", "orig", "count"),
    [
        (["<sip:700@x>;reason=user-busy"], "700", "cfb", "", 1),
        (["<sip:700@x>;reason=other", "<sip:600@x>;reason=no-answer"], "700", "unknown", "600", 2),
        (["<<"], "", "unknown", "", 0),
        ([], "", "unknown", "", 0),
    ],
)
def test_who_redirected_the_call(
    values: list[str], number: str, reason: str, orig: str, count: int
) -> None:
    request = invite()
    for value in values:
        request.headers.add("Diversion", value)
    found = read_redirecting(request)
    assert (found.from_.number, found.reason, found.count) == (number, reason, count)
    assert found.orig.number == orig


def test_a_hidden_diverter_stays_hidden() -> None:
    found = read_redirecting(invite(Diversion='"A" <sip:7@x>;privacy=full;reason=away'))
    assert found.from_ == Party("A", "7", "prohib")


@pytest.mark.parametrize("sends", [True, False])
def test_a_peer_hears_who_redirected_the_call(sends: bool) -> None:
    request = invite()
    redirecting = Redirecting(
        orig=Party("", "600"), from_=Party("A", "7", "prohib"), reason="cfb", orig_reason="cfnr"
    )
    add_diversion(request, Endpoint("bob", send_diversion=sends), redirecting, "d")
    expected = [
        '"A" <sip:7@d>;reason=user-busy;privacy=full',
        "<sip:600@d>;reason=no-answer",
    ]
    assert request.headers.get_all("Diversion") == (expected if sends else [])


@pytest.mark.parametrize(
    ("options", "party", "headers"),
    [
        ({}, Party("A", "1"), {}),
        ({"send_pai": True}, Party("A", "1"), {"P-Asserted-Identity": '"A" <sip:1@d>'}),
        ({"send_pai": True}, Party("A", ""), {}),
        ({"send_pai": True}, Party("A", "1", "prohib"), {}),
        ({"send_pai": True, "trust_id_outbound": True}, Party("A", "1", "prohib"),
         {"P-Asserted-Identity": '"A" <sip:1@d>', "Privacy": "id"}),
        ({"send_rpid": True}, Party("", "1"),
         {"Remote-Party-ID": "<sip:1@d>;party=calling;privacy=off;screen=no"}),
    ],
)  # fmt: skip
def test_what_is_asserted(options: dict[str, bool], party: Party, headers: dict[str, str]) -> None:
    request = invite()
    before = dict(request.headers.items())
    add_identity(request, Endpoint(**options), party, "d")  # type: ignore[arg-type]
    added = {k: v for k, v in request.headers.items() if k not in before}
    assert added == headers


@pytest.mark.parametrize(
    ("options", "party", "text"),
    [
        ({}, Party("A", "1"), '"A" <sip:1@d>'),
        ({}, Party("", ""), "<sip:asterisk@d>"),
        ({"from_user": "u", "from_domain": "x"}, Party("A", "1"), '"A" <sip:u@x>'),
        ({}, Party("A", "1", "prohib"), str(ANONYMOUS)),
    ],
)
def test_the_from_address(options: dict[str, str], party: Party, text: str) -> None:
    endpoint = Endpoint(**options)  # type: ignore[arg-type]
    assert str(from_address(endpoint, party, "asterisk", "d")) == text


@given(st.text(min_size=1))
def test_no_control_character_becomes_part_of_a_number(text: str) -> None:
    number = user_of(Uri.parse(f"sip:{quote(text, safe='')}@x"))
    assert not any(unicodedata.category(letter) == "Cc" for letter in number)
    if text.isalnum():
        assert number == text


def test_no_control_character_becomes_part_of_a_caller() -> None:
    sender = NameAddr(Uri("sip", "1\r\n2\x002", "x"), "A\tl\x01ice", {"tag": "1"})
    request = invite()
    request.from_ = sender
    assert read_caller(request, Endpoint()) == Party("Alice", "122")
