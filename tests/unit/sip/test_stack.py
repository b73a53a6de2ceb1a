"""The stack as a whole: requests outside dialogs, malformed input, noise."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from server.base.errors import Unavailable
from server.config.objects import ConfigObject, Option
from server.sip.message import Request
from server.sip.session_incoming import IncomingSession
from server.sip.settings import Auth, Endpoint, SipSettings, build_settings
from tests.support.sip_stacks import Node, RawPeer, SimFlow, SimNet, open_settings

SERVER = ("10.0.0.1", 5060)
PEER = ("10.0.0.2", 5060)


def world(settings: SipSettings | None = None) -> tuple[SimNet, Node, Node]:
    net = SimNet()
    server = Node(net, "server", SERVER).start(settings or open_settings())
    return net, server, Node(net, "peer", PEER).start(open_settings())


@pytest.mark.parametrize(
    ("method", "user", "status"),
    [
        ("OPTIONS", "", 200),
        ("OPTIONS", "100", 200),
        ("OPTIONS", "999", 404),
        ("MESSAGE", "100", 202),
        ("MESSAGE", "999", 404),
        ("REFER", "100", 405),
        ("SUBSCRIBE", "100", 405),
        ("FOO", "100", 405),
        ("BYE", "100", 405),
        ("REGISTER", "", 404),
    ],
)
def test_requests_outside_dialogs(method: str, user: str, status: int) -> None:
    net, server, peer = world()
    answers = peer.request(method, server, target_user=user)
    net.run(1.0)
    assert [answer[0] for answer in answers] == [status]
    response = answers[0][1]
    assert response is not None
    assert response.to.tag
    if method == "OPTIONS" and status == 200:
        assert "INVITE" in response.allow
        assert response.headers.get("Accept") is not None
    if status == 405:
        assert "INVITE" in response.allow


def test_options_of_a_stranger_are_challenged() -> None:
    settings = SipSettings(
        endpoints={"alice": Endpoint(name="alice", auth=("alice",))},
        auths={"alice": Auth(name="alice", username="alice", password="p")},
    )
    net, server, peer = world(settings)
    answers = peer.request("OPTIONS", server, user="nobody")
    answers += peer.request("OPTIONS", server, user="alice", password="p", call_id="c2")
    net.run(1.0)
    assert [status for status, _ in answers] == [401]


def test_options_may_be_free_of_authentication() -> None:
    alice = Endpoint(name="alice", auth=("alice",), allow_unauthenticated_options=True)
    settings = SipSettings(endpoints={"alice": alice}, auths={"alice": Auth(name="alice")})
    net, server, peer = world(settings)
    answers = peer.request("OPTIONS", server)
    net.run(1.0)
    assert [status for status, _ in answers] == [200]


def test_a_full_server_is_503_for_a_while() -> None:
    net, server, peer = world()

    def refuse(session: IncomingSession, request: Request, now: float) -> None:
        raise Unavailable("full")

    sent: list[bytes] = []
    server.stack.set_logger(lambda is_sent, flow, data: sent.append(data) if is_sent else None)
    server.on_invite = refuse
    _, recorder = peer.call(server)
    net.run(1.0)
    assert [b"Retry-After: 5" in data for data in sent if b" 503 " in data] == [True]
    assert recorder.ended is not None
    assert recorder.ended[:2] == (34, 503)
    assert server.stack.session_count == 0


@pytest.mark.parametrize(
    ("option", "statuses"), [("deny", [403, 403]), ("contact_deny", [200, 403])]
)
def test_an_access_list_of_pjsip_conf_counts_for_everybody(
    option: str, statuses: list[int]
) -> None:
    objects = [
        ConfigObject("acl", "lan", [Option(option, f"{PEER[0]}/32", "f", 1)], "f", 1),
        ConfigObject("endpoint", "anonymous", [], "f", 1),
    ]
    net, server, peer = world(build_settings(objects))
    asked = peer.request("OPTIONS", server)
    registered = peer.request("REGISTER", server, call_id="other")
    net.run(1.0)
    assert [asked[0][0], registered[0][0]] == statuses


def test_a_scheme_that_is_not_ours_is_416() -> None:
    net = SimNet()
    server = Node(net, "server", SERVER).start(open_settings())
    peer = RawPeer(net, "peer", PEER).begin()
    invite = peer.invite(server)
    data = invite.encode().replace(b"INVITE sip:100@10.0.0.1:5060", b"INVITE http://x")
    assert b"http" in data
    data = data.replace(b"\r\n", b"\r\nVia: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKx\r\n", 1)
    peer.raw.outgoing.append((SimFlow("UDP", PEER, SERVER), data))
    net.run(1.0)
    assert set(peer.responses()) == {416}


def test_malformed_messages_are_counted_and_dropped() -> None:
    net, server, _ = world()
    for data in (
        b"",
        b"\x00",
        b"nonsense\r\n\r\n",
        b"INVITE sip:x SIP/2.0\r\n\r\n",
        b"\xff" * 2000,
    ):
        server.stack.receive(data, SimFlow("UDP", SERVER, PEER), net.now)
    assert server.stack.counters["malformed"] >= 3
    assert server.stack.session_count == 0


def test_the_logger_sees_both_directions() -> None:
    net, server, peer = world()
    seen: list[tuple[bool, bytes]] = []
    server.stack.set_logger(lambda is_sent, flow, data: seen.append((is_sent, data[:7])))
    peer.request("OPTIONS", server)
    net.run(1.0)
    assert seen == [(False, b"OPTIONS"), (True, b"SIP/2.0")]
    server.stack.set_logger(None)
    peer.request("OPTIONS", server, call_id="c2")
    net.run(1.0)
    assert len(seen) == 2


def test_an_address_that_is_not_permitted_is_a_stranger() -> None:
    from server.config.acl import Acl, AclRule
    from server.sip.settings_objects import network

    acl = Acl((AclRule(False, network("10.0.0.0/8")),))
    net, server, peer = world(SipSettings(endpoints={"alice": Endpoint(name="alice", acl=acl)}))
    answers = peer.request("OPTIONS", server)
    net.run(1.0)
    assert [status for status, _ in answers] == [401]


def test_without_rport_responses_go_to_the_via() -> None:
    settings = SipSettings(endpoints={"alice": Endpoint(name="alice", force_rport=False)})
    net, server, _ = world(settings)
    elsewhere = RawPeer(net, "elsewhere", ("10.0.0.2", 7777)).begin()
    data = (
        b"OPTIONS sip:10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2:7777;branch=z9hG4bK1\r\n"
        b"From: <sip:alice@x>;tag=1\r\nTo: <sip:x@y>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"
    )
    server.stack.receive(data, SimFlow("UDP", SERVER, PEER), net.now)
    net.run(1.0)
    assert elsewhere.responses() == [200]


def seeds() -> list[bytes]:
    folder = Path(__file__).parents[2] / "vectors" / "sip"
    vectors = [path.read_bytes() for path in sorted(folder.glob("*.sip"))]
    net = SimNet()
    peer = RawPeer(net, "peer", PEER).begin()
    server = Node(net, "server", SERVER)
    invite = peer.invite(server, peer.sdp())
    peer.send_request(invite, server)
    return [*vectors, *(data for _, data in peer.raw.outgoing)]


@pytest.mark.parametrize("seed", range(8))
def test_ten_thousand_damaged_messages_harm_nothing(seed: int) -> None:
    """Invariant: no input raises out of the stack, and a call that is up stays up."""
    rng = random.Random(seed)
    net, server, peer = world()
    call, recorder = peer.call(server)
    net.run(0.1)
    server.sessions[0].answer(net.now)
    net.run(0.1)
    samples = seeds()
    where = SimFlow("UDP", SERVER, ("10.0.0.66", 5060))
    for _ in range(1250):
        data = bytearray(rng.choice(samples))
        for _ in range(rng.randint(1, 6)):
            spot = rng.randrange(len(data) + 1)
            match rng.randrange(4):
                case 0:
                    data[spot : spot + rng.randint(1, 20)] = b""
                case 1:
                    data[spot:spot] = rng.randbytes(rng.randint(1, 8))
                case 2:
                    data[spot : spot + 1] = rng.choice(
                        [b"\r\n", b";", b",", b"<", b'"', b"\0", b":"]
                    )
                case 3:
                    other = rng.choice(samples)
                    data[spot:] = other[rng.randrange(len(other)) :]
            data = data or bytearray(b"x")
        server.stack.receive(bytes(data), where, net.now)
    net.run(1.0)
    assert recorder.ended is None
    call.hangup(16, net.now)
    net.run(1.0)
    assert server.recorders[0].ended == (16, None, "BYE")
