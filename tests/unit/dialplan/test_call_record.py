"""The call's record: CDR() and the applications around it."""

from __future__ import annotations

import pytest

from server.base.errors import InvalidArgument
from server.dialplan.call_record import CallRecords
from server.dialplan.scope import Scope
from server.resources.channel import Channel
from tests.support.dialplan import DialplanUnderTest
from tests.support.node import settle


class Wall:
    """A clock to move."""

    def __init__(self) -> None:
        self.time = 1_700_000_000.25

    def wall(self) -> float:
        return self.time

    def now(self) -> float:
        return 0.0


@pytest.fixture
def clock(dut: DialplanUnderTest) -> Wall:
    clock = Wall()
    dut.under.node.clock = clock
    return clock


def read(dut: DialplanUnderTest, channel: Channel, *items: str) -> list[str]:
    scope = Scope(dut.dialplan, channel)
    return [scope.substitute(f"${{CDR({item})}}") for item in items]


async def test_a_call_is_timed_from_start_and_answer(dut: DialplanUnderTest, clock: Wall) -> None:
    channel = await dut.run("WaitDigit()\nAnswer()\nWaitDigit()")
    clock.time += 3
    assert read(dut, channel, "duration", "billsec", "disposition", "answer", "end") == [
        "3", "0", "NO ANSWER", "", ""]  # fmt: skip
    channel.on_dtmf("1", 100)
    await settle()
    clock.time += 4.5
    wanted = ["7", "4", "7.500000", "4.500000", "ANSWERED", "8"]
    items = ["duration", "billsec", "duration,f", "billsec,f", "disposition", "disposition,u"]
    assert read(dut, channel, *items) == wanted
    assert read(dut, channel, "start,u", "answer,u", "end,u") == [
        "1700000000.250000", "1700000003.250000", "0.000000"]  # fmt: skip


async def test_the_parties_and_places_are_those_of_the_channel(
    dut: DialplanUnderTest, clock: Wall
) -> None:
    channel = await dut.run("Set(CHANNEL(accountcode)=acc)\nSet(CDR(mine)=m)\nWaitDigit()")
    assert read(
        dut, channel, "src", "clid", "dst", "dcontext", "channel", "uniqueid", "linkedid",
        "lastapp", "accountcode", "mine", "nosuch", "amaflags", "amaflags,u", "dstchannel",
    ) == [
        "alice", '"Alice" <alice>', "s", "default", channel.name, channel.id, channel.linkedid,
        "WaitDigit", "acc", "m", "", "DOCUMENTATION", "3", "",
    ]  # fmt: skip


async def test_h_sees_the_record_as_it_was_at_the_end(dut: DialplanUnderTest, clock: Wall) -> None:
    dut.load(
        """
        exten => s,1,Answer()
        same => n,WaitDigit()
        exten => h,1,Set(R=${CDR(dst)} ${CDR(lastapp)} ${CDR(billsec)} ${CDR(disposition)})
        """
    )
    channel = await dut.call()
    clock.time += 2
    channel.hangup()
    clock.time += 5
    await settle()
    assert channel.variables.get("R") == "s WaitDigit 2 ANSWERED"


@pytest.mark.parametrize(
    ("status", "cause", "disposition"),
    [("BUSY", 16, "BUSY"), ("CHANUNAVAIL", 16, "FAILED"), ("NOANSWER", 16, "NO ANSWER"),
     ("", 17, "BUSY"), ("", 34, "CONGESTION"), ("", 16, "NO ANSWER"), ("", 999, "NO ANSWER")],
)  # fmt: skip
async def test_how_an_unanswered_call_came_out(
    dut: DialplanUnderTest, status: str, cause: int, disposition: str
) -> None:
    dut.load(f"exten => s,1,Set(DIALSTATUS={status})\nsame => n,WaitDigit()\n"
             "exten => h,1,Set(R=${CDR(disposition)})")  # fmt: skip
    channel = await dut.call()
    channel.hangup(cause)
    await settle()
    assert channel.variables.get("R") == disposition


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [("userfield", "u", "u"), ("accountcode", "a", "a"), ("peeraccount", "p", "p"),
     ("amaflags", "billing", "BILLING"), ("amaflags", "1", "OMIT"),
     ("amaflags", "default", "DOCUMENTATION"), ("Mine", "m", "m")],
)  # fmt: skip
async def test_fields_are_set(dut: DialplanUnderTest, name: str, value: str, shown: str) -> None:
    channel = await dut.run("WaitDigit()")
    Scope(dut.dialplan, channel).set(f"CDR({name})", value)
    assert read(dut, channel, name) == [shown]


@pytest.mark.parametrize(
    "name", ["src", "start", "billsec", "disposition", "", "sequence", "linkedid"]
)
async def test_what_the_channel_knows_is_not_set(dut: DialplanUnderTest, name: str) -> None:
    channel = await dut.run("WaitDigit()")
    with pytest.raises(InvalidArgument):
        Scope(dut.dialplan, channel).set(f"CDR({name})", "1")
    with pytest.raises(InvalidArgument):
        Scope(dut.dialplan, channel).set("CDR(amaflags)", "nonsense")


async def test_properties_are_kept_for_who_writes_records(dut: DialplanUnderTest) -> None:
    channel = await dut.run("Set(CDR_PROP(disable)=1)\nSet(CDR_PROP(party_a)=yes)\nWaitDigit()")
    record = dut.dialplan.part(CallRecords).of(channel)
    assert record.is_disabled
    assert record.is_party_a
    Scope(dut.dialplan, channel).set("CDR_PROP(disable)", "0")
    assert not record.is_disabled
    with pytest.raises(InvalidArgument):
        Scope(dut.dialplan, channel).set("CDR_PROP(x)", "1")


async def test_nocdr_disables_the_record(dut: DialplanUnderTest) -> None:
    channel = await dut.run("NoCDR()\nWaitDigit()")
    assert dut.dialplan.part(CallRecords).of(channel).is_disabled


@pytest.mark.parametrize(("options", "mine"), [("", ""), ("v", "m")])
async def test_resetcdr_begins_anew(
    dut: DialplanUnderTest, clock: Wall, options: str, mine: str
) -> None:
    channel = await dut.run(
        f"Answer()\nSet(CDR(mine)=m)\nWaitDigit()\nResetCDR({options})\nWaitDigit()"
    )
    clock.time += 5
    channel.on_dtmf("1", 100)
    await settle()
    clock.time += 2
    assert read(dut, channel, "duration", "billsec", "mine") == ["2", "2", mine]


@pytest.mark.parametrize(
    ("options", "former_end", "duration", "mine"),
    [("", None, "7", ""), ("e", 5.0, "7", ""), ("r", None, "2", ""), ("erv", 5.0, "2", "m")],
)
async def test_forkcdr_goes_on_with_another(
    dut: DialplanUnderTest,
    clock: Wall,
    options: str,
    former_end: float | None,
    duration: str,
    mine: str,
) -> None:
    began = clock.time
    channel = await dut.run(f"Set(CDR(mine)=m)\nWaitDigit()\nForkCDR({options})\nWaitDigit()")
    clock.time += 5
    channel.on_dtmf("1", 100)
    await settle()
    clock.time += 2
    first, second = dut.dialplan.part(CallRecords).all_of(channel)
    assert first.ended == (None if former_end is None else began + former_end)
    assert second.sequence == first.sequence + 1
    assert read(dut, channel, "duration", "mine") == [duration, mine]
    channel.hangup()
    await settle()
    assert second.ended == clock.time


async def test_events_of_the_dialplan_are_told(dut: DialplanUnderTest) -> None:
    told: list[tuple[str, str, str]] = []
    dut.dialplan.part(CallRecords).on_user_event = lambda channel, event, extra: told.append(
        (channel.name, event, extra)
    )
    channel = await dut.run("CELGenUserEvent(mine,a,b)\nCELGenUserEvent()\nWaitDigit()")
    assert told == [(channel.name, "mine", "a,b")]
