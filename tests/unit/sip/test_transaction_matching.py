"""Keys of transactions, and the requests that share a branch."""

from __future__ import annotations

import pytest

from server.sip.message import Request
from server.sip.transaction_matching import (
    MAGIC_COOKIE,
    hop_by_hop,
    make_via,
    new_branch,
    new_tag,
    server_key,
)
from tests.support.playbook import TCP, TestFlow, make_request


def test_branch_sent_by_and_method_make_the_key() -> None:
    key = server_key(make_request())
    assert server_key(make_request(call_id="other", cseq=9)) == key
    assert server_key(make_request("ACK")) == key
    assert server_key(make_request("BYE")) != key
    assert server_key(make_request(branch="z9hG4bKother")) != key
    other_port = make_request()
    other_port.via = other_port.via._replace(port=5070)
    assert server_key(other_port) != key


def test_host_of_sent_by_is_compared_without_case() -> None:
    one, other = make_request(), make_request()
    one.via = one.via._replace(host="Phone.Example")
    other.via = other.via._replace(host="phone.example")
    assert server_key(one) == server_key(other)


@pytest.mark.parametrize(
    "change", [{"call_id": "x"}, {"cseq": 2}, {"uri": "sip:x@h"}, {"branch": "2"}]
)
def test_without_cookie_the_whole_identity_counts(change: dict[str, object]) -> None:
    old = {"branch": "1"}
    assert server_key(make_request(**old)) == server_key(make_request(**old))
    assert server_key(make_request("ACK", **old)) == server_key(make_request(**old))
    assert server_key(make_request(**{**old, **change})) != server_key(make_request(**old))


def test_cancel_copies_what_section_9_1_asks_for() -> None:
    invite = make_request()
    invite.headers.set_all("Route", ["<sip:a;lr>", "<sip:b;lr>"])
    invite.headers.add("Via", "SIP/2.0/UDP second.example")
    invite.headers.set("Require", "100rel")
    invite.set_body("text/plain", b"x")
    cancel = hop_by_hop("CANCEL", invite)
    assert isinstance(cancel, Request)
    assert (cancel.method, cancel.uri, cancel.body) == ("CANCEL", invite.uri, b"")
    assert cancel.vias == (invite.via,)
    assert (cancel.from_, cancel.to, cancel.call_id) == (invite.from_, invite.to, invite.call_id)
    assert cancel.cseq == (1, "CANCEL")
    assert cancel.headers.get_all("Route") == ["<sip:a;lr>", "<sip:b;lr>"]
    assert "Require" not in cancel.headers


def test_own_via_asks_for_rport() -> None:
    via = make_via(TCP)
    assert str(via).startswith("SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK")
    assert via.wants_rport
    assert str(make_via(TestFlow(local=("::1", 5060)))).startswith("SIP/2.0/UDP [::1]:5060;")


def test_branches_and_tags_do_not_repeat() -> None:
    assert len({new_branch() for _ in range(100)}) == len({new_tag() for _ in range(100)}) == 100
    assert new_branch().startswith(MAGIC_COOKIE)
