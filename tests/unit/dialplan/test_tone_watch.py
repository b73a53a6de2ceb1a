"""TONE_DETECT: tones that are listened for while the dialplan goes on."""

from __future__ import annotations

import pytest

from server.dialplan.call_progress import ProgressTones
from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest
from tests.support.listening import Voice
from tests.support.node import settle


def voices(dut: DialplanUnderTest, channel: Channel) -> tuple[Voice, Voice]:
    """What the channel says, and what it hears."""
    stream = dut.leg(channel).stream
    return Voice(stream), Voice(stream.snoops[0])


async def test_both_directions_are_counted(dut: DialplanUnderTest) -> None:
    channel = await dut.run(
        "Set(TONE_DETECT(2600,200)=)\nWaitDigit()\n"
        "Set(A=${TONE_DETECT(rx)}-${TONE_DETECT(tx)})\nWaitDigit()"
    )
    said, heard = voices(dut, channel)
    for _ in range(2):
        await said.tones(400, 1)
        await said.tones(40, 0)
    await said.tones(160, 1)
    await heard.tones(400, 1)
    channel.on_dtmf("1", 100)
    await settle()
    assert channel.variables.get("A") == "2-1"


@pytest.mark.parametrize(
    ("options", "sent", "place"),
    [("g(got,1)", False, "got"), ("g(got,1)n(2)", False, None), ("h(got,1)", True, "got"),
     ("g(got,1)r", True, None), ("g(nosuch,1)", False, None),
     ("g(default,got,here)", False, "label")],
)  # fmt: skip
async def test_a_tone_sends_the_channel_elsewhere(
    dut: DialplanUnderTest, options: str, sent: bool, place: str | None
) -> None:
    dut.load(
        f"exten => s,1,Set(TONE_DETECT(2600,200,{options})=)\nsame => n,WaitDigit()\n"
        "exten => got,1,Set(A=got)\nsame => n,WaitDigit()\n"
        "same => n(here),Set(A=label)\nsame => n,WaitDigit()"
    )
    channel = await dut.call()
    stream = dut.leg(channel).stream
    if not sent:
        await Voice(stream).tones(400, 1)
    elif stream.snoops:
        await Voice(stream.snoops[0]).tones(400, 1)
    assert channel.variables.get("A") == place


async def test_a_busy_signal_counts_without_a_frequency(dut: DialplanUnderTest) -> None:
    channel = await dut.run(
        "Set(TONE_DETECT(0,,br)=)\nWaitDigit()\nSet(A=${TONE_DETECT(rx)})\nWaitDigit()"
    )
    stream = dut.leg(channel).stream
    assert not stream.snoops
    bits = ProgressTones(dut.under.node.settings.indications).bits(480, 620)
    await Voice(stream).tones(500, bits)
    channel.on_dtmf("1", 100)
    await settle()
    assert channel.variables.get("A") == "1"


@pytest.mark.parametrize(
    "end", ["Set(TONE_DETECT(0,,x)=)", "Set(TONE_DETECT(440,,r)=)", "Hangup()"]
)
async def test_a_detector_ends(dut: DialplanUnderTest, end: str) -> None:
    channel = await dut.run(f"Set(TONE_DETECT(2600)=)\nWaitDigit()\n{end}\nWaitDigit()")
    stream = dut.leg(channel).stream
    snoop = stream.snoops[0]
    channel.on_dtmf("1", 100)
    await settle()
    assert snoop.is_closed
    assert len(stream._scans) == (1 if "440" in end else 0)


@pytest.mark.parametrize("name", ["TONE_DETECT(up)", "TONE_DETECT(rx)"])
async def test_reading_needs_a_detector_and_a_direction(dut: DialplanUnderTest, name: str) -> None:
    channel = await dut.run(f"Set(A=${{{name}}})\nSet(B=1)\nWaitDigit()")
    assert channel.variables.get("A") == ""
    assert channel.variables.get("B") == "1"
