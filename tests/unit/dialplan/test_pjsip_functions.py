"""Functions and applications on SIP, on calls between two real stacks on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.base.clock import SystemClock
from server.base.errors import InvalidArgument, NotFound, ServerError
from server.dialplan.apps.pjsip import read_status
from server.dialplan.functions.pjsip_objects import part_of
from server.resources.channel import Channel
from server.sip.leg import SipLeg
from server.sip.settings import Aor, Endpoint, SipSettings, System
from server.sip.sorcery import CONFIG_CLASS
from server.sip.technology import PjsipTechnology
from server.tech.base import OutgoingCall, Party
from tests.support.dialplan import DialplanUnderTest
from tests.unit.sip.test_leg import Listener, Side, transports

PLAN = """
    exten => in,1,Answer()
    same => n,Set(LOG=1)
    same => n,Wait(600)
    exten => refuse,1,PJSIPHangup(PJSIP_SC_UNSUPPORTED_CERTIFICATE)
    same => n,Set(LOG=still here)
    exten => wrong,1,Answer()
    same => n,PJSIPHangup(486)
    same => n,Set(LOG=still here)
    same => n,Wait(600)
    exten => out,1,Set(PJSIP_INHERITABLE_HEADER(add,X-Account)=17)
    same => n,Set(PJSIP_INHERITABLE_HEADER(add,X-Account)=18)
    same => n,Set(PJSIP_INHERITABLE_HEADER(update,X-Account,2)=19)
    same => n,Set(PJSIP_INHERITABLE_HEADER(add,X-Gone)=1)
    same => n,Set(PJSIP_INHERITABLE_HEADER(remove,X-Gone)=)
    same => n,Dial(PJSIP/far,5,b(default^prepare^1))
    exten => prepare,1,Set(PJSIP_HEADER(add,X-One)=1)
    same => n,Set(PJSIP_HEADER(add,X-Two)=2)
    same => n,Set(PJSIP_HEADER(add,X-Two)=3)
    same => n,Set(PJSIP_HEADER(update,X-Two,2)=4)
    same => n,Set(PJSIP_HEADER(add,Y-Gone)=5)
    same => n,Set(PJSIP_HEADER(remove,Y-*)=)
    same => n,Set(PJSIP_HEADER_PARAM(From,uri,isup-oli)=27)
    same => n,Set(PJSIP_HEADER_PARAM(From,header,line)=blue)
    same => n,Set(PJSIP_MEDIA_OFFER(audio)=!all,alaw)
    same => n,Set(PJSIP_DTMF_MODE()=info)
    same => n,Return()
"""


class World:
    """A dialplan whose PJSIP is real, and a far end."""

    def __init__(self, tmp_path: Path) -> None:
        self.dut = DialplanUnderTest(tmp_path)
        self.far = Side(
            SipSettings(
                transports=transports("127.0.0.1"),
                endpoints={
                    "near": Endpoint(name="near", aors=("near",), from_user="me"),
                    "anonymous": Endpoint(name="anonymous"),
                },
                aors={"near": Aor(name="near")},
            )
        )
        settings = SipSettings(
            transports=transports("127.0.0.1"),
            endpoints={
                "far": Endpoint(name="far", aors=("far",), moh_passthrough=True),
                "anonymous": Endpoint(name="anonymous"),
            },
            aors={"far": Aor(name="far")},
            system=System(timer_t1=100),
        )
        under = self.dut.under
        self.tech = PjsipTechnology(settings, under.engine, under.incoming, None, SystemClock())
        under.dialer.add_technology(self.tech)

    async def start(self) -> None:
        await self.dut.start()
        await self.tech.start()
        await self.far.start()
        for side, other, name in (
            (self.tech, self.far.tech, "far"),
            (self.far.tech, self.tech, "near"),
        ):
            port = next(a.port for a in other.bound_addresses() if a.protocol == "UDP")
            uri = f"sip:100@127.0.0.1:{port}"
            aors = {name: Aor(name=name, contact_lists=((uri,),))}
            side.reload(replace(side.settings, aors=aors))
        self.dut.load(PLAN)

    async def close(self) -> None:
        await self.far.close()
        for channel in self.dut.under.registry:
            channel.hangup()
        await until(lambda: not len(self.dut.under.registry))
        await self.tech.close()
        await self.dut.close()

    async def incoming(self, exten: str, headers: dict[str, str]) -> tuple[SipLeg, Channel | None]:
        """Call in from the far end; returns its leg, and the channel here if there is one."""
        variables = {f"SIPADDHEADER{at}": f"{k}: {v}" for at, (k, v) in enumerate(headers.items())}
        leg = self.far.tech.create_leg(f"{exten}@near", OutgoingCall(variables=variables))
        assert isinstance(leg, SipLeg)
        listener = Listener(leg)
        leg.dial(Party(number="me"), Party())
        registry = self.dut.under.registry
        await until(lambda: listener.hangup or listener.events)
        return leg, next(iter(registry), None)

    async def outgoing(self) -> tuple[Channel, SipLeg]:
        """Dial the far end; returns the calling channel and the leg that rings there."""
        caller = self.dut.under.phones.call(self.dut.under.incoming, "alice", "out")
        await until(lambda: self.far.sink.listeners)
        leg = self.far.sink.listeners[0].leg
        assert isinstance(leg, SipLeg)
        channel = self.dut.under.registry.find(caller.name)
        assert channel is not None
        return channel, leg

    def dialled(self) -> Channel:
        """The channel here that calls the far end."""
        return self.dut.under.registry.of_endpoint("PJSIP", "far")[0]

    def read(self, channel: Channel | None, expression: str) -> str | None:
        return self.dut.dialplan.read(channel, expression)


async def until(is_true: Callable[[], object]) -> None:
    for _ in range(2_000):
        if is_true():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it does not come")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    await made.start()
    yield made
    await made.close()


async def test_the_headers_of_a_call_that_came_in_are_read(world: World) -> None:
    leg, channel = await world.incoming("in", {"X-One": "a", "X-Two": "b, c"})
    assert channel is not None
    read = world.read
    assert read(channel, "PJSIP_HEADER(read,x-one)") == "a"
    assert read(channel, "PJSIP_HEADER(read,X-*,2)") == "b, c"
    assert read(channel, "PJSIP_HEADER(read,X-Three)") == ""
    assert read(channel, "PJSIP_HEADERS(X-)") == "X-One,X-Two"
    assert "Call-ID" in (read(channel, "PJSIP_HEADERS()") or "").split(",")
    assert read(channel, "PJSIP_HEADER_PARAM(From,header,tag)")
    assert read(channel, "PJSIP_HEADER_PARAM(From,uri,nothing)") == ""
    for wrong in ("PJSIP_HEADER(take,X-One)", "PJSIP_HEADER(read)", "PJSIP_HEADER_PARAM(To,uri,x)"):
        with pytest.raises(InvalidArgument):
            read(channel, wrong)
    with pytest.raises(InvalidArgument):
        world.dut.dialplan.write(channel, "PJSIP_HEADER(add,Contact)", "x")
    with pytest.raises(InvalidArgument):
        world.dut.dialplan.write(channel, "PJSIP_HEADER(add,X-Evil)", "a\r\nB: c")
    with pytest.raises(NotFound):
        world.dut.dialplan.write(channel, "PJSIP_HEADER(update,X-None)", "a")
    leg.hangup(16)
    await until(lambda: not len(world.dut.under.registry))


async def test_what_a_subroutine_adds_goes_out_and_the_answer_can_be_read(world: World) -> None:
    channel, leg = await world.outgoing()
    got = leg.headers
    assert [got.read("X-One"), got.read("X-Two"), got.read("X-Two", 2)] == ["1", "2", "4"]
    assert got.read("Y-Gone") is None
    assert [got.read("X-Account"), got.read("X-Account", 2)] == ["17", "19"]
    assert got.read("X-Gone") is None
    sender = got.read("From") or ""
    assert ";isup-oli=27>" in sender
    assert ";line=blue" in sender
    assert leg.session.media.remote is not None
    leg.answer()
    await until(lambda: channel.state == "Up")
    out = world.dialled()
    assert world.read(out, "PJSIP_MOH_PASSTHROUGH()") == "yes"  # as its endpoint says
    assert world.read(out, "PJSIP_RESPONSE_HEADER(read,CSeq)") == "1 INVITE"
    assert "Contact" in (world.read(out, "PJSIP_RESPONSE_HEADERS(C)") or "").split(",")
    assert world.read(out, "PJSIP_MEDIA_OFFER(audio)") == "alaw"
    assert world.read(out, "PJSIP_MEDIA_OFFER(video)") == ""
    assert world.read(out, "PJSIP_DTMF_MODE()") == "info"
    assert out.leg.stream.codec == "alaw"
    world.dut.dialplan.write(out, "PJSIP_DTMF_MODE()", "inband")
    assert ("STREAM_DTMF_DETECT", 1) in world.dut.under.engine.calls(out.leg.stream)
    with pytest.raises(InvalidArgument):
        world.dut.dialplan.write(out, "PJSIP_DTMF_MODE()", "smoke")


async def test_a_refresh_offers_other_codecs(world: World) -> None:
    _leg, channel = await world.incoming("in", {})
    assert channel is not None
    await until(lambda: channel.state == "Up" and channel.leg.session.state == "Confirmed")  # type: ignore[attr-defined]
    write = world.dut.dialplan.write
    assert channel.leg.stream.codec == "ulaw"
    write(channel, "PJSIP_MEDIA_OFFER(audio)", "!all,alaw")
    write(channel, "PJSIP_SEND_SESSION_REFRESH()", "invite")
    await until(lambda: channel.leg.stream.codec == "alaw")
    write(channel, "PJSIP_SEND_SESSION_REFRESH()", "update")
    for wrong in ("!all", "g999"):
        with pytest.raises(InvalidArgument):
            write(channel, "PJSIP_MEDIA_OFFER(audio)", wrong)
    with pytest.raises(InvalidArgument):
        write(channel, "PJSIP_SEND_SESSION_REFRESH()", "bye")


async def test_the_channel_tells_of_its_dialog_its_media_and_their_statistics(world: World) -> None:
    leg, channel = await world.incoming("in", {})
    assert channel is not None
    await until(lambda: channel.state == "Up" and channel.leg.session.state == "Confirmed")  # type: ignore[attr-defined]

    def item(name: str) -> str:
        return world.read(channel, f"CHANNEL({name})") or ""

    assert item("pjsip,call-id") == item("call-id") == leg.protocol_id
    assert item("pjsip,secure") == "0"
    assert item("pjsip,t38state") == "DISABLED"
    assert item("pjsip,local_tag") in item("pjsip,local_uri")
    assert item("pjsip,remote_tag") in item("pjsip,remote_uri")
    assert item("pjsip,request_uri").startswith("sip:in@127.0.0.1")
    assert item("pjsip,remote_addr").startswith("127.0.0.1:")
    assert item("endpoint") == "anonymous"
    stream = channel.leg.stream
    assert item("rtp,src") == f"{stream.host}:{stream.port}"  # type: ignore[attr-defined]
    assert item("rtp,dest,audio") == f"{leg.stream.host}:{leg.stream.port}"
    assert item("rtp,hold") == "0"
    assert item("rtcp,all").startswith("ssrc=0;themssrc=0;lp=0;rxjitter=0.000000;")
    for kind in ("all_jitter", "all_loss", "all_rtt"):
        assert item(f"rtcp,{kind}").count("=") in (4, 8)
    assert item("rtcp,local_maxrxploss") == "0.000000"
    assert item("rtcp,rxcount") == "0"
    assert item("rtcp,rxmes") == "92.950000"
    assert item("audioreadformat") == "ulaw"
    assert item("rtcp,all,video") == ""
    for wrong in ("rtcp,nothing", "pjsip,nothing", "rtp,src,smell", "endpoint,x"):
        with pytest.raises(InvalidArgument):
            item(wrong)


async def test_pjsip_hangup_refuses_by_the_status_it_is_told(world: World) -> None:
    leg, channel = await world.incoming("refuse", {})
    listener = leg.listener
    await until(lambda: not len(world.dut.under.registry))
    assert listener is None
    assert world.far.tech.counters()["legs_live"] == 0
    assert channel is None or channel.tech_cause == 437
    assert leg.session.response is not None
    assert leg.session.response.status == 437


async def test_pjsip_hangup_can_not_take_an_answer_back(world: World) -> None:
    _leg, channel = await world.incoming("wrong", {})
    assert channel is not None
    await until(lambda: channel.variables.get("LOG"))
    assert channel.state == "Up"


def test_statuses_have_numbers_and_names() -> None:
    assert read_status("486") == 486
    assert read_status("busy_here") == 486
    assert read_status("PJSIP_SC_USE_IDENTITY_HEADER") == 428
    assert read_status("NOT_FOUND") == 404
    assert read_status("DECLINE") == 603
    for wrong in ("200", "OK", "700", "", "4O4", "²²²"):
        with pytest.raises(InvalidArgument):
            read_status(wrong)


async def test_notify_goes_out_inside_the_call_and_to_an_address(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pjsip_notify.conf").write_text(
        "[wake]\nEvent=>check-sync\nContent-type=>text/x\nContent=>a\nContent=>b\n"
    )
    monkeypatch.setitem(world.dut.dialplan.settings.constants, "ASTETCDIR", str(tmp_path))  # type: ignore[arg-type]
    seen: list[bytes] = []

    def on_message(is_sent: bool, _flow: object, message: bytes) -> None:
        if is_sent and message.startswith(b"NOTIFY"):
            seen.append(message)

    world.tech.set_logger(on_message)
    _leg, channel = await world.incoming("in", {})
    assert channel is not None
    await until(lambda: channel.state == "Up" and channel.leg.session.state == "Confirmed")  # type: ignore[attr-defined]
    port = next(a.port for a in world.far.tech.bound_addresses() if a.protocol == "UDP")
    world.dut.load(
        "exten => n,1,PJSIPNotify(,&Event=Test&X-Data=Fun)\n"
        f"same => n,PJSIPNotify(far/sip:bob@127.0.0.1:{port},wake)\n"
        "same => n,PJSIPNotify(far,nothing)\nsame => n,PJSIPNotify(,&Via=x)\n"
        "same => n,Set(DONE=1)\nsame => n,Wait(600)"
    )
    channel.set_position("default", "n", 1)
    world.dut.dialplan.start(channel)
    await until(lambda: channel.variables.get("DONE"))
    await until(lambda: len(seen) >= 2)
    inside = next(each for each in seen if b"Test" in each)
    outside = next(each for each in seen if b"check-sync" in each)
    assert b"X-Data: Fun\r\n" in inside
    assert f"Call-ID: {channel.leg.protocol_id}".encode() in inside
    assert b"Subscription-State: terminated" in inside
    assert outside.endswith(b"\r\n\r\na\r\nb\r\n")
    assert b"Content-Type: text/x" in outside


async def test_hold_is_passed_on_instead_of_music_if_asked_for(world: World) -> None:
    _leg, channel = await world.incoming("in", {})
    assert channel is not None
    write, read = world.dut.dialplan.write, world.read
    assert read(channel, "PJSIP_MOH_PASSTHROUGH()") == "no"
    write(channel, "PJSIP_MOH_PASSTHROUGH()", "yes")
    assert read(channel, "PJSIP_MOH_PASSTHROUGH()") == "yes"
    with pytest.raises(InvalidArgument):
        write(channel, "PJSIP_MOH_PASSTHROUGH()", "maybe")


async def test_other_technologies_have_none_of_it(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Answer()\nWait(600)")
    for name in ("PJSIP_HEADER(read,X)", "PJSIP_HEADERS()", "PJSIP_DTMF_MODE()"):
        with pytest.raises(InvalidArgument):
            dut.dialplan.read(channel, name)
    with pytest.raises(ServerError):
        dut.dialplan.read(channel, "PJSIP_AOR(x,contact)")


async def test_what_is_configured_can_be_read(world: World) -> None:
    dut = world.dut
    dut.dialplan.dynamic_config = dut.under.dynamic_config
    put = dut.under.dynamic_config.update
    put(CONFIG_CLASS, "aor", "desk", fields=[{"attribute": "max_contacts", "value": "3"}])
    fields = [{"attribute": "context", "value": "inside"}, {"attribute": "aors", "value": "desk"}]
    put(CONFIG_CLASS, "endpoint", "desk", fields=fields)
    assert world.read(None, "PJSIP_ENDPOINT(desk,context)") == "inside"
    assert world.read(None, "PJSIP_AOR(desk,max_contacts)") == "3"
    assert world.read(None, "PJSIP_AOR(desk,type)") == "aor"
    contact = world.read(None, "PJSIP_AOR(far,contact)") or ""
    assert contact.startswith("far;@")
    assert world.read(None, f"PJSIP_CONTACT({contact},status)") == "NonQualified"
    assert world.read(None, f"PJSIP_CONTACT({contact},rtt)") == ""
    for wrong in ("PJSIP_ENDPOINT(desk,colour)", "PJSIP_ENDPOINT(desk)"):
        with pytest.raises(InvalidArgument):
            world.read(None, wrong)
    for missing in ("PJSIP_ENDPOINT(none,context)", "PJSIP_CONTACT(none,status)"):
        with pytest.raises(NotFound):
            world.read(None, missing)


async def test_every_contact_of_an_endpoint_can_be_dialled(world: World) -> None:
    port = next(a.port for a in world.far.tech.bound_addresses() if a.protocol == "UDP")
    read = world.read
    assert read(None, "PJSIP_DIAL_CONTACTS(far)") == f"PJSIP/far/sip:100@127.0.0.1:{port}"
    assert read(None, "PJSIP_DIAL_CONTACTS(far,far,7)") == f"PJSIP/far/sip:7@127.0.0.1:{port}"
    assert read(None, "PJSIP_DIAL_CONTACTS(far,other)") == ""
    with pytest.raises(NotFound):
        read(None, "PJSIP_DIAL_CONTACTS(nobody)")


async def test_addresses_are_taken_apart(dut: DialplanUnderTest) -> None:
    uri = '"Bob, B" <sip:bob:pw@example.com:5070;transport=tcp;lr;user=phone>;x=1'
    channel = await dut.run("Answer()\nWait(600)")
    channel.variables.set("URI", uri)
    parts = {
        "display": "Bob, B", "scheme": "sip", "user": "bob", "passwd": "pw",
        "host": "example.com", "port": "5070", "transport_param": "tcp", "lr_param": "1",
        "user_param": "phone", "ttl_param": "", "maddr_param": "", "method_param": "",
    }  # fmt: skip
    for part, value in parts.items():
        assert dut.dialplan.read(channel, f"PJSIP_PARSE_URI_FROM(URI,{part})") == value
    assert dut.dialplan.read(channel, "PJSIP_PARSE_URI(sip:1@h,user)") == "1"
    for wrong in ("PJSIP_PARSE_URI(sip:1@h,colour)", "PJSIP_PARSE_URI(:::,user)"):
        with pytest.raises(InvalidArgument):
            dut.dialplan.read(channel, wrong)


@given(st.text(max_size=80), st.sampled_from(["user", "host", "port", "display", "lr_param"]))
def test_any_text_is_an_address_or_refused(text: str, part: str) -> None:
    try:
        assert isinstance(part_of(text, part), str)
    except InvalidArgument:
        return
