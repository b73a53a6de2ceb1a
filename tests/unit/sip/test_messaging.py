"""Texts and referrals between two technologies over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.base.errors import InvalidArgument, NotFound
from server.sip.notify import read_notify
from tests.unit.sip.test_leg import World, until


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.start()
    yield world
    await world.close()


async def test_a_text_reaches_an_endpoint(world: World) -> None:
    variables = {"X-Mood": "urgent", "Content-Type": "text/html", "Via": "nonsense"}
    world.server.tech.send_message("alice", '"Me" <sip:me@example.com>', "<b>hi</b>", variables)
    received = world.phone.sink.messages
    await until(lambda: received)
    assert (received[0].endpoint, received[0].exten) == ("anonymous", "alice")
    assert received[0].sender == '"Me" <sip:me@example.com>'
    assert received[0].body == "<b>hi</b>"
    assert received[0].variables["X-Mood"] == "urgent"
    assert received[0].variables["Content-Type"] == "text/html"


async def test_a_notify_goes_out_with_its_headers_and_body(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[bytes] = []
    world.server.tech.set_logger(lambda is_sent, flow, data: sent.append(data))
    fields = [("event", "check-sync"), ("Content-type", "text/x"), ("Content", "now")]
    world.server.tech.notify("alice", read_notify(fields))
    await until(lambda: "NOTIFY was not accepted" in caplog.text)
    request = sent[0].decode()
    assert request.startswith("NOTIFY sip:alice@127.0.0.1:")
    assert "\r\nEvent: check-sync\r\n" in request
    assert "\r\nContent-Type: text/x\r\n" in request
    assert request.endswith("\r\n\r\nnow\r\n")
    for name in ("a b", "CSeq"):
        with pytest.raises(InvalidArgument):
            read_notify([(name, "x")])


async def test_a_text_of_a_phone_is_challenged_and_taken(world: World) -> None:
    world.phone.tech.send_message("server", "", "hello", {})
    await until(lambda: world.server.sink.messages)
    message = world.server.sink.messages[0]
    assert (message.endpoint, message.body) == ("alice", "hello")
    assert message.variables["PJSIP_TRANSPORT"] == "udp"
    assert "Authorization" not in message.variables


async def test_a_text_that_nobody_takes_is_refused(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    port = world.server.port()
    world.phone.tech.send_message(f"server/sip:nobody@127.0.0.1:{port}", "", "hello", {})
    await until(lambda: "MESSAGE was not delivered: 404" in caplog.text)


async def test_a_referral_that_is_refused_leaves_nothing(world: World) -> None:
    world.server.tech.refer("alice", "me", "sip:200@example.com", {}, to_self=False)
    assert world.server.tech.counters()["referrals_live"] == 1
    await until(lambda: world.server.tech.counters()["referrals_live"] == 0)


@pytest.mark.parametrize(
    ("refer_to", "to_self", "variables", "expected"),
    [
        ("sip:200@example.com", False, {}, "<sip:200@example.com>"),
        ("200@example.com", False, {}, "<sip:200@example.com>"),
        ("pjsip:alice", False, {}, "<sip:alice@127.0.0.1:{phone};transport=udp>"),
        ("PJSIP/alice", True, {}, "<sip:alice@127.0.0.1:{server}>"),
        ("sip:2@a.b", False, {"display_name": "Bob B"}, '"Bob B" <sip:2@a.b>'),
    ],
)
async def test_where_an_endpoint_is_referred_to(
    world: World, refer_to: str, to_self: bool, variables: dict[str, str], expected: str
) -> None:
    sent: list[bytes] = []
    world.server.tech.set_logger(lambda is_sent, flow, data: sent.append(data))
    world.server.tech.refer("alice", "me", refer_to, variables | {"X-A": "1"}, to_self=to_self)
    await until(lambda: sent)
    ports = {"phone": world.phone.port(), "server": world.server.port()}
    lines = sent[0].decode().split("\r\n")
    assert f"Refer-To: {expected.format(**ports)}" in lines
    assert any(line.startswith("Referred-By: <sip:me@") for line in lines)
    assert "X-A: 1" in lines
    assert any(line.startswith("Contact: ") for line in lines)
    await until(lambda: world.server.tech.counters()["referrals_live"] == 0)


@pytest.mark.parametrize(
    ("to", "sender", "body", "variables"),
    [
        ("alice", "<tel:1>", "hi", {}),
        ("alice", "", "x" * 40_000, {}),
        ("alice", "", "hi", {"X": "a\nb"}),
        ("alice/sip:", "", "hi", {}),
    ],
)
async def test_a_text_that_can_not_be_sent_is_refused(
    world: World, to: str, sender: str, body: str, variables: dict[str, str]
) -> None:
    with pytest.raises(InvalidArgument):
        world.server.tech.send_message(to, sender, body, variables)


@pytest.mark.parametrize("refer_to", ["nobody", "", "sip:", "a@b\n", "tel:1"])
async def test_a_referral_to_nowhere_is_refused(world: World, refer_to: str) -> None:
    with pytest.raises(InvalidArgument):
        world.server.tech.refer("alice", "me", refer_to, {}, to_self=False)
    assert world.server.tech.counters()["referrals_live"] == 0


async def test_unknown_endpoints_are_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        world.server.tech.send_message("nobody", "", "hi", {})
    with pytest.raises(NotFound):
        world.server.tech.refer("nobody", "", "sip:a@b", {}, to_self=False)
