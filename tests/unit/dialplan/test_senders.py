"""Applications that send tones, and those that receive digits of trunks."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.dialplan.apps import mp3
from server.dialplan.apps.senders import _AMERICAN, _MORSE, _morse
from server.dialplan.trunk_digits import MF_HZ, MF_TONES, MfReceiver, SfReceiver
from server.media import _media
from server.media.scans import Heard
from server.media.streams import SilenceSource, ToneSource
from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest
from tests.support.listening import Voice
from tests.support.node import settle


def tones(dut: DialplanUnderTest) -> list[str]:
    """What the last player was to send."""
    found = []
    for source in dut.under.engine.players[-1].sources:
        if isinstance(source, ToneSource):
            assert _media.is_tone(source.tonelist)
            found.append(source.tonelist)
        else:
            assert isinstance(source, SilenceSource)
            found.append(f"silence/{source.ms}")
    return found


def backgrounds(dut: DialplanUnderTest, channel: Channel) -> list[object]:
    calls = dut.under.engine.calls(channel.leg.stream)
    return [call[2] for call in calls if call[0] == "STREAM_BACKGROUND"]


@pytest.mark.parametrize(
    ("options", "tone"), [("", "1004/1000"), ("m", "1004/9000,0/1000"), ("o", "1000/1000")]
)
async def test_milliwatt(dut: DialplanUnderTest, options: str, tone: str) -> None:
    channel = await dut.run(f"Milliwatt({options})")
    assert channel.state == "Up"
    assert backgrounds(dut, channel) == [tone]


async def test_zapateller_zaps(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Zapateller()\nWaitDigit()")
    assert channel.variables.get("ZAPATELLERSTATUS") == "NOTHING"
    assert tones(dut) == ["!950/330,!1400/330,!1800/330,!0/1000"]
    dut.under.engine.players[-1].finish()
    await settle()
    assert channel.variables.get("ZAPATELLERSTATUS") == "ZAPPED"
    assert channel.state != "Up"


async def test_zapateller_spares_who_shows_his_number(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Zapateller(nocallerid)\nWaitDigit()")
    assert channel.variables.get("ZAPATELLERSTATUS") == "NOTHING"
    assert dut.under.engine.players == []


async def test_morse_code(dut: DialplanUnderTest) -> None:
    await dut.run("Set(MORSEDITLEN=10)\nSet(MORSETONE=500)\nMorsecode(a b)")
    assert tones(dut) == [
        "!500/10,!0/10,!500/30,!0/10,!0/20",
        "!0/40",
        "!500/30,!0/10,!500/10,!0/10,!500/10,!0/10,!500/10,!0/10,!0/20",
    ]


async def test_american_morse_code(dut: DialplanUnderTest) -> None:
    await dut.run("Set(MORSETYPE=AMERICAN)\nMorsecode(l)")
    assert tones(dut) == ["!800/480,!0/80,!0/160"]


@given(st.text(min_size=1, max_size=60))
def test_every_text_is_morse_code(text: str) -> None:
    for code, codes in itertools.product(text, (_MORSE, _AMERICAN)):
        source = _morse(codes.get(code.upper(), ""), 80, 800, 0)
        assert isinstance(source, ToneSource)
        assert _media.is_tone(source.tonelist)


async def test_sendmf(dut: DialplanUnderTest) -> None:
    await dut.run("SendMF(*12w#,40,50)")
    assert tones(dut) == [
        "!1100+1700/120,!0/40", "!700+900/50,!0/40", "!700+1100/50,!0/40", "silence/500",
        "!1500+1700/65,!0/40",
    ]  # fmt: skip


async def test_sendsf(dut: DialplanUnderTest) -> None:
    await dut.run("SendSF(2)")
    assert tones(dut) == ["!2600/67,!0/33,!2600/67,!0/33", "silence/600"]


@pytest.mark.parametrize("step", ["SendMF(x)", "SendMF()", "SendSF(Z)", "SendMF(1,,,,,nobody)",
                                  "SendSF(1,9000)"])  # fmt: skip
async def test_what_can_not_be_sent_is_reported(dut: DialplanUnderTest, step: str) -> None:
    channel = await dut.run(f"{step}\nSet(A=1)")
    assert dut.under.engine.players == []
    assert channel.variables.get("A") == "1"


async def dial_mf(voice: Voice, digits: str) -> None:
    for digit in digits:
        bits = sum(1 << MF_HZ.index(hz) for hz in MF_TONES[digit])
        await voice.sound(60, bits << 1 | 1)
        await voice.sound(60, 0)


@pytest.mark.parametrize(
    ("options", "dialled", "value", "status"),
    [
        ("", "5*123#", "*123#", "START"),
        ("ks", "*123#", "123", "START"),
        ("l", "12C", "12C", "START"),
        ("o", "*12*34A", "*34A", "START"),
        ("ln(2)", "123", "12", "MAXDIGITS"),
    ],
)
async def test_receivemf(
    dut: DialplanUnderTest, options: str, dialled: str, value: str, status: str
) -> None:
    channel = await dut.run(f"ReceiveMF(X,0,{options})\nWaitDigit()")
    await dial_mf(Voice(dut.leg(channel).stream), dialled)
    assert channel.variables.get("X") == value
    assert channel.variables.get("RECEIVEMFSTATUS") == status


@pytest.mark.parametrize(
    ("options", "pulses", "value"), [("", [3, 10, 11], ""), ("", [3, 10, 5], "305"),
                                     ("e", [1, 11, 12], "1*#")]
)  # fmt: skip
async def test_receivesf(
    dut: DialplanUnderTest, options: str, pulses: list[int], value: str
) -> None:
    channel = await dut.run(f"ReceiveSF(X,3,0,,{options})\nWaitDigit()")
    voice = Voice(dut.leg(channel).stream)
    for count in pulses:
        for _ in range(count):
            await voice.sound(60, 3)
            await voice.sound(40, 0)
        await voice.sound(600, 0)
    assert (channel.variables.get("X") or "") == value
    assert channel.variables.get("RECEIVESFSTATUS") == ("MAXDIGITS" if value else None)


async def test_receiving_ends_at_the_timeout(dut: DialplanUnderTest) -> None:
    channel = await dut.run("ReceiveMF(X,0.003)\nReceiveSF(Y,1,0.003)\nReceiveMF()\nWaitDigit()")
    for _ in range(100):
        await asyncio.sleep(0.001)
        if channel.variables.get("RECEIVESFSTATUS"):
            break
    await settle()
    assert channel.variables.get("RECEIVESFSTATUS") == "TIMEOUT"
    assert channel.variables.get("RECEIVEMFSTATUS") == "ERROR"


@given(st.lists(st.integers(0, 63), max_size=60))
def test_no_sound_breaks_a_receiver(masks: list[int]) -> None:
    for receiver in (MfReceiver(), SfReceiver()):
        for index, mask in enumerate(masks):
            assert len(receiver.hear(Heard(mask << 1, index * 20, index * 20 + 20))) <= 1


# texts and digits


async def test_sendtext_says_how_it_went(dut: DialplanUnderTest) -> None:
    channel = await dut.run("SendText(hello)\nSet(A=${SENDTEXTSTATUS})\nSendText()\nWaitDigit()")
    assert ("text", "hello") in dut.leg(channel).said
    assert channel.variables.get("A") == "SUCCESS"
    assert channel.variables.get("SENDTEXTSTATUS") == "FAILURE"


async def test_sendtext_takes_the_body_from_a_variable(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Set(SENDTEXT_BODY=a long one)\nSendText(short)\nWaitDigit()")
    assert ("text", "a long one") in dut.leg(channel).said
    assert channel.variables.get("SENDTEXTTYPE") == "BASIC"


async def test_receivetext_waits_for_one(dut: DialplanUnderTest) -> None:
    channel = await dut.run("ReceiveText(5)\nWaitDigit()")
    for observer in list(channel.text_observers):
        observer("good day")
    await settle()
    assert channel.variables.get("RECEIVETEXTMESSAGE") == "good day"
    assert channel.variables.get("RECEIVETEXTSTATUS") == "SUCCESS"
    assert channel.text_observers == []


async def test_receivetext_gives_up(dut: DialplanUnderTest) -> None:
    channel = await dut.run("ReceiveText(0.003)\nWaitDigit()")
    await asyncio.sleep(0.01)
    await settle()
    assert channel.variables.get("RECEIVETEXTSTATUS") == "FAILURE"


async def test_storedtmf_appends_until_removed(dut: DialplanUnderTest) -> None:
    channel = await dut.run(
        "StoreDTMF(D,rx)\nWaitDigit()\nWaitDigit()\nStoreDTMF(D,remove)\nWaitDigit()\nWaitDigit()"
    )
    for digit in "123":
        channel.on_dtmf(digit, 100)
        await settle()
    assert channel.variables.get("D") == "12"


async def test_senddtmf_answers_if_asked_to(dut: DialplanUnderTest) -> None:
    channel = await dut.run("SendDTMF(1,,,,a)\nWaitDigit()")
    assert channel.state == "Up"


# MP3Player


async def test_mp3player_says_what_it_lacks(
    dut: DialplanUnderTest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mp3, "PROGRAM", "no-such-program")
    channel = await dut.run("MP3Player(x.mp3)\nSet(A=1)\nWaitDigit()")
    for _ in range(1_000):
        if channel.variables.get("A"):
            break
        await asyncio.sleep(0.001)
    assert "needs no-such-program, which is not installed" in caplog.text


@pytest.fixture
def decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that "decodes" to its last argument, thrice."""
    program = tmp_path / "decoder"
    program.write_text('#!/bin/sh\nfor last; do :; done\nprintf "%s%s%s" "$last" "$last" "$last"\n')
    program.chmod(0o755)
    monkeypatch.setattr(mp3, "PROGRAM", str(program))
    monkeypatch.setattr(mp3, "CHUNK", 16)
    return program


async def player_of(dut: DialplanUnderTest, number: int) -> Path:
    """Wait for a player, and return its file."""
    for _ in range(2_000):
        if len(dut.under.engine.players) >= number:
            break
        await asyncio.sleep(0.001)
    (source,) = dut.under.engine.players[number - 1].sources
    return Path(source.path)


async def test_mp3player_plays_chunk_by_chunk(dut: DialplanUnderTest, decoder: Path) -> None:
    channel = await dut.run("MP3Player(http://radio)\nSet(A=1)\nWaitDigit()")
    heard = b""
    for number in (1, 2, 3):
        path = await player_of(dut, number)
        heard += path.read_bytes()
        dut.under.engine.players[-1].finish()
    assert heard == b"http://radio" * 3
    for _ in range(1_000):
        if channel.variables.get("A"):
            break
        await asyncio.sleep(0.001)
    assert channel.variables.get("A") == "1"
    assert not path.parent.exists()


async def test_a_digit_ends_the_mp3player(dut: DialplanUnderTest, decoder: Path) -> None:
    channel = await dut.run("MP3Player(song.mp3)\nSet(A=1)\nWaitDigit()")
    path = await player_of(dut, 1)
    channel.on_dtmf("5", 100)
    for _ in range(1_000):
        if channel.variables.get("A"):
            break
        await asyncio.sleep(0.001)
    assert len(dut.under.engine.players) == 1
    assert not path.parent.exists()


async def test_hanging_up_ends_the_mp3player(dut: DialplanUnderTest, decoder: Path) -> None:
    channel = await dut.run("MP3Player(song.mp3)")
    path = await player_of(dut, 1)
    dut.leg(channel).far_end_hangs_up()
    for _ in range(1_000):
        if channel.is_destroyed:
            break
        await asyncio.sleep(0.001)
    assert channel.is_destroyed
    assert not path.parent.exists()


@pytest.mark.parametrize("location", ["", "-w/etc/passwd"])
async def test_mp3player_takes_no_options(
    dut: DialplanUnderTest, decoder: Path, location: str
) -> None:
    channel = await dut.run(f"MP3Player({location})\nSet(A=1)\nWaitDigit()")
    assert channel.variables.get("A") == "1"
    assert dut.under.engine.players == []
