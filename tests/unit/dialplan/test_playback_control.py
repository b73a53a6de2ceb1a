"""ControlPlayback, and the further ways of Playback, WaitExten, ReadExten and Authenticate."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest
from tests.support.fake_engine import FakePlayer
from tests.support.node import settle


async def press(channel: Channel, digits: str) -> None:
    for digit in digits:
        channel.on_dtmf(digit, 100)
        await settle()


async def finish_all(dut: DialplanUnderTest) -> None:
    """Let prompts end until nothing plays."""
    for _ in range(20):
        running = [each for each in dut.under.engine.players if each.is_running]
        if not running:
            return
        running[-1].finish()
        await settle()
    raise AssertionError("it plays on and on")


async def until_set(channel: Channel, name: str) -> str:
    for _ in range(1_000):
        if (found := channel.variables.get(name)) is not None:
            return found
        await asyncio.sleep(0.001)
    raise AssertionError(f"{name} is never set")


def player(dut: DialplanUnderTest) -> FakePlayer:
    return dut.under.engine.players[-1]


def done_to(dut: DialplanUnderTest) -> list[tuple[object, ...]]:
    return [call for call in dut.under.engine.calls(player(dut)) if call[0] != "PLAYER_STOP"]


def played(dut: DialplanUnderTest) -> list[str]:
    return [
        each.path.removeprefix("/sounds/en/").removesuffix(".wav") for each in player(dut).sources
    ]


def outcome(channel: Channel) -> tuple[str | None, ...]:
    names = ("CPLAYBACKSTATUS", "CPLAYBACKOFFSET", "CPLAYBACKSTOPKEY")
    return tuple(channel.variables.get(name) for name in names)


async def test_keys_control_a_playback(dut: DialplanUnderTest) -> None:
    channel = await dut.run("ControlPlayback(menu,500,6,4,0,5,1,o(2000))\nWaitDigit()")
    assert player(dut).offset_ms == 2000
    await press(channel, "6455179")
    assert done_to(dut) == [
        ("PLAYER_SEEK", 500),
        ("PLAYER_SEEK", -500),
        ("PLAYER_PAUSE", 1),
        ("PLAYER_PAUSE", 0),
        ("PLAYER_RESTART",),
    ]
    await press(channel, "0")
    assert outcome(channel) == ("USERSTOPPED", "0", "0")


async def test_the_usual_keys_wind(dut: DialplanUnderTest) -> None:
    channel = await dut.run("ControlPlayback(menu)\nWaitDigit()")
    await press(channel, "#*")
    assert done_to(dut) == [("PLAYER_SEEK", 3000), ("PLAYER_SEEK", -3000)]
    player(dut).finish()
    await settle()
    assert outcome(channel) == ("SUCCESS", "-1", "")


async def test_somebody_else_stops_a_playback(dut: DialplanUnderTest) -> None:
    channel = await dut.run("ControlPlayback(menu)\nWaitDigit()")
    controlled = dut.dialplan.state_of(channel).controlled
    assert controlled is not None
    controlled.stop()
    await settle()
    assert outcome(channel)[0] == "REMOTESTOPPED"
    assert dut.dialplan.state_of(channel).controlled is None


@pytest.mark.parametrize("name", ["missing", ""])
async def test_controlplayback_of_nothing_is_an_error(dut: DialplanUnderTest, name: str) -> None:
    channel = await dut.run(f"ControlPlayback({name})\nWaitDigit()")
    assert outcome(channel) == ("ERROR", "0", "")


@pytest.mark.parametrize(
    ("arguments", "prompts"),
    [
        ("num:21&digit:5,say", ["digits/20", "digits/1", "digits/5"]),
        ("menu&num:7,mix", ["menu", "digits/7"]),
        ("12,say", ["digits/1", "digits/2"]),
    ],
)
async def test_playback_says_things(
    dut: DialplanUnderTest, arguments: str, prompts: list[str]
) -> None:
    await dut.run(f"Playback({arguments})")
    assert played(dut) == prompts


@pytest.mark.parametrize(
    ("options", "background"),
    [("m(jazz)", ("STREAM_BACKGROUND", 2, "jazz")),
     ("d", ("STREAM_BACKGROUND", 3, "350+440")),
     ("d(busy)", ("STREAM_BACKGROUND", 3, "480+620/500,0/500"))],
)  # fmt: skip
async def test_waitexten_lets_something_sound(
    dut: DialplanUnderTest, options: str, background: tuple[object, ...]
) -> None:
    channel = await dut.run(f"WaitExten(5,{options})")
    assert background in dut.under.engine.calls(channel.leg.stream)


class TestReadExten:
    @pytest.mark.parametrize(
        ("arguments", "keys", "value", "status"),
        [
            ("X,menu", "55", "55", "OK"),
            ("X,menu", "9", "i", "INVALID"),
            ("X,,other", "7", "7", "OK"),
            ("X,dial,,i", "55", "55", "OK"),
        ],
    )
    async def test_reads_as_far_as_it_goes(
        self, dut: DialplanUnderTest, arguments: str, keys: str, value: str, status: str
    ) -> None:
        dut.load(
            f"[default]\nexten => s,1,ReadExten({arguments})\nsame => n,WaitDigit()\n"
            "exten => 55,1,NoOp()\n[other]\nexten => 7,1,NoOp()"
        )
        channel = await dut.call()
        await press(channel, keys)
        assert channel.variables.get("X") == value
        assert channel.variables.get("READEXTENSTATUS") == status
        if status == "INVALID":
            assert channel.variables.get("INVALID_EXTEN") == keys

    async def test_pound_ends_it_if_asked_for(self, dut: DialplanUnderTest) -> None:
        dut.load(
            "exten => s,1,ReadExten(X,,,p)\nsame => n,WaitDigit()\n"
            "exten => 5,1,NoOp()\nexten => 55,1,NoOp()"
        )
        channel = await dut.call()
        await press(channel, "5#")
        assert channel.variables.get("X") == "5"

    async def test_nothing_dialled_is_t(self, dut: DialplanUnderTest) -> None:
        dut.load("exten => s,1,ReadExten(X,,,,0.003)\nsame => n,WaitDigit()\nexten => 5,1,NoOp()")
        channel = await dut.call()
        assert await until_set(channel, "READEXTENSTATUS") == "TIMEOUT"
        assert channel.variables.get("X") == "t"

    @pytest.mark.parametrize(("arguments", "status"), [("", "ERROR"), ("X,,,s", "SKIP")])
    async def test_does_not_ask_everybody(
        self, dut: DialplanUnderTest, arguments: str, status: str
    ) -> None:
        channel = await dut.run(f"ReadExten({arguments})\nSet(DONE=1)")
        assert channel.variables.get("READEXTENSTATUS") == status


class TestAuthenticate:
    async def test_the_password_lets_go_on(self, dut: DialplanUnderTest) -> None:
        channel = await dut.run("Authenticate(1234,a)\nSet(A=in)\nWaitDigit()")
        await press(channel, "1234#")
        await finish_all(dut)
        assert channel.variables.get("A") == "in"
        assert channel.account_code == "1234"

    async def test_maxdigits_need_no_end(self, dut: DialplanUnderTest) -> None:
        channel = await dut.run("Authenticate(12,,2,menu)\nSet(A=in)\nWaitDigit()")
        assert played(dut) == ["menu"]
        await press(channel, "12")
        await finish_all(dut)
        assert channel.variables.get("A") == "in"
        assert channel.account_code == ""

    async def test_three_wrong_ones_end_the_call(self, dut: DialplanUnderTest) -> None:
        channel = await dut.run("Authenticate(1234)\nSet(A=in)")
        for _ in range(3):
            await press(channel, "99#")
        await finish_all(dut)
        assert channel.is_hungup
        assert channel.variables.get("A") is None

    @pytest.mark.parametrize(("options", "account"), [("", "77"), ("m", "sales")])
    async def test_a_file_has_passwords(
        self, dut: DialplanUnderTest, tmp_path: Path, options: str, account: str
    ) -> None:
        digest = hashlib.md5(b"77", usedforsecurity=False).hexdigest()
        line = f"sales:{digest}" if options else "77"
        (tmp_path / "passwords").write_text(f"11\n{line}\n")
        channel = await dut.run(
            f"Authenticate({tmp_path}/passwords,a{options})\nSet(A=in)\nWaitDigit()"
        )
        await press(channel, "77#")
        for _ in range(100):
            await asyncio.sleep(0.001)
            await finish_all(dut)
            if channel.variables.get("A"):
                break
        assert channel.variables.get("A") == "in"
        assert channel.account_code == account

    async def test_a_key_of_the_database_is_used_up(self, dut: DialplanUnderTest) -> None:
        dut.store.put("pins", "55", "1")
        channel = await dut.run("Authenticate(/pins,dr)\nSet(A=in)\nWaitDigit()")
        await press(channel, "55#")
        await finish_all(dut)
        assert channel.variables.get("A") == "in"
        assert dut.store.get("pins", "55") is None
