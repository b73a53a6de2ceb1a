"""Plain RTP channels, and the reading of dial strings that media channels share."""

from __future__ import annotations

import pytest

from server.base.errors import ChannelHungUp, InvalidArgument, Unprocessable
from server.tech.base import OutgoingCall
from server.tech.external_media import choose_codec, read_options, split_host_port
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import NodeUnderTest, settle


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("127.0.0.1:9", ("127.0.0.1", 9)),
        ("media.example.com:65535", ("media.example.com", 65535)),
        ("[::1]:9", ("::1", 9)),
    ],
)
def test_host_and_port(text: str, result: tuple[str, int]) -> None:
    assert split_host_port("external_host", text) == result


@pytest.mark.parametrize(
    "text", ["", "host", "host:", ":9", "host:0", "host:65536", "host:x", "::1:9", "[a]:9", "a b:9"]
)
def test_what_is_no_host_and_port(text: str) -> None:
    with pytest.raises(InvalidArgument, match="external_host"):
        split_host_port("external_host", text)


def test_options() -> None:
    assert read_options("c(ulaw)nf(json)", "cnf") == {"c": "ulaw", "n": "", "f": "json"}
    assert read_options("", "c") == {}
    for wrong in ("c(ulaw", "x", "(ulaw)"):
        with pytest.raises(InvalidArgument):
            read_options(wrong, "c")


def test_the_codec_is_the_option_else_the_first_wish() -> None:
    assert choose_codec({"c": "alaw"}, OutgoingCall(formats=["ulaw"])) == "alaw"
    assert choose_codec({}, OutgoingCall(formats=["slin16", "ulaw"])) == "slin16"
    assert choose_codec({}, OutgoingCall()) == "ulaw"
    with pytest.raises(InvalidArgument, match="format"):
        choose_codec({"c": "opium"}, OutgoingCall())


async def test_originate_answers_at_once_and_a_hangup_frees_the_port(node: NodeUnderTest) -> None:
    app = node.connect()
    channel = node.originator.originate(endpoint="UnicastRTP/127.0.0.1:9000/c(alaw)", app="test")
    assert channel.state == "Down"
    await settle()
    assert channel.state == "Up"
    assert "StasisStart" in app.types
    with pytest.raises(Unprocessable):
        channel.leg.redirect("elsewhere:9")
    channel.hangup()
    await settle()
    assert channel.leg.stream.is_closed


async def test_a_name_that_nobody_knows_ends_the_call(node: NodeUnderTest) -> None:
    node.connect()
    channel = node.originator.originate(endpoint="UnicastRTP/name.invalid:9000", app="test")
    with pytest.raises(ChannelHungUp):
        await channel.wait_hangup()
    assert channel.hangup_cause == 3
    await settle()


@pytest.mark.parametrize("endpoint", ["127.0.0.1", "127.0.0.1:0", "127.0.0.1:9/x", "h:9/c(opium)"])
async def test_a_dial_string_that_makes_no_sense(node: NodeUnderTest, endpoint: str) -> None:
    with pytest.raises(InvalidArgument):
        node.originator.originate(endpoint=f"UnicastRTP/{endpoint}", app="test")


async def test_dial_connects_a_caller_with_an_rtp_application(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Answer()\nDial(UnicastRTP/127.0.0.1:9000/c(slin16))")
    await settle()
    other = next(each for each in dut.under.registry if each is not channel)
    assert other.name.startswith("UnicastRTP/127.0.0.1:9000-")
    assert other.bridge is channel.bridge is not None
    assert dut.value(channel, "DIALSTATUS") == "ANSWER"
    dut.leg(channel).far_end_hangs_up()
    await settle()
    assert other.is_hungup
