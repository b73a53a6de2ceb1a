"""Calls through legs, over real UDP and TCP sockets on loopback, with the fake media engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from server.base.clock import SystemClock
from server.base.errors import InvalidArgument, NotFound, Unavailable, Unprocessable
from server.config.types import SocketAddress
from server.sip.header_list import extra_headers
from server.sip.settings import Aor, Auth, Endpoint, SipSettings, System, Transport
from server.sip.technology import PjsipTechnology, choose_codecs
from server.tech.base import (
    ContactInfo,
    EndpointInfo,
    ExtensionMatch,
    IncomingCall,
    Leg,
    OutgoingCall,
    Party,
    TextMessage,
    Transfer,
)
from tests.support.fake_engine import FakeEngine

DEADLINE = 5.0  # seconds that anything may take


class Listener:
    """Writes down what a leg reports."""

    def __init__(self, leg: Leg) -> None:
        self.leg = leg
        self.events: list[str] = []
        self.hangup: tuple[int, int | None, str] | None = None
        self.transfers: list[Transfer] = []
        leg.listener = self

    def on_ringing(self) -> None:
        self.events.append("ringing")

    def on_progress(self) -> None:
        self.events.append("progress")

    def on_answered(self) -> None:
        self.events.append("answered")

    def on_hangup(self, cause: int, tech_cause: int | None, reason: str) -> None:
        self.hangup = (cause, tech_cause, reason)
        self.events.append("hangup")

    def on_dtmf(self, digit: str, duration_ms: int) -> None:
        self.events.append(f"dtmf {digit}")

    def on_hold(self, music_class: str | None) -> None:
        self.events.append(f"hold {music_class}")

    def on_unhold(self) -> None:
        self.events.append("unhold")

    def on_connected_line(self, party: Party) -> None:
        self.events.append(f"connected {party.name} {party.number}")

    def on_redirected(self, target: str) -> None:
        self.events.append(f"redirected {target}")

    def on_transfer(self, transfer: Transfer) -> None:
        self.transfers.append(transfer)
        transfer.accept()

    def on_message(self, message: TextMessage) -> None:
        self.events.append(f"message {message.body}")


class Sink:
    """Takes calls."""

    def __init__(self) -> None:
        self.calls: list[IncomingCall] = []
        self.listeners: list[Listener] = []
        self.endpoints: list[tuple[str, str]] = []
        self.messages: list[TextMessage] = []
        self.contacts: list[tuple[str, str]] = []
        self.matches = {"100": ExtensionMatch.EXACT, "1": ExtensionMatch.PARTIAL}
        self.error: Exception | None = None

    def match_extension(self, context: str, exten: str, caller_number: str) -> ExtensionMatch:
        return self.matches.get(exten, ExtensionMatch.NONE)

    def incoming(self, leg: Leg, call: IncomingCall) -> None:
        if self.error is not None:
            raise self.error
        self.calls.append(call)
        self.listeners.append(Listener(leg))

    def on_message(self, message: TextMessage) -> bool:
        self.messages.append(message)
        return message.exten != "nobody"

    def on_endpoint_changed(self, endpoint: EndpointInfo) -> None:
        self.endpoints.append((endpoint.resource, endpoint.state))

    def on_contact_changed(self, endpoint: EndpointInfo, contact: ContactInfo) -> None:
        self.contacts.append((contact.uri, contact.status))


class Side:
    """A technology with its engine and sink."""

    def __init__(self, settings: SipSettings) -> None:
        self.engine = FakeEngine()
        self.sink = Sink()
        self.tech = PjsipTechnology(settings, self.engine, self.sink, None, SystemClock())

    async def start(self) -> None:
        await self.engine.start()
        await self.tech.start()

    async def close(self) -> None:
        await self.tech.close()
        assert self.tech.counters()["legs_live"] == 0
        await asyncio.sleep(0)
        assert self.engine.counters()["streams_live"] == 0
        await self.engine.close()

    def port(self, protocol: str = "UDP") -> int:
        return next(a.port for a in self.tech.bound_addresses() if a.protocol == protocol)


def transports(host: str) -> dict[str, Transport]:
    return {
        name: Transport(name=name, protocol=name, bind=SocketAddress(host, 0))
        for name in ("udp", "tcp")
    }


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that must happen soon."""
    deadline = asyncio.get_running_loop().time() + DEADLINE
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen"
        await asyncio.sleep(0.002)


class World:
    """A server that takes calls, and a phone whose endpoint ``server`` reaches it."""

    def __init__(self, protocol: str = "udp", host: str = "127.0.0.1", **options: object) -> None:
        self.protocol = protocol
        self.host = host
        endpoint = Endpoint(
            name="alice", aors=("alice",), auth=("alice",), language="de", accountcode="acc",
            moh_suggest="jazz", variables=(("A", "1"),), **options,  # type: ignore[arg-type]
        )  # fmt: skip
        self.server = Side(
            SipSettings(
                transports=transports(host),
                endpoints={"alice": endpoint},
                aors={"alice": Aor(name="alice", max_contacts=1)},
                auths={"alice": Auth(name="alice", username="alice", password="secret")},
                system=System(timer_t1=100),
            )
        )
        self.phone = Side(
            SipSettings(
                transports=transports(host),
                endpoints={
                    "server": Endpoint(
                        name="server", aors=("server",), outbound_auth=("me",), from_user="alice"
                    ),
                    "anonymous": Endpoint(name="anonymous"),
                },
                aors={"server": Aor(name="server")},
                auths={"me": Auth(name="me", username="alice", password="secret")},
            )
        )

    async def start(self) -> None:
        await self.server.start()
        await self.phone.start()
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = self.server.port(self.protocol.upper())
        uri = f"sip:{host}:{port};transport={self.protocol}"
        settings = self.phone.tech.settings
        aors = {"server": Aor(name="server", contact_lists=((uri,),))}
        self.phone.tech.reload(replace(settings, aors=aors))
        contact = f"sip:alice@{host}:{self.phone.port(self.protocol.upper())}"
        aors = {
            "alice": Aor(name="alice", contact_lists=((f"{contact};transport={self.protocol}",),))
        }
        self.server.tech.reload(replace(self.server.tech.settings, aors=aors))

    async def close(self) -> None:
        await self.phone.close()
        await self.server.close()

    def dial(self, resource: str = "100@server") -> Listener:
        leg = self.phone.tech.create_leg(resource, OutgoingCall())
        listener = Listener(leg)
        leg.dial(Party("Alice", "alice"), Party("", "100"))
        return listener

    async def incoming(self) -> Listener:
        await until(lambda: self.server.sink.listeners)
        return self.server.sink.listeners[-1]

    async def connect(self) -> tuple[Listener, Listener]:
        caller = self.dial()
        called = await self.incoming()
        called.leg.answer()
        await until(lambda: "answered" in caller.events)
        return caller, called


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.start()
    yield world
    await world.close()


@pytest.mark.parametrize(
    ("protocol", "host"),
    [("udp", "127.0.0.1"), ("tcp", "127.0.0.1"), ("udp", "::1"), ("tcp", "::1")],
)
async def test_a_call_into_the_server(protocol: str, host: str) -> None:
    world = World(protocol, host)
    await world.start()
    caller = world.dial()
    called = await world.incoming()
    call = world.server.sink.calls[0]
    assert (call.endpoint, call.context, call.exten) == ("alice", "default", "100")
    assert call.caller == Party("Alice", "alice")
    assert (call.language, call.account_code, call.music_class) == ("de", "acc", "jazz")
    assert call.variables == {"A": "1"}
    assert called.leg.name == "PJSIP/alice-00000000"
    assert called.leg.protocol_id == caller.leg.protocol_id
    called.leg.ring()
    await until(lambda: caller.events == ["ringing"])
    called.leg.answer()
    await until(lambda: caller.events == ["ringing", "answered"])
    for side in (world.phone, world.server):
        configured = [args for name, *args in side.engine.calls() if name == "STREAM_CONFIGURE"]
        assert len(configured) == 1
    caller.leg.hangup(16)
    await until(lambda: called.hangup)
    assert called.hangup == (16, None, "BYE")
    assert caller.hangup is None
    await world.close()


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
async def test_a_call_out_of_the_server(protocol: str) -> None:
    world = World(protocol)
    await world.start()
    leg = world.server.tech.create_leg("alice", OutgoingCall(formats=("alaw",)))
    caller = Listener(leg)
    world.phone.sink.matches["alice"] = ExtensionMatch.EXACT
    leg.dial(Party("Bob", "200"), Party())
    await until(lambda: world.phone.sink.listeners)
    called = world.phone.sink.listeners[0]
    assert world.phone.sink.calls[0].caller == Party("Bob", "200")
    called.leg.answer()
    await until(lambda: "answered" in caller.events)
    assert leg.stream.codec == "alaw"
    called.leg.hangup(17)
    await until(lambda: caller.hangup)
    assert caller.hangup == (17, None, "BYE")
    await world.close()


async def test_hold_music_class_is_the_endpoints(world: World) -> None:
    caller, called = await world.connect()
    caller.leg.hold()
    await until(lambda: "hold jazz" in called.events)
    caller.leg.unhold()
    await until(lambda: called.events[-1] == "unhold")
    caller.leg.hangup(16)
    await until(lambda: called.hangup)


async def test_a_refused_call_closes_its_stream(world: World) -> None:
    caller = world.dial()
    called = await world.incoming()
    called.leg.hangup(17)
    await until(lambda: caller.hangup)
    assert caller.hangup == (17, 486, "Busy Here")


@pytest.mark.parametrize(("exten", "status"), [("999", 404), ("1", 484)])
async def test_extensions_decide_before_anything_is_opened(
    world: World, exten: str, status: int
) -> None:
    caller = world.dial(f"{exten}@server")
    await until(lambda: caller.hangup)
    assert caller.hangup is not None
    assert caller.hangup[1] == status
    assert world.server.engine.streams == []


async def test_a_full_server_answers_503(world: World) -> None:
    world.server.sink.error = Unavailable("full")
    caller = world.dial()
    await until(lambda: caller.hangup)
    assert caller.hangup is not None
    assert caller.hangup[:2] == (34, 503)


async def test_without_ports_the_call_is_refused(world: World) -> None:
    world.server.engine._native.rtp_end = 0
    caller = world.dial()
    await until(lambda: caller.hangup)
    assert caller.hangup is not None
    assert caller.hangup[1] == 503


async def test_a_bug_in_the_sink_does_not_stop_the_stack(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.server.sink.error = ValueError("a bug")
    caller = world.dial()
    await until(lambda: "could not be handled" in caplog.text)
    caller.leg.hangup(16)
    world.server.sink.error = None
    await world.connect()


async def test_dtmf_goes_by_info_when_configured() -> None:
    world = World(dtmf_mode="info")
    await world.start()
    caller, called = await world.connect()
    sent = called.leg.send_dtmf("1#", before_ms=0, between_ms=5, duration_ms=5, after_ms=0)
    await asyncio.wait_for(sent, DEADLINE)
    await until(lambda: len(caller.events) == 3)
    assert caller.events[1:] == ["dtmf 1", "dtmf #"]
    with pytest.raises(InvalidArgument):
        called.leg.send_dtmf("x", before_ms=0, between_ms=5, duration_ms=5, after_ms=0)
    await world.close()


async def test_dtmf_goes_by_media_otherwise(world: World) -> None:
    _, called = await world.connect()
    await called.leg.send_dtmf("1", before_ms=0, between_ms=50, duration_ms=50, after_ms=0)
    assert "STREAM_SEND_DTMF" in [name for name, *_ in world.server.engine.calls()]


async def test_redirect_before_the_answer_is_a_302(world: World) -> None:
    caller = world.dial()
    called = await world.incoming()
    called.leg.redirect("alice/sip:300@192.0.2.7")
    await until(lambda: caller.hangup)
    assert caller.events == ["redirected 300", "hangup"]
    assert caller.hangup == (23, 302, "Moved Temporarily")


async def test_a_call_that_is_neither_ringing_nor_up_cant_be_redirected(world: World) -> None:
    leg = world.phone.tech.create_leg("server", OutgoingCall())
    with pytest.raises(Unprocessable):
        leg.redirect("server")
    leg.hangup(16)


async def test_facts_of_a_leg(world: World) -> None:
    _, called = await world.connect()
    leg = called.leg
    assert leg.info("call-id") == leg.protocol_id
    assert leg.info("endpoint") == "alice"
    assert leg.info("remote_addr") == f"127.0.0.1:{world.phone.port()}"
    assert (leg.info("useragent") or "").startswith("Arion/")
    assert leg.info("nonsense") is None


@pytest.mark.parametrize(
    ("resource", "error"),
    [
        ("nobody", NotFound),
        ("100@nobody", NotFound),
        ("anonymous", NotFound),
        ("server/other", NotFound),
        ("server/sip:", InvalidArgument),
        ("", InvalidArgument),
        ("a\r\nb", InvalidArgument),
    ],
)
async def test_unusable_dial_strings(world: World, resource: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        world.phone.tech.create_leg(resource, OutgoingCall())


async def test_names_that_would_break_a_header_end_the_call(world: World) -> None:
    leg = world.phone.tech.create_leg("100@server", OutgoingCall())
    caller = Listener(leg)
    leg.dial(Party("Bad\r\nName: x", "1\r\n2"), Party())
    await until(lambda: caller.hangup or world.server.sink.listeners)
    if not caller.hangup:
        assert "\n" not in world.server.sink.calls[0].caller.number
        leg.hangup(16)


async def test_a_second_technology_cant_bind_the_same_port(world: World) -> None:
    taken = Transport(
        name="main", protocol="udp", bind=SocketAddress("127.0.0.1", world.server.port())
    )
    side = Side(SipSettings(transports={"main": taken}))
    with pytest.raises(Unavailable, match=r"transport main: UDP 127\.0\.0\.1"):
        await side.start()
    await side.close()


def test_formats_choose_among_the_endpoints_codecs() -> None:
    endpoint = Endpoint(codecs=("ulaw", "alaw"))
    assert choose_codecs(endpoint, ()) == ("ulaw", "alaw")
    assert choose_codecs(endpoint, ("alaw", "slin")) == ("alaw",)
    assert choose_codecs(endpoint, ("slin16",)) == ("ulaw", "alaw")
    with pytest.raises(InvalidArgument):
        choose_codecs(endpoint, ("mp3",))


def test_extra_headers_are_read_from_variables() -> None:
    assert extra_headers({"SIPADDHEADER01": "X-A: b: c", "OTHER": "x"}) == [("X-A", "b: c")]
    for value in ("no colon", "Bad Name: x", "X: a\r\nb", ": x"):
        with pytest.raises(InvalidArgument):
            extra_headers({"SIPADDHEADER": value})
