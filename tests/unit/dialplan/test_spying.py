"""ChanSpy(), ExtenSpy() and Broadcast(): who is listened to, and what the keys do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from server.dialplan.spying import Round
from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle

PLAN = """
    exten => talk,1,Answer()
    same => n,Wait(600)
    exten => spy,1,ChanSpy({spy})
    same => n,Set(LOG=left)
    same => n,Wait(600)
    exten => exten,1,ExtenSpy({spy})
    same => n,Wait(600)
    exten => cast,1,Answer()
    same => n,Broadcast({spy})
    same => n,Set(LOG=left)
    same => n,Wait(600)
    exten => 5,1,Set(LOG=five)
    same => n,Wait(600)
"""


async def until(is_true: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if is_true():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it does not come")


async def press(channel: Channel, digits: str) -> None:
    for digit in digits:
        channel.on_dtmf(digit, 100)
        await settle()


def snoops(dut: DialplanUnderTest) -> list[tuple[object, ...]]:
    """The snoops that live: (whom they spy on, then as they were tuned last)."""
    found = []
    for stream in dut.under.engine.streams:
        if stream.target is None or stream.is_closed:
            continue
        tunes = [c[1:] for c in dut.under.engine.calls(stream) if c[0] == "STREAM_SNOOP_TUNE"]
        opened = [c[2:] for c in dut.under.engine.calls(stream) if c[0] == "STREAM_SNOOP"]
        owner = next(c for c in dut.under.registry if c.leg.stream is stream.target)
        found.append((owner.name, *(tunes or opened)[-1]))
    return found


async def spy(
    dut: DialplanUnderTest, arguments: str, *others: str, exten: str = "spy"
) -> tuple[Channel, list[Channel]]:
    """Let others talk, and one spy."""
    dut.load(PLAN.replace("{spy}", arguments))
    targets = [await dut.call("talk", endpoint=name) for name in others]
    spying = await dut.call(exten, endpoint="carol")
    await settle()
    return spying, targets


async def test_the_channels_of_the_prefix_are_listened_to_one_after_the_other(
    dut: DialplanUnderTest,
) -> None:
    spying, (alice, bob) = await spy(dut, "pjsip,q", "alice", "bob")
    assert snoops(dut) == [(alice.name, 3, 0, 4096, 4096, 0)]
    assert spying.variables.get("SPY_CHANNEL") == alice.name
    await press(spying, "*")
    assert snoops(dut) == [(bob.name, 3, 0, 4096, 4096, 0)]
    bob.hangup()
    await until(lambda: bool(snoops(dut)) and snoops(dut)[0][0] == alice.name)
    spying.hangup()
    await settle()
    assert snoops(dut) == []


@pytest.mark.parametrize(
    ("options", "masks"),
    [("", (3, 0)), ("w", (3, 2)), ("W", (0, 2)), ("B", (3, 3)), ("o", (1, 0)), ("ow", (1, 2))],
)
async def test_the_options_decide_who_hears_whom(
    dut: DialplanUnderTest, options: str, masks: tuple[int, int]
) -> None:
    _spying, (alice,) = await spy(dut, f"PJSIP/alice,q{options}", "alice")
    assert [each[:3] for each in snoops(dut)] == [(alice.name, *masks)]


async def test_keys_switch_between_listening_whispering_and_barging(dut: DialplanUnderTest) -> None:
    spying, (alice, _bob) = await spy(dut, "PJSIP,qd", "alice", "bob")
    seen = []
    for key in "564*":
        await press(spying, key)
        seen.append(snoops(dut)[0][1:3])
    assert seen == [(3, 2), (3, 3), (3, 0), (3, 0)]
    await press(spying, "5")
    await press(spying, "*")
    await until(lambda: bool(snoops(dut)))
    assert snoops(dut)[0][:3] == (alice.name, 3, 2)  # the mode stays


async def test_the_pound_key_goes_through_the_volumes(dut: DialplanUnderTest) -> None:
    spying, _ = await spy(dut, "PJSIP,qv(3)", "alice")
    volumes = [snoops(dut)[0][3]]
    for _ in range(2):
        await press(spying, "#")
        volumes.append(snoops(dut)[0][3])
    assert volumes == [8 * 4096, 16 * 4096, 256]


async def test_digits_and_pound_choose_a_channel(dut: DialplanUnderTest) -> None:
    spying, (_alice, local) = await spy(dut, ",q", "alice", "bob")
    local.name = "PJSIP/1234-77"
    dut.under.registry.add(local)
    await press(spying, "99#")
    assert len(snoops(dut)) == 1
    spying.hangup()
    spying, _ = await spy(dut, "PJSIP,q", exten="spy")
    await press(spying, "1234#")
    assert snoops(dut)[0][0] == "PJSIP/1234-77"


async def test_only_bridged_ones_only_a_group_and_only_some_endpoints(
    dut: DialplanUnderTest,
) -> None:
    spying, (alice, bob) = await spy(dut, ",qg(blue:red)", "alice", "bob")
    assert snoops(dut) == []
    bob.variables.set("SPYGROUP", "green:red")
    await until(lambda: bool(snoops(dut)))
    assert snoops(dut)[0][0] == bob.name
    spying.hangup()
    spying, _ = await spy(dut, ",qe(bob:nobody)")
    assert snoops(dut)[0][0] == bob.name
    spying.hangup()
    spying, _ = await spy(dut, ",qb")
    assert snoops(dut) == []
    dut.under.bridges.join(alice, bob)
    await until(lambda: bool(snoops(dut)))


async def test_a_unique_id_names_one_channel(dut: DialplanUnderTest) -> None:
    dut.load(PLAN.replace("{spy}", "${GLOBALID},qu"))
    await dut.call("talk", endpoint="alice")
    bob = await dut.call("talk", endpoint="bob")
    dut.dialplan.globals["GLOBALID"] = bob.id
    await dut.call("spy", endpoint="carol")
    assert [each[0] for each in snoops(dut)] == [bob.name]


async def test_it_ends_with_the_channel_when_nobody_is_left_or_by_a_key(
    dut: DialplanUnderTest,
) -> None:
    spying, (alice,) = await spy(dut, "PJSIP/alice,qE", "alice")
    alice.hangup()
    await until(lambda: spying.variables.get("LOG") == "left")
    spying, _ = await spy(dut, "PJSIP/alice,qS")
    await until(lambda: spying.variables.get("LOG") == "left")
    spying, _ = await spy(dut, "PJSIP/alice,qx(9)", "alice")
    await press(spying, "9")
    await until(lambda: spying.variables.get("LOG") == "left")
    spying, _ = await spy(dut, "PJSIP/alice,qX")
    await press(spying, "5")
    await until(lambda: spying.variables.get("LOG") == "five")
    assert snoops(dut) == []


async def test_another_key_can_go_to_the_next(dut: DialplanUnderTest) -> None:
    spying, (_alice, bob) = await spy(dut, "PJSIP,qc(7)", "alice", "bob")
    await press(spying, "7")
    assert snoops(dut)[0][0] == bob.name


async def test_spies_don_t_spy_on_spies(dut: DialplanUnderTest) -> None:
    await spy(dut, "PJSIP,q")
    await dut.call("spy", endpoint="bob")
    await settle()
    assert snoops(dut) == []


async def test_it_beeps_and_says_the_name_first(dut: DialplanUnderTest) -> None:
    await spy(dut, "PJSIP", "bob")
    players = dut.under.engine.players
    assert [source.path for source in players[0].sources] == ["/sounds/en/beep.wav"]
    players[0].finish()
    await settle()
    names = [source.path for source in players[1].sources]
    assert names[0] == "/sounds/en/spy-pjsip.wav"
    assert names[1:] == [f"/sounds/en/letters/{letter}.wav" for letter in "bob"]
    players[1].finish()
    await settle()
    assert len(snoops(dut)) == 1


async def test_what_is_heard_can_be_recorded(dut: DialplanUnderTest) -> None:
    await spy(dut, "PJSIP,qr(mine)", "bob")
    await until(lambda: bool(dut.under.engine.recorders))
    recorder = dut.under.engine.recorders[0]
    assert "/mine." in recorder.path
    assert recorder.options["append"] is True


async def test_exten_spy_listens_to_who_is_at_an_extension(dut: DialplanUnderTest) -> None:
    spying, (alice,) = await spy(dut, "talk@default,q", "alice", exten="exten")
    assert [each[0] for each in snoops(dut)] == [alice.name]
    spying.hangup()
    await spy(dut, "nowhere,q", exten="exten")
    assert snoops(dut) == []


async def test_broadcast_speaks_to_all_and_none_of_them_hears_another(
    dut: DialplanUnderTest,
) -> None:
    casting, (alice, bob) = await spy(
        dut, "wsb,PJSIP/alice,PJSIP/bob,PJSIP/nobody", "alice", "bob", exten="cast"
    )
    assert sorted(snoops(dut)) == sorted(
        [(casting.name, 1, 0), (alice.name, 3, 0), (alice.name, 0, 3), (bob.name, 3, 0),
         (bob.name, 0, 3)]
    )  # fmt: skip
    here, there = dut.under.engine.bridges[-2:]
    assert casting.leg.stream in here.members
    assert not set(here.members) & set(there.members)
    alice.hangup()
    await settle()
    assert casting.variables.get("LOG") is None
    bob.hangup()
    await until(lambda: casting.variables.get("LOG") == "left")
    assert snoops(dut) == []


async def test_broadcast_needs_a_direction_and_channels(dut: DialplanUnderTest) -> None:
    for arguments in ("b,PJSIP/alice", "w", "w,PJSIP/nobody"):
        casting, _ = await spy(dut, arguments, exten="cast")
        await until(lambda casting=casting: casting.variables.get("LOG") == "left")  # type: ignore[misc]
        casting.hangup()
        await settle()


def test_a_round_meets_everybody_once_and_then_begins_anew() -> None:
    class Named:
        def __init__(self, name: str) -> None:
            self.id = name

    there = [Named("a"), Named("b")]
    going = Round(lambda: there)  # type: ignore[arg-type,return-value]
    assert going.next() is there[0]
    there.insert(0, Named("c"))
    met = [going.next(), going.next()]
    assert met == [there[0], there[2]]
    assert going.next() is None
    assert going.next() is there[0]
